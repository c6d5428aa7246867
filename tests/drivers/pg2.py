"""psycopg2."""
import io
import threading
import time

import psycopg2
import psycopg2.errors
import psycopg2.extras

from checks import COLUMNS, DATABASE, HOST, LARGE, LARGE_PORT, NULLS, PORT, TEXT, TYPES, USER, VALUES, check, raises, run

psycopg2.extras.register_uuid()


def setup(port=PORT):
    return psycopg2.connect(host=HOST, port=port, user=USER, dbname=DATABASE)


@check
def connect(connect):
    c = connect()
    assert c.server_version == 150000 or c.server_version // 10000 == 15
    assert c.get_parameter_status("server_encoding") == "UTF8"
    c.close()


@check
def ddl(connect):
    c = connect()
    c.autocommit = True
    with c.cursor() as k:
        for name in ("pg2_t", "pg2_u"):
            k.execute(f"DROP TABLE IF EXISTS {name}")
        k.execute(TYPES.format("pg2_t"))
        k.execute("CREATE TABLE pg2_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)")
        k.execute("CREATE INDEX pg2_i ON pg2_t (t, i4 DESC)")


@check
def types_and_nulls(connect):
    c = connect()
    with c, c.cursor() as k:
        marks = ", ".join(["%s"] * len(VALUES))
        for row in (VALUES, NULLS):
            k.execute(f"INSERT INTO pg2_t VALUES ({marks})", row)
        k.execute("SELECT * FROM pg2_t ORDER BY id")
        found = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in k]
        assert found == [VALUES, NULLS], found
        assert [d.name for d in k.description] == COLUMNS
    with c, c.cursor() as k:
        for column, value in zip(COLUMNS, VALUES):
            k.execute(f"SELECT id FROM pg2_t WHERE {column} = %s", (value,))
            assert k.fetchall() == [(1,)], column


@check
def batch(connect):
    c = connect()
    with c, c.cursor() as k:
        rows = [(i, f"name {i}") for i in range(2000)]
        psycopg2.extras.execute_values(k, "INSERT INTO pg2_u VALUES %s", rows)
        k.executemany("UPDATE pg2_u SET name = %s WHERE id = %s", [(f"other {i}", i) for i in range(20)])
        psycopg2.extras.execute_batch(k, "DELETE FROM pg2_u WHERE id = %s", [(i,) for i in range(1000, 2000)])
        k.execute("SELECT count(*), count(*) FILTER (WHERE name LIKE 'other %') FROM pg2_u")
        assert k.fetchone() == (1000, 20)


@check
def copy(connect):
    c = connect()
    with c, c.cursor() as k:
        k.copy_expert("COPY pg2_u FROM STDIN", io.StringIO("5000\tcopied\n5001\tä\\tb\n"))
        out = io.StringIO()
        k.copy_expert("COPY (SELECT * FROM pg2_u WHERE id >= 5000 ORDER BY id) TO STDOUT WITH CSV", out)
        assert out.getvalue() == '5000,copied\n5001,ä\tb\n', out.getvalue()


@check
def cursors(connect):
    c = connect()
    with c, c.cursor("named") as k:
        k.itersize = 100
        k.execute("SELECT i, i * i FROM generate_series(1, %s) i", (1234,))
        assert sum(row[0] for row in k) == 1234 * 1235 // 2
    with c, c.cursor("scrolled", scrollable=True) as k:
        k.execute("SELECT i FROM generate_series(1, 50) i")
        assert k.fetchmany(3) == [(1,), (2,), (3,)]
        k.scroll(-2)
        assert k.fetchone() == (2,)
        k.scroll(40, mode="absolute")
        assert k.fetchall() == [(i,) for i in range(41, 51)]
    held = c.cursor("held", withhold=True)
    held.execute("SELECT id FROM pg2_u WHERE id < 3 ORDER BY id")
    c.commit()
    assert held.fetchall() == [(0,), (1,), (2,)]
    held.close()
    other = c.cursor("named")
    other.execute("SELECT 1")
    assert raises(psycopg2.errors.DuplicateCursor, c.cursor("named").execute, "SELECT 1").pgcode == "42P03"
    c.rollback()
    assert raises(psycopg2.errors.InvalidCursorName, c.cursor().execute, "FETCH gone").pgcode == "34000"


