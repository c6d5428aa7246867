-- interval with fields and precision
SELECT interval '1' year, interval '1' month, interval '1' day, interval '1' hour, interval '1' minute, interval '1' second, interval '1-2' year to month, interval '1 2' day to hour, interval '1 2:03' day to minute, interval '1 2:03:04.567' day to second, interval '2:03' hour to minute, interval '2:03:04' hour to second, interval '2:03' minute to second;
SELECT interval '1.5' second(0), interval '1.2345678' second(3), interval(2) '1 day 2:03:04.567', interval '2:03:04.567' hour to second(1), interval '1 2:03:04.567' day to second(0);
SELECT interval '1 year 2 mons 3 days 4:05:06.789' year, interval '1 year 2 mons 3 days 4:05:06.789' month, interval '1 year 2 mons 3 days 4:05:06.789' day, interval '1 year 2 mons 3 days 4:05:06.789' hour, interval '1 year 2 mons 3 days 4:05:06.789' minute, interval '1 year 2 mons 3 days 4:05:06.789' second, interval '1 year 2 mons 3 days 4:05:06.789' year to month, interval '1 year 2 mons 3 days 4:05:06.789' day to hour, interval '1 year 2 mons 3 days 4:05:06.789' hour to minute;
SELECT '-1 year -2 mons -3 days -4:05:06.789'::interval hour, '-1 year -2 mons -3 days -4:05:06.5'::interval(0), '-13 mons'::interval year, '-4:05:36'::interval minute;
SELECT interval(-1) '1 day';
CREATE TABLE i (id int PRIMARY KEY, a interval, b interval(0), c interval day to minute, d interval year, e interval second(3), f interval hour[]);
INSERT INTO i VALUES (1, '1 day 2:03:04.567', '1 day 2:03:04.567', '1 day 2:03:04.567', '1 day 2:03:04.567', '1 day 2:03:04.5678', '{5,1:30}'), (2, '7', '7', '7', '7', '7', NULL), (3, '-0.5', '-0.5', '90', '18 months', '1.00049', '{}');
SELECT * FROM i ORDER BY id;
INSERT INTO i (id, b) SELECT 4, interval '1.5 s';
UPDATE i SET c = a, d = a + '3 years' WHERE id = 1 RETURNING c, d;
COPY i (id, c, d) FROM STDIN;
5	7	7
\.
SELECT id, b, c, d FROM i ORDER BY id;
SELECT format_type(atttypid, atttypmod), atttypmod FROM pg_attribute WHERE attrelid = 'i'::regclass AND attnum > 0 ORDER BY attnum;
SELECT column_name, interval_type, datetime_precision FROM information_schema.columns WHERE table_name = 'i' ORDER BY ordinal_position;
\d i
SELECT sum(b), avg(c), max(d) FROM i;
SELECT a::interval(1), a::interval minute, (a * 2)::interval second(0), cast('2' AS interval hour), cast(a AS interval day) FROM i ORDER BY id;
SELECT '5'::text::interval hour, '5 hours'::text::interval hour;
ALTER TABLE i ALTER COLUMN a TYPE interval minute;
SELECT a FROM i ORDER BY id;
PREPARE q (interval) AS SELECT $1::interval day, $1;
EXECUTE q ('3 days 4 hours');
CREATE VIEW iv AS SELECT id, a::interval hour AS h, b FROM i;
\d iv
SELECT * FROM iv ORDER BY id;
SELECT c = interval '1 day 2:03' FROM i WHERE id = 1;
DROP VIEW iv;
DROP TABLE i;
SELECT interval '1 2 hours', interval '1 2 3 hours';
SELECT interval '3 4 minutes';
SELECT interval '1 2 h', '1 2:03'::interval minute to second, interval '5 4' hour to minute;

-- ISO 8601 without letters, and numbers with exponents
SELECT interval 'P00021015T103020', interval 'P0002-10-15T10:30:20', interval 'P0002', interval 'P0002-10', interval 'P0002T1S', interval 'P0002-10-15T1S', interval 'PT10', interval 'PT10:30', interval 'PT103020';
SELECT interval 'PT10.5:3', interval 'P10.5e4Y', interval 'P-1Y2.5M', interval 'PT2562047788.0152155019444', interval 'P1-2-3.5', interval 'P00021015', interval 'P1';
SELECT interval 'P2147483648';
SELECT interval 'P1-2147483647-2147483647';
SELECT interval 'PT2562047789';
SELECT interval 'P1Y2-3';
SELECT interval 'P1-2-3-4';
SELECT interval 'PT1:2:3:4';
SELECT interval 'P1H';
SELECT interval '1:20:05 5 microseconds';
SELECT interval '-2147483648 months ago';
SELECT interval '-9223372036854775808 microseconds ago';
-- a sign at the beginning is one of all parts
SET IntervalStyle = 'sql_standard';
SELECT interval '-23 hours 45 min 12.34 sec', interval '-1 year 2 months 1 day 23 hours 45 min 12.34 sec', interval '-1 year 2 months 1 day 23 hours 45 min +12.34 sec', interval '-1-2 3 4:05', interval '-1.5 days 3 hours';
SELECT (interval '-1 day +2:00')::text::interval;
RESET IntervalStyle;

-- ago is no unit, -.5 no number, and a clock's time is all the time there is
SELECT interval '1 ago';
SELECT interval '1.5 day 2 ago';
SELECT interval '-.5 day';
SELECT interval '-10:20:30.5, .5 day, .5 year', interval '1.5 day 10:20', interval '10:20:30 1 mon -0.001 days ago', interval '5 5:06 ago', interval '1-2 ago';
SET IntervalStyle = 'sql_standard';
SELECT interval '@ -1 week, .5 m', interval '@ -1 week +.5 m';
RESET IntervalStyle;
