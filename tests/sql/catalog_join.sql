-- Joins of relations of pg_catalog, by what is looked up in them and what is not.
CREATE TABLE joined_a (id serial PRIMARY KEY, v int UNIQUE CHECK (v > 0), "Name" text DEFAULT 'x');
CREATE TABLE joined_b (id int PRIMARY KEY, a int REFERENCES joined_a, w int);
CREATE INDEX joined_b_w ON joined_b (w, (a + 1)) INCLUDE (id);
CREATE VIEW joined_v AS SELECT id, w FROM joined_b;
CREATE SEQUENCE joined_s;
COMMENT ON TABLE joined_a IS 'a table';
COMMENT ON COLUMN joined_a.v IS 'a column';
COMMENT ON INDEX joined_b_w IS 'an index';

SELECT c.relname, a.attname, a.attnum, t.typname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid WHERE c.relname LIKE 'joined%' AND a.attnum > 0 ORDER BY 1, 3;
SELECT a.attname FROM pg_attribute a WHERE a.attrelid = 'joined_a'::regclass AND a.attnum > 0 ORDER BY a.attnum;
SELECT c.relname, x.relname, i.indisunique, i.indkey FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid WHERE c.relname LIKE 'joined%' ORDER BY 1, 2;
SELECT c.relname, x.relname FROM pg_class x LEFT JOIN pg_index i ON i.indexrelid = x.oid LEFT JOIN pg_class c ON c.oid = i.indrelid WHERE x.relname LIKE 'joined%' ORDER BY 2;
SELECT n.conname, n.contype, c.relname, f.relname, x.relname FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid LEFT JOIN pg_class f ON f.oid = n.confrelid LEFT JOIN pg_class x ON x.oid = n.conindid WHERE c.relname LIKE 'joined%' ORDER BY 1;
SELECT f.relname, n.conname FROM pg_class f JOIN pg_constraint n ON n.confrelid = f.oid WHERE f.relname LIKE 'joined%';
SELECT c.relname, d.adnum, pg_get_expr(d.adbin, d.adrelid) FROM pg_class c JOIN pg_attrdef d ON c.oid = d.adrelid WHERE c.relname LIKE 'joined%' ORDER BY 1, 2;
SELECT c.relname, s.seqstart FROM pg_sequence s, pg_class c WHERE s.seqrelid = c.oid AND c.relname LIKE 'joined%' ORDER BY 1;
SELECT c.relname, d.objsubid, d.description FROM pg_class c JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass WHERE c.relname LIKE 'joined%' ORDER BY 1, 2;
SELECT c.relname, p.deptype, r.relname, p.refobjsubid FROM pg_depend p JOIN pg_class c ON c.oid = p.objid JOIN pg_class r ON r.oid = p.refobjid WHERE c.relname LIKE 'joined%' ORDER BY 1, 2, 3, 4;
SELECT c.relname, w.rulename FROM pg_class c JOIN pg_rewrite w ON w.ev_class = c.oid WHERE c.relname = 'joined_v';
SELECT c.relname, (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0), (SELECT relkind FROM pg_class k WHERE k.oid = c.oid) FROM pg_class c WHERE c.relname LIKE 'joined%' ORDER BY 1;

-- other columns, other values
SELECT a.relname, b.relname FROM pg_class a JOIN pg_class b ON b.relname = a.relname WHERE a.relname LIKE 'joined%' AND b.relkind = 'r' ORDER BY 1;
SELECT a.attname, count(*) FROM pg_attribute a JOIN pg_attribute b ON a.attname = b.attname JOIN pg_class c ON c.oid = a.attrelid JOIN pg_class d ON d.oid = b.attrelid WHERE c.relname LIKE 'joined\__' AND d.relname LIKE 'joined\__' AND a.attnum > 0 AND b.attnum > 0 GROUP BY 1 ORDER BY 1;
SELECT c.relname FROM pg_class c JOIN (VALUES ('joined_a'), (NULL), ('none')) v (n) ON c.relname = v.n;
SELECT v.o = 0, c.relname FROM (VALUES (0::oid), (NULL), ('joined_a'::regclass::oid)) v (o) LEFT JOIN pg_class c ON c.oid = v.o WHERE v.o IS NULL OR v.o = 0 OR v.o = 'joined_a'::regclass;
SELECT relname FROM pg_class WHERE oid IN ('joined_a'::regclass, 'joined_b'::regclass, 1) ORDER BY 1;
SELECT relname FROM pg_class WHERE oid = ANY (ARRAY['joined_a'::regclass, 'joined_b'::regclass]::oid[]) ORDER BY 1;
SELECT count(*) FROM pg_class WHERE oid = NULL;
SELECT count(*) FROM pg_attribute WHERE attrelid = 0;
SELECT count(*) FROM pg_attribute WHERE attrelid = 4294967295;
SELECT a.attname FROM pg_attribute a WHERE a.attrelid = 'joined_a'::regclass AND a.attnum = 2.0;
SELECT x.relname FROM pg_class c CROSS JOIN LATERAL (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = c.oid ORDER BY 1 DESC LIMIT 1) l JOIN pg_class x ON x.oid = l.indexrelid WHERE c.relname = 'joined_b';
WITH RECURSIVE r (oid) AS (SELECT 'joined_a'::regclass::oid UNION SELECT n.conrelid FROM r JOIN pg_constraint n ON n.confrelid = r.oid) SELECT c.relname FROM r JOIN pg_class c USING (oid) ORDER BY 1;
SELECT c.relname FROM pg_class c WHERE EXISTS (SELECT 1 FROM pg_constraint n WHERE n.conrelid = c.oid AND n.contype = 'f') AND c.relname LIKE 'joined%';
SELECT c.relname FROM pg_class c WHERE c.relname LIKE 'joined%' AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid OR i.indexrelid = c.oid) ORDER BY 1;

