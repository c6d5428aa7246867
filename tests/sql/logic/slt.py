"""The format of sqllogictest, read and shown, and the servers that answer."""
import collections
import contextlib
import decimal
import hashlib
import os
import sys

from psycopg import pq

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from servers import MiniSQL, Postgres, SHAPES, running  # noqa: E402

DATABASE = "postgresql"
PATIENCE_MS = 60000

# ---- files ---------------------------------------------------------------------------------------------

# kind: ok, error, query; what is expected of a query: lines, or the text of a sum of them
Record = collections.namedtuple("Record", "line kind sql types sort label expected")


def blocks(lines):
    """(number of the first line, lines) of what stands between blank lines; comments are left out."""
    block, first = [], 0
    for number, line in enumerate([*lines, ""], 1):
        line = line.rstrip("\r\n")
        if not line.strip():
            if block:
                yield first, block
            block = []
        elif block or not line.startswith("#"):
            first = first if block else number
            block.append(line)


def read(lines):
    """The records of a file that are for us."""
    for number, block in blocks(lines):
        ours = True
        while block and block[0].split()[0] in ("skipif", "onlyif", "hash-threshold", "halt"):
            word, *rest = block.pop(0).split()
            number += 1
            if word == "halt" and ours:
                return
            if word == "skipif" and rest[0] == DATABASE or word == "onlyif" and rest[0] != DATABASE:
                ours = False
        if not block or not ours:
            continue
        head, *text = block
        words = head.split()
        if words[0] == "statement" and words[1] in ("ok", "error"):
            yield Record(number, words[1], "\n".join(text), "", "nosort", None, None)
        elif words[0] == "query":
            end = text.index("----") if "----" in text else len(text)
            sort = words[2] if len(words) > 2 else "nosort"
            label = words[3] if len(words) > 3 else None
            yield Record(number, "query", "\n".join(text[:end]), words[1], sort, label, text[end + 1:])
        else:
            raise SystemExit(f"line {number}: what is {head!r}?")


# ---- answers -------------------------------------------------------------------------------------------

# error: SQLSTATE or None; values: of a query, as the format shows them and in its order
Answer = collections.namedtuple("Answer", "error message values")


def shown(value, letter):
    if value is None:
        return "NULL"
    text = value.decode(errors="replace")
    if letter == "T":
        return "".join(c if " " <= c <= "~" else "@" for c in text) or "(empty)"
    text = {"t": "1", "f": "0"}.get(text, text)
    try:
        return str(int(decimal.Decimal(text))) if letter == "I" else f"{float(text):.3f}"
    except (ArithmeticError, ValueError):
        return "0" if letter == "I" else "0.000"


def in_order(rows, sort):
    if sort == "valuesort":
        return sorted(value for row in rows for value in row)
    return [value for row in (sorted(rows) if sort == "rowsort" else rows) for value in row]


def hashed(values):
    return hashlib.md5("".join(value + "\n" for value in values).encode()).hexdigest()


class Connection:
    """One of the servers, in a schema made for one file."""

    def __init__(self, conninfo):
        self.conninfo, self.schema = conninfo, f"logic_{os.getpid()}"
        self.pg = None
        self.connect()

    def connect(self):
        self.pg = pq.PGconn.connect(self.conninfo.encode())
        if self.pg.status != pq.ConnStatus.OK:
            raise SystemExit(self.pg.error_message.decode())
        self.pg.exec_(f"SET statement_timeout = {PATIENCE_MS}".encode())
        self.pg.exec_(f"SET search_path = {self.schema}".encode())

    def must(self, sql):
        error = self.ask(sql).error
        if error:
            raise SystemExit(f"{sql}: {error}")

    def begin_file(self):
        self.ask(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")
        self.must(f"CREATE SCHEMA {self.schema}")

    def end_file(self):
        self.must(f"DROP SCHEMA {self.schema} CASCADE")

    def ask(self, sql, types="", sort="nosort"):
        result = self.pg.exec_(sql.encode())
        if self.pg.status != pq.ConnStatus.OK:
            self.connect()
            return Answer("lost", "the connection broke", [])
        if result.status == pq.ExecStatus.FATAL_ERROR:
            fields = (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY)
            return Answer(*((result.error_field(f) or b"").decode() for f in fields), [])
        if types and len(types) != result.nfields:
            return Answer("columns", f"{result.nfields} columns", [])
        rows = [tuple(shown(result.get_value(r, c), types[c]) for c in range(len(types)))
                for r in range(result.ntuples)]
        return Answer(None, "", in_order(rows, sort))


@contextlib.contextmanager
def connected(target, shape):
    """A Connection to what TARGET says, started for the run if it says so."""
    if target == "postgres" or os.path.isdir(target):
        start = (Postgres,) if target == "postgres" else (MiniSQL, os.path.realpath(target), shape)
        with running(*start) as server:
            server.new_file()
            yield Connection(f"host=127.0.0.1 port={server.port} user=test dbname=minisql")
    else:
        yield Connection(target)
