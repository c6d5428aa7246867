-- what a client sends and gets in another encoding; this file's bytes are UTF-8, and other characters in LATIN1
SHOW client_encoding;
CREATE TABLE t (a text, n int);
INSERT INTO t VALUES ('é', 1);
SET client_encoding = 'LATIN1';
SHOW client_encoding;
SELECT pg_client_encoding(), getdatabaseencoding();
SELECT length('é'), encode(convert_to('é', 'UTF8'), 'hex');
INSERT INTO t VALUES ('é', 2);
SELECT a, length(a), n FROM t WHERE n = 2;
SELECT 'ü' AS "ü", 'é'::bytea;
SELECT a AS "é", length(a) FROM t WHERE a = 'é';
SELECT 1 AS "é", nope;
SELECT 'é'::int;
SELECT chr(8364);
SELECT chr(8364) FROM generate_series(1, 2);
SELECT 1, 'x' || chr(1234);
SELECT 5;
COPY t FROM stdin;
ü	3
\.
COPY t FROM stdin (ENCODING 'UTF8');
ü	4
\.
COPY t TO stdout (ENCODING 'UTF8');
COPY (SELECT a, n FROM t WHERE n IN (2, 3) ORDER BY n) TO stdout (FORMAT csv, HEADER, FORCE_QUOTE *);
COPY (SELECT chr(8364)) TO stdout;
COPY (SELECT 1 AS "ü") TO stdout (FORMAT csv, HEADER);
BEGIN;
SET LOCAL client_encoding TO 'iso-8859-15';
SHOW client_encoding;
SELECT a FROM t WHERE n = 2;
COMMIT;
SHOW client_encoding;
SET client_encoding = win1252;
SELECT '€', length('€');
INSERT INTO t VALUES ('€', 5);
SELECT 'Á';
SELECT 'after';
SET client_encoding = 'KOI8-R';
SHOW client_encoding;
SELECT 'привет', length('привет');
SET client_encoding = 'nonsense';
SET client_encoding = SQL_ASCII;
SHOW client_encoding;
SELECT 'é', length('é');
RESET client_encoding;
SHOW client_encoding;
SELECT n, length(a), encode(convert_to(a, 'UTF8'), 'hex') FROM t ORDER BY n;
SET NAMES 'LATIN2';
SHOW client_encoding;
SET NAMES DEFAULT;
SHOW client_encoding;
-- COPY in an encoding of its own
COPY t (a) FROM stdin (ENCODING 'WIN1251');
ЙЖЪ
\.
COPY t (a) FROM stdin (ENCODING 'WIN1252');
ok
Á
\.
COPY t (a) FROM stdin (ENCODING 'nonsense');
x
\.
SELECT encode(convert_to(a, 'UTF8'), 'hex') FROM t WHERE n IS NULL;
COPY (SELECT E'\u0419') TO stdout (ENCODING 'LATIN1');
-- functions
SELECT convert_from('\xe9a0', 'LATIN1'), convert_from('\x8041', 'win1252');
SELECT convert_from('\x81', 'WIN1252');
SELECT convert_to('é€', 'LATIN9'), convert_to('é', 'iso-8859-1');
SELECT convert_to('é€', 'LATIN1');
SELECT convert('\xe9', 'LATIN1', 'UTF8'), convert('\xc3a9', 'UTF8', 'LATIN1');
SELECT convert('\xe9', 'nope', 'UTF8');
SELECT convert('\xe9', 'UTF8', 'nope');
SELECT convert('\xe9', 'UTF8', 'LATIN1');
SELECT convert_from('\x4100', 'LATIN1');
SELECT convert_from('', 'LATIN1'), convert_to('', 'LATIN1'), convert_from(NULL, 'LATIN1');
SELECT pg_encoding_to_char(8), pg_char_to_encoding('win-1252'), pg_char_to_encoding('x'), pg_encoding_to_char(35), pg_encoding_to_char(99), pg_client_encoding();
SELECT n, convert_from(decode(string_agg(to_hex(b), '' ORDER BY b), 'hex'), n) FROM generate_series(224, 239) b, unnest('{LATIN1,LATIN2,LATIN3,LATIN4,LATIN5,LATIN6,LATIN7,LATIN8,LATIN9,LATIN10}'::name[]) n GROUP BY n ORDER BY n;
SELECT n, convert_from(decode(string_agg(to_hex(b), '' ORDER BY b), 'hex'), n) FROM generate_series(224, 239) b, unnest('{WIN1250,WIN1251,WIN1252,WIN1253,WIN1254,WIN1256,WIN1257,KOI8R,KOI8U,ISO_8859_5,ISO_8859_7,WIN866}'::name[]) n GROUP BY n ORDER BY n;
SELECT convert_to(convert_from('\xc3ec41d2', 'WIN1258'), 'WIN1258'), convert_to('Ì', 'WIN1258');
DROP TABLE t;
-- encodings of two bytes
SELECT convert_to('你好', 'GBK'), convert_to('你好', 'EUC_CN'), convert_to('안녕', 'UHC'), convert_to('안녕', 'EUC_KR'), convert_to('日本ｱア', 'SJIS'), convert_to('Ⅰ①¥', 'SJIS'), convert_to('€', 'GBK');
SELECT convert_to('€¢', 'GBK');
SELECT convert_to('€', 'SJIS');
SELECT convert_from('\xc4e3bac3', 'GBK'), convert_from('\xbec8b3e7', 'win949'), convert_from('\x93fa967bb183415c', 'Shift_JIS');
SELECT md5(convert_to(string_agg(chr(g), '' ORDER BY g), 'UHC')) FROM generate_series(44032, 55203) g;
SELECT md5(convert_to(string_agg(chr(g), '' ORDER BY g), 'GBK')) FROM generate_series(19968, 40869) g;
SELECT md5(convert_to(string_agg(chr(g), '' ORDER BY g), 'SJIS')) FROM generate_series(12353, 12435) g;
SELECT convert_from(convert_to(string_agg(chr(g), '' ORDER BY g), 'SJIS'), 'SJIS') = string_agg(chr(g), '' ORDER BY g) FROM generate_series(12449, 12534) g;
SELECT convert_from('\x41c4', 'GBK');
SELECT convert_from('\xc420', 'EUC_KR');
SELECT convert_from('\x8130', 'SJIS');
SELECT convert_from('\xfe50fe50', 'SJIS');
SELECT convert_from('\xf040', 'SJIS');
SELECT convert_from('\x8041', 'GBK');
SELECT convert_to('안', 'GBK');
SET client_encoding = gbk;
SHOW client_encoding;
SELECT length('你好'), convert_to('你好', 'UTF8');
SELECT 1 AS "你好";
CREATE TABLE pairs (a text, n int);
COPY pairs FROM stdin;
你好	1
a你好b	2
\.
COPY pairs TO stdout;
SELECT chr(50504);
RESET client_encoding;
SELECT * FROM pairs ORDER BY n;
DROP TABLE pairs;
-- and one with characters of three
SELECT convert_to('日本ｱ①丂', 'EUC_JP'), convert_to('№ⅰ～¦', 'eucjp');
SELECT convert_from('\xc6fccbdc8eb1ada18fb0a141', 'EUC_JP');
SELECT convert_from('\x418fb0', 'EUC_JP');
SELECT convert_from('\x8fb041', 'EUC_JP');
SELECT convert_from('\x8fa2b7', 'EUC_JP');
SELECT convert_from('\x8ee0', 'EUC_JP');
SELECT md5(convert_to(string_agg(chr(g), '' ORDER BY g), 'EUC_JP')) FROM generate_series(12353, 12435) g;
