"""Keeps a copy of a tenant's people: everybody once, then what changes.

    ROLLCALL=https://scim.example.com TOKEN=rcl_… TENANT=acme python follow.py people.json

The copy and its place in the feed are written together, so it goes on there when it is started again, and nothing is missed.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TENANT = f"{os.environ['ROLLCALL']}/api/v1/tenants/{os.environ['TENANT']}"
TYPES = "user.*,role.*"


def get(path: str, **query: object) -> dict:
    request = urllib.request.Request(
        f"{TENANT}/{path}?{urllib.parse.urlencode(query)}",
        headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def kept(entry: dict) -> dict:
    """What this application wants to know of a person."""
    user = entry["user"]
    roles = sorted({grant["role"] for grant in entry["roles"]})
    return {"userName": user["userName"], "active": user.get("active", True), "roles": roles}


def load() -> dict:
    """Everybody, page by page. The place is that of the first page: it is true of all that was read after it."""
    people: dict[str, dict] = {}
    place = None
    cursor = {}
    while True:
        page = get("users", limit=200, **cursor)
        place = page["position"] if place is None else place
        people |= {entry["user"]["id"]: kept(entry) for entry in page["items"]}
        if "nextCursor" not in page:
            return {"place": place, "people": people}
        cursor = {"cursor": page["nextCursor"]}


def apply(people: dict[str, dict], event: dict) -> None:
    """An event says of whom something has changed; what there is now is read, so it does not matter how often it comes."""
    person = event["object"]["id"]
    try:
        people[person] = kept(get(f"users/{person}"))
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        people.pop(person, None)


def save(copy: dict, file: str) -> None:
    with open(f"{file}.new", "w", encoding="utf-8") as new:
        json.dump(copy, new, indent=1, sort_keys=True)
    os.replace(f"{file}.new", file)


def main(file: str) -> None:
    if os.path.exists(file):
        with open(file, encoding="utf-8") as old:
            copy = json.load(old)
    else:
        copy = load()
        save(copy, file)
    while True:
        try:
            page = get("events", after=copy["place"], types=TYPES, wait=30)
            for event in page["events"]:
                print(event["type"], event["object"]["id"], flush=True)
                apply(copy["people"], event)
            copy["place"] = page["last"]
        except urllib.error.HTTPError as error:
            problem = error.read().decode()
            if error.code == 429 or error.code >= 500:
                time.sleep(int(error.headers.get("Retry-After", 5)))
            elif json.loads(problem).get("field") == "after":
                # Away for longer than events are kept, or the database was restored.
                copy = load()
            else:
                sys.exit(f"{error.code}: {problem}")
        except OSError as error:
            print(f"{error}; trying again", file=sys.stderr)
            time.sleep(5)
        save(copy, file)


if __name__ == "__main__":
    main(sys.argv[1])
