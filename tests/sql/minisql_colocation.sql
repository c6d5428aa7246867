-- Databases whose tables lie in one region, so that every foreign key and transaction is possible.
CREATE DATABASE app WITH COLOCATION = true;
CREATE DATABASE app_too TEMPLATE app;
CREATE DATABASE app_not TEMPLATE app COLOCATION false;
CREATE DATABASE app_nonsense COLOCATION = 'perhaps';
SELECT name, colocated, tables FROM minisql_databases WHERE name LIKE 'app%' ORDER BY name;
\c app
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int);
CREATE TABLE other (id int);
ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO c VALUES (1, 1);
INSERT INTO p VALUES (1);
INSERT INTO other VALUES (1);
COMMIT;
BEGIN;
CREATE TABLE later (id int REFERENCES p);
INSERT INTO later VALUES (1);
INSERT INTO other VALUES (2);
COMMIT;
INSERT INTO later VALUES (2);
SELECT name, colocated, tables, regions FROM minisql_databases WHERE name = 'app';
CREATE DATABASE app_more TEMPLATE app;
-- the first tables of a transaction
\c app_too
BEGIN;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int);
COMMIT;
CREATE TABLE q (id int PRIMARY KEY);
ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES q;
SELECT name, colocated, tables, regions FROM minisql_databases WHERE name = 'app_too';
DROP TABLE p, c, q;
CREATE TABLE q (id int PRIMARY KEY);
SELECT name, colocated, tables, regions FROM minisql_databases WHERE name = 'app_too';
-- set later
\c app_not
SELECT colocated, tables, regions FROM minisql_databases WHERE name = 'app_not';
CREATE TABLE a (id int PRIMARY KEY);
ALTER DATABASE app_not WITH COLOCATION = true;
CREATE TABLE b (id int REFERENCES a);
CREATE TABLE d (id int);
ALTER TABLE d ADD FOREIGN KEY (id) REFERENCES a;
SELECT colocated, tables, regions FROM minisql_databases WHERE name = 'app_not';
ALTER DATABASE app_not COLOCATION = off;
SELECT colocated FROM minisql_databases WHERE name = 'app_not';
ALTER DATABASE app_not WITH COLOCATION maybe;
ALTER DATABASE nope WITH COLOCATION = true;
ALTER DATABASE app_not WITH CONNECTION LIMIT 5;
-- new databases from now on, and those that are always there
ALTER DATABASE template1 WITH COLOCATION = true;
CREATE DATABASE app_later;
CREATE DATABASE app_loose TEMPLATE template0;
ALTER DATABASE template1 WITH COLOCATION = false;
ALTER DATABASE postgres WITH COLOCATION = true;
SELECT name, colocated FROM minisql_databases WHERE name IN ('app_later', 'app_loose', 'postgres', 'minisql', 'template1') ORDER BY name;
SELECT datname FROM pg_database WHERE datname IN ('template0', 'template1', 'postgres', 'minisql') ORDER BY datname;
ALTER DATABASE postgres WITH COLOCATION = false;
DROP DATABASE postgres;
DROP DATABASE template1;
ALTER DATABASE postgres RENAME TO other;
\c postgres
DROP DATABASE app;
DROP DATABASE app_too;
DROP DATABASE app_not;
DROP DATABASE app_later;
DROP DATABASE app_loose;
SELECT name FROM minisql_databases WHERE name LIKE 'app%';
-- what is in template1 would have to be copied
\c template1
CREATE TABLE in_template (id int);
CREATE DATABASE app_of_template;
CREATE DATABASE app_of_template TEMPLATE template1;
DROP TABLE in_template;
CREATE DATABASE app_of_template;
\c minisql
DROP DATABASE app_of_template;
