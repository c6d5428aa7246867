"""Processes that end, or stand still for a while, under load: every role, the coordination store, all of
them. MINISQL_SOAK=1 tries each role with each length."""
import os
import random
import signal
import time

import pytest

from conftest import wait_until
from workload import Workload


def who(cluster, role):
    """The process that plays a role now."""
    primary = cluster.primary("entry")
    return {"primary": lambda: primary,
            "backup": lambda: cluster.backups("entry")[0],
            "other": lambda: next(n for n in cluster.names
                                  if n not in (primary, *cluster.backups("entry"))),
            "master": lambda: cluster.master() or cluster.names[0],
            "gateway": lambda: random.choice(cluster.names),
            "store": lambda: random.choice(cluster.members)}[role]()


def settle(cluster, work, what, began):
    took = work.progress()
    print(f"{began:6.1f} s: {what}; all get on {took:.2f} s after")
    cluster.wait_up(*cluster.names)
    cluster.wait_copies()


def pause(cluster, work, role, seconds):
    """SIGSTOP for a while. A server that slept longer than its lease has been replaced when it wakes, and
    must not answer from what it remembers."""
    began, victim = time.monotonic() - work.start, wait_until("a victim", lambda: who(cluster, role))
    before = work.acknowledged()
    cluster.pause(victim)
    time.sleep(seconds)
    cluster.resume(victim)
    settle(cluster, work, f"{role} {victim} paused for {seconds} s, {work.acknowledged() - before} "
           "writes meanwhile", began)


def kill(cluster, work, role, seconds):
    began, victim = time.monotonic() - work.start, wait_until("a victim", lambda: who(cluster, role))
    before = work.acknowledged()
    cluster.kill(victim)
    time.sleep(seconds)
    written = work.acknowledged() - before
    cluster.start(victim)
    settle(cluster, work, f"{role} {victim} killed, {written} writes in {seconds} s", began)
    assert written > 0 or seconds < 2


def kill_all(cluster, work, names, seconds):
    began = time.monotonic() - work.start
    for pid in [cluster.pid(name) for name in names]:
        os.kill(pid, signal.SIGKILL)
    time.sleep(seconds)
    cluster.up(len(cluster.names))
    settle(cluster, work, f"{names} killed", began)


def test_pauses(cluster):
    """Longer than all patience, and shorter than a lease."""
    with Workload(cluster, pause=0.005) as work:
        for role, seconds in [("primary", 3), ("backup", 0.5)]:
            pause(cluster, work, role, seconds)
    work.check()


def test_store_and_servers_killed(make_cluster):
    """One member of three, all of etcd, then everything there is."""
    cluster = make_cluster(coord_members=3)
    with Workload(cluster, pause=0.005) as work:
        kill(cluster, work, "store", 2)
        kill_all(cluster, work, cluster.members, 2)
        kill_all(cluster, work, cluster.names + cluster.members, 0.5)
    work.check()


@pytest.mark.soak
@pytest.mark.parametrize("coord", ["etcd", "zookeeper"])
@pytest.mark.parametrize("role", ["primary", "backup", "other", "master", "gateway", "store"])
def test_every_pause(make_cluster, role, coord):
    cluster = make_cluster(coord=coord, coord_members=3)
    with Workload(cluster, pause=0.005) as work:
        for seconds in (0.5, 0.8, 1.0, 1.1, 1.2, 1.3, 1.5, 2, 3, 5, 10):
            pause(cluster, work, role, seconds)
    work.check()


@pytest.mark.soak
@pytest.mark.parametrize("coord", ["etcd", "zookeeper"])
@pytest.mark.parametrize("role", ["primary", "backup", "other", "master", "gateway", "store"])
def test_every_kill(make_cluster, role, coord):
    cluster = make_cluster(coord=coord, coord_members=3)
    with Workload(cluster, pause=0.005) as work:
        for seconds in (0.1, 0.5, 1, 2, 3, 8):
            kill(cluster, work, role, seconds)
    work.check()


@pytest.mark.soak
@pytest.mark.parametrize("coord", ["etcd", "zookeeper"])
@pytest.mark.parametrize("turn", range(3))
def test_everything_stops_and_starts(make_cluster, turn, coord):
    """Pauses and kills of several at once, in any combination."""
    cluster = make_cluster(coord=coord, coord_members=3, copies=2 + turn % 2)
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    dice = random.Random(seed)
    with Workload(cluster, pause=0.005) as work:
        for _ in range(12):
            everybody = cluster.names + cluster.members
            paused = dice.sample(everybody, dice.randint(0, 3))
            dead = dice.sample([n for n in everybody if n not in paused], dice.randint(1, 3))
            began = time.monotonic() - work.start
            for name in paused:
                cluster.pause(name)
            for name in dead:
                cluster.kill(name)
            time.sleep(dice.uniform(0, 4))
            for name in paused:
                cluster.resume(name)
            cluster.up(len(cluster.names))
            settle(cluster, work, f"paused {paused}, killed {dead}", began)
    work.check()
