"""ALTER TABLE that rewrites a table while its primary is killed: the table is as it was or as it was to
become, whole, on every server, and what the client was told is so."""
import threading
import time

import psycopg2

from test_fsck import clean

ROWS = 20_000
CHANGE = ("ALTER TABLE r ALTER COLUMN a TYPE int USING a::int, ALTER COLUMN at TYPE timestamptz, DROP COLUMN gone, "
          "ADD COLUMN s serial, ADD COLUMN g int GENERATED ALWAYS AS (id + 1) STORED")
BACK = ("ALTER TABLE r ALTER COLUMN a TYPE text, ALTER COLUMN at TYPE timestamp, ADD COLUMN gone int DEFAULT 7, "
        "DROP COLUMN s, DROP COLUMN g")


class Change(threading.Thread):
    def __init__(self, cluster, gateway):
        super().__init__(daemon=True)
        self.connection, self.error, self.done = cluster.connect(gateway), None, False

    def run(self):
        try:
            self.connection.cursor().execute(CHANGE)
        except psycopg2.Error as error:
            self.error = error
        self.done = True


def shape(cluster, name):
    """What a server shows of the table; True: it has changed."""
    rows = cluster.query("SELECT * FROM r WHERE a::int = 77", name=name)
    total = cluster.query("SELECT count(*), sum(a::int), count(at), count(*) FILTER (WHERE at::date = '2024-05-06') "
                          "FROM r", name=name)
    assert total == [(ROWS, ROWS * (ROWS + 1) // 2, ROWS, ROWS)], total
    columns = [c for c, in cluster.query("SELECT column_name::text FROM information_schema.columns "
                                         "WHERE table_name = 'r' ORDER BY ordinal_position", name=name)]
    if columns == ["id", "a", "at", "s", "g"]:
        assert cluster.query("SELECT count(DISTINCT s), sum(g - id) FROM r", name=name) == [(ROWS, ROWS)]
        assert rows[0][1] == 77 and rows[0][4] == 78
        return True
    assert columns == ["id", "a", "at", "gone"], columns
    assert rows[0][1] == "77" and rows[0][3] == 7
    return False


def test_killed_while_rewriting(cluster):
    cluster.query("CREATE TABLE r (id int PRIMARY KEY, a text UNIQUE, at timestamp NOT NULL, gone int CHECK (gone > 0))")
    cluster.query(f"INSERT INTO r SELECT i, i::text, '2024-05-06 07:08:09', 7 FROM generate_series(1, {ROWS}) i")
    cluster.query("CREATE INDEX r_at ON r (at)")
    busy = False
    for delay in (0.05, 0.2, 0.5):
        cluster.wait_copies()
        primary = cluster.primary("r")
        change = Change(cluster, next(n for n in cluster.names if n != primary))
        change.start()
        time.sleep(delay)
        busy |= not change.done
        cluster.kill(primary)
        change.join(60)
        assert change.done, "ALTER TABLE has not come back"
        cluster.start(primary)
        cluster.wait_up(*cluster.names)
        cluster.wait_copies()
        changed = {name: shape(cluster, name) for name in cluster.names}
        print(f"killed after {delay} s: {changed}, told {change.error}")
        assert len(set(changed.values())) == 1
        code = getattr(change.error, "pgcode", None)
        if not change.error:
            assert changed[primary]
        elif code not in ("08007", "08006", "57P01", None):
            assert not changed[primary]
        if changed[primary]:
            cluster.query(BACK)
        assert not shape(cluster, cluster.names[0])
        clean(cluster)
    assert busy, "it was never in the middle of it"
    cluster.query(CHANGE)
    assert all(shape(cluster, name) for name in cluster.names)
    clean(cluster)
