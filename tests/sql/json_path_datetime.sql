-- datetime() of SQL/JSON paths: as text
SELECT '$.datetime()'::jsonpath, '$.a.DateTime("yyyy-mm-dd") ? (@ < $x.datetime( ))'::jsonpath, '$.datetime ("dd\"T\"\n")'::jsonpath, '$.datetime("")'::jsonpath, '$.datetime'::jsonpath;
SELECT '$.datetime("HH24", 1)'::jsonpath;
SELECT '$.datetime($x)'::jsonpath;
SELECT '$.datetime(1)'::jsonpath;
SELECT '$."datetime"()'::jsonpath;

-- by ISO 8601
CREATE TABLE texts (j jsonb);
INSERT INTO texts VALUES ('["2024-02-29", "07:08:09", "07:08:09.25", "07:08:09-3", "07:08:09+04:30", "07:08:09.123456-04:30"]'), ('["2024-02-29 07:08:09", "2024-02-29T07:08:09.5", "2024-02-29 07:08:09+1", "2024-02-29T07:08:09.000001-00:15", "2024-02-29 07:08:09.1 +14", " 2024-02-29 07:08:09.1 14:15 "]');
SELECT jsonb_path_query(j, '$[*].datetime()') FROM texts;
SELECT jsonb_path_query(j, '$.datetime().type()') FROM texts;
SELECT jsonb_path_query_array(j, '$[*] ? (@.datetime().type() starts with "time ")') FROM texts;
SELECT jsonb_path_query('"29.02.2024"', '$.datetime()');
SELECT jsonb_path_query('"29.02.2024"', '$.datetime()', '{}', true);
SELECT jsonb_path_query('"2023-02-29"', '$.datetime()');
SELECT jsonb_path_query('" 2024-02-29 "', '$.datetime()');
SELECT jsonb_path_query('"24:00:00"', '$.datetime()');
SELECT jsonb_path_query('"07:08"', '$.datetime()');
SELECT jsonb_path_query('1', '$.datetime()');
SELECT jsonb_path_query('[]', '$.datetime()');
SELECT jsonb_path_query('[]', 'strict $.datetime()');
SELECT jsonb_path_query('{}', '$.datetime("yyyy")');

