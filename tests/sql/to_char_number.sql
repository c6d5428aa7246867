-- to_char of numbers, and to_number
CREATE TABLE f (id int PRIMARY KEY, format text);
INSERT INTO f VALUES (1, '999'), (2, '9,999.99'), (3, 'FM999,990.00'), (4, '000.0'), (5, 'S99999'), (6, '99999S'), (7, '9999MI'), (8, 'SG9999'), (9, 'PL9999'), (10, '9999PR'),
    (11, 'RN'), (12, 'FMrn'), (13, '9.99EEEE'), (14, 'L9,999G999D9'), (15, '99V99'), (16, '9999th'), (17, '9999TH'), (18, 'FM9990.0999'), (19, '"n: "99,999 \"x\"'), (20, '9S9.9'), (21, '9.'), (22, 'B999.9'), (23, ''), (24, 'x');
CREATE TABLE n (id int PRIMARY KEY, i int, l bigint, d numeric(12, 4), r real, f float8);
INSERT INTO n VALUES (1, 0, 0, 0, 0, 0), (2, 5, 485, 12.5, 0.5, 0.1), (3, -12, -485, -0.45, -1.25, -1e10), (4, 3999, 1234567, 123456.789, 1234567.8, 123456789.123456789), (5, 11, 22, 0.999, 1e-5, 3.14159);
SELECT f.id, n.id, '[' || to_char(i, format) || ']', '[' || to_char(l, format) || ']', '[' || to_char(d, format) || ']', '[' || to_char(r, format) || ']', '[' || to_char(n.f, format) || ']' FROM f, n WHERE f.id <> 15 ORDER BY 1, 2;
SELECT to_char(12, '99V999'), to_char(12.4, '99V999'), to_char(12.45::float8, '99V9'), to_char(1::bigint, '9V9999'), '[' || to_char('Infinity'::float8, '99.9') || ']', '[' || to_char('-Infinity'::float4, '9.9EEEE') || ']';
SELECT to_char(2000000000, '9V9');
SELECT to_char(1, '9.9.9');
SELECT to_char(1, '9V9.9');
SELECT to_char(1, 'S9S');
SELECT to_char(1, 'S9MI');
SELECT to_char(1, 'MI9S');
SELECT to_char(1, '9PR9');
SELECT to_char(1, 'S9PR');
SELECT to_char(1, 'FM9EEEE');
SELECT to_char(1, '9EEEE9');
SELECT to_char(1, 'th');
SELECT to_number('12,454.8-', '99G999D9S'), to_number('-12.5', '99.9'), to_number('<12>', '99PR'), to_number('$1,234.50', 'L9,999.99'), to_number('1st', '9th'), to_number(' 5 ', '999'), to_number('1234', '99V99'), to_number('12345', '999'), to_number('7-', '9MI'), to_number('x42', '"x"99'), to_number('5', '');
SELECT to_number('', '9');
SELECT to_number('-', '9');
SELECT to_number('123.4', '9D9');
SELECT to_number('XII', 'RN');
SELECT to_number('1e3', '9EEEE');
SELECT to_char(NULL::int, '9'), to_char(1, NULL), to_number(NULL, '9');
