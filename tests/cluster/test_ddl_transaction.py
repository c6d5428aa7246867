"""Transactions that create, change and drop tables: whoever is killed at whichever moment of the commit, all
of one is there afterwards or nothing, the catalog and the files agree, and what was acknowledged holds.

The moments are met by stopping who comes next: with the region's backup stopped, a commit stands between
its PREPARE at the master and the region's log (the record /minisql/changing shows that); with the master
stopped before the backup goes on, between the log and the catalog's records."""
import itertools
import threading
import time

import psycopg2
import pytest

from conftest import wait_until
from test_fsck import clean, get

numbers = itertools.count(1)


class Attempt(threading.Thread):
    """One transaction, at a gateway of its own: tables with rows and indexes, one dropped, a row elsewhere in
    the region."""
    HAPPENED = (50, 1, 0, None, 1, None, 3, 50, 3)
    NOTHING = (None, None, None, 1, 0, None, 0, 50, 3)

    def __init__(self, cluster, base, gateway):
        super().__init__(daemon=True)
        self.cluster, self.base, self.n = cluster, base, next(numbers)
        self.error, self.done = None, False
        setup = cluster.connect(gateway).cursor()
        setup.execute(f"CREATE TABLE old_{self.n} (id int PRIMARY KEY) WITH (colocate_with = '{base}')")
        setup.execute(f"INSERT INTO old_{self.n} VALUES (1)")
        setup.execute(f"CREATE TABLE shape_{self.n} (id int PRIMARY KEY, b int, v text) WITH (colocate_with = '{base}')")
        setup.execute(f"INSERT INTO shape_{self.n} SELECT i, NULL, 'v' FROM generate_series(1, 50) i")
        self.connection = cluster.connect(gateway, autocommit=False)
        cursor = self.connection.cursor()
        cursor.execute(f"CREATE TABLE new_{self.n} (id int PRIMARY KEY, b int REFERENCES {base}, v text)")
        cursor.execute(f"INSERT INTO {base} VALUES ({self.n})")
        cursor.execute(f"INSERT INTO new_{self.n} SELECT i, {self.n}, 'v' || i FROM generate_series(1, 50) i")
        cursor.execute(f"CREATE INDEX new_{self.n}_v ON new_{self.n} (v)")
        cursor.execute(f"DROP TABLE old_{self.n}")
        cursor.execute("SAVEPOINT s")
        cursor.execute(f"CREATE TABLE never_{self.n} (id int)")
        cursor.execute("ROLLBACK TO s")
        cursor.execute(f"CREATE TABLE more_{self.n} (id int)")
        cursor.execute(f"ALTER TABLE shape_{self.n} DROP CONSTRAINT shape_{self.n}_pkey, ADD CHECK (id > 0), "
                       f"ADD CHECK (b <> 0) NOT VALID, ADD FOREIGN KEY (b) REFERENCES {base}")

    def run(self):
        try:
            self.connection.commit()
        except psycopg2.Error as error:
            self.error = error
        self.done = True

    def facts(self, name):
        """What a server shows of it."""
        connection = self.cluster.connect(name)
        cursor = connection.cursor()

        def count(table, where=""):
            try:
                cursor.execute(f"SELECT count(*) FROM {table} {where}")
                return cursor.fetchone()[0]
            except (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedColumn):
                return None
        facts = (count(f"new_{self.n}"), count(f"new_{self.n}", "WHERE v = 'v7'"), count(f"more_{self.n}"),
                 count(f"old_{self.n}"), count(self.base, f"WHERE id = {self.n}"), count(f"never_{self.n}"),
                 count("pg_constraint", f"WHERE conrelid = 'shape_{self.n}'::regclass AND contype <> 'p'"),
                 *(count(f"shape_{self.n}", where) for where in ("", "WHERE id BETWEEN 7 AND 9")),
                 *self.more_facts(count))
        connection.close()
        return facts

    def more_facts(self, count):
        return ()

    def check(self):
        """True: it happened."""
        self.join(60)
        assert self.done, "COMMIT has not come back"
        everywhere = [self.facts(name) for name in self.cluster.names]
        assert len(set(everywhere)) == 1, everywhere
        assert everywhere[0] in (self.HAPPENED, self.NOTHING), (everywhere[0], self.error)
        happened = everywhere[0] == self.HAPPENED
        code = getattr(self.error, "pgcode", None)
        print(f"attempt {self.n}: {'happened' if happened else 'nothing'}, told {code} {self.error}")
        if not self.error:
            assert happened
        if code and code not in ("08007", "08006", "57P01"):
            assert not happened
        for values, fails in (("1, NULL", not happened), ("-1, NULL", happened), ("77, -77", happened)):
            assert self.refuses(values) == fails, values  # the file has what the catalog says
        return happened

    def refuses(self, values):
        cursor = self.cluster.connect(self.cluster.names[0], autocommit=False).cursor()
        try:
            cursor.execute(f"INSERT INTO shape_{self.n} VALUES ({values})")
        except psycopg2.IntegrityError:
            return True
        finally:
            cursor.connection.close()
        return False


