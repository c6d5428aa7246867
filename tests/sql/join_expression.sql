-- Joins whose conditions compare expressions, among them of many rows
CREATE TABLE l (id int PRIMARY KEY, x text, d date, n numeric, v varchar(20), c char(8));
CREATE TABLE r (id int PRIMARY KEY, x text, t timestamp, n numeric, i bigint);
CREATE TABLE m (id int PRIMARY KEY, k int, x text);
INSERT INTO l SELECT i, CASE WHEN i % 50 > 0 THEN 'Name ' || i END, date '2024-01-01' + i, i / 2.0, 'v' || i, 'c' || i
    FROM generate_series(1, 1200) i;
INSERT INTO r SELECT i, CASE WHEN i % 60 > 0 THEN 'NAME ' || i * 2 END, timestamp '2024-01-01 10:00' + i * interval '1 day', i / 4.00, i
    FROM generate_series(1, 1200) i;
INSERT INTO m SELECT i, i % 7, 'name ' || i FROM generate_series(1, 30) i;
INSERT INTO l VALUES (5000, NULL, NULL, NULL, NULL, NULL), (5001, 'name 10', '2024-01-05', 2.50, '', '');
INSERT INTO r VALUES (6000, NULL, NULL, NULL, NULL);

SELECT count(*), sum(l.id), sum(r.id) FROM l JOIN r ON lower(l.x) = lower(r.x);
SELECT l.id, r.id, l.x, r.x FROM l JOIN r ON lower(l.x) = lower(r.x) WHERE l.id < 12 OR l.id > 4000 ORDER BY 1, 2;
SELECT count(*), sum(r.id) FROM l JOIN r ON l.id = r.id + 1;
SELECT count(*), sum(r.id) FROM l JOIN r ON l.id * 2 = r.id + 1;
SELECT count(*), sum(r.id) FROM l JOIN r ON l.id - 1 = r.i;
SELECT count(*), sum(r.id) FROM l JOIN r ON l.d = r.t::date;
SELECT count(*), sum(r.id) FROM l JOIN r ON l.d + 1 = r.t::date;
SELECT count(*), sum(r.id) FROM l, r WHERE l.x || '' = initcap(r.x);
SELECT count(*), sum(r.id) FROM l, r WHERE l.n * 2 = r.n + 1;
SELECT count(*), sum(r.id) FROM l, r WHERE l.n = r.i;
SELECT count(*), sum(r.id) FROM l, r WHERE substr(l.v, 2) = (r.i + 3)::text;
SELECT count(*), sum(r.id) FROM l, r WHERE l.c = 'c' || r.id;
SELECT count(*), sum(r.id) FROM l, r WHERE l.id % 100 = r.id % 90 AND lower(l.x) = lower(r.x);
SELECT count(*), sum(r.id) FROM l, r WHERE (l.id - 1, lower(l.x)) = (r.id * 2 - 1, lower(r.x));
SELECT l.id % 10 AS ten, count(*), max(r.n) FROM l JOIN r ON lower(l.x) = lower(r.x) GROUP BY 1 ORDER BY 1;

-- what has no match
SELECT count(*), count(r.id), sum(l.id) FROM l LEFT JOIN r ON lower(l.x) = lower(r.x) AND r.id > 10;
SELECT count(*), count(l.id), sum(r.id) FROM l RIGHT JOIN r ON lower(l.x) = lower(r.x);
SELECT count(*), count(l.id), count(r.id) FROM l FULL JOIN r ON lower(l.x) = lower(r.x);
SELECT count(*), count(r.id), count(m.id), sum(m.id) FROM l LEFT JOIN r ON lower(l.x) = lower(r.x) LEFT JOIN m ON lower(r.x) = m.x;
-- .. is NULL to a function, and some make something of that
SELECT count(*), count(r.id), count(m.id), sum(m.id) FROM l LEFT JOIN r ON lower(l.x) = lower(r.x)
    LEFT JOIN m ON coalesce(lower(r.x), 'name 3') = m.x;
SELECT count(*), count(r.id), count(m.id), sum(m.id) FROM l LEFT JOIN r ON lower(l.x) = lower(r.x)
    JOIN m ON concat('name ', r.id / 2) = m.x;

-- NULL is not distinct from NULL
SELECT count(*), count(l.x), sum(r.id) FROM l JOIN r ON lower(l.x) IS NOT DISTINCT FROM lower(r.x);
SELECT count(*), sum(m.id) FROM l JOIN r ON l.x IS NOT DISTINCT FROM r.x JOIN m ON m.id = l.id + 1;
SELECT count(*), count(l.n), sum(r.id) FROM l JOIN r ON l.n IS NOT DISTINCT FROM r.n;
SELECT count(*), sum(r.id) FROM l JOIN r ON l.id IS NOT DISTINCT FROM r.i;
SELECT count(*), count(r.id), count(m.id) FROM l LEFT JOIN r ON l.n IS NOT DISTINCT FROM r.n LEFT JOIN m ON r.id IS NOT DISTINCT FROM m.k;
SELECT count(*), count(r.id) FROM l LEFT JOIN r ON (l.n, l.id) IS NOT DISTINCT FROM (r.n, r.id * 2);

-- errors of the expressions come through
SELECT count(*) FROM l JOIN r ON 10 / (l.id - 7) = r.id / 2;
SELECT count(*) FROM l JOIN r ON substr(l.x, 6)::int = r.x::int;
-- rows are compared within conditions, too
SELECT count(*), sum(l.id) FROM l JOIN r ON l.id = r.id WHERE (l.n, r.n) < (r.i, l.n) OR (l.id, r.id) IN ((3, 3), (4, 5));
SELECT count(*), sum(l.id) FROM l LEFT JOIN r ON l.id = r.id WHERE ((l.n, r.x) <> (r.n * 2, r.x)) IS NULL;
DROP TABLE l, r, m;
