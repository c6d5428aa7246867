"""Notifications reach the clients of all servers."""
import select
import time


def received(connection, n, seconds=20):
    """Waits for n notifications, and a little for one too many."""
    deadline = time.monotonic() + seconds
    while len(connection.notifies) < n and time.monotonic() < deadline:
        select.select([connection], [], [], 0.2)
        connection.poll()
    select.select([connection], [], [], 0.3)
    connection.poll()
    found = [(n.channel, n.payload) for n in connection.notifies]
    connection.notifies.clear()
    return found


def test_every_gateway(cluster):
    """A listener hears from its own server and from others, after commit, in the order of the sender."""
    listeners = {name: cluster.connect(name) for name in ("s1", "s2", "s3")}
    for connection in listeners.values():
        connection.cursor().execute("LISTEN news")
    sender = cluster.connect("s2", autocommit=False)
    cursor = sender.cursor()
    cursor.execute("NOTIFY news, 'one'")
    cursor.execute("SELECT pg_notify('news', 'two\n' || chr(252))")
    cursor.execute("NOTIFY unheard, 'x'")
    assert received(listeners["s2"], 0) == []
    sender.commit()
    for connection in listeners.values():
        assert received(connection, 2) == [("news", "one"), ("news", "two\nü")]
    cursor.execute("NOTIFY news, 'undone'")
    sender.rollback()
    for i in range(300):
        cursor.execute("NOTIFY news, %s", (f"{i} " + "x" * 7000,))
    sender.commit()
    for connection in listeners.values():
        assert [payload.split()[0] for _, payload in received(connection, 300)] == [
            str(i) for i in range(300)]


def test_pid_of_another_server(cluster):
    """Programs leave out what they sent themselves, by the pid: no other server's may look like it."""
    first, second = cluster.connect("s1"), cluster.connect("s2")
    first.cursor().execute("LISTEN news")
    second.cursor().execute("NOTIFY news")
    first.cursor().execute("NOTIFY news")
    deadline = time.monotonic() + 20
    while len(first.notifies) < 2 and time.monotonic() < deadline:
        select.select([first], [], [], 0.2)
        first.poll()
    pids = [n.pid for n in first.notifies]
    assert sorted(pids) == sorted((first.get_backend_pid(), second.get_backend_pid()))
    assert pids[0] != pids[1]


def test_a_server_that_is_gone(cluster):
    """Who can't be reached misses it; the others don't, and the sender does not fail."""
    listener = cluster.connect("s1")
    listener.cursor().execute("LISTEN news")
    sender = cluster.connect("s2")
    cluster.kill("s3")
    start = time.monotonic()
    sender.cursor().execute("NOTIFY news, 'still here'")
    assert time.monotonic() - start < 5
    assert received(listener, 1) == [("news", "still here")]
