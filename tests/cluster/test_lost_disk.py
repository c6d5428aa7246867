"""A server that comes back without its data, or with a damaged part of it."""
import glob
import os
import shutil
import signal
import time

from conftest import wait_until


def make_table(cluster):
    cluster.query("CREATE TABLE t (id int PRIMARY KEY, v text)")
    cluster.query("INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 1000) i")
    cluster.wait_copies()
    return cluster.primary("t"), cluster.backups("t")[0]


def power_cut(cluster, *names):
    """All at once, so that nobody has the time to take anybody out of the config."""
    for pid in [cluster.pid(name) for name in names]:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)


def start_and_look(cluster, primary, backup):
    """First the one that lost its copy, alone for longer than a primary may be silent: it must not
    take over with nothing. Then the other."""
    cluster.playground("start", backup, "--no-wait")
    time.sleep(3)
    cluster.start(primary)
    cluster.wait_up(primary, backup)
    wait_until("all rows are there",
               lambda: cluster.value("SELECT count(*) FROM t", name=backup) == 1000)
    cluster.wait_copies()
    cluster.query("INSERT INTO t VALUES (1001, 'x')", name=backup)


def test_wiped_data_directory(make_cluster):
    """A backup whose data directory is gone does not become primary; it fetches everything anew."""
    cluster = make_cluster(servers=2)
    primary, backup = make_table(cluster)
    power_cut(cluster, primary, backup)
    shutil.rmtree(os.path.join(cluster.dir, backup))
    start_and_look(cluster, primary, backup)


def test_damaged_file(make_cluster):
    """A region file that is no database is kept aside and rebuilt from the other copy, also when the
    server is restarted in between. Then it is removed."""
    cluster = make_cluster(servers=2)
    primary, backup = make_table(cluster)
    power_cut(cluster, primary, backup)
    file = glob.glob(os.path.join(cluster.dir, backup, "region-*.db"))[0]
    for name in glob.glob(file + "*"):  # SQLite's WAL holds pages, too
        with open(name, "r+b") as f:
            f.write(b"this is not a database" * 100)
    cluster.playground("start", backup, "--no-wait")
    wait_until("it is kept aside", lambda: os.path.exists(file + ".damaged"))
    cluster.kill(backup)
    start_and_look(cluster, primary, backup)
    wait_until("the damaged file is gone", lambda: not os.path.exists(file + ".damaged"), 10)
    assert "rebuilt from another copy" in cluster.log(backup)
