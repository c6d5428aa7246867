"""Transactions over several regions: all of one or nothing, whoever is killed at whichever moment of the
commit; nothing stays locked; who waits for each other is told.

The moments are met by stopping who comes next. With a backup of a participant stopped, the commit stands
before that is prepared; with the backup of the region that decides, between the two; and when then the
participant's backup is stopped and the other goes on, behind the decision."""
import itertools
import os
import signal
import threading
import time

import psycopg2
import pytest

numbers = itertools.count(1)


class Attempt(threading.Thread):
    """One transaction that writes to all tables, the first of which decides, at a gateway of its own."""

    def __init__(self, cluster, gateway, tables, statements=()):
        super().__init__(daemon=True)
        self.cluster, self.tables, self.n = cluster, tables, next(numbers)
        self.error, self.done = None, False
        self.connection = cluster.connect(gateway, autocommit=False)
        cursor = self.connection.cursor()
        for table in tables:
            cursor.execute(f"INSERT INTO {table} VALUES ({self.n})")
        for statement in statements:
            cursor.execute(statement)

    def run(self):
        try:
            self.connection.commit()
        except psycopg2.Error as error:
            self.error = error
        self.done = True

    def code(self):
        return getattr(self.error, "pgcode", None)

    def check(self):
        """True: it happened."""
        self.join(60)
        assert self.done, "COMMIT has not come back"
        there = [self.cluster.value(f"SELECT count(*) FROM {table} WHERE id = {self.n}")
                 for table in self.tables]
        print(f"attempt {self.n}: {there}, told {self.code()} {self.error}")
        assert there in ([0] * len(there), [1] * len(there)), (there, self.error)
        if not self.error:
            assert there[0] == 1
        if self.code() and self.code() not in ("08007", "08006", "57P01"):
            assert there[0] == 0
        return there[0] == 1


def write(cluster, tables, gateway):
    """Nothing is locked (any more)."""
    start = time.monotonic()
    attempt = Attempt(cluster, gateway, tables)
    attempt.start()
    assert attempt.check()
    return time.monotonic() - start


def placed(cluster, wanted):
    """Tables, so many that wanted(their placement) names some of them."""
    for i in range(20):
        cluster.query(f"CREATE TABLE t{i} (id int PRIMARY KEY)")
        cluster.wait_copies()
        tables = wanted({t: p for t, p in cluster.placement().items() if t.startswith("t")})
        if tables:
            return tables
    raise AssertionError("no such placement")


def apart(placement):
    """Two tables that share no server."""
    for a, b in itertools.permutations(placement, 2):
        if not set(placement[a]) & set(placement[b]):
            return a, b
    return None


@pytest.fixture
def five(make_cluster):
    """A cluster, two tables that share no server, and a gateway that has neither."""
    cluster = make_cluster(servers=5)
    tables = placed(cluster, apart)
    taken = {server for table in tables for server in cluster.placement()[table]}
    return cluster, tables, next(n for n in cluster.names if n not in taken)


def whole_again(cluster, *killed):
    for name in killed:
        cluster.start(name)
    cluster.wait_up(*cluster.names)
    cluster.wait_copies()


class Stand:
    """Standing in the midst of a commit, for the second in which a silent backup is still one."""

    def __init__(self, cluster, tables, gateway):
        self.attempt = Attempt(cluster, gateway, tables)
        self.pids = {name: cluster.pid(name) for name in cluster.names}
        self.backups = [cluster.backups(table)[0] for table in tables]
        self.who = {"gateway": gateway, "decider": cluster.primary(tables[0]),
                    "participant": cluster.primary(tables[1])}

    def signal(self, name, signum):
        os.kill(self.pids[name], signum)

    def wait(self):
        time.sleep(0.15)
        assert not self.attempt.done

    def before_prepare(self):
        self.signal(self.backups[1], signal.SIGSTOP)
        self.attempt.start()
        self.wait()

    def before_decision(self):
        self.signal(self.backups[0], signal.SIGSTOP)
        self.attempt.start()
        self.wait()

    def behind_decision(self):
        self.before_decision()
        self.signal(self.backups[1], signal.SIGSTOP)
        self.signal(self.backups[0], signal.SIGCONT)
        self.wait()

    def go_on(self):
        for name in self.backups:
            self.signal(name, signal.SIGCONT)


@pytest.mark.parametrize("moment,roles", [("before_prepare", ("participant",)),
                                          ("before_decision", ("gateway", "decider", "participant")),
                                          ("behind_decision", ("gateway", "participant"))])
def test_kill(five, moment, roles):
    """The gateway, the primary of the region that decides, the participant's: each at each moment. The killed
    one's successor, or who waits for it, finds out what became of the transaction, with nobody's help."""
    cluster, tables, gateway = five
    write(cluster, tables, gateway)
    for role in roles:
        stand = Stand(cluster, tables, gateway)
        getattr(stand, moment)()
        victim = stand.who[role]
        stand.signal(victim, signal.SIGKILL)
        stand.go_on()
        took = write(cluster, tables, next(n for n in cluster.names if n != victim))
        print(f"{moment}, {role} killed: free again after {took:.1f} s")
        assert took < 20
        assert stand.attempt.check() or moment != "behind_decision"
        whole_again(cluster, victim)


