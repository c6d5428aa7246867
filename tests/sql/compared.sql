-- What random statements have found: each was another answer than PostgreSQL's.

-- types without an order, or without equality, also as items
SELECT a FROM (VALUES ('{1}'::json[])) AS v (a) ORDER BY a;
SELECT DISTINCT a FROM (VALUES ('{1}'::json[])) AS v (a);
SELECT a FROM (VALUES ('1'::xid)) AS v (a) ORDER BY a;
SELECT DISTINCT a FROM (VALUES ('1'::xid), ('1')) AS v (a);
SELECT a FROM (VALUES ('$.a'::jsonpath)) AS v (a) GROUP BY a;
SELECT '{1}'::json[] = '{1}'::json[];
SELECT '{1}'::xid[] < '{2}'::xid[];
SELECT '{1}'::xid[] = '{1}'::xid[];
SELECT '{$.a}'::jsonpath[] @> '{}'::jsonpath[];
SELECT greatest('{1}'::json[], '{2}'::json[]);
SELECT array_replace('{1}'::json[], '1', '2');
SELECT width_bucket('$.a'::jsonpath, '{}'::jsonpath[]);
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY '{1}'::json[]);

-- "char"
SELECT CAST(65 AS "char");
SELECT CAST(128 AS "char");

-- arrays
SELECT array_position('{1,2}'::int[], NULL, NULL), array_position('{}'::int[], 1, NULL);
SELECT array_position('{1,NULL}'::int[], NULL, NULL);
SELECT '[0:1]={00:00"0,00:00:00}'::time[];
SELECT '1 x 2'::int2vector;
SELECT '1 99999 2'::oidvector, '1 99999 2'::int2vector;

-- aggregates and windows
SELECT id, lag(id, NULL, 7) OVER (ORDER BY id), lead(id, CASE id WHEN 1 THEN 1 END, 8) OVER (ORDER BY id) FROM (VALUES (1), (2), (3)) AS v (id);
SELECT regr_count(x, x) FROM (VALUES (1e300::float8), (-1e300), (NULL)) AS v (x);
SELECT percentile_disc('infinity'::float8) WITHIN GROUP (ORDER BY 1);
SELECT rank('{1}'::int[]) WITHIN GROUP (ORDER BY 1::float8);

