-- What SET says, until when it holds, and where RESET goes back to.

-- RESET goes back to what the client said when it connected
\setenv PGTZ 'America/New_York'
\setenv PGOPTIONS '-c intervalstyle=iso_8601 -c app.tenant=7'
\c -
SHOW TimeZone;
SET TIME ZONE 'Europe/Berlin';
SET DateStyle = 'German';
SET IntervalStyle = 'postgres';
SET app.tenant = '8';
SELECT timestamptz '2024-07-01 12:00+00', interval '1 day';
RESET TIME ZONE;
RESET IntervalStyle;
SELECT timestamptz '2024-07-01 12:00+00', interval '1 day';
SET TIME ZONE 'UTC';
SET TIME ZONE LOCAL;
SHOW TimeZone;
SET TIME ZONE 'UTC';
SET TimeZone TO DEFAULT;
SHOW TimeZone;
RESET ALL;
SHOW DateStyle;
SHOW app.tenant;
SET TIME ZONE 'Asia/Tokyo';
SET app.tenant = '9';
DISCARD ALL;
SHOW TimeZone;
SHOW app.tenant;
SELECT name, setting, reset_val, source FROM pg_settings WHERE name IN ('TimeZone', 'IntervalStyle') ORDER BY 1;

-- savepoints
BEGIN;
SET DateStyle = 'SQL, DMY';
SAVEPOINT a;
SET DateStyle = 'German';
SET app.tenant = '1';
SAVEPOINT b;
SET LOCAL app.tenant = '2';
SET LOCAL app.other = 'x';
SHOW app.tenant;
ROLLBACK TO b;
SHOW app.tenant;
SHOW app.other;
RELEASE b;
ROLLBACK TO a;
SHOW DateStyle;
SHOW app.tenant;
SAVEPOINT c;
SET LOCAL DateStyle = 'German';
RELEASE c;
SHOW DateStyle;
COMMIT;
SHOW DateStyle;
RESET DateStyle;

-- SET LOCAL ends with the transaction, what a rollback undoes too
BEGIN;
SET LOCAL app.tenant = '3';
SELECT current_setting('app.tenant');
COMMIT;
SHOW app.tenant;
BEGIN;
SET app.fresh = '1';
ROLLBACK;
SELECT current_setting('app.fresh', true) AS fresh, current_setting('app.never', true) AS never;
BEGIN;
SET LOCAL DateStyle = 'German';
SET DateStyle = 'SQL';
SHOW DateStyle;
COMMIT;
SHOW DateStyle;
RESET DateStyle;
BEGIN;
SET DateStyle = 'SQL';
SET LOCAL DateStyle = 'German';
SHOW DateStyle;
COMMIT;
SHOW DateStyle;
RESET DateStyle;

-- set_config() with values that come from anywhere
PREPARE tenant AS SELECT set_config('app.tenant', $1, $2);
EXECUTE tenant('4', false);
SHOW app.tenant;
EXECUTE tenant('5', true);
SHOW app.tenant;
BEGIN;
EXECUTE tenant('6', true);
SHOW app.tenant;
COMMIT;
SHOW app.tenant;
SELECT set_config('app.tenant', 'n' || n, false) FROM generate_series(1, 3) n;
SHOW app.tenant;
SELECT set_config('app.tenant', NULL, false);
SELECT set_config(NULL, 'a', false);
SELECT set_config('app.none', 'a', true), current_setting('app.none');
SELECT set_config('DateStyle', 'nonsense', true);
-- undone with its statement
SELECT set_config('app.tenant', 'wrong', false), 1 / (n - 2) FROM generate_series(1, 3) n;
SHOW app.tenant;
SET app.tenant = 'wrong' \; SELECT 1 / 0;
SHOW app.tenant;

-- names
SET app = 1;
SET "app.a b" = 1;
SET "app..b" = 1;
SET "app." = 1;
SET ".app" = 1;
SET "1app.b" = 1;
SET app.b.c = 1;
SHOW APP.B.C;
SHOW app.b;
SET LOCAL app.b = 1;
SET TIME ZONE 'default';

-- what tunes PostgreSQL's planner is checked, kept and shown
SET enable_seqscan = off;
SHOW enable_seqscan;
SET random_page_cost = 1.1;
SHOW random_page_cost;
SET random_page_cost = -1;
SET random_page_cost = 'abc';
SET seq_page_cost = 'NaN';
SET cursor_tuple_fraction = 2;
SET effective_cache_size = '8GB';
SHOW effective_cache_size;
SET effective_cache_size = 1000;
SHOW effective_cache_size;
SET effective_cache_size = '1kB';
RESET effective_cache_size;
SHOW effective_cache_size;
SET vacuum_cost_delay TO 40;
SHOW vacuum_cost_delay;
SET vacuum_cost_delay TO '10s';
SET geqo_threshold = 1;
SET plan_cache_mode = force_generic_plan;
SET plan_cache_mode = foo;
SET escape_string_warning = off;
SET default_with_oids = false;
SET default_with_oids = true;
SELECT name, setting, unit, vartype FROM pg_settings WHERE name IN ('enable_seqscan', 'random_page_cost', 'effective_cache_size', 'plan_cache_mode', 'from_collapse_limit') ORDER BY 1;
RESET ALL;