class WideAttempt(Attempt):
    """It changes the schema of a second region, too, and writes there with it."""
    HAPPENED = (*Attempt.HAPPENED, 21, 1, 1, 1)
    NOTHING = (*Attempt.NOTHING, 20, None, 0, 0)

    def __init__(self, cluster, base, gateway):
        super().__init__(cluster, base, gateway)
        table = f"far_{self.n}"
        setup = cluster.connect(gateway).cursor()
        setup.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, v int) WITH (colocate_with = 'far')")
        setup.execute(f"INSERT INTO {table} SELECT i, i FROM generate_series(1, 20) i")
        cursor = self.connection.cursor()
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN z int DEFAULT 3 CHECK (z > 0)")
        cursor.execute(f"CREATE INDEX ON {table} (z, v)")
        cursor.execute(f"INSERT INTO {table} SELECT 100, 1, count(*) FROM new_{self.n}")

    def more_facts(self, count):
        table = f"far_{self.n}"
        return (count(table), count(table, "WHERE z = 50"),
                count("pg_attribute", f"WHERE attrelid = '{table}'::regclass AND attname = 'z'"),
                count("pg_indexes", f"WHERE tablename = '{table}' AND indexdef LIKE '%z, v%'"))


@pytest.fixture(params=[Attempt, WideAttempt])
def kind(request):
    return request.param


@pytest.fixture
def place(make_cluster):
    """A cluster with a table whose primary and backup are neither the master nor the gateway."""
    cluster = make_cluster(servers=4)
    for i in range(12):
        cluster.query(f"CREATE TABLE base_{i} (id int PRIMARY KEY)")
        cluster.wait_copies()
        placement = cluster.placement()
        if cluster.master() not in placement[f"base_{i}"]:
            break
    base = f"base_{i}"
    assert cluster.master() not in cluster.placement()[base], "no region without the master"
    cluster.query("CREATE TABLE far (id int PRIMARY KEY)")
    cluster.wait_copies()
    return cluster, base


def pending(cluster):
    return get(cluster, "changing") != ""


def roles(cluster, base):
    """Four servers, one for each; the master is made to be none of the region's."""
    for _ in range(12):
        wait_until("it has two copies", lambda: len(cluster.placement()[base]) == 2, 20)
        holders, master = cluster.placement()[base], cluster.master()
        if master not in holders:
            primary, backup = holders
            return primary, backup, master, next(n for n in cluster.names if n not in (*holders, master))
        cluster.kill(master)
        wait_until("another is the master", lambda old=master: cluster.master() not in (None, old), 20)
        whole_again(cluster, master)
    raise AssertionError("the master always holds a copy")


def whole_again(cluster, *killed):
    for name in killed:
        cluster.start(name)
    cluster.wait_up(*cluster.names)
    cluster.wait_copies()


