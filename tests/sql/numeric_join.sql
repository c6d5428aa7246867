-- numerics that are equal and differ in their digits, where SQLite makes an index of its own
CREATE TABLE t (id int PRIMARY KEY, n numeric(8,2));
CREATE TABLE w (k int PRIMARY KEY, m numeric, z text);
INSERT INTO t VALUES (5, 1.5), (6, 2), (7, NULL);
INSERT INTO w VALUES (1, 1.5, 'a'), (2, 2.000, NULL), (3, 7, 'b');
SELECT t.id, w.k FROM t JOIN w ON w.k > 0 OR w.z IS NULL WHERE t.n = 1.5 ORDER BY 1, 2;
SELECT t.id, w.k FROM t, w WHERE t.n = 2 ORDER BY 1, 2;
SELECT t.id, w.k FROM t, w WHERE t.n = w.m ORDER BY 1, 2;
SELECT t.id, w.k FROM t LEFT JOIN w ON w.m = t.n ORDER BY 1, 2;
SELECT t.id, w.k FROM t LEFT JOIN w ON w.m = t.n AND w.z IS NOT NULL ORDER BY 1, 2;
SELECT t.id FROM t WHERE EXISTS (SELECT 1 FROM w WHERE w.m = t.n) ORDER BY 1;
SELECT id FROM t WHERE n IN (SELECT m FROM w) ORDER BY 1;
SELECT a.id, w.k FROM t a JOIN t b ON a.id <= b.id JOIN w ON w.m = b.n ORDER BY 1, 2;
DROP TABLE t, w;
-- Equal numerics of different scale, on a connection that has met a RIGHT JOIN.
CREATE TABLE few (id int, b text);
CREATE TABLE scaled (id int, v numeric);
INSERT INTO few SELECT i, 'x' FROM generate_series(0, 7) i;
INSERT INTO scaled VALUES (0, 1.50), (1, 1.50), (2, -3.00), (3, -3.00), (4, 7);
SELECT count(*) FROM few a RIGHT JOIN scaled b ON a.id = b.id;
SELECT count(*) FROM ((few a CROSS JOIN (((scaled b CROSS JOIN LATERAL (SELECT c.id FROM few c) d (e)) CROSS JOIN few f) LEFT JOIN few g ON NULL::bool)) JOIN generate_series('1.5'::numeric, 4, 1.25) s (v) ON b.v = s.v);
SELECT NULL::int4 FROM ((few a CROSS JOIN (((scaled b CROSS JOIN LATERAL (SELECT c.id FROM few c WHERE c.id < 2) d (e)) CROSS JOIN few f) LEFT JOIN few g ON NULL::bool)) JOIN generate_series('1.5'::numeric, 4, 1.25) s (v) ON b.v = s.v) WHERE a.id < 2 AND f.id < 2 ORDER BY 1 NULLS FIRST;
DROP TABLE few, scaled;
