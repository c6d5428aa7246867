"""psql, pgbench and the shell against a server: PostgreSQL's own tools work unchanged."""
import re
import shutil
import subprocess

import pytest

PGBENCH = shutil.which("pgbench") or "/usr/lib/postgresql/15/bin/pgbench"


def psql(cluster, *arguments, stdin=None, check=True):
    result = subprocess.run(["psql", "-X", "-h", "127.0.0.1", "-p", str(cluster.port), "-U", "test",
                             "-d", "minisql", *arguments], input=stdin, text=True,
                            capture_output=True, timeout=120, check=False)
    if check and result.returncode:
        raise AssertionError(f"psql {arguments}: {result.stderr}")
    return result


def pgbench(cluster, *arguments):
    result = subprocess.run([PGBENCH, "-h", "127.0.0.1", "-p", str(cluster.port), "-U", "test",
                             *arguments, "minisql"], text=True, capture_output=True, timeout=200,
                            check=False)
    assert result.returncode == 0, result.stderr
    assert "aborted" not in result.stderr, result.stderr
    return result.stdout + result.stderr


def test_psql_statements(single):
    """Results, tags and errors look as they do with PostgreSQL."""
    psql(single, "-c", "CREATE TABLE t (id int PRIMARY KEY, name text, price float8)")
    result = psql(single, "-c", "INSERT INTO t VALUES (1, 'one', 1.5), (2, NULL, 2)")
    assert result.stdout == "INSERT 0 2\n"
    assert psql(single, "-A", "-c", "SELECT * FROM t ORDER BY id").stdout == \
        "id|name|price\n1|one|1.5\n2||2\n(2 rows)\n"
    assert psql(single, "-c", "UPDATE t SET price = 3 WHERE id = 9").stdout == "UPDATE 0\n"
    assert psql(single, "-c", "DELETE FROM t WHERE id = 2").stdout == "DELETE 1\n"
    error = psql(single, "-c", "SELECT nope FROM t", check=False)
    assert error.returncode == 1
    assert error.stderr.splitlines()[:3] == ['ERROR:  column "nope" does not exist',
                                             "LINE 1: SELECT nope FROM t", "               ^"]


def test_psql_transaction(single):
    """BEGIN, an error, what follows is refused, ROLLBACK."""
    result = psql(single, "-A", "-t", stdin="""
        CREATE TABLE t (id int PRIMARY KEY);
        BEGIN; INSERT INTO t VALUES (1); SELECT 1/0; SELECT 'refused'; ROLLBACK;
        BEGIN; INSERT INTO t VALUES (2); SAVEPOINT a; INSERT INTO t VALUES (2); ROLLBACK TO a;
        INSERT INTO t VALUES (3); COMMIT;
        SELECT id FROM t ORDER BY id;\n""")
    assert "division by zero" in result.stderr
    assert "current transaction is aborted" in result.stderr
    assert result.stdout.split()[-2:] == ["2", "3"]


def test_several_statements_in_one_query(single):
    """One query message with several statements is one transaction."""
    psql(single, "-c", "CREATE TABLE t (id int PRIMARY KEY)")
    psql(single, "-c", "INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)", check=False)
    assert single.value("SELECT count(*) FROM t") == 0
    psql(single, "-c", "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")
    assert single.value("SELECT count(*) FROM t") == 2


@pytest.mark.parametrize("shape", ["", "csv", "csv header"], ids=["text", "csv", "header"])
def test_copy(single, tmp_path, shape):
    """\\copy there and back gives the same file."""
    names = ["plain", "with, comma", 'with "quotes"', "tab\\there", "ünïcode 中", ""]
    single.query("CREATE TABLE t (id int PRIMARY KEY, name text, price float8, ok bool)")
    for i, name in enumerate(names):
        single.query("INSERT INTO t VALUES (%s, %s, %s, %s)",
                     (i, name, i / 4, None if i == 2 else i % 2 == 0))
    file, again = tmp_path / "file", tmp_path / "again"
    psql(single, "-c", f"\\copy t TO '{file}' {shape}")
    single.query("CREATE TABLE u (id int PRIMARY KEY, name text, price float8, ok bool)")
    psql(single, "-c", f"\\copy u FROM '{file}' {shape}")
    psql(single, "-c", f"\\copy (SELECT * FROM u ORDER BY id) TO '{again}' {shape}")
    assert sorted(file.read_text().split("\n")) == sorted(again.read_text().split("\n"))
    assert single.query("SELECT * FROM u ORDER BY id") == single.query("SELECT * FROM t ORDER BY id")


def test_copy_with_a_bad_line(single, tmp_path):
    """COPY of a file with a bad line inserts nothing and names the line."""
    single.query("CREATE TABLE t (id int PRIMARY KEY)")
    file = tmp_path / "file"
    file.write_text("1\n2\nthree\n4\n")
    error = psql(single, "-c", f"\\copy t FROM '{file}'", check=False)
    assert error.returncode == 1
    assert "invalid input syntax for type integer" in error.stderr and "line 3" in error.stderr
    assert single.value("SELECT count(*) FROM t") == 0