def stand_before_log(cluster, base, gateway, backup, kind=Attempt):
    attempt = kind(cluster, base, gateway)
    cluster.pause(backup)
    attempt.start()
    wait_until("the change is pending", lambda: pending(cluster), 5, 0.01)
    assert not attempt.done
    return attempt


def test_before_the_log(place, kind):
    """Between the master's admission and the region's log: the log decides. Of two regions it is asked by the gateway
    when the other is prepared: nothing may come of it, too."""
    cluster, base = place
    for role in ("primary", "master", "gateway") + (("far",) if kind is WideAttempt else ()):
        primary, backup, master, gateway = roles(cluster, base)
        attempt = stand_before_log(cluster, base, gateway, backup, kind)
        far = cluster.primary("far")
        victim = {"primary": primary, "master": master, "gateway": gateway,
                  "far": far if far != backup else gateway}[role]
        cluster.kill(victim)
        cluster.resume(backup)
        attempt.join(60)
        whole_again(cluster, victim)
        wait_until("it is settled", lambda: not pending(cluster), 20)
        happened = attempt.check()
        print(f"{role} killed: {happened}")
        if kind is Attempt and role != "primary" and cluster.primary(base) == primary:
            assert happened  # nobody who decides was lost, nor did the backup take over after its pause
        clean(cluster)


def stand_after_log(cluster, base, kind):
    """On a slow machine the master has taken the stopped backup out, and settled, before it is stopped itself:
    then once more."""
    for _ in range(6):
        primary, backup, master, gateway = roles(cluster, base)
        attempt = stand_before_log(cluster, base, gateway, backup, kind)
        cluster.pause(master)
        cluster.resume(backup)
        time.sleep(1.5)  # the log commits; SETTLE gets no answer
        if pending(cluster):
            return attempt, primary, master, gateway
        cluster.resume(master)
        assert attempt.check()
        cluster.wait_copies()
    raise AssertionError("the change was settled each time")


def test_after_the_log(place, kind):
    """The region's log has it, the catalog not yet, and everybody who knew is gone."""
    cluster, base = place
    attempt, primary, master, gateway = stand_after_log(cluster, base, kind)
    for name in (gateway, primary, master):
        cluster.kill(name)
    whole_again(cluster, gateway, primary, master)
    wait_until("it is settled", lambda: not pending(cluster), 20)
    assert attempt.check()
    clean(cluster)


def test_before_the_master(place, kind):
    """The master does not answer, and the primary is lost: nothing has happened."""
    cluster, base = place
    primary, backup, master, gateway = roles(cluster, base)
    attempt = kind(cluster, base, gateway)
    cluster.pause(master)
    attempt.start()
    time.sleep(0.3)
    assert not attempt.done and not pending(cluster)
    cluster.kill(primary)
    cluster.resume(master)
    whole_again(cluster, primary)
    assert not attempt.check()
    clean(cluster)


def regions(cluster):
    return cluster.value("SELECT count(*) FROM minisql_regions")


def test_gateway_lost_in_the_middle(place):
    """A transaction that never commits leaves no region behind, whoever was its gateway."""
    cluster, base = place
    before, (primary, backup, master, gateway) = regions(cluster), roles(cluster, base)
    connection = cluster.connect(gateway, autocommit=False)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE lost (id int)")
    cursor.execute("INSERT INTO lost VALUES (1)")
    assert regions(cluster) == before + 1
    rolled_back = cluster.connect(master, autocommit=False)
    rolled_back.cursor().execute("CREATE TABLE lost (id int)")
    rolled_back.rollback()
    assert regions(cluster) == before + 1
    cluster.kill(gateway)
    wait_until("its region is dropped", lambda: regions(cluster) == before, 30)
    whole_again(cluster, gateway)
    clean(cluster)


