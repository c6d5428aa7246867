-- dates and times
SET timezone = 'UTC';
SELECT '2024-02-29'::date, date '2000-01-01', '20240115'::date, '2024-01-15 13:14:15'::timestamp, '2024-01-15T13:14:15.123456Z'::timestamptz;
SELECT '2023-02-29'::date;
SELECT 'nope'::date;
SELECT '2024-13-01'::date;
SELECT '2024-01-15 25:00'::timestamp;
SELECT 'epoch'::timestamp, 'infinity'::timestamp, '-infinity'::date;
SELECT date '2024-03-01' - date '2024-02-01', date '2024-02-28' + 2, date '2024-03-01' - 1, 7 + date '2024-01-01';
SELECT date '2024-01-01' < date '2024-01-02', timestamp '2024-01-01 00:00' = date '2024-01-01', timestamp '2024-01-01 10:00' > timestamp '2024-01-01 09:59:59.999';
SELECT timestamp '2024-05-06 07:08:09'::date, date '2024-05-06'::timestamp, '2024-05-06 07:08:09+02'::timestamptz, timestamptz '2024-05-06 07:08:09+02'::timestamp;
SELECT now() = current_timestamp, now()::date = current_date, now() > timestamptz '2020-01-01', clock_timestamp() >= now();
SELECT now() + 1;
SELECT date '2024-01-01' + date '2024-01-01';
SELECT date '2024-01-01' = 1;
CREATE TABLE ev (id int PRIMARY KEY, d date, ts timestamp, tz timestamptz DEFAULT now());
INSERT INTO ev (id, d, ts, tz) VALUES (1, '2024-01-15', '2024-01-15 10:00', '2024-01-15 10:00+02'), (2, '1999-12-31', NULL, NULL), (3, NULL, '2024-01-15 10:00:00.5', '2024-06-01');
SELECT * FROM ev ORDER BY id;
SELECT id FROM ev WHERE d > '2000-01-01' ORDER BY id;
SELECT id FROM ev WHERE ts >= '2024-01-15' ORDER BY id;
SELECT min(d), max(ts), count(tz) FROM ev;
SELECT d, count(*) FROM ev GROUP BY d ORDER BY d;
INSERT INTO ev (id, d) VALUES (4, '2024-02-30');
INSERT INTO ev (id, d) VALUES (4, 5);
DROP TABLE ev;

-- date_part() takes a date for a timestamp, extract() does not
SELECT date_part('timezone', date '2024-02-29');
SELECT extract(timezone FROM date '2024-02-29');
SELECT date_part('hour', date '2024-02-29'), date_part('epoch', date '1970-01-02'), date_part('doy', date 'infinity');
SELECT extract(hour FROM date '2024-02-29');
SELECT date_part('year', date '5000000-01-01');
-- The clock has microseconds.
CREATE TABLE ticks (id int, at timestamptz DEFAULT now());
INSERT INTO ticks VALUES (1);
INSERT INTO ticks VALUES (2);
INSERT INTO ticks VALUES (3);
INSERT INTO ticks VALUES (4);
INSERT INTO ticks VALUES (5);
INSERT INTO ticks VALUES (6);
SELECT bool_or(extract(microseconds FROM at)::int % 1000 <> 0) FROM ticks;
DROP TABLE ticks;
SELECT 'now()'::timestamptz - now() < '10 s'::interval, '(today)'::date IN (current_date, current_date + 1);

-- 'now' is the transaction's, and read anew each time
CREATE TEMPORARY TABLE moment (at timestamptz, n int);
BEGIN;
INSERT INTO moment VALUES ('now', 1);
SELECT pg_sleep(0.01);
INSERT INTO moment SELECT timestamptz 'now', 2;
INSERT INTO moment SELECT x::timestamptz, 3 FROM (VALUES ('now')) v(x);
INSERT INTO moment VALUES (now(), 4);
SELECT count(DISTINCT at), count(*) FROM moment;
SELECT count(*) FROM moment WHERE at = 'now';
SELECT localtimestamp = 'now'::timestamp, 'now'::time = localtime, date 'today' = current_date;
COMMIT;
INSERT INTO moment SELECT timestamptz 'now', 5;
SELECT pg_sleep(0.01);
INSERT INTO moment SELECT timestamptz 'now', 5;
INSERT INTO moment SELECT unnest('{now}'::timestamptz[]), 6;
SELECT pg_sleep(0.01);
INSERT INTO moment SELECT unnest('{now}'::timestamptz[]), 6;
SELECT n, count(DISTINCT at) FROM moment WHERE n > 4 GROUP BY n ORDER BY n;
SELECT timestamp 'now epoch', timestamp 'today epoch';

-- digits behind the second
SELECT current_timestamp(2) = now()::timestamptz(2), localtimestamp(0) = now()::timestamp(0), localtime(1) = now()::time(1);
SELECT pg_typeof(current_timestamp(2)), localtimestamp(3)::text = now()::timestamp(3)::text;

-- at the edges
SELECT '23:59:60'::time, '2024-01-01 23:59:60'::timestamp, '24:00'::time;
SELECT '23:59:60.01'::time;
SELECT '2024-01-01 23:59:60.5'::timestamp;
SELECT '24:00:00.5'::time;
SELECT extract(epoch FROM timestamp '294270-01-01'), date_part('epoch', timestamptz '294270-01-01 00:00+00');
SELECT extract(epoch FROM interval '1000000000 days'), date_part('epoch', interval '-1000000000 days'), extract(epoch FROM interval '-178000000 years');
SELECT justify_interval('2147483647 days 24 hrs'), justify_interval('-2147483648 days -24 hrs'), justify_interval('1 mon -1 day -1 hour'), justify_interval('-1 mon 1 day 1 hour');
SELECT justify_hours(interval '2147483647 days 24 hrs');

-- fields of infinity, and Julian days of moments
SELECT extract(year FROM date 'infinity'), extract(epoch FROM timestamp '-infinity'), date_part('century', timestamptz 'infinity'), extract(day FROM date 'infinity'), extract(julian FROM timestamp 'infinity');
SELECT extract(julian FROM timestamp '2024-07-01 12:34:56.789'), date_part('julian', timestamp '2024-07-01 12:34:56.789'), extract(julian FROM timestamptz '2024-07-01 12:00+00'), extract(julian FROM timestamp '2024-07-01'), date_part('julian', date '2024-07-01'), extract(julian FROM date '2024-07-01'), extract(julian FROM timestamp '4714-11-24 00:00:01 BC');