-- COPY's options
CREATE TABLE copied (a text, b json, c int);
COPY copied TO STDOUT (DELIMITER '.');
COPY copied TO STDOUT (DELIMITER 'ab');
COPY copied TO STDOUT (DELIMITER E'\n');
COPY copied TO STDOUT (NULL E'\n');
COPY copied TO STDOUT (DELIMITER '|', NULL 'a|');
COPY copied TO STDOUT (QUOTE '~');
COPY copied TO STDOUT (ESCAPE '~');
COPY copied TO STDOUT (FORMAT csv, DELIMITER '"');
COPY copied TO STDOUT (FORMAT csv, NULL '"');
COPY copied TO STDOUT (FORMAT csv, FORCE_NULL (a));
COPY copied FROM STDIN (FORMAT csv, FORCE_QUOTE *);
COPY copied TO STDOUT (FORMAT binary, HEADER);
COPY copied TO STDOUT (FORMAT binary, NULL '');
COPY copied TO STDOUT (FORMAT csv, FORMAT text);
COPY (SELECT 'x' AS a, 1 AS b) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *);
-- of a row's errors the first one
COPY copied FROM STDIN;
x	[1
\.
COPY copied FROM STDIN;
x	{}
\.
COPY copied FROM STDIN;
x	[1	1	2
\.
SELECT * FROM copied;
DROP TABLE copied;

-- others
SELECT timezone('no', 'infinity'::timestamptz), timezone('1 day'::interval, '-infinity'::timestamp);
SELECT make_date(-2147483648, 7, 1);
SELECT make_date(-2147483647, 7, 1);
SELECT array_agg(a) FROM (VALUES ('{1}'::int[]), ('{}')) AS v (a);
SELECT array_agg(a) FROM (VALUES ('{}'::int[]), ('{1}')) AS v (a);
SELECT E'\377'::text;
SELECT 'a'::char(5)::bytea, ''::char(5)::"char" = ' ';
SELECT extract(epoch FROM interval '-178000000 years'), date_part('epoch', interval '178000000 years');
SELECT percentile_disc('nan'::float8) WITHIN GROUP (ORDER BY 1);

-- DISTINCT in an aggregate goes by what is equal, also of an expression
CREATE TABLE alike (id int, n numeric, j jsonb, i interval, a numeric[]);
INSERT INTO alike VALUES (1, 1.5, '{"a": 1.0}', '1 day', '{1.0}'), (2, 1.50, '{"a": 1.00}', '24:00', '{1.00}');
SELECT stddev_samp(DISTINCT n), var_samp(DISTINCT n + 0), count(DISTINCT n * 1), sum(DISTINCT n + 0), every(DISTINCT n > 0), count(DISTINCT n + id) FILTER (WHERE id > 1) FROM alike;
SELECT count(DISTINCT j -> 'a'), count(DISTINCT i + i), count(DISTINCT a || a), count(DISTINCT coalesce(n, 0)), count(DISTINCT (SELECT n)) FROM alike;
SELECT stddev_samp(DISTINCT x), var_samp(DISTINCT x), count(DISTINCT x), avg(DISTINCT x) FROM (VALUES (1.5), (1.50)) AS v (x);
CREATE VIEW alike_view AS SELECT n + 0 AS n, j -> 'a' AS j FROM alike;
SELECT stddev_samp(DISTINCT n), sum(DISTINCT n), count(DISTINCT j) FROM alike_view;
DROP TABLE alike CASCADE;
-- xid has no sign
CREATE TABLE counted (x xid, i int);
INSERT INTO counted VALUES ('4294967295', -1), ('4294967294', -2), ('5', 5), ('6', -6), (NULL, 1), ('1', NULL);
SELECT x, i, x = i AS eq, x <> i AS ne FROM counted ORDER BY x::text;
SELECT a.x, b.i FROM counted a JOIN counted b ON a.x = b.i ORDER BY b.i;
SELECT '4294967295'::xid = '-1'::int4, '4294967295'::xid <> -1, x FROM counted WHERE x = -1;
DROP TABLE counted;
-- COPY escapes the delimiter, whatever the type prints
CREATE TABLE delimited (a money, b regclass, c int, d int8, e oid, f regtype, g xid);
INSERT INTO delimited VALUES ('-92233720368547758.08', 'pg_class', -1, -5, 3, 'timestamp', '7');
COPY delimited TO STDOUT (DELIMITER ',');
COPY delimited TO STDOUT (DELIMITER '|');
COPY delimited TO STDOUT (DELIMITER '-');
COPY delimited TO STDOUT (DELIMITER '_');
COPY delimited TO STDOUT (DELIMITER ' ');
COPY delimited TO STDOUT (DELIMITER ',', FORMAT csv);
DROP TABLE delimited;
-- the blanks of char(n) in casts
CREATE TYPE blank_mood AS ENUM ('ok');
CREATE TABLE blank (c char(6), v varchar(6));
INSERT INTO blank VALUES ('[1]', '[1] ');
SELECT c::json, v::json, c::jsonb, json_agg(c::json) FROM blank GROUP BY c, v;
SELECT '12'::char(5)::json, '12'::char(4)::jsonb, '12'::char(4)::xid, '1 2'::char(5)::oidvector, '{1}'::char(5)::int[], '$.a'::char(6)::jsonpath, '101'::char(3)::varbit;
SELECT '101'::char(5)::varbit;
SELECT '101'::char(5)::bit(5);
SELECT 'ok'::char(5)::blank_mood;
SELECT 'pg_class'::char(12)::regclass, ' pg_catalog . "pg_class" '::regclass, 'int4'::char(9)::regtype, 'pg_catalog '::regnamespace;
SELECT 'pg_class'::char(12)::regclass, c::regclass FROM blank;
SELECT ' NoSuch '::regclass;
SELECT 'a.b'::regnamespace;
DROP TABLE blank;
DROP TYPE blank_mood;
-- vectors in JSON are arrays
SELECT json_agg('1 2'::oidvector), json_agg('1 2'::int2vector), to_jsonb('1 2'::oidvector), row_to_json(ROW('1 2'::oidvector)), json_build_object('a', ''::oidvector);
SELECT json_object_agg('1 2'::oidvector, 1);
-- what is told of a text that is none
SELECT '1-2 3'::oidvector, '1+2'::oidvector;
SELECT '1 2x 3'::oidvector;
SELECT '1 2-'::oidvector;
SELECT '08:00:2b:01:02:100'::macaddr;
SELECT '-8:00:2b:01:02:00'::macaddr;
SELECT '1:2:3:4:5:6:7'::macaddr;
SELECT ' 8: 0:2b:1:2:3'::macaddr, '0x8-0-2b-1-2-3'::macaddr, '0800.2b01.020'::macaddr, '08002b0102 03'::macaddr;
SELECT '08:00:2b:01:02:100'::macaddr8, '08:00:2b:01:02:10:'::macaddr8, '08:00:2b:01:02:10  '::macaddr8, '08002b01020304051'::macaddr8;
SELECT '08:00:2b:01:02:10  x'::macaddr8;
SELECT '[1 2]'::int4range;
SELECT '[x,y]z'::int4range;
SELECT '[x,'::int4range;
SELECT '(x,y]'::int4range;
CREATE TABLE bits (a bit(3), b varbit(3));
INSERT INTO bits VALUES ('12345', '1');
INSERT INTO bits VALUES ('1x5', '1');
INSERT INTO bits VALUES ('111', '1x111');
INSERT INTO bits VALUES ('xg', 'xf');
DROP TABLE bits;
SELECT make_timestamp(-1, 2, 30, 1, 1, 1);
SELECT make_timestamptz(-1, 13, 20, 1, 1, 1);
SELECT make_timestamp(-2147483647, 2, 3, 1, 1, 1);
-- digits to round to, of all that a numeric may have
SELECT length(round(-2.5::numeric, 2147483647)::text), length(trunc(-2.5::numeric, 2001)::text), round(-2.5::numeric, -2147483648), trunc(1e3000::numeric, -2999) = 1e3000, round(9e2999::numeric, -3000) = 1e3000, round(1e-3000::numeric, 3000) = 0, trunc(1.5::numeric, -131073), round(0::numeric, -131073);
SELECT round(9e131071::numeric, -131072);
-- DISTINCT of pairs
CREATE TABLE pairs (g int, x numeric, y int, t text, v varchar, c char(3));
INSERT INTO pairs VALUES (1,1.5,1,'a','b','c'), (1,1.50,1,'a','b','c'), (2,2,3,'b','a','c'), (1,2,3,'A','b','d'), (2,4,NULL,NULL,NULL,NULL), (1,2,5,'a','c','e'), (1,1.5,1,'b','b','c');
SELECT covar_samp(DISTINCT x, y), corr(DISTINCT x, y), regr_count(DISTINCT x, y), regr_slope(DISTINCT y, x) FROM pairs;
SELECT g, covar_pop(DISTINCT x, y) FILTER (WHERE x < 9), regr_sxx(DISTINCT y, x ORDER BY x), regr_avgx(DISTINCT 1, x ORDER BY x DESC), regr_r2(DISTINCT x, y ORDER BY y, x) FROM pairs GROUP BY g ORDER BY g;
SELECT regr_sxx(DISTINCT x::float8, y ORDER BY x::float8) FROM pairs;
SELECT regr_sxx(DISTINCT x::float8, y ORDER BY x) FROM pairs;
SELECT string_agg(DISTINCT v, ',' ORDER BY v), string_agg(DISTINCT c, ',' ORDER BY c DESC), string_agg(DISTINCT t, v ORDER BY t, v), string_agg(DISTINCT t, v ORDER BY v DESC, t) FROM pairs;
SELECT string_agg(DISTINCT v::text, ',' ORDER BY v) FROM pairs;
SELECT string_agg(DISTINCT c::varchar, ',' ORDER BY c) FROM pairs;
SELECT g FROM pairs GROUP BY g HAVING covar_samp(DISTINCT x, y) > 0.1;
DROP TABLE pairs;
-- time zones that have few or odd letters, far offsets, or a summer without days
SELECT '1999-12-31 23:59:59n99'::timestamp, '19991231Tn99'::timestamp, '2024-01-01 00:00 n99'::timestamptz, '2024-01-01 00:00 foo167'::timestamptz, '10:00 n99'::timetz;
SELECT '2024-01-01 00:00 foo168'::timestamptz;
SELECT '999999-12-31 23:59:59 n99'::timestamp;
SELECT 'n99'::time;
SELECT '2024-01-01 00:00 n9x'::timestamptz, '2024-07-01 00:00 n9x'::timestamptz;
SELECT timestamptz '2024-07-01' AT TIME ZONE 'n5m4', timestamptz '2024-07-01' AT TIME ZONE 'n5mm,J60,J300', timestamptz '2024-07-01' AT TIME ZONE '<>5', timestamptz '2024-07-01' AT TIME ZONE '.5';
SELECT timestamptz '2024-07-01' AT TIME ZONE '1;2', timestamptz '2024-01-01' AT TIME ZONE '1;2', date_trunc('day', timestamptz '1999-12-31 23:59:59+02', '-3.5');
SELECT timestamptz '2024-07-01' AT TIME ZONE 'n5n,M3.2.0/1';
SELECT timestamptz '2024-07-01' AT TIME ZONE 'n';
SELECT date_trunc('-3.5', timestamptz '1999-12-31', '-3.5');
SET TimeZone = 'nn5mm';
SELECT timestamptz '2024-07-01 00:00+00', timestamptz '2024-01-01 00:00+00';
RESET TimeZone;
-- DISTINCT of what becomes JSON goes by what it was
SELECT json_agg(DISTINCT x), jsonb_agg(DISTINCT x) FROM (VALUES (2),(1),(2)) v(x);
SELECT json_agg(DISTINCT x), jsonb_agg(DISTINCT x ORDER BY x DESC) FROM (VALUES ('b'),('a'),('b')) v(x);
SELECT jsonb_agg(DISTINCT x) FROM (VALUES ('{"a":1}'::jsonb),('{"a":1.0}')) v(x);
SELECT json_object_agg(DISTINCT x, 1) FROM (VALUES ('b'),('a'),('b')) v(x);
SELECT json_agg(DISTINCT x ORDER BY x DESC), jsonb_agg(DISTINCT x ORDER BY x DESC), jsonb_agg(DISTINCT x) FROM (VALUES ('bb'),('a'),('b'),('bb'),(NULL)) v(x);
SELECT json_object_agg(DISTINCT x, y), jsonb_object_agg(DISTINCT x, y ORDER BY x, y DESC) FROM (VALUES ('b',1),('a',1),('b',1),('b',2)) v(x, y);
SELECT json_agg(DISTINCT x) FROM (VALUES ('1'::json)) v(x);
SELECT jsonb_agg(DISTINCT x), json_agg(DISTINCT x ORDER BY x) FROM (VALUES ('"b"'::jsonb), ('1'), ('"b"')) v(x);
SELECT json_agg(DISTINCT x ORDER BY y) FROM (VALUES (1,2)) v(x,y);
SELECT json_agg(DISTINCT x ORDER BY y, x) FROM (VALUES (1,2)) v(x,y);
SELECT g, json_agg(DISTINCT x) FILTER (WHERE x > 1), json_agg(DISTINCT a), jsonb_agg(DISTINCT d ORDER BY d) FROM (VALUES (1, 1.5, '{1}'::int[], '2024-01-01'::date), (1, 1.5, '{1}', '2023-01-01'), (2, 1, NULL, NULL)) v(g,x,a,d) GROUP BY g ORDER BY g;
CREATE TABLE jsoned (id int PRIMARY KEY, t text, n numeric);
INSERT INTO jsoned VALUES (1, 'b', 1.5), (2, 'a', 1.50), (3, 'b', 2), (4, NULL, NULL);
SELECT json_agg(DISTINCT t), jsonb_agg(DISTINCT t ORDER BY t DESC), count(DISTINCT n), json_object_agg(DISTINCT id % 2, t) FROM jsoned;
DROP TABLE jsoned;
