"""Power cuts: all servers end at once, and whatever was not synced may be gone from their disks, in part or
as a whole, files' names included."""
import random
import time

import pytest

from conftest import wait_until
from faults import power_cut
from workload import Workload


def cut_and_return(cluster, work, seed):
    work.progress()
    time.sleep(random.uniform(0.2, 2))
    before = work.acknowledged()
    lost = power_cut(cluster, seed)
    print(f"cut after {before} writes; changes lost: {lost}")
    cluster.up(len(cluster.names))
    work.progress(60)


def run(cluster, cuts):
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    random.seed(seed)
    with Workload(cluster, pause=0.002) as work:
        for i in range(cuts):
            cut_and_return(cluster, work, seed + i)
    work.check()


def test_power_cut(make_cluster):
    run(make_cluster(faults={"journal": True}), 2)


@pytest.mark.soak
@pytest.mark.parametrize("turn", range(5))
def test_power_cuts(make_cluster, turn):
    run(make_cluster(faults={"journal": True}, copies=2 + turn % 2), 12)
