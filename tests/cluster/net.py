"""Clusters whose servers, coordination store and client are in network namespaces of their own, joined
by a switch (netswitch.c) that drops, loses and delays packets on command.

    def test_something(make_net_cluster):
        cluster = make_net_cluster(servers=3, coord_members=1)      # else as make_cluster
        net = cluster.net
        net.partition("s1", "s2")                  # both ways, until healed
        net.partition(["s1"], ["s2", "etcd1"])     # each of these from each of those
        net.isolate("s1")                          # from everybody
        net.one_way("s1", "s2")                    # what s1 sends does not reach s2
        net.loss(0.2)                              # everywhere; or loss(0.2, "s1", "s2"): this pair
        net.delay(200)                             # milliseconds each way, everywhere or one pair
        with net.flapping("s1", "s2", up=0.5, down=0.5): ...
        net.heal()                                 # all of it; or heal("s1", "s2")

The ends are called s1, s2, .., etcd1, .. and "client": while the cluster lives, the test's own thread is
in the client's namespace, and so are threads and programs that it starts from then on; connections are
made as usual (cluster.connect, cluster.host_of, cluster.port_of). The two directions of a pair are
separate everywhere; a packet that waits for its delay when a rule changes still arrives.

cluster.connect and cluster.query notice within about 5 s that the other end is out of reach.
"""
import contextlib
import ctypes
import fcntl
import itertools
import os
import subprocess
import threading

import conftest

CLONE_NEWNET = 0x40000000
NETWORK = "10.77.0."


def compiled(name, *flags):
    """The program or library NAME.c of this folder, compiled into the build under test if need be."""
    source = os.path.join(os.path.dirname(os.path.realpath(__file__)), name + ".c")
    folder = os.path.join(conftest.BUILD, "cluster-tools")
    target = os.path.join(folder, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
            subprocess.run(["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", source, *flags,
                            "-o", target + ".new"], check=True)
            os.rename(target + ".new", target)
    return target


def names(what):
    return [what] if isinstance(what, str) else list(what)


class Net:
    """The namespaces and the switch between them."""

    def __init__(self, ends):
        self.ends = list(ends)
        self.numbers = {name: i + 1 for i, name in enumerate(self.ends)}
        self.rules = {pair: (0.0, 0) for pair in itertools.permutations(self.ends, 2)}
        self.lock = threading.Lock()  # of rules and of the switch's standard input
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.switch = subprocess.Popen([compiled("netswitch"), str(len(self.ends))], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        words = self.switch.stdout.readline().split()
        assert words and words[0] == "ready", "network namespaces need root, or a user namespace"
        self.namespaces = {name: f"/proc/{self.switch.pid}/fd/{fd}"
                           for name, fd in zip(self.ends, words[1:])}
        self.enter("client")

    def place(self, name):
        """For the playground: where this end is."""
        return {"host": NETWORK + str(self.numbers[name]),
                "prefix": ["nsenter", "--net=" + self.namespaces[name], "--"]}

    def enter(self, name=None):
        """This thread is in an end's network namespace from now on, or where it was at first."""
        libc = ctypes.CDLL(None, use_errno=True)
        fd = os.open(self.namespaces[name], os.O_RDONLY) if name else self.home
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        if name:
            os.close(fd)

    def close(self):
        self.enter()
        os.close(self.home)
        self.switch.stdin.close()
        self.switch.wait(10)

    # -- rules

    def change(self, pairs, loss=None, delay_ms=None):
        with self.lock:
            for pair in pairs:
                old_loss, old_delay = self.rules[pair]
                rule = (old_loss if loss is None else loss,
                        old_delay if delay_ms is None else delay_ms)
                self.rules[pair] = rule
                self.switch.stdin.write(f"{self.numbers[pair[0]]} {self.numbers[pair[1]]} "
                                        f"{round(rule[0] * 1000)} {rule[1]}\n")
                self.switch.stdin.flush()
                assert self.switch.stdout.readline() == "ok\n", (pair, rule)

    def pairs(self, a=None, b=None):
        """Both directions between each of a and each of b; all there are without an argument."""
        if a is None:
            return list(self.rules)
        others = self.ends if b is None else names(b)
        return [pair for x in names(a) for y in others if x != y for pair in ((x, y), (y, x))]

    def partition(self, a, b):
        self.change(self.pairs(a, b), loss=1.0)

    def isolate(self, a):
        self.change(self.pairs(a), loss=1.0)

    def one_way(self, sender, receiver):
        self.change([(x, y) for x in names(sender) for y in names(receiver) if x != y], loss=1.0)

    def loss(self, share, a=None, b=None):
        self.change(self.pairs(a, b), loss=share)

    def delay(self, ms, a=None, b=None):
        self.change(self.pairs(a, b), delay_ms=ms)

    def heal(self, a=None, b=None):
        self.change(self.pairs(a, b), loss=0.0, delay_ms=0)

    @contextlib.contextmanager
    def flapping(self, a, b, up=0.5, down=0.5):
        """A cable with a loose contact; whole again at the end."""
        end = threading.Event()

        def flap():
            while True:
                self.partition(a, b)
                if end.wait(down):
                    return
                self.heal(a, b)
                if end.wait(up):
                    return
        thread = threading.Thread(target=flap, daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()
            self.heal(a, b)


class NetCluster(conftest.Cluster):
    """A Cluster in namespaces; `net` joins them."""
    patience = {"connect_timeout": 3, "tcp_user_timeout": 5000, "keepalives_idle": 1,
                "keepalives_interval": 1, "keepalives_count": 4}

    def __init__(self, servers=3, coord="etcd", coord_members=1, **options):
        processes = [f"s{i + 1}" for i in range(servers + 1)]  # one that a test may add
        processes += [conftest.MEMBERS[coord] + str(i + 1) for i in range(coord_members)]
        self.net = Net(["client"] + processes)
        try:
            super().__init__(servers=servers, coord=coord, coord_members=coord_members,
                             places={name: self.net.place(name) for name in processes}, **options)
        except BaseException:
            self.net.close()
            raise

    def down(self):
        self.net.heal()
        super().down()
        self.net.close()
