"""`minisql recover`: the coordination store made anew from the servers' files, and one region brought up from what
is left of it."""
import glob
import json
import os
import shutil
import subprocess

import psycopg2
import pytest

from conftest import MINISQL, wait_until
from test_fsck import etcd, found, fsck, ids, make_tables, region_of


def recover(*words, check=True):
    result = subprocess.run([MINISQL, "recover", *words], text=True, capture_output=True, timeout=120, check=False)
    if check:
        assert result.returncode == 0, result.stderr
    return result


def coord_url(cluster):
    if cluster.coord == "embedded":
        return "embedded"
    with open(os.path.join(cluster.dir, "playground.json")) as f:
        return f"etcd://127.0.0.1:{json.load(f)['members'][0]['port']}"


def directory(cluster, name):
    return os.path.join(cluster.dir, name)


def wipe_store(cluster):
    if cluster.coord == "embedded":
        shutil.rmtree(os.path.join(cluster.dir, "s1", "coord"))
    else:
        etcd(cluster, "del", "--prefix", "")


def registered(cluster):
    keys = etcd(cluster, "get", "--prefix", "--keys-only", "/minisql/servers/").split()
    return [key for key in keys if key.count("/") == 3]  # not what lies beneath a server


def epochs(cluster):
    return dict(cluster.query("SELECT region, epoch FROM minisql_regions"))


def start_all(cluster):
    for name in cluster.names:
        cluster.playground("start", name, "--no-wait")
    cluster.wait_up(*cluster.names)


def check_tables(cluster):
    for table in "abcde":
        assert cluster.value(f"SELECT count(*) FROM {table}") == 500
    with pytest.raises(psycopg2.errors.UniqueViolation):
        cluster.query("INSERT INTO c VALUES (1000, 'v1')")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        cluster.query("INSERT INTO b VALUES (1000, 9999, 'x')")
    cluster.query("DROP INDEX bv")
    cluster.query("INSERT INTO b VALUES (1000, 1, 'x')")
    cluster.query("CREATE TABLE new (id int PRIMARY KEY)")


@pytest.mark.parametrize("coord", ["etcd", "embedded"])
def test_lost_store(make_cluster, coord):
    """All of the coordination store is gone, and the servers were ended by a power cut: its content is made anew
    from their files. Every table, index, key and row is there, epochs are above all that were, and whoever was
    not told of is asked for."""
    cluster = make_cluster(servers=3 if coord == "etcd" else 1, coord=coord)
    make_tables(cluster)
    ident, before = ids(cluster) if coord == "etcd" else None, epochs(cluster)
    for name in cluster.names:
        cluster.kill(name)
    cluster_dirs = [directory(cluster, name) for name in cluster.names]
    url = coord_url(cluster)
    if coord == "etcd":  # the registrations of the dead
        wait_until("the servers are gone", lambda: not registered(cluster))
        refused = recover("store", "--coord", url, *sum((["--data", d] for d in cluster_dirs), []), check=False)
        assert refused.returncode and "not empty" in refused.stderr
    wipe_store(cluster)
    words = ["--data", cluster_dirs[0]]
    for name, path in list(zip(cluster.names, cluster_dirs))[1:]:  # as from other machines
        inventory = os.path.join(cluster.dir, name + ".inventory")
        with open(inventory, "w") as f:
            f.write(recover("inventory", "--data", path).stdout)
        words.append(inventory)
    if coord == "etcd":
        refused = recover("store", "--coord", url, *words[:2], check=False)
        assert refused.returncode and "not here: s" in refused.stderr
        assert not etcd(cluster, "get", "--prefix", "")
    assert "would be written" in recover("store", "--coord", url, "--dry-run", *words).stdout
    shown = recover("store", "--coord", url, *words).stdout
    assert all(f"region {region}: epoch" in shown for region in before)
    start_all(cluster)
    wait_until("every region is served", lambda: all(
        status != "no primary" for status, in cluster.query("SELECT status FROM minisql_regions")))
    assert all(epoch > before[region] for region, epoch in epochs(cluster).items())
    if coord == "etcd":
        assert ids(cluster) == ident
    check_tables(cluster)
    if coord == "etcd":
        cluster.wait_copies()
    wait_until("fsck finds nothing", lambda: not found(fsck(cluster, "--repair")[1], "error"), 60, 1)


