-- more than a function of SQLite's takes
SELECT 'b' || repeat(', b', 149) || ', a' AS many \gset
SELECT coalesce(:many), coalesce(a, :many), coalesce(:many, a / 0) FROM (VALUES (1, NULL::int), (NULL, 2), (3, NULL)) t (a, b) WHERE coalesce(a, b) < 3;
SELECT string_agg('b', ', ') AS more FROM generate_series(1, 20000) \gset
SELECT coalesce(:more, a, :more) FROM (VALUES (1, NULL::int), (NULL, 2), (3, NULL)) t (a, b);
