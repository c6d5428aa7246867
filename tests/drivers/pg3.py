"""psycopg 3."""
import datetime
import decimal
import select
import threading
import time

import psycopg
from psycopg import errors as E
from psycopg.types.composite import CompositeInfo, register_composite

from checks import COLUMNS, DATABASE, HOST, LARGE, LARGE_PORT, NULLS, PORT, TEXT, TYPES, USER, VALUES, check, raises, run


def setup(port=PORT, **options):
    return psycopg.connect(host=HOST, port=port, user=USER, dbname=DATABASE, **options)


@check
def connect(connect):
    with connect() as c:
        assert c.info.server_version // 10000 == 15 and c.info.encoding == "utf-8"
        assert c.info.parameter_status("standard_conforming_strings") == "on"


@check
def ddl(connect):
    with connect(autocommit=True) as c:
        for name in ("pg3_t", "pg3_u"):
            c.execute(f"DROP TABLE IF EXISTS {name}")
        c.execute(TYPES.format("pg3_t"))
        c.execute("CREATE TABLE pg3_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)")


@check
def types_and_nulls(connect):
    """Parameters and results in text and in binary."""
    with connect() as c:
        for kind in ("s", "t", "b"):
            c.execute("DELETE FROM pg3_t")
            marks = ", ".join([f"%{kind}"] * len(VALUES))
            for row in (VALUES, NULLS):
                c.execute(f"INSERT INTO pg3_t VALUES ({marks})", row)
            for binary in (False, True):
                k = c.cursor(binary=binary)
                k.execute("SELECT * FROM pg3_t ORDER BY id")
                found = k.fetchall()
                assert found == [VALUES, NULLS], (kind, binary, found)
                assert [d.name for d in k.description] == COLUMNS
            for column, value in zip(COLUMNS, VALUES):
                if kind == "b" and column == "c":
                    continue  # psycopg says that it is text, which PostgreSQL compares with its blanks
                found = c.execute(f"SELECT id FROM pg3_t WHERE {column} = %{kind}", (value,)).fetchall()
                assert found == [(1,)], (kind, column)


@check
def batch(connect):
    with connect() as c, c.cursor() as k:
        k.executemany("INSERT INTO pg3_u VALUES (%s, %s)", [(i, f"name {i}") for i in range(1000)])
        k.executemany("UPDATE pg3_u SET name = %s WHERE id = %s RETURNING id, name",
                      [(f"other {i}", i) for i in range(3)], returning=True)
        found = []
        while True:
            found += k.fetchall()
            if not k.nextset():
                break
        assert found == [(i, f"other {i}") for i in range(3)], found
        assert k.execute("SELECT count(*) FROM pg3_u").fetchone() == (1000,)


@check
def pipeline(connect):
    with connect() as c:
        with c.pipeline() as p:
            first = c.execute("SELECT 1")
            c.execute("INSERT INTO pg3_u VALUES (%s, %s)", (2000, "piped"))
            second = c.execute("SELECT name FROM pg3_u WHERE id = %s", (2000,))
            p.sync()
            assert first.fetchone() == (1,) and second.fetchone() == ("piped",)
    with connect() as c:
        def broken():
            with c.pipeline():
                c.execute("INSERT INTO pg3_u VALUES (2001, 'undone')")
                c.execute("INSERT INTO pg3_u VALUES (2000, 'twice')")
                c.execute("SELECT 1")
        raises(E.UniqueViolation, broken)
        c.rollback()
        assert c.execute("SELECT count(*) FROM pg3_u WHERE id >= 2000").fetchone() == (1,)


@check
def pipeline_without_sync(connect):
    """An error comes at once, before a Sync or a Flush asks for anything."""
    with connect() as c:
        pg = c.pgconn
        pg.enter_pipeline_mode()
        pg.send_query_params(b"SELECT 1/0", None)
        while pg.flush():
            pass
        assert select.select([pg.socket], [], [], 10)[0]
        pg.consume_input()
        assert pg.get_result().error_message.startswith(b"ERROR:  division by zero")
        pg.pipeline_sync()
        while (result := pg.get_result()) is None or result.status != psycopg.pq.ExecStatus.PIPELINE_SYNC:
            pass
        pg.exit_pipeline_mode()


