-- ON CONFLICT in detail
CREATE TABLE t (id int PRIMARY KEY, a int, b text, CONSTRAINT t_ab UNIQUE (a, b));
INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y');
INSERT INTO t VALUES (1, 5, 'p'), (1, 6, 'q') ON CONFLICT (id) DO UPDATE SET a = excluded.a;
INSERT INTO t VALUES (7, 5, 'p'), (7, 6, 'q') ON CONFLICT (id) DO UPDATE SET a = excluded.a;
INSERT INTO t VALUES (7, 5, 'p'), (7, 6, 'q') ON CONFLICT (id) DO NOTHING;
INSERT INTO t SELECT 1, n, 'r' FROM (VALUES (10), (11)) v(n) ON CONFLICT (id) DO UPDATE SET a = excluded.a;
INSERT INTO t VALUES (1, 5, 'p'), (1, 6, 'q') ON CONFLICT (id) DO UPDATE SET a = excluded.a WHERE false;
INSERT INTO t VALUES (1, 5, 'p'), (1, 6, 'q') ON CONFLICT (id) DO UPDATE SET a = excluded.a WHERE excluded.b = 'q';
INSERT INTO t VALUES (1, 5, 'p'), (2, 6, 'q'), (3, 8, 's') ON CONFLICT (id) DO UPDATE SET a = t.a + excluded.a, b = excluded.b RETURNING *;
SELECT * FROM t ORDER BY id;
INSERT INTO t VALUES (9, 8, 's') ON CONFLICT ON CONSTRAINT t_ab DO UPDATE SET b = 'by name' RETURNING *;
INSERT INTO t VALUES (9, 8, 'by name') ON CONFLICT ON CONSTRAINT t_ab DO NOTHING RETURNING *;
INSERT INTO t VALUES (9, 8, 'z') ON CONFLICT ON CONSTRAINT nope DO NOTHING;
INSERT INTO t VALUES (3, 8, 'by name') ON CONFLICT ON CONSTRAINT t_pkey DO UPDATE SET (a, b) = (excluded.a + 1, DEFAULT) RETURNING *;
INSERT INTO t AS x VALUES (3, 0, 'w') ON CONFLICT (id) DO UPDATE SET a = x.a + 1 WHERE x.a > 100 RETURNING *;
INSERT INTO t AS x VALUES (3, 0, 'w') ON CONFLICT (id) DO UPDATE SET a = x.a + 1 WHERE x.a < 100 RETURNING x.*, x.a * 2 AS twice;
INSERT INTO t VALUES (3, 0, 'w') ON CONFLICT (id) DO UPDATE SET a = (SELECT max(a) FROM t) RETURNING *;
INSERT INTO t VALUES (1, 0, 'w'), (2, 0, 'v') ON CONFLICT (id) DO UPDATE SET a = (SELECT max(a) + 1 FROM t) RETURNING *;
INSERT INTO t VALUES (2, 9, 'u') ON CONFLICT (a, b) DO UPDATE SET a = 0;
INSERT INTO t VALUES (2, 9, 'u') ON CONFLICT (b) DO NOTHING;
INSERT INTO t VALUES (2, 9, 'u') ON CONFLICT DO UPDATE SET a = 1;
INSERT INTO t VALUES (2, 9, 'u') ON CONFLICT (id) DO UPDATE SET a = 1, a = 2;
INSERT INTO t VALUES (2, 9, 'u') ON CONFLICT (id) DO UPDATE SET nope = 1;
INSERT INTO t VALUES (2, 9, 'u') ON CONFLICT (id) DO UPDATE SET a = excluded.nope;
INSERT INTO t VALUES (2, 9, 'u') ON CONFLICT (id) DO UPDATE SET id = 1;
WITH i AS (INSERT INTO t VALUES (20, 1, 'k'), (20, 2, 'l') ON CONFLICT (id) DO UPDATE SET a = 3 RETURNING *) SELECT * FROM i;
PREPARE p(int, int) AS INSERT INTO t VALUES ($1, 1, 'm'), ($2, 2, 'n') ON CONFLICT (id) DO UPDATE SET b = excluded.b || t.id RETURNING id, b;
EXECUTE p(30, 31);
EXECUTE p(30, 30);
EXECUTE p(31, 30);
SELECT * FROM t ORDER BY id;
DROP TABLE t;

-- a row that is changed twice is told before a foreign key
CREATE TABLE ku (id int PRIMARY KEY);
CREATE TABLE kv (id int PRIMARY KEY, u int REFERENCES ku, t text);
INSERT INTO kv VALUES (1, 8, 'a'), (1, 9, 'b') ON CONFLICT (id) DO UPDATE SET t = 'c';
DROP TABLE kv, ku;
