"""The checker on handmade histories: each anomaly is found under its name, and right ones pass.

A history is written as lines "client f key value -> result @ begin end", one statement each:

    1 append x 1 @ 1 2          ok from 1 to 2
    2 read x -> 1 @ 3 4         lists are written 1,2,3; "-" is the empty one
    1 append x 2 @ 5 ?          unknown
    1 append x 2 ! @ 5 6        failed
    T1 append x 1 @ 1 2         a statement of transaction 1
    T1 commit @ 3 4
"""
import random
import time

import checker
import history
import pytest


def number_list(text):
    return [] if text == "-" else [int(n) for n in text.split(",")]


def statement(kind, number, text):
    """The history lines of one statement."""
    head, _, times = text.partition("@")
    call, _, result = head.partition("->")
    words = call.split()
    begin, end = times.split()
    failed = "!" in words
    words = [word for word in words if word != "!"]
    line = {"type": "invoke", "op": number, "client": words[0], "server": "s1", "table": "t",
            "f": words[1], "time": float(begin)}
    if words[0][0] == "T":
        line["txn"] = int(words[0][1:])
    value = arguments(kind, line, words[2:])
    yield line
    if failed:
        yield {"type": "fail", "op": number, "time": float(end), "error": value or "40001"}
    elif end == "?":
        yield {"type": "info", "op": number, "time": float(begin) + 1}
    else:
        yield {"type": "ok", "op": number, "time": float(end), "value": outcome(kind, result.strip())}


def arguments(kind, line, words):
    if kind == "list" and words:
        line["key"] = words[0].split("+")
        if len(words) > 1:
            line["value"] = int(words[1])
    elif kind == "register" and words:
        line["key"] = words[0]
        values = [int(word) for word in words[1:]]
        line["value"] = values if line["f"] == "cas" else values[0] if values else None
    elif kind == "blocks" and words:
        line["key"], line["value"] = int(words[0]), int(words[1])
    elif kind == "counter" and words:
        line["key"] = words[0]
    elif kind == "set" and words:
        if line["f"] == "insert":
            line["value"] = number_list(words[0])
            return words[1] if len(words) > 1 else None
        line["key"] = int(words[0])
    return None


def outcome(kind, result):
    if not result:
        return None
    if kind == "blocks":
        return [number_list(part.replace(":", ",")) for part in result.split()]
    if kind == "list":
        return [number_list(part) for part in result.split("+")]
    if kind in ("set", "bank"):
        return number_list(result)
    return {"yes": True, "no": False}.get(result) if result in ("yes", "no") else int(result)


def check(kind, text):
    lines = [{"type": "meta", "tables": {"t": kind}}]
    for number, row in enumerate(filter(None, map(str.strip, text.splitlines())), 1):
        lines += statement(kind, number, row)
    return sorted({anomaly.name for anomaly in checker.check(history.History(lines))})


