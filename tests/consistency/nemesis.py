"""The nemesis: what goes wrong, when, for how long. A schedule is drawn from the seed.

Each fault is a generator: it does its damage, yields whom it struck and for how long to leave it so,
and then heals it. Now and then a second fault strikes during the first.
"""
import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import psycopg2

import workload

FAULTS = {}


def fault(make):
    FAULTS[make.__name__.replace("_", "-")] = make
    return make


@fault
def kill(n):
    """SIGKILL of a server"""
    why, victim = n.victim()
    n.end(victim, signal.SIGKILL)
    yield f"{victim} ({why})", n.random.uniform(0, 3)
    n.start(victim)


@fault
def stop(n):
    """SIGTERM of a server"""
    why, victim = n.victim()
    n.end(victim, signal.SIGTERM)
    yield f"{victim} ({why})", n.random.uniform(0, 2)
    n.start(victim)


@fault
def power(n):
    """SIGKILL of all servers at once"""
    for name in n.servers:
        n.signal(name, signal.SIGKILL)
    for name in n.servers:
        n.end(name, signal.SIGKILL)
    yield "all servers", n.random.uniform(0, 1)
    for name in n.servers:
        n.start(name)


@fault
def pause(n):
    """SIGSTOP of a server for 0.3 to 6 s"""
    why, victim = n.victim()
    n.signal(victim, signal.SIGSTOP)
    yield f"{victim} ({why})", n.random.choice((n.random.uniform(0.3, 1.5), n.random.uniform(1, 6)))
    n.signal(victim, signal.SIGCONT)


@fault
def coord_kill(n):
    """SIGKILL of a member of the coordination store, or of all"""
    victims = n.some_members()
    for name in victims:
        n.end(name, signal.SIGKILL)
    yield ", ".join(victims), n.random.uniform(0.5, 4)
    for name in victims:
        n.start(name)


@fault
def coord_pause(n):
    """SIGSTOP of a member of the coordination store, or of all"""
    victims = n.some_members()
    for name in victims:
        n.signal(name, signal.SIGSTOP)
    yield ", ".join(victims), n.random.uniform(0.5, 6)
    for name in victims:
        n.signal(name, signal.SIGCONT)


@fault
def stall_kill(n):
    """a backup stands still for less than a lease; the primary is killed before it goes on"""
    table = n.random.choice(n.tables)
    primary, backups = n.copies(table)
    backup = n.random.choice(backups or n.servers)
    n.signal(backup, signal.SIGSTOP)
    time.sleep(n.random.uniform(0.1, 0.6))
    n.end(primary, signal.SIGKILL)
    yield f"{primary} after a stall of {backup} ({table})", n.random.uniform(0, 0.3)
    n.signal(backup, signal.SIGCONT)
    time.sleep(n.random.uniform(0, 3))
    n.start(primary)


@fault
def wipe(n):
    """a server loses its disk, while each table has another copy; until all copies are there again"""
    if not n.is_healthy(10):
        yield "nobody: copies are missing already", 0
        return
    why, victim = n.victim()
    n.end(victim, signal.SIGKILL)
    shutil.rmtree(os.path.join(n.cluster.dir, victim))
    n.start(victim)
    yield f"{victim} ({why})", 0
    n.is_healthy(40)