@pytest.mark.parametrize("coord", ["etcd", "embedded"])
def test_lost_objects(make_cluster, coord):
    """With the store, sequences, types, views, schemas, databases and comments come back from the servers' data
    directories, though all were killed, and a server was away while some were made. No value of a sequence is given
    again that any server has given; what was dropped stays so."""
    cluster = make_cluster(servers=3 if coord == "etcd" else 1, coord=coord)
    last = cluster.names[-1]
    for sql in ("CREATE SCHEMA s", "CREATE SCHEMA gone", "CREATE TYPE s.mood AS ENUM ('sad', 'fine')",
                "CREATE DOMAIN positive AS int CHECK (VALUE > 0)", "CREATE SEQUENCE q", "CREATE SEQUENCE dropped",
                "CREATE SEQUENCE down INCREMENT -1", "CREATE SEQUENCE early", "CREATE DATABASE other"):
        cluster.query(sql)
    for name in cluster.names:
        cluster.query("SELECT nextval('q'), nextval('early')", name=name)
    if coord == "etcd":
        cluster.stop(last)
    others = cluster.names[:-1] or cluster.names
    for sql in ("CREATE TABLE s.people (id serial PRIMARY KEY, mood s.mood, n positive)",
                "INSERT INTO s.people (mood, n) SELECT 'fine', 1 FROM generate_series(1, 100)",
                "CREATE VIEW fine AS SELECT * FROM s.people WHERE mood = 'fine'",
                "CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM s.people",
                "COMMENT ON SCHEMA s IS 'of people'", "COMMENT ON VIEW fine IS 'who are'",
                "DROP SEQUENCE dropped", "DROP SCHEMA gone", "ALTER SEQUENCE early RESTART WITH 10"):
        cluster.query(sql, name=others[0])
    given = [cluster.value("SELECT nextval('q')", name=name) for name in others for _ in range(150)]
    below = [cluster.value("SELECT nextval('down')", name=others[-1]) for _ in range(40)]
    assert cluster.value("SELECT nextval('early')", name=others[0]) == 10
    assert cluster.value("SELECT setval('early', 1000)", name=others[-1]) == 1000
    for name in others:
        cluster.kill(name)
    if coord == "etcd":
        wait_until("the servers are gone", lambda: not registered(cluster))
    wipe_store(cluster)
    recover("store", "--coord", coord_url(cluster),
            *sum((["--data", directory(cluster, name)] for name in cluster.names), []))
    start_all(cluster)
    for name in cluster.names:
        for _ in range(40):
            value = cluster.value("SELECT nextval('q')", name=name)
            assert value not in given
            given.append(value)
        assert cluster.value("SELECT nextval('down')", name=name) < min(below)
        assert cluster.value("SELECT nextval('early')", name=name) > 1000
    assert cluster.value("INSERT INTO s.people (mood) VALUES ('sad') RETURNING id") > 100
    assert cluster.value("SELECT count(*) FROM fine") == 100
    assert cluster.value("SELECT count FROM counted") == 100
    for sql, error in (("INSERT INTO s.people (mood) VALUES ('glad')", psycopg2.errors.InvalidTextRepresentation),
                       ("INSERT INTO s.people (n) VALUES (0)", psycopg2.errors.CheckViolation),
                       ("SELECT nextval('dropped')", psycopg2.errors.UndefinedTable),
                       ("CREATE TABLE gone.t ()", psycopg2.errors.InvalidSchemaName),
                       ("CREATE SEQUENCE q", psycopg2.errors.DuplicateTable)):
        with pytest.raises(error):
            cluster.query(sql)
    assert cluster.value("SELECT obj_description('s'::regnamespace)") == "of people"
    assert cluster.value("SELECT obj_description('fine'::regclass)") == "who are"
    assert cluster.value("SELECT count(*) FROM pg_database WHERE datname = 'other'") == 1
    wait_until("fsck finds nothing", lambda: not found(fsck(cluster, "--repair")[1], "error"), 60, 1)


def test_newest_copy_wins(make_cluster):
    """One of the copies is old: its server was away for the last writes. The newer one becomes primary, and the old
    one catches up."""
    cluster = make_cluster(servers=2)
    cluster.query("CREATE TABLE t (id int PRIMARY KEY, v text)")
    cluster.query("INSERT INTO t VALUES (1, 'old')")
    cluster.wait_copies()
    old = cluster.backups("t")[0]
    newer = cluster.others(old)[0]
    cluster.kill(old)
    cluster.query("INSERT INTO t VALUES (2, 'new')", name=newer)
    cluster.query("UPDATE t SET v = 'newer' WHERE id = 1", name=newer)
    cluster.kill(newer)
    wait_until("the servers are gone", lambda: not registered(cluster))
    wipe_store(cluster)
    shown = recover("store", "--coord", coord_url(cluster), "--data", directory(cluster, old),
                    "--data", directory(cluster, newer)).stdout
    assert f"primary {newer}\n" in shown
    start_all(cluster)
    rows = [(1, "newer"), (2, "new")]
    wait_until("all rows", lambda: cluster.query("SELECT * FROM t ORDER BY id") == rows)
    cluster.wait_copies()
    assert fsck(cluster)[0] == 0