def described(pg, text, name=b""):
    """Types of parameters and of columns."""
    result = pg.prepare(name, text.encode())
    assert result.status == psycopg.pq.ExecStatus.COMMAND_OK, result.error_message
    result = pg.describe_prepared(name)
    return [result.param_type(i) for i in range(result.nparams)], [result.ftype(i) for i in range(result.nfields)]


@check
def descriptions(connect):
    with connect() as c:
        pg = c.pgconn
        c.execute("CREATE DOMAIN pg3_d AS int CHECK (VALUE > 0)")
        c.execute("CREATE TABLE pg3_of (d pg3_d, i int)")
        domain, = c.execute("SELECT 'pg3_d'::regtype::oid").fetchone()
        for text, parameters in (("SELECT $1::pg3_d", [domain]), ("SELECT $1::int::pg3_d", [23]),
                                 ("INSERT INTO pg3_of VALUES ($1, $2)", [domain, 23]),
                                 ("UPDATE pg3_of SET d = $1", [domain]),
                                 ("SELECT i FROM pg3_of WHERE d = $1", [23])):
            assert described(pg, text)[0] == parameters, text
        described(pg, "SELECT $1::pg3_d", b"pg3_drawn")
        c.execute("ALTER TABLE pg3_of ADD x text")  # it is planned again
        assert pg.describe_prepared(b"pg3_drawn").param_type(0) == domain
        result = pg.exec_params(b"SELECT $1", [b"-1"], [domain])
        assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"23514", result.error_message
    with connect() as c:
        pg = c.pgconn
        described(pg, "SELECT i, i::text FROM generate_series(1, 5) i", b"pg3_rows")
        assert described(pg, "EXECUTE pg3_rows") == ([], [23, 25])
        result = pg.exec_params(b"EXECUTE pg3_rows", None, result_format=1)
        assert result.ntuples == 5 and result.get_value(4, 0) == b"\0\0\0\5"
        c.execute("PREPARE pg3_before AS SELECT 1")
        for i in range(20):
            c.execute(f"PREPARE pg3_{i} AS SELECT 1")
        rows = c.execute("SELECT name FROM pg_prepared_statements WHERE name ~ '^pg3_[0-9]' ORDER BY prepare_time")
        assert [name for name, in rows] == [f"pg3_{i}" for i in range(20)]


@check
def explain_json(connect):
    with connect() as c:
        for analyze in ("", "ANALYZE, "):
            k = c.execute(f"EXPLAIN ({analyze}FORMAT JSON) SELECT count(*) FROM pg3_u WHERE id > 1")
            assert k.description[0].type_code == 114
            (found, ), = k.fetchall()
            assert isinstance(found[0]["Plan"]["Node Type"], str) and found[0]["Plan"]["Plans"]
            assert ("Execution Time" in found[0]) == ("Actual Rows" in found[0]["Plan"]) == bool(analyze)


@check
def arrays_in_latin1(connect):
    with connect(client_encoding="latin1") as c:
        value = ["é", None, "ascii", "ü" * 200]
        for binary in (False, True):
            k = c.cursor(binary=binary)
            k.execute("SELECT %b::text[], ARRAY['é', 'e']::name[], length((%b::text[])[4]), ARRAY[['ß']]", (value, value))
            assert k.fetchone() == (value, ["é", "e"], 200, [["ß"]]), binary
        raises(E.UntranslatableCharacter, k.execute, "SELECT ARRAY['a', chr(8364)]")


@check
def errors_stop_pipelines(connect):
    """An error is sent while more of the pipeline is on its way."""
    c = connect()
    pg = c.pgconn
    pg.enter_pipeline_mode()
    pg.nonblocking = 1
    pg.send_query_params(b"SELECT 1/0", None)
    end = time.monotonic() + 20
    while pg.is_busy():  # libpq may take the answer off the socket while it sends
        assert time.monotonic() < end
        pg.send_query_params(b"SELECT $1::text", [b"x" * 100000])
        pg.flush()
        pg.consume_input()
    assert pg.get_result().error_message.startswith(b"ERROR:  division by zero")
    c.close()


