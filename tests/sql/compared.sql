-- What random statements have found: each was another answer than PostgreSQL's.

-- types without an order, or without equality, also as items
SELECT a FROM (VALUES ('{1}'::json[])) AS v (a) ORDER BY a;
SELECT DISTINCT a FROM (VALUES ('{1}'::json[])) AS v (a);
SELECT a FROM (VALUES ('1'::xid)) AS v (a) ORDER BY a;
SELECT DISTINCT a FROM (VALUES ('1'::xid), ('1')) AS v (a);
SELECT a FROM (VALUES ('$.a'::jsonpath)) AS v (a) GROUP BY a;
SELECT '{1}'::json[] = '{1}'::json[];
SELECT '{1}'::xid[] < '{2}'::xid[];
SELECT '{1}'::xid[] = '{1}'::xid[];
SELECT '{$.a}'::jsonpath[] @> '{}'::jsonpath[];
SELECT greatest('{1}'::json[], '{2}'::json[]);
SELECT array_replace('{1}'::json[], '1', '2');
SELECT width_bucket('$.a'::jsonpath, '{}'::jsonpath[]);
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY '{1}'::json[]);

-- "char"
SELECT CAST(65 AS "char");
SELECT CAST(128 AS "char");

-- arrays
SELECT array_position('{1,2}'::int[], NULL, NULL), array_position('{}'::int[], 1, NULL);
SELECT array_position('{1,NULL}'::int[], NULL, NULL);
SELECT '[0:1]={00:00"0,00:00:00}'::time[];
SELECT '1 x 2'::int2vector;
SELECT '1 99999 2'::oidvector, '1 99999 2'::int2vector;

-- aggregates and windows
SELECT id, lag(id, NULL, 7) OVER (ORDER BY id), lead(id, CASE id WHEN 1 THEN 1 END, 8) OVER (ORDER BY id) FROM (VALUES (1), (2), (3)) AS v (id);
SELECT regr_count(x, x) FROM (VALUES (1e300::float8), (-1e300), (NULL)) AS v (x);
SELECT percentile_disc('infinity'::float8) WITHIN GROUP (ORDER BY 1);
SELECT rank('{1}'::int[]) WITHIN GROUP (ORDER BY 1::float8);

-- COPY's options
CREATE TABLE copied (a text, b json, c int);
COPY copied TO STDOUT (DELIMITER '.');
COPY copied TO STDOUT (DELIMITER 'ab');
COPY copied TO STDOUT (DELIMITER E'\n');
COPY copied TO STDOUT (NULL E'\n');
COPY copied TO STDOUT (DELIMITER '|', NULL 'a|');
COPY copied TO STDOUT (QUOTE '~');
COPY copied TO STDOUT (ESCAPE '~');
COPY copied TO STDOUT (FORMAT csv, DELIMITER '"');
COPY copied TO STDOUT (FORMAT csv, NULL '"');
COPY copied TO STDOUT (FORMAT csv, FORCE_NULL (a));
COPY copied FROM STDIN (FORMAT csv, FORCE_QUOTE *);
COPY copied TO STDOUT (FORMAT binary, HEADER);
COPY copied TO STDOUT (FORMAT binary, NULL '');
COPY copied TO STDOUT (FORMAT csv, FORMAT text);
COPY (SELECT 'x' AS a, 1 AS b) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *);
-- of a row's errors the first one
COPY copied FROM STDIN;
x	[1
\.
COPY copied FROM STDIN;
x	{}
\.
COPY copied FROM STDIN;
x	[1	1	2
\.
SELECT * FROM copied;
DROP TABLE copied;

-- others
SELECT timezone('no', 'infinity'::timestamptz), timezone('1 day'::interval, '-infinity'::timestamp);
SELECT make_date(-2147483648, 7, 1);
SELECT make_date(-2147483647, 7, 1);
SELECT array_agg(a) FROM (VALUES ('{1}'::int[]), ('{}')) AS v (a);
SELECT array_agg(a) FROM (VALUES ('{}'::int[]), ('{1}')) AS v (a);
SELECT E'\377'::text;
SELECT 'a'::char(5)::bytea, ''::char(5)::"char" = ' ';
SELECT extract(epoch FROM interval '-178000000 years'), date_part('epoch', interval '178000000 years');
SELECT percentile_disc('nan'::float8) WITHIN GROUP (ORDER BY 1);
