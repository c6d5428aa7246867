"""ALTER DOMAIN: from when it is through, nothing that a server had analysed before writes what the domain
does not take, in whichever region the table lies; what is validated holds."""
import threading
import time

import psycopg2
import pytest

NAMES = ("s1", "s2", "s3")


def attempt(cursor, sql):
    """The SQLSTATE; None: it worked."""
    try:
        cursor.execute(sql)
        return None
    except psycopg2.Error as error:
        return error.pgcode


@pytest.fixture(name="cursors")
def cursors_fixture(cluster):
    """One at each server, with a statement that each has analysed; three tables in three regions."""
    cursors = {name: cluster.connect(name).cursor() for name in NAMES}
    cursors["s1"].execute("CREATE DOMAIN small AS int CHECK (VALUE < 1000)")
    for i in range(3):
        cursors["s1"].execute(f"CREATE TABLE d{i} (id serial PRIMARY KEY, v small)")
    for i in range(3):
        for cursor in cursors.values():
            cursor.execute(f"PREPARE put{i} AS INSERT INTO d{i} (v) VALUES ($1)")
            cursor.execute(f"EXECUTE put{i} (5)")
    return cursors


def test_many_regions(cursors):
    """Everybody knows of the check at once; rows are asked in all regions."""
    for n, changes in enumerate(NAMES):
        assert attempt(cursors[changes], "ALTER DOMAIN small SET NOT NULL") is None
        for cursor in cursors.values():
            for i in range(3):
                assert attempt(cursor, f"EXECUTE put{i} (NULL)") == "23502"
        cursors[changes].execute("ALTER DOMAIN small DROP NOT NULL")
        cursors["s1"].execute(f"EXECUTE put{n} (7)")
        assert attempt(cursors[changes], "ALTER DOMAIN small ADD CONSTRAINT c CHECK (VALUE <> 7)") == "23514"
        cursors["s1"].execute(f"DELETE FROM d{n} WHERE v = 7")
        cursors[changes].execute("ALTER DOMAIN small ADD CONSTRAINT c CHECK (VALUE <> 7)")
        for cursor in cursors.values():
            for i in range(3):
                assert attempt(cursor, f"EXECUTE put{i} (7)") == "23514"
        cursors[changes].execute("ALTER DOMAIN small DROP CONSTRAINT c")
    for n, changes in enumerate(NAMES):
        cursors["s1"].execute(f"EXECUTE put0 ({100 + n})")
        cursors[changes].execute(f"ALTER DOMAIN small ADD CONSTRAINT c{n} CHECK (VALUE <> {100 + n}) NOT VALID")
        for cursor in cursors.values():
            for i in range(3):
                assert attempt(cursor, f"EXECUTE put{i} ({100 + n})") == "23514"
                assert attempt(cursor, f"UPDATE d{i} SET v = {100 + n} WHERE id = 1") == "23514"
        assert attempt(cursors[changes], f"ALTER DOMAIN small VALIDATE CONSTRAINT c{n}") == "23514"
        cursors["s1"].execute(f"DELETE FROM d0 WHERE v = {100 + n}")
        cursors[changes].execute(f"ALTER DOMAIN small VALIDATE CONSTRAINT c{n}")


@pytest.mark.parametrize("writer", NAMES)
def test_open_transaction(cluster, cursors, writer):
    """A row that somebody had written, and not committed, is not there when VALIDATE has found none."""
    connection = cluster.connect(writer, autocommit=False)
    open_cursor = connection.cursor()
    open_cursor.execute("INSERT INTO d1 (v) VALUES (500)")
    states = []

    def alter():
        for sql in ("ALTER DOMAIN small ADD CONSTRAINT low CHECK (VALUE < 100) NOT VALID",
                    "ALTER DOMAIN small VALIDATE CONSTRAINT low"):
            states.append(attempt(cursors["s1"], sql))

    thread = threading.Thread(target=alter, daemon=True)
    thread.start()
    time.sleep(1)
    committed = True
    try:
        connection.commit()
    except psycopg2.Error:
        committed = False
    thread.join(60)
    assert len(states) == 2 and states[0] is None, states
    cursors["s2"].execute("SELECT count(*) FROM d1 WHERE v = 500")
    assert cursors["s2"].fetchone()[0] == committed
    cursors["s2"].execute("SELECT convalidated FROM pg_constraint WHERE conname = 'low'")
    assert not (committed and cursors["s2"].fetchone()[0])


def test_shown_everywhere(cursors):
    """What is said at one server is so at all of them: the next statement has the new view, and the new check."""
    cursors["s1"].execute("CREATE VIEW now_it_is AS SELECT 0 AS n")
    for cursor in cursors.values():
        cursor.execute("PREPARE look AS SELECT n FROM now_it_is")
    for n in range(1, 90):
        by = cursors[NAMES[n % 3]]
        if n % 2:
            by.execute("BEGIN")
        by.execute(f"CREATE OR REPLACE VIEW now_it_is AS SELECT {n} AS n")
        if n % 2:
            by.execute("COMMIT")
        seen = []
        for cursor in cursors.values():
            cursor.execute("EXECUTE look")
            seen.append(cursor.fetchone()[0])
        assert seen == [n] * 3
    for n in range(30):
        by = cursors[NAMES[n % 3]]
        by.execute("ALTER DOMAIN small ADD CONSTRAINT five CHECK (VALUE <> 5) NOT VALID")
        assert [attempt(cursor, "EXECUTE put1 (5)") for cursor in cursors.values()] == ["23514"] * 3
        by.execute("ALTER DOMAIN small DROP CONSTRAINT five")
        assert [attempt(cursor, "EXECUTE put1 (5)") for cursor in cursors.values()] == [None] * 3
