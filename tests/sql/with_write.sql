-- parts of one statement that change rows of one table
CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED, b text);
CREATE TABLE log (id int, what text, t int REFERENCES t);
INSERT INTO t (id, a, b) SELECT i, i, 'r' || i FROM generate_series(1, 6) i;
WITH x AS (UPDATE t SET a = a + 10 WHERE id = 1 RETURNING id, a, g), y AS (UPDATE t SET a = a + 20 WHERE id = 2 RETURNING id, a, g) SELECT * FROM x UNION ALL SELECT * FROM y ORDER BY 1;
WITH x AS (UPDATE t SET b = 'other' WHERE b <> 'chosen'), y AS (UPDATE t SET b = 'chosen' WHERE id = 3 RETURNING id) SELECT * FROM y;
SELECT id, a, g, b FROM t ORDER BY id;
WITH x AS (UPDATE t SET a = 100 WHERE id = 4 RETURNING id), y AS (DELETE FROM t WHERE id = 4 RETURNING id) SELECT 'x', * FROM x UNION ALL SELECT 'y', * FROM y;
WITH x AS (UPDATE t SET a = 100 WHERE id = 5 RETURNING id), y AS (DELETE FROM t WHERE id = 5 RETURNING id) SELECT * FROM y;
WITH x AS (UPDATE t SET a = a + 1 WHERE id < 4 RETURNING id, a) DELETE FROM t USING x WHERE t.id = x.id RETURNING *;
WITH x AS (UPDATE t SET a = a + 1 WHERE id = 1) UPDATE t SET a = a + 5;
SELECT id, a, g, b FROM t ORDER BY id;
WITH x AS (INSERT INTO t VALUES (7, 7, DEFAULT, 'new') RETURNING id), y AS (UPDATE t SET b = 'old' WHERE id > 3 RETURNING id) SELECT (SELECT count(*) FROM x), id FROM y ORDER BY 2;
WITH x AS (DELETE FROM t WHERE id = 7 RETURNING *) INSERT INTO t (id, a, b) SELECT id + 1, a, b || '!' FROM x RETURNING id, a, g, b;
WITH x AS (DELETE FROM t WHERE id = 8 RETURNING *), y AS (INSERT INTO t (id, a, b) SELECT id, a + 1, b FROM x RETURNING id, g) SELECT * FROM y;
WITH upsert AS (UPDATE t SET a = 77 WHERE id = 9 RETURNING *) INSERT INTO t (id, a) SELECT 9, 9 WHERE NOT EXISTS (SELECT * FROM upsert);
WITH upsert AS (UPDATE t SET a = 77 WHERE id = 9 RETURNING *) INSERT INTO t (id, a) SELECT 9, 9 WHERE NOT EXISTS (SELECT * FROM upsert);
SELECT id, a, g, b FROM t ORDER BY id;
WITH x AS (DELETE FROM t WHERE id = 1 RETURNING *), y AS (UPDATE t SET a = (SELECT count(*) FROM t) WHERE id = 2 RETURNING *), z AS (INSERT INTO log SELECT id, 'gone' FROM x) SELECT x.id, y.id, y.a, y.g, (SELECT count(*) FROM t) FROM x, y;
WITH x AS (DELETE FROM t WHERE id = 2), y AS (DELETE FROM t WHERE id IN (2, 3) RETURNING id), z AS (DELETE FROM t RETURNING id) SELECT count(*) FROM y;
SELECT * FROM t;
SELECT * FROM log;
INSERT INTO t (id, a) VALUES (1, 1), (2, 2), (3, 3);
WITH x AS (UPDATE t SET a = -a RETURNING id), y AS (INSERT INTO log SELECT id, 'x' FROM x RETURNING id), z AS (DELETE FROM t WHERE id IN (SELECT id FROM y) RETURNING id) SELECT (SELECT count(*) FROM y), (SELECT count(*) FROM z);
SELECT id, a FROM t ORDER BY id;
WITH d AS (DELETE FROM t WHERE id = 1) INSERT INTO t (id, a) VALUES (1, 5);
WITH d AS (DELETE FROM t WHERE id = 1 RETURNING id) INSERT INTO t (id, a) SELECT id, 5 FROM d;
WITH RECURSIVE tree (id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM tree WHERE id < 3), x AS (UPDATE t SET a = 50 FROM tree WHERE t.id = tree.id AND t.id > 1 RETURNING t.id, t.g), y AS (UPDATE t SET a = 60 FROM tree WHERE t.id = tree.id AND t.id = 1 RETURNING t.id, t.g) SELECT * FROM x UNION SELECT * FROM y ORDER BY id;
WITH x AS (INSERT INTO t (id, a) VALUES (10, 1) RETURNING id) INSERT INTO t (id, a) SELECT id + 1, 2 FROM x RETURNING *;
PREPARE p(int, int) AS WITH off AS (UPDATE t SET b = NULL WHERE b = 'default'), me AS (UPDATE t SET b = 'default' WHERE id = $1 RETURNING id, b) SELECT $2, me.* FROM me;
EXECUTE p(1, 0);
EXECUTE p(2, 0);
EXECUTE p(2, 0);
SELECT id, a, b FROM t ORDER BY id;

-- generated columns of what an UPDATE with a FROM or a subquery returns
CREATE TABLE u (id int, v int);
INSERT INTO u VALUES (1, 10), (2, 20), (2, 20);
UPDATE t SET a = u.v FROM u WHERE t.id = u.id RETURNING t.*, u.v, t.g + u.v;
UPDATE t SET a = a + 1 WHERE id = 1 RETURNING g, a, (SELECT count(*) FROM u), t;
UPDATE t SET b = 'same' FROM u WHERE t.id = u.id RETURNING g, u.id;
DROP TABLE t, u, log;

-- rows that others refer to, whichever part comes first
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent);
WITH p AS (INSERT INTO parent VALUES (1)) INSERT INTO child VALUES (1, 1) RETURNING *;
WITH p AS (INSERT INTO parent VALUES (2)), c AS (INSERT INTO child VALUES (2, 2)) SELECT count(*) FROM child;
WITH c AS (DELETE FROM child WHERE p = 1) DELETE FROM parent WHERE id = 1 RETURNING *;
WITH p AS (INSERT INTO parent VALUES (3) RETURNING id) INSERT INTO child SELECT 3, id FROM p RETURNING *;
SELECT * FROM child ORDER BY id;
DROP TABLE child, parent;
