-- Relations that are there but can't be seen from where they are named.
CREATE TABLE a (i int, t text);
CREATE TABLE b (i int, k int);
INSERT INTO a VALUES (1, 'one'), (2, 'two');
SELECT * FROM (a JOIN b USING (i)) AS x WHERE a.t = 'one';
SELECT * FROM a x JOIN (b CROSS JOIN a y) j ON x.i = y.i;
SELECT a.* FROM a x;
SELECT ROW(a.*) FROM a x;
SELECT a.t FROM a x;
SELECT nope.* FROM a;
SELECT a.* FROM b WHERE EXISTS (SELECT a.t FROM a);
SELECT (SELECT a.t FROM b) FROM a x;
SELECT * FROM (SELECT 1 FROM a) s WHERE a.i = 1;
INSERT INTO a AS z VALUES (3, 'x') RETURNING a.*;
UPDATE a z SET t = 'y' WHERE a.i = 1;
DELETE FROM a z WHERE z.i = 1 RETURNING a.i;
CREATE UNIQUE INDEX ON a (i);
INSERT INTO a VALUES (1, 'x') ON CONFLICT (i) DO UPDATE SET t = 'y' RETURNING excluded.t;
-- As JSON a row has the names of its type, whatever FROM calls its columns.
CREATE VIEW v AS SELECT i AS n, t FROM a;
SELECT row_to_json(x), x.p FROM a x(p) ORDER BY p;
SELECT to_jsonb(x) FROM a x(p, q) ORDER BY p;
SELECT json_agg(x ORDER BY p) FROM v x(p, q);
SELECT row_to_json(s) FROM (SELECT i, t FROM a) s(p, q) ORDER BY p;
SELECT row_to_json(j) FROM (a JOIN b USING (i)) j(p, q, r);
WITH c AS (SELECT i, t FROM a) SELECT row_to_json(c) FROM c c(p) ORDER BY p;
SELECT (x).p FROM a x(p) ORDER BY 1;
SELECT ROW(), ROW() IS NULL;
SELECT text(ROW(1, 2));
-- INTO and MERGE where they can't be.
SELECT * FROM (SELECT 1 INTO c) s;
WITH s AS (SELECT 1 INTO c) SELECT 1;
DECLARE d CURSOR FOR SELECT 1 INTO a;
WITH s AS (MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE) SELECT 1;
COPY (MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE) TO STDOUT;
-- Of several checks that fail, the first by name is told.
CREATE TABLE c (a int, b int, CONSTRAINT z CHECK (a > 0), CONSTRAINT m CHECK (b > 0), CHECK (a > b));
INSERT INTO c VALUES (0, 0);
INSERT INTO c VALUES (-1, 1);
INSERT INTO c VALUES (1, 0);
ALTER TABLE c ADD CONSTRAINT a_first CHECK (a + b > 2);
INSERT INTO c VALUES (0, 0);
ALTER TABLE c RENAME CONSTRAINT a_first TO zz_last;
INSERT INTO c VALUES (0, 0);
UPDATE c SET a = 0;
SELECT date '4714-11-24 BC'::timestamptz IS NULL AS lost, '294277-01-01'::date::timestamptz;
-- VARIADIC
SELECT json_build_object(VARIADIC ARRAY['a', NULL, 'b', 'x"y']), jsonb_build_object(VARIADIC ARRAY[['b', 'x'], ['a', 'y']]);
SELECT json_build_array(VARIADIC ARRAY[1, NULL, 3]), jsonb_build_array(VARIADIC ARRAY[true, false]), json_build_array(VARIADIC '{}'::int[]);
SELECT json_build_array(VARIADIC ARRAY['2024-02-29'::date]), jsonb_build_array(VARIADIC ARRAY['{"a": [1]}'::json, '2']);
SELECT json_build_object(VARIADIC NULL::text[]) IS NULL, jsonb_build_object(VARIADIC '{}'::text[]), jsonb_build_object(VARIADIC ARRAY[1, 2]);
SELECT json_build_object(VARIADIC ARRAY[1, 2, 3]);
SELECT json_build_object(VARIADIC ARRAY[NULL, 'b']);
SELECT jsonb_build_object(VARIADIC ARRAY[NULL, 'b']);
SELECT json_build_object('a', VARIADIC ARRAY['b', 'c']);
SELECT json_build_array(VARIADIC 'a');
SELECT jsonb_build_object(VARIADIC array_agg(t ORDER BY i)) FROM a;
