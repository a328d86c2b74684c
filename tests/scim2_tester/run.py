"""Runs every check of scim2-tester against a server; prints one JSON object a line for each.

    run.py BASE_URL AUTHORIZATION [SEED]

A line has `check`, `resource` (name of a resource type or null), `status` (the suite's word: SUCCESS, COMPLIANT,
ACCEPTABLE, DEVIATION, ERROR, CRITICAL, SKIPPED), `reason` and, unless the check succeeded, `data`. No check is left
out. The exit code says only whether the suite ran to its end: the caller judges the lines. SEED makes the choices
between a few values (booleans, canonical values) the same again; names and ids are always new.
"""

import json
import random
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server


def main(base_url: str, authorization: str, seed: str = "1") -> None:
    random.seed(seed)
    with Client(base_url=base_url, headers={"Authorization": authorization}, timeout=30) as http:
        for result in check_server(SyncSCIMClient(http)):
            print(json.dumps(line(result)))


def line(result) -> dict:
    said = {
        "check": result.title,
        "resource": result.resource_type,
        "status": result.status.name,
        "reason": result.reason,
    }
    if result.status != Status.SUCCESS:
        said["data"] = None if result.data is None else str(result.data)
    return said


if __name__ == "__main__":
    main(*sys.argv[1:])
