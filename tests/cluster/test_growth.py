"""What was decided on a small table is decided anew when it has grown."""
from conftest import wait_until

QUERY = "EXPLAIN SELECT b, count(*) FROM t GROUP BY b"


def test_plan_follows_the_table(make_cluster):
    """A statement first planned on an empty table runs in the batch executor once there is much to scan."""
    cluster = make_cluster(servers=1, coord="embedded")
    cluster.query("CREATE TABLE t (a int PRIMARY KEY, b int)")
    assert "Batches" not in cluster.query(QUERY)[0][0]
    cluster.query("INSERT INTO t SELECT i, i % 10 FROM generate_series(1, 50000) i")
    wait_until("the plan is chosen anew", lambda: "Batches" in cluster.query(QUERY)[0][0])
    assert sorted(cluster.query("SELECT b, count(*) FROM t GROUP BY b")) == [(i, 5000) for i in range(10)]
