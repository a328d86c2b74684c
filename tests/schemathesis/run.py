"""Runs schemathesis against /api/v1 of a server; prints one line of JSON: what was tried, and what failed.

    run.py ORIGIN TOKEN SEED EXAMPLES PHASES

What is described is what the server itself describes. A path of it leads nowhere by a made-up name, so that most requests
would end at 404; hence the parameters of paths take, beside whatever the description allows, what the server has: its
tenants, and the ids that its lists tell. The tenant that everything is about is not deleted, and the token that is used is
not revoked.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

# Not every request that fits the description fits the server: a slug may be taken, a text may be no profile; those are 422.
# And who comes often with wrong tokens is answered 429, later and later; that each route asks for one is tried elsewhere.
UNTRUE = "positive_data_acceptance,ignored_auth"
# What the token that is used is called.
OWN = "Trial"


def main(origin: str, token: str, seed: str, examples: str, phases: str) -> None:
    def get(path: str):
        request = urllib.request.Request(f"{origin}{path}", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    description = get("/api/v1/openapi.json")
    fill(description, get)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "openapi.json")
        file.write_text(json.dumps(description))
        command = [
            pathlib.Path(sys.executable).with_name("st"), "run", file, "--url", origin,
            "--header", f"Authorization: Bearer {token}", "--seed", seed, "--max-examples", examples,
            "--phases", phases, "--checks", "all", "--exclude-checks", UNTRUE, "--workers", "1",
            "--continue-on-failure", "--warnings", "off", "--suppress-health-check", "all",
            "--request-timeout", "30", "--no-color",
        ]
        ran = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True)
    said = re.search(r"(\d+) generated", ran.stdout)
    tested = re.search(r"Tested: (\d+)", ran.stdout)
    result = {
        "cases": int(said[1]) if said else 0,
        "operations": int(tested[1]) if tested else 0,
        "described": sum(len(one.keys() & METHODS) for one in description["paths"].values()),
        "passed": ran.returncode == 0,
    }
    if ran.returncode != 0:
        result["said"] = (ran.stdout + ran.stderr)[-20_000:]
    print(json.dumps(result))


METHODS = {"get", "put", "post", "patch", "delete"}


def fill(description: dict, get) -> None:
    """Gives the parameters of paths what there is."""
    known: dict[str, list[str]] = {}
    for path in description["paths"]:
        whole, _, last = path.rpartition("/{")
        if last != "id}" or whole in known or "get" not in description["paths"].get(whole, {}):
            continue
        items = get(whole.replace("{slug}", "acme"))["items"]
        known[whole] = [one.get("id") or one["user"]["id"] for one in items if one.get("name") != OWN]
    for path, methods in description["paths"].items():
        for method in methods.keys() & METHODS:
            for parameter in methods[method].get("parameters", []):
                values = there_is(parameter["name"], path, method, known)
                if parameter["in"] == "path" and values:
                    parameter["schema"] = {"anyOf": [{"enum": values}, parameter["schema"]]}
                    parameter["example"] = values[0]


def there_is(name: str, path: str, method: str, known: dict[str, list[str]]) -> list[str]:
    if name == "slug":
        return [] if (path, method) == ("/api/v1/tenants/{slug}", "delete") else ["acme"]
    if name == "id":
        return known.get(path.split("/{id}")[0], [])
    return {"name": ["roles"], "role": ["Manager"], "host": ["scim.acme.example"]}.get(name, [])


if __name__ == "__main__":
    main(*sys.argv[1:])
