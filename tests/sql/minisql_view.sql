-- views: what MiniSQL refuses
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE TABLE u (id int PRIMARY KEY, b text);
CREATE VIEW v AS SELECT id FROM t;
CREATE VIEW w AS SELECT id AS x FROM v;
-- PostgreSQL tells of the circle when the view is read
CREATE OR REPLACE VIEW v AS SELECT x AS id FROM w;
CREATE VIEW n AS SELECT id FROM t WHERE t IS NULL;
CREATE SCHEMA s;
CREATE TABLE s.t (id int);
CREATE VIEW x AS SELECT * FROM s.t;
-- a sequence that a view reads keeps its name
CREATE SEQUENCE read_here;
CREATE VIEW reads_it AS SELECT nextval('read_here') AS n;
ALTER SEQUENCE read_here RENAME TO elsewhere;
CREATE SCHEMA elsewhere;
ALTER SEQUENCE read_here SET SCHEMA elsewhere;
CREATE TABLE owns_it (id serial);
CREATE VIEW reads_that AS SELECT last_value FROM owns_it_id_seq;
ALTER TABLE owns_it SET SCHEMA elsewhere;
DROP SEQUENCE owns_it_id_seq CASCADE;
SELECT n FROM reads_it;
