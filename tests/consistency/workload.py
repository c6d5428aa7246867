"""Clients: what they ask of a cluster, over connections such as a driver has.

Each client is a thread with a pool: a connection to each server that it has talked to. It stays with
one for some statements, then moves to another, perhaps to one that has been idle for long. An error of
the connection closes it and the client goes to another server; nothing is retried, since a retry is a
new operation, and what became of the old one is the checker's to find out. Some clients lose patience
after a second or two: their statement is then unknown, and the server may still run it. Some set a
statement_timeout, after which the server says that it had no effect.

Every workload is tables of its own and so regions of its own; several share one history.
"""
import contextlib
import random
import select
import threading
import time

import psycopg2
import psycopg2.extensions

# Errors that say that a statement, or a transaction, had no effect. All others leave it open.
DEFINITE = ("0A", "21", "22", "23", "25", "26", "40001", "40P01", "42", "57014")
READS = {"read", "lock", "begin", "savepoint", "rollback-to", "rollback"}
local = threading.local()  # .deadline: of what this thread waits for


class Timeout(psycopg2.OperationalError):
    pass


@contextlib.contextmanager
def within(seconds):
    """What is waited for inside fails after these seconds."""
    local.deadline = time.monotonic() + seconds
    try:
        yield
    finally:
        local.deadline = None


def wait(connection):
    """psycopg2's wait, with a deadline: the thread's, or some seconds."""
    deadline = getattr(local, "deadline", None) or time.monotonic() + 15
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        poller = select.poll()
        poller.register(connection.fileno(), select.POLLIN if state == psycopg2.extensions.POLL_READ
                        else select.POLLOUT)
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(max(1, int(left * 1000))):
            raise Timeout("no answer in time")


psycopg2.extensions.set_wait_callback(wait)


def outcome(error, f, in_transaction):
    """fail or info"""
    if f in READS or (in_transaction and f != "commit"):
        return "fail"  # reads change nothing; without COMMIT a transaction does not
    return "fail" if error.pgcode and error.pgcode.startswith(DEFINITE) else "info"


class Client(threading.Thread):
    def __init__(self, number, world):
        super().__init__(daemon=True)
        self.number, self.world = number, world
        self.random = random.Random(f"{world.seed} {number}")
        self.patience = self.random.choice((1.5, 4, 40))
        self.timeout_ms = self.random.choice((0, 0, 250, 800))  # statement_timeout
        self.connections, self.server, self.stay = {}, None, 0
        self.avoid = {}  # server -> until when
        self.done = 0
        self.error = None

    def run(self):
        try:
            while not self.world.stopping.is_set():
                if self.number % 2 or self.world.pause:
                    time.sleep(self.random.random() * 2 * self.world.pause)
                workload = self.random.choices(self.world.workloads, self.world.weights)[0]
                self.attempt(workload.turn)
        except BaseException as e:  # the run must not go on as if nobody were missing
            self.error = e
            raise
        finally:
            for server in list(self.connections):
                self.drop(server)

    def attempt(self, turn):
        try:
            self.choose()
            turn(self)
            self.done += 1
        except psycopg2.Error:
            time.sleep(self.random.random() * 0.05)

    # -- connections

    def choose(self):
        """The server to talk to next, with a connection."""
        self.stay -= 1
        if self.server is None or self.stay <= 0:
            now = time.monotonic()
            servers = [s for s in self.world.servers if self.avoid.get(s, 0) < now]
            self.server = self.random.choice(servers or self.world.servers)
            self.stay = self.random.randrange(1, 60)
        if self.server not in self.connections:
            self.connect(self.server)

    def connect(self, server):
        try:
            with within(min(self.patience, 4)):
                connection = self.world.open(server)
            connection.autocommit = True
            self.connections[server] = connection
            if self.timeout_ms:
                with within(self.patience), connection.cursor() as cursor:
                    cursor.execute(f"SET statement_timeout = {self.timeout_ms}")
        except psycopg2.Error:
            self.drop(server)
            raise

    def drop(self, server):
        connection = self.connections.pop(server, None)
        if connection:
            connection.close()
        self.avoid[server] = time.monotonic() + self.random.random() * 2
        if self.server == server:
            self.server = None

    # -- statements

    def statement(self, table, f, sql, parameters=None, key=None, value=None, txn=None, result=None):
        """Runs and records one statement; result(cursor) is what it gave. Raises psycopg2.Error."""
        server = self.server
        op = self.world.recorder.invoke(client=self.number, server=server, table=table, f=f,
                                        **{name: v for name, v in (("key", key), ("value", value),
                                                                   ("txn", txn)) if v is not None})
        try:
            with within(self.patience), self.connections[server].cursor() as cursor:
                cursor.execute(sql, parameters)
                if f == "commit" and cursor.statusmessage != "COMMIT":
                    raise RolledBack(cursor.statusmessage)
                got = result(cursor) if result else None
        except psycopg2.Error as e:
            kind = "fail" if isinstance(e, RolledBack) else outcome(e, f, txn is not None)
            text = f"{e.pgcode or 'connection'}: {str(e).strip().splitlines()[0] if str(e) else ''}"
            self.world.recorder.end(op, kind, error=text)
            self.after_error(server, e)
            raise
        self.world.recorder.end(op, "ok", got)
        return got

    def after_error(self, server, e):
        connection = self.connections.get(server)
        if e.pgcode is None or connection.closed or e.pgcode[:3] in ("08", "57P"):
            self.drop(server)
            return
        try:
            if connection.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_IDLE:
                with within(self.patience), connection.cursor() as cursor:
                    cursor.execute("ROLLBACK")
        except psycopg2.Error:
            self.drop(server)

    def transaction(self, table):
        return Transaction(self, table)


