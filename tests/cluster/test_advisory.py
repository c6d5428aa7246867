"""Advisory locks of the whole cluster, and looking at the sessions of other servers."""
import threading
import time

import psycopg2
import pytest

from conftest import wait_until


def ask(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def in_thread(connection, sql):
    """Runs it; the result, or the SQLSTATE of its error, comes into the list."""
    found = []

    def run():
        try:
            found.append(ask(connection, sql))
        except psycopg2.Error as e:
            found.append(e.pgcode or "lost")
    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


def check_a_lock(cluster):
    """Sessions of every server compete for one lock; what a session waits for is seen from all."""
    one, two, three = (cluster.connect(name, application_name=name) for name in ("s1", "s2", "s3"))
    ask(one, "SELECT pg_advisory_lock(1)")
    assert not ask(two, "SELECT pg_try_advisory_lock(1)")
    assert not ask(three, "SELECT pg_try_advisory_lock_shared(1)")
    thread, found = in_thread(two, "SELECT pg_advisory_lock(1)")
    wait_until("the wait shows", lambda: ask(
        three, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 's2' AND wait_event = 'advisory' "
        "AND state = 'active' AND query LIKE 'SELECT pg_advisory_lock%'") == 1)
    wait_until("the master has it", lambda: ask(
        three, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1)
    assert ask(three, "SELECT pid FROM pg_locks WHERE granted") == one.get_backend_pid()
    assert ask(one, "SELECT pg_advisory_unlock(1)")
    thread.join()
    assert found == [""]
    assert not ask(one, "SELECT pg_try_advisory_lock(1)")
    two.close()
    wait_until("it goes with its session", lambda: ask(one, "SELECT pg_try_advisory_lock(1)"))
    wait_until("nobody sees it any more", lambda: ask(
        three, "SELECT string_agg(application_name, ' ' ORDER BY application_name) FROM pg_stat_activity") == "s1 s3")


def check_circles(cluster):
    """Two who wait for each other: one is told. A transaction that writes waits only so long."""
    one, two = cluster.connect("s1"), cluster.connect("s2")
    ask(one, "SELECT pg_advisory_lock(11)")
    ask(two, "SELECT pg_advisory_lock(12)")
    thread, found = in_thread(one, "SELECT pg_advisory_lock(12)")
    wait_until("the first waits", lambda: ask(two, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 1)
    with pytest.raises(psycopg2.errors.DeadlockDetected):
        ask(two, "SELECT pg_advisory_lock(11)")
    ask(two, "SELECT pg_advisory_unlock_all()")
    thread.join()
    assert found == [""]
    ask(two, "SELECT set_config('lock_timeout', '200ms', false)")
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        ask(two, "SELECT pg_advisory_lock(11)")


def check_signals(cluster):
    """pg_cancel_backend and pg_terminate_backend, by a pid of another server."""
    one, two = cluster.connect("s1"), cluster.connect("s2")
    thread, found = in_thread(two, "SELECT pg_sleep(60)")
    pid = two.get_backend_pid()
    wait_until("it runs", lambda: ask(
        one, f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'PgSleep'") == 1)
    assert ask(one, f"SELECT pg_cancel_backend({pid})")
    thread.join()
    assert found == ["57014"]
    thread, found = in_thread(two, "SELECT pg_sleep(60)")
    time.sleep(0.3)
    assert ask(one, f"SELECT pg_terminate_backend({pid})")
    thread.join()
    assert found[0] in ("57P01", "lost")
    assert not ask(one, f"SELECT pg_terminate_backend({pid})")


def test_several_servers(cluster):
    """One cluster for all these: a new master lets nobody have a lock for some seconds."""
    check_a_lock(cluster)
    check_circles(cluster)
    check_signals(cluster)


def test_the_holders_server_is_killed(cluster):
    """Its locks go with it; who holds others elsewhere keeps them."""
    master = cluster.master()
    dead, alive = cluster.others(master)[:2]
    holder, waiter, keeper = cluster.connect(dead), cluster.connect(alive), cluster.connect(master)
    ask(holder, "SELECT pg_advisory_lock(5)")
    ask(keeper, "SELECT pg_advisory_lock(6)")
    thread, found = in_thread(waiter, "SELECT pg_advisory_lock(5)")
    time.sleep(0.3)
    assert not found
    cluster.kill(dead)
    thread.join(30)
    assert found == [""]
    assert not ask(waiter, "SELECT pg_try_advisory_lock(6)")


def test_the_master_is_killed(cluster):
    """Its locks are lost: sessions that held some are over before anybody else gets them."""
    master = cluster.master()
    first, second = cluster.others(master)[:2]
    holder, idle, other = cluster.connect(first), cluster.connect(first), cluster.connect(second)
    ask(holder, "SELECT pg_advisory_lock(5)")
    cluster.kill(master)
    thread, found = in_thread(other, "SELECT pg_advisory_lock(5)")
    while thread.is_alive():
        thread.join(0.05)
        alive = True
        try:
            ask(holder, "SELECT 1")
        except psycopg2.Error:
            alive = False
        assert not (alive and found == [""]), "two sessions hold one lock"
    assert found == [""]
    assert ask(idle, "SELECT 1") == 1


def test_locks_of_rows_that_are_written(cluster):
    """A write that runs at another server can't take the client's locks: it says so, and takes none there."""
    connection = cluster.connect("s1")
    cursor = connection.cursor()
    states = set()
    for i in range(3):
        cursor.execute(f"CREATE TABLE job{i} (id int PRIMARY KEY, taken bool)")
        cursor.execute(f"INSERT INTO job{i} VALUES ({i}, false)")
        cursor.execute("SELECT primary_server FROM minisql_tables WHERE name = %s", (f"job{i}",))
        here = cursor.fetchone()[0] == "s1"
        try:
            cursor.execute(f"UPDATE job{i} SET taken = pg_try_advisory_lock(id) RETURNING taken")
            states.add(here and cursor.fetchone()[0])
        except psycopg2.Error as e:
            states.add(not here and e.pgcode)
        assert ask(connection, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == here
        cursor.execute("SELECT pg_advisory_unlock_all()")
    assert states == {True, "0A000"}