CASES = [
    ("statements one after the other", "list", [], """
        1 append x 1 @ 1 2
        2 append x 2 -> 1,2 @ 3 4
        1 read x -> 1,2 @ 5 6"""),
    ("two appends at the same time, in either order", "list", [], """
        1 append x 1 @ 1 3
        2 append x 2 @ 1 3
        1 read x -> 2,1 @ 4 5"""),
    ("an unknown append that took effect late", "list", [], """
        1 append x 1 @ 1 ?
        2 read x -> - @ 3 4
        2 read x -> 1 @ 5 6"""),
    ("an unknown append that never did", "list", [], """
        1 append x 1 @ 1 ?
        2 append x 2 @ 3 4
        2 read x -> 2 @ 5 6"""),
    ("READ COMMITTED: reads before the first write each see their own moment", "list", [], """
        T1 read x -> - @ 1 2
        2 append x 1 @ 3 4
        T1 read x -> 1 @ 5 6
        T1 append x 2 @ 7 8
        T1 commit @ 9 10
        2 read x -> 1,2 @ 11 12"""),
    ("READ COMMITTED: a read, and another's append before one's own", "list", [], """
        T1 read x -> - @ 1 2
        T2 append x 1 @ 3 4
        T2 commit @ 5 6
        T1 append x 2 @ 7 8
        T1 commit @ 9 10
        2 read x -> 1,2 @ 11 12"""),
    ("a transaction sees its own appends", "list", [], """
        T1 append x 1 @ 1 2
        T1 append x 2 -> 1,2 @ 3 4
        T1 read x+y -> 1,2+- @ 5 6
        T1 commit @ 7 8
        1 read x -> 1,2 @ 9 10"""),
    ("a savepoint that was rolled back", "list", [], """
        T1 append x 1 @ 1 2
        T1 savepoint @ 3 4
        T1 append x 2 @ 5 6
        T1 rollback-to @ 7 8
        T1 append y 3 @ 9 10
        T1 commit @ 11 12
        1 read x+y -> 1+3 @ 13 14"""),
    ("what was rolled back to a savepoint is seen", "list", ["G1a"], """
        T1 append y 1 @ 1 2
        T1 savepoint @ 3 4
        T1 append x 2 @ 5 6
        T1 rollback-to @ 7 8
        T1 commit @ 11 12
        1 read x+y -> 2+1 @ 13 14"""),
    ("reads of a transaction that lost its server count for nothing", "list", [], """
        T1 append x 1 @ 1 2
        2 append x 2 @ 3 4
        T1 read x -> 1 @ 5 6
        T1 commit ! @ 7 8
        1 read x -> 2 @ 9 10"""),
    ("an acknowledged append is gone", "list", ["lost append"], """
        1 append x 1 @ 1 2
        1 append x 2 @ 3 4
        2 read x -> 1 @ 5 6"""),
    ("an acknowledged append is gone after it was seen", "list", ["lost append", "stale read"], """
        1 append x 1 @ 1 2
        1 append x 2 @ 3 4
        2 read x -> 1,2 @ 5 6
        2 read x -> 1 @ 7 8"""),
    ("a read that lags", "list", ["stale read"], """
        1 append x 1 @ 1 2
        2 read x -> - @ 3 4
        2 read x -> 1 @ 5 6"""),
    ("a read that lags, in a transaction before its first write", "list", ["stale read"], """
        1 append x 1 @ 1 2
        T1 read x -> - @ 3 4
        T1 append y 2 @ 5 6
        T1 rollback @ 7 8
        2 read x -> 1 @ 9 10"""),
    ("an append applied twice", "list", ["duplicate"], """
        1 append x 1 @ 1 2
        2 append x 2 @ 3 4
        2 read x -> 1,2,1 @ 5 6"""),
    ("an append of a transaction that was rolled back is seen", "list", ["G1a"], """
        T1 append x 1 @ 1 2
        T1 rollback @ 3 4
        2 read x -> 1 @ 5 6"""),
    ("an append that was refused is seen", "list", ["G1a"], """
        1 append x 1 ! @ 1 2
        2 read x -> 1 @ 5 6"""),
    ("an append that never came to its COMMIT is seen", "list", ["G1a"], """
        T1 append x 1 @ 1 2
        2 read x -> 1 @ 5 6"""),
    ("half of a transaction is seen, of one key", "list", ["G-single", "G1b"], """
        T1 append x 1 @ 1 2
        T1 append x 2 @ 3 4
        T1 commit @ 5 8
        2 read x -> 1 @ 6 7
        2 read x -> 1,2 @ 9 10"""),
    ("half of a transaction is seen, of two keys", "list", ["G-single"], """
        T1 append x 1 @ 1 2
        T1 append y 1 @ 3 4
        T1 commit @ 5 8
        2 read x+y -> 1+- @ 6 7
        2 read x+y -> 1+1 @ 9 10"""),
    ("an append to two keys, of which one was done", "list", ["G-single", "lost append"], """
        1 append x+y 1 @ 1 2
        2 read x+y -> 1+- @ 3 4"""),
    ("nobody appended it", "list", ["garbage read"], """
        1 append x 1 @ 1 2
        2 read x -> 1,7 @ 3 4"""),
    ("two histories of one key", "list", ["incompatible order"], """
        1 append x 1 @ 1 5
        2 append x 2 @ 1 5
        3 read x -> 1,2 @ 3 4
        4 read x -> 2,1 @ 3 4"""),
    ("a transaction does not see what it wrote", "list", ["internal"], """
        T1 append x 1 @ 1 2
        T1 read x -> - @ 3 4
        T1 commit @ 5 6"""),
    ("two transactions, each before the other in one key", "list", ["G0"], """
        T1 append x 1 @ 1 2
        T2 append x 2 @ 1 2
        T1 append y 1 @ 3 4
        T2 append y 2 @ 3 4
        T1 commit @ 5 6
        T2 commit @ 5 6
        3 read x+y -> 1,2+2,1 @ 7 8"""),
    ("appends stand in the other order than they were acknowledged", "list", ["G0-realtime"], """
        1 append x 1 @ 1 2
        1 append x 2 @ 3 4
        2 read x -> 2,1 @ 5 6"""),
    ("two transactions that saw each other", "list", ["G1c"], """
        T1 append x 1 @ 1 2
        T2 append y 2 @ 1 2
        T1 read y -> 2 @ 3 4
        T2 read x -> 1 @ 3 4
        T1 commit @ 5 6
        T2 commit @ 5 6"""),
    ("an append is seen before it began", "list", ["G1c-realtime"], """
        2 read x -> 1 @ 1 2
        1 append x 1 @ 3 4"""),
    ("two statements read one version and both append", "list", ["lost update"], """
        1 append x 1 @ 1 2
        T1 lock x -> 1 @ 3 4
        T2 lock x -> 1 @ 3 4
        T1 append x 2 @ 5 6
        T2 append x 3 @ 5 6
        T1 commit @ 7 8
        T2 commit @ 7 8
        3 read x -> 1,2,3 @ 9 10"""),
    ("each read what the other was about to write", "list", ["G2"], """
        T1 lock x -> - @ 1 2
        T2 lock y -> - @ 1 2
        T1 append y 1 @ 3 4
        T2 append x 2 @ 3 4
        T1 commit @ 5 6
        T2 commit @ 5 6
        3 read x+y -> 2+1 @ 7 8"""),
    ("a cycle over three units and real time", "list", ["G-single-realtime"], """
        1 append x 1 @ 1 9
        2 read x -> 1 @ 2 3
        3 append y 2 @ 4 5
        4 read x+y -> -+2 @ 6 7
        4 read x -> 1 @ 10 11"""),

    ("a register's reads follow its writes", "register", [], """
        1 read k @ 1 2
        1 write k 1 @ 3 4
        2 read k -> 1 @ 5 6
        2 cas k 1 2 -> yes @ 7 8
        1 cas k 1 3 -> no @ 9 10
        1 read k -> 2 @ 11 12"""),
    ("overlapping writes, seen in one order", "register", [], """
        1 write k 1 @ 1 10
        2 write k 2 @ 1 10
        3 read k -> 2 @ 2 3
        3 read k -> 1 @ 4 5
        3 read k -> 1 @ 11 12"""),
    ("overlapping writes, seen in both orders", "register", ["not linearizable"], """
        1 write k 1 @ 1 10
        2 write k 2 @ 1 10
        3 read k -> 2 @ 2 3
        3 read k -> 1 @ 4 5
        3 read k -> 2 @ 11 12"""),
    ("a read that lags", "register", ["not linearizable"], """
        1 write k 1 @ 1 2
        1 write k 2 @ 3 4
        2 read k -> 1 @ 5 6"""),
    ("an unknown write, seen later", "register", [], """
        1 write k 1 @ 1 2
        1 write k 2 @ 3 ?
        2 read k -> 1 @ 5 6
        2 read k -> 2 @ 7 8"""),
    ("an unknown write, seen and then gone", "register", ["not linearizable"], """
        1 write k 1 @ 1 2
        1 write k 2 @ 3 ?
        2 read k -> 2 @ 5 6
        2 read k -> 1 @ 7 8"""),
    ("an unknown write explains a cas that did not find its value", "register", [], """
        1 write k 1 @ 1 2
        1 write k 2 @ 3 ?
        2 cas k 1 3 -> no @ 5 6"""),
    ("nothing explains a cas that did not find its value", "register", ["not linearizable"], """
        1 write k 1 @ 1 2
        2 cas k 1 3 -> no @ 5 6"""),
    ("two cas take the same value", "register", ["not linearizable"], """
        1 write k 1 @ 1 2
        2 cas k 1 2 -> yes @ 3 5
        3 cas k 1 3 -> yes @ 3 5"""),
    ("a write that was refused is seen", "register", ["not linearizable"], """
        1 write k 1 ! @ 1 2
        2 read k -> 1 @ 3 4"""),

    ("a counter counts", "counter", [], """
        1 add a -> 1 @ 1 2
        2 add a @ 1 4
        2 add a @ 5 ?
        1 read a -> 2 @ 6 7
        1 read a -> 3 @ 8 9"""),
    ("an add is gone", "counter", ["lost or stale"], """
        1 add a @ 1 2
        2 add a @ 1 2
        1 read a -> 1 @ 3 4"""),
    ("an add was done twice", "counter", ["duplicate"], """
        1 add a @ 1 2
        1 read a -> 2 @ 3 4"""),
    ("two adds to one value", "counter", ["lost update"], """
        1 add a -> 1 @ 1 4
        2 add a -> 1 @ 1 4"""),
    ("a counter goes back", "counter", ["stale read"], """
        1 add a @ 1 9
        2 read a -> 1 @ 2 3
        2 read a -> 0 @ 4 5"""),

    ("a set keeps what is put into it", "set", [], """
        1 insert 1 @ 1 2
        1 insert 2 @ 3 ?
        1 insert 3 ! @ 4 5
        2 read 0 -> 1 @ 6 7
        2 read 2 -> 2 @ 8 9"""),
    ("an insert is gone", "set", ["lost insert"], """
        1 insert 1 @ 1 2
        2 read 0 -> - @ 3 4"""),
    ("an insert is there twice", "set", ["duplicate"], """
        1 insert 1 @ 1 2
        2 read 0 -> 1,1 @ 3 4"""),
    ("an insert is refused as a duplicate of itself", "set", ["duplicate"], """
        1 insert 1 23505 ! @ 1 2"""),
    ("a refused insert is there", "set", ["G1a"], """
        1 insert 1 ! @ 1 2
        2 read 0 -> 1 @ 3 4"""),
    ("a read of a set lags", "set", ["stale read"], """
        1 insert 1 @ 1 2
        2 read 0 -> - @ 3 4
        2 read 0 -> 1 @ 5 6"""),
    ("half of a statement is there", "set", ["broken statement"], """
        1 insert 1,2,3 @ 1 4
        2 read 2 -> 2,3 @ 2 3
        2 read 0 -> 2,3 @ 2 3
        2 read 0 -> 1,2,3 @ 5 6"""),
    ("nobody inserted it", "set", ["garbage read"], """
        2 read 0 -> 1 @ 3 4"""),

    ("blocks are there as a whole", "blocks", [], """
        1 insert 1 500 @ 1 2
        T2 insert 2 300 @ 1 2
        T2 insert 2 200 @ 3 4
        T2 commit @ 5 6
        T3 insert 3 300 @ 1 2
        T3 rollback @ 3 4
        1 insert 4 300 @ 3 ?
        2 read -> 1:500 2:500 @ 7 8
        2 read -> 1:500 2:500 4:300 @ 9 10"""),
    ("a part of a block", "blocks", ["broken transaction"], """
        T2 insert 2 300 @ 1 2
        T2 insert 2 200 @ 3 4
        T2 commit @ 5 6
        2 read -> 2:300 @ 7 8"""),
    ("a block twice", "blocks", ["duplicate"], """
        1 insert 2 300 @ 1 2
        2 read -> 2:600 @ 7 8"""),
    ("a block is gone", "blocks", ["lost insert"], """
        1 insert 2 300 @ 1 2
        2 read -> 3:1 @ 2 3
        1 insert 3 1 @ 1 3
        2 read -> 3:1 @ 7 8"""),
    ("what was rolled back of a block", "blocks", ["G1a"], """
        T2 insert 2 300 @ 1 2
        T2 rollback @ 3 4
        2 read -> 2:300 @ 7 8"""),

    ("the sum stays", "bank", [], """
        1 read -> 10,10 @ 1 2
        1 read -> 5,15 @ 3 4"""),
    ("the sum changes", "bank", ["broken sum"], """
        1 read -> 10,10 @ 1 2
        1 read -> 5,10 @ 3 4"""),
]


