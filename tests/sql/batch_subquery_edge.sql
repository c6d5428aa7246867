-- Subqueries over several tables at their edges: NULLs, nothing, two levels, what is not joined
CREATE TABLE i (id int PRIMARY KEY, k int);
INSERT INTO i SELECT x, x FROM generate_series(1, 3000) x;
WITH a AS (SELECT id FROM i), b AS (SELECT x.id FROM a x JOIN a y ON x.id = y.id), c AS (SELECT x.id FROM b x JOIN b y ON x.id = y.id), d AS (SELECT x.id FROM c x JOIN c y ON x.id = y.id), e AS (SELECT x.id FROM d x JOIN d y ON x.id = y.id) SELECT count(*) FROM e x JOIN e y ON x.id = y.id;
CREATE TABLE o (id int PRIMARY KEY, n int NOT NULL); INSERT INTO o SELECT x, x FROM generate_series(1, 10) x;
CREATE TABLE j (id int PRIMARY KEY, n int NOT NULL);
SELECT count(*) FROM o WHERE o.n NOT IN (SELECT j.n FROM i LEFT JOIN j ON j.id = i.id);
SELECT count(*) FROM i LEFT JOIN o ON o.id = i.id WHERE o.n NOT IN (SELECT n FROM j);
SELECT count(*) FROM i LEFT JOIN o ON o.id = i.id WHERE o.n NOT IN (SELECT n FROM o x WHERE id < 4);
SELECT count(*) FROM o WHERE o.n NOT IN (SELECT max(j.n) FROM j);
SELECT count(*) FROM o WHERE EXISTS (SELECT generate_series(1, 0) FROM i WHERE i.id = o.id);
SELECT count(*) FROM o WHERE o.n IN (SELECT generate_series(1, 3) FROM i WHERE i.id = o.id);
SELECT count(*) FROM o WHERE EXISTS (SELECT 1 FROM i WHERE i.id = o.id HAVING false);
SELECT count(*) FROM o WHERE EXISTS (SELECT 1 FROM i WHERE i.id = o.id AND EXISTS (SELECT 1 FROM j WHERE j.id = o.n));
SELECT count(*) FROM o WHERE NOT EXISTS (SELECT 1 FROM i WHERE i.id = o.id AND NOT EXISTS (SELECT 1 FROM j WHERE j.id = i.k AND j.n = o.n));
SELECT count(*) FROM o WHERE o.n = (SELECT id FROM i);
SELECT count(*) FROM o WHERE (SELECT count(*) FROM i WHERE i.id = o.id AND random() < 0) = 0;
SELECT count(*) FROM o WHERE EXISTS (SELECT 1 FROM i WHERE i.id = o.id OFFSET 1);
SELECT count(*) FROM o WHERE o.n <> ALL (SELECT NULL::int FROM i WHERE id < 0);
SELECT count(*) FROM o WHERE (o.n, o.id) NOT IN (SELECT k, id FROM i);
SELECT count(*) FROM o WHERE o.n IN (SELECT k FROM i) IS NOT TRUE;
-- rows that belong to none raise no errors
SELECT count(*) FROM o WHERE o.n >= (SELECT sum(1 / (i.k - 20)) FROM i WHERE i.id = o.id);
SELECT count(*) FROM o WHERE o.n >= (SELECT max(i.k) / (max(i.k) - 20) FROM i WHERE i.id = o.id);
SELECT count(*) FROM o WHERE o.n <= (SELECT 0.5 * sum(i.k) FROM i WHERE i.id = o.id AND i.k > 2);
UPDATE o SET n = n + 1 WHERE EXISTS (SELECT 1 FROM i WHERE i.id = o.id AND i.k > 5);
DELETE FROM o WHERE o.n NOT IN (SELECT k FROM i WHERE id < 8);
SELECT count(*), sum(n) FROM o;
DROP TABLE i, o, j;
