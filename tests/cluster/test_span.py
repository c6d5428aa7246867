"""Transactions over several regions: all of one or nothing, whoever is killed at whichever moment of the
commit; nothing stays locked; who waits for each other is told.

The moments are met by stopping who comes next. With a backup of a participant stopped, the commit stands
before that is prepared; with the backup of the region that decides, between the two; and when then the
participant's backup is stopped and the other goes on, behind the decision."""
import io
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

    def __init__(self, cluster, gateway, tables, schema=False):
        super().__init__(daemon=True)
        self.cluster, self.tables, self.n = cluster, tables, next(numbers)
        self.error, self.done = None, False
        self.connection = cluster.connect(gateway, autocommit=False)
        cursor = self.connection.cursor()
        for table in tables:
            cursor.execute(f"INSERT INTO {table} VALUES ({self.n})")
        self.made = f"made_{self.n}" if schema else None
        if schema:
            cursor.execute(f"CREATE TABLE {self.made} (id int) WITH (colocate_with = '{tables[0]}')")

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
        if self.made:
            made = self.cluster.value(f"SELECT count(*) FROM pg_class WHERE relname = '{self.made}'")
            assert made == there[0], (there, made, self.error)
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

    def __init__(self, cluster, tables, gateway, schema=False):
        self.attempt = Attempt(cluster, gateway, tables, schema)
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


@pytest.mark.parametrize("moment,roles,schema", [
    ("before_prepare", ("participant",), False),
    ("before_decision", ("gateway", "decider", "participant"), False),
    ("before_decision", ("gateway", "decider"), True),
    ("behind_decision", ("gateway", "participant"), False)])
def test_kill(five, moment, roles, schema):
    """The gateway, the primary of the region that decides, the participant's: each at each moment. The killed
    one's successor, or who waits for it, finds out what became of the transaction, with nobody's help."""
    cluster, tables, gateway = five
    write(cluster, tables, gateway)
    for role in roles:
        stand = Stand(cluster, tables, gateway, schema)
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
    cluster.query(f"TRUNCATE child, {a}, {b}", name=gateway)
    assert cluster.value(f"SELECT (SELECT count(*) FROM {a}) + (SELECT count(*) FROM {b})") == 0
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


def test_schema_and_rows(make_cluster):
    """What migrations do: tables, a type and rows in one transaction with the row that says so, elsewhere."""
    cluster = make_cluster(servers=3)
    cluster.query("CREATE TABLE version (n int PRIMARY KEY)")
    cluster.query("CREATE TABLE log (n int, text text)")
    cluster.query("INSERT INTO version VALUES (0)")
    for n, gateway in enumerate(cluster.names * 2, 1):
        connection = cluster.connect(gateway, autocommit=False)
        for happens in (False, True):
            cursor = connection.cursor()
            cursor.execute(f"CREATE TABLE new_{n} (id int PRIMARY KEY, v text)")
            cursor.execute(f"INSERT INTO new_{n} SELECT i, 'v' || i FROM generate_series(1, 20) i")
            cursor.execute("UPDATE version SET n = n + 1")
            cursor.execute("SAVEPOINT s")
            cursor.execute(f"CREATE INDEX never_{n} ON new_{n} (v)")
            cursor.execute("DELETE FROM version")
            cursor.execute("ROLLBACK TO s")
            cursor.execute(f"CREATE DOMAIN small_{n} AS int CHECK (VALUE < 100)")
            cursor.execute(f"INSERT INTO log VALUES ({n}::small_{n}, 'made new_{n}')")
            cursor.execute(f"INSERT INTO log SELECT id, v FROM new_{n} WHERE id = 7")
            cursor.execute(f"CREATE INDEX new_{n}_v ON new_{n} (v)")
            cursor.execute(f"UPDATE new_{n} SET v = 'w' FROM version WHERE id = version.n")
            if happens:
                connection.commit()
            else:
                connection.rollback()
            for name in cluster.names:
                assert cluster.value("SELECT n FROM version", name=name) == n - 1 + happens
                assert cluster.value("SELECT count(*) FROM pg_class WHERE relname IN "
                                     f"('new_{n}', 'new_{n}_v', 'never_{n}')", name=name) == 2 * happens
                assert cluster.value(f"SELECT count(*) FROM log WHERE text = 'made new_{n}'", name=name) == happens
            assert cluster.value("SELECT count(*) FROM log WHERE text = 'v7'") == n - 1 + happens
        assert cluster.value(f"SELECT count(*) FROM new_{n} WHERE v = 'w' AND id = {n}") == 1
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE one (id int)")
    cursor.execute("ALTER TABLE log ADD COLUMN at timestamp")
    cursor.execute("INSERT INTO log (n, at) VALUES (99, '2026-01-02')")
    connection.commit()
    assert [str(cluster.value("SELECT at FROM log WHERE n = 99", name=name)) for name in cluster.names] == (
        ["2026-01-02 00:00:00"] * 3)


