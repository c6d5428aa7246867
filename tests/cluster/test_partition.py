"""Partitions, loss and delay between client, servers and coordination store, under load.

The ends of a fault are named by what they do when it begins: "primary" and "backup" of the table that is
written to, "other" (a server with no copy of it), "master", "store", "client". Each clean fault lasts longer
than leases and grace periods; a flapping one changes faster than they run out.

With MINISQL_SOAK=1 every pair is tried; else a selection.
"""
import random
import time

import pytest

from workload import Workload

ENDS = ["client", "primary", "backup", "other", "store"]
PAIRS = [(a, b) for i, a in enumerate(ENDS) for b in ENDS[i + 1:]]
FAULT_S = 3

EVERYTHING = ([("isolate", end) for end in ("primary", "backup", "other", "store", "master")] +
              [("partition", a, b) for a, b in PAIRS] +
              [("one_way", a, b) for a, b in PAIRS] + [("one_way", b, a) for a, b in PAIRS] +
              [("flapping", a, b) for a, b in PAIRS])
SELECTION = {"etcd": [("isolate", "primary"), ("one_way", "backup", "primary"),
                      ("flapping", "primary", "backup"), ("partition", "primary", "store")],
             "zookeeper": [("isolate", "primary"), ("isolate", "store")]}


def who(cluster, role):
    """The ends that play a role now."""
    primary, backup = cluster.primary("entry"), cluster.backups("entry")[0]
    return {"client": "client", "primary": primary, "backup": backup,
            "other": [n for n in cluster.names if n not in (primary, backup)],
            "master": cluster.master(), "store": cluster.members}[role]


def afflict(cluster, work, fault):
    """One fault, until everybody gets on again."""
    kind, ends = fault[0], [who(cluster, role) for role in fault[1:]]
    began = time.monotonic() - work.start
    before = work.acknowledged()
    if kind == "flapping":
        with cluster.net.flapping(*ends, up=0.4, down=0.7):
            time.sleep(FAULT_S)
    else:
        getattr(cluster.net, kind)(*ends)
        time.sleep(FAULT_S)
        cluster.net.heal()
    written = work.acknowledged() - before
    took = work.progress()
    print(f"{began:6.1f} s: {fault} {ends}: {written} writes meanwhile, all get on {took:.2f} s after")
    cluster.wait_up(*cluster.names)
    cluster.wait_copies()
    return written


def run(cluster, faults):
    with Workload(cluster, pause=0.005) as work:
        for fault in faults:
            written = afflict(cluster, work, fault)
            if "client" not in fault:  # somebody can always go on, whatever one cable does
                assert written > 0, fault
    work.check()


@pytest.mark.parametrize("coord", ["etcd", "zookeeper"])
def test_partitions(make_net_cluster, coord):
    run(make_net_cluster(coord=coord), SELECTION[coord])


@pytest.mark.soak
@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("coord,members", [("etcd", 1), ("etcd", 3), ("zookeeper", 1),
                                           ("zookeeper", 3)])
def test_every_partition(make_net_cluster, coord, members, part):
    faults = EVERYTHING[part::5]
    random.shuffle(faults)
    run(make_net_cluster(coord=coord, coord_members=members), faults)


@pytest.mark.parametrize("how", ["loss", "delay"])
def test_bad_network(make_net_cluster, how):
    """20% of all packets lost, or each 200 ms late: slow, and right."""
    cluster = make_net_cluster()
    with Workload(cluster, pause=0.005) as work:
        getattr(cluster.net, how)({"loss": 0.2, "delay": 200}[how])
        before = work.acknowledged()
        time.sleep(5)
        written = work.acknowledged() - before
        print(f"{written} writes in 5 s")
        cluster.net.heal()
        work.progress()
    assert written > 0
    work.check()
