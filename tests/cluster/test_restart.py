"""Servers that are stopped with SIGTERM and started again, one after the other, while clients work: who
connects again to any server sees no error, and nothing is lost or done twice."""
import os
import signal
import socket
import threading
import time

import psycopg2

from conftest import wait_until


class Client(threading.Thread):
    """Works until told to end. The only thing that it accepts is that its connection is ended between two
    transactions; then it connects again with libpq's list of hosts, and runs the transaction anew. (The
    server says 57P01. PQexec of libpq 15 keeps the last error only: that the connection is closed.)"""

    def __init__(self, cluster, number):
        super().__init__()
        self.hosts = cluster.names[number % 3:] + cluster.names[:number % 3]
        self.cluster, self.number, self.done = cluster, number, 0
        self.moves, self.trouble, self.ending = 0, None, False
        self.connection = self.connect()

    def connect(self):
        connection = psycopg2.connect(
            host=",".join(self.cluster.host_of(name) for name in self.hosts),
            port=",".join(str(self.cluster.port_of(name)) for name in self.hosts),
            dbname="minisql", user="test", connect_timeout=10, target_session_attrs="read-write")
        self.cluster.connections.append(connection)
        return connection

    def run(self):
        try:
            while not self.ending:
                try:
                    self.transaction(self.connection)
                except psycopg2.OperationalError as e:
                    assert self.connection.closed, e
                    assert not self.begun, f"a transaction was torn: {e}"
                    self.connection = self.connect()
                    self.moves += 1
                    continue
                self.done += 1
        except Exception as e:  # whatever it is, the test fails with it
            self.trouble = e

    def end(self):
        self.ending = True
        self.join()


class Inserter(Client):
    """One statement, one row; a row that is there already when it is sent again would be an error."""

    def transaction(self, connection):
        self.begun = False
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO log VALUES (%s, %s)", (self.number, self.done))


class Teller(Client):
    """Transactions of several statements, with time to think in between."""

    def transaction(self, connection):
        self.begun = False
        with connection.cursor() as cursor:
            cursor.execute("SELECT v FROM counters WHERE id = %s", (self.number,))
            self.begun = True
            value = cursor.fetchone()[0]
            assert value == self.done, f"{value} after {self.done} transactions"
            cursor.execute("UPDATE counters SET v = v + 1 WHERE id = %s", (self.number,))
            time.sleep(0.01)
            cursor.execute("INSERT INTO log VALUES (%s, %s)", (self.number, self.done))
            connection.commit()


class Reader(Client):
    """Reads must be current: a counter never goes back."""
    seen = 0

    def transaction(self, connection):
        self.begun = False
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(v) FROM counters")
            value = cursor.fetchone()[0]
        assert value >= self.seen, f"{value} after {self.seen}"
        self.seen = value


def start_clients(cluster):
    # One region for both tables: a transaction may write to both.
    cluster.query("CREATE TABLE counters (id int PRIMARY KEY, v int)")
    cluster.query("CREATE TABLE log (worker int, n int, PRIMARY KEY (worker, n)) "
                  "WITH (colocate_with = 'counters')")
    cluster.query("INSERT INTO counters VALUES " + ",".join(f"({i}, 0)" for i in range(8)))
    cluster.wait_copies()
    clients = [kind(cluster, i) for i, kind in
               enumerate([Inserter, Teller, Reader, Inserter, Teller, Inserter])]
    for client in clients:
        client.start()
    return clients


def is_well(cluster, asked):
    return cluster.shell("status", name=asked, check=False).returncode == 0


def check(cluster, clients):
    for client in clients:
        client.end()
    for client in clients:
        if client.trouble:
            raise client.trouble
        assert client.done > 10
    assert sum(client.moves for client in clients) > 0, "nobody had to connect again"
    for client in clients:
        if isinstance(client, Reader):
            continue
        rows = cluster.query("SELECT count(*), max(n) FROM log WHERE worker = %s", (client.number,))
        assert rows == [(client.done, client.done - 1)]
        if isinstance(client, Teller):
            assert cluster.value("SELECT v FROM counters WHERE id = %s",
                                 (client.number,)) == client.done


def test_rolling_restart_under_load(cluster):
    """Each server: SIGTERM, gone, started, and the cluster well again before the next one."""
    clients = start_clients(cluster)
    for name in cluster.names:
        cluster.stop(name)
        time.sleep(0.3)
        cluster.start(name)
        wait_until("well", lambda: is_well(cluster, name), 60)
    check(cluster, clients)


def test_idle_transaction_does_not_hold_up_a_stop(cluster):
    """A client that thinks inside a transaction is waited for, for a while; then it is told, too. One
    that is between transactions is told at once, and one that comes is sent elsewhere."""
    cluster.query("CREATE TABLE t (id int PRIMARY KEY)")
    cluster.wait_copies()
    thinking = cluster.connect("s1", autocommit=False)
    idle = cluster.connect("s1")
    cursor = thinking.cursor()
    cursor.execute("INSERT INTO t VALUES (1)")
    os.kill(cluster.pid("s1"), signal.SIGTERM)
    wait_until("the idle one is told", lambda: told(idle))
    cursor.execute("SELECT count(*) FROM t")  # goes on where it is
    assert cursor.fetchone()[0] == 1
    thinking.commit()
    assert cluster.value("SELECT count(*) FROM t", name="s2") == 1
    wait_until("gone", lambda: not os.path.exists(f"/proc/{cluster.pid('s1')}"))


def told(connection):
    """Is it 57P01 that waits to be read from it?"""
    with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        try:
            return b"FATAL\0C57P01\0" in sock.recv(1000, socket.MSG_PEEK)
        except BlockingIOError:
            return False


def test_all_stop_at_once(make_cluster):
    """Nobody hands its regions to a server that stops, too: they would go back and forth until time is up."""
    cluster = make_cluster(servers=3)
    tables = [f"t{i}" for i in range(12)]
    for table in tables:
        cluster.query(f"CREATE TABLE {table} (id int PRIMARY KEY)")
        cluster.query(f"INSERT INTO {table} VALUES (1)")
    cluster.wait_copies()

    def served():
        return sum(cluster.log(name).count("primary, serving") for name in cluster.names)
    before = served()
    cluster.playground("down")
    assert served() - before <= 2 * len(tables)
    cluster.playground("up")
    cluster.wait_up(*cluster.names)
    assert {cluster.value(f"SELECT count(*) FROM {table}") for table in tables} == {1}
