-- sessions that leave triggers out: foreign keys are not looked at, and have no actions
CREATE TABLE p (id int PRIMARY KEY, k int UNIQUE DEFERRABLE, n int UNIQUE NULLS NOT DISTINCT, d int CHECK (d > 0));
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE, late int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE w (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a) REFERENCES p ON DELETE SET NULL (a) ON UPDATE CASCADE);
INSERT INTO p VALUES (1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3), (4, 4, NULL, 4);
INSERT INTO c VALUES (1, 1, 1), (2, 2, NULL);
INSERT INTO w VALUES (1, 1, 1), (2, 3, 3);
SET session_replication_role = replica;
SHOW session_replication_role;
INSERT INTO c VALUES (3, 30, 31), (4, 1, 41);
INSERT INTO w VALUES (3, 30, 31);
UPDATE p SET id = id + 10 WHERE id = 1;
DELETE FROM p WHERE id = 3;
DELETE FROM p WHERE id = 2;
SELECT * FROM c ORDER BY id;
SELECT * FROM w ORDER BY id;
COPY c FROM stdin;
5	50	50
6	51	51
\.
WITH x AS (INSERT INTO c VALUES (7, 70, 70) RETURNING p) UPDATE w SET a = x.p FROM x WHERE id = 2;
MERGE INTO c USING (VALUES (7, 8)) v (id, p) ON c.id = v.id WHEN MATCHED THEN UPDATE SET p = 80;
-- the rest is
INSERT INTO c VALUES (1, 1, 1);
INSERT INTO c VALUES (NULL, 1, 1);
INSERT INTO p VALUES (5, 5, 5, 0);
INSERT INTO p VALUES (5, 5, NULL, 5);
UPDATE p SET n = NULL WHERE id = 11;
INSERT INTO c VALUES (8, 80, 80) ON CONFLICT (id) DO UPDATE SET p = 9;
BEGIN;
INSERT INTO c VALUES (9, 90, 90);
SET LOCAL session_replication_role = origin;
INSERT INTO c VALUES (10, 90, 11);
ROLLBACK;
BEGIN;
INSERT INTO c VALUES (9, 90, 90);
SET CONSTRAINTS ALL IMMEDIATE;
COMMIT;
PREPARE i (int) AS INSERT INTO c VALUES ($1, $1);
EXECUTE i (100);
SET session_replication_role = local;
EXECUTE i (101);
RESET session_replication_role;
EXECUTE i (102);
INSERT INTO w VALUES (4, 30, 31);
BEGIN;
SET LOCAL session_replication_role = replica;
EXECUTE i (104);
COMMIT;
EXECUTE i (105);
DELETE FROM p WHERE id = 11;
UPDATE p SET id = 12 WHERE id = 4;
SELECT * FROM c ORDER BY id;
DELETE FROM c WHERE id = 100;
UPDATE c SET p = 12 WHERE id = 104;
UPDATE c SET p = 13 WHERE id = 3;
SET session_replication_role = slave;