@check
def many_parameters(connect):
    with connect() as c:
        c.execute("CREATE TABLE pg3_many (i int PRIMARY KEY)")
        values = list(range(65535))
        start = time.monotonic()
        c.execute(f"INSERT INTO pg3_many VALUES {', '.join(['(%s)'] * len(values))}", values)
        k = c.execute(f"SELECT count(*) FROM pg3_many WHERE i IN ({', '.join(['%s'] * len(values))})", values)
        assert k.fetchone() == (len(values),)
        assert time.monotonic() - start < 30  # not quadratic
        c.rollback()


@check
def copy(connect):
    with connect() as c, c.cursor() as k:
        for how in ("", " (FORMAT BINARY)"):
            k.execute("DELETE FROM pg3_t")
            with k.copy(f"COPY pg3_t FROM STDIN{how}") as out:
                if how:
                    out.set_types("int4 bool int2 int4 int8 numeric float4 float8 text varchar text bytea uuid "
                                  "date time timestamp timestamptz interval".split())
                out.write_row(VALUES)
                out.write_row(NULLS)
            assert k.execute("SELECT * FROM pg3_t ORDER BY id").fetchall() == [VALUES, NULLS], how
            with k.copy(f"COPY (SELECT id, i8, t, y FROM pg3_t ORDER BY id) TO STDOUT{how}") as into:
                into.set_types(["int4", "int8", "text", "bytea"])
                wanted = [tuple(row[COLUMNS.index(n)] for n in ("id", "i8", "t", "y")) for row in (VALUES, NULLS)]
                assert list(into.rows()) == wanted

        def broken():
            with k.copy("COPY pg3_u FROM STDIN") as out:
                out.write(b"3000\tx\nthis is no number\ty\n")
        e = raises(E.InvalidTextRepresentation, broken)
        assert "line 2, column id" in e.diag.context


@check
def records(connect):
    """In binary a record says of which types its fields are."""
    with connect() as c, c.cursor(binary=True) as k:
        k.execute("DELETE FROM pg3_t")
        k.execute("INSERT INTO pg3_t (id, i8, t) VALUES (1, 5, 'a,b'), (2, NULL, '')")
        k.execute("SELECT ROW(1, 'a')")
        head = b"\0\0\0\2" b"\0\0\0\x17\0\0\0\4\0\0\0\1"
        assert k.pgresult.get_value(0, 0) == head + b"\0\0\2\xc1\0\0\0\1a"  # of type unknown
        for i, wanted in enumerate([(1, 5, "a,b"), (2, None, "")]):
            k.execute("SELECT r, ARRAY[r] FROM (SELECT id, ROW(id, i8, t) AS r FROM pg3_t) s WHERE id = %s", (i + 1,))
            assert k.fetchone() == (wanted, [wanted])
        types = "SELECT ROW(1.5::numeric, 2.5::float8, true, '2020-02-03'::date, '\\x00ff'::bytea, ARRAY[1, NULL])"
        found = k.execute(types).fetchone()[0]
        assert found == (decimal.Decimal("1.5"), 2.5, True, datetime.date(2020, 2, 3), b"\0\xff", [1, None]), found
        assert k.execute("SELECT x FROM (SELECT id, t FROM pg3_t) x ORDER BY x DESC").fetchall()[0] == ((2, ""),)
        with k.copy("COPY (SELECT ROW(id, i8) FROM pg3_t ORDER BY id) TO STDOUT (FORMAT BINARY)") as out:
            out.set_types(["record"])
            assert list(out.rows()) == [((1, 5),), ((2, None),)]
    with connect() as c:
        assert c.execute("SELECT ROW(1, 'a')").fetchone() == (("1", "a"),)


@check
def cursors(connect):
    for binary in (False, True):
        with connect() as c:
            with c.cursor("named", binary=binary) as k:
                k.itersize = 100
                k.execute("SELECT i, i::text FROM generate_series(1, %s) i", (1234,))
                assert k.description[0].type_code == 23
                assert sum(row[0] for row in k) == 1234 * 1235 // 2
            with c.cursor("scrolled", scrollable=True, withhold=True, binary=binary) as k:
                k.execute("SELECT i, 1.5::float8 FROM generate_series(1, 50) i")
                c.commit()
                assert k.fetchmany(2) == [(1, 1.5), (2, 1.5)]
                k.scroll(-1)
                assert k.fetchone() == (2, 1.5)
                k.scroll(48, mode="absolute")
                assert k.fetchall() == [(49, 1.5), (50, 1.5)]
    with connect() as c, c.cursor() as k:
        assert [row[0] for row in k.stream("SELECT i FROM generate_series(1, 5000) i")] == list(range(1, 5001))
        one, two = c.cursor("one"), c.cursor("two")
        one.execute("SELECT i FROM generate_series(1, 10) i")
        two.execute("SELECT -i FROM generate_series(1, 10) i")
        assert [x for _ in range(10) for x in (one.fetchone()[0] + two.fetchone()[0],)] == [0] * 10


