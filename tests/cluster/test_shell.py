"""The shell at a terminal: prompts, lines, completion, history, Ctrl-C, questions, another server."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

import pytest

from conftest import MINISQL


class Terminal:
    """build/minisql on a pseudo terminal."""

    def __init__(self, cluster, history, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.environ.update(MINISQL_HISTORY=str(history), TERM="xterm", PAGER="")
                os.execv(MINISQL, [MINISQL, "-h", "127.0.0.1", "-p", str(cluster.port), *arguments])
            finally:
                os._exit(127)  # no second pytest
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 9000, 0, 0))
        self.seen = ""

    def wait(self, text, seconds=20):
        """Reads until `text` appears; gives what was read, without the terminal's own codes."""
        deadline, got = time.monotonic() + seconds, self.seen
        while text not in got:
            left = deadline - time.monotonic()
            assert left > 0, f"no {text!r} in {got!r}"
            if select.select([self.fd], [], [], left)[0]:
                data = os.read(self.fd, 65536).decode(errors="replace")
                got += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[\r\a]", "", data)
        before, _, self.seen = got.partition(text)
        return before

    def type(self, text):
        os.write(self.fd, text.encode())

    def ask(self, line, prompt="minisql=> "):
        """Types a line; gives what comes before the next prompt, less the line itself."""
        self.type(line + "\n")
        answer = self.wait(prompt)
        answer = answer[answer.find(line):]
        while answer.startswith(line + "\n"):  # the echo; two of them when we typed too early
            answer = answer[len(line) + 1:]
        return answer

    def end(self):
        self.type("\x03")
        time.sleep(0.3)  # a signal drops what is typed at the same moment
        self.type("quit\n")
        try:
            while select.select([self.fd], [], [], 10)[0] and os.read(self.fd, 65536):
                pass
        except OSError:
            pass  # the other end is closed
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            time.sleep(1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
        assert pid and os.waitstatus_to_exitcode(status) == 0, "quit ends the shell"


@pytest.fixture
def terminal(single, tmp_path):
    single.query("CREATE TABLE student1 (id1 int PRIMARY KEY, name1 char(12) UNIQUE, score1 float)")
    single.query("INSERT INTO student1 VALUES (1, 'a', 1.5), (2, 'b', NULL)")
    terminal = Terminal(single, tmp_path / "history")
    terminal.wait("minisql=> ")
    yield terminal
    terminal.end()


def test_statement_over_several_lines(terminal):
    """The prompt shows what is open; the answer is drawn as psql draws it."""
    terminal.ask("select id1, score1", "minisql-> ")
    terminal.ask("  from student1 where name1 <> 'x;", "minisql'> ")
    terminal.ask("'", "minisql-> ")
    assert terminal.ask("order by id1;") == (
        " id1 | score1 \n-----+--------\n   1 |    1.5\n   2 |       \n(2 rows)\n\n")


def test_prompt_shows_the_transaction(terminal):
    """A star for an open transaction, an exclamation mark for a failed one."""
    terminal.ask("begin;", "minisql=*> ")
    answer = terminal.ask("select 1/0;", "minisql=!> ")
    assert answer == "ERROR:  division by zero\n"
    terminal.ask("rollback;")


def test_error_has_a_caret(terminal):
    """The caret stands under the place."""
    answer = terminal.ask("select nope from student1;").split("\n")
    assert answer[0] == 'ERROR:  column "nope" does not exist'
    assert answer[1:3] == ["LINE 1: select nope from student1;", "               ^"]


def test_completion(terminal):
    """Keywords, tables and columns; the keyword follows the case of what was typed."""
    terminal.type("sel\t")
    terminal.wait("select")
    terminal.type("* from stud\t")
    terminal.wait("student1")
    terminal.type("wher\t")
    terminal.wait("where")
    terminal.type("sco\t")
    terminal.wait("score1")
    assert "(1 row)" in terminal.ask("> 1;")


def test_ctrl_c(terminal):
    """Ctrl-C forgets a half typed statement, and cancels a running one."""
    terminal.ask("select 'abc", "minisql'> ")
    terminal.type("\x03")
    terminal.wait("minisql=> ")
    terminal.ask("create table big (id int primary key);")
    values = ", ".join(f"({i})" for i in range(400))
    terminal.ask(f"insert into big values {values};")
    terminal.type("select count(*) from big a, big b, big c, big d where a.id + b.id + c.id + d.id = -1;\n")
    time.sleep(1)
    terminal.type("\x03")
    assert "canceling statement due to user request" in terminal.wait("minisql=> ")
    assert "(1 row)" in terminal.ask("select 1;")


def test_history(terminal, single, tmp_path):
    """The arrow brings the last statement back, in a later shell too."""
    terminal.ask("select 'once more';")
    terminal.type("\x1b[A\n")
    assert "once more" in terminal.wait("(1 row)")
    terminal.wait("minisql=> ")
    terminal.end()
    again = Terminal(single, tmp_path / "history")
    again.wait("minisql=> ")
    again.type("\x1b[A\x1b[A\n")  # above quit
    assert "once more" in again.wait("(1 row)")
    again.wait("minisql=> ")
    terminal.pid, terminal.fd = again.pid, again.fd


def test_clear_asks(terminal):
    """clear drops everything after a yes, and nothing after anything else."""
    assert "Nothing was dropped" in ask_clear(terminal, "no")
    assert "(2 rows)" in terminal.ask("select * from student1;")
    assert "1 table dropped" in ask_clear(terminal, "y")
    assert "does not exist" in terminal.ask("select * from student1;")


def ask_clear(terminal, answer):
    terminal.type("clear\n")
    terminal.wait("[y/N] ")
    return terminal.ask(answer)


def test_settings(terminal):
    """\\timing, \\x and \\gx change how results look."""
    terminal.ask("\\timing on")
    assert re.search(r"Time: \d+\.\d+ ms", terminal.ask("select 1;"))
    assert "-[ RECORD 1 ]" in terminal.ask("select 1 \\gx")
    terminal.ask("\\x")
    assert "-[ RECORD 1 ]" in terminal.ask("select 1;")
    assert "\\timing" in terminal.ask("\\?")


def test_reconnects(terminal, single):
    """The server restarts: the next statement runs; a transaction is reported gone."""
    single.kill("s1")
    single.start("s1")
    answer = terminal.ask("select count(*) from student1;")
    assert "was lost" in answer and "Connected again" in answer and "2" in answer
    terminal.ask("begin;", "minisql=*> ")
    single.kill("s1")
    single.start("s1")
    assert "The transaction is gone" in terminal.ask("select 1;")
    assert "INSERT 0 1" in terminal.ask("insert into student1 values (3, 'c', 3);")
