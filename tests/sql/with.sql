-- WITH, WITH RECURSIVE
CREATE TABLE part (id int PRIMARY KEY, parent int, name text, weight int);
CREATE TABLE stock (part int PRIMARY KEY, n int);
INSERT INTO part VALUES (1, NULL, 'car', 0), (2, 1, 'engine', 300), (3, 1, 'body', 500), (4, 2, 'piston', 5),
  (5, 2, 'valve', 1), (6, 3, 'door', 40), (7, 6, 'handle', 2), (8, NULL, 'bike', 12);
INSERT INTO stock VALUES (4, 100), (5, 50), (7, 8), (8, 1);
WITH heavy AS (SELECT * FROM part WHERE weight > 30) SELECT name, weight FROM heavy ORDER BY weight;
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b;
WITH a (p, q) AS (SELECT id, name FROM part) SELECT q FROM a WHERE p < 3 ORDER BY p;
WITH s AS (SELECT p.name, s.n FROM part p JOIN stock s ON s.part = p.id) SELECT sum(n), count(*) FROM s;
WITH s AS (SELECT * FROM stock) SELECT p.name, (SELECT n FROM s WHERE s.part = p.id) FROM part p ORDER BY p.id;
WITH c AS (SELECT parent, count(*) AS n FROM part GROUP BY parent) SELECT p.name, c.n FROM part p LEFT JOIN c ON c.parent = p.id ORDER BY p.id;
WITH t AS MATERIALIZED (SELECT id FROM part) SELECT count(*) FROM t x JOIN t y ON x.id = y.id + 1;
WITH t AS NOT MATERIALIZED (SELECT id FROM part) SELECT count(*) FROM t x JOIN t y ON x.id = y.id + 1;
WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i), count(*) FROM n;
WITH RECURSIVE n AS (SELECT 1 AS i UNION SELECT (i * 2) % 7 FROM n) SELECT i FROM n ORDER BY i;
WITH RECURSIVE tree AS (
  SELECT id, name, 1 AS depth, name AS path FROM part WHERE parent IS NULL
  UNION ALL
  SELECT p.id, p.name, t.depth + 1, t.path || '/' || p.name FROM part p JOIN tree t ON p.parent = t.id)
SELECT depth, path FROM tree ORDER BY path;
WITH RECURSIVE up AS (SELECT id, parent FROM part WHERE name = 'handle' UNION ALL SELECT p.id, p.parent FROM part p, up WHERE p.id = up.parent)
SELECT p.name FROM up JOIN part p USING (id) ORDER BY p.id;
WITH RECURSIVE tree AS (SELECT id FROM part WHERE id = 1 UNION ALL SELECT p.id FROM part p JOIN tree t ON p.parent = t.id)
SELECT sum(s.n) FROM tree t JOIN stock s ON s.part = t.id;
WITH RECURSIVE fib (a, b) AS (SELECT 0::bigint, 1::bigint UNION ALL SELECT b, a + b FROM fib WHERE b < 1000) SELECT a FROM fib ORDER BY a;
WITH RECURSIVE t AS (SELECT 1 AS x) SELECT * FROM t;
WITH RECURSIVE inf AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM inf) SELECT i FROM inf LIMIT 5;
WITH x AS (SELECT 1 AS v) SELECT * FROM (WITH x AS (SELECT 2 AS v) SELECT v FROM x) i, x;
SELECT * FROM part WHERE id IN (WITH m AS (SELECT max(id) AS id FROM part) SELECT id FROM m);
WITH s AS (SELECT part FROM stock WHERE n > 40) DELETE FROM stock WHERE part IN (SELECT part FROM s) RETURNING *;
WITH v AS (SELECT 5 AS part, 77 AS n) INSERT INTO stock SELECT * FROM v RETURNING n;
WITH v AS (SELECT 5 AS part, 78 AS n) UPDATE stock SET n = v.n FROM v WHERE stock.part = v.part RETURNING stock.*;
SELECT * FROM stock ORDER BY part;
WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1.5 FROM t WHERE n < 3) SELECT * FROM t;
WITH RECURSIVE t AS (SELECT n FROM t UNION ALL SELECT 1 AS n) SELECT * FROM t;
WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT count(*)::int FROM t) SELECT * FROM t;
WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT 1 FROM part LEFT JOIN t ON true) SELECT * FROM t;
WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT a.n FROM t a, t b) SELECT * FROM t;
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a;
WITH a (x, y) AS (SELECT 1) SELECT * FROM a;
WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a;
WITH a AS (SELECT 1 AS x) SELECT y FROM a;
DROP TABLE part, stock;
