"""Histories: what clients asked, when, and what they were told.

A history is a file of JSON lines. The first says what was run:

    {"type": "meta", "seed": 7, "tables": {"list0": "list", "register": "register", ..}, ..}

Each statement is two lines, an invocation and its end; `op` ties them together:

    {"time": 1.204, "type": "invoke", "op": 12, "client": 3, "server": "s2", "table": "list0",
     "f": "append", "key": [5], "value": 77, "txn": 9}
    {"time": 1.210, "type": "ok", "op": 12, "value": ..}

`ok`: it happened, with that result. `fail`: it had no effect, the server said so. `info`: nobody
knows (the connection broke): it happened at some time after its invocation, or never will. A
statement without an end is `info`. Faults stand between them, with their own begin and end:

    {"time": 2.001, "type": "fault", "what": "kill", "target": "s1", "why": "primary of list0"}

Times are seconds on one monotonic clock from the start of the run, taken before the statement is
sent and after its answer has come: what is written here is never narrower than what was.
"""
import json
import threading
import time

NEVER = float("inf")


class Op:
    """One statement. `end` is NEVER where nobody knows it."""
    __slots__ = ("id", "client", "server", "table", "f", "key", "value", "txn", "begin", "end",
                 "type", "result", "error")

    def __init__(self, line):
        self.id, self.client, self.server = line["op"], line.get("client"), line.get("server")
        self.table, self.f = line["table"], line["f"]
        self.key, self.value, self.txn = line.get("key"), line.get("value"), line.get("txn")
        self.begin, self.end = line["time"], NEVER
        self.type, self.result, self.error = "info", None, None

    def complete(self, line):
        self.type, self.result, self.error = line["type"], line.get("value"), line.get("error")
        if self.type != "info":
            self.end = line["time"]

    def __str__(self):
        what = f"{self.f} {self.key if self.key is not None else ''}"
        if self.value is not None:
            what += f" {self.value}"
        if self.type == "ok" and self.result is not None:
            what += f" -> {short(self.result)}"
        elif self.type != "ok":
            what += f" ({'failed' if self.type == 'fail' else 'unknown'}: {self.error or 'no answer'})"
        until = "?" if self.end == NEVER else f"{self.end:.4f}"
        return f"{self.begin:.4f}..{until} client {self.client} at {self.server} {self.table}: {what}"


def short(value):
    """A result, as far as it fits into a line."""
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:30]} .. {text[-60:]}"


class History:
    """A history that was read: its meta line, its operations by table, its faults."""

    def __init__(self, lines):
        self.meta, self.faults, self.ops = {"tables": {}}, [], {}
        for line in lines:
            kind = line["type"]
            if kind == "invoke":
                self.ops[line["op"]] = Op(line)
            elif kind == "meta":
                self.meta = line
            elif kind == "fault":
                self.faults.append(line)
            else:
                self.ops[line["op"]].complete(line)

    def of_table(self, table):
        return sorted((op for op in self.ops.values() if op.table == table), key=lambda op: op.begin)

    def counts(self):
        counts = {"ok": 0, "fail": 0, "info": 0}
        for op in self.ops.values():
            counts[op.type] += 1
        return counts


def read(path):
    """Reads a file; a last line that was cut off is left out."""
    def lines(f):
        for text in f:
            if text.endswith("\n"):
                yield json.loads(text)
    with open(path) as f:
        return History(lines(f))


class Recorder:
    """Writes a history; any thread may call it."""

    def __init__(self, path, meta):
        self.file = open(path, "w")
        self.lock = threading.Lock()  # guards file, n_ops, counts
        self.start = time.monotonic()
        self.n_ops = 0
        self.counts = {"ok": 0, "fail": 0, "info": 0}
        self.write(dict(meta, type="meta"))

    def now(self):
        return round(time.monotonic() - self.start, 6)

    def write(self, line):
        text = json.dumps(line, separators=(",", ":")) + "\n"
        with self.lock:
            if not self.file.closed:  # a client that hangs has nothing to add any more
                self.file.write(text)

    def invoke(self, **fields):
        with self.lock:
            self.n_ops += 1
            op = self.n_ops
        self.write(dict(fields, type="invoke", op=op, time=self.now()))
        return op

    def end(self, op, kind, value=None, error=None):
        line = {"time": self.now(), "type": kind, "op": op}
        if value is not None:
            line["value"] = value
        if error is not None:
            line["error"] = error
        with self.lock:
            self.counts[kind] += 1
        self.write(line)

    def fault(self, what, **fields):
        self.write(dict(fields, type="fault", time=self.now(), what=what))

    def close(self):
        with self.lock:
            self.file.close()
