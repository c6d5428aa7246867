"""A statement that takes longer to plan than other sessions leave the schema alone: it runs all the same."""
import threading

import psycopg2

DIGITS = 8 << 20  # of a literal: planning takes many times as long as CREATE TABLE


class Changes(threading.Thread):
    """Tables come and go, one after the other, in the region of `long`."""

    def __init__(self, cluster, name):
        super().__init__(daemon=True)
        self.cursor = cluster.connect(name).cursor()
        self.stop, self.n, self.error = threading.Event(), 0, None

    def run(self):
        try:
            while not self.stop.is_set():
                self.cursor.execute("CREATE TABLE passing (id int) WITH (colocate_with = 'long')")
                self.cursor.execute("DROP TABLE passing")
                self.n += 1
        except psycopg2.Error as error:
            self.error = error


def test_a_long_statement_meets_schema_changes(single):
    single.connect("s1").cursor().execute("CREATE TABLE long (id int PRIMARY KEY, v text)")
    changes = Changes(single, "s1")
    changes.start()
    value = "x" * DIGITS
    connection = single.connect("s1")
    cursor = connection.cursor()
    cursor.execute(f"INSERT INTO long VALUES (1, '{value}')")
    cursor.execute(f"SELECT count(*) FROM long WHERE v = '{value}'")
    assert cursor.fetchone() == (1,)
    connection.autocommit = False
    cursor.execute(f"UPDATE long SET v = '{value}' || id WHERE id = 1 RETURNING length(v)")
    assert cursor.fetchone() == (DIGITS + 1,)
    connection.commit()
    connection.autocommit = True
    cursor.execute(f"INSERT INTO long VALUES (2, '{value}') RETURNING id")
    assert cursor.fetchone() == (2,)
    cursor.execute("SELECT count(DISTINCT v), count(*) FROM long")
    assert cursor.fetchone() == (2, 2)
    changes.stop.set()
    changes.join()
    assert changes.error is None and changes.n > 3
