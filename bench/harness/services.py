"""What runs while figures are taken: PostgreSQL, Rollcall and the ceilings, each pinned to core 0 and stopped at the end."""

import base64
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SERVER_CORE = ["taskset", "-c", "0"]
GENERATOR_CORE = ["taskset", "-c", "1"]

# PostgreSQL as the ceilings of pgbench were taken with; nothing that weakens durability.
POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "synchronous_commit": "on",
    "fsync": "on",
}


def say(text):
    """Tells a person how far it is."""
    print(time.strftime("[%H:%M:%S] ") + text, file=sys.stderr, flush=True)


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(command, **options):
    """Runs a command that must succeed; gives its standard output."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        shown = " ".join(str(word) for word in command)
        raise RuntimeError(f"{shown[:400]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def wait_for(url, process, what):
    """Waits until the URL answers with anything at all."""
    for _ in range(1200):
        if process.poll() is not None:
            raise RuntimeError(f"{what} ended with {process.returncode}; see its log")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{what} does not answer at {url}")


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Postgres:
    """A server of its own in a temporary folder."""

    def __init__(self, folder):
        binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
        if not binaries:
            raise RuntimeError("there is no PostgreSQL server: tests/run installs it, or apt-get install postgresql")
        self.binaries = Path(binaries[-1]).parent
        self.data = folder / "postgres"
        self.log = folder / "postgres.log"
        self.port = free_port()
        self.as_owner = []
        if os.getuid() == 0:
            # PostgreSQL does not run as root.
            self.as_owner = ["runuser", "-u", "postgres", "--"]
            self.data.mkdir()
            shutil.chown(self.data, "postgres")
            self.log.touch()
            shutil.chown(self.log, "postgres")
        initdb = [self.binaries / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        run(self.as_owner + initdb)
        with open(self.data / "postgresql.auto.conf", "a", encoding="utf-8") as settings:
            for name, value in {**POSTGRES_SETTINGS, "port": self.port}.items():
                settings.write(f"{name} = '{value}'\n")
        start = [self.binaries / "pg_ctl", "-D", self.data, "-l", self.log, "-w", "start"]
        subprocess.run(self.as_owner + SERVER_CORE + start, check=True, stdout=subprocess.DEVNULL)
        self.pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        self.version = self.psql("SHOW server_version").strip()

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def psql(self, sql=None, database="postgres", file=None, **variables):
        """Runs SQL; gives the rows without headers."""
        command = [self.binaries / "psql", self.url(database), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        for name, value in variables.items():
            command += ["-v", f"{name}={value}"]
        command += ["-f", file] if file else ["-c", sql]
        return run(command)

    def create(self, database):
        self.psql(f"CREATE DATABASE {database}")

    def tidy(self, *databases):
        """What autovacuum and the checkpointer would do some minutes later, in the middle of a measurement."""
        for database in databases:
            self.psql("VACUUM ANALYZE", database=database)
        self.psql("CHECKPOINT")

    def stop(self):
        command = [self.binaries / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop"]
        subprocess.run(self.as_owner + command, stdout=subprocess.DEVNULL, check=False)


class Rollcall:
    """An installation of its own: a database, and a server when it is started."""

    def __init__(self, binary, folder, database_url=None):
        self.binary = binary
        self.folder = folder
        folder.mkdir()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}
        self.environment["ROLLCALL_DATA_DIR"] = str(folder)
        self.environment["ROLLCALL_LOG"] = "warn"
        if database_url:
            self.environment["ROLLCALL_DATABASE_URL"] = database_url
            self.environment["ROLLCALL_MASTER_KEY"] = base64.b64encode(bytes(32)).decode()
        self.process = None
        self.pid = 0
        self.port = free_port()

    def command(self, *arguments):
        """Runs a command of the program; gives what it prints."""
        return run([self.binary, *arguments], env=self.environment, cwd=self.folder).strip()

    def start(self):
        """Starts the server, unless it runs."""
        if self.process:
            return
        log = open(self.folder / "server.log", "ab")
        serve = [*SERVER_CORE, self.binary, "serve", "--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(serve, env=self.environment, cwd=self.folder, stdout=log, stderr=log)
        log.close()
        self.pid = self.process.pid
        wait_for(f"http://127.0.0.1:{self.port}/healthz", self.process, f"rollcall (log: {self.folder}/server.log)")
        # The runtime has as many workers as cores are given to it.
        if os.sched_getaffinity(self.pid) != {0}:
            raise RuntimeError(f"rollcall {self.folder.name} is not on core 0 alone")
        say(f"rollcall {self.folder.name} serves on core 0, process {self.pid}")

    def stop(self):
        if self.process:
            stop(self.process)
            self.process = None

    def base(self, slug):
        return f"http://127.0.0.1:{self.port}/t/{slug}/scim/v2"

    def tenant(self, slug):
        """Makes a tenant; gives its Authorization header."""
        self.command("tenant", "create", slug, "--profile", "generic", "--activate")
        return "Bearer " + self.command("token", "create", slug, "--name", "Bench", "--expires-in", "1y")

    def basic(self, slug):
        """Makes a user name with a password; gives its Authorization header."""
        user = f"bench@{slug}"
        password = self.command("basic", "create", slug, "--username", user)
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def tenants(self, count):
        """Makes many tenants through the API; gives (slug, Authorization header) of each."""
        token = self.command("token", "create", "--platform", "--name", "Bench", "--expires-in", "30d")
        made = []
        for number in range(count):
            slug = f"tenant-{number:03}"
            self.api(token, "tenants", {"slug": slug, "activate": True})
            answer = self.api(token, f"tenants/{slug}/credentials/tokens", {"name": "Bench", "expiresIn": "30d"})
            made.append((slug, "Bearer " + answer["token"]))
        return made

    def api(self, token, path, body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/{path}",
            data=json.dumps(body).encode(),
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


class Ceiling:
    """axum and one statement, see bench/ceiling."""

    def __init__(self, binary, database_url, log):
        self.port = free_port()
        command = [*SERVER_CORE, binary, "--port", str(self.port), "--pg", database_url]
        with open(log, "ab") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=file)
        self.pid = self.process.pid
        wait_for(f"http://127.0.0.1:{self.port}/", self.process, "ceiling")

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def stop(self):
        stop(self.process)


def processor():
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    name = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return name.group(1) if name else "unknown processor"
