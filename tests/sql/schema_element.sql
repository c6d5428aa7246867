-- CREATE SCHEMA with what is in it
CREATE SCHEMA hollywood
    CREATE TABLE films (title text, release date, awards text[])
    CREATE VIEW winners AS
        SELECT title, release FROM films WHERE awards IS NOT NULL;
INSERT INTO hollywood.films VALUES ('a', '2001-02-03', '{x}'), ('b', '2002-02-03', NULL);
SELECT * FROM hollywood.winners;
\d hollywood.films
CREATE SCHEMA s2 CREATE INDEX i ON t (b) CREATE VIEW v AS SELECT t.a, q.n FROM t, q CREATE TABLE t (a serial PRIMARY KEY, b int CHECK (b > 0) DEFAULT (7)) CREATE TABLE q (n int DEFAULT nextval('s'), r int REFERENCES t, CONSTRAINT "create" UNIQUE (r)) CREATE SEQUENCE s START 5;
INSERT INTO s2.t DEFAULT VALUES;
INSERT INTO s2.q (r) VALUES (1);
INSERT INTO s2.q (r) VALUES (2);
INSERT INTO s2.t (b) VALUES (0);
SELECT * FROM s2.v;
SELECT indexdef FROM pg_indexes WHERE schemaname = 's2' ORDER BY 1;
CREATE SCHEMA s3 CREATE TABLE hollywood.t (a int);
CREATE SCHEMA s3 CREATE TABLE s3.t (a int) CREATE VIEW s3.v AS SELECT a AS create FROM t;
SELECT * FROM s3.v;
CREATE SCHEMA s3 CREATE TABLE u (a int);
CREATE SCHEMA s4 CREATE TABLE u (a nosuch);
CREATE SCHEMA s4 CREATE VIEW v AS SELECT a FROM nosuch;
CREATE SCHEMA s4 CREATE TABLE a (x int) CREATE TABLE a (y int);
CREATE SCHEMA IF NOT EXISTS s4 CREATE TABLE a (x int);
SELECT nspname FROM pg_namespace WHERE nspname LIKE 's_' ORDER BY 1;
BEGIN;
CREATE SCHEMA s5 CREATE TABLE t (a int) CREATE SEQUENCE q;
INSERT INTO s5.t SELECT nextval('s5.q') FROM generate_series(1, 3);
SELECT * FROM s5.t;
ROLLBACK;
SELECT * FROM s5.t;
BEGIN;
SET LOCAL search_path = 's2';
CREATE SCHEMA s5 CREATE TABLE t (a int REFERENCES s2.t) CREATE VIEW w AS SELECT t.a, q.n FROM t, q;
COMMIT;
INSERT INTO s5.t VALUES (1);
SELECT * FROM s5.w;
CREATE SCHEMA AUTHORIZATION test CREATE TABLE mine (a int);
SELECT * FROM test.mine;
SET client_min_messages = warning;
DROP SCHEMA hollywood, s2, s3, s5, test CASCADE;
