-- functions that return rows of json and jsonb, and of regular expressions
SELECT * FROM json_each('{"a":1,"b":"x","a":null,"c":{"d":[1]}}');
SELECT * FROM json_each_text('{"a":1,"b":"x","c":null,"d":{"e": [1]}}');
SELECT * FROM jsonb_each('{"bb":1,"a":"x","c":null}');
SELECT * FROM jsonb_each_text('{"bb":1.50,"a":"x\"y","c":null}') AS t (k, v) WHERE v IS NOT NULL;
SELECT key, value FROM jsonb_each('{}');
SELECT * FROM json_object_keys('{"b":1,"a":2,"b":3}');
SELECT * FROM jsonb_object_keys('{"b":1,"a":2}') AS k WHERE k <> 'a';
SELECT * FROM json_array_elements('[1, [2 ,3], null, "x", {"a" : 1}]');
SELECT * FROM json_array_elements_text('[1, [2 ,3], null, "x", {"a" : 1}]');
SELECT value ->> 'a', ordinality FROM jsonb_array_elements('[{"a":1},{"a":"b"},{}]') WITH ORDINALITY;
SELECT x FROM jsonb_array_elements_text('["a",null,1.0]') AS x;
CREATE TABLE orders (id int PRIMARY KEY, doc jsonb);
INSERT INTO orders VALUES (1, '{"items":[{"sku":"a","n":2},{"sku":"b","n":1}]}'), (2, '{"items":[]}'), (3, NULL), (4, '{"items":[{"sku":"a","n":5}]}');
SELECT o.id, i ->> 'sku' AS sku, (i ->> 'n')::int AS n FROM orders o, jsonb_array_elements(o.doc -> 'items') AS i ORDER BY 1, 2;
SELECT i ->> 'sku', sum((i ->> 'n')::int) FROM orders, LATERAL jsonb_array_elements(doc -> 'items') i GROUP BY 1 ORDER BY 1;
SELECT o.id, k FROM orders o LEFT JOIN LATERAL jsonb_object_keys(o.doc) k ON true ORDER BY 1;
SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM jsonb_array_elements(doc -> 'items') e WHERE e ->> 'sku' = 'b');
SELECT count(*) FROM orders, jsonb_each(doc);
DROP TABLE orders;
SELECT * FROM json_each(NULL);
SELECT * FROM json_each('[1]');
SELECT * FROM json_each('1');
SELECT * FROM jsonb_each('[1]');
SELECT * FROM jsonb_each_text('1');
SELECT * FROM json_object_keys('[1]');
SELECT * FROM jsonb_object_keys('1');
SELECT * FROM json_array_elements('{}');
SELECT * FROM json_array_elements_text('1');
SELECT * FROM jsonb_array_elements('{}');
SELECT * FROM jsonb_array_elements_text('1');
SELECT * FROM regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g');
SELECT * FROM regexp_matches('a1b2', '[a-z](\d)', 'g') AS m;
SELECT * FROM regexp_split_to_table('the quick  brown', '\s+');
SELECT s FROM regexp_split_to_table('a,b;c', '[,;]') WITH ORDINALITY AS t (s, n) WHERE n > 1;
SELECT * FROM regexp_split_to_table('a', 'b', 'g');
SELECT * FROM json_to_record('{"a":1,"b":[1,2,3],"c":"bar","r":{"x":true},"n":null}') AS x (a int, b text, c text, r jsonb, d text, n int);
SELECT * FROM jsonb_to_record('{"a":[1,"2",null],"b":[["x"],["y z"]],"c":"{3,4}","t":"2024-01-02"}') AS x (a int[], b text[], c int[], t date);
SELECT * FROM json_to_recordset('[{"a":1,"b":"foo"},{"a":"2","c":"bar"},{}]') AS x (a int, b text);
SELECT x.b, y.id FROM jsonb_to_recordset('[{"a":1,"b":{"k":[1]}}]') AS x (a int, b jsonb), (VALUES (1), (2)) AS y (id) WHERE y.id = x.a;
SELECT t.id, r.n FROM (VALUES (1, '{"n":5}'::jsonb), (2, NULL)) AS t (id, j), jsonb_to_record(t.j) AS r (n int);
SELECT sum(q) FROM json_to_recordset('[{"q":1.5},{"q":2}]') AS (q numeric);
SELECT * FROM json_to_record('[1]') AS x (a int);
SELECT * FROM jsonb_to_record('1') AS x (a int);
SELECT * FROM json_to_recordset('{}') AS x (a int);
SELECT * FROM jsonb_to_recordset('[1]') AS x (a int);
SELECT * FROM json_to_record('{"a":"x"}') AS x (a int);
SELECT * FROM json_to_record('{"a":1}') AS x (a int[]);
SELECT ('{"a":{"b":[1,2,{"c":"d"}]}}'::jsonb)['a']['b'][2]['c'], ('[1,2,3]'::jsonb)[-1], ('{"1":"x"}'::jsonb)[1], ('{"a":1}'::jsonb)['b'], ('{"a":1}'::jsonb)[NULL];
SELECT j['a'], j['b'][0] FROM (SELECT '{"a":"x","b":[true]}'::jsonb AS j) s WHERE j['a'] = '"x"';
SELECT ('[1,2,3]'::jsonb)[1:2];
SELECT ('[1,2,3]'::jsonb)[1.5];

-- of a function with one column that has a name of its own
SELECT jsonb_array_elements('[1, {"a": 2}]') ->> 'a' AS a;
SELECT pg_typeof(jsonb_array_elements('[1]')), pg_typeof(json_array_elements_text('[1]'));

-- an array's type by its own name
SELECT * FROM jsonb_to_recordset('[{"id":1,"tags":["a","b"]},{"id":2,"tags":null}]') AS r(id int, tags _text);
