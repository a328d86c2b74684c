"""Tenants of one size each, filled with users: what the scenarios are run against."""

import subprocess
import time

from .services import GENERATOR_CORE, Rollcall, run, say

# Above this many, users come by `rollcall import`, so many a file: it takes 256 MiB at most.
MOST_POSTED = 20_000
MOST_IMPORTED = 500_000

# Seconds that the server may take for what an import leaves to it.
PATIENCE_AFTER_IMPORT = 900

# So many come before the database gathers statistics.
FIRST_POSTED = 500


class Place:
    """A tenant of so many users on an installation."""

    def __init__(self, name, installation, postgres, users, slug="bench"):
        self.name = name
        self.installation = installation
        self.postgres = postgres
        self.users = users
        self.slug = slug
        self.roster = installation.folder / f"{slug}.roster"
        self.authorization = None
        self.basic_authorization = None
        self.sizes = []

    def arguments(self, authorization=None):
        """Where, who and whose figures, for the generator."""
        words = ["--base", self.installation.base(self.slug), "--authorization", authorization or self.authorization]
        words += ["--roster", self.roster, "--server-pid", self.installation.pid]
        return words + (["--database-pid", self.postgres.pid] if self.postgres else [])

    @property
    def database(self):
        """Its name in PostgreSQL."""
        return self.installation.environment["ROLLCALL_DATABASE_URL"].rsplit("/", 1)[1]

    def basic(self):
        """Authorization header of a user name and its password, made when it is first asked for."""
        self.basic_authorization = self.basic_authorization or self.installation.basic(self.slug)
        return self.basic_authorization

    def beside(self, slug):
        """Another tenant of as many users on the same installation."""
        return Place(f"{self.name} ({slug})", self.installation, self.postgres, self.users, slug)

    def fill(self, load):
        """Makes the tenant and its users, and starts the server."""
        installation = self.installation
        self.authorization = installation.tenant(self.slug)
        start = time.monotonic()
        if self.users > MOST_POSTED:
            self.fill_by_import(load)
            installation.start()
            # The server gives the entries of the import their numbers.
            load.rest(installation.pid, patience=PATIENCE_AFTER_IMPORT)
            load.generate(["walk", *self.arguments()], server=self.name)
        else:
            installation.start()
            first = min(FIRST_POSTED, self.users)
            self.post(load, first)
            if self.postgres:
                # New tables have no statistics, and autovacuum would gather them within a minute.
                self.postgres.tidy(self.database)
            self.post(load, self.users - first)
        say(f"{self.name}: {self.users} users in {time.monotonic() - start:.0f} s")

    def post(self, load, count):
        if not count:
            return
        words = ["run", "create", "--secs", 3600, "--requests", count, *self.arguments()]
        line = load.generate(words, server=self.name, filling=True)
        if line["errors"]:
            raise RuntimeError(f"{self.name}: users cannot be created: {line['sample']}")

    def fill_by_import(self, load):
        file = self.installation.folder / "users.csv"
        secs = 0
        for first in range(0, self.users, MOST_IMPORTED):
            count = min(MOST_IMPORTED, self.users - first)
            csv = [load.tools / "loadgen", "csv", "--first", str(first), "--users", str(count), "--prefix", "bench"]
            with open(file, "wb") as out:
                subprocess.run(csv, stdout=out, check=True)
            start = time.monotonic()
            self.installation.command("import", self.slug, str(file))
            secs += time.monotonic() - start
            file.unlink()
            if self.postgres:
                self.postgres.tidy(self.database)
        line = {"scenario": "import", "users": self.users, "secs": secs, "rps": self.users / secs, "errors": 0, "wrong": 0}
        load.keep(line, server=self.name)

    def make_groups(self, load, sizes):
        """Groups of these sizes from the first users."""
        self.sizes = sizes
        start = time.monotonic()
        words = ["groups", "--sizes", ",".join(map(str, sizes)), *self.arguments()]
        run([*GENERATOR_CORE, load.tools / "loadgen", *map(str, words)])
        say(f"{self.name}: groups of {', '.join(map(str, sizes))} members in {time.monotonic() - start:.0f} s")


def on_postgres(binary, folder, postgres, users, partitions=0):
    database = f"rollcall_{users}"
    postgres.create(database)
    installation = Rollcall(binary, folder / database, postgres.url(database))
    installation.command("migrate", *(["--partitions", str(partitions)] if partitions else []))
    return Place(f"postgres {users}", installation, postgres, users)


def on_sqlite(binary, folder, users):
    installation = Rollcall(binary, folder / f"sqlite_{users}")
    installation.command("migrate")
    return Place(f"sqlite {users}", installation, None, users)
