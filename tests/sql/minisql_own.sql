-- what MiniSQL does in its own way
CREATE TABLE a (id int PRIMARY KEY, x int);
CREATE TABLE b (id int PRIMARY KEY, y text);
CREATE TABLE c (z int);
INSERT INTO a VALUES (1, 10), (2, 20);
INSERT INTO b VALUES (1, 'one'), (3, 'three');
INSERT INTO c VALUES (7), (8);
-- a JOIN without a condition is a cross join
SELECT * FROM a JOIN b ORDER BY a.id, b.id;
SELECT a.id, b.id, z FROM a JOIN b JOIN c ON z = 7 ORDER BY 1, 2;
SELECT a.id, b.id, z FROM a JOIN b ON a.id = b.id JOIN c ORDER BY z;
SELECT count(*) FROM a JOIN b JOIN c;
SELECT count(*) FROM a LEFT JOIN b;
SELECT * FROM a JOIN b WHERE a.id = b.id;
SELECT * FROM a JOIN b USING (id);
SELECT * FROM a JOIN WHERE 1 = 1;
SELECT * FROM a JOIN b ON;
SELECT a.nope FROM a JOIN b JOIN c;
-- constraints: what is told, and what is not
CREATE TABLE p (id int PRIMARY KEY, k text UNIQUE CHECK (k <> 'no'));
CREATE TABLE q (id int PRIMARY KEY, p int REFERENCES p, other int REFERENCES q (id));
INSERT INTO p VALUES (1, 'a');
INSERT INTO p VALUES (1, 'b');
INSERT INTO p VALUES (2, 'a');
INSERT INTO p VALUES (2, 'no');
INSERT INTO p VALUES (NULL, 'b');
INSERT INTO q VALUES (1, 9, NULL);
INSERT INTO q VALUES (1, 1, NULL);
UPDATE q SET p = 8;
UPDATE q SET other = 8;
DELETE FROM p;
CREATE TABLE r (p int DEFAULT 5 REFERENCES p ON DELETE SET DEFAULT);
INSERT INTO r VALUES (1);
DELETE FROM p;
DROP TABLE r;
DROP TABLE p;
DROP TABLE p, q;
-- options of tables
CREATE TABLE near (id int) WITH (colocate_with = 'a', copies = 1);
CREATE TABLE bad (id int) WITH (colocate_with = 'nope');
CREATE TABLE bad (id int) WITH (copies = 0);
CREATE TABLE bad (id int) WITH (fillfactor = 70);
-- names that differ in case
CREATE TABLE "A" ("ID" int);
SELECT "ID" FROM "A";
SELECT "ID" FROM a;
-- encodings of several bytes
SET client_encoding = 'big5';
-- TRUNCATE .. CASCADE
CREATE TABLE d (a int REFERENCES a);
TRUNCATE a;
TRUNCATE a CASCADE;
SELECT count(*) FROM a;
DROP TABLE a, b, c, d, near, bad;
-- char(n) and other strings lie differently in the file
CREATE TABLE a (c char(4) PRIMARY KEY, t text UNIQUE);
CREATE TABLE b (c text REFERENCES a);
CREATE TABLE b (c char(4) REFERENCES a (t));
CREATE TABLE b (c char(5) REFERENCES a ON UPDATE CASCADE);
CREATE TABLE b (c char(4) REFERENCES a ON UPDATE CASCADE);
ALTER TABLE b ALTER c TYPE char(5);
DROP TABLE a, b;
-- debug1 tells what comes along with a table; not how PostgreSQL builds it
SET client_min_messages = debug1;
CREATE TABLE told (id serial PRIMARY KEY, u int UNIQUE, g int GENERATED ALWAYS AS IDENTITY, CONSTRAINT named UNIQUE (id, u));
ALTER TABLE told ADD CONSTRAINT second UNIQUE (g), ADD COLUMN s bigserial;
CREATE UNIQUE INDEX third ON told (s);
ALTER TABLE told ADD CONSTRAINT fourth UNIQUE USING INDEX third;
ALTER TABLE told ADD COLUMN x int;
CREATE TABLE IF NOT EXISTS told (id serial);
CREATE TEMP TABLE told_too (id serial PRIMARY KEY);
SET client_min_messages = notice;
CREATE TABLE untold (id serial PRIMARY KEY);
DROP TABLE told, untold;
CREATE TABLE asks (q text DEFAULT to_regclass('asks')::text, n int);
COPY asks (n) FROM stdin;
1
\.
COPY asks FROM stdin;
q	1
\.
DROP TABLE asks;
