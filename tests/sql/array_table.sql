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
