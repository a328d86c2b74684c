"""The figures of `tests/long overload` as a table and two plots.

    python3 -m harness.overload FIGURES FOLDER
"""

import json
import sys
from pathlib import Path

from .figures import show
from .plots import svg, text

DATABASES = ("PostgreSQL", "SQLite")


def columns(title, groups):
    """p50 and p99 side by side. `groups` are (database, [(part, p50, p99)]), in milliseconds."""
    left, right, row, gap, width = 350, 120, 17, 12, 900
    highest = max(value for _, parts in groups for part in parts for value in part[1:])
    scale = (width - left - right) / highest
    parts, y = [], 52
    parts.append(text(left, y, "p50", 'class="first"'))
    parts.append(text(left + 40, y, "p99", 'class="second"'))
    for database, measured in groups:
        y += 26
        parts.append(text(20, y, database, 'font-weight="600"'))
        for name, *values in measured:
            y += gap
            parts.append(text(left - 12, y + row, name, 'text-anchor="end" font-size="12"'))
            for colour, value in zip(("first", "second"), values):
                long = max(1, value * scale)
                parts.append(f'<rect class="{colour}" x="{left}" y="{y + 2}" width="{long:.1f}" height="{row - 5}" rx="2"/>')
                parts.append(text(left + long + 6, y + row - 5, f"{show(value)} ms", 'class="faint" font-size="11"'))
                y += row
    return svg(width, y + 24, title, parts)


def main(file, folder):
    lines = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    of = {database: [line for line in lines if line["database"] == database] for database in DATABASES}
    print("| database | part | p50 | p99 | answered 2xx of |")
    print("| --- | --- | ---: | ---: | ---: |")
    for database in DATABASES:
        for line in of[database]:
            print(f"| {database} | {line['part']} | {line['p50']:.1f} ms | {line['p99']:.1f} ms | {line['accepted']} of {line['sent']} |")
    for name, title, wanted in (
        ("overload.svg", "A node at ten times what it sustains: what was accepted", ("sustained", "overload")),
        ("neighbour.svg", "A quiet tenant, 40 requests a second, and a neighbour that sends all it can", ("quiet",)),
    ):
        groups = [
            (database, [(line["part"], line["p50"], line["p99"]) for line in of[database] if line["part"].startswith(wanted)])
            for database in DATABASES
            if of[database]
        ]
        Path(folder, name).write_text(columns(title, groups), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
