-- Expressions that nest deeply: SQLite's parser takes them in steps.
CREATE TABLE deep (id int PRIMARY KEY, a int, b text, n numeric);
INSERT INTO deep VALUES (1, 1, 'x', 1.50), (2, NULL, 'y', 2.5), (3, 3, NULL, NULL);

-- the statements are long: only their results are shown
\set ECHO none
-- columns
SELECT 'SELECT ' || repeat('a + ', 600) || '1 FROM deep ORDER BY id' \gexec
SELECT 'SELECT length(' || repeat('b || ', 600) || E'\'\') AS n FROM deep ORDER BY id' \gexec
SELECT 'SELECT ' || repeat('abs(', 500) || 'a' || repeat(')', 500) || ' FROM deep ORDER BY id' \gexec
SELECT 'SELECT count(*) FROM deep WHERE ' || repeat('NOT ', 500) || '(a = 1)' \gexec
SELECT 'SELECT ' || repeat('CASE WHEN a = 1 THEN 2 ELSE ', 300) || 'a' || repeat(' END', 300) || ' AS c FROM deep ORDER BY id' \gexec
SELECT 'SELECT ' || repeat('- (1 + ', 1500) || '1' || repeat(')', 1500) || ' AS folded' \gexec

-- each argument is computed once, however deep GREATEST stands in GREATEST
SELECT 'SELECT ' || repeat('greatest(a, 2, ', 40) || 'NULL' || repeat(')', 40) || ' AS g FROM deep ORDER BY id' \gexec
SELECT 'SELECT ' || repeat('least(n, greatest(n, ', 20) || '2.50' || repeat('))', 20) || ' AS l FROM deep ORDER BY id' \gexec
SELECT greatest(least(b, 'm'), b, least('a', b)), least(greatest(n, 1.5), 1.50) FROM deep ORDER BY id;

-- aggregates deep inside of what is computed of them
SELECT 'SELECT ' || repeat('abs(1 + ', 60) || 'count(a)' || repeat(')', 60) || ' FROM deep' \gexec
SELECT 'SELECT ' || repeat('CASE WHEN max(a) > 5 THEN sum(a) ELSE 1 + ', 30) || 'min(n)' || repeat(' END', 30) || ' AS c FROM deep' \gexec
SELECT 'SELECT a, b, ' || repeat('coalesce(-count(*) * ', 30) || 'sum(n)' || repeat(', id)', 30) || ' AS c FROM deep GROUP BY id, a ORDER BY id' \gexec
SELECT 'SELECT a FROM deep GROUP BY a HAVING ' || repeat('1 + (', 40) || 'max(id)' || repeat(')', 40) || ' > 42 ORDER BY ' || repeat('1 + (', 40) || 'max(id)' || repeat(')', 40) \gexec
SELECT 'SELECT sum(' || repeat('abs(1 + ', 60) || 'a' || repeat(')', 60) || ') FROM deep' \gexec
SELECT 'SELECT sum(a), (SELECT ' || repeat('abs(1 + ', 30) || 'd.a + max(e.a)' || repeat(')', 30) || ' FROM deep e) AS s FROM deep d GROUP BY d.a ORDER BY 1' \gexec
\set ECHO all
DROP TABLE deep;
