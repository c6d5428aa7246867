-- to_char of timestamps and intervals
CREATE TABLE f (id int PRIMARY KEY, format text);
INSERT INTO f VALUES (1, 'YYYY-MM-DD HH24:MI:SS.US'), (2, 'FMDay, FMDD FMMonth YYYY'), (3, 'DAY Day day DY Dy dy'), (4, 'MONTH|Month|month|MON|Mon|mon'),
    (5, 'IYYY-IW-ID IDDD I IY IYY'), (6, 'HH12:MI AM a.m. P.M. pm HH'), (7, 'DDD D J Q W WW CC'), (8, 'Y,YYY YYYY YYY YY Y'), (9, 'MS US FF1 FF3 FF6 SSSS SSSSS'),
    (10, 'RM rm FMRM'), (11, 'DDth DDTH FMDDth HH24th'), (12, 'AD BC a.d. B.C.'), (13, '"quoted YYYY \" x" \"YYYY'), (14, 'TZ tz OF TZH:TZM'), (15, 'xMm Zz-FM-'),
    (16, 'FMHH24:FMMI:FMSS FMDDD FMWW'), (17, 'TMMonth TMDay'), (18, '');
SELECT id, '[' || to_char(timestamp '2024-02-09 03:04:05.678901', format) || ']' FROM f ORDER BY id;
SELECT id, '[' || to_char(timestamp '1999-12-31 23:59:59', format) || ']' FROM f ORDER BY id;
SELECT id, '[' || to_char(timestamp '0044-03-15 00:00 BC', format) || ']' FROM f ORDER BY id;
SELECT to_char(timestamp 'infinity', 'YYYY'), to_char(NULL::timestamp, 'YYYY'), to_char(date '2024-02-29', 'YYYYMMDD');
SET timezone = 'Europe/Berlin';
SELECT id, '[' || to_char(timestamptz '2024-07-09 23:30:00Z', format) || ']' FROM f ORDER BY id;
SET timezone = 'Asia/Kolkata';
SELECT to_char(timestamptz '2024-07-09 23:30:00Z', 'HH24:MI TZ OF TZH TZM');
RESET timezone;
SELECT to_char(interval '15 hours 2 minutes 12.5 seconds', 'HH24:MI:SS.MS'), to_char(interval '100 hours', 'HH24 HH12 HH'), to_char(interval '3 years 2 months 5 days', 'YYYY MM DD CC YY'), to_char(interval '-3 hours -4 minutes', 'HH24:MI');
SELECT to_char(interval '1 day', 'Day');
SELECT to_char(interval '1 day', 'Month');
SELECT to_char(interval '0', 'J'), to_char(interval '1 year 5 mons 3 days', 'J'), to_char(interval '-1 mons', 'J');
SELECT to_char('-Infinity'::float8, '999'), to_char('Infinity'::float4, '9.9'), to_char('-Infinity'::float8, '9EEEE');

-- roman months of an interval, back from December
SELECT i, to_char(i * interval '1 month', 'rm'), to_char(i * interval '1 month', 'FMRM') FROM generate_series(-25, 25, 1) i;
