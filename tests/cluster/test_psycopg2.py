"""psycopg2, as applications use it."""
import io
import re
import socket
import struct
import threading
import time

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras
import pytest


@pytest.fixture
def connection(single):
    single.query("CREATE TABLE t (id int PRIMARY KEY, name text, price float8, ok bool)")
    return single.connect(autocommit=False)


def test_types_there_and_back(connection):
    """Parameters and results keep their types, NULL included."""
    rows = [(1, "one", 1.5, True), (2, "it's; \\ \"x\" ünï", -2.25, False), (3, None, None, None)]
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s, %s, %s)", rows)
        cursor.execute("SELECT * FROM t ORDER BY id")
        assert cursor.fetchall() == rows
        assert [c.name for c in cursor.description] == ["id", "name", "price", "ok"]
        assert [c.type_code for c in cursor.description] == [23, 25, 701, 16]
        cursor.execute("SELECT id FROM t WHERE name = %s AND id = ANY(ARRAY[1, 2])", ("one",))
        assert cursor.fetchall() == [(1,)]


def test_transactions(connection, single):
    """Nothing is seen by others before commit; rollback undoes; a failed transaction says so."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (1, 'a', 1, true)")
        assert single.value("SELECT count(*) FROM t") == 0
        connection.commit()
        assert single.value("SELECT count(*) FROM t") == 1
        with pytest.raises(psycopg2.errors.UniqueViolation):
            cursor.execute("INSERT INTO t VALUES (1, 'b', 1, true)")
        assert connection.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_INERROR
        with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
            cursor.execute("SELECT 1")
        connection.rollback()
        cursor.execute("SELECT name FROM t")
        assert cursor.fetchall() == [("a",)]


def test_savepoints(connection):
    """A savepoint rescues the rest of the transaction."""
    with connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (1)")
        cursor.execute("SAVEPOINT s")
        with pytest.raises(psycopg2.errors.DivisionByZero):
            cursor.execute("INSERT INTO t SELECT 1 / 0")
        cursor.execute("ROLLBACK TO SAVEPOINT s")
        cursor.execute("INSERT INTO t VALUES (2)")
        cursor.execute("RELEASE SAVEPOINT s")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM t")
        assert cursor.fetchone() == (2,)


def test_errors_carry_their_details(connection, single):
    """SQLSTATE, message, and what is concerned reach the application."""
    with connection.cursor() as cursor:
        with pytest.raises(psycopg2.errors.UndefinedColumn) as e:
            cursor.execute("SELECT nope FROM t")
        assert e.value.diag.statement_position == "8"
        connection.rollback()
        single.query("CREATE TABLE u (id int PRIMARY KEY, t int NOT NULL REFERENCES t (id),"
                     " n int CHECK (n > 0))")
        with pytest.raises(psycopg2.errors.NotNullViolation) as e:
            cursor.execute("INSERT INTO u VALUES (1, NULL, 1)")
        assert e.value.diag.column_name == "t"
        connection.rollback()
        with pytest.raises(psycopg2.errors.CheckViolation):
            cursor.execute("INSERT INTO u VALUES (1, 1, 0)")
        connection.rollback()
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            cursor.execute("INSERT INTO u VALUES (1, 1, 1)")
        connection.rollback()
        with pytest.raises(psycopg2.errors.NumericValueOutOfRange):
            cursor.execute("INSERT INTO t (id) VALUES (3000000000)")
        connection.rollback()
        with pytest.raises(psycopg2.errors.FeatureNotSupported) as e:
            cursor.execute("PREPARE TRANSACTION 'x'")
        assert e.value.diag.message_hint


def test_copy(connection):
    """copy_expert in both directions."""
    with connection.cursor() as cursor:
        cursor.copy_expert("COPY t FROM STDIN WITH (FORMAT csv)",
                           io.StringIO('1,"a,b",1.5,true\n2,,,\n'))
        out = io.StringIO()
        cursor.copy_expert("COPY t TO STDOUT", out)
        assert out.getvalue() == "1\ta,b\t1.5\tt\n2\t\\N\t\\N\t\\N\n"
    connection.commit()


def test_bulk_helpers(connection):
    """execute_values and execute_batch, as loaders use them."""
    with connection, connection.cursor() as cursor:
        psycopg2.extras.execute_values(cursor, "INSERT INTO t (id, name) VALUES %s",
                                       [(i, f"n{i}") for i in range(1000)])
        psycopg2.extras.execute_batch(cursor, "UPDATE t SET price = %s WHERE id = %s",
                                      [(i / 2, i) for i in range(200)])
        cursor.execute("SELECT count(*), sum(price) FROM t")
        assert cursor.fetchone() == (1000, 9950.0)


def test_prepared_by_hand(connection):
    """PREPARE and EXECUTE as statements, or a clear refusal."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (1, 'a')")
        try:
            cursor.execute("PREPARE p (int) AS SELECT name FROM t WHERE id = $1")
            cursor.execute("EXECUTE p (1)")
            assert cursor.fetchall() == [("a",)]
        except psycopg2.errors.FeatureNotSupported as e:
            assert e.diag.message_hint


