"""Runs the generator, pgbench and sqlitebench; keeps each measurement as a line of JSON."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from .services import GENERATOR_CORE, SERVER_CORE, run, say

HERE = Path(__file__).resolve().parent.parent


# Servers are at rest when they use less than this share of a core, for so many seconds; no longer is waited for it.
REST, REST_SECS, PATIENCE = 0.1, 0.4, 15


def cpu_seconds(processes):
    """CPU time that these processes and their children have used so far."""
    parents, used = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1])
            used[int(folder.name)] = (int(fields[11]) + int(fields[12])) / 100
    return sum(spent for process, spent in used.items() if process in processes or parents[process] in processes)


class Load:
    """Measures, for as many seconds as were asked for, and remembers."""

    def __init__(self, tools, results, postgres, seconds):
        self.tools = tools
        self.postgres = postgres
        self.seconds = seconds
        self.warm_up = min(1.0, seconds / 4)
        self.file = open(results, "a", encoding="utf-8")
        self.round = 0
        self.faults = []

    def keep(self, line, **labels):
        """Writes a line; one with faults is told at once and at the end."""
        line = {**labels, "round": self.round, "at": round(time.time()), "load_average": os.getloadavg()[0], **line}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        if line.get("errors") or line.get("wrong"):
            fault = f"{line['server']}, {line['scenario']}: {line['errors']} errors, {line['wrong']} wrong: {line.get('sample')}"
            self.fault(fault)
        return line

    def fault(self, text):
        """Remembers what went wrong, and tells it at once."""
        self.faults.append(text)
        say("✗ " + text[:2000])

    def generate(self, arguments, **labels):
        output = run([*GENERATOR_CORE, self.tools / "loadgen", *map(str, arguments)])
        return self.keep(json.loads(output), **labels)

    def rest(self, *servers, patience=PATIENCE):
        """Waits until what servers do behind a change (numbering, logs, vacuum) is done: it belongs to no other row."""
        watched, start = {self.postgres.pid, *servers}, time.monotonic()
        before = cpu_seconds(watched)
        while time.monotonic() - start < patience:
            time.sleep(REST_SECS)
            after = cpu_seconds(watched)
            if after - before < REST * REST_SECS:
                break
            before = after
        if time.monotonic() - start > 5:
            say(f"the servers were at rest after {time.monotonic() - start:.0f} s")

    def time(self, seconds=None):
        return ["--secs", seconds or self.seconds, "--warm-up", self.warm_up]

    def scim(self, place, scenario, *more, authorization=None, seconds=None):
        """One scenario against an installation, see harness/places.py."""
        self.rest(place.installation.pid)
        return self.generate(
            ["run", scenario, *self.time(seconds), *place.arguments(authorization), *more],
            server=place.name,
        )

    def ceiling(self, ceiling, path, rows, post=False):
        self.rest()
        pids = ["--server-pid", ceiling.pid, "--database-pid", self.postgres.pid]
        arguments = ["raw", ceiling.url(path), "--rows", rows, *self.time(), *pids, *(["--post"] if post else [])]
        return self.generate(arguments, server="ceiling" + path)

    def pgbench(self, script, rows):
        """A script of bench/pg with 16 clients; its latencies are taken from its own log."""
        self.rest()
        before = self.database_cpu()
        with tempfile.TemporaryDirectory() as log:
            command = [
                *GENERATOR_CORE, self.postgres.binaries / "pgbench", "-n", "-M", "prepared", "-c", "16", "-j", "1",
                "-T", str(max(1, round(self.seconds))), "-D", f"rows={rows}", "-D", "off=0",
                "-D", "doc=" + (HERE / "pg/doc.json").read_text().strip(),
                "-D", 'det={"id":"00000000-0000-0000-0000-000000000001","by":"bench"}',
                "-l", "--log-prefix", f"{log}/l", "-f", HERE / f"pg/{script}.sql", self.postgres.url("ceiling"),
            ]
            output = run(command)
            took = sorted(
                int(line.split()[2]) for file in Path(log).iterdir() for line in file.read_text().splitlines()
            )
        if not took:
            raise RuntimeError(f"pgbench {script} did nothing:\n{output}")
        # The back ends hand over their CPU time when they end.
        time.sleep(0.2)
        used = self.database_cpu() - before
        tps = next(float(line.split()[2]) for line in output.splitlines() if line.startswith("tps = "))
        line = {
            "scenario": script, "users": rows, "connections": 16, "ops": len(took), "errors": 0, "wrong": 0, "rps": tps,
            "p50_ms": took[len(took) // 2] / 1e3, "p95_ms": took[len(took) * 95 // 100] / 1e3,
            "p99_ms": took[len(took) * 99 // 100] / 1e3, "database_cpu_ms": round(used * 1e3 / len(took), 4),
        }
        return self.keep(line, server="pgbench")

    def database_cpu(self):
        """Seconds of CPU of back ends that have ended."""
        fields = Path(f"/proc/{self.postgres.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[13]) + int(fields[14])) / 100

    def sqlitebench(self, file, rows):
        """The create transaction, durable (synchronous=FULL)."""
        command = [*SERVER_CORE, self.tools / "sqlitebench", file, str(rows), "--secs", str(self.seconds), "--writes-only"]
        return self.keep(json.loads(run(command)), server="sqlitebench")

    def close(self):
        self.file.close()