class RolledBack(psycopg2.Error):
    """COMMIT was answered by ROLLBACK."""


class Transaction:
    """Statements of one transaction, numbered for the history."""

    def __init__(self, client, table):
        self.client, self.table = client, table
        self.number = client.world.next_number()

    def __enter__(self):
        self.run("begin", "BEGIN")
        return self

    def __exit__(self, kind, error, trace):
        pass  # an error has rolled it back; else it was ended by run()

    def run(self, f, sql, parameters=None, **more):
        return self.client.statement(self.table, f, sql, parameters, txn=self.number, **more)


# ---- workloads --------------------------------------------------------------------------------------

class Keys:
    """A window of keys in use; each gives way to a new one after `limit` uses."""

    def __init__(self, width, limit):
        self.limit, self.lock = limit, threading.Lock()
        self.window = list(range(1, width + 1))
        self.uses, self.last = {}, width

    def some(self, rng, n=1):
        with self.lock:
            chosen = rng.sample(range(len(self.window)), n)
            keys = [self.window[i] for i in chosen]
            for i in chosen:
                key = self.window[i]
                self.uses[key] = self.uses.get(key, 0) + 1
                if self.uses[key] >= self.limit:
                    self.last += 1
                    self.window[i] = self.last
            return keys


def split(text):
    return [int(n) for n in text.split(",")] if text else []


class Lists:
    """Per key a list of unique values, appended to with an upsert."""
    kind, weight = "list", 8

    def __init__(self, world, table):
        self.world, self.table = world, table
        self.keys = Keys(8, 120)
        self.append_sql = (f"INSERT INTO {table} VALUES %s ON CONFLICT (k) DO UPDATE "
                           f"SET v = {table}.v || ',' || excluded.v")

    def create(self):
        yield f"CREATE TABLE {self.table} (k int PRIMARY KEY, v text NOT NULL)"

    def lists_of(self, keys):
        def result(cursor):
            rows = dict(cursor.fetchall())
            return [split(rows.get(key)) for key in keys]
        return result

    def read(self, run, keys, f="read"):
        sql = f"SELECT k, v FROM {self.table} WHERE k IN ({','.join(map(str, keys))})"
        return run(f, sql + (" FOR UPDATE" if f == "lock" else ""), key=keys,
                   result=self.lists_of(keys))

    def append(self, run, keys, returning):
        value = self.world.next_number()
        rows = ",".join(f"({key}, '{value}')" for key in keys)
        sql = self.append_sql % rows + (" RETURNING k, v" if returning else "")
        run("append", sql, key=keys, value=value, result=self.lists_of(keys) if returning else None)

    def turn(self, client):
        rng = client.random
        dice = rng.random()
        if dice < 0.25:
            return self.transaction(client)
        n = rng.choice((1, 1, 1, 2, 3))
        keys = self.keys.some(rng, n)

        def run(f, sql, **more):
            return client.statement(self.table, f, sql, **more)
        if dice < 0.6:
            return self.append(run, keys, rng.random() < 0.4)
        return self.read(run, keys)

    def transaction(self, client):
        rng = client.random
        with client.transaction(self.table) as t:
            for _ in range(rng.randrange(1, 5)):
                keys = self.keys.some(rng, rng.choice((1, 1, 2)))
                dice = rng.random()
                if dice < 0.1:
                    t.run("savepoint", "SAVEPOINT a")
                    self.append(t.run, keys, False)
                    t.run("rollback-to", "ROLLBACK TO a")
                elif dice < 0.55:
                    self.append(t.run, keys, rng.random() < 0.3)
                else:
                    self.read(t.run, keys, "lock" if dice < 0.65 else "read")
            if rng.random() < 0.15:
                t.run("rollback", "ROLLBACK")
            else:
                t.run("commit", "COMMIT")

    def finish(self, client):
        for first in range(1, self.keys.last + 1, 20):
            keys = list(range(first, min(first + 20, self.keys.last + 1)))
            self.read(lambda f, sql, **more: client.statement(self.table, f, sql, **more), keys)