@check
def transactions(connect):
    with connect() as c:
        c.execute("DELETE FROM pg3_u")
        with c.transaction():
            c.execute("INSERT INTO pg3_u VALUES (1, 'one')")

            def inner():
                with c.transaction():
                    c.execute("INSERT INTO pg3_u VALUES (2, 'two')")
                    c.execute("INSERT INTO pg3_u VALUES (1, 'again')")
            raises(E.UniqueViolation, inner)
            c.execute("INSERT INTO pg3_u VALUES (3, 'three')")
        assert c.execute("SELECT id FROM pg3_u ORDER BY id").fetchall() == [(1,), (3,)]
        c.rollback()
        assert c.execute("SELECT count(*) FROM pg3_u WHERE name IN ('one', 'three')").fetchone() == (0,)


@check
def errors(connect):
    with connect(autocommit=True) as c:
        for sql, error in (("SELEC 1", E.SyntaxError), ("SELECT nope FROM pg3_u", E.UndefinedColumn),
                           ("SELECT * FROM nope", E.UndefinedTable), ("SELECT 1/0", E.DivisionByZero),
                           ("SELECT 'x'::int", E.InvalidTextRepresentation),
                           ("SELECT 300000::int2", E.NumericValueOutOfRange),
                           ("INSERT INTO pg3_u VALUES (3, NULL)", E.NotNullViolation)):
            raises(error, c.execute, sql)
        c.execute("DELETE FROM pg3_u")
        c.execute("INSERT INTO pg3_u VALUES (1, 'x')")
        d = raises(E.UniqueViolation, c.execute, "INSERT INTO pg3_u VALUES (2, %s)", ("x",)).diag
        assert (d.schema_name, d.table_name, d.constraint_name) == ("public", "pg3_u", "pg3_u_name_key")


@check
def prepared(connect):
    with connect(prepare_threshold=0) as c:
        for i in range(5):
            assert c.execute("SELECT %s::int + 1, %s::text", (i, "x")).fetchone() == (i + 1, "x")
        assert c.execute("SELECT count(*) > 0 FROM (SELECT 1) x", prepare=True).fetchone() == (True,)
        raises(E.InvalidSqlStatementName, c.execute, "EXECUTE nothing")


@check
def made_of_parameters(connect):
    """CREATE TABLE AS, SELECT INTO and WHERE CURRENT OF with parameters."""
    with connect() as c:
        c.execute("CREATE TABLE pg3_made AS SELECT g, %s AS t, %s::numeric AS n FROM generate_series(1, %s) g",
                  ("x", 1, 4))
        assert c.execute("SELECT * FROM pg3_made WHERE g > 3").fetchall() == [(4, "x", 1)]
        c.execute("SELECT g, %b AS u INTO pg3_into FROM pg3_made WHERE g = %b", ("y", 2))
        assert c.execute("SELECT * FROM pg3_into").fetchall() == [(2, "y")]
        rows = c.cursor(name="rows")
        rows.execute("SELECT g FROM pg3_made WHERE g > %s ORDER BY g FOR UPDATE", (1,))
        for i, kind in enumerate(("s", "t", "b")):
            assert rows.fetchone() == (i + 2,)
            changed = c.execute(f"UPDATE pg3_made SET t = %{kind} WHERE CURRENT OF rows RETURNING g, t", ("z",),
                                prepare=True).fetchall()
            assert changed == [(i + 2, "z")], changed
        c.rollback()


