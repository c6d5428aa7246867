"""What psql's TAB offers: it asks the server, and says nothing when that fails.

Types the beginnings of statements that completion.txt lists, each followed by TAB, and compares what psql shows with what
stands there, which PostgreSQL 15 gave: completion.py update, with PGHOST, PGPORT and PGUSER as for the others."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios

from checks import check, run

HERE = os.path.dirname(os.path.realpath(__file__))
EXPECTED = os.path.join(HERE, "completion.txt")
PSQL = "/usr/lib/postgresql/15/bin/psql"
DATABASE = "psql_completion"
INPUTRC = """set show-all-if-ambiguous on
set bell-style none
set page-completions off
set completion-query-items 0
set completion-display-width 0
set enable-bracketed-paste off
"""
SCHEMA = """
CREATE SCHEMA shop; CREATE SCHEMA "Odd one";
CREATE TYPE shop.mood AS ENUM ('good', 'bad', 'so so');
CREATE TABLE shop.owner (id serial PRIMARY KEY, name varchar(40) CONSTRAINT owner_name UNIQUE, mood shop.mood DEFAULT 'good');
CREATE TABLE shop.pet (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, owner int CONSTRAINT pet_owner REFERENCES shop.owner,
    price numeric CONSTRAINT pet_price CHECK (price > 0));
CREATE INDEX pet_by_name ON shop.pet (name);
CREATE VIEW shop.happy AS SELECT * FROM shop.owner WHERE mood = 'good';
CREATE MATERIALIZED VIEW shop.cheap AS SELECT * FROM shop.pet WHERE price < 10;
CREATE SEQUENCE shop.counter;
CREATE TABLE "Odd one"."Big" ("Name" text, "a b" int);
CREATE TABLE pub_one (aa int PRIMARY KEY, ab int, "Ac" int);
CREATE TABLE pub_two (ba int REFERENCES pub_one);
CREATE VIEW pub_view AS SELECT aa FROM pub_one;
CREATE INDEX pub_idx ON pub_one (ab);
"""
OWN = """PREPARE prep_one AS SELECT 1;
PREPARE "Prep Two" AS SELECT 2;
BEGIN;
DECLARE cur_one CURSOR WITH HOLD FOR SELECT 1;
DECLARE cur_two CURSOR WITH HOLD FOR SELECT 1;
COMMIT;
LISTEN chan_one;
LISTEN chan_two;
"""


class Terminal:
    """psql on a terminal of its own."""

    def __init__(self, folder):
        inputrc = os.path.join(folder, "inputrc")
        with open(inputrc, "w") as f:
            f.write(INPUTRC)
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ.update(INPUTRC=inputrc, TERM="dumb", PSQL_HISTORY="/dev/null", PAGER="cat", LC_ALL="C.UTF-8")
            os.execv(PSQL, ["psql", "-X", "-q", "-d", DATABASE])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 2000, 0, 0))
        self.marks = 0
        self.type("\\set PROMPT1 '>'\n\\set PROMPT2 '>'\n")
        self.sync()

    def type(self, text):
        os.write(self.fd, text.encode())

    def sync(self):
        """What came until psql has done all that was typed."""
        self.marks += 1
        end = f"mark-{self.marks}\r\n>".encode()
        self.type(f"\\echo 'mark-'{self.marks}\n")
        data = b""
        while end not in data:
            data += os.read(self.fd, 65536)
        return data.decode(errors="replace")

    def offers(self, text):
        """The words that are offered; or the line, when there is only one way to go on."""
        self.type(text + "\t\x15")  # the last key empties the line
        lines = self.sync().split("\r\n")
        lines = [line.split("\r")[0] for line in lines if not re.search(r">\\echo|^mark-", line.split("\r")[-1]) or "\r" in line]
        words = [line for line in lines[1:] if line and not line.startswith(">")]
        return words or [lines[0].lstrip(">").rstrip()]


def ask(beginnings):
    where = [PSQL, "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    subprocess.run([*where, "-c", f"DROP DATABASE IF EXISTS {DATABASE}", "-c", f"CREATE DATABASE {DATABASE}"], check=True,
                   stderr=subprocess.DEVNULL)
    subprocess.run([*where, "-d", DATABASE], input=SCHEMA, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(folder)
        terminal.type(OWN)
        terminal.sync()
        found = {text: terminal.offers(text) for text in beginnings}
        terminal.type("\\q\n")
        os.wait()
    return found


def read():
    with open(EXPECTED) as f:
        lines = [line.rstrip("\n").partition(" -> ") for line in f if line.strip() and not line.startswith("#")]
    return {text: words.split(", ") for text, _, words in lines}


@check
def completion(_):
    expected = read()
    found = ask(expected)
    wrong = [f"{text!r}: {found[text]}, not {expected[text]}" for text in expected if found[text] != expected[text]]
    assert not wrong, "\n".join(wrong)


if __name__ == "__main__":
    if sys.argv[1:] == ["update"]:
        answers = ask(read())
        with open(EXPECTED, "w") as out:
            out.write("# What psql 15 offers of PostgreSQL 15 after what stands left: written by completion.py update.\n")
            for start, offered in answers.items():
                out.write(f"{start} -> {', '.join(offered)}\n")
    else:
        run(None)