-- by a template
SELECT jsonb_path_query('"29/2/24"', '$.datetime("dd/mm/yy")'), jsonb_path_query('"Feb 29, 2024"', '$.datetime("Mon dd, yyyy")'), jsonb_path_query('"7 pm"', '$.datetime("HH12 am")'), jsonb_path_query('"20240229T0708"', '$.datetime("yyyymmdd\"T\"HH24MI")'), jsonb_path_query('"07:08 -05:30"', '$.datetime("HH24:MI TZH:TZM")'), jsonb_path_query('"2024 60 3600 +1"', '$.datetime("YYYY DDD SSSSS TZH")');
SELECT jsonb_path_query('"0044-03-15 BC"', '$.datetime("yyyy-mm-dd BC")'), jsonb_path_query('"0044-03-15 07:08+02 BC"', '$.datetime("yyyy-mm-dd HH24:MITZH BC")'), jsonb_path_query('"12024-03-15"', '$.datetime("yyyy-mm-dd")'), jsonb_path_query('"23:59:59.999"', '$.datetime("HH24:MI:SS.FF2")'), jsonb_path_query('"2023-12-31 23:59:59.999"', '$.datetime("yyyy-mm-dd HH24:MI:SS.FF2")');
SELECT jsonb_path_query('"2024"', '$.datetime("yyyy").type()'), jsonb_path_query('"2024 7"', '$.datetime("yyyy HH24").type()'), jsonb_path_query('"2024 7 1"', '$.datetime("yyyy HH24 TZH").type()'), jsonb_path_query('"7"', '$.datetime("HH24").type()'), jsonb_path_query('"7+1"', '$.datetime("HH24TZH").type()');
SELECT jsonb_path_query('"07:08"', '$.datetime("HH24.MI")');
SELECT jsonb_path_query('"07:08"', '$.datetime("HH24\"Uhr\"MI")');
SELECT jsonb_path_query('"07ä08"', '$.datetime("HH24\"ä\"MI")');
SELECT jsonb_path_query('"07:08"', '$.datetime("HH24\"ä\"MI")');
SELECT jsonb_path_query('"07"', '$.datetime("HH24:MI")');
SELECT jsonb_path_query('"07:08:09"', '$.datetime("HH24:MI")');
SELECT jsonb_path_query('"07:08 "', '$.datetime("HH24:MI")');
SELECT jsonb_path_query('"07:60"', '$.datetime("HH24:MI")');
SELECT jsonb_path_query('"13"', '$.datetime("HH12")');
SELECT jsonb_path_query('"x"', '$.datetime("HH24")');
SELECT jsonb_path_query('""', '$.datetime("HH24")');
SELECT jsonb_path_query('"7"', '$.datetime("")');
SELECT jsonb_path_query('"7"', '$.datetime("TZH")');
SELECT jsonb_path_query('"7 2024"', '$.datetime("TZH yyyy")');
SELECT jsonb_path_query('"7+16"', '$.datetime("HH24TZH")');
SELECT jsonb_path_query('"7"', '$.datetime("IW")');
SELECT jsonb_path_query('"7"', '$.datetime("TZ")');
SELECT jsonb_path_query('"2024 7"', '$.datetime("yyyy IW")');
SELECT jsonb_path_query('"5874898-01-01"', '$.datetime("yyyy-mm-dd")');
SELECT jsonb_path_query('"294277-01-01 07"', '$.datetime("yyyy-mm-dd HH24")');
SELECT jsonb_path_query('"294276-12-31 23-01"', '$.datetime("yyyy-mm-dd HH24TZH")');
-- what is wrong with the text is forgiven, what is wrong with the template is not
SELECT jsonb_path_query('"7"', '$.datetime("TZ")', '{}', true), jsonb '"7"' @? '$.datetime("TZ")', jsonb '"7"' @@ '$.datetime("MI:SS") == 1', jsonb_path_query('"7"', '$ ? ((@.datetime("HH12:MI") == 1) is unknown)');
SELECT jsonb_path_query('"7"', '$.datetime("MIx")', '{}', true);
SELECT jsonb '"7"' @? '$.datetime("MI_SS")';
SELECT jsonb '"7"' @@ '$.datetime("MIäSS") == 1 || true == true';
SELECT jsonb '"7"' @@ '$.datetime("MI\\\"") == 1';

-- what it gives is no string
SELECT jsonb_path_query('"2024-02-29"', '$.datetime() starts with "2024"'), jsonb_path_query('"2024-02-29"', '$.datetime() like_regex "2024"'), jsonb_path_query('"2024-02-29"', '$.datetime() == "2024-02-29"'), jsonb_path_query('"2024-02-29"', '$.datetime() == null'), jsonb_path_query('"2024-02-29"', '$.datetime() != null'), jsonb_path_query('"2024-02-29"', '$.datetime()[0].size()');
SELECT jsonb_path_query('"2024-02-29"', '$.datetime().datetime()');
SELECT jsonb_path_query('"2024-02-29"', '$.datetime().double()');
SELECT jsonb_path_query('"2024-02-29"', '$.datetime() + 1');
SELECT jsonb_path_query('"2024-02-29"', '-$.datetime()');
SELECT jsonb_path_query('"2024-02-29"', 'strict $.datetime().a');
SELECT jsonb_path_match('"2024-02-29"', '$.datetime()');
SELECT jsonb_path_exists('"2024-02-29"', '$.datetime()'), jsonb_path_exists('"x"', '$.datetime()', '{}', true), jsonb_path_query_first('["2024-02-29", 1]', '$[*].datetime()', '{}', true);

