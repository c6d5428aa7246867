"""Sequences: a value is given once, whatever dies; what a client sets, every server knows."""
import threading

import psycopg2

from conftest import wait_until

CLIENTS = 6


class Drawing(threading.Thread):
    """Inserts rows with serial ids, and draws from a sequence of its own accord, until told to stop;
    keeps all that it was given."""

    def __init__(self, cluster, number):
        super().__init__(daemon=True)
        self.cluster, self.turn = cluster, number
        self.stopping = threading.Event()
        self.ids, self.values, self.wrong = [], [], []

    def draw(self, cursor):
        cursor.execute("INSERT INTO entry (code) VALUES (nextval('code')) RETURNING id, code")
        identifier, code = cursor.fetchone()
        self.ids.append(identifier)
        self.values.append(code)
        cursor.execute("SELECT currval('entry_id_seq'), lastval()")
        current, last = cursor.fetchone()
        if current != identifier or last not in (identifier, code):
            self.wrong.append((identifier, code, current, last))
        cursor.execute("SELECT nextval('code')")
        self.values.append(cursor.fetchone()[0])

    def run(self):
        connection = None
        while not self.stopping.is_set():
            try:
                if connection is None:
                    name = self.cluster.names[self.turn % len(self.cluster.names)]
                    connection = self.cluster.open(name, user="work")
                    connection.autocommit = True
                with connection.cursor() as cursor:
                    self.draw(cursor)
            except psycopg2.Error:
                self.turn += 1
                if connection is not None:
                    connection.close()
                connection = None
                self.stopping.wait(0.05)
        if connection is not None:
            connection.close()


def test_nothing_twice_over_kills(cluster):
    """kill -9 of the primary under concurrent INSERTs: no id and no value of a sequence comes twice,
    and every acknowledged id is there."""
    cluster.query("CREATE SEQUENCE code")
    cluster.query("CREATE TABLE entry (id bigserial, code bigint)")  # no constraint to hide behind
    cluster.wait_copies()
    clients = [Drawing(cluster, n) for n in range(CLIENTS)]
    for client in clients:
        client.start()

    def drawn():
        return sum(len(c.values) for c in clients)

    for _ in range(3):
        before = drawn()
        wait_until("values before the kill", lambda: drawn() > before + 200)
        victim = cluster.primary("entry")
        cluster.kill(victim)
        before = drawn()
        wait_until("values after it", lambda: drawn() > before + 100)
        cluster.start(victim)
        cluster.wait_up(victim)
        cluster.wait_copies()
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(60)
    assert [c.wrong for c in clients if c.wrong] == []
    values = [v for c in clients for v in c.values]
    assert len(values) == len(set(values)), "a value of a sequence came twice"
    ids = [i for c in clients for i in c.ids]
    assert len(ids) == len(set(ids)), "an id came twice"
    stored = [row[0] for row in cluster.query("SELECT id FROM entry")]
    assert len(stored) == len(set(stored)), "an id is stored twice"
    assert set(ids) <= set(stored)


def test_setval_is_seen_everywhere(cluster):
    """After setval() returns, no server hands out a value of before, though it had some left."""
    cluster.query("CREATE SEQUENCE s")
    cluster.query("CREATE TABLE t (id int DEFAULT nextval('s'), x int)")
    for name in cluster.names:
        cluster.value("SELECT nextval('s')", name=name)
    for turn, setter in enumerate(cluster.names, 1):
        cluster.value("SELECT setval('s', %s)", (turn * 10000,), name=setter)
        seen = [cluster.value("SELECT nextval('s')", name=name) for name in cluster.names]
        seen += [cluster.value("INSERT INTO t (x) VALUES (1) RETURNING id", name=name)
                 for name in cluster.names]
        assert min(seen) > turn * 10000 and len(set(seen)) == 6, seen
    cluster.query("ALTER SEQUENCE s RESTART WITH 1000000")
    assert min(cluster.value("SELECT nextval('s')", name=n) for n in cluster.names) >= 1000000


def test_values_outlive_an_outage_of_the_store(cluster):
    """INSERTs go on while the coordination store is down: the primary has values in stock."""
    cluster.query("CREATE TABLE t (id serial, x int)")
    for i in range(20):  # more than half of the first block: the next one is fetched
        cluster.query("INSERT INTO t (x) VALUES (%s)", (i,))
    primary = cluster.primary("t")
    cluster.pause("etcd1")
    try:
        for i in range(20):
            cluster.query("INSERT INTO t (x) VALUES (%s)", (i,), name=primary)
    finally:
        cluster.resume("etcd1")
    assert cluster.value("SELECT count(DISTINCT id) FROM t") == 40


def test_a_clean_stop_gives_values_back(single):
    """One server, restarted: the ids go on without a gap."""
    single.query("CREATE TABLE t (id serial, x int)")
    single.query("INSERT INTO t (x) VALUES (1), (2)")
    single.stop("s1")
    single.start("s1")
    single.wait_up("s1")
    assert single.value("INSERT INTO t (x) VALUES (3) RETURNING id") == 3