def test_all_or_nothing(five):
    """What one region refuses at COMMIT, none does; savepoints, and who is only locked."""
    cluster, (a, b), gateway = five
    cluster.query(f"CREATE TABLE child (id int REFERENCES {b} DEFERRABLE INITIALLY DEFERRED)")
    for first, second in ((a, "child"), ("child", a)):
        n = 1000 + next(numbers)
        connection = cluster.connect(gateway, autocommit=False)
        cursor = connection.cursor()
        for table in (first, second):
            cursor.execute(f"INSERT INTO {table} VALUES ({n})")
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            connection.commit()
        assert cluster.value(f"SELECT count(*) FROM {a} WHERE id = {n}") == 0
        cursor.execute(f"INSERT INTO {first} VALUES ({n})")
        cursor.execute("SAVEPOINT s")
        cursor.execute(f"INSERT INTO {second} VALUES ({n})")
        cursor.execute(f"INSERT INTO {b} VALUES ({n})")
        cursor.execute("ROLLBACK TO s")
        cursor.execute(f"INSERT INTO {b} VALUES ({n})")
        cursor.execute(f"SELECT count(*) FROM {a}, {b}, child WHERE {a}.id = {n} AND {b}.id = {n} AND child.id = {n}")
        assert cursor.fetchone() == (0,)
        cursor.execute(f"INSERT INTO {second} VALUES ({n})")
        cursor.execute(f"SELECT count(*) FROM {a}, {b}, child WHERE {a}.id = {n} AND {b}.id = {n} AND child.id = {n}")
        assert cursor.fetchone() == (1,)
        connection.commit()
        assert cluster.value(f"SELECT count(*) FROM {a}, {b}, child WHERE {a}.id = {n} AND {b}.id = {n} "
                             f"AND child.id = {n}") == 1
    connection = cluster.connect(gateway, autocommit=False)
    cursor = connection.cursor()
    cursor.execute(f"SELECT * FROM {a} FOR UPDATE")
    cursor.execute(f"INSERT INTO {b} VALUES (-1)")
    connection.commit()
    write(cluster, (a, b), cluster.names[0])


def wait_for_each_other(cluster, gateways, tables):
    """As many transactions as tables: each holds one and wants the next."""
    connections = [cluster.connect(g, autocommit=False) for g in gateways]
    codes = [None] * len(tables)

    def want(i):
        try:
            connections[i].cursor().execute(f"DELETE FROM {tables[(i + 1) % len(tables)]} WHERE id = 0")
            connections[i].commit()
        except psycopg2.Error as error:
            codes[i] = error.pgcode
            connections[i].rollback()
    for connection, table in zip(connections, tables):
        connection.cursor().execute(f"DELETE FROM {table} WHERE id = 0")
    threads = [threading.Thread(target=want, args=(i,), daemon=True) for i in range(len(tables))]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "they wait for ever"
    return codes, time.monotonic() - start


def test_deadlock(make_cluster):
    """One of those that wait for each other gives up, soon, and the others go on."""
    cluster = make_cluster(servers=3)
    for i in range(3):
        cluster.query(f"CREATE TABLE t{i} (id int PRIMARY KEY)")
    for tables, gateways in ((("t0", "t1"), ("s1", "s1")), (("t0", "t1"), ("s2", "s3")),
                             (("t2", "t0"), ("s1", "s3")), (("t0", "t1", "t2"), ("s1", "s2", "s3"))):
        codes, took = wait_for_each_other(cluster, gateways, tables)
        assert sorted(code or "" for code in codes) == [""] * (len(tables) - 1) + ["40P01"], codes
        assert took < 5
    # who only waits is left alone
    holder = cluster.connect("s1", autocommit=False)
    holder.cursor().execute("DELETE FROM t1")
    attempt = None

    def wait():
        nonlocal attempt
        attempt = Attempt(cluster, "s2", ("t0", "t1"))
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    thread.join(1)
    assert thread.is_alive()
    holder.commit()
    thread.join(10)
    attempt.start()
    assert attempt.check()


def test_frozen_gateway(five):
    """A gateway that stops in the midst of a commit: what is prepared is undone before long."""
    cluster, tables, gateway = five
    stand = Stand(cluster, tables, gateway)
    stand.before_prepare()
    stand.signal(gateway, signal.SIGSTOP)
    stand.go_on()
    assert write(cluster, tables, next(n for n in cluster.names if n != gateway)) < 25
    stand.signal(gateway, signal.SIGCONT)
    assert not stand.attempt.check()
    assert stand.attempt.code() == "40001"
