-- Subqueries over several tables: their rows are joined, kept, or grouped once
CREATE TABLE o (id int PRIMARY KEY, k int, n int NOT NULL, v numeric, s text, f float8);
CREATE TABLE i (id int PRIMARY KEY, oid int, k int, n int NOT NULL, v numeric, s text);
CREATE TABLE e (id int PRIMARY KEY, k int);
INSERT INTO o SELECT x, nullif(x % 7, 3), x % 11, x / 4.0, 's' || x % 5, x / 8.0 FROM generate_series(1, 300) x;
INSERT INTO i SELECT x, nullif(x % 120, 5), nullif(x % 9, 4), x % 13, (x % 50) / 3.00, upper('s' || x % 6) FROM generate_series(1, 500) x;

-- EXISTS and IN: each row once, however many match
SELECT count(*), sum(o.id) FROM o WHERE EXISTS (SELECT FROM i WHERE i.oid = o.id);
SELECT count(*), sum(o.id) FROM o WHERE EXISTS (SELECT 1 FROM i WHERE i.oid = o.id AND i.n <> o.n AND i.v > 5);
SELECT count(*), sum(o.id) FROM o WHERE NOT EXISTS (SELECT 1 FROM i WHERE i.oid = o.id AND i.n > o.n);
SELECT count(*), sum(o.id) FROM o WHERE NOT (EXISTS (SELECT 1 FROM i WHERE i.k = o.k AND i.n = o.n));
SELECT count(*), sum(o.id) FROM o WHERE EXISTS (SELECT 1 FROM i WHERE i.n > o.n AND i.k = 8);
SELECT count(*), sum(o.id) FROM o WHERE EXISTS (SELECT 1 FROM i WHERE o.id < 10 AND i.oid = o.id);
SELECT count(*) FROM o WHERE EXISTS (SELECT 1 FROM e);
SELECT count(*) FROM o WHERE NOT EXISTS (SELECT 1 FROM e WHERE e.k = o.k);
SELECT count(*), sum(o.id) FROM o WHERE EXISTS (SELECT 1 FROM i JOIN e ON e.id = i.k WHERE i.oid = o.id);
SELECT count(*), sum(o.id) FROM o WHERE EXISTS (SELECT 1 FROM i a JOIN i b ON a.k = b.n WHERE a.oid = o.id AND b.k = o.k AND a.v < o.v);
SELECT count(*), sum(o.id) FROM o WHERE o.k IN (SELECT k FROM i WHERE n > 3);
SELECT count(*), sum(o.id) FROM o WHERE o.k + 1 IN (SELECT i.k FROM i WHERE i.oid = o.id);
SELECT count(*), sum(o.id) FROM o WHERE (o.k, lower(o.s)) IN (SELECT i.k, lower(i.s) FROM i WHERE i.oid < o.id);
SELECT count(*), sum(o.id) FROM o WHERE o.v IN (SELECT v FROM i);
SELECT count(*), sum(o.id) FROM o WHERE o.id IN (SELECT oid FROM i GROUP BY oid HAVING sum(n) > 20);
SELECT count(*), sum(o.id) FROM o WHERE lower(o.s) = ANY (SELECT lower(s) FROM i WHERE n = 3);
SELECT count(*), sum(o.id) FROM o WHERE o.id IN (SELECT oid FROM i ORDER BY id LIMIT 7);
SELECT i.k, count(*) FROM i WHERE EXISTS (SELECT 1 FROM o WHERE o.k = i.k AND o.id > 290) GROUP BY i.k ORDER BY 1;
SELECT o.k, count(*), count(i.id) FROM o LEFT JOIN i ON i.oid = o.id WHERE EXISTS (SELECT 1 FROM i x WHERE x.k = i.k AND x.n = 12) GROUP BY 1 ORDER BY 1;
SELECT o.k, count(*), count(i.id) FROM o LEFT JOIN i ON i.oid = o.id WHERE NOT EXISTS (SELECT 1 FROM i x WHERE x.k = i.k) GROUP BY 1 ORDER BY 1;
-- NOT IN, with and without NULLs
SELECT count(*), sum(o.id) FROM o WHERE o.n NOT IN (SELECT n FROM i WHERE id < 6);
SELECT count(*), sum(o.id) FROM o WHERE o.k NOT IN (SELECT k FROM i);
SELECT count(*), sum(o.id) FROM o WHERE o.k NOT IN (SELECT k FROM i WHERE id < 3);
SELECT count(*), sum(o.id) FROM o WHERE o.k NOT IN (SELECT k FROM e);
SELECT count(*), sum(o.id) FROM o WHERE NOT (o.n IN (SELECT n FROM i WHERE i.oid = o.id));
SELECT count(*), sum(o.id) FROM o WHERE NOT (o.n NOT IN (SELECT n FROM i WHERE i.oid = o.id));

