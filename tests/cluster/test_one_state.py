"""Isolation levels above READ COMMITTED."""
import threading

import psycopg2
import pytest


def begin(cluster, name):
    connection = cluster.connect(name)
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return cursor


def value(cursor, sql):
    cursor.execute(sql)
    return cursor.fetchone()[0]


def test_one_state(cluster):
    """Wherever the regions are: single reads, joins and groups see one state; afterwards, the present."""
    writer = cluster.connect("s1").cursor()
    for i in range(3):
        writer.execute(f"CREATE TABLE t{i} (id int PRIMARY KEY, v int)")
        writer.execute(f"INSERT INTO t{i} SELECT g, 0 FROM generate_series(1, 100) g")
    readers = [begin(cluster, name) for name in ("s1", "s2", "s3")]
    for cursor in readers:
        for i in range(3):
            assert value(cursor, f"SELECT sum(v) FROM t{i}") == 0
    for i in range(3):
        writer.execute(f"UPDATE t{i} SET v = 1")
        writer.execute(f"INSERT INTO t{i} VALUES (1000, 7)")
    for cursor in readers:
        for i in range(3):
            assert value(cursor, f"SELECT v FROM t{i} WHERE id = 5") == 0
            assert value(cursor, f"SELECT count(*) FROM t{i}") == 100
        assert value(cursor, "SELECT sum(a.v + b.v + c.v) FROM t0 a JOIN t1 b USING (id) JOIN t2 c USING (id)") == 0
        assert value(cursor, "SELECT count(*) FROM (SELECT v, count(*) FROM t0 GROUP BY v) g") == 1
        assert value(cursor, "SHOW transaction_isolation") == "repeatable read"
        cursor.execute("COMMIT")
        assert value(cursor, "SELECT sum(v) FROM t0") == 107


def test_its_rules(single):
    """It must not write, nor turn into another kind; a changed table ends it."""
    writer = single.connect().cursor()
    writer.execute("CREATE TABLE t (id int PRIMARY KEY)")
    writer.execute("INSERT INTO t VALUES (1)")
    for sql, state in (("INSERT INTO t VALUES (2)", "25006"), ("SELECT * FROM t FOR UPDATE", "25006"),
                       ("SET TRANSACTION READ WRITE", "25001"),
                       ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "25001")):
        cursor = begin(single, "s1")
        assert value(cursor, "SELECT count(*) FROM t") == 1
        with pytest.raises(psycopg2.Error) as e:
            cursor.execute(sql)
        assert e.value.pgcode == state, sql
        cursor.execute("ROLLBACK")
    cursor = begin(single, "s1")
    assert value(cursor, "SELECT count(*) FROM t") == 1
    writer.execute("CREATE INDEX t_x ON t (id)")
    with pytest.raises(psycopg2.Error) as e:
        cursor.execute("SELECT count(*) FROM t")
    assert e.value.pgcode == "40001"
    cursor.execute("ROLLBACK")


def test_not_too_many(single):
    """Readers that hold a state leave room for others; when they are gone, there is room again."""
    single.query("CREATE TABLE t (id int PRIMARY KEY)")
    holders = [begin(single, "s1") for _ in range(9)]
    for cursor in holders[:8]:
        assert value(cursor, "SELECT count(*) FROM t") == 0
    with pytest.raises(psycopg2.Error) as e:
        holders[8].execute("SELECT count(*) FROM t")
    assert e.value.pgcode == "53000"
    single.query("INSERT INTO t VALUES (1)")
    assert single.value("SELECT count(*) FROM t") == 1
    holders[0].connection.close()
    holders[1].execute("COMMIT")
    cursor = begin(single, "s1")
    assert value(cursor, "SELECT count(*) FROM t") == 1


def test_they_write(cluster):
    """Who reads a row and then writes what it made of it loses nobody's write, wherever the primary is."""
    cluster.query("CREATE TABLE t (id int PRIMARY KEY, v int)")
    cluster.query("INSERT INTO t VALUES (1, 0), (2, 0)")

    def work(name, level):
        cursor = cluster.connect(name).cursor()
        for i in range(20):
            cursor.execute(f"BEGIN ISOLATION LEVEL {level}")
            seen = value(cursor, "SELECT sum(v) FROM t")
            cursor.execute("UPDATE t SET v = %s - (SELECT v FROM t WHERE id = %s) WHERE id = %s",
                           (seen + 1, 1 + i % 2, 2 - i % 2))
            cursor.execute("COMMIT")
        done.append(name)

    done = []
    threads = [threading.Thread(target=work, args=(name, level))
               for name in ("s1", "s2", "s3") for level in ("SERIALIZABLE", "REPEATABLE READ")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == len(threads)
    assert cluster.value("SELECT sum(v) FROM t") == 20 * len(threads)


def test_several_regions(cluster):
    """SERIALIZABLE keeps others from writing in all that it uses, and uses one region if it is READ ONLY;
    REPEATABLE READ sees one state of what it does not write."""
    writer = cluster.connect("s1").cursor()
    for name in ("a", "b"):
        writer.execute(f"CREATE TABLE {name} (id int PRIMARY KEY)")
        writer.execute(f"INSERT INTO {name} VALUES (1)")
    cursor = cluster.connect("s2").cursor()
    for sql in ("SELECT count(*) FROM a JOIN b USING (id)", "INSERT INTO a SELECT id + 1 FROM b",
                "SELECT * FROM a WHERE id IN (SELECT id FROM b)"):
        for mode in ("READ WRITE", "READ ONLY"):
            if mode == "READ ONLY" and "INSERT" in sql:
                continue
            cursor.execute(f"BEGIN ISOLATION LEVEL SERIALIZABLE, {mode}")
            if mode == "READ ONLY":
                with pytest.raises(psycopg2.Error) as e:
                    cursor.execute(sql)
                assert e.value.pgcode == "0A000", (sql, mode)
            else:
                cursor.execute(sql)
                writer.execute("SET statement_timeout = 100")
                for name in ("a", "b"):
                    with pytest.raises(psycopg2.errors.QueryCanceled):
                        writer.execute(f"INSERT INTO {name} VALUES (77)")
                writer.execute("RESET statement_timeout")
            cursor.execute("ROLLBACK")
    cursor.execute("BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY")
    assert value(cursor, "SELECT count(*) FROM a") == 1
    with pytest.raises(psycopg2.Error) as e:
        cursor.execute("SELECT count(*) FROM b")
    assert e.value.pgcode == "0A000"
    cursor.execute("ROLLBACK")
    cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    cursor.execute("INSERT INTO a VALUES (2)")
    assert value(cursor, "SELECT count(*) FROM b") == 1
    writer.execute("INSERT INTO b VALUES (2)")
    assert value(cursor, "SELECT count(*) FROM b") == 1
    assert value(cursor, "SELECT count(*) FROM a JOIN b USING (id)") == 1
    cursor.execute("COMMIT")
    assert value(cursor, "SELECT count(*) FROM a JOIN b USING (id)") == 2
