-- Which conditions are tested, and in which order, shows where one of them fails.
CREATE TABLE item (id int PRIMARY KEY, x int, y numeric, t text);
INSERT INTO item VALUES (1, 1, 1, '1'), (2, 0, 0, 'two'), (3, 2, NULL, '3');
CREATE TABLE owner (id int PRIMARY KEY, f int, b boolean);
INSERT INTO owner VALUES (1, 0, true), (3, 1, NULL), (4, NULL, false);

-- the cheapest first
SELECT id FROM item WHERE 1 / x >= 0 AND x <> 0 ORDER BY id;
SELECT id FROM item WHERE 1 / x >= 0 AND x <> 0 AND 2 / y > 0 ORDER BY id;
SELECT id FROM item WHERE x + 1 > 0 AND 10 / x > 2 AND t <> 'two' ORDER BY id;
SELECT id FROM item WHERE t::int > 0 AND id <> 2 ORDER BY id;
SELECT id FROM item WHERE 6 / x > 1 AND x IN (1, 2) ORDER BY id;
SELECT id FROM item WHERE 6 / x > 1 AND id + x <> 2 ORDER BY id;
SELECT id FROM item WHERE 1 / x >= 0 AND id + x + x + x <> 2 ORDER BY id;
SELECT id FROM item WHERE (1 / x >= 0 OR id = 2) AND x <> 0 ORDER BY id;
SELECT id FROM item WHERE (id = 2 OR 1 / x >= 0) ORDER BY id;
SELECT id FROM item WHERE NOT (id <> 2 AND 1 / x >= 0) ORDER BY id;
SELECT id FROM item WHERE NOT (1 / x >= 0 AND id <> 2) ORDER BY id;
UPDATE item SET t = t WHERE 1 / x >= 0 AND x <> 0;
DELETE FROM item WHERE 1 / x > 5 AND x <> 0;
SELECT count(*) FROM item a JOIN item b ON 1 / b.x >= 0 AND b.x <> 0 AND a.id = b.id;
SELECT a.id, b.id FROM item a LEFT JOIN item b ON 1 / b.x >= 0 AND b.x <> 0 AND a.id = b.id ORDER BY 1;

-- AND and OR stop at what decides, where their value is asked for, too
SELECT id, x <> 0 AND 1 / x > 0 AS a, x = 0 OR 1 / x > 0 AS o FROM item ORDER BY id;
SELECT id, NOT (x <> 0 AND 1 / x > 0) AS a, (x = 0 OR 1 / x > 0) IS NULL AS o FROM item ORDER BY id;
SELECT id, b AND f <> 0 AND 1 / f > 0 AS a, NOT b OR f = 0 OR 1 / f > 0 AS o FROM owner ORDER BY id;
SELECT id, b AND 1 / f > 0 FROM owner WHERE id > 1 ORDER BY id;
SELECT id, x = 0 OR (id > 0 AND (x = 7 OR 1 / x >= 0)) AS n FROM item ORDER BY id;
SELECT count(*) FILTER (WHERE x <> 0 AND 1 / x >= 0), bool_and(x = 0 OR 1 / x >= 0) FROM item;
SELECT id FROM item ORDER BY x <> 0 AND 1 / x > 0, id;
SELECT x = 0 OR 1 / x > 0 AS k, count(*) FROM item GROUP BY 1 ORDER BY 1;
SELECT id FROM item WHERE (x <> 0 AND 1 / x > 0) IS NOT TRUE ORDER BY id;
SELECT id FROM item WHERE (x = 0 OR 1 / x > 0) = (id > 1) ORDER BY id;
SELECT max(x) > 5 AND 1 / min(x) > 0 FROM item;
UPDATE owner SET b = f <> 0 AND 1 / f > 0 RETURNING id, b;
INSERT INTO owner SELECT id + 10, x, x <> 0 AND 1 / x > 0 FROM item ORDER BY id RETURNING id, b;

-- a correlated subquery looks at the rows that belong to the row around it
SELECT id, (SELECT max(id) FROM item i WHERE i.id = o.id AND 1 / x >= 0) FROM owner o WHERE id < 10 ORDER BY id;
SELECT id, (SELECT string_agg(t, ',') FROM item i WHERE 4 / x > 1 AND i.id = o.id) FROM owner o WHERE id < 10 ORDER BY id;
SELECT id, (SELECT x FROM item i WHERE i.id = o.id AND t::int > 0) FROM owner o WHERE id < 10 ORDER BY id;
SELECT o.id, l.x FROM owner o, LATERAL (SELECT x FROM item i WHERE i.id = o.id AND 1 / x >= 0 LIMIT 1) l WHERE o.id < 10 ORDER BY o.id;
SELECT id FROM owner o WHERE f = 7 OR (SELECT sum(1 / x) FROM item i WHERE i.id = o.id AND 2 / x > 0) > 0 ORDER BY id;
SELECT id, CASE WHEN f = 0 THEN (SELECT 1 / x FROM item i WHERE i.id = o.id AND 1 / x > 0) END FROM owner o WHERE id < 10 ORDER BY id;
DROP TABLE item, owner;
