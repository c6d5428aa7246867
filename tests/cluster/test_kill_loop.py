"""SIGKILL of every role under concurrent clients, twenty times and more with MINISQL_SOAK=1: every acknowledged row is there exactly once,
on each copy (see workload.py)."""
import os
import random
import time

from conftest import wait_until
from workload import Workload

KILLS = 22 if os.environ.get("MINISQL_SOAK") else 7


def choose(cluster, work, turn):
    """In turn the primary, a backup, the master, somebody's gateway, anyone."""
    roles = [("primary", lambda: cluster.primary("entry")),
             ("backup", lambda: (cluster.backups("counter") or cluster.names)[0]),
             ("master", lambda: cluster.master() or cluster.names[0]),
             ("gateway", lambda: random.choice(work.clients).server or cluster.names[0]),
             ("random", lambda: random.choice(cluster.names))]
    role, find = roles[turn % len(roles)]
    return role, wait_until("a victim", find)


def kill(cluster, work, turn):
    role, victim = choose(cluster, work, turn)
    print(f"kill {turn + 1}: {victim} ({role}), {work.acknowledged()} acknowledged")
    cluster.kill(victim)
    time.sleep(random.uniform(0, 1.5))
    if turn % 3 == 2:  # the repair is finished without it
        cluster.wait_copies(without=[victim])
    cluster.start(victim)
    cluster.wait_up(*cluster.names)
    cluster.wait_copies()
    work.progress()


def test_kill_loop(cluster):
    """After all kills every acknowledged write is there once, on each copy."""
    seed = random.randrange(1 << 30)
    random.seed(seed)
    print(f"seed {seed}")
    with Workload(cluster, inserters=4, pause=0.005) as work:
        for turn in range(KILLS):
            kill(cluster, work, turn)
    assert all(len(w.acknowledged) > 50 for w in work.writers), "every writer got on"
    work.check()