def test_region_left_while_a_change_is_pending(place):
    """The master is its own gateway: what it could not give back it does not ask itself for in the middle of
    settling another's change."""
    cluster, base = place
    before, (primary, backup, master, _) = regions(cluster), roles(cluster, base)
    rolled_back = cluster.connect(master, autocommit=False)
    rolled_back.cursor().execute("CREATE TABLE lost (id int)")
    attempt = stand_before_log(cluster, base, master, backup)
    cluster.pause(primary)
    rolled_back.rollback()
    assert "is dropped later" in cluster.log(master)
    time.sleep(3)  # whoever ends a transaction now may ask again
    cluster.resume(primary)
    cluster.resume(backup)
    wait_until("it is settled", lambda: not pending(cluster), 20)
    attempt.check()

    def all_have_tables():
        cluster.connect(master).close()
        return regions(cluster) == before
    wait_until("its region is dropped", all_have_tables, 20)
    clean(cluster)


def test_two_of_one_name(cluster):
    """Who commits second is told that the name is taken; both write different regions."""
    first, second = (cluster.connect(name, autocommit=False) for name in ("s1", "s2"))
    for connection, value in ((first, 1), (second, 2)):
        connection.cursor().execute("CREATE TABLE same (v int)")
        connection.cursor().execute("INSERT INTO same VALUES (%s)", (value,))
    with pytest.raises(psycopg2.errors.UndefinedTable):
        cluster.query("SELECT * FROM same", name="s3")
    first.commit()
    with pytest.raises(psycopg2.errors.DuplicateTable):
        second.commit()
    for name in cluster.names:
        assert cluster.query("SELECT v FROM same", name=name) == [(1,)]
    clean(cluster)


def test_next_writer_holds_nobody_up(cluster):
    """A commit whose region goes to the next writer at once, who takes his time, is settled all the same."""
    cluster.query("CREATE TABLE base (id int PRIMARY KEY)")
    first, second = (cluster.connect(name, autocommit=False) for name in ("s1", "s2"))
    first.cursor().execute("INSERT INTO base VALUES (1)")
    first.cursor().execute("CREATE SCHEMA apart")
    writing = threading.Thread(target=lambda: second.cursor().execute("INSERT INTO base VALUES (2)"))
    writing.start()
    time.sleep(0.3)
    began = time.monotonic()
    first.commit()
    assert time.monotonic() - began < 1.5
    writing.join(10)
    cluster.query("CREATE TABLE apart.t (id int)", name="s3")
    second.rollback()
    assert cluster.query("SELECT id FROM base") == [(1,)]


def test_two_first_tables_of_a_colocated_database(cluster):
    """Each in a region that was made for its transaction: the second to commit is told to try again, and then goes to
    the first one's."""
    cluster.query("CREATE DATABASE app WITH COLOCATION = true")
    sessions = [cluster.connect(name, autocommit=False, dbname="app") for name in ("s1", "s2")]
    for i, session in enumerate(sessions):
        session.cursor().execute(f"CREATE TABLE t{i} (id int PRIMARY KEY)")
    sessions[0].commit()
    with pytest.raises(psycopg2.errors.SerializationFailure):
        sessions[1].commit()
    cursor = sessions[1].cursor()
    cursor.execute("CREATE TABLE t1 (id int REFERENCES t0)")
    cursor.execute("INSERT INTO t0 VALUES (1)")
    cursor.execute("INSERT INTO t1 VALUES (1)")
    sessions[1].commit()
    assert cluster.query("SELECT colocated, tables, regions FROM minisql_databases WHERE name = 'app'") == [(True, 2, 1)]


def test_drop_database_waits_for_who_leaves(single):
    """A session that ends a moment later does not hinder DROP DATABASE."""
    single.query("CREATE DATABASE left_soon")
    session = single.connect("s1", dbname="left_soon")
    threading.Timer(0.5, session.close).start()
    single.query("DROP DATABASE left_soon")


