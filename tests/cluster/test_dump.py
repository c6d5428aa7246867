"""pg_dump: what it writes restores into PostgreSQL and into MiniSQL, and dumps the same again."""
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from conftest import free_ports

POSTGRES = "/usr/lib/postgresql/15/bin"
SCHEMA = """
CREATE SCHEMA shop;
CREATE TABLE shop.kind (id int PRIMARY KEY, name varchar(20) NOT NULL UNIQUE);
CREATE TABLE item (
    id serial PRIMARY KEY,
    kind int DEFAULT 1 REFERENCES shop.kind ON DELETE SET NULL,
    parent int REFERENCES item DEFERRABLE INITIALLY DEFERRED,
    price numeric(10,2) DEFAULT 0 CHECK (price >= 0),
    label text NOT NULL DEFAULT 'it''s',
    "Odd one" char(3),
    made timestamptz DEFAULT now(),
    data bytea, small smallint, flag bool DEFAULT true, day date, at time, span interval, uid uuid,
    ratio float8, doc jsonb, CHECK (label <> '' AND (kind IN (1, 2) OR kind IS NULL)));
CREATE INDEX item_label ON item (label DESC, id);
CREATE UNIQUE INDEX "Odd index" ON item ("Odd one");
CREATE SEQUENCE shop.numbers INCREMENT 5 START 10;
CREATE VIEW cheap AS SELECT item.id, item.label FROM public.item WHERE (item.price < (10)::numeric);
CREATE TABLE "Empty table" (a int);
CREATE TABLE shop.pair (a int, b text, UNIQUE (a, b), CONSTRAINT named CHECK (a > 0));
CREATE TABLE shop.uses_pair (a int, b text, FOREIGN KEY (b, a) REFERENCES shop.pair (b, a) ON UPDATE CASCADE);
INSERT INTO shop.pair VALUES (1, 'x');
INSERT INTO shop.uses_pair VALUES (1, 'x'), (NULL, 'y'), (1, NULL);
ALTER TABLE shop.uses_pair ADD CONSTRAINT later CHECK (a > 1) NOT VALID;
CREATE MATERIALIZED VIEW shop.named AS SELECT kind.id, kind.name FROM shop.kind WHERE (kind.id > 0);
CREATE UNIQUE INDEX named_id ON shop.named (id);
COMMENT ON SCHEMA shop IS 'what is sold';
COMMENT ON TABLE item IS 'an item';
COMMENT ON COLUMN item.label IS 'it''s its label';
COMMENT ON INDEX item_label IS 'by label';
COMMENT ON CONSTRAINT item_pkey ON item IS 'the key';
COMMENT ON VIEW cheap IS 'below 10';
COMMENT ON SEQUENCE shop.numbers IS 'by fives';
COMMENT ON MATERIALIZED VIEW shop.named IS 'kept';
INSERT INTO shop.kind VALUES (1, 'one'), (2, E'two\\ttabs\\nlines \\\\');
INSERT INTO item (kind, price, label, "Odd one", made, data, small, flag, day, at, span, uid, ratio, doc) VALUES
    (1, 1.50, 'a', 'x', '2020-01-02 03:04:05+00', '\\x00ff', 1, false, '2020-02-29', '12:34:56', '1 day 2:00', '00000000-0000-0000-0000-000000000001', 1.5, '{"a": [1, null]}'),
    (NULL, 99999999.99, 'ü', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Infinity', NULL);
SELECT nextval('shop.numbers'), nextval('shop.numbers');
"""


@pytest.fixture
def postgres():
    directory, port = tempfile.mkdtemp(prefix="minisql-postgres-"), free_ports(1)
    prefix = []
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres", "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]

    def tool(*words):
        subprocess.run([*prefix, os.path.join(POSTGRES, words[0]), *words[1:]], cwd=directory, check=True,
                       stdout=subprocess.DEVNULL)
    tool("initdb", "-D", directory + "/data", "-A", "trust", "-U", "test", "-E", "UTF8", "--locale=C", "--no-sync")
    tool("pg_ctl", "-D", directory + "/data", "-l", directory + "/log", "-w", "start", "-o",
         f"-p {port} -k {directory} -c listen_addresses=127.0.0.1 -c fsync=off")
    yield port
    tool("pg_ctl", "-D", directory + "/data", "-m", "immediate", "stop")
    shutil.rmtree(directory)


def run(program, port, *words, stdin=None):
    result = subprocess.run([program, "-h", "127.0.0.1", "-p", str(port), "-U", "test", *words], input=stdin,
                            capture_output=True, text=True, check=False, env=dict(os.environ, PGTZ="UTC"))
    assert result.returncode == 0, (program, words, result.stderr[-3000:])
    return result.stdout


def script(port, database, *words):
    """What a dump says, less the versions of who made it and a random word."""
    return re.sub(r"(?m)^(-- Dumped |\\(un)?restrict ).*\n", "", run("pg_dump", port, *words, database))


def restore(port, database, text):
    run("psql", port, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, stdin=text)


def test_there_and_back(single, postgres):
    port = single.port_of("s1")
    run("psql", port, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "minisql", stdin=SCHEMA)
    dump = script(port, "minisql")
    run("psql", postgres, "-X", "-q", "-d", "postgres", "-c", "CREATE DATABASE copy")
    restore(postgres, "copy", dump)
    single.query("CREATE DATABASE back")
    restore(port, "back", script(postgres, "copy"))
    assert script(port, "back").split() == dump.split()  # PostgreSQL breaks lines in views
    for table in ("item", "shop.kind"):
        query = f"SELECT * FROM {table} ORDER BY id"
        rows = run("psql", port, "-X", "-At", "-d", "minisql", "-c", query)
        assert rows.count("\n") >= 2
        assert rows == run("psql", postgres, "-X", "-At", "-d", "copy", "-c", query)
        assert rows == run("psql", port, "-X", "-At", "-d", "back", "-c", query)
    for number in (port, postgres):
        database = "back" if number == port else "copy"
        assert run("psql", number, "-X", "-At", "-d", database, "-c", "SELECT nextval('shop.numbers')") == "20\n"


def test_parts(single, tmp_path):
    """Schema alone, data alone, one table, and the custom format through pg_restore."""
    port = single.port_of("s1")
    run("psql", port, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "minisql", stdin=SCHEMA)
    assert "COPY" not in script(port, "minisql", "-s")
    data = script(port, "minisql", "-a")
    assert "COPY public.item" in data and "CREATE" not in data
    one = script(port, "minisql", "-t", "shop.kind")
    assert "CREATE TABLE shop.kind" in one and "public.item" not in one
    archive = str(tmp_path / "archive")
    run("pg_dump", port, "-Fc", "-f", archive, "minisql")
    single.query("CREATE DATABASE back")
    run("pg_restore", port, "-e", "-d", "back", archive)
    assert script(port, "back") == script(port, "minisql")