@check
def transactions(connect):
    c, d = connect(), connect()
    k = c.cursor()
    k.execute("DELETE FROM pg2_u")
    k.execute("INSERT INTO pg2_u VALUES (1, 'one')")
    k.execute("SAVEPOINT s")
    raises(psycopg2.errors.UniqueViolation, k.execute, "INSERT INTO pg2_u VALUES (1, 'again')")
    raises(psycopg2.errors.InFailedSqlTransaction, k.execute, "SELECT 1")
    k.execute("ROLLBACK TO s")
    k.execute("INSERT INTO pg2_u VALUES (2, 'two')")
    with d, d.cursor() as other:
        other.execute("SELECT count(*) FROM pg2_u WHERE name IN ('one', 'two')")
        assert other.fetchone() == (0,)
    c.commit()
    k.execute("DELETE FROM pg2_u")
    c.rollback()
    k.execute("SELECT id, name FROM pg2_u ORDER BY id")
    assert k.fetchall() == [(1, "one"), (2, "two")]


@check
def errors(connect):
    c = connect()
    c.autocommit = True
    k = c.cursor()
    for sql, error in (("SELEC 1", "SyntaxError"), ("SELECT nope FROM pg2_u", "UndefinedColumn"),
                       ("SELECT * FROM nope", "UndefinedTable"), ("SELECT 1/0", "DivisionByZero"),
                       ("SELECT 'x'::int", "InvalidTextRepresentation"),
                       ("SELECT 2147483648::int4", "NumericValueOutOfRange"),
                       ("INSERT INTO pg2_u VALUES (3, NULL)", "NotNullViolation"),
                       ("CREATE TABLE pg2_u (a int)", "DuplicateTable"),
                       ("SELECT nope(1)", "UndefinedFunction")):
        raises(getattr(psycopg2.errors, error), k.execute, sql)
    e = raises(psycopg2.IntegrityError, k.execute, "INSERT INTO pg2_u VALUES (1, 'x')")
    d = e.diag
    assert (d.sqlstate, d.schema_name, d.table_name, d.constraint_name, d.column_name) == (
        "23505", "public", "pg2_u", "pg2_u_pkey", None)
    assert "duplicate key value violates unique constraint" in d.message_primary
    e = raises(psycopg2.IntegrityError, k.execute, "INSERT INTO pg2_u VALUES (9, NULL)")
    assert (e.diag.table_name, e.diag.column_name) == ("pg2_u", "name")
    assert raises(psycopg2.Error, k.execute, "SELECT 1,\n nope").diag.statement_position == "12"


@check
def prepared(connect):
    c = connect()
    with c, c.cursor() as k:
        k.execute("PREPARE pg2_p (int, text) AS SELECT $1 + 1, upper($2)")
        for i in range(3):
            k.execute("EXECUTE pg2_p (%s, %s)", (i, "x"))
            assert k.fetchone() == (i + 1, "X")
        k.execute("DEALLOCATE pg2_p")
        raises(psycopg2.errors.InvalidSqlStatementName, k.execute, "EXECUTE pg2_p (1, 'x')")


@check
def unicode(connect):
    c = connect()
    with c, c.cursor() as k:
        k.execute("SELECT %s, length(%s), %s = %s", (TEXT, TEXT, TEXT, TEXT))
        assert k.fetchone() == (TEXT, len(TEXT), True)
        k.execute("INSERT INTO pg2_u VALUES (70, %s)", (TEXT,))
        k.execute("SELECT name AS \"Ünï\" FROM pg2_u WHERE name = %s", (TEXT,))
        assert k.description[0].name == "Ünï" and k.fetchone() == (TEXT,)


@check
def large(connect):
    c = connect(LARGE_PORT)
    value = b"\x00\xffab" * (LARGE // 4)
    c.autocommit = True
    k = c.cursor()
    k.execute("DROP TABLE IF EXISTS pg2_large")
    k.execute("CREATE TABLE pg2_large (y bytea)")
    k.execute("INSERT INTO pg2_large VALUES (%s)", (value,))
    k.execute("SELECT length(y), y FROM pg2_large")
    length, found = k.fetchone()
    assert length == LARGE and bytes(found) == value
    k.execute("DROP TABLE pg2_large")


@check
def cancel(connect):
    c = connect()
    k = c.cursor()
    threading.Timer(0.3, c.cancel).start()
    start = time.monotonic()
    raises(psycopg2.errors.QueryCanceled, k.execute, "SELECT count(*) FROM generate_series(1, 10000000000)")
    assert time.monotonic() - start < 10
    c.rollback()
    k.execute("SET statement_timeout = 200")
    raises(psycopg2.errors.QueryCanceled, k.execute, "SELECT count(*) FROM generate_series(1, 10000000000)")
    c.rollback()
    k.execute("SELECT 1")
    assert k.fetchone() == (1,)


run(setup)
