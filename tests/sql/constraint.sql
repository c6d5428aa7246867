-- constraints: NOT NULL, CHECK, UNIQUE, PRIMARY KEY, DEFAULT; names, error codes, details
CREATE TABLE p (
  id int8 CONSTRAINT p_is_key PRIMARY KEY,
  code char(3) NOT NULL UNIQUE,
  a int CHECK (a > 0),
  b int CONSTRAINT b_small CHECK (b < 100),
  c text DEFAULT 'dflt' CHECK (length(c) < 6),
  CHECK (a < b),
  CONSTRAINT ab UNIQUE (a, b));
INSERT INTO p VALUES (1, 'x', 1, 2, 'c');
INSERT INTO p VALUES (1, 'y', 2, 3, 'c');
INSERT INTO p VALUES (2, 'x', 2, 3, 'c');
INSERT INTO p VALUES (2, 'x  ', 2, 3, 'c');
INSERT INTO p VALUES (2, 'y', 1, 2, 'c');
INSERT INTO p VALUES (2, 'y', 0, 2, 'c');
INSERT INTO p VALUES (2, 'y', 1, 200, 'c');
INSERT INTO p VALUES (2, 'y', 5, 4, 'c');
INSERT INTO p VALUES (2, 'y', 1, 3, 'abcdefg');
INSERT INTO p VALUES (2, NULL, 1, 3, 'c');
INSERT INTO p VALUES (NULL, 'y', 1, 3, 'c');
INSERT INTO p VALUES (2, 'y', NULL, NULL, NULL);
INSERT INTO p VALUES (3, 'z', NULL, NULL, NULL);
INSERT INTO p (id, code) VALUES (4, 'w') RETURNING *;
UPDATE p SET code = 'x' WHERE id = 2;
UPDATE p SET id = 1 WHERE id = 2;
UPDATE p SET a = 1, b = 2 WHERE id = 2;
UPDATE p SET a = 50, b = 10 WHERE id = 2;
UPDATE p SET code = NULL WHERE id = 2;
SELECT * FROM p ORDER BY id;
DROP TABLE p;
CREATE TABLE q (a int, b text, c float8, PRIMARY KEY (b, a), UNIQUE (c));
INSERT INTO q VALUES (1, 'x', 1.5), (1, 'y', NULL), (2, 'x', NULL);
INSERT INTO q VALUES (1, 'x', 2);
INSERT INTO q VALUES (3, 'x', 1.5);
INSERT INTO q VALUES (NULL, 'x', 9);
INSERT INTO q (a) VALUES (1);
SELECT * FROM q ORDER BY a, b;
DROP TABLE q;
CREATE TABLE d (id int PRIMARY KEY, i int DEFAULT 5, n int DEFAULT NULL, f float8 DEFAULT -1.5, t text DEFAULT 'it''s', b bool DEFAULT true, u text DEFAULT upper('abc'), v varchar(3) DEFAULT 'xyz', z int DEFAULT 2 * 3 + 1);
INSERT INTO d (id) VALUES (1) RETURNING *;
INSERT INTO d VALUES (2, DEFAULT, 1, DEFAULT, NULL, DEFAULT) RETURNING *;
DROP TABLE d;
CREATE TABLE bad (a int, a text);
CREATE TABLE bad (a int PRIMARY KEY, b int PRIMARY KEY);
CREATE TABLE bad (a int, PRIMARY KEY (b));
CREATE TABLE bad (a int, UNIQUE (a, a));
CREATE TABLE bad (a int DEFAULT 'x');
CREATE TABLE bad (a int DEFAULT b, b int);
CREATE TABLE bad (a int DEFAULT 1 DEFAULT 2);
CREATE TABLE bad (a int NULL NOT NULL);
CREATE TABLE bad (a int CHECK (b > 0));
CREATE TABLE bad (a int CHECK (a));
CREATE TABLE bad (a int CHECK (a > (SELECT 1)));
CREATE TABLE bad (a int CHECK (count(*) > 0));
CREATE TABLE bad (a nope);
CREATE TABLE bad (a int CONSTRAINT x CHECK (a > 0), CONSTRAINT x CHECK (a < 5));
CREATE TABLE e (a int);
CREATE TABLE e (a int);
CREATE TABLE IF NOT EXISTS e (b int);
SELECT * FROM e;
DROP TABLE e;
DROP TABLE e;
DROP TABLE IF EXISTS e;
CREATE TABLE "Mixed Case" ("Col A" int PRIMARY KEY, "select" text, "quote""d" int);
INSERT INTO "Mixed Case" VALUES (1, 'a', 2);
SELECT "Col A", "select", "quote""d" FROM "Mixed Case";
INSERT INTO "Mixed Case" VALUES (1, 'a', 2);
SELECT col FROM "Mixed Case";
DROP TABLE "Mixed Case";
CREATE TABLE public.pub (a int);
INSERT INTO public.pub VALUES (1);
SELECT public.pub.a, pub.a FROM public.pub;
SELECT * FROM nosuch.pub;
DROP TABLE public.pub;

-- op ANY and ALL of arrays in what is stored: checks, indexes, generated columns
CREATE TABLE picky (a int CHECK (a = ANY ('{1,2,NULL}')), b int[] CHECK (1 = ANY (b) OR b IS NULL), c text CHECK (c > ALL ('{a,b}')), d numeric CHECK (d <> ALL (ARRAY[1.0, 2.00])), g bool GENERATED ALWAYS AS (c LIKE ANY ('{x%,%y}')) STORED);
INSERT INTO picky VALUES (3, '{1}', 'c', 3);
INSERT INTO picky VALUES (2, '{2}', 'c', 3);
INSERT INTO picky VALUES (2, '{1}', 'a', 3);
INSERT INTO picky VALUES (2, '{3,1}', 'xy', 1);
INSERT INTO picky VALUES (2, '{3,1}', 'xy', 3), (NULL, '{1}', 'c', NULL), (1, NULL, 'd', 5);
CREATE INDEX ON picky (a) WHERE a = ANY ('{1,2}');
CREATE INDEX ON picky (a) WHERE 1 = ANY (b);
CREATE INDEX ON picky (c) WHERE c > ALL ('{a,b}');
CREATE UNIQUE INDEX ON picky ((a = ANY ('{1}')), d);
ALTER TABLE picky ADD h bool GENERATED ALWAYS AS (a = ALL (b)) STORED;
INSERT INTO picky (a, d) VALUES (1, 5);
INSERT INTO picky (a, b, c, d) VALUES (2, '{2,1}', 'y', 7) RETURNING *;
SELECT * FROM picky ORDER BY d, c;
SELECT a FROM picky WHERE a = ANY ('{1,2}') ORDER BY 1;
SELECT a FROM picky WHERE 1 = ANY (b) ORDER BY 1;
DROP TABLE picky;
