"""Tables that move between servers while they are written to, and moves that are interrupted."""
import glob
import os
import re
import threading
import time

import psycopg2
import pytest

from conftest import wait_until


class Writers:
    """Insert rows (writer, number) through the given servers; every statement is autocommit. After an error a
    writer goes on with the next number, at the next server."""

    def __init__(self, cluster, servers, n=4):
        self.cluster, self.servers = cluster, servers
        self.acknowledged, self.errors = set(), []
        self.done = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(k,)) for k in range(n)]
        for thread in self.threads:
            thread.start()

    def run(self, k):
        cursor, at, number = None, k, 0
        while not self.done.is_set():
            number += 1
            try:
                if not cursor:
                    cursor = self.cluster.connect(self.servers[at % len(self.servers)]).cursor()
                cursor.execute("INSERT INTO t VALUES (%s, %s)", (k, number))
                self.acknowledged.add((k, number))
            except psycopg2.Error as e:
                self.errors.append(f"{time.strftime('%H:%M:%S')} {e}")
                cursor, at = None, at + 1
                time.sleep(0.1)

    def stop(self):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def check(self):
        """Every acknowledged row is there, and none twice."""
        rows = self.cluster.query("SELECT w, n FROM t")
        assert len(rows) == len(set(rows))
        assert self.acknowledged <= set(rows), sorted(self.acknowledged - set(rows))[:10]


def make_table(cluster):
    cluster.query("CREATE TABLE t (w int, n int)")
    cluster.wait_copies()
    primary, backup = cluster.primary("t"), cluster.backups("t")[0]
    free = next(name for name in cluster.names if name not in (primary, backup))
    return primary, backup, free


def wait_settled(cluster, seconds=60):
    """Two copies, nothing under way, and no other server has anything of the table."""
    def settled():
        (primary, backups, learners), = cluster.query(
            "SELECT primary_server, backups, learners FROM minisql_regions")
        holders = {name for name in cluster.names
                   if glob.glob(os.path.join(cluster.dir, name, "region-*.db"))}
        extra = [f for f in glob.glob(os.path.join(cluster.dir, "*", "region-*"))
                 if not re.search(r"\.db(-wal)?$", f)]
        return not learners and len(holders) == 2 and holders == {primary, backups} and not extra
    wait_until("the region has two copies and no others", settled, seconds)


def test_move_under_load(cluster):
    """Both copies move, one after the other, the primary among them, and no client sees an error."""
    primary, backup, free = make_table(cluster)
    writers = Writers(cluster, [primary, free])
    assert cluster.shell("move", "t", backup, free, name=primary).stdout == "Moved.\n"
    assert cluster.placement()["t"] == [primary, free]
    assert cluster.shell("move", "t", primary, backup, name=free).stdout == "Moved.\n"
    assert set(cluster.placement()["t"]) == {free, backup}
    wait_settled(cluster)
    writers.stop()
    assert not writers.errors
    writers.check()


def refused(cluster, *arguments):
    result = cluster.shell("move", *arguments, check=False)
    assert result.returncode == 1
    return result.stderr


def test_moves_that_make_no_sense(cluster):
    primary, backup, free = make_table(cluster)
    assert 'relation "none" does not exist' in refused(cluster, "none", primary, free)
    assert 'server "s9" is not up' in refused(cluster, "t", primary, "s9")
    assert f'server "{free}" has no copy' in refused(cluster, "t", free, primary)
    assert f'server "{backup}" has a copy of table "t" already' in refused(cluster, "t", primary, backup)


@pytest.mark.parametrize("victim", ["from", "to", "master", "coord"])
def test_interrupted_move(cluster, victim):
    """A server that the move concerns is killed at some moment of it, or the coordination store is. The move is
    completed or undone; in the end there are two copies, and nothing is left over anywhere."""
    primary, backup, free = make_table(cluster)
    cluster.query("INSERT INTO t SELECT 100, i FROM generate_series(1, 20000) i")
    writers = Writers(cluster, cluster.names)
    moves = [(primary, free), (backup, free)] if victim == "from" else [(primary, free)]
    for round_number, (source, target) in enumerate(moves):
        (where,) = [cluster.placement()["t"]]
        if source not in where or target in where:
            source, target = where[0], (set(cluster.names) - set(where)).pop()
        name = {"from": source, "to": target, "master": cluster.master(), "coord": "etcd1"}[victim]
        asked = next(n for n in cluster.names if n != name)
        cluster.query("CALL minisql_move('t', %s, %s)", (source, target), name=asked)
        time.sleep(0.03 * round_number)
        cluster.kill(name)
        time.sleep(1)
        cluster.start(name)
        wait_settled(cluster)
    writers.stop()
    writers.check()
