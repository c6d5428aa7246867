"""`minisql fsck`: every kind of disagreement is planted, by etcdctl, in files, by SQLite, and found; what is
safe is repaired."""
import glob
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import threading

import psycopg2
import pytest

from conftest import MINISQL, wait_until


def fsck(cluster, *words, name="s1"):
    """(exit status, report)"""
    result = subprocess.run([MINISQL, "-h", "127.0.0.1", "-p", str(cluster.port_of(name)), "fsck",
                             "--json", *words], text=True, capture_output=True, timeout=120, check=False)
    assert result.stdout, result.stderr
    return result.returncode, json.loads(result.stdout)


def fsck_data(*dirs):
    words = [word for directory in dirs for word in ("--data", directory)]
    result = subprocess.run([MINISQL, "fsck", "--json", *words], text=True, capture_output=True, timeout=120,
                            check=False)
    assert result.stdout, result.stderr
    return result.returncode, json.loads(result.stdout)


def found(report, severity=None):
    """{code: [finding, ..]}"""
    codes = {}
    for finding in report["findings"]:
        if severity is None or finding["severity"] == severity:
            codes.setdefault(finding["code"], []).append(finding)
    return codes


def clean(cluster):
    def is_clean():
        status, report = fsck(cluster)
        return status == 0 or print(report)
    wait_until("fsck finds nothing", is_clean, 60, 1)


def etcd(cluster, *words, value=None):
    with open(os.path.join(cluster.dir, "playground.json")) as f:
        port = json.load(f)["members"][0]["port"]
    return subprocess.run(["etcdctl", "--endpoints", f"127.0.0.1:{port}", *words], input=value, text=True,
                          env=dict(os.environ, ETCDCTL_API="3"), capture_output=True, timeout=20,
                          check=True).stdout


def put(cluster, key, value):
    etcd(cluster, "put", "/minisql/" + key, value=value)


def get(cluster, key):
    return etcd(cluster, "get", "--print-value-only", "/minisql/" + key).strip()


def delete(cluster, key):
    etcd(cluster, "del", "/minisql/" + key)


def ids(cluster):
    """{table: id}"""
    return {name: int(get(cluster, "names/public." + name)) for name in cluster.placement()}


def region_of(cluster, table):
    return cluster.value("SELECT region FROM minisql_tables WHERE name = %s", (table,))


def file_of(cluster, server, table):
    return os.path.join(cluster.dir, server, f"region-{region_of(cluster, table)}.db")


def make_tables(cluster):
    cluster.query("CREATE TABLE a (id int PRIMARY KEY, v text)")
    cluster.query("CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a, v text)")
    cluster.query("CREATE INDEX bv ON b (v)")
    cluster.query("CREATE TABLE c (id int PRIMARY KEY, v text UNIQUE)")
    cluster.query("CREATE TABLE d (id int PRIMARY KEY, v text)")
    cluster.query("CREATE TABLE e (id int PRIMARY KEY, v text)")
    for table in "acde":
        cluster.query(f"INSERT INTO {table} SELECT i, 'v' || i FROM generate_series(1, 500) i")
    cluster.query("INSERT INTO b SELECT i, i, 'v' || i FROM generate_series(1, 500) i")
    if len(cluster.names) > 1:
        cluster.wait_copies()


def check_rows(cluster):
    for table in "abcde":
        assert cluster.value(f"SELECT count(*) FROM {table}") == 500


def test_schemas(make_cluster):
    """Tables of other schemas and databases have other names in the files; views, enums and the like have
    records, too: all in order."""
    cluster = make_cluster(servers=2)
    for sql in ("CREATE SCHEMA s", "CREATE TYPE s.e AS ENUM ('a', 'b')",
                "CREATE TABLE s.t (x s.e PRIMARY KEY, n int)", "CREATE INDEX i ON s.t (n)",
                "CREATE TABLE t (x int)", "CREATE VIEW v AS SELECT * FROM s.t", "CREATE DATABASE d"):
        cluster.query(sql)
    cluster.wait_copies()
    clean(cluster)


