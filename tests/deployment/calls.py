"""Holds the calls that a program made against those that its systemd unit allows.

    calls.py UNIT PROGRAM STRACE
"""

import re
import subprocess
import sys


def group(name: str) -> set[str]:
    told = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True).stdout
    calls: set[str] = set()
    for word in re.findall(r"^ +(@?[\w-]+)$", told, re.MULTILINE):
        calls |= group(word) if word.startswith("@") else {word}
    return calls


def allowed(unit: str) -> set[str]:
    calls: set[str] = set()
    with open(unit) as file:
        for line in re.findall(r"^SystemCallFilter=(.*)$", file.read(), re.MULTILINE):
            named = set().union(*(group(word) if word.startswith("@") else {word} for word in line.lstrip("~").split()))
            calls = calls - named if line.startswith("~") else calls | named
    return calls


def main(unit: str, program: str, trace: str) -> None:
    with open(trace) as file:
        _, begun, after = file.read().partition(f'execve("{program}"')
    assert begun, f"{trace} does not start {program}"
    made = set(re.findall(r"^\d+ +(\w+)\(", after, re.MULTILINE))
    refused = made - allowed(unit)
    assert len(made) > 30 and not refused, f"{unit} refuses {sorted(refused)} of {sorted(made)}"
    print(f"{len(made)} kinds of calls were made, and the unit allows them all")


if __name__ == "__main__":
    main(*sys.argv[1:])
