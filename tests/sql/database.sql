-- databases
SELECT current_database(), current_catalog;
CREATE DATABASE minisql;
CREATE DATABASE postgres;
CREATE DATABASE shop_x ENCODING 'UTF8' TEMPLATE template0 LC_COLLATE 'C' CONNECTION LIMIT -1;
CREATE DATABASE shop_x;
CREATE DATABASE y TEMPLATE nowhere_x;
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t VALUES (1, 'here');
CREATE SCHEMA s;
\c shop_x
SELECT current_database(), current_catalog;
SELECT * FROM t;
SELECT * FROM s.t;
SELECT * FROM minisql.public.t;
CREATE TABLE t (id int PRIMARY KEY, b text UNIQUE);
CREATE INDEX i ON t (b);
INSERT INTO t VALUES (1, 'there'), (2, 'too');
INSERT INTO t VALUES (1, 'again');
INSERT INTO t VALUES (3, 'too');
SELECT * FROM t ORDER BY id;
SELECT shop_x.public.t.b FROM t ORDER BY 1;
CREATE SCHEMA s;
CREATE TABLE s.u (id int REFERENCES t);
INSERT INTO s.u VALUES (1);
INSERT INTO s.u VALUES (7);
SELECT count(*) FROM pg_class WHERE relname IN ('t', 'u');
SELECT nspname FROM pg_namespace WHERE nspname IN ('s', 'public') ORDER BY 1;
DROP DATABASE shop_x;
ALTER DATABASE shop_x RENAME TO z;
\c minisql
SELECT * FROM t;
SELECT count(*) FROM pg_class WHERE relname IN ('t', 'u');
SELECT * FROM s.u;
SELECT datname, datistemplate FROM pg_database WHERE datname LIKE '%\_x' OR datname LIKE 'temp%' ORDER BY 1;
ALTER DATABASE shop_x RENAME TO minisql;
ALTER DATABASE nowhere_x RENAME TO z;
ALTER DATABASE shop_x RENAME TO store_x;
\c store_x
SELECT * FROM t ORDER BY id;
CREATE TABLE v (id int);
\c minisql
BEGIN;
CREATE DATABASE z;
ROLLBACK;
BEGIN;
DROP DATABASE store_x;
ROLLBACK;
CREATE DATABASE shop_x;
\c shop_x
CREATE TABLE t (id int PRIMARY KEY, c int);
INSERT INTO t VALUES (1, 2);
SELECT * FROM t;
\c minisql
DROP DATABASE store_x;
DROP DATABASE store_x;
DROP DATABASE IF EXISTS store_x;
DROP DATABASE shop_x WITH (FORCE);
SELECT count(*) FROM pg_database WHERE datname LIKE '%\_x';
-- template1 is a database as others, template0 is none to connect to
\c template1
SELECT current_database(), count(*) FROM pg_class WHERE relname IN ('t', 'u');
SELECT datname, datistemplate, datallowconn FROM pg_database WHERE datname LIKE 'template_' ORDER BY 1;
CREATE TABLE in_template1 (id int PRIMARY KEY);
INSERT INTO in_template1 VALUES (1);
SELECT * FROM in_template1;
DROP TABLE in_template1;
DROP DATABASE template1;
\c minisql
