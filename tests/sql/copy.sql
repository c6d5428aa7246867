-- COPY FROM STDIN and TO STDOUT: text, csv, edge cases
CREATE TABLE c (id int PRIMARY KEY, t text, f float8, b bool);
COPY c FROM STDIN;
1	one	1.5	t
2	\N	\N	\N
3	tab\there	-2e3	false
4	new\nline \\ back	Infinity	1
5		0	off
\.
SELECT * FROM c ORDER BY id;
COPY (SELECT * FROM c ORDER BY id) TO STDOUT;
COPY (SELECT * FROM c ORDER BY id) TO STDOUT (FORMAT csv);
COPY (SELECT * FROM c ORDER BY id) TO STDOUT WITH CSV HEADER;
COPY (SELECT * FROM c ORDER BY id) TO STDOUT (FORMAT csv, DELIMITER ';', NULL 'nil', FORCE_QUOTE (t), QUOTE '''');
COPY (SELECT id, t FROM c ORDER BY id) TO STDOUT (DELIMITER '|', NULL '');
COPY (SELECT t FROM c WHERE id = 1 UNION ALL SELECT '' UNION ALL SELECT NULL) TO STDOUT CSV FORCE QUOTE *;
COPY c (t, id) FROM STDIN;
six	6
\\N	7
\x41\102\.	8
\.
COPY c FROM STDIN (FORMAT csv);
10,plain,1,true
11,"with, comma",2,false
12,"with ""quotes""",3,
13,,4,t
14,"",5,t
15,"line
break",6,t
16, spaced ,7,t
\.
COPY c FROM STDIN (FORMAT csv, HEADER, DELIMITER '|', NULL 'NULL', QUOTE '$', ESCAPE '!');
id|t|f|b
20|$a!$b|c$|1.25|y
21|NULL|NULL|NULL
22|$NULL$|NULL|n
\.
COPY c FROM STDIN (FORMAT csv, HEADER match);
id,t,f,nope
30,x,1,t
\.
COPY c (id, t) FROM STDIN (FORMAT csv, FORCE_NOT_NULL (t));
31,
\.
COPY c (id, t) FROM STDIN (FORMAT csv, FORCE_NULL (t));
32,""
\.
SELECT id, t, f, b, t IS NULL AS isnull FROM c WHERE id > 5 ORDER BY id;
COPY c FROM STDIN;
40	a	1
\.
COPY c FROM STDIN;
40	a	1	t	extra
\.
COPY c FROM STDIN;
40	a	1	t
x41	a	1	t
\.
COPY c FROM STDIN;
40	a	1	t
1	dup	1	t
\.
COPY c FROM STDIN;
40	a	1	perhaps
\.
COPY c FROM STDIN;
\N	a	1	t
\.
COPY c FROM STDIN (FORMAT csv);
40,"unterminated,1,t
\.
COPY c FROM STDIN;
99999999999	a	1	t
\.
SELECT count(*) FROM c WHERE id >= 40;
COPY c (id) FROM STDIN;
50
51
\.
COPY c FROM STDIN;
\.
BEGIN;
COPY c (id) FROM STDIN;
60
\.
SELECT count(*) FROM c WHERE id = 60;
ROLLBACK;
SELECT count(*) FROM c WHERE id >= 50;
COPY nope FROM STDIN;
COPY c (nope) FROM STDIN;
COPY c (id, id) FROM STDIN;
COPY c TO STDOUT (FORMAT nope);
COPY c TO STDOUT (DELIMITER 'ab');
COPY c TO STDOUT (NOPE 1);
COPY c FROM STDIN (FORMAT csv, QUOTE 'ab');
COPY (SELECT nope FROM c) TO STDOUT;
COPY c TO STDOUT (FORMAT text, QUOTE '"');
CREATE TABLE ch (a char(4), v varchar(3));
COPY ch FROM STDIN;
ab	abc
x	
\.
COPY ch FROM STDIN;
abcde	x
\.
COPY ch FROM STDIN;
a	abcd
\.
COPY ch TO STDOUT;
COPY (SELECT c.id, ch.a FROM c JOIN ch ON c.id = length(ch.a) ORDER BY 1) TO STDOUT CSV;
DROP TABLE c, ch;

-- headers, and what options name
CREATE TABLE headed (a int, b int, c int);
COPY headed TO STDOUT WITH (HEADER MATCH);
COPY headed FROM STDIN WITH (HEADER wrong);
\.
COPY headed FROM STDIN WITH (HEADER 2);
\.
COPY headed FROM STDIN WITH (HEADER MATCH);
a	b
\.
COPY headed (a, c) FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL (b));
\.
COPY headed (a) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE (b));
INSERT INTO headed VALUES (1, 2, 3);
COPY headed TO STDOUT WITH (FORMAT csv, HEADER on, FORCE_QUOTE (b));
COPY (SELECT 1 AS a) TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE (a));
COPY (SELECT 1 INTO TEMP one) TO STDOUT;
CREATE VIEW headed_view AS SELECT a FROM headed;
COPY headed_view TO STDOUT;
DROP VIEW headed_view;
DROP TABLE headed;

-- options that do not go together
CREATE TABLE opted (id int, t text);
COPY opted TO STDOUT (FORMAT binary, DELIMITER ',');
COPY opted TO STDOUT (FORMAT binary, NULL 'x');
COPY opted TO STDOUT (FORMAT binary, HEADER);
COPY opted TO STDOUT (QUOTE '"');
COPY opted TO STDOUT (ESCAPE '"');
COPY opted TO STDOUT (FORCE_QUOTE *);
COPY opted TO STDOUT (FORMAT csv, ESCAPE 'ab');
COPY opted TO STDOUT (FORMAT csv, QUOTE 'ab');
COPY opted TO STDOUT (FORMAT csv, DELIMITER ';', QUOTE ';');
COPY opted TO STDOUT (DELIMITER E'\n');
COPY opted TO STDOUT (DELIMITER '');
COPY opted TO STDOUT (DELIMITER E'\\');
COPY opted TO STDOUT (DELIMITER 'a');
COPY opted TO STDOUT (NULL E'\n');
COPY opted TO STDOUT (FORMAT csv, NULL ',');
COPY opted TO STDOUT (FORMAT csv, NULL '"');
COPY opted TO STDOUT (FORMAT csv, FORMAT csv);
COPY opted TO STDOUT (FORMAT csv, FORCE_NULL (t));
COPY opted FROM STDIN (FORMAT csv, FORCE_QUOTE (t));
\.
COPY opted TO STDOUT (ENCODING 'nope');
DROP TABLE opted;
-- what escapes make has to be text, in every column
CREATE TABLE raw (t text, b bytea);
COPY raw FROM STDIN;
a\xde	x
\.
COPY raw (b) FROM STDIN;
\xde
\.
COPY raw (b, t) FROM STDIN;
\303\244	\xc3\xa4
\.
SELECT * FROM raw;
DROP TABLE raw;
