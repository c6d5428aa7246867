-- generated columns
CREATE TABLE g (a int PRIMARY KEY, b int GENERATED ALWAYS AS (a * 2) STORED, c text DEFAULT 'x', d text GENERATED ALWAYS AS (upper(c) || '!') STORED UNIQUE, n numeric(6,1) GENERATED ALWAYS AS ((a / 3.0)::numeric(6,1)) STORED);
\d g
SELECT attname, attgenerated, atthasdef, pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'g'::regclass AND attnum > 0 ORDER BY attnum;
SELECT column_name, column_default, is_generated, generation_expression FROM information_schema.columns WHERE table_name = 'g' ORDER BY ordinal_position;
INSERT INTO g (a) VALUES (1);
INSERT INTO g (a, c) VALUES (2, 'y'), (3, 'z') RETURNING *;
INSERT INTO g VALUES (4, DEFAULT, 'w', DEFAULT, DEFAULT) RETURNING a, b, d, n;
INSERT INTO g VALUES (5);
INSERT INTO g (a, b) VALUES (6, 12);
INSERT INTO g VALUES (6, 12);
INSERT INTO g (a, b) SELECT 7, 8;
INSERT INTO g (a, b) OVERRIDING SYSTEM VALUE VALUES (6, 12);
INSERT INTO g (a, c) SELECT a + 10, c || a FROM g ORDER BY a RETURNING a, b, d;
INSERT INTO g (a, c) VALUES (1, 'again') ON CONFLICT (a) DO UPDATE SET c = excluded.c RETURNING *;
INSERT INTO g (a, c) VALUES (1, 'AGAIN') ON CONFLICT (d) DO UPDATE SET c = 'hit ' || excluded.d RETURNING *;
INSERT INTO g (a, c) VALUES (1, 'q') ON CONFLICT (a) DO UPDATE SET b = DEFAULT RETURNING *;
INSERT INTO g (a, c) VALUES (1, 'q') ON CONFLICT (a) DO UPDATE SET b = 3;
UPDATE g SET a = 100 WHERE a = 2 RETURNING *;
UPDATE g SET b = 1;
UPDATE g SET b = DEFAULT WHERE a = 3 RETURNING *;
UPDATE g SET (a, b) = (200, DEFAULT) WHERE a = 3 RETURNING *;
UPDATE g SET (a, b) = (SELECT 1, 2);
UPDATE g SET c = s.v FROM (VALUES (100, 'from')) s(k, v) WHERE g.a = s.k RETURNING g.*;
WITH w AS (UPDATE g SET c = 'with' WHERE a = 4 RETURNING *) SELECT * FROM w;
MERGE INTO g USING (VALUES (4, 'merged'), (5, 'new')) s(k, v) ON g.a = s.k WHEN MATCHED THEN UPDATE SET c = s.v WHEN NOT MATCHED THEN INSERT (a, c) VALUES (s.k, s.v);
MERGE INTO g USING (VALUES (6, 'new')) s(k, v) ON g.a = s.k WHEN NOT MATCHED THEN INSERT (a, b) VALUES (s.k, 1);
MERGE INTO g USING (VALUES (6, 'new6')) s(k, v) ON g.a = s.k WHEN NOT MATCHED THEN INSERT VALUES (s.k, DEFAULT, s.v);
SELECT * FROM g WHERE b > 8 ORDER BY a;
SELECT sum(b), max(d) FROM g;
DELETE FROM g WHERE b = 400 RETURNING *;
INSERT INTO g (a, c) VALUES (50, 'new');
INSERT INTO g (a, c) VALUES (50, 'NEW');
COPY g FROM STDIN;
60	sixty
61	sixty-one
\.
COPY g (a) FROM STDIN;
62
\.
COPY g (a, b) FROM STDIN;
COPY g (a, b) TO STDOUT;
COPY (SELECT * FROM g ORDER BY a) TO STDOUT;
DELETE FROM g WHERE a < 60 OR a > 61;
COPY g TO STDOUT;
ALTER TABLE g ALTER COLUMN b SET DEFAULT 3;
CREATE INDEX ON g (b);
CREATE INDEX ON g ((b + 1)) WHERE n > 3;
SELECT a FROM g WHERE b = 120;
-- checks, foreign keys
CREATE TABLE p (k int PRIMARY KEY);
INSERT INTO p VALUES (2), (4);
CREATE TABLE ch (a int CHECK (b < 100), b int NOT NULL GENERATED ALWAYS AS (a + 1) STORED REFERENCES p, CHECK (a + b > 0));
INSERT INTO ch VALUES (1);
INSERT INTO ch VALUES (2);
INSERT INTO ch VALUES (99);
INSERT INTO ch VALUES (-5);
INSERT INTO ch VALUES (NULL);
UPDATE ch SET a = 3 RETURNING *;
CREATE TABLE cascaded (k int REFERENCES p ON UPDATE CASCADE ON DELETE SET NULL, twice int GENERATED ALWAYS AS (k * 2) STORED);
DELETE FROM ch;
INSERT INTO cascaded VALUES (2);
UPDATE p SET k = 7 WHERE k = 2;
SELECT * FROM cascaded;
DELETE FROM p WHERE k = 7;
SELECT * FROM cascaded;
DROP TABLE ch, cascaded, p;
-- types
CREATE TABLE ty (j jsonb, k text GENERATED ALWAYS AS (j->>'k') STORED, t text, l int GENERATED ALWAYS AS (length(t)) STORED, v varchar(3) GENERATED ALWAYS AS (t) STORED, d date, y numeric GENERATED ALWAYS AS (extract(year FROM d)) STORED, r int[] GENERATED ALWAYS AS (ARRAY[1, 2]) STORED, ok boolean GENERATED ALWAYS AS (t IS NOT NULL) STORED);
INSERT INTO ty (j, t, d) VALUES ('{"k": "v"}', 'abc', '2024-02-29'), (NULL, NULL, NULL) RETURNING *;
INSERT INTO ty (t) VALUES ('abcd');
SELECT k FROM ty WHERE ok ORDER BY l;
DROP TABLE ty;
CREATE TABLE lk (LIKE g INCLUDING GENERATED);
INSERT INTO lk (a, c) VALUES (1, 'v') RETURNING *;
CREATE TABLE lk2 (LIKE g INCLUDING DEFAULTS);
INSERT INTO lk2 (a, b, c) VALUES (1, 5, 'v') RETURNING *;
DROP TABLE lk, lk2;
-- errors
CREATE TABLE e (a int, b int GENERATED ALWAYS AS (c) STORED);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS (a * 2) STORED, c int GENERATED ALWAYS AS (b * 2) STORED);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS (b * 2) STORED);
CREATE TABLE e (a int, b float8 GENERATED ALWAYS AS (random()) STORED);
CREATE TABLE e (a int, b timestamptz GENERATED ALWAYS AS (now()) STORED);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS (sum(a)) STORED);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS ((SELECT 1)) STORED);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS (row_number() OVER (ORDER BY a)) STORED);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS (generate_series(1, a)) STORED);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS ('x') STORED);
CREATE TABLE e (a int, b bool GENERATED ALWAYS AS (a) STORED);
CREATE TABLE e (a int, b int DEFAULT 5 GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS (a * 2) STORED DEFAULT 5);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS (a * 2) STORED GENERATED ALWAYS AS (a * 3) STORED);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS IDENTITY GENERATED ALWAYS AS (a * 3) STORED);
CREATE TABLE e (a int, b int GENERATED ALWAYS AS (a * 3) STORED GENERATED ALWAYS AS IDENTITY);
CREATE TABLE e (a int, b serial GENERATED ALWAYS AS (a * 3) STORED);
CREATE TABLE e (a int, b int GENERATED BY DEFAULT AS (a * 2) STORED);
CREATE TABLE e (a int, b int DEFAULT (a * 2));
INSERT INTO g (a) VALUES ('x');
DROP TABLE g;