@fault
def move(n):
    """a table moves from one server to another, while other faults may strike"""
    table = n.random.choice(n.tables)
    primary, backups = n.copies(table)
    source = n.random.choice([primary] + backups)
    free = [s for s in n.servers if s != primary and s not in backups]
    target = n.random.choice(free or n.servers)
    through = n.random.choice([s for s in n.servers if s not in n.down | n.frozen] or n.servers)
    import conftest  # not before --build is known, which it looks at
    with subprocess.Popen([conftest.MINISQL, "-h", n.cluster.host_of(through), "-p",
                           str(n.cluster.port_of(through)), "-c", f"move {table} {source} {target}"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as mover:
        yield f"{table} from {source} to {target}", n.random.uniform(0.2, 3)
        mover.terminate()


@fault
def schema(n):
    """an index comes, and goes"""
    table = n.random.choice([t for t in n.tables if t.startswith(("register", "entry"))] or n.tables)
    column = "v" if table.startswith(("register", "list")) else "id"
    n.try_statement(f"CREATE INDEX IF NOT EXISTS nemesis_{table} ON {table} ({column})")
    yield table, n.random.uniform(0, 2)
    n.try_statement(f"DROP INDEX IF EXISTS nemesis_{table}")


# ---- on a network of their own (tests/cluster/net.py) -------------------------------------------------

def others(n, *names):
    return [end for end in n.servers + n.members if end not in names]


@fault
def partition(n):
    """a server apart from servers and store, while clients still reach it; or from some of them only"""
    why, victim = n.victim()
    kinds = {"servers and store": others(n, victim), "servers": [s for s in n.servers if s != victim],
             "the store": n.members, "everybody": others(n, victim) + ["client"],
             "one server": [n.random.choice([s for s in n.servers if s != victim])]}
    kind = n.random.choice(list(kinds))
    n.net.partition(victim, kinds[kind])
    yield f"{victim} ({why}) from {kind}", n.random.choice((n.random.uniform(0.5, 2), n.random.uniform(2, 8)))
    n.net.heal(victim, kinds[kind])


@fault
def one_way(n):
    """a server that hears and is not heard, or the other way round"""
    why, victim = n.victim()
    rest = n.random.choice((others(n, victim), [s for s in n.servers if s != victim], n.members))
    mute = n.random.random() < 0.5
    n.net.one_way(*((victim, rest) if mute else (rest, victim)))
    yield f"{victim} ({why}) {'is not heard by' if mute else 'does not hear'} {', '.join(rest)}", \
        n.random.uniform(0.5, 6)
    n.net.heal(victim, rest)


@fault
def flap(n):
    """a loose contact"""
    why, victim = n.victim()
    with n.net.flapping(victim, others(n, victim), n.random.uniform(0.1, 1), n.random.uniform(0.1, 1.5)):
        yield f"{victim} ({why})", n.random.uniform(2, 6)


@fault
def loss(n):
    """a fifth of all packets is lost"""
    n.net.loss(0.2)
    yield "everywhere", n.random.uniform(1, 5)
    n.net.loss(0.0)


@fault
def delay(n):
    """packets take 20 to 200 ms"""
    n.net.delay(n.random.randrange(20, 200))
    yield "everywhere", n.random.uniform(1, 5)
    n.net.delay(0)


@fault
def split_kill(n):
    """the primary is apart from its backups, or one, for less than a lease, and is killed then"""
    table = n.random.choice(n.tables)
    primary, backups = n.copies(table)
    cut = n.random.choice((backups, backups[-1:])) or others(n, primary)
    n.net.partition(primary, cut)
    time.sleep(n.random.uniform(0.05, 0.7))
    n.end(primary, signal.SIGKILL)
    yield f"{primary}, apart from {', '.join(cut)} ({table})", n.random.uniform(0, 2)
    n.net.heal(primary, cut)
    n.start(primary)


ALONE = {"wipe"}  # with another fault at the same time all copies might be lost
ON_A_NETWORK = {"partition", "one-way", "flap", "loss", "delay", "split-kill"}


# ---- the thread -------------------------------------------------------------------------------------

class Nemesis:
    def __init__(self, cluster, recorder, names, tables, seed, pace=1.0):
        self.cluster, self.recorder, self.names, self.tables = cluster, recorder, names, tables
        self.random = random.Random(f"nemesis {seed}")
        self.servers, self.members = list(cluster.names), member_names(cluster)
        self.net = getattr(cluster, "net", None)
        self.pace = pace  # of the calm between faults
        self.stopping = threading.Event()
        self.down, self.frozen = set(), set()  # processes that we ended or stopped
        self.died = []  # servers that ended by themselves
        self.error = None
        self.thread = threading.Thread(target=self.rage, daemon=True)
        if names:
            self.thread.start()

    def calm_down(self):
        """No more faults; everything runs and reaches everything."""
        self.stopping.set()
        if self.names:
            self.thread.join()
        self.heal()

    def rage(self):
        try:
            while not self.stopping.wait(self.random.uniform(0.2, 2) * self.pace):
                for name in self.random.sample(self.names, len(self.names)):
                    if not self.stopping.is_set():
                        self.strike(name, name not in ALONE and self.random.random() < 0.2)
                        self.stopping.wait(self.random.uniform(0.2, 2) * self.pace)
        except BaseException as e:
            self.error = e
            raise

    def strike(self, name, double=False):
        damage = FAULTS[name](self)
        target, seconds = next(damage)
        self.recorder.fault(name, target=target)
        try:
            if double:
                self.stopping.wait(self.random.uniform(0, seconds))
                self.strike(self.random.choice([n for n in self.names if n not in ALONE]))
            self.stopping.wait(seconds)
        finally:
            next(damage, None)
            self.recorder.fault(name, target=target, end=True)

    # -- whom

    def ask(self, sql):
        """The rows of a statement, of some server that answers soon."""
        for name in self.random.sample(self.servers, len(self.servers)):
            if name in self.down or name in self.frozen:
                continue
            try:
                with workload.within(1), contextlib.closing(self.cluster.open(name)) as connection:
                    connection.autocommit = True
                    with connection.cursor() as cursor:
                        cursor.execute(sql)
                        return cursor.fetchall() if cursor.description else []
            except psycopg2.Error:
                continue
        return []

    def is_healthy(self, seconds):
        """Whether within that time every region has all its copies."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.stopping.is_set():
            states = self.ask("SELECT status FROM minisql_regions")
            if states and all(state == "healthy" for state, in states):
                return True
            time.sleep(0.3)
        return False

    def try_statement(self, sql):
        self.ask(sql)

    def copies(self, table):
        """(primary, backups), as far as anybody knows."""
        rows = self.ask(f"SELECT primary_server, backups FROM minisql_tables WHERE name = '{table}'")
        if not rows or not rows[0][0]:
            return self.random.choice(self.servers), []
        return rows[0][0], [b.strip() for b in (rows[0][1] or "").split(",") if b.strip()]

    def victim(self):
        """(why, server)"""
        kind, table = self.random.choice(("primary", "primary", "backup", "master", "any")), None
        if kind in ("primary", "backup"):
            table = self.random.choice(self.tables)
            primary, backups = self.copies(table)
            found = [primary] if kind == "primary" else backups
        else:
            found = [row[0] for row in self.ask("SELECT name FROM minisql_servers WHERE master")] \
                if kind == "master" else self.servers
        name = self.random.choice(found or self.servers)
        return f"{kind} of {table}" if table else kind, name

    def some_members(self):
        return self.members if self.random.random() < 0.5 else [self.random.choice(self.members)]

    # -- what

    def pid(self, name):
        """None: it does not run."""
        try:
            pid = self.cluster.pid(name)
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                ours = os.path.join(self.cluster.dir, name).encode() in f.read()
        except (OSError, ValueError):
            return None
        return pid if ours else None

    def signal(self, name, number):
        pid = self.pid(name)
        if pid is None:
            self.missed(name)
            return
        (self.frozen.add if number == signal.SIGSTOP else self.frozen.discard)(name)
        if number == signal.SIGKILL:
            self.down.add(name)
        os.kill(pid, number)

    def missed(self, name):
        if name in self.servers and "could not start: the coord" in self.cluster.log(name)[-2000:]:
            self.down.add(name)  # it found no store for long: whoever started it does so again
            return
        if name not in self.down and name not in self.died:
            self.died.append(name)
            self.recorder.fault("died", target=name, why="by itself")

    def end(self, name, number):
        """Ends a process and waits until it is gone."""
        was_down = name in self.down
        if self.pid(name) is None:
            self.missed(name)
        self.down.add(name)
        try:
            if not was_down and self.pid(name):
                pid = self.pid(name)
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
        deadline = time.monotonic() + 20
        while self.cluster.alive(name):
            if time.monotonic() > deadline:
                if number == signal.SIGKILL:
                    raise AssertionError(f"{name} does not end")
                self.recorder.fault("hangs", target=name, why="at SIGTERM")
                self.died.append(f"{name} (did not end within 20 s of SIGTERM)")
                number, deadline = signal.SIGKILL, time.monotonic() + 20
                os.kill(self.cluster.pid(name), number)
            time.sleep(0.01)

    def start(self, name):
        """Starts it without waiting until it answers."""
        if name in self.down:
            self.cluster.playground("start", name, "--no-wait")
            self.down.discard(name)
            self.frozen.discard(name)

    def heal(self):
        if self.net:
            self.net.heal()
        for name in list(self.frozen):
            self.signal(name, signal.SIGCONT)
        for name in self.servers:
            if self.pid(name) is None:
                self.missed(name)
        for name in self.members + self.servers:
            self.start(name)


def member_names(cluster):
    """The coordination store's processes."""
    return sorted(name[:-len(".pid")] for name in os.listdir(cluster.dir)
                  if name.endswith(".pid") and name[:-len(".pid")] not in cluster.names)
