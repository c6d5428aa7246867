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
