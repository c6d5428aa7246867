"""Clients that write and read while a test breaks things, and know afterwards what must be there.

    with Workload(cluster) as work:
        break_something()
        work.progress()          # every client has got on since now
        mend_it()
    work.check()                 # nothing lost, nothing twice, nothing stale, all copies alike

Inserters write (writer, n) with n rising, into a table without any constraint that would hide a statement
that ran twice. Counters add one to a row of theirs. When a statement fails, its client does not know whether
it ran: it goes on with the next at another server, and the row may be there once or not at all. Readers
read rows of the others: what was acknowledged, or read by anybody, before a read began, is in its result.
"""
import collections
import random
import shutil
import sqlite3
import tempfile
import threading
import time

import psycopg2

from conftest import wait_until

# What a client may be told while a fault lasts, beside that its connection is lost (None); see
# docs/operations/failures.md.
ALLOWED = {None, "57P01", "57P03", "08006"}


class Client(threading.Thread):
    """Does step(cursor) over and over, at another server after an error."""

    def __init__(self, work, number):
        super().__init__(daemon=True)
        self.work, self.cluster, self.number = work, work.cluster, number
        self.stopping = threading.Event()
        self.done = 0  # steps that succeeded
        self.errors = []  # (seconds since the start, server, SQLSTATE, message)
        self.broken = None  # what no client may ever see
        self.server, self.slowest = None, 0.0

    def run(self):
        turn, connection = self.number, None
        while not self.stopping.is_set() and not self.broken:
            try:
                if connection is None:
                    self.server = self.cluster.names[turn % len(self.cluster.names)]
                    connection = self.cluster.open(self.server, user="work")
                    connection.autocommit = True
            except psycopg2.Error:
                turn += 1
                self.stopping.wait(0.05)
                continue
            start = time.monotonic()
            try:
                with connection.cursor() as cursor:
                    self.step(cursor)
                self.done += 1
                self.slowest = max(self.slowest, time.monotonic() - start)
            except AssertionError as e:
                self.broken = f"{self.name} at {self.server}: {e}"
            except psycopg2.Error as e:
                self.errors.append((time.monotonic() - self.work.start, self.server, e.pgcode,
                                    str(e).strip()))
                connection.close()
                connection = None
                turn += 1
            self.stopping.wait(self.work.pause)
        if connection:
            connection.close()

    def stop(self):
        self.stopping.set()
        self.join(60)
        assert not self.is_alive(), f"{self.name} hangs at {self.server}"


class Writer(Client):
    def __init__(self, work, number):
        super().__init__(work, number)
        self.attempted, self.acknowledged, self.unknown = 0, [], []

    def step(self, cursor):
        self.attempted += 1
        n = self.attempted
        try:
            self.write(cursor, n)
        except psycopg2.Error:
            self.unknown.append(n)
            raise
        self.acknowledged.append(n)


class Inserter(Writer):
    def write(self, cursor, n):
        cursor.execute("INSERT INTO entry VALUES (%s, %s, %s)", (self.number, n, "x" * 50))

    def check(self):
        rows = self.cluster.query("SELECT n, count(*) FROM entry WHERE writer = %s GROUP BY n",
                                  (self.number,))
        counts = {n: int(count) for n, count in rows}
        lost = [n for n in self.acknowledged if counts.get(n, 0) == 0]
        twice = [n for n, count in counts.items() if count > 1]
        invented = set(counts) - set(self.acknowledged) - set(self.unknown)
        assert not lost, f"writer {self.number}: acknowledged and lost: {lost[:20]}"
        assert not twice, f"writer {self.number}: there twice: {twice[:20]}"
        assert not invented, f"writer {self.number}: never written: {sorted(invented)[:20]}"


class Counter(Writer):
    def write(self, cursor, n):
        cursor.execute("UPDATE counter SET n = n + 1 WHERE writer = %s", (self.number,))
        assert cursor.rowcount == 1

    def check(self):
        n = int(self.cluster.value("SELECT n FROM counter WHERE writer = %s", (self.number,)))
        low, high = len(self.acknowledged), len(self.acknowledged) + len(self.unknown)
        assert low <= n <= high, f"counter {self.number}: {n} is not in {low}..{high}"


class Reader(Client):
    """Reads are never stale: each sees what was acknowledged or read before it began."""
    queries = {Inserter: "SELECT count(*) FROM entry WHERE writer = %s",
               Counter: "SELECT n FROM counter WHERE writer = %s"}

    def step(self, cursor):
        writer = random.choice(self.work.writers)
        with self.work.lock:
            low = max(len(writer.acknowledged), self.work.seen[writer])
        cursor.execute(self.queries[type(writer)], (writer.number,))
        n = cursor.fetchone()[0]
        with self.work.lock:
            self.work.seen[writer] = max(n, self.work.seen[writer])
        assert n >= low, f"stale read of {writer.name}: {n}, after {low}"
        assert n <= writer.attempted, f"{writer.name}: {n} read, {writer.attempted} written"


