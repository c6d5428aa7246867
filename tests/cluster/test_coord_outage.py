"""The coordination store stops and starts again under load: data goes on being served, nothing is lost."""
import re
import threading
import time

import psycopg2
import pytest

from conftest import wait_until


class Load(threading.Thread):
    """Inserts 1, 2, 3, .. and reads them back; remembers every failure and the longest wait."""

    def __init__(self, cluster, name):
        super().__init__(daemon=True)
        self.connection = cluster.connect(name)
        self.stopping = threading.Event()
        self.n, self.errors, self.slowest = 0, [], 0.0

    def run(self):
        with self.connection.cursor() as cursor:
            while not self.stopping.is_set():
                start = time.monotonic()
                try:
                    cursor.execute("INSERT INTO t VALUES (%s)", (self.n + 1,))
                    self.n += 1
                    cursor.execute("SELECT count(*) FROM t")
                    assert cursor.fetchone()[0] == self.n
                except (psycopg2.Error, AssertionError) as e:
                    self.errors.append(e)
                    return
                self.slowest = max(self.slowest, time.monotonic() - start)

    def stop(self):
        self.stopping.set()
        self.join(30)
        assert not self.is_alive()


@pytest.fixture(params=["etcd", "zookeeper"])
def cluster(request, make_cluster):
    """Three servers over one process of each store."""
    return make_cluster(coord=request.param)


@pytest.mark.parametrize("signal", ["kill", "pause"])
def test_data_is_served_without_the_store(cluster, signal):
    """Neither a dead nor a hanging store disturbs reads and writes."""
    cluster.query("CREATE TABLE t (id int PRIMARY KEY)")
    cluster.wait_copies()
    load = Load(cluster, "s1")
    load.start()
    time.sleep(1)
    member = cluster.members[0]
    getattr(cluster, signal)(member)
    time.sleep(6)
    during = load.n
    if signal == "kill":
        cluster.start(member)
    else:
        cluster.resume(member)
    wait_until("schema changes again", lambda: cluster.shell(
        "-c", "CREATE TABLE u (id int PRIMARY KEY)", check=False).returncode == 0, 30)
    time.sleep(1)
    load.stop()
    assert not load.errors, load.errors
    assert load.n > during > 20
    assert load.slowest < 2.0, f"{load.slowest:.2f} s"
    assert cluster.value("SELECT count(*) FROM t") == load.n
    cluster.wait_up(*cluster.names)
    cluster.wait_copies()


@pytest.mark.parametrize("coord", ["etcd", "zookeeper"])
def test_schema_changes_wait_or_fail_clearly(make_cluster, coord):
    """Without the store CREATE TABLE ends with an error that names the cause; no half table stays."""
    cluster = make_cluster(coord=coord, args="--retry-ms=5000")
    cluster.query("CREATE TABLE t (id int PRIMARY KEY)")
    cluster.wait_copies()
    cluster.kill(cluster.members[0])
    start = time.monotonic()
    result = cluster.shell("-c", "CREATE TABLE late (id int PRIMARY KEY)", check=False)
    assert result.returncode == 1 and time.monotonic() - start < 40
    assert re.search("etcd|ZooKeeper|coordination", result.stderr)
    cluster.start(cluster.members[0])
    wait_until("CREATE TABLE works", lambda: cluster.shell(
        "-c", "CREATE TABLE late (id int PRIMARY KEY)", check=False).returncode == 0 or
        "late" in cluster.placement(), 30)
    cluster.query("INSERT INTO late VALUES (1)")


def test_failover_after_the_store_returns(cluster):
    """A primary that dies while the store is down too is replaced when it is back."""
    cluster.query("CREATE TABLE t (id int PRIMARY KEY)")
    cluster.query("INSERT INTO t VALUES (1)")
    cluster.wait_copies()
    victim = cluster.primary("t")
    cluster.kill(cluster.members[0])
    cluster.kill(victim)
    time.sleep(2)
    cluster.start(cluster.members[0])
    other = cluster.others(victim)[0]
    wait_until("the table serves",
               lambda: cluster.value("SELECT count(*) FROM t", name=other) == 1, 30)
    wait_until("and is writable", lambda: cluster.query(
        "INSERT INTO t VALUES (2) ON CONFLICT DO NOTHING", name=other) is None, 30)
    cluster.start(victim)
    cluster.wait_up(victim)
    assert cluster.value("SELECT count(*) FROM t", name=victim) == 2


@pytest.mark.parametrize("coord", ["etcd", "zookeeper"])
def test_three_members_lose_one(make_cluster, coord):
    """With three members the loss of one changes nothing, schema changes included."""
    cluster = make_cluster(coord=coord, coord_members=3)
    cluster.query("CREATE TABLE t (id int PRIMARY KEY)")
    for member in cluster.members:
        cluster.kill(member)
        wait_until("schema changes go on", lambda: cluster.shell(
            "-c", f"CREATE TABLE {member} (id int PRIMARY KEY)", check=False).returncode == 0)
        cluster.start(member)
    cluster.wait_copies()


def test_start_during_short_outages(cluster):
    """A server that starts waits for a store that breaks off, whatever step it has come to."""
    for after in (0.05, 0.12, 0.2, 0.35):
        cluster.kill("s3")
        cluster.playground("start", "s3", "--no-wait")
        time.sleep(after)
        cluster.pause("etcd1")
        time.sleep(1.3)
        cluster.resume("etcd1")
        cluster.wait_up("s3")
    assert "could not start" not in cluster.log("s3")
