-- integers, floats, numeric as an expression type: arithmetic, overflow, text
SELECT 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7 % -3, 7.0 / 2, 7 / 2.0, 2 ^ 10, |/ 25, ||/ 27, @ -5;
SELECT 1 / 3.0, 2 / 3.0, 10.0 / 3, 1.00 / 3.000, 123456789.123 / 0.007;
SELECT 0.1 + 0.2, 0.1::float8 + 0.2::float8, 1.10 + 2.205, 1.5 * 1.5, 3.00 - 3, -0.0, 1e3, 1.5e-3, 1e20;
SELECT 2147483647 + 1;
SELECT 2147483647 + 1::int8;
SELECT -2147483648 - 1;
SELECT 2147483647 * 2;
SELECT (-2147483648) / -1;
SELECT (-2147483648) % -1;
SELECT 32767::int2 + 1::int2;
SELECT 32767::int2 + 1;
SELECT -(-32768::int2);
SELECT -((-32768)::int2);
SELECT 9223372036854775807 + 1;
SELECT 9223372036854775807 * 2;
SELECT (-9223372036854775808) / -1;
SELECT 9223372036854775808;
SELECT -9223372036854775808;
SELECT abs(-2147483648);
SELECT - -2147483648, - - -2147483648;
SELECT DISTINCT -2147483648 - 1;
SELECT least(1.0, 1.00), least(1.00, 1.0), greatest(1.0, 1.00), least(NULL, 2.50, 2.5), greatest(NULL, 2.50, 2.5);
SELECT 1 / 0;
SELECT 1 % 0;
SELECT 1.0 / 0;
SELECT 1::float8 / 0;
SELECT 1.5 % 0;
SELECT 1e308::float8 * 10;
SELECT 1e-308::float8 / 1e100;
SELECT 'Infinity'::float8 * 2, '-inf'::float8, 'Infinity'::float8 - 1;
SELECT 3.4e38::float4, 1e39::float4;
SELECT 1.1::float4, 1.1::float4::float8, 1.1::float4 + 1.1::float8, 16777217::float4, 0.1::float4 * 3;
SELECT 1e15::float8, 1e16::float8, 123456789012345678::float8, 1e-5::float8, 0.0001::float8, 100::float8, -0.0::float8;
SELECT round(2.5), round(3.5), round(-2.5), round(2.5::float8), round(3.5::float8), round(-2.5::float8), round(2.345, 2), round(1250, -2);
SELECT trunc(2.9), trunc(-2.9), trunc(2.567, 2), floor(-2.5), ceil(-2.5), ceiling(2.1::float8), floor(2.9::float8), sign(-3.5), sign(0);
SELECT abs(-5), abs(-5.5), abs(-5.5::float8), mod(17, 5), mod(-17, 5), div(17, 5), div(-17.5, 5), gcd(12, 18), lcm(4, 6);
SELECT sqrt(2::float8), sqrt(4), power(2::float8, 0.5), power(2::float8, 3), exp(1::float8), ln(10::float8), log(100::float8), cbrt(27::float8);
SELECT sqrt(2.0), sqrt(0.0), sqrt(1234567.89), power(2.0, 10), power(1.5, -3), 2.0 ^ 5;
SELECT sqrt(-1);
SELECT ln(0::float8);
SELECT power(0::float8, -1);
SELECT sin(1::float8), cos(1::float8), tan(1::float8), atan(1::float8), atan2(1, 2), pi(), degrees(pi()), radians(180);
SELECT 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 10, -16 >> 2, 1::int8 << 40;
SELECT 3.7::int, -3.7::int, 2.5::int, 3.5::int, 2.5::float8::int, 3.5::float8::int, -2.5::float8::int;
SELECT 40000::int2;
SELECT 3e9::int;
SELECT 3e9::float8::int;
SELECT 1e19::int8;
SELECT 1 < 2, 1 = 1.0, 1.0 = 1.00, 1::int2 < 70000, 1.5 > 1::float8, 0.1::float4 = 0.1::float8, 9007199254740993 = 9007199254740992::float8;
SELECT 12345.678::text, 1.50::text, 100::float8::text, 1.5e10::float8::text, 0.000001::text, 1e-7::float8::text;
SELECT .5, 5., 1.e2, +5, - -5;
SELECT numeric '1.50', int '7', float8 '1e3', int8 '99', bool 't', float4 '1.25';
SELECT 123456789012345678901234567890 * 987654321098765432109876543210, 2.0 ^ 100, 1e-30 * 1e-30;
SELECT 3.14159::numeric(5, 2), 99.995::numeric(4, 2);
SELECT 3.14159::numeric(5, 2), 2.5::numeric(3), 123.456::numeric(10, 1);
SELECT 5 + NULL, NULL * 2, -NULL::int, 1 / NULL::int;
SELECT random() < 1, random() >= 0;
CREATE TABLE num (s int2, i int, b int8, r float4, d float8);
INSERT INTO num VALUES (1, 2, 3, 4.25, 5.5), (-32768, -2147483648, -9223372036854775808, -1e-5, -1e300), (32767, 2147483647, 9223372036854775807, 3e38, 1.7976931348623157e308);
SELECT * FROM num ORDER BY i;
SELECT s + i, i + b, r + d, s * r, i * 1.5 FROM num WHERE s = 1;
SELECT i + 1 FROM num ORDER BY i;
SELECT b - 1 FROM num WHERE b < 0;
SELECT -b FROM num WHERE b < 0;
SELECT s * s FROM num ORDER BY i;
SELECT d * 10 FROM num ORDER BY i;
SELECT i / (s - 1) FROM num ORDER BY i;
SELECT sum(i), sum(b), sum(s), min(d) FROM num WHERE s < 32767;
UPDATE num SET s = s + 1 WHERE s = 32767;
UPDATE num SET i = i * 2;
INSERT INTO num (s) VALUES (32768);
INSERT INTO num (i) VALUES (2147483648);
INSERT INTO num (b) VALUES (9223372036854775808);
INSERT INTO num (b) VALUES (1e20);
INSERT INTO num (s, i) VALUES (1.5, 2.5), ('7', ' 8 ');
INSERT INTO num (i) VALUES ('abc');
INSERT INTO num (i) VALUES ('1.5');
INSERT INTO num (i) VALUES ('99999999999');
INSERT INTO num (d) VALUES ('1e400');
INSERT INTO num (r) VALUES (1e39);
INSERT INTO num (d) VALUES ('x1');
SELECT s, i FROM num WHERE s IN (2, 7) ORDER BY s;
DROP TABLE num;

