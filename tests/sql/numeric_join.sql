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
