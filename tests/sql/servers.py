"""The two servers that tests/sql compares: a PostgreSQL 15 of its own, and a playground of MiniSQL."""
import contextlib
import glob
import os
import random
import re
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PLAYGROUND = os.path.join(ROOT, "tools", "playground")
POSTGRES = "/usr/lib/postgresql/15/bin"
SHAPES = {"cluster": ["--servers", "3", "--coord", "etcd"],
          "single": ["--servers", "1", "--coord", "embedded"]}
PORTS = {"cluster": (20000, 26000), "single": (26000, 32000)}  # they may run at the same time
ALARMS = re.compile(r"Sanitizer|runtime error:|Assertion .* failed|stack smashing")
LIMIT_S = 120  # of one step


class Postgres:
    """A PostgreSQL of its own in a temporary directory; each file gets a new database."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="minisql-sql-")
        self.port = random.randrange(20000, 32000)
        self.wrap = []
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres", "postgres")
            self.wrap = ["runuser", "-u", "postgres", "--"]
        self.tool("initdb", "-D", self.dir + "/data", "-A", "trust", "-U", "test", "-E", "UTF8",
                  "--locale=C", "--no-sync")
        self.tool("pg_ctl", "-D", self.dir + "/data", "-l", self.dir + "/log", "-w", "start", "-o",
                  f"-p {self.port} -k {self.dir} -c listen_addresses=127.0.0.1 -c timezone=UTC "
                  "-c fsync=off -c jit=off -c max_prepared_transactions=10")

    def tool(self, program, *arguments):
        subprocess.run([*self.wrap, os.path.join(POSTGRES, program), *arguments], cwd=self.dir,
                       check=True, stdout=subprocess.DEVNULL)

    def command(self, sql):
        subprocess.run(["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "test",
                        "-d", "postgres", "-c", sql], check=True)

    def new_file(self):
        self.command("CREATE DATABASE minisql TEMPLATE template0")

    def end_file(self):
        self.command("DROP DATABASE minisql WITH (FORCE)")

    def down(self):
        self.tool("pg_ctl", "-D", self.dir + "/data", "-m", "immediate", "stop")
        shutil.rmtree(self.dir)
        return True


class MiniSQL:
    """A playground; psql talks to its last server, for the first one gets the first table."""

    def __init__(self, build, shape):
        self.build = build
        self.dir = tempfile.mkdtemp(prefix="minisql-sql-")
        self.environment = dict(os.environ, MINISQL_BUILD=build)
        self.port = random.randrange(*PORTS[shape])
        self.playground("up", *SHAPES[shape], "--port", str(self.port), "--quiet")
        self.port += int(SHAPES[shape][1]) - 1

    def playground(self, command, *arguments):
        subprocess.run([PLAYGROUND, command, "--dir", self.dir, *arguments], check=True,
                       env=self.environment, stdout=subprocess.DEVNULL)

    def new_file(self):
        pass

    def end_file(self):
        """The next file finds an empty database; and the server has to be alive."""
        psql = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "test", "-d",
                "minisql"]
        schemas = subprocess.run([*psql, "-At", "-c", "SELECT nspname FROM pg_namespace WHERE "
                                  "nspname NOT IN ('pg_catalog', 'information_schema')"],
                                 check=True, stdout=subprocess.PIPE, text=True,
                                 timeout=LIMIT_S).stdout.splitlines()
        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in schemas)
        if quoted:
            subprocess.run([*psql, "-c", f"DROP SCHEMA {quoted} CASCADE"], check=False,
                           stderr=subprocess.DEVNULL, timeout=LIMIT_S)
        subprocess.run([*psql, "-c", "CREATE SCHEMA IF NOT EXISTS public"], check=True,
                       stderr=subprocess.DEVNULL, timeout=LIMIT_S)
        subprocess.run([os.path.join(self.build, "minisql"), "-h", "127.0.0.1", "-p",
                        str(self.port), "clear", "--yes"], check=True, stdout=subprocess.DEVNULL,
                       timeout=LIMIT_S)

    def down(self):
        """Ends it, and says what the sanitizers found. False: they did find something."""
        self.playground("down")
        found = False
        for log in glob.glob(os.path.join(self.dir, "*.log")):
            with open(log, errors="replace") as f:
                text = f.read()
            if ALARMS.search(text):
                found = True
                print(f"---- {os.path.basename(log)}, its end:\n{text[-8000:]}")
        shutil.rmtree(self.dir, ignore_errors=True)
        return not found


@contextlib.contextmanager
def running(start, *arguments):
    server = start(*arguments)
    try:
        yield server
    finally:
        if not server.down():
            raise SystemExit("a server's log holds errors of the sanitizers, or an assertion")
