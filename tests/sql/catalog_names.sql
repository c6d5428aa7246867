-- Names of relations and types as the search_path has them; functions that return rows, as pg_proc has them.
CREATE SCHEMA a;
CREATE SCHEMA b;
CREATE TYPE a.mood AS ENUM ('sad', 'ok');
CREATE TYPE b.mood AS ENUM ('red', 'blue');
CREATE TYPE a.int4 AS ENUM ('one');
CREATE TABLE a.t (id int PRIMARY KEY, m a.mood DEFAULT 'ok', n a.int4, ms a.mood[], CONSTRAINT t_ck CHECK (m <> 'sad'));
CREATE TABLE b.t (id int REFERENCES a.t, m b.mood);
CREATE VIEW a.v AS SELECT id, m FROM a.t;
SELECT 'a.mood'::regtype, 'a.mood[]'::regtype, 'a._mood'::regtype, to_regtype('mood'), to_regtype('a.nothing');
SELECT attname, atttypid::regtype, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'a.t'::regclass AND attnum > 0;
SELECT typname, pg_type_is_visible(oid) FROM pg_type WHERE typnamespace IN ('a'::regnamespace, 'b'::regnamespace) AND typtype = 'e' ORDER BY typnamespace, typname;
SELECT 'mood'::regtype;
SET search_path = a, b;
SELECT 'mood'::regtype, 'b.mood'::regtype, to_regtype('mood[]'), 'a.int4'::regtype, 'int4'::regtype;
SELECT typname, pg_type_is_visible(oid) FROM pg_type WHERE typnamespace IN ('a'::regnamespace, 'b'::regnamespace) AND typtype = 'e' ORDER BY typnamespace, typname;
SELECT relname, oid::regclass, pg_table_is_visible(oid) FROM pg_class WHERE relnamespace IN ('a'::regnamespace, 'b'::regnamespace) AND relkind IN ('r', 'v', 'i') ORDER BY relnamespace, relname;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace IN ('a'::regnamespace, 'b'::regnamespace) ORDER BY connamespace, conname;
SELECT relname, relhastriggers FROM pg_class WHERE relname = 't' ORDER BY relnamespace;
SELECT 'x'::mood;
SELECT 'x'::b.mood;
\d a.t
BEGIN;
CREATE TABLE a.later (id int REFERENCES b.t2);
ROLLBACK;
BEGIN;
CREATE TABLE b.later (id int PRIMARY KEY, m b.mood);
SELECT 'later'::regclass, 'b.later'::regclass, 'b.mood'::regtype;
SELECT relname, oid::regclass, pg_table_is_visible(oid) FROM pg_class WHERE relname LIKE 'later%' ORDER BY 1;
ROLLBACK;
SELECT 'later'::regclass;
SELECT count(*), min(word), max(word) FROM pg_get_keywords();
SELECT * FROM pg_get_keywords() WHERE word IN ('select', 'abort', 'char', 'ilike', 'array', 'year') ORDER BY word;
SELECT proname, proretset, proallargtypes, proargmodes, proargnames, pg_get_function_arguments(oid), pg_get_function_identity_arguments(oid), pg_get_function_result(oid) FROM pg_proc WHERE proname IN ('pg_get_keywords', 'unnest') AND pronargs < 2 AND prorettype <> 3614 AND NOT proargtypes::text = '3614' AND NOT proargtypes::text LIKE '4537%' ORDER BY proname;
SELECT name, setting FROM pg_settings WHERE name IN ('max_index_keys', 'max_function_args', 'is_superuser', 'role', 'session_authorization') ORDER BY name;
-- types by quoted names, in any case, with modifiers
create type "En" as enum ('a');
select '"pg_catalog"."int4"'::regtype, '"int4"'::regtype, 'INT4[]'::regtype, ' Timestamp(3)  with time zone '::regtype, 'varchar(10)'::regtype;
select '"a"."En"'::regtype, '"b"'::regnamespace, '"En"[]'::regtype;
select '"integer"'::regtype;
select '"pg_catalog"."integer"'::regtype;
create table ent (a int, e "En", es "En"[]);
select column_name, data_type, udt_schema, udt_name from information_schema.columns where table_name = 'ent' order by 1;
-- rows have a type
select t.typname, t.typtype, t.typcategory, t.typrelid = c.oid as of, a.typname, a.typelem = t.oid as elem
  from pg_class c join pg_type t on t.oid = c.reltype join pg_type a on a.oid = t.typarray where c.relname in ('ent', 'pg_class') order by 1;
drop table ent;
drop type "En";
-- functions of the session, and names with a schema
select to_regproc('now'), to_regproc('pg_catalog.now'), to_regproc('public.now'), to_regproc('nope.now'), to_regproc('random'), to_regproc('current_database'), to_regproc('version'), to_regproc('pg_backend_pid');
select to_regprocedure('abs(numeric)'),to_regprocedure('pg_catalog.abs(numeric)'),to_regprocedure('foo.abs(numeric)'),to_regprocedure('public.abs(numeric)'),to_regprocedure('now()');
select 'foo.abs(numeric)'::regprocedure;
select 'public.abs(numeric)'::regprocedure;
select 'foo.now'::regproc;
select 'public.now'::regproc;
select 'now'::regproc, 'now()'::regprocedure, 'current_schema()'::regprocedure;
select to_regrole('foo.bar');
select to_regnamespace('foo.bar');
select 'foo.bar'::regrole;
select 'foo.bar'::regnamespace;
select proname, pronamespace::regnamespace, prorettype::regtype, provolatile, proisstrict, pg_get_function_result(oid), pg_get_function_arguments(oid), oid::regprocedure from pg_proc where proname in ('now','current_database','current_schema','version','pg_backend_pid','statement_timestamp','transaction_timestamp') order by 1;
