"""psql, as scripts use it. What it shows of a schema is in tests/sql."""
import os
import signal
import subprocess
import tempfile
import time

from checks import TEXT, check, run

COMMAND = ["/usr/lib/postgresql/15/bin/psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1"]


def psql(script, *arguments, status=0):
    done = subprocess.run([*COMMAND, *arguments], input=script, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == status, done
    return done.stdout


@check
def connect(_):
    assert "psql_" not in psql("\\conninfo\n", "-q")
    assert psql("", "-c", "SELECT 1", "-c", "SELECT 2") == "1\n2\n"


@check
def script(_):
    assert psql("DROP TABLE IF EXISTS psql_t; CREATE TABLE psql_t (id int PRIMARY KEY, t text);\n"
                "INSERT INTO psql_t VALUES (1, 'a'), (2, NULL);\n\\pset null NULL\nSELECT * FROM psql_t ORDER BY 1;\n",
                "-q") .endswith("1|a\n2|NULL\n")
    assert psql("INSERT INTO psql_t VALUES (3, 'x');\nSELECT 1/0;\n", "-1", "-q", status=3).endswith("division by zero\n")
    assert psql("SELECT count(*) FROM psql_t;\n") == "2\n"


@check
def variables(_):
    assert psql("\\set id 2\n\\set name 'it''s'\nSELECT :id + 1, :'name';\nSELECT 40 + 2 AS answer \\gset\n"
                "\\echo :answer\n\\if :{?answer}\n\\echo yes\n\\endif\n") == "3|it's\n42\nyes\n"
    assert psql("SELECT 'SELECT ' || i FROM generate_series(1, 3) i ORDER BY i\n\\gexec\n") == "1\n2\n3\n"


@check
def copy(_):
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "rows.csv")
        psql(f"\\copy (SELECT i, 'ä, \"' || i FROM generate_series(1, 500) i) TO '{name}' CSV HEADER\n", "-q")
        assert psql(f"DELETE FROM psql_t;\n\\copy psql_t FROM '{name}' CSV HEADER\n"
                    "SELECT count(*), max(t) FROM psql_t;\n", "-q") == '500|ä, "99\n'


@check
def errors(_):
    out = psql("SELECT 1,\n  nope;\n", status=3)
    assert 'column "nope" does not exist\nLINE 2:   nope;\n          ^\n' in out, out
    assert "ERROR:  42P01:" in psql("\\set VERBOSITY verbose\nSELECT * FROM nope;\n", status=3)


@check
def cursors(_):
    """FETCH_COUNT makes psql DECLARE a cursor for each SELECT."""
    assert psql("\\set FETCH_COUNT 7\nSELECT i FROM generate_series(1, 50) i;\n").split() == [str(i) for i in range(1, 51)]


@check
def unicode(_):
    line = TEXT.replace("\n", " ").replace("\t", " ")
    assert psql(f"SELECT $q${line}$q$;\n") == line + "\n"


@check
def cancel(_):
    with subprocess.Popen([*COMMAND, "-c", "SELECT count(*) FROM generate_series(1, 10000000000)"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as p:
        time.sleep(1)
        p.send_signal(signal.SIGINT)
        assert "canceling statement due to user request" in p.communicate(timeout=30)[0]


run(None)