-- NULLIF has the type in which its arguments are compared
SELECT nullif(53, 1.5) / 2, pg_typeof(nullif(53, 1.5)), pg_typeof(nullif(5::int2, 7::int8)), pg_typeof(nullif(5::float4, 7));
-- what is constant fails also beside a NULL
SELECT 35 / 0 * CAST(NULL AS integer);
SELECT count(*) + 35 / + 0 * NULL::integer;

-- letters behind a number
SELECT 123abc;
SELECT 1_000_000;
SELECT 0x42F;
SELECT .5é;

-- at the edges of numeric
SELECT (1 - 1.5e-400)^(1.5e400) = round((1 - 1.5e-400)^(1.5e400), 400), round((1 + 1.5e-400)^(1.5e402), 20), round(((1 - 1.500012345678e-1000) ^ 1.45e1003) * 1e1000);
SELECT (1 + 1.5e-400)^(1.5e500);
SELECT lcm(9999 * (10::numeric)^131068 + (10::numeric^131068 - 1), 2);
SELECT length((9 * 10::numeric^131071)::text), 10::numeric^131071 * 10;

-- what is no number is shown as it was written
SELECT '  pad '::numeric;
SELECT ' +1.5x '::text::numeric;
-- a negative scale rounds once
SELECT 1234.56::numeric(3,-1), 1235::numeric(3,-1), 1234.99::numeric(4,-1), -1234.56::numeric(3,-1), 12345678.9::numeric(4,-5), 4.9::numeric(3,-1), 49999.9::numeric(1,-5);
SELECT width_bucket(-0.5, 99999999999999999999.123, -2.5, 3), width_bucket(-0.5, 99999999999999999999.123, -2.5, 1), width_bucket(1e20 - 0.1, -2.5, 1e20, 3), width_bucket(5e19, 0, 99999999999999999999.5, 2);
