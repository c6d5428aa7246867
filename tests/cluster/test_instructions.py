"""Statements that are put into the coordination store for a server: executed once, the result written
beneath them."""
import json
import os
import subprocess

import pytest

from conftest import wait_until

ZKCLI = ["java", "-XX:TieredStopAtLevel=1", "-cp",
         "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar",
         "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "org.apache.zookeeper.ZooKeeperMain"]


class Store:
    """The coordination store as an operator sees it: etcdctl or zkCli."""

    def __init__(self, cluster):
        with open(os.path.join(cluster.dir, "playground.json")) as f:
            self.port = json.load(f)["members"][0]["port"]
        self.etcd = cluster.coord == "etcd"

    def etcdctl(self, *words):
        return subprocess.run(["etcdctl", "--endpoints", f"127.0.0.1:{self.port}", *words],
                              env=dict(os.environ, ETCDCTL_API="3"), text=True,
                              capture_output=True, check=True, timeout=60).stdout

    def zkcli(self, commands):
        """What each command printed."""
        text = "".join(f"{command}\n" for command in commands)
        out = subprocess.run([*ZKCLI, "-server", f"127.0.0.1:{self.port}"], input=text, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                             timeout=60).stdout
        return [line for line in out.splitlines() if line.startswith(("{", "Created", "Node "))]

    def put(self, values):
        if self.etcd:
            for key, value in values.items():
                self.etcdctl("put", key, value)
        else:
            made = self.zkcli(f'create {key} "{value}"' for key, value in values.items())
            assert len([line for line in made if line.startswith("Created")]) == len(values), made

    def get(self, keys):
        """{key: value} of those that are there; the values are JSON."""
        if self.etcd:
            rows = ((key, self.etcdctl("get", key, "--print-value-only").strip()) for key in keys)
            return {key: value for key, value in rows if value}
        lines = self.zkcli(f"get {key}" for key in keys)
        return {key: line for key, line in zip(keys, lines) if line.startswith("{")}

    def results(self, keys):
        found = self.get([key + "/result" for key in keys])
        return [json.loads(found[key + "/result"]) for key in keys] if len(found) == len(keys) else None

    def run(self, values):
        """Puts instructions, waits for their results."""
        self.put(values)
        return wait_until("the results", lambda: self.results(list(values)), 60)

    def info(self, cluster):
        """(tableNum, recordNum) of all servers together."""
        suffix = "" if self.etcd else "/@"
        records = self.get([f"/minisql/servers/{name}{suffix}" for name in cluster.names]).values()
        infos = [json.loads(record)["info"] for record in records]
        return sum(i["tableNum"] for i in infos), sum(i["recordNum"] for i in infos)


def at(server, number):
    return f"/minisql/servers/{server}/instructions/{number}"


@pytest.mark.parametrize("coord", ["etcd", "zookeeper"])
def test_instructions(make_cluster, coord):
    """Any server executes any statement; results hold columns and rows, or the error; the servers'
    records show the tables and rows that there are now."""
    cluster = make_cluster(coord=coord)
    store = Store(cluster)
    [created] = store.run({at("s1", 1): "CREATE TABLE t (id int PRIMARY KEY, name text, ok bool)"})
    assert created["error"] is None and created["tag"] == "CREATE TABLE", created
    cluster.wait_copies()
    first, second, third = store.run({
        at("s2", 7): "INSERT INTO t VALUES (1, 'one', true), (2, NULL, false) RETURNING id",
        at("s2", 8): "SELECT id, name, ok, id * 0.5 AS half FROM t ORDER BY id",
        at("s2", 9): "INSERT INTO t VALUES (1, 'again', true)"})
    assert first["error"] is None and first["tag"] == "INSERT 0 2" and first["data"] == [[1], [2]]
    assert second["columns"] == ["id", "name", "ok", "half"]
    assert second["data"] == [[1, "one", True, "0.5"], [2, None, False, "1.0"]]
    assert third["error"]["sqlstate"] == "23505" and "t_pkey" in third["error"]["message"]
    wait_until("the servers' records", lambda: store.info(cluster) == (2, 4), 30)
    refused, = store.run({at("s3", "x"): "BEGIN"})
    assert refused["error"]["sqlstate"] == "0A000" and refused["error"]["hint"]
    assert cluster.value("SELECT count(*) FROM t") == 2


def test_instructions_once(make_cluster):
    """However often the server is killed meanwhile, each statement is executed once; putting it again
    changes nothing; what can't be known is said; what is old goes, and nothing else."""
    cluster = make_cluster()
    store = Store(cluster)
    cluster.query("CREATE TABLE t (n int)")
    cluster.wait_copies()
    keys = [at("s1", n) for n in range(30)]
    for n, key in enumerate(keys):
        store.put({key: f"INSERT INTO t VALUES ({n}) RETURNING n"})
        if n % 8 == 5:
            cluster.kill("s1")
            cluster.start("s1")
    results = wait_until("the results", lambda: store.results(keys), 60)
    assert [r["data"] for r in results] == [[[n]] for n in range(30)]
    # seen again, and another under a used id
    store.put({keys[0]: "INSERT INTO t VALUES (0) RETURNING n", keys[1]: "DELETE FROM t"})
    # a server that died between claim and result: the write's request id is in the claim
    claim = json.dumps({"by": "another life", "request": 4000000000, "started": 1})
    for number in (100, 101):
        store.put({at("s1", number) + "/claim": claim})
    write, schema = store.run({at("s1", 100): "INSERT INTO t VALUES (100)",
                               at("s1", 101): "CREATE TABLE u (id int)"})
    assert write["error"] is None and write["tag"] == "INSERT 0 1"
    assert schema["error"]["sqlstate"] == "08007"
    rows = [n for n, in cluster.query("SELECT n FROM t ORDER BY n")]
    assert rows == list(range(30)) + [100]
    assert "u" not in cluster.placement()
    old = at("s1", 200)
    for key in (old + "/result", old):
        store.put({key: '{"finished": 1}'})
    wait_until("the old one is gone", lambda: not store.get([old, old + "/result"]))
    assert len(store.results(keys)) == 30


def test_instruction_taken_up_again(make_cluster):
    """A write that was applied before the server died is answered from the region's stored result."""
    cluster = make_cluster()
    store = Store(cluster)
    cluster.query("CREATE TABLE t (n int)")
    cluster.wait_copies()
    [done] = store.run({at("s1", 1): "INSERT INTO t VALUES (1) RETURNING n + 41 AS answer"})
    cluster.kill("s1")
    store.etcdctl("del", at("s1", 1) + "/result")  # as if it had died just before writing that
    cluster.start("s1")
    again = wait_until("the result", lambda: store.results([at("s1", 1)]), 60)[0]
    assert again["data"] == done["data"] == [[42]] and again["tag"] == "INSERT 0 1"
    assert cluster.value("SELECT count(*) FROM t") == 1
