-- time zones: the session's, AT TIME ZONE, local clocks that are put forward and back
SHOW timezone;
CREATE TABLE t (id int PRIMARY KEY, at timestamptz, local timestamp, day date);
SET timezone = 'Europe/Berlin';
SHOW timezone;
INSERT INTO t VALUES (1, '2024-01-15 12:00', '2024-01-15 12:00', '2024-01-15'),
    (2, '2024-07-15 12:00', '2024-07-15 12:00', '2024-07-15'),
    (3, '2024-03-31 02:30', '2024-03-31 02:30', '2024-03-31'),
    (4, '2024-10-27 02:30', '2024-10-27 02:30', '2024-10-27'),
    (5, '1800-01-01 12:00', '1800-01-01 12:00', '1800-01-01'),
    (6, '2070-07-01 00:00', '2070-07-01 00:00', '2070-07-01'),
    (7, 'infinity', 'infinity', 'infinity');
SELECT id, at, local, day FROM t ORDER BY id;
SELECT id, at::text, at::timestamp, at::date, at::time, local::timestamptz, day::timestamptz FROM t ORDER BY id;
SELECT id, at = local, at < local, at = day, at >= day, local = at, day < at FROM t ORDER BY id;
SELECT id, extract(hour FROM at), extract(timezone FROM at), extract(timezone_hour FROM at), extract(timezone_minute FROM at), extract(epoch FROM at), extract(dow FROM at) FROM t WHERE id < 7 ORDER BY id;
SELECT id, date_trunc('day', at), date_trunc('hour', at), date_trunc('month', at), date_trunc('day', at, 'America/New_York') FROM t ORDER BY id;
SELECT at + interval '1 day', at + interval '24 hours', at - interval '6 months', interval '1 mon' + at FROM t WHERE id < 7 ORDER BY id;
SELECT timestamptz '2024-03-30 12:00' + interval '1 day', timestamptz '2024-03-30 12:00' + interval '24 hours';
SELECT age(timestamptz '2024-07-15 12:00', timestamptz '2024-01-15 12:00'), timestamptz '2024-07-15 12:00' - timestamptz '2024-01-15 12:00';
SELECT at AT TIME ZONE 'America/New_York', local AT TIME ZONE 'America/New_York', at AT TIME ZONE 'utc' FROM t ORDER BY id;
SELECT timestamptz '2024-07-15 12:00' AT TIME ZONE 'EST', timestamptz '2024-07-15 12:00' AT TIME ZONE '+03', timestamptz '2024-07-15 12:00' AT TIME ZONE 'EST5EDT,M3.2.0,M11.1.0', timestamptz '2024-07-15 12:00' AT TIME ZONE interval '-02:30';
SELECT timestamptz '2024-07-15 12:00' AT TIME ZONE 'Nowhere/Land';
SELECT timestamptz '2024-07-15 12:00 America/New_York', timestamptz '2024-07-15 12:00 PST', timestamptz '2024-07-15 12:00 europe/london', timestamptz '2024-07-15 12:00Z', timestamptz '2024-07-15T12:00+05:30';
SELECT make_timestamptz(2024, 7, 15, 12, 0, 1.5), make_timestamptz(2024, 7, 15, 12, 0, 1.5, 'Asia/Tokyo'), make_timestamp(2024, 2, 29, 23, 59, 59.999999);
SELECT count(*) FROM t WHERE at >= '2024-07-01' AND at < '2024-08-01';
SELECT id FROM t WHERE at = '2024-07-15 12:00';
PREPARE p (timestamptz) AS SELECT id, $1 FROM t WHERE at = $1;
EXECUTE p ('2024-07-15 12:00');
SET timezone = 'America/New_York';
EXECUTE p ('2024-07-15 06:00');
SELECT id, at, local, day FROM t ORDER BY id;
SELECT id FROM t WHERE at = '2024-07-15 06:00';
SELECT date_trunc('day', at), count(*) FROM t GROUP BY 1 ORDER BY 1;
UPDATE t SET local = at, day = at WHERE id = 2 RETURNING *;
SET timezone = 'Asia/Kolkata';
SELECT at FROM t ORDER BY id;
SET TIME ZONE 'UTC';
SELECT at FROM t ORDER BY id;
SET TIME ZONE -7;
SHOW timezone;
SELECT timestamptz '2024-07-15 12:00Z';
SET TIME ZONE INTERVAL '+05:30' HOUR TO MINUTE;
SHOW timezone;
SELECT timestamptz '2024-07-15 12:00Z';
SET timezone = 'no/such';
SET timezone TO DEFAULT;
BEGIN;
SET LOCAL timezone = 'Australia/Lord_Howe';
SELECT timestamptz '2024-07-15 12:00Z', timestamptz '2024-01-15 12:00Z';
ROLLBACK;
SELECT timestamptz '2024-07-15 12:00Z';
SELECT timestamptz '2024-07-15 12:00 MEZ';

