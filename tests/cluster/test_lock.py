"""LOCK TABLE keeps writers out until its transaction ends, wherever they and the tables are; how long they wait."""
import threading
import time

import psycopg2
import psycopg2.errors
import pytest


def transaction(cluster, name, *statements):
    cursor = cluster.connect(name).cursor()
    for sql in ("BEGIN",) + statements:
        cursor.execute(sql)
    return cursor


def must_wait(cluster, name, *statements):
    """The last of them waits for a lock that nobody gives back."""
    connection = cluster.connect(name)
    cursor = connection.cursor()
    for sql in statements[:-1]:
        cursor.execute(sql)
    cursor.execute("SET statement_timeout = '300ms'")
    with pytest.raises(psycopg2.errors.QueryCanceled):
        cursor.execute(statements[-1])
    connection.close()


def refused(cluster, name, *statements):
    """What the last of them fails with, in a session of its own."""
    connection = cluster.connect(name)
    cursor = connection.cursor()
    for sql in statements[:-1]:
        cursor.execute(sql)
    with pytest.raises(psycopg2.errors.LockNotAvailable) as e:
        cursor.execute(statements[-1])
    connection.close()
    return e.value.diag.message_primary


def check_patience(cluster, names):
    """Whoever has none is told, wherever the region's primary is; afterwards all goes on."""
    for table in ("t", "u"):
        cluster.query(f"CREATE TABLE {table} (id int PRIMARY KEY, v int)")
        cluster.query(f"INSERT INTO {table} VALUES (1, 1), (2, 2)")
    held = transaction(cluster, "s1", "UPDATE t SET v = v WHERE id = 1")
    elsewhere = "UPDATE u SET v = v" if len(names) > 1 else "SELECT v FROM u"
    for name in names:
        for sql in ("UPDATE t SET v = 5 WHERE id = 1", "SELECT v FROM t FOR UPDATE", "CREATE INDEX ON t (v)",
                    "ALTER TABLE t ADD w int"):
            assert refused(cluster, name, "SET lock_timeout = '50ms'", sql) == (
                "canceling statement due to lock timeout")
        for sql in ("UPDATE t SET v = 5 WHERE id = 1", "SELECT v FROM t WHERE id = 1 FOR UPDATE",
                    "LOCK TABLE u, t", "CREATE INDEX ON t (v)"):
            assert refused(cluster, name, "SET lock_timeout = '50ms'", "BEGIN", elsewhere, sql) == (
                "canceling statement due to lock timeout")
        assert refused(cluster, name, "BEGIN", "SELECT * FROM t AS x FOR UPDATE NOWAIT") == (
            'could not obtain lock on row in relation "t"')
        assert refused(cluster, name, "SELECT * FROM t FOR SHARE NOWAIT") == 'could not obtain lock on row in relation "t"'
        for begin in ((), ("BEGIN",)):
            assert refused(cluster, name, *begin, "SELECT * FROM u JOIN t USING (id) FOR UPDATE NOWAIT") == (
                'could not obtain lock on row in relation "u"')
        assert refused(cluster, name, "BEGIN", "LOCK TABLE t, u NOWAIT") == 'could not obtain lock on relation "t"'
        transaction(cluster, name, "LOCK t IN ROW EXCLUSIVE MODE NOWAIT", "COMMIT")
    held.execute("COMMIT")
    for name in names:
        transaction(cluster, name, "SET LOCAL lock_timeout = '20s'", "SELECT * FROM t FOR UPDATE NOWAIT",
                    "LOCK TABLE t NOWAIT", "UPDATE t SET v = v", "COMMIT")
        for _ in range(2):
            cluster.connect(name).cursor().execute("SELECT * FROM t FOR UPDATE NOWAIT")


def test_patience(cluster):
    check_patience(cluster, ("s1", "s2", "s3"))


def check(cluster, names):
    for table in ("t", "u"):
        cluster.query(f"CREATE TABLE {table} (id int PRIMARY KEY, v int)")
        cluster.query(f"INSERT INTO {table} VALUES (1, 1), (2, 2)")
    cluster.query("CREATE VIEW tu AS SELECT t.id FROM t WHERE id IN (SELECT id FROM u)")
    for lock in ("LOCK TABLE t, u", "LOCK tu IN SHARE MODE"):
        held = transaction(cluster, "s1", lock)
        for name in names:
            must_wait(cluster, name, "UPDATE t SET v = 5 WHERE id = 1")
            must_wait(cluster, name, "BEGIN", "UPDATE u SET v = 5 WHERE id = 1")
            must_wait(cluster, name, "BEGIN", "LOCK TABLE u IN EXCLUSIVE MODE")
            reader = transaction(cluster, name, "LOCK TABLE t, u IN ACCESS SHARE MODE",
                                 "SELECT sum(v) FROM t")
            assert reader.fetchone() == (3,)
            reader.execute("COMMIT")
        held.execute("COMMIT")
    for name in names:
        held = transaction(cluster, name, "SAVEPOINT a", "LOCK TABLE t", "UPDATE t SET v = v",
                           "LOCK TABLE u", "UPDATE u SET v = v", "COMMIT")
    assert cluster.value("SELECT sum(v) FROM u") == 3


def test_lock(cluster):
    check(cluster, ("s1", "s2", "s3"))


def test_lock_single(single):
    """And who waits goes on when it is given back; one statement's locks go with it."""
    check_patience(single, ("s1",))
    single.query("DROP TABLE t, u CASCADE")
    check(single, ("s1",))
    single.query("BEGIN; LOCK TABLE t; COMMIT")
    held = transaction(single, "s1", "LOCK TABLE t")
    other = single.connect().cursor()
    other.execute("SET lock_timeout = '20s'")
    thread = threading.Thread(target=other.execute, args=("UPDATE t SET v = 9 WHERE id = 2",))
    thread.start()
    time.sleep(0.3)
    assert thread.is_alive()
    held.execute("ROLLBACK")
    thread.join(20)
    assert not thread.is_alive()


def test_deadlock(cluster):
    """Two that lock what the other one has: one of them is told, the other one goes on."""
    for table in ("t", "u"):
        cluster.query(f"CREATE TABLE {table} (id int PRIMARY KEY)")
    cursors = [transaction(cluster, "s1", "LOCK TABLE t"), transaction(cluster, "s2", "LOCK TABLE u")]
    codes = []

    def go_on(cursor, sql):
        try:
            cursor.execute(sql)
            cursor.execute("COMMIT")
            codes.append("")
        except psycopg2.Error as error:
            cursor.execute("ROLLBACK")
            codes.append(error.pgcode)

    threads = [threading.Thread(target=go_on, args=(cursor, sql), daemon=True)
               for cursor, sql in zip(cursors, ("LOCK TABLE u", "LOCK TABLE t"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(codes) == ["", "40P01"]
    cluster.query("INSERT INTO t VALUES (1)")
    cluster.query("INSERT INTO u VALUES (1)")