def test_cancel(connection):
    """Connection.cancel() ends a long statement with 57014; the connection goes on."""
    with connection.cursor() as cursor:
        psycopg2.extras.execute_values(cursor, "INSERT INTO t (id) VALUES %s",
                                       [(i,) for i in range(3000)])
        connection.commit()
        threading.Timer(1.0, connection.cancel).start()
        start = time.monotonic()
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("SELECT count(*) FROM t a, t b, t c WHERE a.id + b.id + c.id = -1")
        assert time.monotonic() - start < 5
        connection.rollback()
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_large_values_and_results(connection):
    """A value of 5 MB, and a result of 200,000 rows."""
    big = "ab\n" * 1_700_000
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t (id, name) VALUES (1, %s)", (big,))
        cursor.execute("SELECT name FROM t")
        assert cursor.fetchone()[0] == big
        cursor.execute("DELETE FROM t")
        psycopg2.extras.execute_values(cursor, "INSERT INTO t (id) VALUES %s",
                                       [(i,) for i in range(1000)], page_size=1000)
        cursor.execute("SELECT a.id, b.id FROM t a CROSS JOIN t b WHERE b.id < 200")
        assert len(cursor.fetchall()) == 200000


def test_concurrent_clients(single):
    """Sixteen clients that update the same rows: no update is lost."""
    single.query("CREATE TABLE t (id int PRIMARY KEY, n int)")
    single.query("INSERT INTO t VALUES (1, 0), (2, 0)")
    failures = []

    def work(i):
        try:
            connection = psycopg2.connect(host="127.0.0.1", port=single.port, dbname="minisql",
                                          user="test")
            connection.autocommit = True
            with connection.cursor() as cursor:
                for _ in range(50):
                    cursor.execute("UPDATE t SET n = n + 1 WHERE id = %s", (i % 2 + 1,))
            connection.close()
        except psycopg2.Error as e:
            failures.append(e)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert single.query("SELECT n FROM t ORDER BY id") == [(400,), (400,)]


def resident_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def connect_idle(port, n):
    """n connections that ran a statement each."""
    body = b"user\0idle\0database\0minisql\0\0"
    query = b"SELECT count(*) FROM t\0"
    idle = []
    for _ in range(n):
        sock = socket.create_connection(("127.0.0.1", port), 10)
        sock.sendall(struct.pack("!II", len(body) + 8, 196608) + body +
                     b"Q" + struct.pack("!I", len(query) + 4) + query)
        idle.append(sock)
    for sock in idle:
        data = b""
        while data.count(b"Z\0\0\0\x05") < 2:
            chunk = sock.recv(65536)
            assert chunk, "the server hung up"
            data += chunk
    return idle


@pytest.mark.timing
def test_idle_connections_cost_little(single):
    """Two thousand idle connections: less than 32 kB each, and others are served as fast. The first thousand
    wake as many threads as there will be; it is the second that is measured."""
    single.query("CREATE TABLE t (id int PRIMARY KEY)")
    pid = single.pid("s1")
    idle = connect_idle(single.port, 1000)
    before = resident_kb(pid)
    idle += connect_idle(single.port, 1000)
    grown = resident_kb(pid) - before
    print(f"1,000 idle connections more: {grown} kB")
    start = time.monotonic()
    for _ in range(20):
        single.query("SELECT 1")
    assert time.monotonic() - start < 2
    for sock in idle:
        sock.close()
    assert grown < 32 * 1024, f"{grown} kB"