def test_records(make_cluster):
    """Records that are lost, unreadable or lead nowhere. What can be worked out from other records and from
    the servers' files is put back, with no row lost."""
    cluster = make_cluster(servers=2)
    make_tables(cluster)
    clean(cluster)
    ident, region = ids(cluster), {t: region_of(cluster, t) for t in "abcde"}
    delete(cluster, "cluster")
    delete(cluster, "names/public.c")
    delete(cluster, "indexes/public.bv")
    delete(cluster, f"tables/{ident['b']}")
    delete(cluster, f"regions/{region['d']}")
    put(cluster, f"regions/{region['c']}", "this is no JSON")
    put(cluster, f"tables/{ident['e']}", '{"id": "five"}')
    put(cluster, "names/public.ghost", "777")
    put(cluster, "names/public.alias", str(ident["a"]))
    put(cluster, "indexes/public.ghost", '{"table":777,"columns":1}')
    put(cluster, "regions/888", json.dumps(dict(json.loads(get(cluster, f"regions/{region['a']}")), id=888,
                                                primary="s7", backups=[])))
    put(cluster, "next_id", "3")
    put(cluster, "nonsense", "x")
    put(cluster, "servers/ghost", "no server")
    status, report = fsck(cluster)
    codes = found(report)
    assert status == 2
    assert set(codes) >= {"no-cluster", "table-without-name", "table-without-record", "table-without-region",
                          "unreadable-record", "name-without-table", "name-of-another-table",
                          "index-without-table", "next-id-low", "unknown-key", "copy-without-record", "member-down"}, sorted(codes)
    assert sum("regions/" in f["text"] for f in codes["unreadable-record"]) == 1
    assert sum("servers/ghost" in f["text"] for f in codes["unreadable-record"]) == 1
    status, report = fsck(cluster, "--repair")
    assert status == 2 and report["repaired"] >= 9
    delete(cluster, "servers/ghost")
    # what hangs on a record that is back only now takes another round: an index on its table, a region
    # without tables on all tables being readable
    seen = set()
    wait_until("the rest is repaired",
               lambda: (r := fsck(cluster, "--repair"), seen.update(found(r[1])))[0][0] == 0, 60, 1)
    assert seen >= {"region-without-tables", "index-without-record"} and not get(cluster, "regions/888")
    check_rows(cluster)
    assert ids(cluster) == ident
    cluster.query("INSERT INTO b VALUES (501, 1, 'new')")
    cluster.query("CREATE TABLE f (id int PRIMARY KEY)")
    assert len(set(ids(cluster).values())) == 6
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        cluster.query("INSERT INTO b VALUES (502, 9999, 'x')")
    status, report = fsck(cluster)
    assert set(found(report)) == {"unknown-key"} and status == 0


def test_what_only_the_operator_can_mend(make_cluster):
    """A foreign key that leads nowhere or into another region; copies too few. Each is told; none is touched by
    --repair."""
    cluster = make_cluster(servers=2)
    make_tables(cluster)
    ident, region = ids(cluster), {t: region_of(cluster, t) for t in "abcde"}
    b = json.loads(get(cluster, f"tables/{ident['b']}"))
    b["foreign_keys"][0]["table"] = 4711
    put(cluster, f"tables/{ident['b']}", json.dumps(b))
    c = json.loads(get(cluster, f"regions/{region['c']}"))
    put(cluster, f"regions/{region['c']}", json.dumps(dict(c, copies=3, former=["s9"])))
    status, report = fsck(cluster, "--repair")
    codes = found(report)
    assert status == 2 and not report["repaired"]
    assert set(codes) >= {"foreign-key-to-nothing", "too-few-copies", "former-gone"}, codes
    b["foreign_keys"][0]["table"] = ident["c"]
    put(cluster, f"tables/{ident['b']}", json.dumps(b))
    assert "foreign-key-across-regions" in found(fsck(cluster)[1])


def test_servers_that_are_away(make_cluster):
    """A server that is registered and does not answer, and one that is down and missed where it has copies."""
    cluster = make_cluster(servers=2)
    make_tables(cluster)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        put(cluster, "servers/ghost", json.dumps({
            "address": f"127.0.0.1:{deaf.getsockname()[1]}", "roles": "gateway", "started": 1, "incarnation": 1,
            "info": {"tableNum": 0, "recordNum": 0, "load": 0}}))
        codes = found(fsck(cluster)[1])
        assert [f["server"] for f in codes["server-silent"]] == ["ghost"], codes
        delete(cluster, "servers/ghost")
    clean(cluster)
    away = cluster.backups("a")[0]
    ask = cluster.others(away)[0]
    cluster.kill(away)
    wait_until("it is missed", lambda: away not in dict(cluster.query(
        "SELECT name, status FROM minisql_servers WHERE status = 'up'", name=ask)))
    codes = found(fsck(cluster, name=ask)[1])
    # whether it is a member, a learner or neither any more is the master's doing, who may think for some
    # seconds that it is back; test_records has each of that by itself
    assert {f["region"] for f in codes["too-few-copies"]} == {region_of(cluster, t) for t in "abcde"}