def test_last_copy_is_a_former_one(make_cluster):
    """The only member's disk is gone; a former copy is left. What there is is shown, nothing happens without the
    operator's word, and not while a member is whole; then it serves what it has, and a new copy is made."""
    cluster = make_cluster(servers=2)
    cluster.query("CREATE TABLE t (id int PRIMARY KEY)")
    cluster.query("INSERT INTO t VALUES (1)")
    cluster.wait_copies()
    primary, former = cluster.primary("t"), cluster.backups("t")[0]
    region = str(region_of(cluster, "t"))
    ask = ["-h", "127.0.0.1", "-p", str(cluster.port_of(former)), "recover", "region", region]

    def run(*words):
        return subprocess.run([MINISQL, *ask, *words], text=True, capture_output=True, timeout=60, check=False)

    refused = run("--from", former, "--accept-data-loss")
    assert refused.returncode == 2 and "has a whole copy" in refused.stderr
    cluster.kill(former)
    cluster.query("INSERT INTO t VALUES (2)", name=primary)
    cluster.kill(primary)
    shutil.rmtree(directory(cluster, primary))
    cluster.start(former)
    cluster.wait_up(former)
    shown = run()
    assert shown.returncode == 0 and "former copy" in shown.stdout and "(not up)" in shown.stdout
    refused = run("--from", former)
    assert refused.returncode == 2 and "--accept-data-loss" in refused.stderr
    served = run("--from", former, "--accept-data-loss")
    assert served.returncode == 0, served.stderr
    assert cluster.query("SELECT * FROM t", name=former) == [(1,)]
    cluster.query("INSERT INTO t VALUES (3)", name=former)
    cluster.start(primary)
    cluster.wait_up(primary, former)
    cluster.wait_copies()
    assert cluster.query("SELECT * FROM t ORDER BY id") == [(1,), (3,)]


def test_last_copy_is_damaged(make_cluster):
    """The log of the only server is damaged, so that its region does not serve; on the operator's word it does, with
    what the file has."""
    cluster = make_cluster(servers=1, coord="embedded")
    cluster.query("CREATE TABLE t (id int PRIMARY KEY)")
    for i in range(10):
        cluster.query("INSERT INTO t VALUES (%s)", (i,))
    region = str(region_of(cluster, "t"))
    cluster.kill("s1")
    log = sorted(glob.glob(os.path.join(cluster.dir, "s1", "log", "*.log")))[0]
    with open(log, "r+b") as f:
        f.seek(100)
        f.write(b"\xff" * 64)
    cluster.start("s1")
    assert "damaged" in cluster.shell("recover", "region", region).stdout
    cluster.shell("recover", "region", region, "--from", "s1", "--accept-data-loss")
    assert cluster.value("SELECT count(*) FROM t") == 10
    cluster.query("INSERT INTO t VALUES (10)")
    assert fsck(cluster)[0] == 0


def set_back(cluster, snapshot):
    """etcd loses its data and is restored from a snapshot."""
    with open(os.path.join(cluster.dir, "playground.json")) as f:
        member = json.load(f)["members"][0]
    url = f"http://127.0.0.1:{member['peer_port']}"
    data = os.path.join(cluster.dir, member["name"])
    cluster.kill(member["name"])
    shutil.rmtree(data)
    subprocess.run(["etcdctl", "snapshot", "restore", snapshot, "--data-dir", data, "--name", member["name"],
                    "--initial-cluster", f"{member['name']}={url}", "--initial-advertise-peer-urls", url],
                   env=dict(os.environ, ETCDCTL_API="3"), capture_output=True, timeout=60, check=True)
    cluster.start(member["name"])


def test_store_set_back(make_cluster):
    """etcd is restored from an old snapshot, which does not know what was created since. No copy is deleted for
    that; the servers' files know their tables, fsck finds what the store lacks and puts it back."""
    cluster = make_cluster(servers=2)
    cluster.query("CREATE TABLE t (id int PRIMARY KEY)")
    cluster.wait_copies()
    snapshot = os.path.join(cluster.dir, "backup.db")
    etcd(cluster, "snapshot", "save", snapshot)
    cluster.query("CREATE TABLE u (id int PRIMARY KEY, t int REFERENCES t)")
    cluster.query("CREATE TABLE w (id int PRIMARY KEY)")
    cluster.query("INSERT INTO t VALUES (1)")
    cluster.query("INSERT INTO u VALUES (1, 1)")
    cluster.query("INSERT INTO w SELECT i FROM generate_series(1, 100) i")
    cluster.wait_copies()
    region = region_of(cluster, "w")
    set_back(cluster, snapshot)
    wait_until("the servers follow", lambda: all(
        f"region={region}: the store has lost its record" in cluster.log(name) for name in cluster.names))
    cluster.wait_up(*cluster.names)
    codes = found(fsck(cluster)[1])
    assert set(codes) >= {"schema-ahead", "table-without-record", "copy-without-record"}, codes
    wait_until("repaired", lambda: fsck(cluster, "--repair")[0] == 0, 60, 1)
    assert cluster.query("SELECT * FROM u") == [(1, 1)]
    assert cluster.value("SELECT count(*) FROM w") == 100
    cluster.query("CREATE TABLE x (id int PRIMARY KEY, u int REFERENCES u)")
    cluster.query("INSERT INTO x VALUES (1, 1)")
    cluster.query("DROP TABLE w")
    wait_until("the copies of a dropped table go", lambda: not any(
        os.path.exists(os.path.join(directory(cluster, name), f"region-{region}.db")) for name in cluster.names))
