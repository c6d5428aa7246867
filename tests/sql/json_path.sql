-- SQL/JSON paths
SELECT '$'::jsonpath, 'strict $.a.b'::jsonpath, 'lax $[*].a ? (@.b > 1 && @.c == "x" || !(@.d < 2)).e'::jsonpath, '$."a b"[0, 2 to last]'::jsonpath, '$.**{1 to 3}.a'::jsonpath, '$.**'::jsonpath, '$.**{2}'::jsonpath, '$.**{last}'::jsonpath, '$.**{1 to last}'::jsonpath, '-$.a + 2 * ($.b - 1)'::jsonpath, '$.a.type()'::jsonpath, '$ ? (@ like_regex "^a" flag "i")'::jsonpath, '$ ? (@ starts with "a")'::jsonpath, '$ ? (exists (@.a))'::jsonpath, '$ ? ((@.a > 1) is unknown)'::jsonpath, '$x + 1.50'::jsonpath, '($.a == 1).type()'::jsonpath, '1 + 2 - 3'::jsonpath, '1 - (2 - 3)'::jsonpath, '$.a * -1'::jsonpath;
SELECT * FROM jsonb_path_query('{"a":[{"b":1},{"b":2},{"c":3}]}', '$.a[*].b');
SELECT * FROM jsonb_path_query('{"a":[1,2,3,4,5]}', '$.a[*] ? (@ >= $min && @ < $max)', '{"min":2,"max":4}');
SELECT jsonb_path_query_array('{"a":[1,2,3,4,5]}', '$.a[0, 2 to last]'), jsonb_path_query_array('[1,2,3]', '$[last]'), jsonb_path_query_array('[1,2,3]', '$[last - 1]'), jsonb_path_query_array('{"a":{"b":{"c":1}},"d":[{"c":2}]}', '$.**.c'), jsonb_path_query_array('{"a":{"b":1}}', '$.*.*'), jsonb_path_query_array('[1,[2,[3]]]', '$[*][*]'), jsonb_path_query_array('[[1,2],[3]]', '$[*][*] ? (@ > 1)'), jsonb_path_query_array('{"a":{"b":{"c":1}}}', '$.**{1 to 2}'), jsonb_path_query_array('{"a":[1,{"b":2}]}', '$.**{last}');
SELECT jsonb_path_query_first('{"a":[1,2]}', '$.a[*] ? (@ > 1)'), jsonb_path_query_first('{"a":[1,2]}', '$.a[*] ? (@ > 5)'), jsonb_path_query_array('{}', '$.x');
SELECT '{"a":1}'::jsonb @? '$.a', '{"a":1}'::jsonb @? '$.b', '{"a":[1,2,3]}'::jsonb @? '$.a[*] ? (@ > 2)', '{"a":1}'::jsonb @? 'strict $.b', '{"a":[1,2,3]}'::jsonb @@ '$.a[*] > 2', '{"a":1}'::jsonb @@ '$.a == "x"', '{"a":1}'::jsonb @@ '$.a', '{"a":"abc"}'::jsonb @@ '$.a like_regex "^A" flag "i"', '{"a":"abc"}'::jsonb @@ '$.a starts with "ab"';
SELECT jsonb_path_exists('{"a":1}', '$.a ? (@ == 1)'), jsonb_path_match('{"a":1}', '$.a == 1'), jsonb_path_match('{"a":1}', 'exists($.b)'), jsonb_path_match('{"a":1}', '$.a > "x"'), jsonb_path_match('{"a":1}', '$.a', '{}', true), jsonb_path_exists('{"a":1}', 'strict $.b', '{}', true);
SELECT * FROM jsonb_path_query('[1,"a",true,null,[1],{"a":1}]', '$[*].type()');
SELECT jsonb_path_query_array('[1,-2.5,"3"]', '$[*].double()'), jsonb_path_query_array('[1.5,-2.5]', '$[*].abs()'), jsonb_path_query_array('[1.5,-2.5]', '$[*].floor()'), jsonb_path_query_array('[1.5,-2.5]', '$[*].ceiling()'), jsonb_path_query_array('[1,[2,3]]', '$.size()'), jsonb_path_query_array('[1,[2,3]]', '$[*].size()');
SELECT jsonb_path_query_array('{"a":7,"b":2}', '$.a + $.b'), jsonb_path_query_array('{"a":7,"b":2}', '$.a / $.b'), jsonb_path_query_array('{"a":7,"b":2}', '$.a % $.b'), jsonb_path_query_array('{"a":7,"b":2}', '-$.a * $.b'), jsonb_path_query_array('[1,2]', '-$[*]'), jsonb_path_query_array('{"a":[2]}', '$.a * 3');
SELECT * FROM jsonb_path_query('[{"a":1,"b":null},{"a":2},{"b":3}]', '$[*] ? (@.b == null)'), jsonb_path_query_array('[1,"1",null,true]', '$[*] ? (@ == 1)'), jsonb_path_query_array('[1,"1",null,true]', '$[*] ? ((@ == 1) is unknown)'), jsonb_path_query_array('[1,"1",null,true]', '$[*] ? (!(@ == 1))'), jsonb_path_query_array('[1,"1",null,true]', '$[*] ? (@ != null)');
SELECT jsonb_path_query_array('[{"x":[1,2]},{"x":3}]', '$.x'), jsonb_path_query_array('[{"x":[1,2]},{"x":3}]', '$[*].x ? (@ > 1)'), jsonb_path_query_array('[{"x":[1,2]},{"x":3}]', 'strict $[*].x[*]', '{}', true), jsonb_path_query_array('1', '$[*]'), jsonb_path_query_array('1', '$[0]'), jsonb_path_query_array('{"a":1}', '$[0].a');
SELECT * FROM jsonb_path_query('{"a":1}', 'strict $.b');
SELECT * FROM jsonb_path_query('[1]', 'strict $.b');
SELECT * FROM jsonb_path_query('{"a":1}', 'strict $[*]');
SELECT * FROM jsonb_path_query('{"a":1}', 'strict $[0]');
SELECT * FROM jsonb_path_query('[1]', 'strict $[2]');
SELECT * FROM jsonb_path_query('[1]', 'strict $.*');
SELECT * FROM jsonb_path_query('[1]', '$["a"]');
SELECT * FROM jsonb_path_query('[1,2]', '$ + 1');
SELECT * FROM jsonb_path_query('{"a":"x"}', '1 + $.a');
SELECT * FROM jsonb_path_query('{"a":"x"}', '-$.a');
SELECT * FROM jsonb_path_query('1', '$ / 0');
SELECT * FROM jsonb_path_query('"x"', '$.double()');
SELECT * FROM jsonb_path_query('"x"', '$.abs()');
SELECT * FROM jsonb_path_query('1', '$x');
SELECT * FROM jsonb_path_query('1', '$', '[]');
SELECT jsonb_path_match('1', '$');
SELECT ''::jsonpath;
SELECT '-2'::jsonpath, '- -2.50'::jsonpath, '2.type()'::jsonpath, '1 + ($.a == 1).type()'::jsonpath, '-$.a.abs()'::jsonpath, '(-$.a).abs()'::jsonpath;
SELECT '$.'::jsonpath;
SELECT '$ ? (@.a)'::jsonpath;
SELECT '@'::jsonpath;
SELECT 'last'::jsonpath;
SELECT '$ ? (@ like_regex "(")'::jsonpath;
SELECT '$ ? (@ like_regex "a" flag "z")'::jsonpath;
SELECT '$ &'::jsonpath;
SELECT '$ ? (1 == 1) + '::jsonpath;