def test_serializable(make_cluster):
    """Two that read both tables, each to write in one of them: one after the other, as if they were alone."""
    cluster = make_cluster(servers=3)
    for table in ("a", "b"):
        cluster.query(f"CREATE TABLE {table} (id int PRIMARY KEY, n int)")
        cluster.query(f"INSERT INTO {table} VALUES (1, 0)")
    for gateways in (("s1", "s1"), ("s1", "s2"), ("s3", "s2")):
        before = cluster.value("SELECT a.n + b.n FROM a, b")
        codes = []

        def skew(gateway, first, second):
            connection = cluster.connect(gateway, autocommit=False)
            connection.set_session(isolation_level="SERIALIZABLE")
            while True:
                try:
                    cursor = connection.cursor()
                    cursor.execute(f"SELECT n FROM {first}")
                    cursor.execute("SELECT a.n + b.n FROM a, b")
                    cursor.execute(f"UPDATE {first} SET n = %s - (SELECT n FROM {second}) + 1", cursor.fetchone())
                    return connection.commit()
                except (psycopg2.errors.DeadlockDetected, psycopg2.errors.SerializationFailure) as error:
                    codes.append(error.pgcode)
                    connection.rollback()
        threads = [threading.Thread(target=skew, args=(g, *t), daemon=True)
                   for g, t in zip(gateways, (("a", "b"), ("b", "a")))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        assert cluster.value("SELECT a.n + b.n FROM a, b") == before + 2, codes


def test_repeatable_read(make_cluster):
    """A second region may be written, unless somebody has written there since it was read."""
    cluster = make_cluster(servers=3)
    for table in ("a", "b", "c"):
        cluster.query(f"CREATE TABLE {table} (id int PRIMARY KEY, n int)")
        cluster.query(f"INSERT INTO {table} VALUES (1, 0)")
    for gateway in cluster.names:
        connection = cluster.connect(gateway, autocommit=False)
        connection.set_session(isolation_level="REPEATABLE READ")
        cursor = connection.cursor()
        for between in (False, True):
            start = cluster.value("SELECT n FROM b")
            cursor.execute("UPDATE a SET n = n + 1")
            cursor.execute("SELECT n FROM b")
            assert cursor.fetchone() == (start,)
            if between:
                cluster.query("UPDATE b SET n = n + 1")
                with pytest.raises(psycopg2.errors.SerializationFailure):
                    cursor.execute("UPDATE b SET n = n + 10")
                connection.rollback()
                assert cluster.value("SELECT n FROM b") == start + 1
                continue
            cursor.execute("UPDATE b SET n = n + 10")
            cursor.execute("UPDATE c SET n = n + 1")
            cursor.execute("SELECT b.n FROM a, b, c WHERE a.n = c.n")
            assert cursor.fetchone() == (start + 10,)
            connection.commit()
            assert cluster.value("SELECT n FROM b") == start + 10
        cluster.query("UPDATE a SET n = (SELECT n FROM c)")


def test_frozen_gateway(five):
    """A gateway that stops in the midst of a commit: what is prepared is undone before long. On a slow machine the
    silent backup has been taken out, and the commit is through, before the gateway stops: then once more."""
    cluster, tables, gateway = five
    happened = True
    for _ in range(6):
        stand = Stand(cluster, tables, gateway)
        stand.before_prepare()
        stand.signal(gateway, signal.SIGSTOP)
        stand.go_on()
        assert write(cluster, tables, next(n for n in cluster.names if n != gateway)) < 25
        stand.signal(gateway, signal.SIGCONT)
        happened = stand.attempt.check()
        if not happened:
            break
        cluster.wait_copies()
    assert not happened
    assert stand.attempt.code() == "40001"


def test_watched_keys(cluster):
    """Foreign keys that triggers see to are checked in each region of a transaction, wherever it is."""
    for i in range(4):
        cluster.query(f"CREATE TABLE p{i} (a int, b int, PRIMARY KEY (a, b))")
        cluster.query(f"CREATE TABLE c{i} (a int, b int, FOREIGN KEY (a, b) REFERENCES p{i} MATCH FULL "
                      f"DEFERRABLE INITIALLY DEFERRED) WITH (colocate_with = 'p{i}')")
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            cluster.connect("s1").cursor().copy_expert(f"COPY c{i} FROM STDIN", io.StringIO("\\N\t\\N\n1\t2\n"))
    assert len({cluster.primary(f"p{i}") for i in range(4)}) > 1
    for bad in range(4):
        for wrong in ("1, 2", "1, NULL"):
            cursor = cluster.connect("s1", autocommit=False).cursor()
            with pytest.raises(psycopg2.errors.ForeignKeyViolation):
                for i in range(4):
                    cursor.execute(f"INSERT INTO c{i} VALUES ({wrong if i == bad else 'NULL, NULL'})")
                cursor.connection.commit()
            cursor.connection.rollback()
            assert [cluster.value(f"SELECT count(*) FROM c{i}") for i in range(4)] == [0] * 4
    cursor = cluster.connect("s2", autocommit=False).cursor()
    for i in range(4):
        cursor.execute(f"INSERT INTO c{i} VALUES (1, 1)")
        cursor.execute(f"INSERT INTO p{i} VALUES (1, 1)")
    cursor.connection.commit()
    assert [cluster.value(f"SELECT count(*) FROM c{i}") for i in range(4)] == [1] * 4
