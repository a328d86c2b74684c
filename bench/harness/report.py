"""The table, and the machine that it was taken on."""

import os
import statistics
import subprocess
import time

from .services import processor


def machine(root, postgres_version, load_before):
    """Where and when, in one line."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=root, stdout=subprocess.PIPE, text=True, check=False
    ).stdout.strip()
    loads = f"{load_before[0]:.1f} before and {os.getloadavg()[0]:.1f} after"
    return (
        f"{time.strftime('%Y-%m-%d')}, commit {commit or 'unknown'}; {processor()}, {os.cpu_count()} cores;"
        f" PostgreSQL {postgres_version}; load average {loads}."
    )


def table(figures):
    """The ratios against their limits, in Markdown."""
    lines = ["| # | ratio | must reach | measured | |", "| --- | --- | --- | --- | --- |"]
    for ratio in figures.in_order():
        mark = "✓" if ratio.reached else "✗"
        lines.append(f"| {ratio.number} | {ratio.title} | {ratio.limit} | {ratio.shown} | {mark} |")
    return "\n".join(lines)


def medians(lines):
    """What each scenario gave, in Markdown: the middle of the rounds."""
    groups = {}
    for line in lines:
        if line["round"] and "p50_ms" in line and not line.get("trial"):
            scenario = line["scenario"] + (f" @{line['group']}" if "group" in line else "")
            groups.setdefault((line["server"], scenario), []).append(line)
    rows = ["| where | scenario | per second | p50 ms | p99 ms | CPU ms: server | database |", "| --- " * 7 + "|"]
    for (server, scenario), taken in sorted(groups.items()):

        def middle(key, digits, taken=taken):
            values = [line[key] for line in taken if key in line]
            return f"{statistics.median(values):.{digits}f}" if values else ""

        rows.append(
            f"| {server} | {scenario} | {middle('rps', 0)} | {middle('p50_ms', 2)} | {middle('p99_ms', 2)} "
            f"| {middle('server_cpu_ms', 3)} | {middle('database_cpu_ms', 3)} |"
        )
    return "\n".join(rows)


BEGIN, END = "<!-- bench/run writes from here -->", "<!-- to here -->"


def write(document, text, plots):
    """Puts the figures between the marks of the document."""
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise RuntimeError(f"{document} has no lines {BEGIN} and {END}")
    pictures = "\n\n".join(f"![{title}](benchmarks/{file})" for file, title in plots)
    document.write_text(f"{before}{BEGIN}\n{text}\n{pictures}\n{END}{after}", encoding="utf-8")
