-- what is told of violations, wherever they come from
CREATE TABLE p (id int PRIMARY KEY, k int UNIQUE, "Two words" text UNIQUE);
CREATE TABLE c (id int PRIMARY KEY, k int UNIQUE CHECK (k < 50) REFERENCES p (k) ON UPDATE CASCADE ON DELETE SET NULL, n int NOT NULL DEFAULT 0, CONSTRAINT pair UNIQUE (k, n), CHECK (n >= 0));
CREATE TABLE needs (id int PRIMARY KEY, k int NOT NULL REFERENCES p (k) ON DELETE SET NULL ON UPDATE CASCADE);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN filled AS text NOT NULL CONSTRAINT short CHECK (length(VALUE) < 5);
CREATE TABLE d (id int PRIMARY KEY, a positive, b filled DEFAULT 'x', c varchar(3), e numeric(4, 1));
INSERT INTO p VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three');
INSERT INTO c VALUES (1, 1, 0), (2, 2, 0);
INSERT INTO needs VALUES (1, 3);
-- rows in several
INSERT INTO p VALUES (4, 4, 'four'), (1, 5, 'five');
INSERT INTO p VALUES (4, 4, 'four'), (5, 4, 'five');
INSERT INTO p (id, k) SELECT g, g / 2 FROM generate_series(10, 13) g;
INSERT INTO p VALUES (6, 6, 'two');
INSERT INTO c VALUES (3, 3, NULL);
INSERT INTO c VALUES (3, 3, -1);
INSERT INTO c VALUES (3, 60, 1);
INSERT INTO c VALUES (3, 40, 1);
INSERT INTO c VALUES (3, 3, 1), (4, 49, 1), (5, 48, 1);
INSERT INTO c VALUES (NULL, 3, 1);
INSERT INTO c (k) VALUES (3);
UPDATE c SET k = 1, n = id;
UPDATE c SET k = 1, n = 7 WHERE id = 2;
UPDATE c SET n = n - id;
UPDATE c SET n = NULL WHERE id = 2;
UPDATE c SET k = 77 WHERE id = 1;
UPDATE c SET k = 45 WHERE id = 1;
UPDATE c SET id = 2 WHERE id = 1;
-- by actions
UPDATE p SET k = 60 WHERE id = 1;
UPDATE p SET k = 7, id = 2 WHERE id = 1;
DELETE FROM p WHERE id = 3;
UPDATE p SET k = NULL WHERE id = 3;
DELETE FROM p;
-- domains
INSERT INTO d VALUES (1, 0);
INSERT INTO d VALUES (1, 1, NULL);
INSERT INTO d VALUES (1, 1, 'longer');
INSERT INTO d VALUES (1, 1, 'ok', 'long');
INSERT INTO d VALUES (1, 1, 'ok', 'lon', 1000);
INSERT INTO d VALUES (1, 1, 'ok', 'lon', 1);
UPDATE d SET a = a - 1;
UPDATE d SET b = NULL;
UPDATE d SET b = b || 'more';
-- COPY
COPY p FROM stdin;
7	7	seven
8	8	two
\.
COPY c FROM stdin;
7	3	0
8	99	0
\.
COPY c (id, k) FROM stdin;
7	3
8	30
\.
COPY c FROM stdin;
7	3	\N
\.
COPY d FROM stdin;
7	-3	a	b	1
\.
-- other statements
WITH x AS (INSERT INTO p VALUES (1, 100, 'hundred') RETURNING id) SELECT * FROM x;
WITH x AS (DELETE FROM needs RETURNING id) INSERT INTO c SELECT 9, 3, -5 FROM x;
MERGE INTO p USING (VALUES (1, 2)) v (id, k) ON p.id = v.id WHEN MATCHED THEN UPDATE SET k = v.k;
MERGE INTO p USING (VALUES (9, 2)) v (id, k) ON p.id = v.id WHEN NOT MATCHED THEN INSERT (id, k) VALUES (v.id, v.k);
INSERT INTO p VALUES (1, 1, 'x') ON CONFLICT (id) DO UPDATE SET k = 2;
INSERT INTO p VALUES (1, 2, 'x') ON CONFLICT (id) DO NOTHING;
INSERT INTO p VALUES (9, 2, 'x') ON CONFLICT (id) DO NOTHING;
PREPARE i (int, int) AS INSERT INTO c VALUES ($1, $2, 1);
EXECUTE i (1, 3);
EXECUTE i (11, 33);
EXECUTE i (NULL, 3);
CREATE VIEW v AS SELECT id, k, n FROM c WHERE n >= 0;
INSERT INTO v VALUES (1, 3, 3);
UPDATE v SET n = -1 WHERE id = 2;
CREATE TABLE made (id int, a int, s int GENERATED ALWAYS AS (a * 2) STORED CHECK (s < 10), UNIQUE (s));
INSERT INTO made (a) VALUES (1), (2), (7);
INSERT INTO made (a) VALUES (1), (1);
INSERT INTO made (a) VALUES (9);
SELECT count(*) FROM made;
SELECT * FROM p ORDER BY id;