@pytest.mark.parametrize("title,kind,names,text", CASES, ids=[f"{c[1]}: {c[0]}" for c in CASES])
def test_case(title, kind, names, text):
    assert check(kind, text) == names


def audit(accounts, ledger, commits):
    lines = [{"type": "meta", "tables": {"t": "bank"}}]
    for number, (txn, kind) in enumerate(commits.items(), 1):
        lines += [{"type": "invoke", "op": number, "time": number, "table": "t", "f": "commit", "txn": txn},
                  {"type": kind, "op": number, "time": number + 0.5}]
    lines += [{"type": "invoke", "op": 99, "time": 99, "table": "t", "f": "audit"},
              {"type": "ok", "op": 99, "time": 100, "value": {"accounts": accounts, "ledger": ledger}}]
    return sorted({anomaly.name for anomaly in checker.check(history.History(lines))})


def test_ledger():
    """Accounts against the ledger, the ledger against the transactions."""
    accounts = [[1, 90, 100, -10], [2, 110, 100, 10]]
    assert audit(accounts, [7, 7], {7: "ok", 8: "fail", 9: "info"}) == []
    assert audit(accounts, [7, 7, 9, 9], {7: "ok", 9: "info"}) == []
    assert audit(accounts, [7, 7], {7: "ok", 8: "ok"}) == ["lost transaction"]
    assert audit(accounts, [7, 7], {7: "fail"}) == ["G1a"]
    assert audit(accounts, [7], {7: "ok"}) == ["broken transaction"]
    assert audit(accounts, [7] * 4, {7: "ok"}) == ["duplicate"]
    assert audit([[1, 91, 100, -10]], [7, 7], {7: "ok"}) == ["broken transaction"]