-- scalar subqueries
SELECT count(*), sum(o.id) FROM o WHERE o.v > (SELECT avg(v) FROM i);
SELECT o.k, sum(o.v) FROM o GROUP BY o.k HAVING sum(o.v) > (SELECT sum(v) / 2 FROM i) ORDER BY 1;
SELECT count(*) + (SELECT count(*) FROM i), max(o.n) FROM o WHERE o.n < (SELECT max(n) FROM i WHERE k = 2);
SELECT count(*) FROM o WHERE o.v < (SELECT v FROM i WHERE id < 3);
SELECT count(*) FROM o WHERE o.v < (SELECT v FROM i WHERE id < 0);
SELECT count(*) FROM o WHERE o.id < 0 AND o.v < (SELECT v FROM i WHERE id < 3);
SELECT CASE WHEN o.id > 0 THEN 1 ELSE (SELECT 1 / (max(k) - 8) FROM i) END AS c, count(*) FROM o GROUP BY 1;
SELECT count(*), sum(o.id) FROM o WHERE o.v = (SELECT max(i.v) FROM i WHERE i.k = o.k);
SELECT count(*), sum(o.id) FROM o WHERE o.n > (SELECT 0.2 * sum(i.n) FROM i WHERE i.oid = o.id AND i.v > 1);
SELECT count(*), sum(o.id) FROM o WHERE (SELECT sum(i.n) FROM i WHERE i.oid = o.id) IS NULL;
SELECT count(*), sum(o.id) FROM o WHERE (SELECT count(*) FROM i WHERE i.oid = o.id) = 0;
SELECT count(*), sum(o.id) FROM o WHERE (SELECT coalesce(sum(i.n), 7) FROM i WHERE i.oid = o.id) = 7;
SELECT count(*), sum(o.id) FROM o WHERE o.n + 3 > (SELECT min(i.n) FROM i JOIN o x ON x.id = i.oid WHERE i.k = o.k AND x.s = o.s);
SELECT o.s, count(*) FROM o JOIN i ON i.oid = o.id WHERE i.v = (SELECT min(x.v) FROM i x WHERE x.oid = o.id) GROUP BY o.s ORDER BY 1;
SELECT count(*) FROM o WHERE o.n IN (SELECT i.n FROM i WHERE i.k IN (SELECT k FROM o WHERE id < 4)
    AND i.v > (SELECT 0.5 * avg(x.v) FROM o x WHERE x.k = i.k AND x.id < 20));

-- subqueries in FROM, WITH
SELECT t.c, count(*) FROM (SELECT o.id, count(i.id) AS c FROM o LEFT JOIN i ON i.oid = o.id AND i.s NOT LIKE '%2' GROUP BY o.id) t GROUP BY t.c ORDER BY 1;
SELECT a.k, a.t, b.m FROM (SELECT k, sum(n) AS t FROM o GROUP BY k) a JOIN (SELECT k, max(v) AS m FROM i GROUP BY k) b ON a.k = b.k ORDER BY 1;
SELECT a.k, a.t, b.m FROM (SELECT k, sum(n) AS t FROM o GROUP BY k) a LEFT JOIN (SELECT k, max(v) AS m FROM i WHERE k > 2 GROUP BY k) b ON a.k = b.k ORDER BY 1;
WITH w AS (SELECT k, v * 2 AS d FROM i WHERE n < 5) SELECT o.k, count(*), sum(w.d) FROM o JOIN w ON w.k = o.k GROUP BY 1 ORDER BY 1;
WITH w AS (SELECT k FROM i ORDER BY id LIMIT 3) SELECT count(*) FROM w a, w b, e RIGHT JOIN o ON true WHERE a.k = b.k;
SELECT x.k, count(*) FROM (SELECT k FROM i ORDER BY id DESC LIMIT 20) x JOIN o ON o.k = x.k GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM (SELECT DISTINCT o.k, i.s FROM o JOIN i ON o.k = i.k) d;
SELECT DISTINCT o.s, i.k FROM o JOIN i ON o.id = i.oid WHERE o.n < 2 ORDER BY 1, 2;
SELECT DISTINCT o.v FROM o JOIN i ON o.id = i.oid WHERE o.id < 5 ORDER BY 1;
SELECT o.v, count(*) FROM o JOIN i ON i.oid = o.id WHERE o.id < 4 GROUP BY o.v ORDER BY 1;
SELECT t.y, sum(t.a) FROM (SELECT extract(year FROM date '2020-01-01' + o.id) AS y, i.v * 2 AS a FROM o, i WHERE o.id = i.oid) t GROUP BY t.y ORDER BY 1;
SELECT count(*) FROM (SELECT f FROM o WHERE id < 9) t, i WHERE t.f * 8 = i.id;
DROP TABLE o, i, e;