class Registers:
    """Write, read, compare-and-set."""
    kind, weight = "register", 4

    def __init__(self, world, table):
        self.world, self.table = world, table
        self.keys, self.seen = Keys(6, 120), {}

    def create(self):
        yield f"CREATE TABLE {self.table} (k int PRIMARY KEY, v int)"

    def read(self, client, key):
        def value(cursor):
            row = cursor.fetchone()
            return row[0] if row else None
        self.seen[key] = client.statement(self.table, "read", f"SELECT v FROM {self.table} WHERE k = %s",
                                          (key,), key=key, result=value)

    def turn(self, client):
        rng, number = client.random, self.world.next_number()
        key, = self.keys.some(rng)
        old, dice = self.seen.get(key), rng.random()
        if dice < 0.5:
            self.read(client, key)
        elif dice < 0.75 and old is not None:
            done = client.statement(self.table, "cas", f"UPDATE {self.table} SET v = %s WHERE k = %s "
                                    "AND v = %s", (number, key, old), key=key, value=[old, number],
                                    result=lambda cursor: cursor.rowcount == 1)
            if done:
                self.seen[key] = number
        else:
            client.statement(self.table, "write", f"INSERT INTO {self.table} VALUES (%s, %s) ON CONFLICT "
                             "(k) DO UPDATE SET v = excluded.v", (key, number), key=key, value=number)

    def finish(self, client):
        for key in range(1, self.keys.last + 1):
            self.read(client, key)


class Counters:
    """n = n + 1, over and over."""
    kind, weight = "counter", 2
    N = 3

    def __init__(self, world, table):
        self.world, self.table = world, table

    def create(self):
        yield f"CREATE TABLE {self.table} (id int PRIMARY KEY, n bigint NOT NULL)"
        yield f"INSERT INTO {self.table} VALUES " + ", ".join(f"({i}, 0)" for i in range(self.N))

    def read(self, client, key):
        client.statement(self.table, "read", f"SELECT n FROM {self.table} WHERE id = %s", (key,), key=key,
                         result=lambda cursor: (cursor.fetchone() or (0,))[0])

    def turn(self, client):
        rng = client.random
        key = rng.randrange(self.N)
        if rng.random() < 0.3:
            return self.read(client, key)
        sql = f"UPDATE {self.table} SET n = n + 1 WHERE id = %s"
        if rng.random() < 0.5:
            return client.statement(self.table, "add", sql + " RETURNING n", (key,), key=key,
                                    result=lambda cursor: (cursor.fetchone() or (0,))[0])
        return client.statement(self.table, "add", sql, (key,), key=key,
                                result=lambda cursor: None if cursor.rowcount == 1 else 0)

    def finish(self, client):
        for key in range(self.N):
            self.read(client, key)


class Sets:
    """Rows with values that nobody inserts twice; with or without a key that would refuse a second."""
    kind, weight = "set", 3

    def __init__(self, world, table, key=""):
        self.world, self.table, self.key = world, table, key
        self.last = 0
        one = ("VALUES (%(id)s, %(client)s)", 1)
        self.inserts = [one, one, ("VALUES (%(id)s, %(client)s), (%(id)s + 1, 0), (%(id)s + 2, 0)", 3),
                        ("SELECT id + %(id)s, n FROM three", 3)]  # from another region

    def create(self):
        yield "CREATE TABLE IF NOT EXISTS three (id int PRIMARY KEY, n int)"
        yield "INSERT INTO three VALUES (0, 0), (1, 0), (2, 0) ON CONFLICT DO NOTHING"
        yield f"CREATE TABLE {self.table} (id int NOT NULL {self.key}, client int)"

    def read(self, client, start):
        client.statement(self.table, "read", f"SELECT id FROM {self.table} WHERE id >= %s", (start,),
                         key=start, result=lambda cursor: [row[0] for row in cursor.fetchall()])

    def turn(self, client):
        if client.random.random() < 0.25:
            return self.read(client, max(0, self.last - client.random.randrange(400)))
        insert, n = client.random.choice(self.inserts)
        first = self.last = self.world.next_number(n)
        return client.statement(self.table, "insert", f"INSERT INTO {self.table} {insert}",
                                {"id": first, "client": client.number},
                                value=list(range(first, first + n)))

    def finish(self, client):
        self.read(client, 0)