-- levels of **
SELECT jsonb_path_query('{"a": {"b": 1}}', 'lax $.**{0}'), jsonb '{"a": {"b": 1}}' @? '$.**{0}.b ? ( @ > 0)';
SELECT jsonb_path_query('{"a": {"b": [1]}}', 'lax $.**{1 to 2}');
SELECT jsonb_path_query('{"a": {"b": [1]}}', 'lax $.**{2 to 1}');

-- keyvalue(): an object's id is of where it lies
SELECT '$.KeyValue( ).key'::jsonpath, '$.keyvalue'::jsonpath;
SELECT '$.keyvalue("a")'::jsonpath;
SELECT jsonb_path_query('{"b": [1, {"c": null}], "a": "x", "long": {}}', '$.keyvalue()');
SELECT jsonb_path_query('[{"a": 1}, [{"b": 2}], {"ä": {"c": {}, "d": {"e": false}}}]', '$[*] ? (@.type() == "object").keyvalue()');
SELECT jsonb_path_query('[{"a": 1}, [{"b": 2}], {"ä": {"c": {}, "d": {"e": false}}}]', 'lax $.** ? (@.type() == "object").keyvalue().id');
SELECT jsonb_path_query_array('[0, {"a": 1}, 10000, {"a": 1}, -12345.678, {"a": 1}, 123456789012345678901234567890, {"a": 1}, 1e252, {"a": 1}, 1e-256, {"a": 1}, 1e256, {"a": 1}, 0.0001, {"a": 1}, 1.50, {"a": 1}]', '$[*] ? (@.type() == "object").keyvalue().id');
SELECT jsonb_path_query_array('[1e-63, {"a": 1}, 1e-64, {"a": 1}, "", {"a": 1}, "täxt", {"a": 1}, true, {"a": 1}, [], {"a": 1}, {}, {"a": 1}, ["x", 1], {"a": 1}]', '$[*] ? (@.type() == "object").keyvalue().id');
SELECT jsonb_path_query('{"a": {"b": {"c": 1}}, "d": {"e": [{"f": {"g": 2}}]}}', '$.keyvalue().value.keyvalue().value.keyvalue().keyvalue()');
SELECT jsonb_path_query('{"a": {"b": 1}}', '$x.** ? (@.type() == "object").keyvalue().id', '{"n": 0.5, "x": {"y": {"z": 1}, "w": 2}}'), jsonb_path_query('{"a": {"b": 1}}', '$x.keyvalue() ? (exists ($.a.keyvalue() ? (@.id == 16))).value.keyvalue()', '{"n": 0.5, "x": {"y": {"z": 1}}}');
SELECT jsonb '{"a": {"b": 1}}' @? '$.keyvalue().value.keyvalue() ? (@.id > 20000000000)', jsonb_path_exists('{"a": {"b": 1}}', '$.keyvalue().value.keyvalue() ? (@.id > 20000000000)'), jsonb '{"a": {"b": 1}}' @? '$.keyvalue().value.keyvalue() ? (@.id > 10000000000)';
SELECT jsonb '{}' @? '$.keyvalue()', jsonb '{"a": 1}' @? '$.keyvalue()', jsonb '[]' @? '$.keyvalue()', jsonb '1' @? '$.keyvalue()', jsonb_path_query_array('{}', '$.keyvalue()');
SELECT jsonb_path_query('[{"a": 1}, {}]', '$.keyvalue().size()'), jsonb_path_query('[{"a": 1}, {}]', '$.keyvalue().id + 1'), jsonb_path_query('{"a": 1}', '$.keyvalue().type()');
SELECT jsonb_path_query('[{"a": 1}]', 'strict $.keyvalue()');
SELECT jsonb_path_query('[[{"a": 1}]]', '$.keyvalue()');
SELECT jsonb_path_query('"a"', '$.keyvalue()');

-- in strict mode an error at the root does not end a silent **
SELECT jsonb_path_query('[1, {"a": "2"}]', 'strict $.**.double()', '{}', true), jsonb_path_query('"x"', 'strict $.**.double()', '{}', true);
SELECT jsonb_path_query('["1", "2"]', 'strict $.** ? (@.**.double() > 1)', '{}', true), jsonb_path_query_array('[{"a": "2"}]', 'strict $.** ? (exists (@.**.double()))');
SELECT jsonb_path_query('[1]', 'strict $.**.double()');

-- signs and sums are written in parentheses
SELECT jsonb_path_query('1', (repeat('-', 60) || '$')::jsonpath), jsonb_path_query('1', (repeat('1 + ', 90) || '$')::jsonpath);
