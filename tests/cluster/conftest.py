"""Real clusters for tests: `make_cluster` starts playgrounds in directories of their own, and after each
test takes them down and reads the servers' logs for what a sanitizer found.

MINISQL_BUILD names the build under test (default: build/ of this tree).
"""
import ctypes
import fcntl
import functools
import json
import os
import random
import re
import resource
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

import psycopg2
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.realpath(os.environ.get("MINISQL_BUILD") or os.path.join(ROOT, "build"))
PLAYGROUND = os.path.join(ROOT, "tools", "playground")
MINISQLD = os.path.join(BUILD, "minisqld")
MINISQL = os.path.join(BUILD, "minisql")
MEMBERS = {"etcd": "etcd", "zookeeper": "zk"}  # what the playground calls them, with a number
TEST_LIMIT_S = 240
ALARMS = re.compile(r"Sanitizer|runtime error:|Assertion .* failed|stack smashing")


def free_ports(n):
    """The first of n ports in a row that nobody uses."""
    while True:
        base = random.randrange(20000, 32000)
        socks = []
        try:
            for port in range(base, base + n):
                sock = socket.socket()
                socks.append(sock)
                sock.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for sock in socks:
                sock.close()


def wait_until(what, condition, seconds=30.0, step=0.1):
    """Waits until condition() is true and returns its value. Errors of a cluster in trouble count as
    "not yet"."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except psycopg2.Error as e:
            last = e
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s (last: {last!r})")
        time.sleep(step)


def resize_mount(path, size):
    """Of a tmpfs. The mount program can't do it in a user namespace: it repeats options that are not
    allowed there."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(None, os.fsencode(path), None, 32, f"size={size}".encode()) != 0:  # MS_REMOUNT
        raise OSError(ctypes.get_errno(), "mount")


class Cluster:
    """A playground, and connections to it."""
    patience = {"connect_timeout": 10}  # libpq's, with which it waits for a server

    def __init__(self, servers=3, coord="etcd", copies=None, args="", coord_members=1, places=None,
                 faults=None):
        self.dir = tempfile.mkdtemp(prefix="minisql-test-")
        self.port = free_ports(servers + 2)  # room for servers that a test adds
        self.names = [f"s{i + 1}" for i in range(servers)]
        self.coord = coord
        self.options = ["--coord", coord, "--port", str(self.port), "--quiet"]
        self.members = []  # of the coordination store, as kill, start, .. know them
        if coord != "embedded":
            self.options += ["--coord-members", str(coord_members)]
            self.members = [MEMBERS[coord] + str(i + 1) for i in range(coord_members)]
        if copies is not None:
            self.options += ["--copies", str(copies)]
        if args:
            self.options += [f"--minisqld-args={args}"]
        self.places = places or {}
        if faults is not None:  # see faults.py; its options
            self.add_faults(faults)
        if self.places:
            self.options += ["--places", json.dumps(self.places)]
        self.connections = []
        self.up(servers)

    def add_faults(self, options):
        from faults import Faults
        self.faults = {name: Faults(self.dir, name, **options) for name in self.names}
        for name, fault in self.faults.items():
            place = self.places.setdefault(name, {})
            place["prefix"] = place.get("prefix", []) + fault.prefix()

    # -- processes

    def playground(self, *words, check=True):
        result = subprocess.run([PLAYGROUND, words[0], "--dir", self.dir, *words[1:]], text=True,
                                capture_output=True, env=dict(os.environ, MINISQL_BUILD=BUILD),
                                timeout=150, check=False)
        if check and result.returncode:
            raise AssertionError(f"playground {' '.join(words)}: {result.stderr}")
        return result

    def up(self, servers):
        self.names = [f"s{i + 1}" for i in range(servers)]
        self.playground("up", "--servers", str(servers), *self.options)

    def kill(self, name):
        self.playground("kill", name)

    def start(self, name):
        self.playground("start", name)

    def stop(self, name):
        self.playground("stop", name)

    def pause(self, name):
        self.playground("pause", name)

    def resume(self, name):
        self.playground("resume", name)

    def pid(self, name):
        with open(os.path.join(self.dir, name + ".pid")) as f:
            return int(f.read())

    def alive(self, name):
        """Also while only its other threads are, or its files are being closed: one may hold a lock, or write."""
        try:
            tasks = os.listdir(f"/proc/{self.pid(name)}/task")
            with open(f"/proc/{self.pid(name)}/stat") as f:
                return len(tasks) > 1 or f.read().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def log(self, name):
        with open(os.path.join(self.dir, name + ".log"), errors="replace") as f:
            return f.read()

    def host_of(self, name):
        return self.places.get(name, {}).get("host", "127.0.0.1")

    def port_of(self, name):
        return self.port + int(name[1:]) - 1

    # -- SQL

    def open(self, name, **options):
        """A connection that its user closes."""
        return psycopg2.connect(**{"host": self.host_of(name), "port": self.port_of(name),
                                   "dbname": "minisql", "user": "test", **self.patience, **options})

    def connect(self, name="s1", autocommit=True, **options):
        """A connection that is closed when the test ends."""
        connection = self.open(name, **options)
        connection.autocommit = autocommit
        self.connections.append(connection)
        return connection

    def query(self, sql, parameters=None, name=None):
        """The rows of a statement (None when it gives none), asked of one server, or of the first
        that answers."""
        error = None
        for server in [name] if name else self.names:
            try:
                connection = self.open(server)
            except psycopg2.OperationalError as e:
                error = e
                continue
            try:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute(sql, parameters)
                    return cursor.fetchall() if cursor.description else None
            finally:
                connection.close()
        raise error

    def value(self, sql, parameters=None, name=None):
        return self.query(sql, parameters, name)[0][0]

    def shell(self, *arguments, name="s1", stdin=None, check=True):
        """build/minisql; gives what it printed."""
        result = subprocess.run([MINISQL, "-h", self.host_of(name), "-p", str(self.port_of(name)),
                                 *arguments], input=stdin, text=True, capture_output=True,
                                timeout=120, check=False)
        if check and result.returncode:
            raise AssertionError(f"minisql {arguments}: {result.returncode}: {result.stderr}")
        return result

    # -- where things are

    def placement(self):
        """{table: [primary, backup, ..]}"""
        rows = self.query("SELECT name, primary_server, backups FROM minisql_tables")
        return {name: [primary or ""] + [b.strip() for b in (backups or "").split(",") if b.strip()]
                for name, primary, backups in rows}

    def primary(self, table):
        return self.placement()[table][0]

    def backups(self, table):
        return self.placement()[table][1:]

    def others(self, name):
        return [n for n in self.names if n != name]

    def master(self):
        rows = self.query("SELECT name FROM minisql_servers WHERE master")
        return rows[0][0] if rows else None

    def wait_copies(self, copies=2, without=(), seconds=60):
        """Until every table has its copies on servers that are up."""
        def complete():
            return all(len(set(where)) >= copies and all(where) and not set(where) & set(without)
                       for where in self.placement().values())
        wait_until("all copies in place", complete, seconds)

    def wait_up(self, *names, seconds=30):
        def up():
            rows = dict(self.query("SELECT name, status FROM minisql_servers"))
            return all(rows.get(name) == "up" for name in names)
        wait_until(f"{names} up", up, seconds)

    # -- the end

    def down(self):
        for connection in self.connections:
            connection.close()
        self.playground("down", check=False)

    def alarms(self):
        """Lines of the servers' logs that no run may leave behind."""
        found = []
        for name in sorted(os.listdir(self.dir)):
            if re.fullmatch(r"s\d+\.log", name):
                lines = self.log(name[:-len(".log")]).splitlines()
                found += [f"{name}: " + "\n".join(lines[i:i + 25])
                          for i, line in enumerate(lines) if ALARMS.search(line)][:1]
        return found

    def tails(self):
        text = ""
        for name in sorted(os.listdir(self.dir)):
            if name.endswith(".log"):
                lines = self.log(name[:-len(".log")]).splitlines()[-40:]
                text += f"--- {name}\n" + "\n".join(lines) + "\n"
        return text


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    setattr(item, "report_" + report.when, report)
    if report.when == "call" and report.failed:
        for cluster in getattr(item, "clusters", []):
            report.sections.append((f"logs in {cluster.dir}", cluster.tails()))