def rows(path, sql):
    connection = sqlite3.connect(path)
    connection.execute(sql)
    connection.commit()
    connection.close()


def damage_index(path, table):
    """An index page that contradicts its table, which SQLite does not notice when it opens the file."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    page, = connection.execute("SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?"
                               " LIMIT 1", (table,)).fetchone()
    size, = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with open(path, "r+b") as f:
        f.seek((page - 1) * size + size - 64)
        f.write(b"\0" * 60)


def test_files(make_cluster):
    """Files that lie about, hold other rows, or are damaged. A damaged copy is made anew from a whole
    one; which of two whole copies is right is the operator's word."""
    cluster = make_cluster(servers=2)
    make_tables(cluster)
    for table in "cde":
        cluster.query(f"CREATE INDEX {table}v ON {table} (v)")
    away = cluster.backups("a")[0]
    home = cluster.others(away)[0]
    damaged = next(t for t in "cde" if cluster.backups(t) == [away])
    region = {t: region_of(cluster, t) for t in "abcde"}
    cluster.kill(away)
    rows(file_of(cluster, away, "a"), "UPDATE a SET v = 'other' WHERE id = 17")
    damage_index(file_of(cluster, away, damaged), damaged)
    status, report = fsck_data(os.path.join(cluster.dir, away))
    codes = found(report)
    assert status == 2 and set(codes) == {"copy-damaged"}
    assert codes["copy-damaged"][0]["region"] == region[damaged]
    cluster.start(away)
    cluster.wait_up(away)
    cluster.wait_copies()
    assert cluster.primary("a") == cluster.primary(damaged) == home
    stray = os.path.join(cluster.dir, home, "region-999.db")
    shutil.copy(file_of(cluster, home, "a"), stray)

    codes = found(fsck(cluster)[1])
    assert [(f["region"], f["server"]) for f in codes["stray-file"]] == [(999, home)], codes
    assert [(f["region"], f["server"]) for f in codes["copy-damaged"]] == [(region[damaged], away)], codes
    assert [(f["region"], f["server"]) for f in codes["copies-differ"]] == [(region["a"], away)], codes

    status, report = fsck(cluster, "--repair")
    assert status == 2 and report["repaired"] == 2, report
    assert [f["code"] for f in report["findings"] if f["severity"] != "note" and not f["repaired"]] == \
        ["copies-differ"]
    assert os.path.exists(stray + ".aside")
    wait_until("the rest is whole", lambda: set(found(fsck(cluster)[1])) == {"copies-differ"}, 60, 1)
    assert cluster.value("SELECT v FROM a WHERE id = 17") == "v17"
    cluster.shell("recover", "region", str(region["a"]), "--rebuild", away)
    clean(cluster)
    check_rows(cluster)


def test_schema_of_a_copy(make_cluster):
    """A copy whose tables, indexes, schema version or records are not those of the catalog, and one whose foreign
    keys do not hold."""
    cluster = make_cluster(servers=2)
    make_tables(cluster)
    away = cluster.backups("a")[0]
    other = next(t for t in "cde" if cluster.backups(t) == [away])
    region = {t: region_of(cluster, t) for t in "abcde"}
    clean(cluster)  # the copies have everything: nothing of the log comes upon what is damaged now
    cluster.kill(away)
    for sql in ("DELETE FROM a WHERE id = 18", "DROP INDEX bv", "UPDATE minisql_meta SET schema_version = 1"):
        rows(file_of(cluster, away, "a"), sql)
    for sql in (f"DROP TABLE {other}", "DROP TABLE minisql_records"):
        rows(file_of(cluster, away, other), sql)
    cluster.start(away)
    cluster.wait_up(away)
    cluster.wait_copies()
    codes = found(fsck(cluster)[1])
    for code, table in (("foreign-key-broken", "a"), ("index-missing-in-file", "a"), ("schema-behind", "a"),
                        ("copies-differ", "a"), ("table-missing-in-file", other), ("not-described", other)):
        assert (region[table], away) in [(f["region"], f["server"]) for f in codes[code]], (code, codes)