def test_drop_database_with_sessions_elsewhere(cluster):
    """Sessions of another server hinder DROP DATABASE and are counted; WITH (FORCE) ends them; of a server that is
    gone there are none."""
    cluster.query("CREATE DATABASE busy", name="s1")
    elsewhere = [cluster.connect(name, dbname="busy") for name in ("s2", "s2", "s3")]
    with pytest.raises(psycopg2.errors.ObjectInUse) as told:
        cluster.query("DROP DATABASE busy", name="s1")
    assert told.value.diag.message_detail == "There are 3 other sessions using the database."
    for session in elsewhere[:2]:
        session.close()
    with pytest.raises(psycopg2.errors.ObjectInUse) as told:
        cluster.query("DROP DATABASE busy", name="s1")
    assert told.value.diag.message_detail == "There is 1 other session using the database."
    cluster.query("DROP DATABASE busy WITH (FORCE)", name="s1")
    with pytest.raises(psycopg2.Error):
        elsewhere[2].cursor().execute("SELECT 1")
    cluster.query("CREATE DATABASE busy", name="s1")
    cluster.connect("s3", dbname="busy").close()
    cluster.query("DROP DATABASE busy", name="s1")


def test_killed_anywhere(make_cluster):
    """Transactions from everywhere while one server after the other is killed: all or nothing. One in three
    changes a table of another region, too."""
    cluster = make_cluster(servers=4)
    cluster.query("CREATE TABLE base (id int PRIMARY KEY)")
    cluster.query("CREATE TABLE other (id int PRIMARY KEY)")
    stop, lock, outcomes = threading.Event(), threading.Lock(), {}

    def work(name):
        while not stop.is_set():
            with lock:
                n = next(numbers)
                outcomes[n] = None  # unknown
            try:
                connection = cluster.connect(name, autocommit=False)
                cursor = connection.cursor()
                cursor.execute(f"CREATE TABLE k_{n} (id int PRIMARY KEY" +
                               (", b int REFERENCES base)" if n % 2 else ", b int)"))
                cursor.execute(f"CREATE INDEX ki_{n} ON k_{n} (b)")
                if n % 2:
                    cursor.execute(f"INSERT INTO base VALUES ({n})")
                cursor.execute(f"INSERT INTO k_{n} SELECT i, {n if n % 2 else 'i'} FROM generate_series(1, 20) i")
                if n % 3 == 0:
                    cursor.execute(f"ALTER TABLE other ADD COLUMN c_{n} int")
                    cursor.execute(f"INSERT INTO other (id, c_{n}) SELECT {n}, count(*) FROM k_{n}")
                if n % 5 == 0:
                    connection.rollback()
                    outcomes[n] = False
                else:
                    connection.commit()
                    outcomes[n] = True
                connection.close()
            except psycopg2.Error as error:
                if getattr(error, "pgcode", None) and error.pgcode not in ("08007", "08006", "57P01"):
                    outcomes[n] = False
                time.sleep(0.05)

    workers = [threading.Thread(target=work, args=(name,)) for name in cluster.names]
    for worker in workers:
        worker.start()
    for name in (cluster.primary("base"), cluster.master(), *cluster.names[:2]):
        time.sleep(1.2)
        cluster.kill(name)
        time.sleep(1.5)
        cluster.start(name)
    time.sleep(1)
    stop.set()
    for worker in workers:
        worker.join(60)
    cluster.wait_up(*cluster.names)
    cluster.wait_copies()
    wait_until("nothing is pending", lambda: not pending(cluster), 20)
    there = {int(name[2:]): rows for name, rows in
             ((name, cluster.value(f"SELECT count(*) FROM {name}"))
              for name in cluster.placement() if name.startswith("k_"))}
    rows = {row[0] for row in cluster.query("SELECT id FROM base")}
    other = {row[0] for row in cluster.query("SELECT id FROM other")}
    columns = {int(row[0][2:]) for row in cluster.query("SELECT attname FROM pg_attribute WHERE attrelid = "
                                                        "'other'::regclass AND attname ~ '^c_'")}
    print(sum(o is True for o in outcomes.values()), "acknowledged,", len(there), "there, of", len(outcomes))
    assert set(there.values()) == {20}
    for n, outcome in outcomes.items():
        assert outcome is None or outcome == (n in there), (n, outcome)
        assert not n % 2 or (n in there) == (n in rows), n
        assert n % 3 or (n in there) == (n in other) == (n in columns), n
        assert n not in columns or cluster.value(f"SELECT c_{n} FROM other WHERE id = {n}") == 20
    assert sum(o is True for o in outcomes.values()) > 20

    def all_have_tables():  # a gateway that could not give one back tries again when a transaction ends
        for name in cluster.names:
            cluster.connect(name).close()
        return cluster.value("SELECT count(*) FROM minisql_regions"
                             " WHERE region NOT IN (SELECT region FROM minisql_tables)") == 0
    wait_until("no region without tables", all_have_tables, 20)
    clean(cluster)


