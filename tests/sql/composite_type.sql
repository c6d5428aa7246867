-- composite types: values, columns, casts, comparison, catalogs
CREATE TYPE ct_color AS ENUM ('red', 'green');
CREATE TYPE ct_item AS (name text, price numeric(8, 2), qty int);
CREATE TYPE ct_item AS (a int);
CREATE TYPE ct_twice AS (a int, a text);
CREATE TYPE ct_none AS (a nope);
CREATE TYPE ct_empty AS ();
CREATE TYPE ct_nested AS (i ct_item, c ct_color, l int[]);
CREATE TABLE ct_item (a int);
SELECT '(pen,1.234,5)'::ct_item, '("a,b",,)'::ct_item, ' ( "x""y" , 2 , 3 ) '::ct_item, '(,,)'::ct_item IS NULL, NULL::ct_item;
SELECT 'pen'::ct_item;
SELECT '(pen,1)'::ct_item;
SELECT '(pen,1,2,3)'::ct_item;
SELECT '(pen,1,2'::ct_item;
SELECT '(pen,1,2) x'::ct_item;
SELECT '(pen,x,2)'::ct_item;
SELECT '(pen,1,99999999999)'::ct_item;
SELECT '(pen,12345678,1)'::ct_item;
SELECT '()'::ct_empty, ROW()::ct_empty;
SELECT ROW('pen', 1.5, 3)::ct_item, ROW('pen', '7', NULL)::ct_item, CAST(ROW(1::text, 2, 3) AS ct_item);
SELECT ROW('pen', 1.5)::ct_item;
SELECT ROW('pen', 1.5, 3, 4)::ct_item;
SELECT ROW('pen', true, 3)::ct_item;
SELECT (ROW('pen', 1.5, 3)::ct_item).name, ('(pen,1,2)'::ct_item).price, pg_typeof(('(pen,1,2)'::ct_item).qty);
SELECT (ROW('pen', 1.5, 3)::ct_item).*;
SELECT ROW(ROW('pen', 1.5, 3), 'green', ARRAY[1, 2])::ct_nested, ('("(pen,1,2)",red,"{3,4}")'::ct_nested).i.price, ('("(pen,1,2)",red,"{3,4}")'::ct_nested).l[2];
SELECT pg_typeof(ROW('pen', 1, 2)::ct_item), ROW('pen', 1, 2)::ct_item::text, to_json(ROW('pen', 1, 2)::ct_item), to_jsonb(ROW(ROW('p', 1, 2), 'red', '{1}')::ct_nested);
-- columns
CREATE TABLE ct_t (id int PRIMARY KEY, item ct_item, n ct_nested DEFAULT '(,red,)');
INSERT INTO ct_t VALUES (1, ROW('pen', 1.5, 3)), (2, '(ink,2.25,)'), (3, NULL), (4, ROW('pen', 1.50, 2));
INSERT INTO ct_t (id, item, n) VALUES (5, ('a b', 7, 8), '("(x,1,2)",green,{1})');
INSERT INTO ct_t VALUES (6, 5);
INSERT INTO ct_t VALUES (6, ROW('pen', 1));
SELECT * FROM ct_t ORDER BY id;
SELECT id, item FROM ct_t ORDER BY item, id;
SELECT id, (item).name, (item).price * 2, (n).c, (t.n).i.name FROM ct_t t ORDER BY id;
SELECT (item).* FROM ct_t ORDER BY id;
SELECT (item).nope FROM ct_t;
SELECT id FROM ct_t WHERE (item).name = 'pen' ORDER BY id;
SELECT id FROM ct_t WHERE item = ROW('pen', 1.5, 3)::ct_item;
SELECT id FROM ct_t WHERE item = ROW('pen'::text, 1.5, 3);
SELECT id FROM ct_t WHERE item > '(pen,1.5,2)'::ct_item ORDER BY id;
SELECT id FROM ct_t WHERE item IS NULL;
SELECT id, item IS NOT NULL FROM ct_t ORDER BY id;
SELECT x.id, y.id FROM ct_t x JOIN ct_t y ON x.item < y.item ORDER BY 1, 2;
SELECT item, count(*) FROM ct_t GROUP BY item ORDER BY item;
SELECT DISTINCT n FROM ct_t ORDER BY n;
SELECT array_agg(item ORDER BY id) FROM ct_t;
SELECT item FROM ct_t WHERE id = 1 UNION SELECT item FROM ct_t WHERE id = 4 ORDER BY 1;
UPDATE ct_t SET item = ROW((item).name, (item).price + 1, 0) WHERE id = 1 RETURNING item;
SELECT coalesce(item, ROW('none', 0, 0)::ct_item) FROM ct_t WHERE id = 3;
CREATE UNIQUE INDEX ct_i ON ct_t (item);
INSERT INTO ct_t VALUES (9, ROW('ink', 2.25, NULL)), (10, ROW('ink', 2.25, NULL));
INSERT INTO ct_t VALUES (9, ROW('pen', 2.5, 0));
CREATE TABLE ct_key (k ct_item PRIMARY KEY, v int);
INSERT INTO ct_key VALUES ('(a,1,1)', 1), ('(b,1,1)', 2);
INSERT INTO ct_key VALUES ('(a,1.00,1)', 3);
INSERT INTO ct_key VALUES ('(a,1.00,1)', 3) ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING *;
SELECT v FROM ct_key WHERE k = '(b,1,1)'::ct_item;
PREPARE ct_p (ct_item) AS SELECT ($1).name, $1;
EXECUTE ct_p ('(z,1,2)');
SELECT * FROM (VALUES (ROW('q', 1, 2)::ct_item), (NULL)) v (x) ORDER BY x;
COPY (SELECT id, item FROM ct_t ORDER BY id) TO STDOUT;
COPY ct_key (k, v) FROM STDIN;
(c,3,3)	7
\.
SELECT * FROM ct_key ORDER BY k DESC;
-- arrays
SELECT ARRAY['(a,1,2)'::ct_item, NULL], '{"(a,1,2)","(b,3,4)"}'::ct_item[], ('{"(a,1,2)","(b,3,4)"}'::ct_item[])[2].name;
-- catalogs
SELECT typname, typtype, typcategory, typlen, typrelid <> 0, typarray <> 0, typstorage, typalign FROM pg_type WHERE typname IN ('ct_item', '_ct_item') ORDER BY 1;
SELECT relname, relkind, relnatts, reltype = (SELECT oid FROM pg_type t WHERE t.typname = 'ct_item') FROM pg_class WHERE relname = 'ct_item';
SELECT attname, format_type(atttypid, atttypmod), attnum FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relname = 'ct_item' AND attnum > 0 ORDER BY attnum;
SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'ct%' ORDER BY 1;
SELECT column_name, data_type, udt_name FROM information_schema.columns WHERE table_name = 'ct_t' ORDER BY ordinal_position;
\d ct_item
\d ct_t
\dT ct*
COMMENT ON TYPE ct_item IS 'what is sold';
\dT+ ct_item
-- they go
DROP TYPE ct_color;
DROP TYPE ct_item;
ALTER TYPE ct_empty RENAME TO ct_void;
DROP TYPE ct_void, ct_nope;
DROP TYPE ct_void;
DROP TABLE ct_t, ct_key;
DROP TYPE ct_item, ct_nested, ct_color;
-- what does not go with them
CREATE TYPE ct_p AS (x int, y text);
SELECT * FROM ct_p;
INSERT INTO ct_p VALUES (1, 'a');
SELECT pg_relation_size('ct_p'), 'ct_p'::regclass, 'ct_p'::regtype, to_regclass('ct_p'), obj_description('ct_p'::regtype), pg_table_is_visible('ct_p'::regclass);
DROP DOMAIN ct_p;
ALTER TYPE ct_p ADD VALUE 'x';
CREATE TABLE ct_p (a int);
CREATE VIEW ct_p AS SELECT 1;
CREATE SEQUENCE ct_p;
CREATE TABLE ct_u (q ct_p[], p ct_p CHECK ((p).x > 0));
INSERT INTO ct_u (p, q) VALUES ('(1,a)', ARRAY[ROW(1, 'b'), NULL]::ct_p[]);
INSERT INTO ct_u (p, q) VALUES ('(0,a)', NULL);
INSERT INTO ct_u (p, q) VALUES (ROW(2, 'b'), '{"(3,c)"}') RETURNING (p).y, q[1], (q[1]).x;
SELECT (q[1]).x, unnest(q) FROM ct_u ORDER BY (p).x;
CREATE VIEW ct_v AS SELECT (p).x AS x, p FROM ct_u;
SELECT * FROM ct_v ORDER BY 1;
DROP TYPE ct_p;
SELECT ROW(1, 2)::ct_p = ROW(1, '2')::ct_p, ROW(1, 'b')::ct_p < ROW(1, 'c')::ct_p, ROW(1, NULL)::ct_p = ROW(1, NULL)::ct_p;
SELECT max(p) FROM ct_u;
SELECT count(DISTINCT p), min((p).x) FROM ct_u;
BEGIN;
CREATE TYPE ct_in AS (a int, p ct_p);
CREATE TABLE ct_w (i ct_in);
INSERT INTO ct_w VALUES (ROW(1, ROW(2, 'z')));
SELECT (i).p.y, ((i).p).x, i FROM ct_w;
ROLLBACK;
SELECT ROW(1, ROW(2, 'z'))::ct_in;
DROP VIEW ct_v;
DROP TABLE ct_u;
DROP TYPE IF EXISTS ct_p, ct_in;
