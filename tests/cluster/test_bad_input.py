"""Bad input of every kind: a clear error that says what to do, no crash, nothing lost."""
import json
import os
import random
import resource
import shutil
import socket
import struct
import subprocess
import time

import psycopg
import psycopg2
import psycopg2.errors
import pytest

from conftest import MINISQLD, free_ports, resize_mount, wait_until

PARAMETERS = b"user\0test\0database\0minisql\0\0"
STARTUP = struct.pack("!II", 8 + len(PARAMETERS), 196608) + PARAMETERS


def message(kind, body, length=None):
    return kind + struct.pack("!I", len(body) + 4 if length is None else length) + body


def garbage():
    rng = random.Random(7)
    yield "nothing", b""
    yield "zeros", b"\0" * 64
    yield "ones", b"\xff" * 64
    yield "http", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "random", rng.randbytes(4096)
    yield "huge startup", struct.pack("!I", 0x7fffffff) + b"x" * 100
    yield "tiny startup", struct.pack("!II", 4, 196608)
    yield "startup with length 0", struct.pack("!II", 0, 196608)
    yield "old protocol", struct.pack("!II", 8, 2 << 16)
    yield "future protocol", struct.pack("!II", 9, 4 << 16) + b"\0"
    yield "no end of the parameters", struct.pack("!II", 18, 196608) + b"user\0abcde"
    yield "half a startup", STARTUP[:20]
    yield "cancel of nobody", struct.pack("!IIII", 16, 80877102, 1, 2)
    yield "half a cancel", struct.pack("!III", 16, 80877102, 1)
    yield "ssl, then garbage", struct.pack("!II", 8, 80877103) + b"\x16\x03\x01" * 20
    yield "unknown message", STARTUP + message(b"~", b"hello")
    yield "huge query", STARTUP + message(b"Q", b"SELECT 1\0", 0x7fffffff)
    yield "negative length", STARTUP + message(b"Q", b"SELECT 1\0", 0xffffffff)
    yield "length 0", STARTUP + message(b"Q", b"", 0)
    yield "query without its end", STARTUP + message(b"Q", b"SELECT 1")
    yield "half a query", STARTUP + message(b"Q", b"SELECT 1\0")[:-5]
    yield "query that is no UTF-8", STARTUP + message(b"Q", b"SELECT '\xff\xfe'\0")
    yield "bind with too many parameters", STARTUP + message(
        b"B", b"\0\0" + struct.pack("!HH", 0, 0xffff)) + message(b"S", b"")
    yield "bind to nothing", STARTUP + message(
        b"B", b"\0nope\0" + struct.pack("!HHH", 0, 0, 0)) + message(b"S", b"")
    yield "parse with a cut list", STARTUP + message(
        b"P", b"\0SELECT $1\0" + struct.pack("!H", 5)) + message(b"S", b"")
    yield "execute of nothing", STARTUP + message(b"E", b"nope\0\0\0\0\0") + message(b"S", b"")
    yield "copy data out of the blue", STARTUP + message(b"d", b"1\t2\n") + message(b"c", b"")
    yield "random messages", STARTUP + b"".join(
        message(rng.choice(b"QPBDEHSCXdcfp~").to_bytes(1, "big"), rng.randbytes(rng.randrange(80)))
        for _ in range(60))


def throw(port, data, close):
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.settimeout(0.3)
        try:
            sock.sendall(data)
            if close:
                sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
        except OSError:
            pass  # hung up, or still waiting for the rest


def test_garbage_bytes(single):
    """Whatever arrives, the server goes on serving everybody else, with the rows that it had."""
    single.query("CREATE TABLE t (id int PRIMARY KEY)")
    single.query("INSERT INTO t VALUES (1)")
    pid = single.pid("s1")
    bystander = single.connect()
    for name, data in garbage():
        for close in (False, True):
            throw(single.port, data, close)
        with bystander.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM t")
            assert cursor.fetchone()[0] == 1, name
    assert single.pid("s1") == pid and single.value("SELECT count(*) FROM t") == 1


