"""A coordination store that wants to know who asks: the password is in a file, and nowhere else."""
import os

from conftest import wait_until
from test_instructions import Store

PASSWORD = "a-secret-that-nobody-sees"


def test_zookeeper_user(make_cluster, tmp_path):
    """Servers with the user and its password form a cluster whose records others can't even read; a
    server with another password is told so."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(PASSWORD + "\n")
    bad.write_text("guess\n")
    cluster = make_cluster(servers=2, coord="zookeeper",
                           args=f"--coord-user=minisql --coord-password-file={good}")
    cluster.query("CREATE TABLE t (id int PRIMARY KEY)")
    cluster.query("INSERT INTO t VALUES (1)")
    cluster.wait_copies()
    store = Store(cluster)
    cluster_record = "/minisql/cluster"
    login = f"addauth digest minisql:{PASSWORD}"
    assert not store.zkcli([f"get {cluster_record}"])
    assert len(store.zkcli([login, f"get {cluster_record}"])) == 1
    for name in cluster.names:
        assert PASSWORD not in cluster.log(name)
        for file in ("cmdline", "environ"):
            with open(f"/proc/{cluster.pid(name)}/{file}", errors="replace") as f:
                assert PASSWORD not in f.read()
    # the same server with another password
    cluster.kill("s2")
    good.write_text("guess\n")
    assert cluster.playground("start", "s2", check=False).returncode
    assert "ZooKeeper refused access" in cluster.log("s2") and "--coord-user" in cluster.log("s2")
    good.write_text(PASSWORD)
    cluster.start("s2")
    wait_until("both serve", lambda: cluster.value("SELECT count(*) FROM t", name="s2") == 1)
