"""Many tables on few open files: what is idle costs nothing, and is there when it is wanted.

tests/bench/many does the same with ten thousand tables, and prints figures.
"""
import os

from conftest import wait_until

TABLES = 100
FILES = 320  # that a server may have open: enough for 20 tables in use, by its own reckoning


def region_files(cluster, name):
    """Descriptors of the server on region files."""
    directory = f"/proc/{cluster.pid(name)}/fd"
    found = 0
    for fd in os.listdir(directory):
        try:
            found += "/region-" in os.readlink(os.path.join(directory, fd))
        except FileNotFoundError:
            pass
    return found


def test_many_tables(make_cluster):
    """With more tables than open files: all can be used, few files stay open, and a server that is
    killed costs none of them."""
    limited = {"prefix": ["prlimit", f"--nofile={FILES}"]}
    cluster = make_cluster(places={name: limited for name in ("s1", "s2", "s3")})
    connection = cluster.connect("s1")
    with connection.cursor() as cursor:
        for n in range(TABLES):
            cursor.execute(f"CREATE TABLE t{n} (id int PRIMARY KEY, v int)")
            cursor.execute(f"INSERT INTO t{n} VALUES (1, {n})")
        for name in cluster.names:
            wait_until("few open files", lambda s=name: region_files(cluster, s) < FILES / 2)
        for n in range(TABLES):
            cursor.execute(f"SELECT v FROM t{n}")
            assert cursor.fetchall() == [(n,)]
    connection.close()
    cluster.kill("s3")
    wait_until("new primaries", lambda: "s3" not in {
        row[0] for row in cluster.query("SELECT primary_server FROM minisql_regions", name="s1")})
    with cluster.connect("s2").cursor() as cursor:
        for n in range(TABLES):
            cursor.execute(f"UPDATE t{n} SET v = v + 1")
            assert cursor.rowcount == 1
    cluster.start("s3")
    wait_until("all copies in place", lambda: cluster.value(
        "SELECT count(*) FROM minisql_regions WHERE status <> 'healthy'", name="s1") == 0, 120)
    total = sum(range(TABLES)) + TABLES
    for name in cluster.names:
        with cluster.connect(name).cursor() as cursor:
            found = 0
            for n in range(TABLES):
                cursor.execute(f"SELECT v FROM t{n}")
                found += cursor.fetchone()[0]
            assert found == total
        wait_until("few open files", lambda s=name: region_files(cluster, s) < FILES / 2)
