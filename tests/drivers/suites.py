"""The drivers' own test suites, as Debian packages them: lib/pq, pgx, and SQLAlchemy's for dialects.

A test that PostgreSQL 15 passes has to pass; those that need what MiniSQL does not have are listed with the reason.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import psycopg2

from checks import HOST, PORT, USER

HERE = os.path.dirname(os.path.realpath(__file__))
GO = "/usr/share/gocode/src/github.com/"

NO_FUNCTIONS = "CREATE FUNCTION, DO, triggers, rules"
NO_ROLES = "there are no roles: everybody may connect"
NO_KEYS = "deferrable keys"
KNOWN = {
    "pq": {
        "TestConnectorWithNoticeHandler_Simple": NO_FUNCTIONS,
        "TestCopyInRaiseStmtTrigger": NO_FUNCTIONS,
        "TestIssue186": NO_FUNCTIONS,
        "TestQueryRowBugWorkaround": NO_FUNCTIONS,
        "TestErrorDuringStartup": NO_ROLES,
        "TestErrorDuringStartupClosesConn": NO_ROLES,
        "TestNullAfterNonNull": "expects UNION to give rows in an order",
        "TestHasCorrectRootGroupPermissions": "files of the client",
    },
    "pgx": {
        "Example_CustomType": "type point",
        "TestConnSimpleProtocol": "type circle",
        "TestConnBeginBatchDeferredError": NO_KEYS,
        "TestConnQueryDeferredError": NO_KEYS,
        "TestTxCommitWhenDeferredConstraintFailure": NO_KEYS,
        "TestRowDecodeBinary": "records in binary",
        "TestLargeObjects": "large objects",
        "TestLargeObjectsMultipleTransactions": "large objects",
        "TestLargeObjectsPreferSimpleProtocol": "large objects",
        "TestTxCommitSerializationFailure": "two serializable transactions of one thread: the second waits",
        "TestConnSimpleProtocolRefusesNonStandardConformingStrings": "standard_conforming_strings is on",
    },
    "sqlalchemy": {},
}


def database(name, *statements):
    for base, sql in (("minisql", f"CREATE DATABASE {name}"), *((name, s) for s in statements)):
        connection = psycopg2.connect(host=HOST, port=PORT, user=USER, dbname=base)
        connection.autocommit = True
        connection.cursor().execute(sql)
        connection.close()


def report(suite, results, text):
    """`results`: test -> passed. What is listed need not fail."""
    known = KNOWN[suite]
    for test, passed in sorted(results.items()):
        if passed:
            print(f"ok {suite}/{test}")
        elif not {test.split("/")[0], test.split(".")[0]} & set(known):
            print(f"FAILED {suite}/{test}: {why(text, test)}")
    if not results:
        print(f"FAILED {suite}: no test ran: {text[-1500:]}")


def why(text, test):
    lines = text.splitlines()
    near = [i for i, line in enumerate(lines) if test.split("/")[0] in line and "FAIL" in line]
    return " | ".join(line.strip() for line in lines[max(near[0] - 3, 0):near[0] + 8])[:800] if near else "?"


def go(suite, program, package, name, environment, *statements):
    """A package's tests, where they are installed."""
    database(name, *statements)
    done = subprocess.run([program, "-test.v", "-test.timeout", "150s"], cwd=GO + package, text=True, errors="replace",
                          env=dict(os.environ, **environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    found = re.findall(r"^\s*--- (PASS|FAIL): (\S+)", done.stdout, re.M)
    results = {test: passed == "PASS" for passed, test in found}
    if "panic: " in done.stdout:
        results["panic"] = False
    report(suite, results, done.stdout)


def sqlalchemy():
    database("sa_suite", "CREATE SCHEMA test_schema")
    with tempfile.TemporaryDirectory(prefix="minisql-sa-") as out:
        for name in os.listdir(os.path.join(HERE, "sa_suite")):
            shutil.copy(os.path.join(HERE, "sa_suite", name), out)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=short", "-p", "no:cacheprovider", "--dburi",
             f"postgresql+psycopg2://{USER}@{HOST}:{PORT}/sa_suite", "test_suite.py"],
            cwd=out, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    found = re.findall(r"^(PASSED|FAILED|ERROR) test_suite\.py::(\w+?)(?:_postgresql\S*?)?::(\S+)", done.stdout, re.M)
    results = {}
    for passed, group, test in found:
        key = f"{group}.{test}"
        results[key] = results.get(key, True) and passed == "PASSED"
    report("sqlalchemy", results, done.stdout)


if __name__ == "__main__":
    if sys.argv[1] == "pq":
        go("pq", sys.argv[2], "lib/pq", "pqgotest", {"PGDATABASE": "pqgotest", "PGSSLMODE": "disable"})
    elif sys.argv[1] == "pgx":
        where = f"host={HOST} port={PORT} user={USER} database=pgx_test sslmode=disable"
        go("pgx", sys.argv[2], "jackc/pgx/v4", "pgx_test", {"PGX_TEST_DATABASE": where},
           "CREATE DOMAIN uint64 AS numeric(20, 0)")
    else:
        sqlalchemy()
