"""Who is this? What an application asks when somebody signs in.

    ROLLCALL=https://scim.example.com TOKEN=rcl_… TENANT=acme python sign_in.py userName ann@example.com

The first argument is userName, externalId or email. Ends with 0 if there is one such person, and it is active.
"""

import json
import os
import sys
import urllib.parse
import urllib.request


def look_up(key: str, value: str) -> list[dict]:
    """The users who have it, active or not; nobody is an empty list."""
    query = urllib.parse.urlencode({key: value})
    request = urllib.request.Request(
        f"{os.environ['ROLLCALL']}/api/v1/tenants/{os.environ['TENANT']}/users?{query}",
        headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["items"]


def main() -> int:
    found = look_up(*sys.argv[1:3])
    if len(found) != 1:
        print("nobody" if not found else "more than one; ask for the userName")
        return 1
    person = found[0]
    if not person["user"].get("active", True):
        print(f"{person['user']['userName']} is deactivated")
        return 1
    print(f"{person['user']['userName']} may enter")
    for grant in person["roles"]:
        print(f"  as {grant['role']}, by {'the group ' * ('id' in grant['via'])}{grant['via']['display']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
