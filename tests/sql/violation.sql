-- the row or key that broke a constraint
CREATE TABLE vi_p (id int PRIMARY KEY, code text UNIQUE, a int, b text, CHECK (a > 0), UNIQUE (a, b));
CREATE TABLE vi_c (id int PRIMARY KEY, p int REFERENCES vi_p, code text REFERENCES vi_p (code) ON DELETE RESTRICT,
    name varchar(10) NOT NULL DEFAULT 'x');
INSERT INTO vi_p VALUES (1, 'one', 1, 'b1'), (2, 'two', 2, 'b2'), (3, NULL, 3, NULL);
INSERT INTO vi_c VALUES (1, 1, 'one', 'n');
-- unique
INSERT INTO vi_p VALUES (1, 'x', 9, 'x');
INSERT INTO vi_p VALUES (10, 'x', 9, 'x'), (11, 'x', 10, 'y');
INSERT INTO vi_p SELECT 20 + i, 'two', 9, 'z' FROM generate_series(1, 3) i;
INSERT INTO vi_p VALUES (12, 'y', 2, 'b2');
UPDATE vi_p SET id = id + 1 WHERE id = 1;
UPDATE vi_p SET code = 'one' WHERE id = 2;
UPDATE vi_p SET a = 1, b = 'b1' WHERE id = 2;
INSERT INTO vi_p VALUES (1, 'x', 9, 'x') ON CONFLICT (id) DO UPDATE SET code = 'two';
PREPARE vi AS INSERT INTO vi_p VALUES ($1, $2, $3, $4);
EXECUTE vi (2, 'q', 5, NULL);
CREATE TABLE vi_t (n numeric(8,2) PRIMARY KEY, d date, t timestamp, b bool, y bytea, u uuid, c char(4), i interval, f float8,
    UNIQUE (d, t, b), UNIQUE (c), UNIQUE (y, u, i, f));
INSERT INTO vi_t VALUES (1.5, '2024-02-29', '2024-02-29 12:00:00.5', true, '\x00ff', '0123abcd-4567-89ab-cdef-0123456789ab', 'ab', '1 day 02:00', 0.1);
INSERT INTO vi_t VALUES (1.50);
INSERT INTO vi_t VALUES (2, '2024-02-29', '2024-02-29 12:00:00.5', true);
INSERT INTO vi_t (n, c) VALUES (3, 'ab');
INSERT INTO vi_t (n, y, u, i, f) VALUES (4, '\x00ff', '0123abcd-4567-89ab-cdef-0123456789ab', '26:00', 0.1);
-- not null, check
INSERT INTO vi_c VALUES (5, NULL, NULL, NULL);
INSERT INTO vi_c (p) VALUES (1);
UPDATE vi_c SET name = NULL;
INSERT INTO vi_p VALUES (30, repeat('ä', 40), 0, 'b');
UPDATE vi_p SET a = a - 2 WHERE id < 3;
INSERT INTO vi_p (id, a) VALUES (40, 4), (41, -1);
-- foreign keys
INSERT INTO vi_c VALUES (2, 99);
INSERT INTO vi_c VALUES (2, 1), (3, 77), (4, 78);
INSERT INTO vi_c VALUES (2, 1, 'none');
UPDATE vi_c SET p = 55;
UPDATE vi_c SET code = 'nope' WHERE id = 1;
DELETE FROM vi_p WHERE id = 1;
DELETE FROM vi_p;
UPDATE vi_p SET id = 100 WHERE id = 1;
UPDATE vi_p SET code = 'other' WHERE id = 1;
CREATE TABLE vi_s (id int PRIMARY KEY, up int REFERENCES vi_s ON DELETE CASCADE);
INSERT INTO vi_s VALUES (1, 2), (2, NULL);
INSERT INTO vi_s VALUES (3, 4), (4, 5);
CREATE TABLE vi_g (s int REFERENCES vi_s);
INSERT INTO vi_g VALUES (1);
DELETE FROM vi_s WHERE id = 2;
CREATE TABLE vi_m (a int, b text, PRIMARY KEY (a, b));
CREATE TABLE vi_n (x text, y int, FOREIGN KEY (y, x) REFERENCES vi_m);
INSERT INTO vi_n VALUES ('q', NULL), ('w', 5);
INSERT INTO vi_m VALUES (1, 'o');
INSERT INTO vi_n VALUES ('o', 1);
DELETE FROM vi_m;
-- in a transaction, with savepoints
BEGIN;
INSERT INTO vi_p VALUES (50, 'fifty', 50, NULL);
SAVEPOINT s;
INSERT INTO vi_p VALUES (50, 'x', 51, NULL);
ROLLBACK TO s;
INSERT INTO vi_c VALUES (9, 51);
ROLLBACK TO s;
INSERT INTO vi_c VALUES (9, 50);
COMMIT;
SELECT * FROM vi_p ORDER BY id;
SELECT * FROM vi_c ORDER BY id;
WITH x AS (INSERT INTO vi_p VALUES (70, 'x', 70, 'x') RETURNING id)
    INSERT INTO vi_c SELECT 1, id FROM x;
SELECT count(*) FROM vi_p;
DROP TABLE vi_n, vi_m, vi_g, vi_s, vi_t, vi_c, vi_p;
CREATE TABLE vi_k (id int PRIMARY KEY, a text);
INSERT INTO vi_k VALUES (1, 'a'), (NULL, 'b'), (3, 'c');
INSERT INTO vi_k SELECT NULL, a FROM vi_k;
INSERT INTO vi_k (a) VALUES ('x'), ('y');
DROP TABLE vi_k;