-- comparisons
CREATE TABLE moments (id int, t text);
INSERT INTO moments VALUES (1, '2024-03-09'), (2, '2024-03-10'), (3, '02:30:00'), (4, '03:00:00'), (5, '02:30:00+00'), (6, '01:30:00-01'), (7, '2024-03-10 00:00:00'), (8, '2024-03-10 02:30:00'), (9, '2024-03-10 00:00:00+00'), (10, '2024-03-10 02:30:00-05'), (11, '2024-03-10T08:30:00+01');
CREATE TABLE pairs AS SELECT m.id a, n.id b, jsonb_build_array(m.t, n.t) j FROM moments m, moments n;
SELECT a, b, jsonb_path_query_array_tz(j, '$[0].datetime() < $[1].datetime()') "less", jsonb_path_match_tz(j, '$[0].datetime() == $[1].datetime()') equal, jsonb_path_exists_tz(j, '$[0].datetime() ? (@ >= $[1].datetime())') "not less" FROM pairs WHERE a < b ORDER BY a, b;
SELECT a, b, jsonb_path_match(j, '$[0].datetime() > $[1].datetime()') greater FROM pairs WHERE (a < 3 OR a IN (7, 8)) AND b IN (1, 2, 3, 7, 8) ORDER BY a, b;
SET timezone = 'America/New_York';
SELECT a, b, jsonb_path_query_first_tz(j, '$[0].datetime() < $[1].datetime()') "less", jsonb_path_match_tz(j, '$[0].datetime() == $[1].datetime()') equal FROM pairs WHERE a < b AND (a < 3 OR a > 6) ORDER BY a, b;
SELECT jsonb_path_query_tz('["2024-03-10", "2024-03-10 05:00:00+00", "2024-03-10 06:00:00+01"]', '$[*].datetime() ? (@ == $[0].datetime())');
-- a zone that is not there is no matter of forgiving
SELECT jsonb_path_match('["2024-03-10", "2024-03-10 00:00:00+00"]', '$[0].datetime() < $[1].datetime()');
SELECT jsonb_path_match('["2024-03-10 00:00:00", "2024-03-10 00:00:00+00"]', '$[1].datetime() < $[0].datetime()', '{}', true);
SELECT jsonb '["02:30:00", "02:30:00+00"]' @@ '$[0].datetime() < $[1].datetime()';
SELECT jsonb '["02:30:00", "02:30:00+00"]' @? '$[*] ? (@.datetime() < "02:30:00".datetime())';
SELECT jsonb '["02:30:00", "2024-03-10"]' @? '$[0] ? ((@.datetime() < $[1].datetime()) is unknown)';
RESET timezone;

-- what hangs on the zone is stable
CREATE TABLE days (id int PRIMARY KEY, j jsonb, d jsonb GENERATED ALWAYS AS (jsonb_path_query_first(j, '$.datetime()')) STORED);
CREATE INDEX ON days ((jsonb_path_query_first(j, '$.datetime()')));
CREATE INDEX ON days ((jsonb_path_query_first_tz(j, '$.datetime()')));
CREATE INDEX ON days ((jsonb_path_query_array_tz(j, '$.datetime()')));
CREATE INDEX ON days (id) WHERE jsonb_path_match_tz(j, '$.datetime() == 1');
ALTER TABLE days ADD e jsonb GENERATED ALWAYS AS (jsonb_path_query_first_tz(j, '$.datetime()')) STORED;
INSERT INTO days (id, j) VALUES (1, '"2024-03-10T00:00:00"'), (2, '"07:08:09+1"'), (3, '1');
INSERT INTO days (id, j) VALUES (1, '"2024-03-10T00:00:00"'), (2, '"07:08:09+1"');
SELECT * FROM days ORDER BY id;
PREPARE early AS SELECT id FROM days WHERE jsonb_path_exists_tz(j, '$.datetime() ? (@ < "2024-03-10 00:00:00+00".datetime())');
EXECUTE early;
SET timezone = 'Europe/Berlin';
EXECUTE early;
SET datestyle = 'German';
SELECT jsonb_path_query(j, '$.datetime()') FROM days ORDER BY id;
SELECT DISTINCT proname, provolatile FROM pg_proc WHERE proname LIKE 'jsonb_path_query%' ORDER BY 1;