def test_a_queue_for_one_region(cluster):
    """Many transactions wait for a region to make a table in it, or to write to it when they have made something
    else, and each finds the schema changed by the one before: all come to their table, but for the last four,
    who want one name."""
    cluster.query("CREATE TABLE base (id int PRIMARY KEY)")
    cluster.query("INSERT INTO base VALUES (0)")
    first = cluster.connect("s1", autocommit=False)
    first.cursor().execute("CREATE TABLE t (id int REFERENCES base)")
    codes = []

    def creating(i):
        connection = cluster.connect(f"s{i % 3 + 1}", autocommit=False)
        cursor = connection.cursor()
        name = f"t{min(i, 12)}"
        try:
            if i % 2:
                cursor.execute(f"CREATE SEQUENCE s{i}")
                cursor.execute(f"INSERT INTO base VALUES ({i})")
            cursor.execute(f"CREATE TABLE {name} (id int REFERENCES base)")
            cursor.execute(f"INSERT INTO {name} VALUES (0)")
            connection.commit()
            codes.append(None)
        except psycopg2.Error as error:
            codes.append(error.pgcode)

    def all_wait():
        activity = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ '^CREATE TABLE t|^INSERT'"
        return cluster.value(activity) == 16

    threads = [threading.Thread(target=creating, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    wait_until("all wait", all_wait)
    first.commit()
    for thread in threads:
        thread.join(60)
    assert sorted(codes, key=str) == ["42P07"] * 3 + [None] * 13
    tables = [f"t{i}" for i in range(13)] + ["t"]
    assert all(cluster.value(f"SELECT count(*) FROM {table}") == (table != "t") for table in tables)
    clean(cluster)


def test_others_go_on(cluster):
    """Transactions that create tables, statements that create tables, and readers beside each other, in one
    region: each gets its own, and nobody sees half of anything."""
    cluster.query("CREATE TABLE base (id int PRIMARY KEY)")
    cluster.query("INSERT INTO base VALUES (0)")
    stop, problems = threading.Event(), []

    def creating(name, transaction):
        try:
            connection = cluster.connect(name, autocommit=not transaction)
            cursor = connection.cursor()
            for i in range(8):
                kind = "t" if transaction else "a"
                cursor.execute(f"CREATE TABLE {kind}_{name}_{i} (id int REFERENCES base)")
                cursor.execute(f"INSERT INTO {kind}_{name}_{i} VALUES (0)")
                connection.commit()
        except psycopg2.Error as error:
            problems.append(error)

    def reading(name):
        cursor = cluster.connect(name).cursor()
        while not stop.is_set():
            try:
                cursor.execute("SELECT count(*) FROM base")
            except psycopg2.Error as error:
                problems.append(error)
                return

    creators = [threading.Thread(target=creating, args=(name, transaction))
                for name in ("s1", "s2") for transaction in (True, False)]
    readers = [threading.Thread(target=reading, args=(name,)) for name in ("s1", "s3")]
    for thread in creators + readers:
        thread.start()
    for thread in creators:
        thread.join(60)
    stop.set()
    for thread in readers:
        thread.join(10)
    assert not problems, problems
    assert cluster.value("SELECT count(*) FROM minisql_tables") == 33
    for kind, name, i in itertools.product("ta", ("s1", "s2"), range(8)):
        assert cluster.value(f"SELECT count(*) FROM {kind}_{name}_{i}") == 1
    clean(cluster)
