-- Settings that PostgreSQL has and that change nothing here: values are checked, kept and shown all the same.
show enable_seqscan;
set enable_seqscan = off;
show enable_seqscan;
set enable_seqscan = maybe;
set random_page_cost = 1.1;
show random_page_cost;
set random_page_cost = '2.50';
show random_page_cost;
set random_page_cost = -1;
set random_page_cost = 'x';
set cursor_tuple_fraction = 2;
set default_statistics_target = 500;
set default_statistics_target = 0;
set effective_cache_size = '2GB';
show effective_cache_size;
set plan_cache_mode = force_custom_plan;
set plan_cache_mode = custom;
show plan_cache_mode;
show deadlock_timeout;
show log_min_duration_statement;
set log_min_duration_statement = '1min';
show log_min_duration_statement;
begin;
set local enable_nestloop = off;
show enable_nestloop;
commit;
show enable_nestloop;
reset random_page_cost;
show random_page_cost;
reset all;
select name, setting, category, vartype, context, min_val, max_val, enumvals, boot_val, reset_val from pg_settings where name in ('enable_seqscan', 'random_page_cost', 'plan_cache_mode', 'default_statistics_target', 'cursor_tuple_fraction', 'statement_timeout', 'search_path', 'default_transaction_isolation', 'geqo_threshold', 'constraint_exclusion', 'xmloption', 'bytea_output') order by name;
select current_setting('random_page_cost')::float8 + 1, set_config('join_collapse_limit', '1', true);
show nope;
set nope = 1;
set "my.own" = 'x';
show my.own;
select current_setting('my.none', true), current_setting('my.own');
-- for old scripts, and for tools
SET password_encryption = 'md5';
SHOW password_encryption;
SET password_encryption = 'x';
RESET password_encryption;
SHOW password_encryption;
SET session_replication_role = local;
SHOW session_replication_role;
SET session_replication_role = other;
RESET session_replication_role;
CREATE TABLE no_keys (q text DEFAULT current_query(), n int);
ALTER TABLE no_keys DISABLE TRIGGER ALL;
INSERT INTO no_keys (n) VALUES (1), (2);
ALTER TABLE no_keys ENABLE TRIGGER ALL;
SELECT * FROM no_keys ORDER BY n;
SELECT n, current_query() FROM no_keys WHERE n = 1 AND current_query() LIKE '%no_keys%';
SELECT 1, current_query() \; SELECT current_query(), 2;
PREPARE asks AS SELECT current_query(), n FROM no_keys WHERE n = $1;
EXECUTE asks (1);
SELECT current_query() = 'SELECT current_query() = ''x'';';
UPDATE no_keys SET q = current_query() WHERE n = 2 RETURNING q;
COPY no_keys (n, q) FROM stdin;
3	given
\.
SELECT q FROM no_keys WHERE n = 3;
COPY no_keys (n) FROM stdin;
4
\.
SELECT q FROM no_keys WHERE n = 4;
DROP TABLE no_keys;
-- What the session knows is the client's, wherever the rows are.
SET app.who = 'ann';
CREATE TABLE who_a (n int, w text DEFAULT current_setting('app.who'));
CREATE TABLE who_b (n int, w text DEFAULT current_setting('app.who'));
CREATE TABLE who_c (n int, w text DEFAULT current_setting('app.who', true));
INSERT INTO who_a (n) VALUES (1), (2);
INSERT INTO who_b (n) SELECT n FROM who_a;
COPY who_c (n) FROM stdin;
1
2
\.
SET app.who = 'bob';
UPDATE who_a SET w = current_setting('app.who') WHERE w = 'ann' AND n = 1 RETURNING *;
UPDATE who_b SET w = current_setting('app.who') WHERE n = 2 RETURNING *;
UPDATE who_c SET w = w || current_setting('app.' || 'who') WHERE n = 1 RETURNING *;
SELECT a.n, a.w, b.w, c.w FROM who_a a JOIN who_b b USING (n) JOIN who_c c USING (n) ORDER BY n;
SELECT n FROM who_b WHERE w = current_setting('app.who');
DELETE FROM who_a WHERE w = current_setting('app.who', true) RETURNING n;
DELETE FROM who_b WHERE w = current_setting('app.who', true) RETURNING n;
SELECT n, current_setting('app.who') FROM who_a;
UPDATE who_a SET w = current_setting('app.none');
UPDATE who_b SET w = current_setting('app.none');
UPDATE who_b SET w = CASE WHEN n = 1 THEN 'one' ELSE current_setting('app.none') END RETURNING *;
UPDATE who_c SET w = coalesce(current_setting('app.none', true), current_setting('app.who'));
UPDATE who_c SET w = current_setting(NULL) WHERE n = 1 RETURNING *;
PREPARE changes (text) AS UPDATE who_c SET w = current_setting($1) WHERE n = 2 RETURNING *;
EXECUTE changes ('app.who');
SET app.who = 'eve';
EXECUTE changes ('app.who');
UPDATE who_a SET w = 'me' WHERE inet_client_port() IS NOT NULL AND current_query() LIKE 'UPDATE who_a SET w = ''me''%' RETURNING n;
UPDATE who_b SET w = 'me' WHERE pg_client_encoding() = 'UTF8' AND pg_postmaster_start_time() < now() RETURNING n;
SELECT * FROM current_setting('app.who');
SELECT current_setting('app.who') AS s, count(*) FROM who_a GROUP BY current_setting('app.who') ORDER BY current_setting('app.who');
CREATE VIEW who_v AS SELECT n, current_setting('app.who') AS w FROM who_c;
SELECT * FROM who_v ORDER BY n;
SET app.who = 'zoe';
SELECT * FROM who_v ORDER BY n;
CREATE INDEX ON who_a (current_setting('app.who'));
DROP VIEW who_v;
DROP TABLE who_a, who_b, who_c;