def test_copy_many_rows(cluster, tmp_path):
    """A hundred thousand rows through a server that is not the primary, with two copies."""
    cluster.query("CREATE TABLE t (id int PRIMARY KEY, name varchar(20))")
    file = tmp_path / "file"
    file.write_text("".join(f"{i}\tname {i}\n" for i in range(100000)))
    other = cluster.others(cluster.primary("t"))[0]
    cluster.shell("-c", f"\\copy t FROM '{file}'", name=other)
    assert cluster.value("SELECT count(*) FROM t", name=other) == 100000
    assert int(cluster.value("SELECT sum(id) FROM t")) == 99999 * 50000


def make_pgbench_tables(cluster, tmp_path, scale=1):
    """What pgbench -i makes, by COPY."""
    for table, rows in (("branches", 1), ("tellers", 10), ("accounts", 100000)):
        key = table[0]
        columns = {"b": "bid int NOT NULL PRIMARY KEY, bbalance int, filler char(88)",
                   "t": "tid int NOT NULL PRIMARY KEY, bid int, tbalance int, filler char(84)",
                   "a": "aid int NOT NULL PRIMARY KEY, bid int, abalance int, filler char(84)"}[key]
        cluster.query(f"CREATE TABLE pgbench_{table} ({columns})")
        file = tmp_path / table
        middle = "\t" if key == "b" else "\t1\t"
        file.write_text("".join(f"{i + 1}{middle}0\t\n" for i in range(rows * scale)))
        psql(cluster, "-c", f"\\copy pgbench_{table} FROM '{file}'")
    cluster.query("CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, filler char(22))")


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench_reads(single, tmp_path, mode):
    """pgbench -S in each protocol mode, with several clients."""
    make_pgbench_tables(single, tmp_path)
    text = pgbench(single, "-n", "-S", "-M", mode, "-c", "8", "-j", "2", "-t", "200")
    assert "number of transactions actually processed: 1600/1600" in text


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench_writes(cluster, tmp_path, mode):
    """A pgbench script with SELECT, INSERT and UPDATE in each protocol mode, on two copies."""
    cluster.query("CREATE TABLE t (id int PRIMARY KEY, n int)")
    cluster.query("INSERT INTO t SELECT * FROM (VALUES (1, 0), (2, 0), (3, 0), (4, 0)) v")
    script = tmp_path / "script"
    script.write_text("\\set id random(1, 4)\n\\set key random(5, 2000000000)\n"
                      "UPDATE t SET n = n + 1 WHERE id = :id;\nSELECT n FROM t WHERE id = :id;\n"
                      "INSERT INTO t VALUES (:key, :id) ON CONFLICT DO NOTHING;\n")
    text = pgbench(cluster, "-n", "-f", str(script), "-M", mode, "-c", "4", "-t", "50")
    assert "number of transactions actually processed: 200/200" in text
    assert int(cluster.value("SELECT sum(n) FROM t WHERE id < 5")) == 200


def test_pgbench_makes_its_tables_and_runs(single):
    """pgbench -i -s 1, then its own TPC-B script."""
    pgbench(single, "-i", "-s", "1", "-q")
    assert single.value("SELECT count(*) FROM pgbench_accounts") == 100000
    text = pgbench(single, "-n", "-c", "4", "-t", "50")
    assert "number of transactions actually processed: 200/200" in text
    sums = [int(single.value(f"SELECT sum({c}) FROM pgbench_{t}")) for t, c in
            (("accounts", "abalance"), ("tellers", "tbalance"), ("branches", "bbalance"),
             ("history", "delta"))]
    assert len(set(sums)) == 1, sums


def test_shell_describes(single):
    """\\d, \\dt and \\di of build/minisql."""
    single.query("CREATE TABLE t (id int PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x')")
    single.query("CREATE UNIQUE INDEX t_name ON t (name)")
    text = single.shell("-c", "\\d t").stdout
    assert re.search(r"id +\| integer +\| not null", text)
    assert re.search(r"name +\| character varying\(20\) +\| not null +\| 'x'", text)
    assert '"t_pkey" PRIMARY KEY (id)' in text and '"t_name" UNIQUE (name)' in text
    assert " t " in single.shell("-c", "\\dt").stdout
    assert "t_name" in single.shell("-c", "\\di").stdout


def test_shell_file_and_exit_status(single, tmp_path):
    """-f, execfile and ON_ERROR_STOP: 0, 1 and 3 as with psql."""
    file = tmp_path / "a.sql"
    file.write_text("SELECT 1/0;\nSELECT 'went on';\n")
    result = single.shell("-f", str(file))
    assert result.returncode == 0 and "went on" in result.stdout
    assert f"{file}:1: ERROR:  division by zero" in result.stderr
    assert single.shell("-v", "ON_ERROR_STOP=1", "-f", str(file), check=False).returncode == 3
    assert single.shell("-c", "SELECT 1/0", check=False).returncode == 1
    assert "went on" in single.shell(stdin=f"execfile {file}\n").stdout
    assert single.shell("-p", "1", "-c", "SELECT 1", check=False).returncode == 2


def test_shell_clear(cluster):
    """clear --yes drops every table, those tied by foreign keys too."""
    cluster.query("CREATE TABLE a (id int PRIMARY KEY)")
    cluster.query("CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a (id))")
    cluster.query("CREATE TABLE c (id int PRIMARY KEY)")
    assert cluster.shell("clear", check=False).returncode == 1
    assert len(cluster.placement()) == 3
    assert "3 tables dropped" in cluster.shell("clear", "--yes").stdout
    assert not cluster.placement()
