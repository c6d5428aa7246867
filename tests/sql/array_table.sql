-- Arrays in tables: defaults, constraints, writes, COPY, joins and groups
create table u(id int primary key, v text, tags text[] not null default '{}', n int[] default array[1,2], check (cardinality(tags) < 4), unique(n));
insert into u(id, v) values (1,'a');
insert into u(id, v, n) values (2,'b', null);
insert into u select * from unnest(array[4,5], array['d','e'], '{}'::text[], null::int[]);
insert into u(id,v,n) select x, y, array[x] from unnest(array[4,5], array['d','e']) as z(x,y);
update u set v = z.v from unnest(array[4,5], array['D','E']) as z(id,v) where u.id = z.id returning u.id, u.v;
delete from u using unnest(array[5]) as z(id) where u.id = z.id returning u.id;
update u set tags = tags || 'new'::text, n = n || 5 where id = 1 returning tags, n;
update u set tags = array_append(tags, v) where id = 4 returning tags;
select * from u order by id;
copy (select id, tags from u order by id) to stdout (format csv);
copy u(id, v, tags, n) from stdin;
20	t	{x,"y z"}	{7,8}
21	t	{}	\N
\.
select id, tags, n from u where id >= 20 order by id;
copy u(id, v, tags) from stdin;
30	t	{x
\.
select 2 = any('1 2'::int2vector), ('5 6'::int2vector)[0], array_lower('5 6'::int2vector, 1), unnest('5 6'::oidvector);
select relname from (values ('a'::name), ('b')) c(relname) where relname = any(array['a','c']);
select id from u where tags @> array['a'] or tags && '{new}' order by id;
select tags, count(*) from u group by tags order by tags;
select max(n), min(n) from u;
select distinct n from u order by n desc nulls last;
select a.id, b.id from u a join u b on a.n = b.n and a.id <= b.id order by 1,2;
select array_agg(n order by id) filter (where cardinality(n) = 3) from u;
select concat('a', array[1,2], null), array[1,2]::text || 'x';
select to_json(array[1,2]), array_to_json(array['a','b']), json_agg(array[1]) from (values(1)) v;
select x::text::int[] from (values ('{1,2}')) v(x);
select array[1,2] = '{1,2}', '{1,2}' = array[1,2], array[1,2] <> all(array['{1}'::int[]]);
select array[1.5,2]::int[], array['2024-01-01']::date[], '{1,2}'::int[]::int8[], array[1,2]::varchar[];
select array_fill(0, array[3]), array_fill(null::int, array[2]);
select array[(1),(2)] , array[true, null];
select pg_typeof(array[1,2]), pg_typeof(array['a']), pg_typeof(array[now()]), pg_typeof(array_agg(id)) from u;
select width_bucket(5, array[1,3,6]);
select array_length(array_fill(1, array[2,0]), 1);
select row_number() over () , x from unnest(array['a','b']) with ordinality t(x, n) order by n desc;
select t.* from (select array[id, id+1] as p from u where id < 3) t order by p;
select array_to_string(array_agg(v order by id), '|') from u;
select v from u where id in (select unnest(array[1,2])) order by 1;
select id, (select string_agg(t, '+' order by t) from unnest(tags) t) from u order by id;
select count(*) from u where n = any(array['{1,2,5}'::int[]]);
select array(select row_number() over (order by id) from u order by id);
select greatest(array[1,2], array[1,3]), array[1,2] is distinct from array[1,2], nullif(array[1], array[1]);
select case array[1] when array[1] then 'y' else 'n' end;
select * from u where n[1] = 1;
select n[1:1] from u where id = 1;

-- parts of arrays that are inserted and set, of several dimensions
CREATE TABLE part (id int PRIMARY KEY, a int[], b int[][], c text[], d varchar(3)[]);
INSERT INTO part (id, a[1:5], b[1:1][1:2][1:2]) VALUES (1, '{1,2,3,4,5}', '{{{0,0},{1,2}}}') RETURNING *;
INSERT INTO part (id, a[2], a[4], c[3:4]) VALUES (2, 5, 6, '{x,y}') RETURNING *;
INSERT INTO part (id, a[1], c[2]) SELECT g, g + 1, 'k' || g FROM generate_series(3, 4) g RETURNING *;
INSERT INTO part (id, a[1], c[2]) SELECT 5, '7', 'y' RETURNING *;
INSERT INTO part (id, a[1:2]) VALUES (6, NULL) RETURNING a;
INSERT INTO part (id, a[1]) VALUES (7, NULL) RETURNING a;
INSERT INTO part (id, d[1]) VALUES (8, 'abc') RETURNING d;
INSERT INTO part (id, d[1]) VALUES (9, 'abcdef');
INSERT INTO part (id, a[2], a) VALUES (9, 5, '{1}');
INSERT INTO part (id, a, a[2]) VALUES (9, '{1}', 5);
INSERT INTO part (id, a[1]) VALUES (9, DEFAULT);
INSERT INTO part (id, b[2]) VALUES (9, now());
INSERT INTO part (id, b[1:2]) VALUES (9, now());
INSERT INTO part (id, a[1:2]) VALUES (1, '{6,7,8}') ON CONFLICT (id) DO UPDATE SET a[1] = excluded.a[1], a[3] = excluded.a[2] RETURNING a;
UPDATE part SET a[1] = DEFAULT;
UPDATE part SET b[1:1][1:1][1:2] = '{113, 117}', b[1:1][1:2][2:2] = '{142, 147}' WHERE id = 1 RETURNING b;
UPDATE part SET b[1][1:2] = '{{9,8}}' WHERE id = 1 RETURNING b;
UPDATE part SET b[:1][:1] = '{7,6,5,4}' WHERE id = 1 RETURNING b;
UPDATE part SET b[1][2:] = '{1,2}' WHERE id = 1 RETURNING b;
UPDATE part SET b[1:1][2:3] = '{9,9,9,9}' WHERE id = 1;
UPDATE part SET b[2:1][1:1] = '{9,9,9,9}' WHERE id = 1;
UPDATE part SET b[1:1][1:1] = '{9}' WHERE id = 1;
UPDATE part SET a[3:] = '{23,24,25}' WHERE id = 1 RETURNING a;
UPDATE part SET a[5:3] = '{1}' WHERE id = 1;
UPDATE part SET c[1:] = '{1}' WHERE id = 1;
UPDATE part SET b[1:2][2:3] = '{1,2,3,4,5}' WHERE id = 2 RETURNING b;
UPDATE part SET b[1:2][1:2] = '{1,2,3}' WHERE id = 3;
UPDATE part SET c[NULL] = '1';
UPDATE part SET c[NULL:1] = '{1}';
UPDATE part SET c[1:NULL] = '{1}';
UPDATE part SET a[1:2] = NULL, b[1] = NULL WHERE id = 4 RETURNING a, b;
SELECT ('{{{1},{2},{3}},{{4},{5},{6}}}'::int[])[1][NULL:1][1], ('{{{1},{2},{3}},{{4},{5},{6}}}'::int[])[1][1:NULL][1], ('{{{1},{2},{3}},{{4},{5},{6}}}'::int[])[:][:2];
SELECT (ARRAY[1,2,3])[2:], (ARRAY[1,2,3])[:2], (ARRAY[1,2,3])[NULL:], (ARRAY[1,2,3])[:NULL];
SELECT (now())[1];
SELECT ('{}'::int[])[1][2][3][4][5][6][7];
DROP TABLE part;

-- NULLs that functions give within others, over tables of several regions
CREATE TABLE here (d date[], b char(2)[]);
CREATE TABLE there (id int);
INSERT INTO here VALUES ('{2000-01-01}', '{a,b}'), (NULL, NULL), ('{}', '{{x,y},{z,w}}');
INSERT INTO there VALUES (1), (2);
SELECT '2000-01-01'::date || d[1:3], ARRAY['c'::char(2), b[2][2]], array_append(d[2:3], d[1]) FROM here, there ORDER BY d, id;
SELECT ARRAY[d[1], '2001-01-01', d[7]], coalesce(b[2], b[1][2], 'no') FROM here, there ORDER BY d, id;
DROP TABLE here, there;
