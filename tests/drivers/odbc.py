"""ODBC: PostgreSQL's driver (odbc-postgresql) through unixODBC and pyodbc."""
import datetime
import decimal
import threading
import time
import uuid

import pyodbc

from checks import DATABASE, HOST, LARGE, LARGE_PORT, PORT, TEXT, USER, check, raises, run

pyodbc.pooling = False
DRIVER = "/usr/lib/x86_64-linux-gnu/odbc/psqlodbcw.so"


def setup(port=PORT, autocommit=False, options=""):
    return pyodbc.connect(f"DRIVER={DRIVER};SERVER={HOST};PORT={port};UID={USER};DATABASE={DATABASE};"
                          f"BoolsAsChar=0;TextAsLongVarchar=0;MaxVarcharSize=4000;{options}", autocommit=autocommit)


@check
def connect(connect):
    c = connect()
    assert c.getinfo(pyodbc.SQL_DBMS_NAME) == "PostgreSQL"
    assert c.getinfo(pyodbc.SQL_DBMS_VER).startswith("15.")
    c.close()


@check
def ddl(connect):
    c = connect(autocommit=True)
    for name in ("odbc_t", "odbc_u"):
        c.execute(f"DROP TABLE IF EXISTS {name}")
    c.execute("CREATE TABLE odbc_t (id int PRIMARY KEY, b bool, i2 int2, i8 int8, n numeric(12,3), f8 float8, "
              "t text, y bytea, u uuid, d date, ti time, ts timestamp)")
    c.execute("CREATE TABLE odbc_u (id int PRIMARY KEY, name varchar(200) NOT NULL UNIQUE)")


@check
def types_and_nulls(connect):
    values = (1, True, -32768, -9223372036854775808, decimal.Decimal("123456789.125"), 0.1, TEXT, bytes(range(256)),
              uuid.UUID("0123abcd-4567-89ab-cdef-0123456789ab"), datetime.date(2024, 2, 29),
              datetime.time(23, 59, 58), datetime.datetime(1999, 12, 31, 23, 59, 59, 999999))
    nulls = (2,) + (None,) * (len(values) - 1)
    for options in ("UseServerSidePrepare=1", "UseServerSidePrepare=0"):
        c = connect(options=options)
        c.execute("DELETE FROM odbc_t")
        marks = ", ".join("?" * len(values))
        for row in (values, nulls):
            c.execute(f"INSERT INTO odbc_t VALUES ({marks})", row)
        found = [tuple(row) for row in c.execute("SELECT * FROM odbc_t ORDER BY id").fetchall()]
        found[0] = tuple(uuid.UUID(v) if i == 8 and isinstance(v, str) else v for i, v in enumerate(found[0]))
        assert found == [values, nulls], found
        c.commit()


@check
def batch(connect):
    c = connect()
    k = c.cursor()
    k.executemany("INSERT INTO odbc_u VALUES (?, ?)", [(i, f"n{i}") for i in range(300)])
    c.commit()
    assert k.execute("SELECT count(*) FROM odbc_u").fetchone()[0] == 300


@check
def cursors(connect):
    """UseDeclareFetch makes the driver DECLARE a cursor for each SELECT."""
    c = connect(options="UseDeclareFetch=1;Fetch=50")
    total = sum(row[0] for row in c.execute("SELECT i FROM generate_series(1, 500) i"))
    assert total == 500 * 501 // 2
    one, two = c.cursor(), c.cursor()
    one.execute("SELECT i FROM generate_series(1, 120) i")
    two.execute("SELECT -i FROM generate_series(1, 120) i")
    assert all(one.fetchone()[0] + two.fetchone()[0] == 0 for _ in range(120))


@check
def transactions(connect):
    c, d = connect(), connect(autocommit=True)
    c.execute("DELETE FROM odbc_u")
    c.execute("INSERT INTO odbc_u VALUES (1, 'one')")
    c.execute("SAVEPOINT s")
    raises(pyodbc.IntegrityError, c.execute, "INSERT INTO odbc_u VALUES (1, 'again')")
    c.execute("ROLLBACK TO s")
    assert d.execute("SELECT count(*) FROM odbc_u WHERE name = 'one'").fetchone()[0] == 0
    c.commit()
    c.execute("DELETE FROM odbc_u")
    c.rollback()
    assert [tuple(r) for r in d.execute("SELECT * FROM odbc_u").fetchall()] == [(1, "one")]


@check
def errors(connect):
    c = connect(autocommit=True)
    for state, sql in (("42601", "SELEC 1"), ("42S22", "SELECT nope FROM odbc_u"), ("42S02", "SELECT * FROM nope"),
                       ("22012", "SELECT 1/0"), ("22P02", "SELECT 'x'::int"), ("23502", "INSERT INTO odbc_u VALUES (9, NULL)"),
                       ("23505", "INSERT INTO odbc_u VALUES (1, 'x')")):
        found = raises(pyodbc.Error, c.execute, sql).args[0]
        assert found == state or found == {"42S22": "42703", "42S02": "42P01"}.get(state), (found, sql)


@check
def prepared(connect):
    c = connect()
    k = c.cursor()
    for i in range(4):
        assert tuple(k.execute("SELECT ?::int + 1, upper(?::text)", (i, "x")).fetchone()) == (i + 1, "X")


@check
def unicode(connect):
    found = connect().execute("SELECT ?::text, length(?::text)", (TEXT, TEXT)).fetchone()
    assert tuple(found) == (TEXT, len(TEXT)), found


@check
def large(connect):
    c = connect(LARGE_PORT, autocommit=True, options="MaxLongVarcharSize=200000000")
    value = b"\x00\xffab" * (LARGE // 4)
    c.execute("DROP TABLE IF EXISTS odbc_large")
    c.execute("CREATE TABLE odbc_large (y bytea)")
    c.execute("INSERT INTO odbc_large VALUES (?)", (value,))
    length, found = c.execute("SELECT length(y), y FROM odbc_large").fetchone()
    assert length == LARGE and found == value
    c.execute("DROP TABLE odbc_large")


@check
def cancel(connect):
    c = connect()
    k = c.cursor()
    threading.Timer(0.3, k.cancel).start()
    start = time.monotonic()
    raises(pyodbc.Error, k.execute, "SELECT count(*) FROM generate_series(1, 10000000000)")
    assert time.monotonic() - start < 10
    c.rollback()
    assert c.execute("SELECT 1").fetchone()[0] == 1


run(setup)