class KeyedSets(Sets):
    def __init__(self, world, table):
        super().__init__(world, table, "PRIMARY KEY")


class Bank:
    """Transfers between accounts, each with two lines in a ledger that lies in the same region."""
    kind, weight = "bank", 3
    ACCOUNTS, START = 6, 1000

    def __init__(self, world, table):
        self.world, self.table = world, table

    def create(self):
        yield f"CREATE TABLE {self.table} (id int PRIMARY KEY, balance int NOT NULL)"
        yield (f"CREATE TABLE {self.table}_ledger (txn int NOT NULL, account int NOT NULL, "
               f"amount int NOT NULL) WITH (colocate_with = '{self.table}')")
        yield f"INSERT INTO {self.table} VALUES " + ", ".join(f"({i}, {self.START})"
                                                             for i in range(self.ACCOUNTS))

    def turn(self, client):
        if client.random.random() < 0.5:
            return client.statement(self.table, "read", f"SELECT balance FROM {self.table}",
                                    result=lambda cursor: [row[0] for row in cursor.fetchall()])
        return self.transfer(client)

    def transfer(self, client):
        rng = client.random
        a, b = rng.sample(range(self.ACCOUNTS), 2)
        amount = rng.randrange(1, 50)
        with client.transaction(self.table) as t:
            if rng.random() < 0.4:
                t.run("lock", f"SELECT balance FROM {self.table} WHERE id IN ({a}, {b}) FOR UPDATE")
            change = f"UPDATE {self.table} SET balance = balance + %s WHERE id = %s"
            t.run("update", change, (-amount, a), key=a, value=-amount)
            t.run("update", change, (amount, b), key=b, value=amount)
            t.run("update", f"INSERT INTO {self.table}_ledger VALUES (%s, %s, %s), (%s, %s, %s)",
                  (t.number, a, -amount, t.number, b, amount))
            t.run("commit", "COMMIT")

    def finish(self, client):
        def audit(cursor):
            balances, moved, ledger = {}, {}, []
            for txn, account, amount in cursor.fetchall():
                if txn is None:
                    balances[account] = amount
                else:
                    ledger.append(txn)
                    moved[account] = moved.get(account, 0) + amount
            return {"accounts": [[a, balance, self.START, moved.get(a, 0)]
                                 for a, balance in sorted(balances.items())], "ledger": ledger}
        client.statement(self.table, "audit", f"SELECT NULL::int, id, balance FROM {self.table} UNION ALL "
                         f"SELECT txn, account, amount FROM {self.table}_ledger", result=audit)


