-- Expressions with arrays and json, as the catalogs print them.
create table dd(a text[] default array['a','b'], b int[] default array[1,2+3], c int default (array[1,2])[1], d int[][] default array[[1],[2]], e bool default (1 = any(array[1,2])), g text default concat('a', 1), h text default coalesce('a','b'), i jsonb default jsonb_build_object('a', 1), k int default length('x')+1, l json default to_json(1), m int[] default '{1,2}', n varchar(3)[] default array['x'], o date[] default array[current_date], check (a[1] = any (array['x','y']) and b @> array[1]), check (k in (1,2,3)), check (a[1:2] = array['a'::text] or b[2] > 3), check (array_append(b, 1) <> b), check (b || 4 = array[1,4] or b || array[3] is null), check (array_length(b, 1) > 0), check (k = all (b)), check (a[1] like any (array['x%', 'y%'])));
select attname, pg_get_expr(adbin, adrelid) from pg_attrdef join pg_attribute a on (attrelid, attnum) = (adrelid, adnum) where adrelid = 'dd'::regclass order by attnum;
select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'dd'::regclass order by oid;
create table ds (a int[] check (a[:2] is not null), b int[] check (b[1:2][2:3] <> '{}'));
select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'ds'::regclass and conname like '%b_check';
drop table dd, ds;
