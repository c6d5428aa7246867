"""Whole copies: how a server gets a region's file when the log alone does not do."""
import base64
import glob
import io
import os
import random
import re
import signal
import subprocess
import time

import pytest

from conftest import wait_until

ROWS = 5000
SUMS = "SELECT count(*), sum(id), sum(length(v)), min(v), max(v) FROM t"


def fill(cluster, rows=ROWS, first=0):
    """Rows of 1,900 bytes that hardly compress: two in a page."""
    chance = random.Random(first)
    text = "".join(f"{i}\t{base64.b64encode(chance.randbytes(1425)).decode()}\n"
                   for i in range(first + 1, first + rows + 1))
    with cluster.connect(cluster.primary("t")).cursor() as cursor:
        cursor.copy_expert("COPY t FROM STDIN", io.StringIO(text))


def make_table(cluster, rows=ROWS):
    cluster.query("CREATE TABLE t (id int PRIMARY KEY, v text)")
    cluster.wait_copies(len(cluster.names))
    fill(cluster, rows)
    return cluster.primary("t"), cluster.backups("t")


def region_file(cluster, name):
    return glob.glob(os.path.join(cluster.dir, name, "region-*.db"))[0]


def kill_all(cluster, *names):
    """At once, so that nobody has the time to take anybody out of the config."""
    for pid in [cluster.pid(name) for name in names]:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.3)


def damage(cluster, name, *places):
    """Each place (offset, bytes) of the file; no places: all of it. Its WAL, which holds pages, too, is gone."""
    file = region_file(cluster, name)
    with open(file, "r+b") as f:
        for offset, length in places or [(0, os.path.getsize(file))]:
            f.seek(offset)
            f.write(b"garbage!" * (length // 8))
    if os.path.exists(file + "-wal"):
        os.unlink(file + "-wal")
    return file


def installed(cluster, name):
    """[pages, bytes received] of each snapshot that the server installed."""
    return [(int(pages), int(received)) for pages, received in
            re.findall(r"snapshot installed, lsn=\d+, (\d+) pages, (\d+) bytes received", cluster.log(name))]


def wait_whole(cluster, name, copies):
    cluster.wait_up(name)
    cluster.wait_copies(copies)
    assert cluster.value("SELECT count(*) FROM minisql_learners") == 0
    return cluster.query(SUMS)


def leftovers(cluster, name):
    return [os.path.basename(f) for f in glob.glob(os.path.join(cluster.dir, name, "region-*"))
            if not re.search(r"region-\d+\.db(-wal)?$", f)]


def test_ships_only_what_differs(make_cluster):
    """A file of which two places are damaged is kept aside, made whole by a few pages from the other copy, and
    removed when the new one is complete."""
    cluster = make_cluster(servers=2)
    primary, (backup,) = make_table(cluster)
    before = cluster.query(SUMS)
    for name in (primary, backup):  # what is in the files is all there is
        cluster.stop(name)
    for name in (primary, backup):
        cluster.playground("start", name, "--no-wait")
    cluster.wait_up(primary, backup)
    cluster.wait_copies()
    primary, backup = cluster.primary("t"), cluster.backups("t")[0]
    kill_all(cluster, primary, backup)
    file = damage(cluster, backup, (0, 2200), (3 * 1024 * 1024, 2200))
    cluster.playground("start", backup, "--no-wait")
    wait_until("it is kept aside", lambda: os.path.exists(file + ".damaged"))
    cluster.playground("start", primary, "--no-wait")
    wait_until("it is whole", lambda: installed(cluster, backup))
    assert wait_whole(cluster, backup, 2) == before
    (pages, received), = installed(cluster, backup)
    assert pages * 4096 > 9_000_000
    assert received < 100_000, f"{received} bytes for three pages"
    wait_until("nothing is left over", lambda: not leftovers(cluster, backup), 10)


def progress(cluster, name, server):
    """(state, share done, bytes received, message) of the learner there, asked of another server."""
    for state, done, total, received, message in cluster.query(
            "SELECT state, done_bytes, total_bytes, received_bytes, message FROM minisql_learners "
            "WHERE server = %s", (server,), name=name):
        return state, (done or 0) / (total or 1), received, message
    return None, 0, 0, ""


def wait_for_part(cluster, name, server, part):
    def so_far():
        state, share, received, _ = progress(cluster, name, server)
        return (state == "snapshot" and share >= part) and received
    return wait_until(f"{server} has {part:.0%} of a snapshot", so_far, 60, step=0.05)


@pytest.mark.parametrize("victim", ["learner", "primary"])
def test_goes_on_where_it_was_cut(make_cluster, victim):
    """A learner that is killed in the middle of a snapshot, or whose primary is (another one takes over), goes on
    from what it has. The progress can be seen from any server meanwhile."""
    cluster = make_cluster(servers=3, copies=3, args="--snapshot-rate 1")
    primary, backups = make_table(cluster)
    before = cluster.query(SUMS)
    learner = next(name for name in backups if name != cluster.master())  # a new one takes seconds
    cluster.kill(learner)
    damage(cluster, learner)
    cluster.playground("start", learner, "--no-wait")
    gateway = [n for n in cluster.names if n not in (learner, cluster.primary("t"))][0]
    first = wait_for_part(cluster, gateway, learner, 0.5)
    shown = cluster.shell("regions", name=gateway).stdout
    assert re.search(rf"{learner}: snapshot \d+% of \d+ MB, \d+ MB/s, \d+ s left", shown), shown
    if victim == "learner":
        cluster.kill(learner)
        cluster.playground("start", learner, "--no-wait")
    else:
        cluster.kill(cluster.primary("t"))
    wait_until("the snapshot is complete", lambda: installed(cluster, learner), 90)
    (pages, received), = installed(cluster, learner)
    assert received < 0.6 * pages * 4096, f"{first} bytes first, {received} of {pages} pages then"
    if victim == "primary":
        cluster.start([n for n in cluster.names if n not in (learner, gateway)][0])
    assert wait_whole(cluster, learner, 3) == before


@pytest.fixture
def small_disk():
    """mount(directory, megabytes): a file system of its own there."""
    mounted = []

    def mount(directory, megabytes):
        os.makedirs(directory, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", directory], check=True)
        mounted.append(directory)

    yield mount
    for directory in mounted:
        subprocess.run(["umount", "-l", directory], check=True)


def test_no_room_for_the_copy(make_cluster, small_disk):
    """A server without room for a copy says so, leaves what room there is to its log, and goes on when there is
    more."""
    cluster = make_cluster(servers=2)
    primary, (backup,) = make_table(cluster)
    cluster.kill(backup)
    damage(cluster, backup)
    home = os.path.join(cluster.dir, backup)
    os.rename(home, home + ".large")
    small_disk(home, 80)
    subprocess.run(["cp", "-a", home + ".large/.", home], check=True)
    room = os.statvfs(home)
    with open(os.path.join(home, "hog"), "wb") as f:
        f.write(b"x" * (room.f_bavail * room.f_frsize - (6 << 20)))
    cluster.playground("start", backup, "--no-wait")
    wait_until("it says that there is no room",
               lambda: "no room for the copy" in progress(cluster, primary, backup)[3])
    assert cluster.query("SELECT count(*) FROM t") == [(ROWS,)]
    shown = cluster.shell("regions", name=primary).stdout
    assert f"{backup}: no room for the copy" in shown, shown
    os.unlink(os.path.join(home, "hog"))
    wait_until("it is whole", lambda: installed(cluster, backup))
    wait_whole(cluster, backup, 2)
