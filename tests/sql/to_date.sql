-- to_date, to_timestamp: a text read by a format
SELECT to_date('2024-02-29', 'YYYY-MM-DD'), to_date('20240229', 'YYYYMMDD'), to_date('29.02.2024', 'DD.MM.YYYY'), to_date('02/29/24', 'MM/DD/YY'), to_date('29 Feb 2024', 'DD Mon YYYY'), to_date('9 february 2024', 'FMDD FMMonth YYYY'), to_date('2024-060', 'YYYY-DDD'), to_date('2024-09-4', 'IYYY-IW-ID');
SELECT to_date('2460370', 'J'), to_date('44 BC', 'YYYY BC'), to_date('21 24', 'CC YY'), to_date('2,024-02', 'Y,YYY-MM'), to_date('II 2024', 'RM YYYY'), to_date('29th Feb 2024', 'DDth Mon YYYY'), to_date('Thursday, 29 February 2024', 'Day, DD Month YYYY'), to_date('2024-05', 'YYYY-WW'), to_date('2024-02-3', 'YYYY-MM-W'), to_date('', 'YYYY'), to_date('69', 'YY'), to_date('70', 'YY'), to_date('5', 'Y');
SELECT to_timestamp('2024-02-29 12:34:56', 'YYYY-MM-DD HH24:MI:SS'), to_timestamp('2024-02-29 01:02:03 PM', 'YYYY-MM-DD HH12:MI:SS AM'), to_timestamp('12 a.m.', 'HH a.m.'), to_timestamp('2024-02-29T12:34:56.5', 'YYYY-MM-DD"T"HH24:MI:SS.MS'), to_timestamp('2024 86399', 'YYYY SSSS'), to_timestamp('0.123456', 'SS.FF3'), to_timestamp('2024-02-29 10:00 -05:30', 'YYYY-MM-DD HH24:MI TZH:TZM');
SELECT to_timestamp('  2024 - 02 - 29', 'YYYY-MM-DD'), to_timestamp('2024 02 29', 'YYYY-MM-DD'), to_timestamp('2024xx02', 'YYYY"ab"MM');
SET timezone = 'Europe/Berlin';
SELECT to_timestamp('2024-07-09 10:00', 'YYYY-MM-DD HH24:MI'), to_timestamp('2024-03-31 02:30', 'YYYY-MM-DD HH24:MI'), to_timestamp('2024-07-09 10:00 +00', 'YYYY-MM-DD HH24:MI TZH'), to_date('2024-07-09', 'YYYY-MM-DD');
RESET timezone;
SELECT to_date('2023-02-29', 'YYYY-MM-DD');
SELECT to_date('2024-13-01', 'YYYY-MM-DD');
SELECT to_date('abc', 'YYYY');
SELECT to_date('2024-foo-01', 'YYYY-Mon-DD');
SELECT to_date('2024 ii', 'YYYYMM');
SELECT to_date('20241', 'YYYYMMDD');
SELECT to_date('2024-2-9', 'FXYYYY-MM-DD');
SELECT to_date('2024 01 2025', 'YYYY MM YYYY');
SELECT to_date('2024-01-2', 'YYYY-IW-ID');
SELECT to_date('99999999999', 'FMYYYY');
SELECT to_date('100', 'DDD');
SELECT to_date('9999999', 'YYYY');
SELECT to_timestamp('999999', 'YYYY');
SELECT to_timestamp('13:00 PM', 'HH12:MI AM');
SELECT to_timestamp('25:00', 'HH24:MI');
SELECT to_timestamp('+20', 'TZH');
SELECT to_timestamp('CET', 'TZ');
SELECT to_timestamp('x', 'Y,YYY');
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t VALUES (1, '2024-02-29 12:00'), (2, NULL), (3, '1999-12-31 23:59');
SELECT id, to_timestamp(v, 'YYYY-MM-DD HH24:MI'), to_char(to_date(v, 'YYYY-MM-DD'), 'DD.MM.YYYY') FROM t WHERE to_date(v, 'YYYY-MM-DD') > '2000-01-01' OR v IS NULL ORDER BY id;

-- TZH ends what is before it
SELECT to_timestamp('1+1', 'HH24TZH'), to_timestamp('7:8.5-03', 'HH24:MI:USTZH');
SELECT to_timestamp('7:8.5-03', 'HH24:MI.USTZH'), to_timestamp('1234567', 'SSTZM');
SELECT to_timestamp('101', 'HH24TZH');
