"""The scenario of the two systems that MiniSQL descends from, statement by statement, on three servers;
and what they could not do: a killed server loses nothing and comes back."""
import collections

import psycopg2
import psycopg2.errors
import pytest

from conftest import wait_until

CREATE = "create table %s ( id1 int, name1 char(12) unique, score1 float, primary key(id1) );"
ROWS = [(1080100001, "name1       ", 99.0), (1080100002, "name2       ", 52.5)]


def create_students(cluster):
    for i, server in enumerate(cluster.names):
        cluster.query(CREATE % f"student{i + 1}", name=server)
    cluster.wait_copies()


def insert_rows(cluster, table):
    cluster.query(f"insert into {table} values (1080100001, 'name1', 99);")
    cluster.query(f"insert into {table} values (1080100002, 'name2', 52.5)")


def test_student_scenario(cluster):
    """Create, insert, select, select with a condition, delete, join over servers, drop."""
    create_students(cluster)
    insert_rows(cluster, "student1")
    assert sorted(cluster.query("select * from student1;")) == ROWS
    assert cluster.query("select * from student1 where score1 > 90;") == ROWS[:1]
    cluster.query("delete from student1 where score1 > 90;")
    assert cluster.query("select * from student1;") == ROWS[1:]

    insert_rows(cluster, "student2")
    assert cluster.primary("student1") != cluster.primary("student2"), "tables are spread"
    for server in cluster.names:
        joined = cluster.query("select * from student1 join student2;", name=server)
        assert sorted(joined) == [ROWS[1] + ROWS[0], ROWS[1] + ROWS[1]]

    with pytest.raises(psycopg2.errors.UniqueViolation):
        cluster.query("insert into student2 values (1, 'name1', 1)")
    with pytest.raises(psycopg2.errors.UniqueViolation):
        cluster.query("insert into student2 values (1080100001, 'other', 1)")

    cluster.query("drop table student3;")
    for server in cluster.names:
        with pytest.raises(psycopg2.errors.UndefinedTable):
            cluster.query("select * from student3", name=server)


def test_tables_are_spread_with_two_copies_each(cluster):
    """Six tables on three servers: two copies of each on different servers, four copies a server."""
    for i in range(6):
        cluster.query(CREATE % f"student{i + 1}")
    cluster.wait_copies()
    placement = cluster.placement()
    assert all(len(set(where)) == 2 for where in placement.values()), placement
    load = collections.Counter(server for where in placement.values() for server in where)
    assert sorted(load.values()) == [4, 4, 4], placement
    primaries = collections.Counter(where[0] for where in placement.values())
    assert max(primaries.values()) - min(primaries[n] for n in cluster.names) <= 1, placement


def test_killed_server_loses_nothing_and_returns(cluster):
    """kill -9: the rows are there, the copies are restored, the server rejoins with its data."""
    create_students(cluster)
    for table in ("student1", "student2", "student3"):
        insert_rows(cluster, table)
    victim = cluster.primary("student1")
    cluster.kill(victim)
    for table in ("student1", "student2", "student3"):
        assert sorted(cluster.query(f"select * from {table}")) == ROWS
    cluster.query("insert into student1 values (3, 'while down', 3)")
    cluster.wait_copies(without=[victim])

    cluster.start(victim)
    cluster.wait_up(victim)
    everything = sorted(ROWS + [(3, "while down  ", 3.0)])
    assert sorted(cluster.query("select * from student1", name=victim)) == everything
    # it is of use again: with it, and without one of the others, everything is still there
    other = cluster.primary("student1")
    cluster.kill(other)
    assert sorted(cluster.query("select * from student1")) == everything
    cluster.wait_copies(without=[other])


def test_stopped_server_returns_with_its_data(cluster):
    """SIGTERM is a clean stop; the data on disk serves again after the start."""
    create_students(cluster)
    insert_rows(cluster, "student1")
    for name in cluster.names:
        cluster.stop(name)
    cluster.up(3)
    wait_until("the table serves", lambda: sorted(cluster.query("select * from student1")) == ROWS)


def test_new_server_gets_its_share(make_cluster):
    """A server that joins gets tables, which stay readable and writable while they move."""
    cluster = make_cluster(servers=2)
    for i in range(6):
        cluster.query(CREATE % f"student{i + 1}")
        insert_rows(cluster, f"student{i + 1}")
    cluster.wait_copies()
    cluster.up(3)

    def has_share():
        for i in range(6):
            cluster.query(f"update student{i + 1} set score1 = score1 + 1")
        load = collections.Counter(s for where in cluster.placement().values() for s in where)
        return load["s3"] >= 3
    wait_until("s3 has its share", has_share, 60)
    cluster.wait_copies()
    for i in range(6):
        rows = cluster.query(f"select id1, score1 from student{i + 1} order by id1")
        assert rows[0][1] - rows[1][1] == 99 - 52.5


def test_server_info_is_kept(cluster):
    """minisql_servers says how many tables and records each server has."""
    create_students(cluster)
    insert_rows(cluster, "student1")

    def counted():
        rows = cluster.query("SELECT sum(tables), sum(records) FROM minisql_servers")
        return [int(n) for n in rows[0]] == [6, 4]
    wait_until("tables and records are counted", counted)


def test_four_ways_to_ask_an_operator(cluster):
    """status, servers, tables and regions answer from any server."""
    create_students(cluster)
    wait_until("the cluster is well",
               lambda: cluster.shell("status", check=False).returncode == 0)
    for server in cluster.names:
        assert "3 up, 0 down" in cluster.shell("status", name=server).stdout
        assert "s3" in cluster.shell("servers", name=server).stdout
        assert "student2" in cluster.shell("tables", name=server).stdout
        assert "student2" in cluster.shell("regions", name=server).stdout
    cluster.kill("s3")
    wait_until("status tells of the dead server",
               lambda: cluster.shell("status", check=False).returncode == 1)


def test_names_of_tables_hide_nothing(cluster):
    """At its primary a table's rows are read for a join in a way that the other servers' are not."""
    cursor = cluster.connect("s1").cursor()
    for name in ("s", "t"):
        cursor.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, a int)")
        cursor.execute(f"INSERT INTO {name} VALUES (1, 10), (2, 20)")
    for server in cluster.names:
        cursor = cluster.connect(server).cursor()
        cursor.execute("SELECT s.id, l.k FROM s, LATERAL (SELECT max(a) AS k FROM t WHERE t.id <= s.id) l ORDER BY 1")
        assert cursor.fetchall() == [(1, 10), (2, 20)], server
