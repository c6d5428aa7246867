"""SIGKILL, twenty times and more, under concurrent writers: every acknowledged row is there exactly once.

A writer inserts (writer, n) with n rising, into a table without any constraint that would hide a
statement that ran twice. When its connection breaks it does not know whether the statement ran; it
then goes on with n + 1 at another server, and that row may be there once or not at all. A second kind
of writer counts with UPDATE: the counter must lie between the acknowledged and the attempted updates.
"""
import random
import threading
import time

import psycopg2

from conftest import wait_until

KILLS = 22


class Writer(threading.Thread):
    def __init__(self, cluster, number):
        super().__init__(daemon=True)
        self.cluster, self.number = cluster, number
        self.stopping = threading.Event()
        self.acknowledged, self.unknown = [], []
        self.server = None  # whom it talks to now

    def run(self):
        n, turn, connection = 0, self.number, None
        while not self.stopping.is_set():
            try:
                if connection is None:
                    self.server = self.cluster.names[turn % len(self.cluster.names)]
                    connection = self.cluster.open(self.server, user="writer")
                    connection.autocommit = True
            except psycopg2.Error:
                turn += 1
                time.sleep(0.05)
                continue
            n += 1
            try:
                with connection.cursor() as cursor:
                    self.write(cursor, n)
                self.acknowledged.append(n)
            except psycopg2.Error:
                self.unknown.append(n)
                connection.close()
                connection = None
                turn += 1
        if connection:
            connection.close()

    def stop(self):
        self.stopping.set()
        self.join(60)
        assert not self.is_alive(), f"writer {self.number} hangs at {self.server}"


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


def victims(cluster, writers):
    """In turn the primary, a backup, the master, somebody's gateway, anyone."""
    while True:
        yield "primary", cluster.primary("entry")
        yield "backup", (cluster.backups("counter") or cluster.names)[0]
        yield "master", cluster.master() or cluster.names[0]
        yield "gateway", random.choice(writers).server or cluster.names[0]
        yield "random", random.choice(cluster.names)


def run_kills(cluster, writers, choose):
    for i in range(KILLS):
        why, victim = wait_until("a victim", lambda: next(choose))
        before = sum(len(w.acknowledged) for w in writers)
        cluster.kill(victim)
        print(f"kill {i + 1}: {victim} ({why}), {before} acknowledged")
        time.sleep(random.uniform(0, 1.5))
        if i % 3 == 2:  # the repair is finished without it
            cluster.wait_copies(without=[victim])
        cluster.start(victim)
        cluster.wait_up(*cluster.names)
        cluster.wait_copies()
        wait_until("writes go on", lambda: sum(len(w.acknowledged) for w in writers) > before)


def test_kill_loop(cluster):
    """At least 20 kills; afterwards every acknowledged write is there once, on each copy."""
    seed = random.randrange(1 << 30)
    random.seed(seed)
    print(f"seed {seed}")
    cluster.query("CREATE TABLE entry (writer int NOT NULL, n int NOT NULL, filler text)")
    cluster.query("CREATE TABLE counter (writer int PRIMARY KEY, n bigint NOT NULL)")
    writers = [Inserter(cluster, i) for i in range(4)] + [Counter(cluster, 4 + i) for i in range(2)]
    for writer in writers:
        cluster.query("INSERT INTO counter VALUES (%s, 0)", (writer.number,))
    cluster.wait_copies()
    for writer in writers:
        writer.start()
    choose = victims(cluster, writers)
    try:
        # a generator that an error ended is made anew
        def fresh():
            nonlocal choose
            try:
                return next(choose)
            except (psycopg2.Error, StopIteration):
                choose = victims(cluster, writers)
                raise
        run_kills(cluster, writers, iter(lambda: fresh(), None))
    finally:
        for writer in writers:
            writer.stop()
    print([(len(w.acknowledged), len(w.unknown)) for w in writers])
    assert all(len(w.acknowledged) > 50 for w in writers), "every writer got on"
    for writer in writers:
        writer.check()
    # the backups hold the same: make each the primary
    for table in ("entry", "counter"):
        cluster.wait_copies()
        victim = cluster.primary(table)
        cluster.kill(victim)
        for writer in writers:
            wait_until("the table answers", lambda: cluster.query(f"SELECT 1 FROM {table} LIMIT 1"))
            writer.check()
        cluster.start(victim)
        cluster.wait_up(*cluster.names)
