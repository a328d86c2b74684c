"""One sitting: everything is set up once, the rows are measured round by round, everything is stopped."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .figures import Figures
from .load import HERE, Load
from .places import Place, on_postgres, on_sqlite
from .rows import ROWS, Rows
from .services import Ceiling, Postgres, Rollcall, say

# N of the table: groups of 10 000 leave 200 people to put in and out.
USUAL = 10_200
FULL = 1_000_000
TENANTS = 200

# Which rows need what.
NEEDS_CEILING = {1, 2, 4, 5, 8, 10}
NEEDS_POSTS = {4, 15}
NEEDS_GROUPS = {6, 7}


class Sitting:
    """What runs, and what it has given so far."""

    def __init__(self, options, server, tools, results):
        self.options = options
        self.server = server
        self.tools = tools
        self.results = results
        self.figures = Figures()
        self.rows = USUAL
        self.places = []
        self.ceiling = None
        self.tenants_place = None
        self.running = contextlib.ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="rollcall-bench."))
        self.running.callback(shutil.rmtree, self.folder, ignore_errors=True)
        # PostgreSQL's own user must get to its data.
        self.folder.chmod(0o711)

    def wanted(self):
        return [row for row in ROWS if not self.options.only or row[0] in self.options.only]

    def set_up(self):
        """Starts and fills all that the wanted rows need."""
        self.postgres = Postgres(self.folder)
        self.running.callback(self.postgres.stop)
        self.load = Load(self.tools, self.results, self.postgres, self.options.seconds)
        self.running.callback(self.load.close)
        numbers = {row[0] for row in self.wanted()}
        scales = sorted({*self.options.scales, USUAL})
        if numbers <= {1, 2, 4, 5, 11, 14, 15}:
            scales = [USUAL]
        if numbers & NEEDS_CEILING:
            self.make_ceiling()
        for users in scales:
            place = on_postgres(self.server, self.folder, self.postgres, users, self.options.partitions)
            self.running.callback(place.installation.stop)
            place.fill(self.load)
            self.places.append(place)
        self.main = next(place for place in self.places if place.users == USUAL)
        self.small, self.largest = self.places[0], self.places[-1]
        self.large = next((place for place in reversed(self.places) if place.users < FULL), self.largest)
        if numbers & NEEDS_POSTS:
            self.posts = self.main.beside("posts")
            self.posts.fill(self.load)
        if numbers & NEEDS_GROUPS:
            # In a tenant of its own: people who are in groups are more work for all other rows, too.
            self.grouped = self.large.beside("groups")
            self.grouped.fill(self.load)
            # All but some of the people; a hundred thousand where there are so many.
            most = 10 ** (len(str(self.large.users)) - 1)
            sizes = [0, 10_000] + ([most] if most > 10_000 else [])
            if most == self.large.users:
                sizes[-1] = most - 200
            self.grouped.make_groups(self.load, sizes)
        self.mixing = {}
        if 10 in numbers:
            # It puts people into groups, who are more work for all other rows from then on.
            for place in (self.small, self.main, self.large):
                if place.users not in self.mixing:
                    self.mixing[place.users] = place.beside("mixed")
                    self.mixing[place.users].fill(self.load)
        if 13 in numbers:
            self.set_up_sqlite()

    def make_ceiling(self):
        self.postgres.create("ceiling")
        self.postgres.psql(file=HERE / "pg/schema.sql", database="ceiling")
        self.postgres.psql(file=HERE / "pg/load.sql", database="ceiling", lo=0, hi=self.rows - 1)
        url = self.postgres.url("ceiling")
        self.ceiling = Ceiling(self.tools / "ceiling", url, self.folder / "ceiling.log")
        self.running.callback(self.ceiling.stop)

    def set_up_sqlite(self):
        self.sqlite = self.new_sqlite(USUAL)
        largest = self.large.users
        self.sqlite_large = self.sqlite if largest == USUAL else self.new_sqlite(largest)

    def new_sqlite(self, users):
        place = on_sqlite(self.server, self.folder, users)
        self.running.callback(place.installation.stop)
        place.fill(self.load)
        return place

    def many_tenants(self):
        """An installation of 200 tenants; gives the generator's file of them."""
        self.postgres.create("rollcall_tenants")
        url = self.postgres.url("rollcall_tenants")
        installation = Rollcall(self.server, self.folder / "rollcall_tenants", url)
        installation.command("migrate")
        installation.start()
        self.running.callback(installation.stop)
        self.tenants_place = installation
        file = installation.folder / "tenants"
        lines = []
        for slug, authorization in installation.tenants(TENANTS):
            place = Place(slug, installation, self.postgres, 0, slug)
            lines.append(f"{installation.base(slug)}\t{authorization}\t{place.roster}\n")
        file.write_text("".join(lines))
        say(f"{TENANTS} tenants are made")
        return file

    @contextlib.contextmanager
    def without_row_level_security(self):
        """The same server and the same rows; only the policies of the tables are off.

        What remains is what naming the tenant to the database costs: the server does that in each transaction.
        """
        database = self.main.database
        tables = self.postgres.psql(
            "SELECT oid::regclass FROM pg_class WHERE relrowsecurity ORDER BY 1", database=database
        ).split()
        if not tables:
            raise RuntimeError("no table has row-level security: there is no price to measure")

        def switch(word):
            sql = "".join(f"ALTER TABLE {table} {word} ROW LEVEL SECURITY;" for table in tables)
            for attempt in range(5):
                try:
                    self.postgres.psql("BEGIN;" + sql + "COMMIT", database=database)
                    return
                except RuntimeError as error:
                    # The server takes these tables in other orders; nothing has happened then.
                    if attempt == 4 or "deadlock detected" not in str(error):
                        raise

        switch("DISABLE")
        try:
            yield
        finally:
            switch("ENABLE")

    def tidy(self):
        databases = [place.database for place in self.places]
        if self.ceiling:
            databases.append("ceiling")
        self.postgres.tidy(*databases)

    def measure(self):
        """All rounds of all wanted rows; what is measured once comes last."""
        rows = Rows(self)
        each = [row for row in self.wanted() if row[3]]
        once = [row for row in self.wanted() if not row[3]]
        steps, done, start = len(each) * self.options.rounds + len(once), 0, time.monotonic()
        for number in range(1, self.options.rounds + 1):
            self.load.round = number
            rows.start_round()
            last = number == self.options.rounds
            self.tidy()
            for row in each + (once if last else []):
                spent = time.monotonic() - start
                left = f", about {spent / done * (steps - done) / 60:.0f} min left" if done else ""
                say(f"round {number} of {self.options.rounds}, row {row[0]}: {row[1]} ({done} of {steps} done{left})")
                try:
                    row[2](rows)
                except RuntimeError as error:
                    # The other rows still say something.
                    self.load.fault(f"row {row[0]} ({row[1]}): {error}")
                done += 1

    def close(self):
        self.running.close()


def build(root, options):
    """Builds the server as it is shipped, unless one is given, and the tools; gives their paths."""
    bench = root / "bench"
    if not options.server:
        say("building the server as it is shipped: cargo build --profile dist -p rollcall")
        subprocess.run(["cargo", "build", "--profile", "dist", "--locked", "-p", "rollcall"], cwd=root, check=True)
    say("building the tools of the benchmark")
    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=bench, check=True)
    return options.server or root / "target/dist/rollcall", bench / "target/release"
