"""The rows of the table: what is measured for each, in which order, and what it is divided by.

Each function is one row of one round. A ceiling is taken right before what is held against it.
"""

from .services import say


def cpu(line):
    """CPU milliseconds of server and database for a request."""
    return line["server_cpu_ms"] + line.get("database_cpu_ms", 0)


class Rows:
    """Measures rows on a sitting's places; see `ROWS` for which there are."""

    def __init__(self, sitting):
        self.sitting = sitting
        self.load = sitting.load
        self.figures = sitting.figures
        self.taken = {}

    def start_round(self):
        self.taken = {}

    def add(self, number, title, value, **limits):
        self.figures.add(number, title, value, **limits)

    def take(self, place, scenario, *more):
        """Measures once a round, however many rows ask for it."""
        key = (place.name, scenario, *more)
        if key not in self.taken:
            self.taken[key] = self.load.scim(place, scenario, *more)
        return self.taken[key]

    def ceiling(self, path, post=False):
        key = ("ceiling", path, post)
        if key not in self.taken:
            self.taken[key] = self.load.ceiling(self.sitting.ceiling, path, self.sitting.rows, post)
        return self.taken[key]

    def pgbench(self, script):
        if ("pgbench", script) not in self.taken:
            self.taken["pgbench", script] = self.load.pgbench(script, self.sitting.rows)
        return self.taken["pgbench", script]

    def get(self):
        ceiling = self.ceiling("/pg/user/{i}")
        get = self.take(self.sitting.main, "get")
        self.add("1", "GET by id ÷ axum + one SELECT", get["rps"] / ceiling["rps"], at_least=0.80)

    def by_name(self):
        ceiling = self.ceiling("/pg/name/{i}")
        eq = self.take(self.sitting.main, "eq")
        self.add("2", "`userName eq` ÷ axum + one SELECT by name", eq["rps"] / ceiling["rps"], at_least=0.70)

    def growth(self):
        small, large = self.sitting.small, self.sitting.largest
        at_small, at_large = self.take(small, "eq"), self.take(large, "eq")
        remark = "" if large.users >= 1_000_000 else f"at {large.users}"
        title = "`userName eq` at 1 000 000 users ÷ at 1 000, p50"
        self.add("3", title, at_large["p50_ms"] / at_small["p50_ms"], at_most=1.9, remark=remark)

    def create(self):
        bench = self.pgbench("insert_txn")
        ceiling = self.ceiling("/pg/user", post=True)
        create = self.take(self.sitting.posts, "create")
        self.add("4", "POST ÷ axum + create transaction", create["rps"] / ceiling["rps"], at_least=0.80)
        self.add("4", "POST ÷ pgbench's create transaction", create["rps"] / bench["rps"], at_least=0.42)

    def change(self):
        bench = self.pgbench("update_txn")
        for scenario, title in [("put", "PUT"), ("patch_active", "PATCH active")]:
            line = self.take(self.sitting.main, scenario)
            title += " ÷ pgbench's update transaction"
            self.add("5", title, line["rps"] / bench["rps"], at_least=0.40)

    def member(self):
        place = self.sitting.grouped
        lines = {size: self.take(place, "group_member", "--group-size", size) for size in place.sizes}
        for size in place.sizes[1:]:
            title = f"PATCH one member, group of {size} ÷ empty group, p50"
            self.add("6", title, lines[size]["p50_ms"] / lines[0]["p50_ms"], at_most=1.1)

    def group(self):
        place = self.sitting.grouped
        size = place.sizes[1]
        for scenario, title in [("group_get", "GET group"), ("group_eq", "`displayName eq`")]:
            none = self.take(place, scenario, "--group-size", 0)
            full = self.take(place, scenario, "--group-size", size)
            title += f" without members, {size} members ÷ none, p50"
            self.add("7", title, full["p50_ms"] / none["p50_ms"], at_most=1.1)
        for scenario in ["get", "eq", "page_first"]:
            # Not held against anything: what it costs that people are in groups.
            self.take(place, scenario)

    def pages(self):
        bench = self.pgbench("list_keyset")
        page = self.take(self.sitting.main, "page_first")
        self.add("8", "page of 100 ÷ pgbench's page by key", page["rps"] / bench["rps"], at_least=0.40)
        large, largest = self.sitting.large, self.sitting.largest
        for place in self.sitting.places:
            # Not held against anything, but on the plot.
            self.take(place, "page_first")
            self.take(place, "page_last")
        for place, limit in [(large, 1.2)] + ([(largest, 1.5)] if largest is not large else []):
            first, last = self.take(place, "page_first"), self.take(place, "page_last")
            title = f"last page ÷ first at {place.users} users, p50"
            self.add("8", title, last["p50_ms"] / first["p50_ms"], at_most=limit)

    def filters(self):
        for place in self.sitting.places:
            eq, email = self.take(place, "eq"), self.take(place, "email_eq")
            title = f"e-mail value path ÷ own `userName eq` at {place.users}, p50"
            self.add("9", title, email["p50_ms"] / eq["p50_ms"], at_most=1.3)
        large = self.sitting.large
        line = self.take(large, "family_co")
        self.add("9", f"`co` on family name at {large.users}, CPU", cpu(line), at_most=2.0, unit=" ms")

    def mixed(self):
        ceiling = self.ceiling("/pg/name/{i}")
        mixing = self.sitting.mixing
        mixed = self.take(mixing[self.sitting.main.users], "mixed")
        self.add("10", "mixed load ÷ axum + one SELECT by name", mixed["rps"] / ceiling["rps"], at_least=0.40)
        small, large = (self.take(mixing[place.users], "mixed") for place in (self.sitting.small, self.sitting.large))
        title = f"mixed load at {self.sitting.large.users} users ÷ at {self.sitting.small.users}, CPU"
        self.add("10", title, cpu(large) / cpu(small), at_most=1.15)

    def tail(self):
        for scenario, title in [("get", "GET by id"), ("eq", "`userName eq`"), ("page_first", "page of 100")]:
            line = self.take(self.sitting.main, scenario)
            self.add("11", f"p99 ÷ p50, {title}", line["p99_ms"] / line["p50_ms"], at_most=3.0)

    def memory(self):
        small, large = self.sitting.small, self.sitting.large
        at_small, at_large = self.peak(small), self.peak(large)
        title = f"peak RSS with PostgreSQL at {large.users} users, a password verified"
        self.add("12", title, at_large, at_most=60, unit=" MiB")
        self.add("12", f"the same ÷ at {small.users}", at_large / at_small, at_most=1.1)

    def peak(self, place):
        """Highest memory of a server that did a bit of everything."""
        place.installation.stop()
        place.installation.start()
        self.load.scim(place, "get", authorization=place.basic())
        for scenario in ["get", "eq", "family_co", "page_first", "page_last", "put", "patch_active", "mixed"]:
            line = self.load.scim(place, scenario)
        return line["peak_rss_mib"]

    def sqlite(self):
        place = self.sitting.sqlite
        get, sqlite_get = self.take(self.sitting.main, "get"), self.take(place, "get")
        bench = self.load.sqlitebench(self.sitting.folder / "sqlitebench.db", self.sitting.rows)
        create = self.take(place, "create")
        self.add("13", "SQLite: POST ÷ `sqlitebench`, synchronous=FULL", create["rps"] / bench["rps"], at_least=0.55)
        self.add("13", "SQLite: GET ÷ own PostgreSQL mode", sqlite_get["rps"] / get["rps"], at_least=2.5)

    def sqlite_memory(self):
        place = self.sitting.sqlite_large
        title = f"SQLite: peak RSS at {place.users} users, a password verified"
        self.add("13", title, self.peak(place), at_most=120, unit=" MiB")

    def tenants(self):
        """The highest rate that is kept in short runs; then the long run, slower where it is not kept after all."""
        options = self.sitting.options
        file = self.sitting.many_tenants()
        rate, kept, step = 0.4 * self.take(self.sitting.main, "mixed")["rps"], None, 4 if options.quick else 30
        while True:
            line = self.steady(file, rate, step, trial=True)
            if self.is_sustained(line, rate):
                kept, rate = rate, rate * 1.2
            elif kept:
                break
            else:
                rate = self.slower(rate)
        secs = 30 if options.quick else 300
        while True:
            say(f"200 tenants at {kept:.0f} requests a second for {secs} s")
            line = self.steady(file, kept, secs)
            if self.is_sustained(line, kept):
                break
            kept = self.slower(kept)
        title = f"200 tenants at once for {secs} s: worst p99 ÷ best"
        chance = line["chance_worst_p99_ms"] / line["chance_best_p99_ms"]
        remark = f"at {kept:.0f} a second, {line['ops'] / line['tenants']:.0f} requests of each; "
        remark += f"were the same answers dealt among them by chance: {chance:.2f}"
        self.add("14", title, line["worst_p99_ms"] / line["best_p99_ms"], at_most=1.5, remark=remark)

    @staticmethod
    def slower(rate):
        if rate < 20:
            raise RuntimeError("200 tenants: not even 20 requests a second are answered within 100 ms")
        return rate * 0.85

    @staticmethod
    def is_sustained(line, rate):
        return not line["errors"] and line["rps"] >= 0.98 * rate and line["p99_ms"] <= 100

    def steady(self, file, rate, secs, **labels):
        users = 50 if self.sitting.options.quick else 200
        words = ["tenants", "--tenants", file, "--rate", rate, "--secs", secs, "--users", users]
        words += ["--server-pid", self.sitting.tenants_place.pid, "--database-pid", self.sitting.postgres.pid]
        return self.load.generate(words, server="postgres, 200 tenants", **labels)

    def prices(self):
        """By CPU time of server and database, which moves less than the rate when the machine is shared."""
        main = self.sitting.main
        for scenario in ["get", "eq"]:

            def basic(scenario=scenario):
                return self.load.scim(main, scenario, authorization=main.basic())

            def bearer(scenario=scenario):
                return self.load.scim(main, scenario)

            self.price(f"Basic against bearer, {scenario}", basic, bearer)
        for scenario, place in [("get", main), ("eq", main), ("create", self.sitting.posts)]:

            def walled(scenario=scenario, place=place):
                return self.load.scim(place, scenario)

            def bare(scenario=scenario, place=place):
                with self.sitting.without_row_level_security():
                    return self.load.scim(place, scenario)

            self.price(f"row-level security, {scenario}", walled, bare)

    def price(self, what, dear, cheap):
        """Dear, cheap, cheap, dear: what grows meanwhile falls on both alike. Once each with --quick."""
        order = [dear, cheap] if self.sitting.options.quick else [dear, cheap, cheap, dear]
        used = {dear: 0, cheap: 0}
        for measure in order:
            used[measure] += cpu(measure())
        self.add("15", f"price of {what}, CPU", 100 * (used[dear] / used[cheap] - 1), at_most=10, unit=" %")


# Which rows there are: number, what it is, the method, and whether each round has it.
ROWS = [
    (1, "GET by id", Rows.get, True),
    (2, "userName eq", Rows.by_name, True),
    (3, "userName eq as users become more", Rows.growth, True),
    (4, "POST", Rows.create, True),
    (5, "PUT and PATCH", Rows.change, True),
    (6, "one member of a group", Rows.member, True),
    (7, "groups without members", Rows.group, True),
    (8, "pages", Rows.pages, True),
    (9, "e-mail addresses and parts of names", Rows.filters, True),
    (10, "mixed load", Rows.mixed, True),
    (11, "tails", Rows.tail, True),
    (12, "memory", Rows.memory, False),
    (13, "SQLite", Rows.sqlite, True),
    (13, "SQLite: memory", Rows.sqlite_memory, False),
    (14, "200 tenants at once", Rows.tenants, False),
    (15, "prices", Rows.prices, True),
]