@pytest.fixture
def make_cluster(request):
    """make_cluster(servers=3, coord="etcd", ..) -> Cluster; several in one test are fine."""
    clusters = request.node.clusters = []

    def make(kind=Cluster, **options):
        cluster = kind(**options)
        clusters.append(cluster)
        return cluster

    yield make
    alarms = []
    for cluster in clusters:
        cluster.down()
        alarms += cluster.alarms()
        report = getattr(request.node, "report_call", None)
        if report and report.passed and not alarms:
            shutil.rmtree(cluster.dir, ignore_errors=True)
    assert not alarms, "\n".join(alarms)


@pytest.fixture
def make_net_cluster(make_cluster):
    """As make_cluster, with each process in a network namespace; see net.py for what can be done."""
    from net import NetCluster  # which itself builds on this file
    return functools.partial(make_cluster, kind=NetCluster)


@pytest.fixture
def cluster(make_cluster):
    """Three servers over etcd."""
    return make_cluster()


@pytest.fixture
def single(make_cluster):
    """One server with embedded coordination."""
    return make_cluster(servers=1, coord="embedded")


@pytest.fixture(autouse=True)
def time_limit(request):
    """A hanging server fails its test; it does not hang the run: after the limit its processes are
    killed, whereupon whatever waits for them in libpq returns with an error."""
    def end():
        print(f"the test takes longer than {TEST_LIMIT_S} s: its servers are ended")
        for cluster in getattr(request.node, "clusters", []):
            for name in cluster.names:
                cluster.playground("kill", name, check=False)

    timer = threading.Timer(TEST_LIMIT_S, end)
    timer.start()
    yield
    timer.cancel()


def pytest_collection_modifyitems(config, items):
    if os.environ.get("MINISQL_SOAK"):
        return
    soak = [item for item in items if item.get_closest_marker("soak")]
    config.hook.pytest_deselected(items=soak)
    items[:] = [item for item in items if item not in soak]


def loopback_up():
    """In a new network namespace it is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        up = struct.pack("16sh22x", b"lo", 0x1)  # IFF_UP
        fcntl.ioctl(sock, 0x8914, up)  # SIOCSIFFLAGS


def pytest_configure(config):
    if hasattr(config, "workerinput"):  # one of several, with -n: so that their ports don't meet
        ctypes.CDLL(None).unshare(0x40000000)  # CLONE_NEWNET
    if os.geteuid() == 0:
        loopback_up()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
