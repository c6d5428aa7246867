-- indexes on expressions
CREATE TABLE u (id int PRIMARY KEY, name text, a int, b int, data jsonb, note varchar(20), d date, n numeric);
CREATE UNIQUE INDEX ON u (lower(name));
CREATE INDEX ON u ((a + b));
CREATE INDEX ON u ((a + b) DESC NULLS LAST, lower(name), id);
CREATE INDEX u_json ON u ((data->>'k'));
CREATE INDEX u_json2 ON u USING btree (((data->'x')::text) DESC) WHERE a > 0;
CREATE INDEX ON u (upper(note), upper(name));
CREATE INDEX ON u ((a));
CREATE INDEX ON u (coalesce(name, 'none'));
CREATE INDEX ON u ((CASE WHEN a > 0 THEN 'p' ELSE 'n' END));
CREATE INDEX ON u ((name || '-' || note));
CREATE INDEX ON u (id DESC, a NULLS FIRST, b DESC NULLS LAST);
CREATE INDEX ON u ((n * 2), (extract(year FROM d)));
CREATE INDEX "Odd Name" ON u (substr(name, 1, 3));
CREATE UNIQUE INDEX u_two ON u ((a * 10 + b), (data->>'k')) WHERE d IS NOT NULL;
SELECT c.relname, pg_get_indexdef(i.indexrelid), pg_get_expr(i.indexprs, i.indrelid), i.indkey, i.indoption, i.indnatts
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'u'::regclass ORDER BY 1;
SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), pg_get_indexdef(c.oid, a.attnum, true), pg_get_indexdef(c.oid, a.attnum, false)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relkind = 'i' AND c.relname LIKE 'u_%' ORDER BY 1, 2;
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'u' AND indexname LIKE '%expr%' ORDER BY 1;

INSERT INTO u VALUES (1, 'Ann', 1, 2, '{"k": "v1"}', 'x', '2024-01-01', 1.5), (2, 'Bob', 3, 4, '{"k": "v2"}', 'y', '2024-01-02', 2.5), (3, NULL, NULL, 1, NULL, NULL, NULL, NULL);
INSERT INTO u (id, name) VALUES (4, 'ANN');
INSERT INTO u (id, a, b, data, d) VALUES (5, 1, 2, '{"k": "v1"}', '2024-05-05');
UPDATE u SET name = 'aNN' WHERE id = 2;
INSERT INTO u (id, name, a) VALUES (4, 'ANN', 77) ON CONFLICT (lower(name)) DO UPDATE SET a = excluded.a RETURNING id, a;
INSERT INTO u (id, name, a) VALUES (4, 'BOB', 78) ON CONFLICT (lower(name)) DO NOTHING;
INSERT INTO u (id, name, a) VALUES (4, 'BOB', 78) ON CONFLICT (upper(name)) DO NOTHING;
INSERT INTO u (id, name, a) VALUES (4, 'BOB', 78) ON CONFLICT (lower(name), id) DO NOTHING;
INSERT INTO u (id, a, b, data, d) VALUES (6, 77, 2, '{"k": "v1"}', '2024-05-05') ON CONFLICT ((data->>'k'), (a * 10 + b)) WHERE d IS NOT NULL DO UPDATE SET note = 'hit' RETURNING id, note;
INSERT INTO u (id, a, b, data, d) VALUES (7, 77, 2, '{"k": "v1"}', '2024-05-05') ON CONFLICT ((data->>'k'), (a * 10 + b)) DO NOTHING;
SELECT id, name FROM u WHERE lower(name) = 'bob';
SELECT id FROM u WHERE data->>'k' = 'v2';
SELECT id FROM u WHERE a + b = 7;
SELECT id, a + b FROM u ORDER BY a + b DESC NULLS LAST, lower(name), id;
SELECT lower(name), count(*) FROM u GROUP BY lower(name) ORDER BY 1;
PREPARE by_name(text) AS SELECT id FROM u WHERE lower(name) = lower($1);
EXECUTE by_name('ANN');
EXECUTE by_name('bOb');
DELETE FROM u WHERE lower(name) = 'bob';
SELECT count(*) FROM u;
-- errors
CREATE INDEX ON u (random());
CREATE INDEX ON u ((a + random()));
CREATE INDEX ON u ((now() > d));
CREATE INDEX ON u ((d::timestamptz));
CREATE INDEX ON u (lower(nothing));
CREATE INDEX ON u (lower(a));
CREATE INDEX ON u (sum(a));
CREATE INDEX ON u ((SELECT 1));
CREATE INDEX ON u (row_number() OVER ());
CREATE INDEX ON u (generate_series(1, a));
CREATE INDEX ON u (nothing(a));
CREATE TABLE j (id int, doc json);
CREATE INDEX ON j (doc);
CREATE INDEX ON j ((doc->'a'));
CREATE INDEX ON j ((doc->>'a'));
\d u
\d u_json
DROP INDEX u_json;
-- INCLUDE
CREATE TABLE inc (a int, b int, c text);
CREATE UNIQUE INDEX ON inc (a) INCLUDE (b, c);
CREATE INDEX ON inc (b) INCLUDE (c);
CREATE INDEX ON inc (lower(c)) INCLUDE (a);
CREATE INDEX ON inc (a) INCLUDE (nothing);
CREATE INDEX ON inc (a) INCLUDE (lower(c));
CREATE INDEX ON inc (a) INCLUDE (b DESC);
INSERT INTO inc VALUES (1, 1, 'x'), (2, 1, 'y');
INSERT INTO inc VALUES (1, 2, 'z');
INSERT INTO inc VALUES (1, 2, 'z') ON CONFLICT (a) DO UPDATE SET c = 'again' RETURNING *;
SELECT c.relname, pg_get_indexdef(i.indexrelid), i.indkey, i.indnkeyatts, i.indnatts
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'inc'::regclass ORDER BY 1;
\d inc
\d inc_a_b_c_idx
CREATE TABLE copy (LIKE inc INCLUDING INDEXES);
INSERT INTO copy VALUES (1, 1, 'x');
INSERT INTO copy VALUES (1, 1, 'x');
\d copy
DROP TABLE u, j, inc, copy;
