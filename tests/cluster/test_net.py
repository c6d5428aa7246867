"""The switch between the namespaces (net.py) does what it is told: else the tests that rely on it say
nothing."""
import itertools
import socket
import time

import pytest

from conftest import wait_until
from net import Net


@pytest.fixture
def net():
    net = Net(["client", "a"])
    yield net
    net.close()


class Echo:
    """Datagrams from the client's namespace to itself and to "a", counted where they arrive."""

    def __init__(self, net):
        self.here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.here.bind((net.place("client")["host"], 0))
        net.enter("a")
        self.there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.there.bind((net.place("a")["host"], 0))
        net.enter("client")

    def send(self, sender, receiver, n=1, patience=0.3):
        """How many of n arrive."""
        for _ in range(n):
            sender.sendto(b"x", receiver.getsockname())
        receiver.settimeout(patience)
        arrived = 0
        try:
            while arrived < n:
                receiver.recv(10)
                arrived += 1
        except socket.timeout:
            pass
        return arrived


def test_partitions(net):
    """One way, both ways, healed."""
    echo = Echo(net)
    assert echo.send(echo.here, echo.there, patience=10) == 1
    net.one_way("client", "a")
    assert echo.send(echo.here, echo.there) == 0
    assert echo.send(echo.there, echo.here, patience=10) == 1
    net.isolate("a")
    assert echo.send(echo.there, echo.here) == 0
    net.heal()
    assert echo.send(echo.here, echo.there, patience=10) == 1


def test_loss_and_delay(net):
    """A share of the packets vanishes; the others take their time, in one direction or both."""
    echo = Echo(net)
    net.loss(0.2)
    assert 100 < echo.send(echo.here, echo.there, n=200) < 200
    net.heal()
    net.delay(200, "client", "a")
    start = time.monotonic()
    assert echo.send(echo.here, echo.there, patience=10) == 1
    assert time.monotonic() - start >= 0.2


def test_flapping(net):
    """Now and then something gets through; afterwards everything."""
    echo = Echo(net)
    with net.flapping("client", "a", up=0.2, down=0.2):
        for passes in (True, False, True):
            wait_until("the contact is loose",
                       lambda: bool(echo.send(echo.here, echo.there, patience=0.05)) == passes,
                       step=0.0)
    assert echo.send(echo.here, echo.there, patience=10) == 1


def test_cluster_in_namespaces(make_net_cluster):
    """Servers, store and client find each other, and one that is cut off is missed."""
    cluster = make_net_cluster()
    cluster.query("CREATE TABLE t (id int PRIMARY KEY)")
    cluster.wait_copies()
    victim = cluster.primary("t")
    cluster.net.isolate(victim)
    other = cluster.others(victim)[0]
    cluster.query("INSERT INTO t VALUES (1)", name=other)
    cluster.wait_copies(without=[victim])
    cluster.net.heal()
    cluster.wait_up(*cluster.names)
    assert cluster.value("SELECT count(*) FROM t", name=victim) == 1


def test_master_is_not_held_up_by_who_is_cut_off_from_it(make_net_cluster):
    """What the master can't ask one primary (the link between the two is gone, and only that one), it
    asks the others all the same: their lost copies are made elsewhere."""
    cluster = make_net_cluster(servers=4, copies=3)
    for i in range(8):
        cluster.query(f"CREATE TABLE t{i} (id int PRIMARY KEY)")
    cluster.wait_copies(3)
    master = cluster.master()
    place = cluster.placement()

    def primaries(lost):  # of the tables that will lack a copy
        return {where[0] for where in place.values() if lost in where[1:]}
    mute, lost, other = next(servers for servers in itertools.permutations(cluster.others(master))
                             if {servers[0], servers[2]} <= primaries(servers[1]))
    cluster.net.partition(master, mute)
    cluster.kill(lost)
    cluster.names.remove(lost)

    def repaired():
        return all(len(where) == 3 and lost not in where
                   for where in cluster.placement().values() if where[0] == other)
    wait_until("copies elsewhere", repaired, 30)
