"""Wall clocks that jump: nobody notices. Everything that waits goes by the clock that only counts."""
import random
import threading
import time

import psycopg2.errors
import pytest

from workload import Workload

HOUR = 3600


def test_clock_steps(make_cluster):
    """Hours and years, forwards and back, each server by itself: no error, nothing slow."""
    cluster = make_cluster(faults={})
    with Workload(cluster, pause=0.005) as work:
        for i, step in enumerate([HOUR, -HOUR, 10 * 365 * 24 * HOUR, -20 * 365 * 24 * HOUR, 5, 0]):
            cluster.faults[cluster.names[i % 3]].step_clock(step)
            cluster.faults[random.choice(cluster.names)].step_clock(-step)
            work.progress()
        assert not work.errors(), work.errors()[:3]
    work.check()


def test_cancel_after_a_step(make_cluster):
    """A statement that waits for a lock is cancelled at once, though the clock was put back meanwhile."""
    cluster = make_cluster(servers=1, coord="embedded", faults={})
    cluster.query("CREATE TABLE t (id int PRIMARY KEY, v int)")
    cluster.query("INSERT INTO t VALUES (1, 0)")
    holder = cluster.connect("s1", autocommit=False)
    holder.cursor().execute("UPDATE t SET v = 1 WHERE id = 1")
    cluster.faults["s1"].step_clock(HOUR)  # what the kernel calls now is an hour back from here on
    waiter = cluster.connect("s1")
    timer = threading.Timer(1, waiter.cancel)
    timer.start()
    with pytest.raises(psycopg2.errors.QueryCanceled):
        waiter.cursor().execute("UPDATE t SET v = 2 WHERE id = 1")
    holder.rollback()