@check
def domain_parameters(connect):
    """A value is one of the domain before anything is done with it, be the domain announced or found; that a table
    was made meanwhile changes nothing."""
    with connect(autocommit=True) as c:
        c.execute("CREATE DOMAIN pg3_short AS varchar(3) CHECK (VALUE <> 'no')")
        c.execute("CREATE DOMAIN pg3_price AS numeric(5, 1)")
        oids = [c.execute(f"SELECT '{name}'::regtype::oid").fetchone()[0] for name in ("pg3_short", "pg3_price")]
        pg = c.pgconn
        for n, (text, types) in enumerate((("SELECT $1::pg3_short || '', $2::pg3_price + $2", None),
                                           ("SELECT $1 || '', $2 + $2", oids))):
            name = b"domains%d" % n
            assert pg.prepare(name, text.encode(), types).status == psycopg.pq.ExecStatus.COMMAND_OK
            told = pg.describe_prepared(name)
            assert [told.param_type(i) for i in range(2)] == oids
            for _ in range(2):
                row = pg.exec_prepared(name, [b"ab   ", b"1.25"])
                assert [row.get_value(0, i) for i in range(2)] == [b"ab ", b"2.6"]
                for bad, state in (((b"abcd", b"1"), b"22001"), ((b"no", b"1"), b"23514"), ((b"a", b"99999"), b"22003")):
                    assert pg.exec_prepared(name, bad).error_field(psycopg.pq.DiagnosticField.SQLSTATE) == state
                c.execute("CREATE TABLE pg3_meanwhile (i int)")
                c.execute("DROP TABLE pg3_meanwhile")
        c.execute("DROP DOMAIN pg3_short, pg3_price")


@check
def unicode(connect):
    with connect() as c:
        for binary in (False, True):
            found = c.execute("SELECT %s::text, length(%s)", (TEXT, TEXT), binary=binary).fetchone()
            assert found == (TEXT, len(TEXT))


@check
def notifications(connect):
    with connect(autocommit=True) as c, connect() as d:
        heard = []
        c.add_notify_handler(lambda n: heard.append((n.channel, n.payload)))
        c.execute("LISTEN pg3_news")
        d.execute("SELECT pg_notify('pg3_news', %s)", ("später",))
        c.execute("SELECT 1")
        assert not heard
        d.commit()
        deadline = time.monotonic() + 10
        while not heard and time.monotonic() < deadline:
            c.execute("SELECT 1")
        assert heard == [("pg3_news", "später")]


@check
def composites(connect):
    with connect(autocommit=True) as c:
        c.execute("DROP TABLE IF EXISTS pg3_stock; DROP TYPE IF EXISTS pg3_item")
        c.execute("CREATE TYPE pg3_item AS (name text, price numeric(8, 2))")
        c.execute("CREATE TABLE pg3_stock (id int PRIMARY KEY, item pg3_item, parts pg3_item[])")
        info = CompositeInfo.fetch(c, "pg3_item")
        register_composite(info, c)
        item = info.python_type
        pen, cap = item('pen "ä"', decimal.Decimal("1.50")), item("cap", None)
        for i, binary in enumerate((False, True)):
            k = c.cursor(binary=binary)
            k.execute(f"INSERT INTO pg3_stock VALUES (%s, {'%b' if binary else '%t'}, ARRAY[%s, NULL]::pg3_item[])",
                      (i, pen, cap))
            assert k.execute("SELECT item, parts FROM pg3_stock WHERE id = %s", (i,)).fetchone() == (pen, [cap, None])
            assert k.execute("SELECT (item).price FROM pg3_stock WHERE item = %s", (pen,)).fetchall() == [
                (pen.price,)] * (i + 1)
        c.execute("DROP TABLE pg3_stock; DROP TYPE pg3_item")


@check
def large(connect):
    value = b"\x00\xffab" * (LARGE // 4)
    with connect(LARGE_PORT, autocommit=True) as c:
        c.execute("DROP TABLE IF EXISTS pg3_large")
        c.execute("CREATE TABLE pg3_large (y bytea)")
        c.execute("INSERT INTO pg3_large VALUES (%b)", (value,))
        k = c.cursor(binary=True)
        assert k.execute("SELECT length(y), y FROM pg3_large").fetchone() == (LARGE, value)
        c.execute("DROP TABLE pg3_large")


@check
def cancel(connect):
    with connect() as c:
        threading.Timer(0.3, c.cancel).start()
        start = time.monotonic()
        raises(E.QueryCanceled, c.execute, "SELECT count(*) FROM generate_series(1, 10000000000)")
        assert time.monotonic() - start < 10
        c.rollback()
        assert c.execute("SELECT 1").fetchone() == (1,)


run(setup)
