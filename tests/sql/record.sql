-- records as values: comparison, order, fields of a value, NULL tests, as text and json
CREATE TABLE record_t (id int PRIMARY KEY, a int, b text, c numeric(8, 2), d float8, e timestamptz);
INSERT INTO record_t VALUES (1, 1, 'one', 1.00, 1.5, '2020-01-01 00:00:00+00'), (2, 1, NULL, 1.00, -0.0, NULL),
    (3, 10, 'a,b "c"', NULL, 'NaN', '2021-06-01 12:00:00+00'), (4, 9, '', 2.50, 0, 'infinity'), (5, NULL, 'x\y', 0, NULL, NULL);
SELECT t FROM record_t t ORDER BY t;
SELECT t FROM record_t t ORDER BY t DESC LIMIT 2;
SELECT r FROM (SELECT ROW(a, c) AS r FROM record_t) s ORDER BY r;
SELECT r FROM (SELECT ROW(a, b, d) AS r, id FROM record_t) s ORDER BY r DESC, id;
SELECT DISTINCT ROW(c, 1.0) FROM record_t ORDER BY 1;
SELECT ROW(a), count(*) FROM record_t GROUP BY ROW(a) ORDER BY 1;
SELECT ROW(d), count(*) FROM (VALUES (0::float8), (-0.0), ('NaN'), ('NaN')) v (d) GROUP BY 1 ORDER BY 1;
SELECT ROW(1.0) UNION SELECT ROW(1.0) ORDER BY 1;
SELECT x.id, y.id FROM record_t x, record_t y WHERE x = y ORDER BY x.id;
SELECT x.id, y.id FROM record_t x, record_t y WHERE x < y AND x.id > 3 ORDER BY 1, 2;
SELECT x.id FROM record_t x WHERE x <> (SELECT y FROM record_t y WHERE id = 2) ORDER BY x.id;
SELECT x.id FROM record_t x WHERE x >= (SELECT y FROM record_t y WHERE id = 4) ORDER BY x.id;
SELECT r = s, r < s, r <= s, r IS DISTINCT FROM s FROM (SELECT ROW(1, NULL) AS r, ROW(1, NULL) AS s) q;
SELECT r = s, r > s FROM (SELECT ROW(1, NULL) AS r, ROW(1, 2) AS s) q;
SELECT r = s FROM (SELECT ROW(1) AS r, ROW(1, 2) AS s) q;
SELECT r = s FROM (SELECT ROW(1) AS r, ROW('a'::text) AS s) q;
SELECT r = s FROM (SELECT ROW(1, 2) AS r, ROW(2) AS s) q;
SELECT r = s FROM (SELECT ROW('{}'::json) AS r, ROW('{}'::json) AS s) q;
SELECT id FROM record_t t WHERE t = (1, 1, 'one', 1.00, 1.5, NULL);
SELECT id FROM record_t t WHERE (t).a = 1 AND t >= (2, 1, NULL::text, 1.00, -0.0::float8, NULL::timestamptz) ORDER BY id;
SELECT id FROM record_t ORDER BY (a, b) DESC;
SELECT id FROM record_t t WHERE (SELECT ROW(t.id)) = ROW(3);
-- fields
SELECT (r).f1, (r).f2 FROM (SELECT ROW(1, 'a'::text) AS r) s;
SELECT (r).* FROM (SELECT ROW(a, b) AS r FROM record_t) s ORDER BY 1, 2;
SELECT (t).id, (t).e IS NULL, (t).c + 1 FROM (SELECT t FROM record_t t) s ORDER BY 1;
SELECT (t).* FROM (SELECT t FROM record_t t WHERE id < 3) s ORDER BY 1;
WITH s AS (SELECT t FROM record_t t) SELECT (s.t).b, pg_typeof((t).c) FROM s ORDER BY (t).id;
SELECT ((r).f2).f1 FROM (SELECT ROW(1, ROW(2, 3)) AS r) s;
SELECT (r).f1[1], ((r).f1)[2] FROM (SELECT ROW(ARRAY[5, 6]) AS r) s;
SELECT (r).f3 FROM (SELECT ROW(1, 2) AS r) s;
SELECT (id).x FROM record_t;
SELECT (id).* FROM record_t;
-- NULL tests are about the fields
SELECT r IS NULL, r IS NOT NULL FROM (SELECT ROW(NULL, NULL) AS r) s;
SELECT r IS NULL, r IS NOT NULL FROM (SELECT ROW(1, NULL) AS r) s;
SELECT r IS NULL, r IS NOT NULL FROM (SELECT ROW(1, 2) AS r) s;
SELECT count(r) FROM (SELECT ROW(NULL) AS r FROM record_t) s;
-- text
SELECT ROW(), ROW(NULL), ROW(''), ROW(' a'), ROW('"'), ROW('\'), ROW(ROW(1, 'a b'), ARRAY[1, 2], true);
SELECT ROW(1, 'a')::text || 'x', length(ROW(1.50)::text), concat(ROW(1), ' ', ROW('b')), format('%s', ROW(1, NULL)), pg_typeof(ROW(1));
SELECT array_agg(t ORDER BY t DESC) FROM (SELECT id, b FROM record_t) t;
SELECT ARRAY[ROW(1, 'a'), ROW(2, 'b,c')];
SELECT string_agg(t::text, ';' ORDER BY id) FROM (SELECT id, a FROM record_t) t;
SET timezone = 'Asia/Tokyo';
SELECT ROW(e) FROM record_t WHERE id = 1;
SET timezone = 'UTC';
SELECT t FROM (SELECT e FROM record_t) t ORDER BY 1;
-- json
SELECT to_json(r) FROM (SELECT ROW(1, 'a'::text, NULL, ROW(true)) AS r) s;
SELECT row_to_json(r), to_jsonb(r), json_build_array(r) FROM (SELECT t AS r FROM record_t t WHERE id = 1) s;
SELECT to_json(ARRAY[ROW(1, 2), ROW(3, 4)]);
SELECT json_agg(r) FROM (SELECT ROW(id, b) AS r FROM record_t ORDER BY id) s;
-- a side of a join that is missing; windows
SELECT x.id, y, y IS NULL FROM record_t x LEFT JOIN record_t y ON y.id = x.id + 4 ORDER BY x.id;
SELECT (y).b FROM (SELECT y FROM record_t x LEFT JOIN record_t y ON y.id = x.id + 4 ORDER BY x.id) s;
SELECT count(DISTINCT t) FROM (SELECT a, c FROM record_t) t;
SELECT id, row_number() OVER (PARTITION BY r ORDER BY id) FROM (SELECT id, ROW(c) AS r FROM record_t) s ORDER BY id;
SELECT lag(t) OVER (ORDER BY id) FROM (SELECT id, b FROM record_t) t;
DROP TABLE record_t;
