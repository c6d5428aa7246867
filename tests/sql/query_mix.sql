-- the features of queries together
CREATE TABLE t (id int PRIMARY KEY, a int, b text, c char(5), n numeric, f float8, d date, ts timestamptz, bo bool);
CREATE TABLE u (id int PRIMARY KEY, t_id int, v text, q numeric);
INSERT INTO t VALUES (1, 1, 'x', 'ab', 1.50, 0.1, '2024-01-01', '2024-01-01 10:00+00', true), (2, 2, NULL, 'c', 2.0, -0.5, NULL, NULL, false), (3, NULL, 'z', NULL, NULL, NULL, '2023-05-05', '2023-01-01 00:00+00', NULL);
INSERT INTO u VALUES (1, 1, 'p', 1.5), (2, 1, 'q', 3), (3, 2, 'r', NULL);
-- lateral with aggregates over outer, limit params, nested correlation
SELECT t.id, (SELECT json.x FROM (SELECT count(*) AS x FROM u WHERE u.t_id = t.id) json) FROM t ORDER BY 1;
SELECT t.id, l.* FROM t LEFT JOIN LATERAL (SELECT u.q + t.n AS s, t.c AS c, t.bo, t.ts FROM u WHERE u.t_id = t.id ORDER BY u.id LIMIT 1) l ON true ORDER BY 1;
SELECT t.id, l.c, length(l.c), l.c || '|', octet_length(l.c) FROM t, LATERAL (SELECT t.c) l ORDER BY 1;
SELECT t.id FROM t, LATERAL (SELECT t.n AS m) l WHERE l.m = 1.5 ORDER BY 1;
SELECT l.m, count(*) FROM t, LATERAL (SELECT t.n AS m) l GROUP BY l.m ORDER BY 1;
SELECT DISTINCT l.m FROM t, LATERAL (VALUES (t.n), (1.500)) l(m) ORDER BY 1;
SELECT t.id, x.k, y.k2 FROM t, LATERAL (SELECT a * 2 AS k) x, LATERAL (SELECT x.k + 1 AS k2 WHERE x.k > 2) y ORDER BY 1;
SELECT * FROM t a JOIN LATERAL (SELECT * FROM u WHERE u.t_id = a.id) b ON b.q > 1 ORDER BY a.id, b.id;
SELECT count(*) FROM t a, LATERAL (SELECT 1 FROM u b, LATERAL (SELECT 1 FROM u c WHERE c.id = b.id AND c.t_id = a.id) d) e;
SELECT t.id, s.n FROM t CROSS JOIN LATERAL (SELECT sum(q) AS n FROM u WHERE t_id = t.id HAVING count(*) > 0) s ORDER BY 1;
SELECT t.id, (SELECT l.z FROM LATERAL (SELECT t.a + 1 AS z) l) FROM t ORDER BY 1;
SELECT t.id, s.r FROM t, LATERAL (SELECT string_agg(v, ',' ORDER BY id DESC) AS r FROM u WHERE t_id = t.id) s ORDER BY 1;
SELECT * FROM (SELECT id FROM t) x NATURAL JOIN LATERAL (SELECT x.id, x.id * 10 AS ten) y ORDER BY 1;
-- whole rows
SELECT t FROM t ORDER BY id;
SELECT count(t), count(DISTINCT t.id) FROM t;
SELECT x FROM (SELECT id, a FROM t) x ORDER BY x.id;
SELECT u.id, t FROM u LEFT JOIN t ON t.id = u.t_id + 1 ORDER BY 1;
-- group by with expression keys and having
SELECT a % 2, bo, count(*) FROM t GROUP BY GROUPING SETS ((a % 2, bo), (bo), ()) ORDER BY grouping(a % 2, bo), 1, 2;
SELECT n, sum(f), grouping(n) FROM t GROUP BY ROLLUP (n) HAVING grouping(n) = 0 OR sum(f) < 0 ORDER BY 1, 2;
SELECT d, c, count(*) FROM t GROUP BY CUBE (d, c) ORDER BY grouping(d, c), d, c;
SELECT upper(b) AS ub, count(*) FROM t GROUP BY ROLLUP (upper(b)) ORDER BY ub, 2;
SELECT t.id, count(u.id) FROM t LEFT JOIN u ON u.t_id = t.id GROUP BY ROLLUP (t.id) ORDER BY 1;
SELECT CASE grouping(t.id) WHEN 0 THEN 'row' ELSE 'all' END AS what, sum(q) FROM t JOIN u ON u.t_id = t.id GROUP BY ROLLUP (t.id) ORDER BY what, 2;
SELECT a, sum(sum(n)) OVER (ORDER BY a) FROM t GROUP BY ROLLUP (a) ORDER BY a;
SELECT coalesce(a, -1), count(*) FROM t GROUP BY ROLLUP (a) ORDER BY 1, 2;
SELECT (SELECT max(x.id) FROM t x WHERE x.a = t.a), a FROM t GROUP BY ROLLUP (a) ORDER BY a;
-- agg order
SELECT a, string_agg(b, ',' ORDER BY n DESC, d) FROM t GROUP BY ROLLUP (a) ORDER BY a;
SELECT string_agg(DISTINCT bo::text, ',' ORDER BY bo::text DESC), string_agg(b, '' ORDER BY c), string_agg(b, '' ORDER BY ts DESC) FROM t;
-- ties
SELECT id, n FROM t ORDER BY n NULLS FIRST FETCH FIRST 1 ROW WITH TIES;
SELECT x.id FROM (SELECT id FROM t ORDER BY bo FETCH FIRST 2 ROWS WITH TIES) x ORDER BY 1;
SELECT a.id FROM t a WHERE a.id IN (SELECT id FROM t ORDER BY c FETCH FIRST 1 ROW WITH TIES);
-- dml
UPDATE t SET a = a + u.id FROM u WHERE u.t_id = t.id AND u.v = 'r' RETURNING t.*, u.v, t.a + u.id;
UPDATE t SET (b, n) = (SELECT v, q FROM u WHERE u.t_id = t.id ORDER BY id LIMIT 1) WHERE id < 3 RETURNING id, b, n;
DELETE FROM u USING t WHERE t.id = u.t_id AND t.a = 1 RETURNING u.id, t.c, t.c || '|', t.ts, t.bo;
WITH r AS (INSERT INTO u SELECT 100 + id, id, b, n FROM t RETURNING *), s AS (SELECT count(*) AS before FROM u) SELECT r.id, r.q, s.before FROM r, s ORDER BY 1;
WITH r AS (UPDATE t SET n = n * 2 WHERE n IS NOT NULL RETURNING id, n) SELECT r.id, r.n, t.n FROM r JOIN t USING (id) ORDER BY 1;
WITH r AS (DELETE FROM u WHERE q IS NULL RETURNING id, v) SELECT max(id) AS m FROM r;
WITH r AS (UPDATE t SET b = 'k' WHERE (a, id) IN (SELECT max(a), id FROM t GROUP BY id) RETURNING id) SELECT id FROM r ORDER BY id;
WITH r AS (UPDATE t SET a = x.rn FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS rn FROM t) x WHERE x.id = t.id RETURNING t.id, t.a) SELECT * FROM r ORDER BY id;
INSERT INTO t (id, a) SELECT i, i FROM generate_series(10, 12) i RETURNING id, (SELECT count(*) FROM t);
WITH ids AS (SELECT id FROM t WHERE id >= 10 ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED) DELETE FROM t USING ids WHERE t.id = ids.id RETURNING t.id;
UPDATE t SET a = 99 WHERE id = (SELECT id FROM t ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id, a;
SELECT * FROM t ORDER BY id;
DROP TABLE t, u;