# ---- histories made by a machine that is right --------------------------------------------------------

class Machine:
    """A perfect database, and clients whose statements overlap; with a `flaw` it errs now and then."""

    def __init__(self, seed, flaw=None):
        self.random, self.flaw = random.Random(seed), flaw
        self.lists, self.registers, self.values = {}, {}, 0
        self.lines = [{"type": "meta", "tables": {"t": "list", "r": "register"}}]

    def run(self, n):
        busy = [0.0] * 10
        for op in range(1, n + 1):
            moment = op / 10.0  # at which it happens
            client = self.random.choice([c for c in range(10) if busy[c] < moment])
            begin = self.random.uniform(busy[client], moment)
            end = busy[client] = moment + self.random.random() / 2
            make = self.list_op if op % 2 else self.register_op
            self.lines.append(dict(make(op), type="invoke", op=op, time=begin, client=client))
            self.lines[-1].setdefault("server", "s1")
            value = self.lines[-1].pop("outcome")
            kind = "info" if self.random.random() < 0.001 else "ok"
            self.lines.append({"type": kind, "op": op, "time": end, "value": value})
        return history.History(self.lines)

    def list_op(self, op):
        key = f"k{op // 2000}.{self.random.randrange(10)}"
        now = self.lists.setdefault(key, [])
        line = {"table": "t", "key": [key]}
        if self.random.random() < 0.5:
            self.values += 1
            if self.flaw != "lost" or self.random.random() > 0.001:
                now.append(self.values)
            return dict(line, f="append", value=self.values, outcome=None)
        seen = now[:-3] if self.flaw == "stale" and self.random.random() < 0.001 else now
        return dict(line, f="read", outcome=[list(seen)])

    def register_op(self, op):
        key = f"r{op // 2000}.{self.random.randrange(10)}"
        line, now = {"table": "r", "key": key}, self.registers.get(key)
        dice = self.random.random()
        self.values += 1
        if dice < 0.4:
            self.registers[key] = self.values
            return dict(line, f="write", value=self.values, outcome=None)
        if dice < 0.6 and now is not None:
            self.registers[key] = self.values
            return dict(line, f="cas", value=[now, self.values], outcome=True)
        return dict(line, f="read", outcome=now)


@pytest.mark.parametrize("seed", range(3))
def test_machine(seed):
    """Right histories pass, and one with a few flaws in thousands of statements does not."""
    assert checker.check(Machine(seed).run(6000)) == []
    for flaw in ("lost", "stale"):
        assert checker.check(Machine(seed, flaw).run(20000)) != []


def test_many_operations():
    """100,000 operations: seconds. (The limit is generous; `pytest --durations=1` says how long.)"""
    recorded = Machine(1).run(100_000)
    start = time.process_time()
    assert checker.check(recorded) == []
    assert time.process_time() - start < 60
