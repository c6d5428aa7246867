-- which constraint a row of COPY violates (the row itself is told where the table's primary is the gateway only)
CREATE TABLE p (id int PRIMARY KEY, a int CHECK (a > 0), b text NOT NULL DEFAULT 'b');
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p);
INSERT INTO p VALUES (1, 1, 'x');
COPY p FROM STDIN;
2	2	y
1	3	z
\.
COPY p (id, a) FROM STDIN;
3	-3
\.
COPY p FROM STDIN;
4	4	\N
\.
COPY c FROM STDIN;
1	1
2	99
\.
SELECT count(*) FROM p;
SELECT count(*) FROM c;
DROP TABLE c, p;
