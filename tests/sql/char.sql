-- char(n): its blanks are a part of the value, and count in no comparison
CREATE TABLE s (id int PRIMARY KEY, c char(4), d char(6), b bpchar, v varchar(6), t text);
INSERT INTO s VALUES (1, 'ab', 'ab', 'ab  ', 'ab  ', 'ab'), (2, 'a', 'ab ', 'ab', 'a', 'a '), (3, '', '  ', ' ', '', ''), (4, 'é', 'é', 'é ', 'é', 'é '), (5, NULL, NULL, NULL, NULL, NULL), (6, 'a!', 'a' || chr(9), 'a!', 'a!', 'a!');
SELECT id, '[' || concat(c) || ']', concat('[', d, ']'), concat('[', b, ']'), octet_length(c), octet_length(d), octet_length(b), length(c), length(b) FROM s ORDER BY id;
SELECT coalesce(c, t) || '|', '[' || concat(coalesce(c, t)) || ']', octet_length(coalesce(c, t)), coalesce(c, 'zz') LIKE 'ab' FROM s ORDER BY id;
SELECT octet_length(coalesce(c, d)), octet_length(coalesce(t, c)), octet_length(CASE WHEN id = 1 THEN c ELSE d END), octet_length(CASE WHEN id = 1 THEN c ELSE v END), octet_length(greatest(c, d)), octet_length(least(d, c)), octet_length(greatest(c, b)), octet_length(nullif(c, 'zz')) FROM s ORDER BY id;
SELECT pg_typeof(coalesce(c, t)), pg_typeof(coalesce(t, c)), pg_typeof(coalesce(c, v)), pg_typeof(coalesce(v, c)), pg_typeof(greatest(c, b)) FROM s WHERE id = 1;
-- comparisons
SELECT x.id, y.id FROM s x, s y WHERE x.c = y.d ORDER BY 1, 2;
SELECT x.id, y.id FROM s x, s y WHERE x.c = y.b ORDER BY 1, 2;
SELECT x.id, y.id FROM s x, s y WHERE x.c = y.t ORDER BY 1, 2;
SELECT x.id, y.id FROM s x, s y WHERE x.t::bpchar = y.c ORDER BY 1, 2;
SELECT x.id, y.id FROM s x, s y WHERE x.c < y.d ORDER BY 1, 2;
SELECT x.id, y.id FROM s x JOIN s y ON x.c = y.d JOIN s z ON z.b = y.d ORDER BY 1, 2;
SELECT count(*) FROM s x LEFT JOIN s y ON x.d = y.b WHERE y.id IS NULL;
SELECT id FROM s WHERE c IN ('a', 'ab  ', 'x') ORDER BY id;
SELECT id FROM s WHERE c = ANY ('{"a ",ab}'::bpchar[]) ORDER BY id;
SELECT id FROM s WHERE c = ANY ('{"a ",ab}'::text[]) ORDER BY id;
SELECT id FROM s WHERE b IN (SELECT c FROM s) ORDER BY id;
SELECT id FROM s WHERE c IN (SELECT t FROM s) ORDER BY id;
SELECT id FROM s WHERE (c, d) = ('ab', 'ab') ORDER BY id;
SELECT id FROM s WHERE (c, id) > ('a', 2) ORDER BY id;
SELECT id FROM s WHERE c BETWEEN 'a' AND 'ab' ORDER BY id;
SELECT id FROM s WHERE c IS DISTINCT FROM 'ab' ORDER BY id;
SELECT id, c LIKE 'ab', c LIKE 'ab  ', b LIKE 'ab', c ILIKE 'A_ %', c ~ 'ab$', c ~ 'b *$', c SIMILAR TO 'ab' FROM s ORDER BY id;
SELECT 'a'::char(3) = 'a', 'a'::char(3) = 'a  '::text, 'a '::text = 'a'::char(3), 'a'::char(3) = 'a '::varchar, 'a ' = 'a'::bpchar, 'a'::char(2) || 'b', 'a'::char(2) || 'b'::char(2) || 'c', 'a '::bpchar || 1;
SELECT CASE 'a '::bpchar WHEN 'a' THEN 1 ELSE 2 END, nullif('a '::bpchar, 'a'), 'a'::bpchar < ('a' || chr(9))::bpchar;
-- groups, sets, order
SELECT c, count(*) FROM s GROUP BY c ORDER BY c;
SELECT length(b), count(*), min(c), max(d), concat('[', max(c), ']') FROM s GROUP BY b ORDER BY b;
SELECT count(DISTINCT b), count(DISTINCT c), count(DISTINCT d) FROM s;
SELECT count(*) FROM (SELECT DISTINCT b FROM s) x;
SELECT count(*) FROM (SELECT c FROM s UNION SELECT d FROM s UNION SELECT b FROM s) x;
SELECT octet_length(c) FROM (SELECT c FROM s WHERE id = 1 UNION ALL SELECT d FROM s WHERE id = 2 UNION ALL SELECT 'x') x ORDER BY 1;
SELECT octet_length(c) FROM (SELECT c FROM s WHERE id = 1 UNION ALL SELECT t FROM s WHERE id = 2) x ORDER BY 1;
SELECT count(*) FROM (SELECT c FROM s INTERSECT SELECT d FROM s) x;
SELECT concat('[', c, ']') FROM (SELECT c FROM s EXCEPT SELECT d FROM s) x ORDER BY 1;
SELECT id FROM s ORDER BY c, id;
SELECT id FROM s ORDER BY d DESC NULLS LAST, id;
SELECT id, rank() OVER (ORDER BY d), octet_length(lag(c) OVER (ORDER BY id)), octet_length(first_value(d) OVER (ORDER BY id)), count(*) OVER (PARTITION BY d) FROM s ORDER BY id;
SELECT DISTINCT ON (d) d, id FROM s ORDER BY d, id;
SELECT concat('[', mode() WITHIN GROUP (ORDER BY c), ']'), string_agg(c, ',' ORDER BY id), string_agg(DISTINCT d, ',') FROM s;
-- arrays, rows, json, parameters
SELECT array_agg(c ORDER BY id), ARRAY[c, 'x'] FROM s GROUP BY s.id, c ORDER BY s.id;
SELECT ARRAY['a'::char(3), 'b'], ARRAY['a'::char(3), 'b'::text], '{a,b}'::char(3)[], array_append('{a}'::char(2)[], 'b'), '{a,b}'::char(3)[]::text[], array_to_string('{a,b}'::char(3)[], '|'), '{a}'::char(3)[] = '{"a  "}'::bpchar[], '{a}'::bpchar[] @> '{"a "}'::bpchar[];
SELECT concat('[', x, ']') FROM unnest('{a,b}'::char(3)[]) x;
SELECT row(c, id), to_json(c), json_build_object(c, c), jsonb_agg(c) FROM s WHERE id < 3 GROUP BY id, c ORDER BY id;
SELECT row_to_json(s) FROM s WHERE id = 1;
PREPARE p (bpchar) AS SELECT octet_length($1), $1 = 'a', $1 LIKE 'a', id FROM s WHERE c = $1;
EXECUTE p ('a  ');
PREPARE i (int, bpchar) AS INSERT INTO s (id, c, t) VALUES ($1, $2, $2) RETURNING concat('[', c, ']'), concat('[', t, ']');
EXECUTE i (10, 'x ');
EXECUTE i (11, 'abcdef');
DELETE FROM s WHERE id >= 10;
-- casts
SELECT concat('[', 'ab '::text::bpchar, ']'), concat('[', 'ab '::bpchar::text, ']'), concat('[', 'ab '::bpchar::varchar(3), ']'), concat('[', 'ab '::char(2)::char(4), ']'), concat('[', 'abc'::char(2), ']'), concat('[', 12::char(4), ']'), concat('[', 'ab '::bpchar::name, ']'), concat('[', 'ab'::name::char(3), ']'), 'a'::char(3)::"char", ' '::"char"::bpchar, true::char(6), '12 '::bpchar::int;
SELECT 'abcd'::char, 'a'::bpchar::char(3)::bpchar = 'a', quote_literal('a'::char(3)), quote_nullable('a'::char(3)), upper('a'::char(3)) || '|', reverse('ab'::char(4)), lpad('a'::char(3), 5, '-'), md5('a'::char(3)) = md5('a'), format('%s|%L', 'a'::char(3), 'a'::char(3)), substr('ab'::char(4), 2) || '|', left('a'::char(3), 2) || '|', num_nulls('a'::char(3)), pg_typeof('a'::char(3)), concat_ws(',', 'a'::char(3), 'b'::char(2)), rtrim('a'::char(3)) || '|', repeat('a'::char(3), 2), strpos('a'::char(3), ' '), position(' ' in 'a'::char(3)), char_length('a'::char(3)), bit_length('a'::char(3));
-- keys
CREATE TABLE k (c char(4) PRIMARY KEY, b bpchar UNIQUE, d char(4) REFERENCES k ON UPDATE CASCADE);
CREATE INDEX ON k (upper(c));
CREATE INDEX ON k (c) WHERE c <> 'x';
INSERT INTO k VALUES ('ab', 'b ', NULL), ('b', 'c', 'ab');
INSERT INTO k VALUES ('ab  ', 'x');
INSERT INTO k VALUES ('d', 'b');
INSERT INTO k VALUES ('d', 'e', 'zz');
INSERT INTO k VALUES ('b ', 'q') ON CONFLICT (c) DO UPDATE SET b = excluded.b || '!' RETURNING concat('[', b, ']');
UPDATE k SET c = 'ac' WHERE c = 'ab ';
SELECT concat('[', c, ']'), concat('[', b, ']'), concat('[', d, ']') FROM k ORDER BY c;
SELECT c FROM k WHERE c = 'ac';
SELECT c FROM k WHERE c > 'ac' ORDER BY c;
SELECT c FROM k WHERE upper(c) = 'AC';
DELETE FROM k WHERE c = 'ac';
UPDATE k SET b = 'longer than four';
UPDATE k SET c = 'longer than four';
INSERT INTO k VALUES ('abc     ', 'abc     ');
SELECT concat('[', c, ']'), concat('[', b, ']') FROM k ORDER BY c;
ALTER TABLE k DROP CONSTRAINT k_d_fkey;
ALTER TABLE k ALTER d TYPE char(5);
ALTER TABLE k ADD FOREIGN KEY (d) REFERENCES k;
INSERT INTO k VALUES ('zz', 'zz', 'zz'), ('zy', 'zy', 'no');
SELECT concat('[', d, ']') FROM k ORDER BY c;
ALTER TABLE k ALTER b TYPE text;
SELECT concat('[', b, ']') FROM k ORDER BY c;
CREATE TABLE m AS SELECT c, min(c) AS least, coalesce(c, 'x') AS other, c || 'x' AS t FROM k GROUP BY c;
SELECT concat('[', c, ']'), concat('[', least, ']'), concat('[', other, ']'), t FROM m ORDER BY c;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'm'::regclass AND attnum > 0 ORDER BY attnum;
CREATE VIEW w AS SELECT c, d FROM k WHERE c = 'b';
SELECT concat('[', c, ']'), concat('[', d, ']') FROM w;
DROP VIEW w;
CREATE MATERIALIZED VIEW w AS SELECT c, count(*) FROM k GROUP BY c;
SELECT concat('[', c, ']'), count FROM w WHERE c = 'b' ORDER BY c;
DROP MATERIALIZED VIEW w;
-- checks, defaults, generated columns
CREATE TABLE g (c char(3) DEFAULT 'a' CHECK (c <> 'no' AND length(c) < 3), n int GENERATED ALWAYS AS (octet_length(c)) STORED, t text GENERATED ALWAYS AS (c || '|') STORED);
INSERT INTO g DEFAULT VALUES;
INSERT INTO g VALUES ('no ');
INSERT INTO g VALUES ('abc');
INSERT INTO g VALUES ('ab') RETURNING *;
COPY g (c) TO STDOUT;
COPY g (c) TO STDOUT (FORMAT csv, FORCE_QUOTE *);
COPY g (c) FROM STDIN;
x
y 
abcd
\.
COPY g (c) FROM STDIN;
x
y 
\.
SELECT n, t, concat('[', c, ']') FROM g ORDER BY c;
MERGE INTO g USING (VALUES ('x '), ('z')) v (a) ON g.c = v.a WHEN NOT MATCHED THEN INSERT (c) VALUES (v.a);
SELECT concat('[', c, ']') FROM g ORDER BY c;
DROP TABLE s, k, m, g;