class Workload:
    def __init__(self, cluster, inserters=3, counters=2, readers=2, pause=0.0):
        self.cluster, self.pause = cluster, pause
        self.lock = threading.Lock()  # of seen
        self.seen = collections.Counter()  # writer -> the most that anybody has read
        kinds = [Inserter] * inserters + [Counter] * counters
        self.writers = [kind(self, i) for i, kind in enumerate(kinds)]
        self.readers = [Reader(self, i) for i in range(readers)]
        self.clients = self.writers + self.readers
        for client in self.clients:
            client.name = f"{type(client).__name__} {client.number}"
        self.start = time.monotonic()

    def __enter__(self):
        c = self.cluster
        c.query("CREATE TABLE entry (writer int NOT NULL, n int NOT NULL, filler text)")
        c.query("CREATE INDEX entry_writer ON entry (writer)")
        c.query("CREATE TABLE counter (writer int PRIMARY KEY, n bigint NOT NULL)")
        c.query("INSERT INTO counter SELECT i, 0 FROM generate_series(0, %s) i",
                (len(self.writers) - 1,))
        c.wait_copies()
        self.start = time.monotonic()
        for client in self.clients:
            client.start()
        self.progress()
        return self

    def __exit__(self, kind, *_):
        for client in self.clients:
            client.stopping.set()
        for client in self.clients:
            client.join(60)
        hanging = [c.name for c in self.clients if c.is_alive()]
        print(self)
        assert kind or not hanging, f"hanging: {hanging}"

    def __str__(self):
        lines = [f"{c.name}: {c.done} done, {len(c.errors)} errors, slowest {c.slowest:.2f} s"
                 for c in self.clients]
        kinds = collections.Counter((e[2], e[3].splitlines()[0] if e[3] else "")
                                    for c in self.clients for e in c.errors)
        lines += [f"    {n} x {state}: {text}" for (state, text), n in kinds.most_common(12)]
        return "\n".join(lines)

    def acknowledged(self):
        return sum(len(w.acknowledged) for w in self.writers)

    def progress(self, seconds=30, clients=None):
        """Until each client has done something, begun after now; returns how long that took."""
        start = time.monotonic()
        before = {c: c.done for c in clients or self.clients}

        def got_on():
            for c in before:
                assert not c.broken, c.broken
            return all(c.done > n + 1 for c, n in before.items())
        wait_until("every client gets on", got_on, seconds, step=0.02)
        return time.monotonic() - start

    def errors(self):
        return [e for c in self.clients for e in c.errors]

    def check(self, allowed=frozenset(ALLOWED)):
        """After the end: the cluster is healthy by itself, and everything is right."""
        for client in self.clients:
            assert not client.broken, client.broken
        strange = [e for e in self.errors() if e[2] not in allowed]
        assert not strange, f"errors that a client should not see: {strange[:5]}"
        wait_until("the cluster is healthy", self.healthy, 60)
        for writer in self.writers:
            writer.check()
        for table in ("entry", "counter"):
            copies_agree(self.cluster, table)

    def healthy(self):
        return any(self.cluster.shell("status", name=name, check=False).returncode == 0
                   for name in self.cluster.names)


def rows_in_file(path, table):
    """A copy's rows, read from a copy of its files: the server keeps the originals to itself."""
    with tempfile.TemporaryDirectory(prefix="minisql-test-") as folder:
        for suffix in ("", "-wal"):
            try:
                shutil.copy(path + suffix, f"{folder}/copy.db{suffix}")
            except FileNotFoundError:
                pass
        database = sqlite3.connect(f"{folder}/copy.db")
        try:
            return sorted(database.execute(f'SELECT * FROM "{table}"').fetchall())
        finally:
            database.close()


def copies_agree(cluster, table, seconds=20):
    """Until all copies of a table hold the same rows, in their own files, as the primary says."""
    def alike():
        region, primary, backups = cluster.query(
            "SELECT region, primary_server, backups FROM minisql_tables WHERE name = %s", (table,))[0]
        holders = [primary] + [b.strip() for b in backups.split(",")]
        try:
            copies = {name: rows_in_file(f"{cluster.dir}/{name}/region-{region}.db", table)
                      for name in holders}
        except sqlite3.Error as e:  # caught in the middle of a checkpoint
            return last.update(reason=str(e))
        expected = sorted(cluster.query(f"SELECT * FROM {table}"))
        differing = [name for name, rows in copies.items() if rows != expected]
        last.update(reason=f"{differing} differ from {len(expected)} rows: " +
                    str({name: len(copies[name]) for name in differing}))
        return len(holders) > 1 and not differing
    last = {}
    try:
        wait_until(f"the copies of {table} agree", alike, seconds, step=0.3)
    except AssertionError as e:
        raise AssertionError(f"{e} {last.get('reason')}") from None
