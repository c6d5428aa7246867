"""pgbench, all modes, on one server."""
import os
import re
import subprocess
import tempfile

from checks import check, run


def pgbench(*arguments):
    done = subprocess.run(["/usr/lib/postgresql/15/bin/pgbench", *arguments, os.environ["PGDATABASE"]], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def count(output):
    assert "number of failed transactions: 0 " in output, output
    return int(re.search(r"number of transactions actually processed: (\d+)", output)[1])


@check
def initialise(_):
    assert "done in" in pgbench("-i", "-s", "1", "-q")
    assert "done in" in pgbench("-i", "-I", "dtGvp", "-q")


@check
def modes(_):
    for mode in ("simple", "extended", "prepared"):
        for script in ("-S", "-N", "-btpcb-like"):
            assert count(pgbench("-n", "-M", mode, script, "-c", "4", "-j", "2", "-t", "20")) == 80


@check
def scripts(_):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as f:
        f.write("\\set id random(1, 100000)\n"
                "\\startpipeline\n"
                "SELECT abalance FROM pgbench_accounts WHERE aid = :id;\n"
                "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :id;\n"
                "\\endpipeline\n")
        f.flush()
        assert count(pgbench("-n", "-M", "prepared", "-f", f.name, "-c", "2", "-t", "20")) == 40
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as f:
        f.write("BEGIN;\nSELECT count(*) AS n FROM pgbench_branches \\gset\n\\if :n = 1\n"
                "SELECT 1;\n\\else\nSELECT 1/0;\n\\endif\nCOMMIT;\n")
        f.flush()
        assert count(pgbench("-n", "-f", f.name, "-c", "2", "-t", "10")) == 20


run(None)
