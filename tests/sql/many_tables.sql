-- A database of many tables: what changes is found among what does not.
SELECT format('CREATE TABLE many_%s (id serial PRIMARY KEY, a int, b text)', n) FROM generate_series(1, 40) n \gexec
SELECT format('CREATE INDEX many_%s_a ON many_%s (a)', n, n) FROM generate_series(1, 40) n \gexec
SELECT count(*) FROM pg_class WHERE relname LIKE 'many\_%' AND relkind = 'r';
SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relname LIKE 'many\_%';

-- one at a time
CREATE TABLE fresh (id int PRIMARY KEY, v int UNIQUE);
INSERT INTO fresh VALUES (1, 1);
ALTER TABLE many_7 ADD COLUMN c int DEFAULT 5;
INSERT INTO many_7 (a) VALUES (1) RETURNING *;
DROP INDEX many_8_a;
CREATE INDEX many_8_a ON many_9 (b);
CREATE INDEX ON many_8 (b);
DROP TABLE many_10;
CREATE TABLE many_10 (x text);
CREATE UNIQUE INDEX many_10_a ON many_10 (x);
INSERT INTO many_10 VALUES ('a');
INSERT INTO many_10 VALUES ('a');
ALTER TABLE many_11 RENAME TO renamed;
CREATE TABLE many_11 (y int);
INSERT INTO many_11 VALUES (1);
INSERT INTO renamed (a) VALUES (2) RETURNING *;
SELECT * FROM many_11, renamed;
ALTER TABLE renamed ALTER COLUMN a TYPE text;
SELECT * FROM renamed WHERE a = '2';

-- in a transaction, with savepoints
BEGIN;
CREATE TABLE in_txn (a int);
CREATE INDEX in_txn_a ON in_txn (a);
INSERT INTO in_txn VALUES (1);
SAVEPOINT s;
CREATE TABLE undone (a int);
ALTER TABLE in_txn ADD COLUMN b int DEFAULT 2;
DROP TABLE many_12;
DROP INDEX in_txn_a;
SELECT * FROM in_txn;
ROLLBACK TO s;
CREATE TABLE undone (a int, b int);
INSERT INTO undone VALUES (3, 4);
ALTER TABLE in_txn ADD COLUMN c int DEFAULT 6;
SELECT * FROM in_txn, undone;
SAVEPOINT s;
CREATE UNIQUE INDEX in_txn_u ON in_txn (c);
ROLLBACK TO s;
CREATE TABLE later (z int);
COMMIT;
SELECT * FROM in_txn, undone;
INSERT INTO in_txn VALUES (1, 6), (1, 6);
INSERT INTO many_12 (a) VALUES (12) RETURNING a;
INSERT INTO later VALUES (1);

-- undone, then again
BEGIN;
CREATE TABLE again (a int);
INSERT INTO again VALUES (1);
ROLLBACK;
CREATE TABLE again (a int, b int);
INSERT INTO again VALUES (1, 2);
SELECT * FROM again;
ALTER TABLE again ADD UNIQUE (a);
INSERT INTO again VALUES (1, 2);
BEGIN;
ALTER TABLE again DROP COLUMN a;
SELECT * FROM again;
COMMIT;
INSERT INTO again VALUES (2), (2);
SELECT * FROM again;

SELECT format('DROP TABLE many_%s', n) FROM generate_series(1, 40) n \gexec
DROP TABLE fresh, renamed, in_txn, undone, later, again;
SELECT count(*) FROM pg_class WHERE relname LIKE 'many\_%';

-- more in one transaction than the coordination store takes at once
\set ECHO none
BEGIN;
SELECT format('CREATE TABLE large_%s (a text DEFAULT %L)', n, repeat('x', 40000)) FROM generate_series(1, 8) n \gexec
COMMIT;
\set ECHO all
INSERT INTO large_8 VALUES (DEFAULT) RETURNING length(a);
\set ECHO none
BEGIN;
SELECT format('CREATE TABLE larger_%s (a text DEFAULT %L)', n, repeat('x', 40000)) FROM generate_series(1, 8) n \gexec
ROLLBACK;
\set ECHO all
CREATE TABLE larger_1 (a int);
SELECT tablename FROM pg_tables WHERE tablename LIKE 'large%' ORDER BY 1;
DROP TABLE larger_1, large_1, large_2, large_3, large_4, large_5, large_6, large_7, large_8;