class Branches:
    """Transfers between the branches of a bank: accounts and ledger of each lie in a region of their own,
    so that every transfer is a transaction over two or three regions."""
    kind, weight = "branches", 4
    N, ACCOUNTS, START, WINDOW = 3, 4, 1000, 300

    def __init__(self, world, table):
        self.world, self.table = world, table
        self.branches = [table] + [f"{table}_{i}" for i in range(1, self.N)]
        self.last = 0

    def targets(self):
        return self.branches

    def create(self):
        for number, branch in enumerate(self.branches):
            first = number * self.ACCOUNTS
            yield f"CREATE TABLE {branch} (id int PRIMARY KEY, balance int NOT NULL)"
            yield (f"CREATE TABLE {branch}_ledger (txn int NOT NULL, account int NOT NULL, amount int NOT NULL, "
                   f"lines int NOT NULL) WITH (colocate_with = '{branch}')")
            yield f"CREATE INDEX ON {branch}_ledger (txn)"
            yield f"INSERT INTO {branch} VALUES " + ", ".join(f"({first + i}, {self.START})"
                                                             for i in range(self.ACCOUNTS))

    def turn(self, client):
        if client.random.random() < 0.5:
            return self.look(client)
        return self.transfer(client)

    def look(self, client):
        """Ledgers one after the other: what is in the first and concerns the second, is in the second."""
        start = max(0, self.last - self.WINDOW)
        for number in client.random.sample(range(self.N), 2):
            client.statement(self.table, "look", f"SELECT txn, lines FROM {self.branches[number]}_ledger "
                             f"WHERE txn >= {start}", key=[number, start],
                             result=lambda cursor: [list(row) for row in cursor.fetchall()])

    def transfer(self, client):
        """`lines` of each ledger line: one bit for each branch that has one of this transfer."""
        rng = client.random
        chosen = rng.sample(range(self.N), rng.choice((2, 2, 3)))
        if rng.random() < 0.7:
            chosen.sort()  # else some wait for each other
        bits = sum(1 << number for number in chosen)
        amounts = [rng.randrange(1, 50) for _ in chosen[1:]]
        with client.transaction(self.table) as t:
            self.last = t.number
            for number, amount in zip(chosen, [-sum(amounts)] + amounts):
                branch, account = self.branches[number], number * self.ACCOUNTS + rng.randrange(self.ACCOUNTS)
                dice = rng.random()
                if dice < 0.15:
                    t.run("lock", f"SELECT balance FROM {branch} WHERE id = {account} FOR UPDATE")
                if 0.1 < dice < 0.3:
                    t.run("savepoint", "SAVEPOINT a")
                    t.run("update", f"UPDATE {branch} SET balance = 0")
                    t.run("rollback-to", "ROLLBACK TO a")
                t.run("update", f"UPDATE {branch} SET balance = balance + {amount} WHERE id = {account}")
                t.run("update", f"INSERT INTO {branch}_ledger VALUES ({t.number}, {account}, {amount}, {bits})")
            t.run(*(("rollback", "ROLLBACK") if rng.random() < 0.1 else ("commit", "COMMIT")), value=bits)

    def finish(self, client):
        def audit(cursor):
            balances, moved, ledger = {}, {}, []
            for txn, account, amount, bits in cursor.fetchall():
                if txn is None:
                    balances[account] = amount
                else:
                    ledger.append([txn, account // self.ACCOUNTS, bits])
                    moved[account] = moved.get(account, 0) + amount
            return {"accounts": [[a, balance, self.START, moved.get(a, 0)]
                                 for a, balance in sorted(balances.items())], "ledger": ledger}
        client.statement(self.table, "audit", " UNION ALL ".join(
            f"SELECT NULL::int, id, balance, 0 FROM {branch} UNION ALL SELECT txn, account, amount, lines "
            f"FROM {branch}_ledger" for branch in self.branches), result=audit)


class Blocks:
    """Transactions of hundreds of kilobytes and more, which go through the log in parts."""
    kind, weight = "blocks", 0.15

    def __init__(self, world, table):
        self.world, self.table = world, table

    def create(self):
        yield f"CREATE TABLE {self.table} (id int NOT NULL, n int NOT NULL, filler text)"

    def insert(self, run, number, n):
        run("insert", f"INSERT INTO {self.table} SELECT {number}, g, repeat('x', 500) "
            f"FROM generate_series(1, {n}) g", key=number, value=n)

    def turn(self, client):
        rng = client.random

        def run(f, sql, **more):
            client.statement(self.table, f, sql, **more)
        if rng.random() < 0.5:
            self.finish(client)
        elif rng.random() < 0.4:
            self.insert(run, self.world.next_number(), rng.randrange(100, 4000))
        else:
            with client.transaction(self.table) as t:
                for _ in range(rng.randrange(1, 4)):
                    self.insert(t.run, t.number, rng.randrange(1, 3000))
                t.run(*(("commit", "COMMIT") if rng.random() < 0.7 else ("rollback", "ROLLBACK")))

    def finish(self, client):
        client.statement(self.table, "read", f"SELECT id, count(*)::int FROM {self.table} GROUP BY id",
                         result=lambda cursor: sorted(map(list, cursor.fetchall())))


TABLES = {"list": [("list0", Lists), ("list1", Lists)], "register": [("register", Registers)],
          "counter": [("counter", Counters)], "set": [("entry", Sets), ("entry_key", KeyedSets)],
          "bank": [("account", Bank)], "branches": [("branch", Branches)], "blocks": [("block", Blocks)]}


class World:
    """What the clients of one run share."""

    def __init__(self, seed, servers, open_connection, kinds, rate, n_clients):
        self.seed, self.servers, self.open = seed, servers, open_connection
        self.stopping = threading.Event()
        self.recorder = None
        self.pause = n_clients / rate
        self.lock = threading.Lock()  # guards number
        self.number = 0
        self.workloads = [make(self, table) for kind in kinds for table, make in TABLES[kind]]
        self.weights = [w.weight for w in self.workloads]

    def tables(self):
        return {workload.table: workload.kind for workload in self.workloads}

    def targets(self):
        """Tables, one of each region."""
        return [table for w in self.workloads for table in getattr(w, "targets", lambda w=w: [w.table])()]

    def next_number(self, n=1):
        """The first of n numbers that nobody else gets."""
        with self.lock:
            self.number += n
            return self.number - n + 1
