-- COPY FROM .. WHERE
CREATE TABLE cw (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int CHECK (a > 0), t text DEFAULT 'd', c char(3), d date);
COPY cw (id, a, t) FROM STDIN WHERE a > 2 AND t LIKE 'x%';
1	1	x1
2	3	x2
3	4	y3
4	5	x4
5	\N	x5
6	-7	y6
\.
SELECT * FROM cw ORDER BY id;
COPY cw (a, c, d) FROM STDIN (FORMAT csv) WHERE (c = 'b' OR d < '2024-01-01');
1,a,2023-05-05
2,b,2024-05-05
3,c,2024-05-05
\.
SELECT * FROM cw ORDER BY a, id;
COPY cw (a) FROM STDIN WHERE cw.a < 0;
-1
\.
COPY cw (a) FROM STDIN WHERE a + 1;
COPY cw (a) FROM STDIN WHERE nothing > 1;
COPY cw (a) FROM STDIN WHERE a > 'x';
BEGIN;
COPY cw (a, t) FROM STDIN WHERE upper(t) = 'Q';
8	q
9	r
\.
SELECT a, t FROM cw WHERE a > 7;
ROLLBACK;
COPY cw TO STDOUT WHERE a > 1;
DROP TABLE cw;
