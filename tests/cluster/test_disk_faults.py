"""Disks that fail or are full, and work again: the others serve meanwhile, and the server comes back by
itself. MINISQL_SOAK=1 tries every kind of error on every file."""
import errno
import os
import shutil
import subprocess
import time

import psycopg2
import pytest

from conftest import resize_mount, wait_until
from workload import Workload

FAULT_S = 3


def role(cluster, which):
    return cluster.primary("entry") if which == "primary" else cluster.backups("entry")[0]


def afflict(cluster, work, which, where, **errors):
    """One server's disk fails for a while."""
    victim = wait_until("a victim", lambda: role(cluster, which))
    began, before = time.monotonic() - work.start, work.acknowledged()
    cluster.faults[victim].disk(where=where, **errors)
    work.progress()  # the clients of that server too, there or elsewhere
    time.sleep(FAULT_S)
    written = work.acknowledged() - before
    cluster.faults[victim].disk()
    cluster.wait_up(*cluster.names, seconds=90)
    cluster.wait_copies(seconds=90)
    took = work.progress()
    print(f"{began:6.1f} s: {which} {victim} {where or 'everywhere'} {errors}: {written} writes "
          f"meanwhile; whole again at {time.monotonic() - work.start:.1f} s, all get on {took:.2f} s after")


def test_disk_errors(make_cluster):
    """The log can't be written, a table's file can't be read: each on another server's disk. No statement
    fails for it, beside those whose connection was to the server that starts anew."""
    cluster = make_cluster(faults={})
    with Workload(cluster, pause=0.005) as work:
        afflict(cluster, work, "primary", "log/", write=errno.EIO)
        afflict(cluster, work, "primary", "region-", read=errno.EIO)
    work.check()


@pytest.mark.soak
@pytest.mark.parametrize("which", ["primary", "backup"])
@pytest.mark.parametrize("kind", ["write", "sync", "read"])
@pytest.mark.parametrize("where", ["log/", "region-", ""])
@pytest.mark.parametrize("percent", [100, 5])
def test_every_disk_error(make_cluster, which, kind, where, percent):
    cluster = make_cluster(faults={})
    with Workload(cluster, pause=0.005) as work:
        afflict(cluster, work, which, where, percent=percent, **{kind: errno.EIO})
    work.check()


def move_to_small_disk(cluster, name, size):
    """A server's data on a file system of its own."""
    data, aside = os.path.join(cluster.dir, name), os.path.join(cluster.dir, "aside")
    cluster.stop(name)
    os.rename(data, aside)
    os.mkdir(data)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", data], check=True)
    shutil.copytree(aside, data, dirs_exist_ok=True)
    shutil.rmtree(aside)
    cluster.start(name)
    return data


def fill(connection, rows):
    with connection.cursor() as cursor:
        for i in range(rows):
            cursor.execute("INSERT INTO filler SELECT %s, repeat('x', 200000)", (i,))


def test_small_disk(make_cluster, request):
    """A real file system runs full on one of two servers: writes go on without it; when it grows, the
    server is whole again without anybody's help."""
    cluster = make_cluster(servers=2)
    data = move_to_small_disk(cluster, "s2", "96m")
    request.addfinalizer(lambda: subprocess.run(["umount", "-l", data], check=False))
    cluster.query("CREATE TABLE filler (id int PRIMARY KEY, v text)")
    cluster.wait_copies()
    fill(cluster.connect("s1"), 300)  # 60 MB, and as much in the log
    status = "SELECT status FROM minisql_servers WHERE name = 's2'"
    wait_until("it says so", lambda: cluster.value(status, name="s1") == "disk failed")
    assert "No space left" in cluster.log("s2") or "full" in cluster.log("s2")
    resize_mount(data, "1024m")
    cluster.wait_up("s1", "s2", seconds=60)
    cluster.wait_copies(seconds=60)
    cluster.kill("s1")
    assert wait_until("s2 serves", lambda: cluster.value("SELECT count(*) FROM filler", name="s2"),
                      60) == 300


def test_single_server_goes_on(make_cluster):
    """Without another copy, statements fail with a reason while the disk does, and work afterwards."""
    single = make_cluster(servers=1, coord="embedded", faults={})
    single.query("CREATE TABLE t (id int PRIMARY KEY)")
    single.query("INSERT INTO t VALUES (1)")
    single.faults["s1"].disk(write=errno.ENOSPC, where="log/")
    with pytest.raises(psycopg2.Error) as e:
        for i in range(2, 100):
            single.query("INSERT INTO t VALUES (%s)", (i,))
    assert e.value.pgcode == "53100", e.value
    with pytest.raises(psycopg2.Error) as e:
        single.query("INSERT INTO t VALUES (200)")
    assert e.value.pgcode == "53100" and "goes on by itself" in str(e.value)
    single.faults["s1"].disk()
    wait_until("it serves again",
               lambda: single.query("INSERT INTO t VALUES (1000) RETURNING id") == [(1000,)], 60)
    assert single.value("SELECT count(*) FROM t WHERE id = 1") == 1
