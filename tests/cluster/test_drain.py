"""minisql drain: a server gives everything away while clients work, and gets nothing until it is
undrained."""
import threading

import psycopg2

from conftest import wait_until


class Writer(threading.Thread):
    """Increments through one server, without a break; any error ends it."""

    def __init__(self, cluster, server):
        super().__init__()
        self.connection, self.done, self.error = cluster.connect(server), 0, None
        self.ending = False
        self.start()

    def run(self):
        try:
            with self.connection.cursor() as cursor:
                while not self.ending:
                    cursor.execute("UPDATE t0 SET v = v + 1 WHERE id = 1")
                    self.done += 1
        except psycopg2.Error as e:
            self.error = e

    def end(self):
        self.ending = True
        self.join()
        assert self.error is None, self.error


def holds(cluster, server):
    """Copies there, those in the making counted."""
    rows = cluster.query("SELECT primary_server || ', ' || backups || ', ' || learners "
                         "FROM minisql_regions")
    return sum(server in text.split(", ") for text, in rows)


def make_tables(cluster, n):
    for i in range(n):
        cluster.query(f"CREATE TABLE t{i} (id int PRIMARY KEY, v int)")
        cluster.query(f"INSERT INTO t{i} VALUES (1, 0)")
    cluster.wait_copies()


def test_drain_and_undrain(cluster):
    """Primaries and copies go elsewhere under load; the server stays empty, through a change of the
    master, until it is undrained; then it gets its share."""
    make_tables(cluster, 6)
    victim = cluster.primary("t0")
    other = cluster.others(victim)[0]
    writer = Writer(cluster, victim)
    result = cluster.shell("drain", victim, name=other)
    assert "can be stopped" in result.stdout
    assert holds(cluster, victim) == 0
    assert all(len(where) == 2 for where in cluster.placement().values())
    assert ("drained",) in cluster.query("SELECT status FROM minisql_servers")
    writer.end()
    assert cluster.value("SELECT v FROM t0 WHERE id = 1") == writer.done > 0
    cluster.kill(cluster.master())
    wait_until("a new master", lambda: cluster.master())
    cluster.up(3)
    cluster.wait_copies()
    cluster.query("CREATE TABLE late (id int PRIMARY KEY)")
    assert holds(cluster, victim) == 0
    assert cluster.shell("status", name=other, check=False).returncode == 0
    cluster.shell("undrain", victim, name=other)
    wait_until("its share", lambda: holds(cluster, victim) >= 3)


def test_drain_one_of_two(make_cluster):
    """Where there is no third server the primaries go, and drain says that copies stay."""
    cluster = make_cluster(servers=2)
    make_tables(cluster, 3)
    result = cluster.shell("drain", "s1", name="s2", check=False)
    assert result.returncode == 1 and "keeps 3 copies, 0 of them primaries" in result.stderr
    assert [where[0] for where in cluster.placement().values()] == ["s2"] * 3
    assert "is not up" in cluster.shell("drain", "s7", check=False).stderr
    assert "the last one" in cluster.shell("drain", "s2", check=False).stderr