-- a filter that goes by the zone, wherever its table lies
SET timezone = 'Asia/Kolkata';
CREATE TABLE za (id int PRIMARY KEY, at timestamp);
CREATE TABLE zb (id int PRIMARY KEY, at timestamp);
CREATE TABLE zc (id int PRIMARY KEY, at timestamp);
INSERT INTO za VALUES (1, '2000-01-01 05:30'), (2, '2000-01-01');
INSERT INTO zb TABLE za;
INSERT INTO zc TABLE za;
SELECT za.id FROM za JOIN zb USING (id) JOIN zc USING (id) WHERE za.at <> '2000-01-01+00'::timestamptz AND zb.at <> '2000-01-01+00'::timestamptz AND zc.at <> '2000-01-01+00'::timestamptz;
UPDATE za SET at = NULL FROM zb WHERE zb.id = za.id AND zb.at <> '2000-01-01+00'::timestamptz RETURNING za.id;
UPDATE zb SET at = NULL FROM zc WHERE zc.id = zb.id AND zc.at <> '2000-01-01+00'::timestamptz RETURNING zb.id;
UPDATE zc SET at = NULL FROM zb WHERE zc.id = zb.id AND zb.at = '2000-01-01+00'::timestamptz RETURNING zc.id;
DROP TABLE za, zb, zc;
RESET timezone;

-- abbreviations that meant this and that over the years
SET TIME ZONE 'UTC';
SELECT '2011-03-27 01:59:59 MSK'::timestamptz, '2011-03-27 03:00:00 MSK'::timestamptz, '2014-10-26 00:59:59 MSK'::timestamptz, '2014-10-26 02:00 msk'::timestamptz;
SELECT timestamp '2011-03-27 02:00:00' AT TIME ZONE 'MSK', timestamptz '2014-10-25 21:00:00+00' AT TIME ZONE 'MSK', timestamptz '2020-01-01 00:00+00' AT TIME ZONE 'msk';
SELECT x, timestamp '2024-07-01 12:00' AT TIME ZONE x, timestamptz '1980-07-01 12:00' AT TIME ZONE x, timestamp '1800-01-01' AT TIME ZONE x FROM unnest(ARRAY['SGT', 'ART', 'LINT', 'ULAT', 'KGT', 'EASST', 'IOT', 'FKST', 'OMSST']) x;
SELECT '2024-01-01 10:00 MSK DST'::timestamptz;
SELECT '10:00 MSK'::time;
-- an abbreviation that is the name of a zone, too
SET TIME ZONE 'CET';
SELECT timestamptz '2024-07-01 12:00+00', timestamp '2024-07-01 12:00' AT TIME ZONE 'CET';
SET TIME ZONE 'UTC';

-- a number there counts to the east
SELECT make_timestamptz(1973, 7, 15, 8, 15, 55.33, '+2'), make_timestamptz(1973, 7, 15, 8, 15, 55.33, '-2:30'), make_timestamptz(1973, 7, 15, 8, 15, 55.33, '+10:00:1'), make_timestamptz(1973, 7, 15, 8, 15, 55.33, '+1:'), make_timestamptz(1973, 7, 15, 8, 15, 55.33, '+1030'), make_timestamptz(1973, 7, 15, 8, 15, 55.33, 'MSK');
SELECT make_timestamptz(1973, 7, 15, 8, 15, 55.33, '2');
SELECT make_timestamptz(1973, 7, 15, 8, 15, 55.33, '+16');
SELECT make_timestamptz(1973, 7, 15, 8, 15, 55.33, 'nowhere');
SELECT make_timestamptz(1973, 7, 15, 8, 15, 55.33, '');
SELECT timestamp '2024-01-01 00:00' AT TIME ZONE interval '-1.9 seconds', timestamptz '2024-01-01 00:00+00' AT TIME ZONE interval '1.9 seconds';
SELECT timestamptz '1900-01-01 00:00+00' AT TIME ZONE interval '1000000 hours', timestamp '1900-01-01 00:00' AT TIME ZONE interval '-1000000 hours', timestamp '1900-01-01 00:00' AT TIME ZONE interval '10000000 hours';
