-- SELECT on one table: lists, aliases, WHERE, DISTINCT, CASE, functions that every client uses
CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL, kind char(8), price float8, qty int2, sold bool);
INSERT INTO item VALUES
  (1, 'Hammer', 'tool', 12.5, 10, true), (2, 'Nail', 'part', 0.05, 1000, true),
  (3, 'Saw', 'tool', 20, NULL, false), (4, 'glue', NULL, 3.25, 7, NULL),
  (5, 'Paint', 'liquid', NULL, 0, false), (6, 'Oil', 'liquid', 8.75, 3, true);
SELECT * FROM item ORDER BY id;
SELECT i.* , i.id AS again FROM item AS i WHERE i.id <= 2 ORDER BY 1;
SELECT name, price * qty AS "Total Price" FROM item WHERE price * qty > 10 ORDER BY "Total Price" DESC;
SELECT "name" FROM "item" WHERE NAME = 'Saw';
SELECT id FROM item WHERE kind = 'tool' ORDER BY id;
SELECT id FROM item WHERE kind = 'tool    ' ORDER BY id;
SELECT id FROM item WHERE name > 'P' ORDER BY id;
SELECT id FROM item WHERE price IS NULL OR qty IS NULL ORDER BY id;
SELECT id FROM item WHERE NOT sold ORDER BY id;
SELECT id FROM item WHERE sold IS NOT TRUE ORDER BY id;
SELECT id FROM item WHERE price BETWEEN 3 AND 13 ORDER BY id;
SELECT id FROM item WHERE price NOT BETWEEN 3 AND 13 ORDER BY id;
SELECT id FROM item WHERE price BETWEEN SYMMETRIC 13 AND 3 ORDER BY id;
SELECT id FROM item WHERE id IN (1, 3, 99, NULL) ORDER BY id;
SELECT id FROM item WHERE id NOT IN (1, 3, NULL) ORDER BY id;
SELECT id FROM item WHERE kind IN ('tool', 'part') AND NOT (qty > 100) ORDER BY id;
SELECT id, kind IS DISTINCT FROM 'tool' AS d, kind IS NOT DISTINCT FROM NULL AS n FROM item ORDER BY id;
SELECT DISTINCT kind FROM item ORDER BY kind;
SELECT DISTINCT kind, sold FROM item ORDER BY kind DESC, sold;
SELECT DISTINCT ON (kind) kind, name, price FROM item ORDER BY kind, price DESC;
SELECT id, CASE WHEN qty > 5 THEN 'many' WHEN qty > 0 THEN 'few' WHEN qty = 0 THEN 'none' END FROM item ORDER BY id;
SELECT id, CASE kind WHEN 'tool' THEN 1 WHEN 'part' THEN 2.5 ELSE 0 END FROM item ORDER BY id;
SELECT id, coalesce(price, qty, -1), nullif(qty, 0), greatest(price, qty), least(price, qty, 5) FROM item ORDER BY id;
SELECT upper(name), lower(name), length(name), length(kind), name || '/' || kind FROM item ORDER BY id;
SELECT id + 1, -id, id % 4, id / 4, price / 3 FROM item ORDER BY id LIMIT 3;
SELECT 1 AS one, 'text' AS t, 1.50 AS n, true AS b, NULL AS nothing, 3000000000 AS big;
SELECT;
SELECT FROM item WHERE id < 3;
SELECT 1 WHERE false;
SELECT 'a' 'b';
SELECT 'a'
  'b';
SELECT E'tab\there', E'\u00e9', U&'\0441', $$dollar 'quoted'$$, $x$a $$ b$x$, 'it''s';
TABLE item ORDER BY id LIMIT 1;
VALUES (1, 'one'), (2, 'two'), (3, NULL) ORDER BY 1 DESC;
SELECT column1 + 1, column2 FROM (VALUES (1, 'x'), (2, 'y')) v ORDER BY 1;
SELECT a, b FROM (VALUES (1, 'x'), (2, 'y')) v (a, b) WHERE b = 'y';
SELECT * FROM generate_series(1, 5) g WHERE g % 2 = 1;
SELECT g, g * g FROM generate_series(10, 1, -4) AS t (g);
SELECT id AS name FROM item ORDER BY name;
SELECT nope FROM item;
SELECT item.nope FROM item;
SELECT nope.id FROM item;
SELECT id FROM nope;
SELECT nofunc(1);
SELECT length(1);
SELECT id + 'x' FROM item;
SELECT name + 1 FROM item;
SELECT id FROM item WHERE id;
SELECT id FROM item WHERE name = 1;
SELECT id FROM item WHERE count(*) > 1;
SELECT * ;
SELECT id name price FROM item;
SELECT 1 FROM item i, item i;
DROP TABLE item;
-- a list of values as drivers write it
SELECT 1 = ANY (ARRAY[1, 2]) AS a, 3 = ANY (ARRAY[1, 2]) AS b, 3 <> ALL (ARRAY[1, 2]) AS c,
       1 <> ALL (ARRAY[1, 2]) AS d, NULL = ANY (ARRAY[1, 2]) AS e, 'x' = ANY (ARRAY['x', NULL]) AS f;
