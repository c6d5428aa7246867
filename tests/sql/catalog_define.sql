-- Definitions as PostgreSQL prints them, and functions that tools ask.
CREATE TABLE da2 (k numeric(10,2) PRIMARY KEY, n int, UNIQUE (n, k));
CREATE TABLE da (
  id int PRIMARY KEY,
  b int UNIQUE,
  c varchar(10) DEFAULT 'x' NOT NULL,
  d numeric(10,2) DEFAULT 0 REFERENCES da2 ON DELETE CASCADE ON UPDATE SET NULL,
  e timestamptz DEFAULT now(),
  f timestamptz DEFAULT CURRENT_TIMESTAMP,
  g bool DEFAULT true,
  h date DEFAULT CURRENT_DATE,
  i bigint DEFAULT -1,
  k text DEFAULT 'it''s' || 'y',
  l float8 DEFAULT 1.5,
  m date DEFAULT '2020-01-02',
  "Odd name" int DEFAULT 5 + 3 * 2,
  "select" text DEFAULT upper('a\b'),
  n numeric DEFAULT 12.50,
  o interval DEFAULT '1 day 2 hours',
  p smallint DEFAULT 3::smallint,
  q char(3) DEFAULT 'ab',
  r numeric DEFAULT '5'::numeric(4,1),
  s bytea DEFAULT '\x01ff',
  CHECK (c IN ('a', 'b')),
  CHECK (d > 0 AND d < 10 OR b IS NULL),
  CHECK (length(c) BETWEEN 1 AND 5),
  CHECK (c LIKE 'a%' AND NOT k LIKE '%z'),
  CHECK (CASE WHEN b > 1 THEN true ELSE false END),
  CONSTRAINT "Odd check" CHECK ("Odd name" IN (1, 2, 3) AND "select" IN ('p', 'q')),
  CHECK (b NOT IN (7, 8)),
  CHECK (coalesce(b, 0) + greatest(id, 1) <> nullif(b, 5)),
  CHECK (i > 5 AND id < 10000000000),
  CHECK (g IS NOT FALSE AND (b IS DISTINCT FROM 3 OR NOT g)),
  CHECK (m > '2000-01-01' AND e < '2100-01-01 00:00+00'),
  CHECK (-b < 4 AND l * 2 > b),
  CHECK (extract(year FROM m) > 1999)
);
CREATE INDEX da_x ON da (c DESC, b);
CREATE UNIQUE INDEX "Odd index" ON da ("Odd name", "select" DESC);
SELECT conname, conkey, confkey, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN ('da'::regclass, 'da2'::regclass) ORDER BY conname;
SELECT conname, pg_get_constraintdef(oid, true) FROM pg_constraint WHERE conrelid = 'da'::regclass ORDER BY conname;
SELECT adnum, pg_get_expr(adbin, adrelid), pg_get_expr(adbin, adrelid, true) FROM pg_attrdef WHERE adrelid = 'da'::regclass ORDER BY adnum;
SELECT pg_get_indexdef(indexrelid), pg_get_indexdef(indexrelid, 0, true), pg_get_indexdef(indexrelid, 1, true), indkey, indoption, indclass, indcollation FROM pg_index WHERE indrelid IN ('da'::regclass, 'da2'::regclass) ORDER BY indexrelid::regclass::text;
SELECT column_name, column_default FROM information_schema.columns WHERE table_name = 'da' ORDER BY ordinal_position;
SELECT constraint_name, check_clause FROM information_schema.check_constraints WHERE constraint_name LIKE 'da%' ORDER BY 1;
SELECT format_type(atttypid, atttypmod), format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'da'::regclass AND attnum > 0 ORDER BY attnum;
SELECT format_type(0, 0), format_type(NULL, 1), format_type(99999, NULL), format_type(1007, -1), format_type(1015, 14);
SELECT relname, pg_get_userbyid(relowner), pg_table_is_visible(oid), oid::regclass, relnamespace::regnamespace, relowner::regrole FROM pg_class WHERE relname IN ('da', 'Odd index', 'pg_class', 'tables') ORDER BY 1;
SELECT current_setting('search_path'), current_setting('nope', true), current_setting('custom.x', true);
SELECT current_setting('nope');
SELECT has_table_privilege('da', 'select'), has_table_privilege('da', 'SELECT, INSERT WITH GRANT OPTION'), has_schema_privilege('public', 'usage'), has_column_privilege('da', 'b', 'update');
SELECT has_table_privilege('nope', 'select');
SELECT has_table_privilege('da', 'fly');
SELECT has_column_privilege('da', 'nope', 'select');
SELECT has_table_privilege(99999, 'select');
SELECT to_regclass('nope'), to_regclass('da'), to_regclass('public."Odd index"'), to_regtype('int4'), to_regtype('nope'), to_regnamespace('public');
SELECT pg_encoding_to_char(6), pg_char_to_encoding('utf8'), pg_client_encoding(), pg_is_in_recovery();
SELECT pg_get_serial_sequence('da', 'id'), pg_get_serial_sequence('da', 'nope');
SELECT current_schemas(false), current_schemas(true);
SELECT 'pg_type'::regclass::oid, 1259::regclass, 'information_schema.tables'::regclass, 'array_in'::regproc;
SELECT set_config('search_path', '', false);
SELECT 'public.da'::regclass, to_regclass('da');
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'da_d_fkey';
SELECT pg_table_is_visible('public.da'::regclass);
SELECT set_config('custom.x', 'y', false), current_setting('custom.x');
SELECT typname, typinput, typoutput, typreceive, typsend, typelem, typarray, typsubscript FROM pg_type WHERE typname IN ('bool', 'int4', '_int4', 'text', 'numeric', 'int2vector', 'timestamptz') ORDER BY 1;
SELECT pg_size_pretty(n) FROM (VALUES (0::bigint), (10239), (10240), (-10240), (20479 * 512), (20480 * 512 - 1), (10 * 1024 * 1024 * 1024::bigint - 1), (1::bigint << 50), (9223372036854775807), (-9223372036854775808)) v (n);
CREATE INDEX da_part ON public.da (b) WHERE c = 'a' AND b > 3;
SELECT pg_get_indexdef(indexrelid), pg_get_indexdef(indexrelid, 0, true), pg_get_expr(indpred, indrelid), pg_get_expr(indpred, indrelid, true) FROM pg_index WHERE indexrelid = 'public.da_part'::regclass;
