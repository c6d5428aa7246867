-- WITH RECURSIVE: its items see each other, also those that come later
WITH RECURSIVE x (id) AS (SELECT 1 UNION ALL SELECT id+1 FROM y WHERE id < 5), y (id) AS (SELECT 1 UNION ALL SELECT id+1 FROM x WHERE id < 5) SELECT * FROM x;
WITH RECURSIVE x (id) AS (SELECT 1 UNION ALL SELECT id+1 FROM x WHERE id < (select max(b) from y)), y(b) AS (values (3),(4)) SELECT * FROM x;
WITH RECURSIVE y (id) AS (SELECT 1 UNION ALL SELECT id+1 FROM y WHERE id < 5), z AS (select * from x union all select * from z where x < 0), x(x) as (select id from y) SELECT * FROM z;
WITH RECURSIVE t AS (SELECT * FROM t) SELECT * FROM t;
WITH RECURSIVE a AS (select 1 as x), b as (select * from a) select * from b;
WITH b as (select * from a), a AS (select 1 as x) select * from b;
WITH RECURSIVE b as (select * from a), a AS (select 1 as x) select * from b, a;
WITH RECURSIVE b as (with a as (select 2 as y) select * from a), a AS (select 1 as x) select * from b, a;
WITH outermost(x) AS (SELECT 1 UNION (WITH innermost as (SELECT 2) SELECT * FROM outermost UNION SELECT * FROM innermost)) SELECT * FROM outermost ORDER BY 1;
WITH RECURSIVE x(n) AS (SELECT n FROM x UNION ALL SELECT 1) SELECT * FROM x;
WITH RECURSIVE x(n) AS (SELECT 1 INTERSECT SELECT n+1 FROM x) SELECT * FROM x;
CREATE TABLE ytt(a int);
WITH RECURSIVE t(a) AS (SELECT 0 UNION ALL SELECT a+1 FROM t WHERE a+1 < 5), t2 as (INSERT INTO ytt SELECT * FROM t RETURNING *) SELECT * FROM t2 order by 1;
WITH RECURSIVE t2 as (INSERT INTO ytt SELECT * FROM t RETURNING *), t(a) AS (SELECT 0 UNION ALL SELECT a+1 FROM t WHERE a+1 < 5) SELECT * FROM t2 order by 1;
select count(*) from ytt;

-- WITH inside, DISTINCT where it makes no difference
WITH RECURSIVE r (n) AS (WITH x AS (SELECT 1 AS a UNION ALL SELECT 2), z AS (SELECT 30 AS top) SELECT a FROM x UNION ALL SELECT n + 10 FROM r, z WHERE n < top) SELECT * FROM r ORDER BY n;
WITH RECURSIVE r (n) AS (WITH r AS (SELECT 5 AS n) SELECT n FROM r UNION ALL SELECT n + 1 FROM r WHERE n < 7) SELECT * FROM r;
WITH RECURSIVE edge (a, b) AS (VALUES (1, 2), (1, 3), (2, 4), (3, 4), (4, 1)), seen (n) AS (SELECT 1 UNION SELECT DISTINCT b FROM seen JOIN edge ON a = n) SELECT * FROM seen ORDER BY n;
WITH RECURSIVE r (n) AS (WITH y AS (SELECT 1 AS one) SELECT one FROM y UNION ALL (WITH RECURSIVE x AS (SELECT 2 AS by UNION SELECT 3), y AS (SELECT 6 AS top) SELECT n + by FROM r, x, y WHERE n < top)) SELECT * FROM r ORDER BY n;
WITH RECURSIVE r (n) AS (SELECT 1 UNION (SELECT n + 1 FROM r WHERE n < (WITH x AS (SELECT 4 AS top) SELECT top FROM x))) SELECT * FROM r ORDER BY n;
CREATE VIEW counting AS WITH RECURSIVE r (n) AS (WITH x AS (SELECT 1 AS a) SELECT a FROM x UNION SELECT DISTINCT n + 1 FROM r WHERE n < 3) SELECT * FROM r;
SELECT * FROM counting ORDER BY n;
DROP VIEW counting;
WITH RECURSIVE r (n) AS (SELECT 1 UNION (WITH x AS (SELECT 2 AS by) SELECT n + by FROM r, x WHERE n < 6)) SELECT * FROM r ORDER BY n;