@pytest.mark.parametrize("data", [
    struct.pack("!I", 0), struct.pack("!I", 7) + b"abc", struct.pack("!I", 0x7fffffff), b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\0\x01", struct.pack("!III", 12, 80877102, 1), struct.pack("!IIIII", 20, 80877102, 1, 2, 3)])
def test_not_a_client(single, data):
    """What does not begin like a client gets no answer, as from PostgreSQL."""
    with socket.create_connection(("127.0.0.1", single.port), 5) as sock:
        sock.sendall(data)
        try:
            assert sock.recv(65536) == b""
        except ConnectionResetError:
            pass  # hung up with some of it unread


def test_half_open_connections_do_not_block(single):
    """Two hundred clients that never finish their message leave room for others."""
    socks = [socket.create_connection(("127.0.0.1", single.port)) for _ in range(200)]
    for i, sock in enumerate(socks):
        sock.sendall((STARTUP + message(b"Q", b"SELECT 1\0")[:-3])[:5 + i])
    start = time.monotonic()
    assert single.value("SELECT 1") == 1
    assert time.monotonic() - start < 5
    for sock in socks:
        sock.close()


def test_unknown_message_is_named(single):
    """An unknown message gets 08P01 and the end of the connection."""
    with socket.create_connection(("127.0.0.1", single.port), 5) as sock:
        sock.sendall(STARTUP + message(b"~", b"x"))
        data = b""
        while chunk := sock.recv(65536):
            data += chunk
    assert b"08P01" in data


def test_unknown_database(single):
    """An unknown database is 3D000."""
    with pytest.raises(psycopg2.OperationalError) as e:
        psycopg2.connect(host="127.0.0.1", port=single.port, dbname="nope", user="test")
    assert '"nope" does not exist' in str(e.value)
    with socket.create_connection(("127.0.0.1", single.port), 5) as sock:
        body = b"user\0test\0database\0nope\0\0"
        sock.sendall(struct.pack("!II", len(body) + 8, 196608) + body)
        data = sock.recv(65536)
    assert b"C3D000\0" in data


@pytest.mark.parametrize("statement, code", [
    ("", None), (";;", None), ("selec 1", "42601"), ("select 'open", "42601"),
    ("select " + "1+" * 20000 + "1", "54001"), ("select " + "(" * 5000 + "1" + ")" * 5000, None),
    ("select 1 / 0", "22012"), ("select 2147483647 + 1", "22003"), ("select nope", "42703"),
    ("select * from nope", "42P01"), ("select nope(1)", "42883"), ("select 1 + true", "42883"),
    ("select a, count(*) from (select 1 a, 2 b) t group by b", "42803"),
    ("create table t (a int, a int)", "42701"), ("create table t (a nope)", "42704"),
    ("create function f() returns int language sql as 'select 1'", "0A000"), ("select 'x'::int", "22P02"),
    ("select $1", None),
], ids=lambda value: str(value)[:40])
def test_bad_statements(single, statement, code):
    """Each gets its SQLSTATE; the connection goes on. (None: any answer at all.)"""
    connection = single.connect()
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            got = None
        except psycopg2.Error as e:
            got = e.pgcode
        if code is not None:
            assert got == code
        cursor.execute("SELECT 1")
        assert cursor.fetchone()[0] == 1


# ---- starting -------------------------------------------------------------------------------------------

def start_in_vain(*arguments, **options):
    """Runs minisqld, which must end by itself within 10 s with an error; gives what it said."""
    process = subprocess.Popen([MINISQLD, *arguments], stdin=subprocess.DEVNULL, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    try:
        text, _ = process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError("minisqld neither failed nor said why within 10 s")
    assert process.returncode > 0, f"{process.returncode}: {text}"
    assert "Sanitizer" not in text and "runtime error" not in text, text
    return text


def listen():
    return f"127.0.0.1:{free_ports(1)}"


def test_port_in_use(tmp_path):
    """A port in use is named."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        text = start_in_vain("--data", str(tmp_path / "d"), "--listen", f"127.0.0.1:{port}")
    assert str(port) in text and "in use" in text.lower()


def test_unwritable_directory(tmp_path):
    """A data directory that can't be made or written is named."""
    file = tmp_path / "file"
    file.write_text("not a directory")
    text = start_in_vain("--data", str(file / "d"), "--listen", listen())
    assert str(file) in text
    text = start_in_vain("--data", "/proc/nope", "--listen", listen())
    assert "/proc/nope" in text
    if os.geteuid() != 0:
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o555)
        assert str(locked) in start_in_vain("--data", str(locked), "--listen", listen())


def test_directory_in_use(single):
    """A second server on the same data directory is refused while the first one runs."""
    text = start_in_vain("--data", os.path.join(single.dir, "s1"), "--listen", listen())
    assert os.path.join(single.dir, "s1") in text


def test_data_of_another_cluster(make_cluster):
    """A data directory that belongs to another cluster is refused, and stays as it is."""
    one, two = make_cluster(servers=2), make_cluster(servers=2)
    one.query("CREATE TABLE t (id int PRIMARY KEY)")
    one.query("INSERT INTO t VALUES (1)")
    one.wait_copies()
    one.stop("s2")
    with open(os.path.join(two.dir, "playground.json")) as f:
        etcd = json.load(f)["members"][0]["port"]
    text = start_in_vain("--name", "s2", "--data", os.path.join(one.dir, "s2"), "--listen", listen(),
                         "--coord", f"etcd://127.0.0.1:{etcd}")
    assert "cluster" in text
    one.start("s2")
    one.wait_up("s2")
    assert one.value("SELECT count(*) FROM t", name="s2") == 1


def test_etcd_unreachable_at_start(tmp_path):
    """The address that does not answer is in the message."""
    port = free_ports(1)
    text = start_in_vain("--data", str(tmp_path / "d"), "--listen", listen(),
                         "--coord", f"etcd://127.0.0.1:{port}")
    assert str(port) in text


@pytest.mark.parametrize("address", ["0.0.0.0:%d", "[::]:%d", "192.0.2.1:%d"])
def test_only_loopback(tmp_path, address):
    """Listening on anything but loopback is refused until there is authentication."""
    text = start_in_vain("--data", str(tmp_path / "d"), "--listen", address % free_ports(1))
    assert "loopback" in text and "--insecure" in text


@pytest.mark.parametrize("address", ["0.0.0.0:%d", "[::]:%d"])
def test_no_address_of_its_own(tmp_path, address):
    """The address is what other servers connect to: "any" is refused whatever else is said."""
    text = start_in_vain("--data", str(tmp_path / "d"), "--listen", address % free_ports(1),
                         "--insecure", "yes")
    assert "other servers connect to" in text


@pytest.mark.parametrize("arguments", [
    ["--nope"], ["--listen"], ["--listen", "nowhere"], ["--listen", "127.0.0.1:99999"],
    ["--coord", "nope://x"], ["--coord", "etcd://"], ["--roles", "cook"], ["--copies", "0"],
    ["--copies", "many"], ["--insecure", "maybe"], ["--config", "/nope/minisqld.conf"], ["--name", "a/b"], ["surplus"]])
def test_bad_options(tmp_path, arguments):
    """A wrong option is named in the message."""
    text = start_in_vain(*arguments, cwd=tmp_path)
    assert arguments[-1] in text or arguments[0].lstrip("-") in text


def test_damaged_config_file(tmp_path):
    """A config file with an unknown name says which and where."""
    config = tmp_path / "minisqld.conf"
    config.write_text("name = s1\nnonsense = 1\n")
    text = start_in_vain("--config", str(config), cwd=tmp_path)
    assert "nonsense" in text


# ---- disks ----------------------------------------------------------------------------------------------

def fill_until_error(connection):
    """Inserts until it fails; gives (acknowledged rows, error)."""
    n = 0
    with connection.cursor() as cursor:
        while True:
            try:
                cursor.execute("INSERT INTO t SELECT %s, repeat('x', 20000)", (n + 1,))
                n += 1
            except psycopg2.Error as e:
                return n, e


def test_full_disk(tmp_path):
    """A file system without space: a clear error, and all that was acknowledged is there afterwards."""
    mount = tmp_path / "small"
    mount.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m", "none", str(mount)],
                             capture_output=True, check=False).returncode == 0
    limit = None if mounted else (24 << 20)  # no right to mount: files that can't grow will do
    port = free_ports(1)

    def start():
        def bound():
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        process = subprocess.Popen([MINISQLD, "--data", str(mount / "d"), "--listen",
                                    f"127.0.0.1:{port}"], preexec_fn=bound,
                                   stderr=open(tmp_path / "log", "ab"))
        return process, wait_until("the server answers", lambda: psycopg2.connect(
            host="127.0.0.1", port=port, dbname="minisql", user="test"), 20)

    process, connection = start()
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE t (id int PRIMARY KEY, filler text)")
        acknowledged, error = fill_until_error(connection)
        assert acknowledged > 10
        assert error.pgcode in ("53100", "58030"), error
        assert process.poll() is None, "the server lives"
        process.terminate()
        process.wait(30)
        limit = None
        if mounted:
            resize_mount(mount, "1024m")
        process, connection = start()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM t")
            assert acknowledged <= cursor.fetchone()[0] <= acknowledged + 1
    finally:
        process.kill()
        process.wait()
        if mounted:
            subprocess.run(["umount", "-l", str(mount)], check=False)
    log = (tmp_path / "log").read_text(errors="replace")
    assert "Sanitizer" not in log and "runtime error" not in log


def test_torn_log_tail(single):
    """Bytes that a crash left at the end of the log are cut off, and the rows are there."""
    single.query("CREATE TABLE t (id int PRIMARY KEY)")
    for i in range(50):
        single.query("INSERT INTO t VALUES (%s)", (i,))
    single.kill("s1")
    newest = newest_log_file(os.path.join(single.dir, "s1"))
    with open(newest, "r+b") as f:
        data = f.read()
        end = len(data.rstrip(b"\0"))
        f.seek(end)
        f.write(os.urandom(300))
    single.start("s1")
    assert single.value("SELECT count(*) FROM t") == 50


def newest_log_file(data):
    found = []
    for directory, _, names in os.walk(data):
        if os.path.basename(directory) in ("wal", "log"):
            found += [os.path.join(directory, name) for name in names]
    assert found, f"no log segments beneath {data}"
    return max(found, key=os.path.getmtime)
