-- A volatile function is called once for each row, and after ORDER BY and LIMIT where it is no key.
CREATE SEQUENCE q;
-- a server draws from a block of its own: what runs elsewhere than at o's primary has another sequence
CREATE SEQUENCE r;
CREATE SEQUENCE s;
CREATE TABLE o (id int PRIMARY KEY, x int);
CREATE TABLE p (y int);
INSERT INTO o SELECT g, 6 - g FROM generate_series(1, 5) g;
INSERT INTO p SELECT generate_series(1, 3);

-- after ORDER BY
SELECT x, nextval('q') FROM o ORDER BY x;
SELECT x, nextval('q') FROM o ORDER BY x DESC LIMIT 2;
SELECT currval('q');
SELECT nextval('q') FROM o ORDER BY x;
SELECT DISTINCT ON (x % 2) x % 2 AS odd, x, nextval('q') FROM o ORDER BY x % 2, x;
SELECT x, nextval('q') AS n FROM o GROUP BY x ORDER BY x;
SELECT x % 2 AS odd, nextval('q') + count(*) * 100 AS n FROM o GROUP BY x % 2 ORDER BY x % 2 DESC;
SELECT nextval('q') + sum(x % 2) * 100 + (x % 2) AS n FROM o GROUP BY x % 2 HAVING count(*) > 1 ORDER BY min(x);
SELECT x, nextval('q') + row_number() OVER (ORDER BY x DESC) * 100 AS n FROM o ORDER BY x;
SELECT grouping(x % 2), x % 2, nextval('q') + count(*) * 100 AS n FROM o GROUP BY ROLLUP (x % 2) ORDER BY 1, 2;
SELECT nextval('r') + (SELECT max(y) FROM p WHERE y < o.x) * 100 AS n, x FROM o ORDER BY x;
SELECT x + 1 AS a, x * 10 + nextval('q') * 100 AS b, CASE WHEN x > 2 THEN 'a' ELSE 'b' END || nextval('q') AS c
FROM o WHERE x > 1 ORDER BY a;
SELECT a.x, b.y, nextval('r') FROM o a JOIN p b ON a.x = b.y ORDER BY b.y DESC;
SELECT x, nextval('q') FROM o ORDER BY x FETCH FIRST 1 ROW WITH TIES;
SELECT setval('q', 100);
WITH s AS (SELECT x FROM o WHERE x > 3) SELECT x, nextval('q') FROM s ORDER BY x;
SELECT count(*) FROM (SELECT x, random() FROM o ORDER BY x) s;
-- a key itself is computed before
SELECT x, nextval('q') AS n FROM o ORDER BY x, n;
SELECT nextval('q') * 0 AS n, x FROM o ORDER BY n, x LIMIT 2;
SELECT currval('q');
SELECT DISTINCT x % 2 AS odd, nextval('q') * 0 AS n FROM o ORDER BY odd;

-- once, however often a query around it mentions it
SELECT n, n FROM (SELECT nextval('q') AS n FROM o) s ORDER BY n;
SELECT n, n FROM (VALUES (nextval('s'))) s(n) WHERE n > 0;
WITH s AS (SELECT nextval('q') AS n FROM o) SELECT n, n FROM s WHERE n > 0 ORDER BY 1;
WITH s AS NOT MATERIALIZED (SELECT nextval('q') AS n FROM o) SELECT n, n FROM s ORDER BY 1;
SELECT n, n FROM (SELECT nextval('q') * 0 AS n FROM o UNION ALL SELECT nextval('q') * 0 + 1000) s ORDER BY n;
SELECT count(*) FILTER (WHERE r > 0.5) FROM (SELECT random() AS r FROM generate_series(1, 1000)) s WHERE r < 0.5;
SELECT count(*) FILTER (WHERE r <> s) FROM (SELECT r, r AS s FROM (SELECT random() AS r FROM o, p) a) b;
SELECT count(DISTINCT r) FROM o, random() r;
SELECT count(DISTINCT r) FROM o, (SELECT random() AS r) s;
SELECT a.x, b.n FROM o a LEFT JOIN (SELECT x, nextval('q') AS n FROM o ORDER BY x DESC) b USING (x) ORDER BY b.n;
CREATE VIEW v AS SELECT x, nextval('q') AS n FROM o ORDER BY x;
SELECT x, n, n FROM v WHERE n > 0 ORDER BY x;
WITH u AS (UPDATE o SET x = s.n FROM (SELECT id, nextval('q') AS n FROM o ORDER BY x) s WHERE s.id = o.id RETURNING o.id, x = s.n AS same)
SELECT * FROM u ORDER BY id;
INSERT INTO p SELECT nextval('q') * 0 + x FROM o ORDER BY x RETURNING y > 3 AS new;
-- in a subquery of each row, it is called for each
SELECT count(DISTINCT r) FROM (SELECT (SELECT r FROM (SELECT random() AS r) s WHERE o.id > 0) FROM o) t;

DROP VIEW v;
DROP TABLE o, p;
DROP SEQUENCE q, r, s;