-- what a transaction has made of them
BEGIN;
ALTER TABLE joined_b ADD COLUMN z int;
CREATE TABLE joined_c (id int PRIMARY KEY);
ALTER TABLE joined_b RENAME TO joined_d;
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relname IN ('joined_b', 'joined_c', 'joined_d') AND a.attnum > 0 ORDER BY 1, a.attnum;
ROLLBACK;
SELECT c.relname, count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relname IN ('joined_b', 'joined_c', 'joined_d') AND a.attnum > 0 GROUP BY 1 ORDER BY 1;
CREATE TEMPORARY TABLE joined_t (x int, y text);
SELECT c.relname, a.attname, t.typname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid WHERE c.relname = 'joined_t' AND a.attnum > 0 ORDER BY a.attnum;

DROP VIEW joined_v;
DROP TABLE joined_b, joined_a;
DROP TABLE joined_t;
DROP SEQUENCE joined_s;

-- one name, said by a regular expression
CREATE SCHEMA other;
CREATE TABLE one_name (a int PRIMARY KEY, b text);
CREATE TABLE other.one_name (a int);
CREATE TABLE one_names (a int);
CREATE TABLE "One_name" (a int);
SELECT relname, relkind, relnamespace::regnamespace FROM pg_class WHERE relname ~ '^(one_name)$' ORDER BY 3;
SELECT relname, relkind FROM pg_class WHERE relname OPERATOR(pg_catalog.~) '^(one_name_pkey)$' COLLATE pg_catalog.default;
SELECT relname FROM pg_class WHERE relname ~ '^(one_name|one_names)$' ORDER BY oid;
SELECT relname FROM pg_class WHERE relname ~ '^(one_name.)$' ORDER BY oid;
SELECT relname FROM pg_class WHERE relname ~ 'one_name' AND relkind = 'r' ORDER BY oid;
SELECT relname FROM pg_class WHERE relname !~ '^(one_name)$' AND relname ~* '^(one_name)$' ORDER BY oid;
-- types by their oids, more of them than are looked for one by one
SELECT count(*), count(t.typname) FROM (SELECT DISTINCT atttypid FROM pg_attribute WHERE attnum > 0) a (n) JOIN pg_type t ON t.oid = n WHERE t.typname IN ('bool', 'char', 'name', 'int2', 'int4', 'int8', 'oid', 'text', 'float4', 'timestamptz', 'regproc');
SELECT n, t.typname FROM generate_series(16, 60) n JOIN pg_type t ON t.oid = n WHERE t.typtype = 'b' AND n IN (16, 17, 20, 21, 23, 25, 26) ORDER BY n;
SELECT c.relname, t.typname, e.typname AS of FROM pg_class c JOIN pg_type t ON t.oid = c.reltype JOIN pg_type e ON e.oid = t.typarray WHERE c.relname LIKE 'one!_name%' ESCAPE '!' ORDER BY c.oid;
SELECT t.typname FROM pg_class c JOIN pg_type t ON t.typrelid = c.oid WHERE c.relname = 'one_names';
SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = 'one_name'::regclass AND attnum > 0 ORDER BY attnum;
-- the same name, whatever its case
CREATE INDEX one_index ON one_name (b);
CREATE INDEX "One_index" ON "One_name" (a);
CREATE INDEX one_index ON one_names (a);
CREATE TABLE one_index (a int);
CREATE INDEX one_name_pkey ON other.one_name (a);
ALTER INDEX one_index RENAME TO two_index;
CREATE INDEX one_index ON one_names (a);
DROP TABLE one_name, one_names, "One_name";
DROP SCHEMA other CASCADE;
