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
