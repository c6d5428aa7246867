"""The coordination store stops and starts again under load: data goes on being served, nothing is lost."""
import json
import os
import re
import socket
import subprocess
import threading
import time

import psycopg2
import pytest

import conftest
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


class Gate:
    """A way to etcd that lets `requests` through, then nothing for a while, then everything."""

    def __init__(self, port, requests, seconds):
        self.etcd, self.left, self.seconds = port, requests, seconds
        self.lock, self.open_again = threading.Lock(), None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.etcd))
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self.carry, args=(a, b, a is client), daemon=True).start()

    def carry(self, a, b, counts):
        try:
            while data := a.recv(65536):
                if counts:
                    self.pass_request(data.count(b"POST "))
                b.sendall(data)
        except OSError:
            pass
        a.close()
        b.close()

    def pass_request(self, n):
        with self.lock:
            self.left -= n
            if self.left < 0 and self.open_again is None:
                self.open_again = time.monotonic() + self.seconds
        if self.left < 0:
            time.sleep(max(0, self.open_again - time.monotonic()))


def test_start_during_short_outages(make_cluster):
    """A server that starts waits for a store that breaks off, whatever step it has come to."""
    cluster = make_cluster()
    with open(os.path.join(cluster.dir, "playground.json")) as f:
        etcd = json.load(f)["members"][0]["port"]

    def start(name, requests):
        gate = Gate(etcd, requests, 4)
        with open(os.path.join(cluster.dir, name + ".log"), "w") as log:
            return gate, subprocess.Popen(
                [conftest.MINISQLD, "--name", name, "--data", os.path.join(cluster.dir, name),
                 "--listen", "127.0.0.1:0", "--coord", f"etcd://127.0.0.1:{gate.port}"],
                stdout=log, stderr=log)
    servers = {f"late{n}": start(f"late{n}", n) for n in range(8)}
    try:
        for name, (gate, server) in servers.items():
            wait_until("it starts", lambda: ": ready on " in cluster.log(name) or server.poll(), 40)
            assert server.poll() is None, cluster.log(name)
    finally:
        for gate, server in servers.values():
            server.terminate()
            server.wait(30)
            gate.listener.close()