def test_not_valid(make_cluster):
    """Rows that a NOT VALID constraint lets be are no damage, for fsck and for who takes a copy over. A table that
    is not what its record says is."""
    cluster = make_cluster(servers=2)
    cluster.query("CREATE TABLE p (id int PRIMARY KEY)")
    cluster.query("CREATE TABLE c (id int PRIMARY KEY, p int) WITH (colocate_with = 'p')")
    cluster.query("INSERT INTO c SELECT i, i FROM generate_series(1, 50) i")
    cluster.query("ALTER TABLE c ADD CHECK (id > 10) NOT VALID, ADD FOREIGN KEY (p) REFERENCES p NOT VALID")
    cluster.wait_copies()
    clean(cluster)
    away = cluster.backups("c")[0]
    cluster.shell("recover", "region", str(region_of(cluster, "c")), "--rebuild", away)
    clean(cluster)
    cluster.kill(away)
    rows(file_of(cluster, away, "c"), "ALTER TABLE c ADD COLUMN odd INTEGER")
    cluster.start(away)
    cluster.wait_up(away)
    cluster.wait_copies()
    assert "is another one than its record says" in str(fsck(cluster)[1])


def test_stopped_server(make_cluster):
    """Directories of stopped servers: damaged, unreadable and missing files, a damaged log, a damaged store, and
    two copies that differ at the same lsn. Looking changes nothing; a running server's directory is refused."""
    cluster = make_cluster(servers=1, coord="embedded")
    make_tables(cluster)
    here, there = os.path.join(cluster.dir, "s1"), os.path.join(cluster.dir, "other")
    assert subprocess.run([MINISQL, "fsck", "--data", here], capture_output=True, check=False).returncode == 3
    cluster.query("INSERT INTO a VALUES (1000, 'in SQLite''s log only')")
    cluster.kill("s1")
    before = {p: os.stat(p).st_mtime_ns for p in glob.glob(here + "/**", recursive=True) if os.path.isfile(p)}
    status, report = fsck_data(here)
    assert status == 0 and report["regions"] == 1, report
    assert before == {p: os.stat(p).st_mtime_ns for p in glob.glob(here + "/**", recursive=True)
                      if os.path.isfile(p)}
    shutil.copytree(here, there)
    file = glob.glob(there + "/region-*.db")[0]
    rows(file, "UPDATE a SET v = 'other' WHERE id = 17")
    assert [f["code"] for f in fsck_data(here, there)[1]["findings"]] == ["copies-differ"]
    rows(file, "DELETE FROM a WHERE id = 18")
    assert "foreign-key-broken" in found(fsck_data(there)[1])
    os.unlink(file)
    assert "log-without-file" in found(fsck_data(there)[1])
    with open(file, "wb") as f:
        f.write(b"no database" * 1000)
    for name in glob.glob(file + "-*"):
        os.unlink(name)
    assert "copy-unreadable" in found(fsck_data(there)[1])
    log = sorted(glob.glob(there + "/log/*.log"))[0]
    with open(log, "r+b") as f:
        f.seek(200)
        f.write(b"\xff" * 100)
    for name in glob.glob(there + "/coord/coord.db*"):
        with open(name, "r+b") as f:
            f.write(b"\xff" * os.path.getsize(name))
    assert {"log-damaged", "store-damaged"} <= set(found(fsck_data(there)[1]))


def test_under_load(make_cluster):
    """Copies are compared as of one lsn while the region is written to, and no write waits long for it."""
    cluster = make_cluster(servers=2)
    cluster.query("CREATE TABLE a (id int PRIMARY KEY, v text)")
    cluster.wait_copies()
    stopping, errors, n = threading.Event(), [], [0]

    def load():
        connection = cluster.connect("s1")
        with connection.cursor() as cursor:
            while not stopping.is_set():
                try:
                    cursor.execute("INSERT INTO a VALUES (%s, 'x')", (n[0],))
                    n[0] += 1
                except psycopg2.Error as e:
                    errors.append(e)
                    return

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    reports = [fsck(cluster) for _ in range(5)]
    stopping.set()
    thread.join(30)
    assert not errors and n[0] > 10
    for status, report in reports:
        assert status == 0 and not found(report, "warning") and not found(report, "error"), report
