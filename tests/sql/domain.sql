-- Domains: what they take, what they refuse, where they show.
create domain year as integer constraint year_check check (value >= 1901 and value <= 2155);
create domain positive as int check (value > 0) not null;
create domain code as varchar(5) default 'none' check (value <> 'bad') constraint code_short check (length(value) > 1);
create domain money2 as numeric(8, 2);
create domain tags as text[] check (array_length(value, 1) < 4);
create domain small_year as year check (abs(value) < 2000) default 1950;
create type mood as enum ('sad', 'ok', 'happy');
create domain good_mood as mood check (value <> 'sad');
create domain stamp as timestamptz;

-- casts
select 2000::year, '2000'::year, cast(2000 as year), 2000::int8::year, null::year;
select 1900::year;
select '1900'::year;
select cast(2200 as year);
select 'abc'::year;
select 99999999999::year;
select 1.5::year + 2000;
select null::positive;
select 0::positive;
select 5::positive + 1, 5::positive * 2.5;
select 'abcdefg'::code, 'bad'::code;
select 'abcdefg'::code;
select 'x'::code;
select 3.14159::money2, 1e6::money2;
select 1e7::money2;
select array['a', 'b']::tags, '{a,b}'::tags;
select '{a,b,c,d}'::tags;
select (array['a', 'b']::tags)[2];
select 1999::small_year, 2000::small_year;
select 1850::small_year;
select 2001::small_year;
select 'happy'::good_mood, 'sad'::good_mood;
select 'none'::good_mood;
select 5::nodomain;
select 5::year(3);
select pg_typeof(5::positive), pg_typeof(5::positive + 1), pg_typeof(coalesce(2000::year, 2001::year)), pg_typeof(coalesce(2000::year, 1)), pg_typeof(case when true then 2000::year end);
select pg_typeof(x), x from (select 2000::year as x union select 2001::year) s order by 2;
select pg_typeof(x) from (select 2000::year as x union all select 5) s limit 1;
with c as (select 7::positive as p) select pg_typeof(p), p from c;
select case when true then 5 else 0::positive end;
select case when random() < 0 then 0::positive else 5 end;

-- columns
create table film (id int primary key, y year, p positive default 1, c code, m money2, t tags, g good_mood);
insert into film values (1, 2000, 3, 'abc', 1.005, '{x}', 'ok');
insert into film (id) values (2);
insert into film (id, y) values (3, 1800);
insert into film (id, p) values (3, null);
insert into film (id, p) values (3, 0);
insert into film (id, p) values (3, default);
insert into film (id, c) values (4, 'bad');
insert into film (id, c) values (4, 'toolong');
insert into film (id, t) values (4, '{a,b,c,d}');
insert into film (id, g) values (4, 'sad');
insert into film select 10 + i, 1990 + i, i, 'c' || i, i, null, null from generate_series(1, 3) i;
insert into film select 20 + i, 1890 + i, i from generate_series(1, 3) i;
insert into film values (30, 2000, 1), (31, 2300, 1);
insert into film (id, y) values ('5', '2005');
select * from film order by id;
update film set y = y + 100 where id = 1;
update film set y = y + 100 where id = 1;
update film set p = null where id = 1;
update film set p = default, c = default where id = 1 returning *;
update film set (y, p) = (select 1999, 9) where id = 1 returning y, p;
update film set (y, p) = (select 1, 9) where id = 1;
insert into film values (1, 1950, 1) on conflict (id) do update set y = excluded.y returning y;
insert into film values (1, 1950, 1) on conflict (id) do update set y = 1;
insert into film (id, y) values (1, 1) on conflict do nothing;
insert into film (id, y) select id + 100, film.y from film where id = 1 returning *;
merge into film f using (values (1, 3000), (2, 2001)) v(id, y) on f.id = v.id when matched then update set y = v.y;
merge into film f using (values (2, 2001), (77, 2002)) v(id, y) on f.id = v.id when matched then update set y = v.y when not matched then insert (id, y) values (v.id, v.y);
select id, y, p, c from film where y > 2000 order by id;
select sum(y), min(c), max(m), count(distinct p) from film;
select y + 1, y || '!', c || 'x', upper(c) from film where id = 1;
select * from film where c = 'none' and y = '1950';
insert into film (id, y) values (200, true);
create table nulls (id int, p positive);
insert into nulls (id) values (1);
insert into nulls values (1, null);
insert into nulls values (1, 2);
select n.id, pg_typeof(f.p), f.p from nulls n left join film f on f.id = 12345;

-- prepared statements, COPY
prepare ins as insert into film (id, y) values ($1, $2);
execute ins (40, 2000);
execute ins (41, 1);
deallocate ins;
prepare cst as select $1::positive + 1;
execute cst (4);
execute cst (-4);
deallocate cst;
copy film (id, y, c) from stdin;
50	1999	abc
51	1998	\N
\.
copy film (id, y) from stdin;
52	1999
53	1200
\.
copy film (id, p) from stdin with csv;
54,
\.
select id, y, p, c from film where id >= 50 and id < 60 order by id;
copy (select id, y from film where id = 50) to stdout;

-- other ways to a column
create table made as select id, y, c from film where id < 3;
select pg_typeof(y), pg_typeof(c) from made order by id limit 1;
insert into made values (9, 1);
create table alike (like film);
insert into alike (id, y, p) values (9, 1, 1);
create view recent as select id, y, coalesce(y, p) as z from film where y > 1995;
create table checked (y year check (y > 1950 and abs(y) < 3000 and y is not null));
insert into checked values (1940);
\d checked
drop table checked;
select pg_typeof(z) from recent limit 1;
drop view recent;
create view recent as select id, y, case when p > 1 then y end as z from film where y > 1995;
select pg_typeof(y), pg_typeof(z) from recent limit 1;
create temporary table temp_d (y year);
insert into temp_d values (1);
insert into temp_d values (1999);
select * from temp_d;
drop table temp_d;
alter table made add column p positive;
alter table made add column p positive default 0;
alter table made add column p positive default 7;
alter table made add column sy small_year;
alter table made add column n int;
alter table made alter column n type positive using id;
alter table made alter column n type year;
alter table made alter column n type text;
select * from made order by id;
alter table made alter column n type int using 5;
insert into made values (8, 2001, 'ok', 3, 1960, 0);
alter table made alter column p drop default;
insert into made (id) values (10);
alter table made alter column p set default -1;
insert into made (id) values (10);
\d film
\d made
\d recent
\dD

-- catalogs
select typname, typtype, typcategory, typbasetype::regtype, format_type(typbasetype, typtypmod), typnotnull, typdefault, typlen, typndims, typinput::text, typoutput::text from pg_type where typtype = 'd' and typnamespace = 'public'::regnamespace order by 1;
select conname, contype, contypid::regtype, conrelid, convalidated, conkey, pg_get_constraintdef(oid) from pg_constraint where contypid <> 0 and connamespace = 'public'::regnamespace order by contypid::regtype::text, 1;
select a.attname, a.atttypid::regtype, a.atttypmod, format_type(a.atttypid, a.atttypmod), a.attnotnull from pg_attribute a where attrelid = 'film'::regclass and attnum > 0 order by attnum;
select domain_name, data_type, character_maximum_length, numeric_precision, numeric_scale, domain_default, udt_name from information_schema.domains where domain_schema = 'public' order by 1;
select constraint_name, domain_name, is_deferrable from information_schema.domain_constraints where domain_schema = 'public' order by 2, 1;
select domain_name, table_name, column_name from information_schema.column_domain_usage where domain_schema = 'public' order by 1, 2, 3;
select column_name, is_nullable, data_type, character_maximum_length, domain_name, udt_name from information_schema.columns where table_name = 'film' order by ordinal_position;
select 'year'::regtype, 'positive'::regtype::oid = 'positive'::regtype, to_regtype('nodomain'), format_type('code'::regtype, null);
comment on domain year is 'of a film';
select obj_description('year'::regtype, 'pg_type');

-- what CREATE DOMAIN refuses
create domain year as text;
create domain film as text;
create domain d1 as nosuch;
create domain d1 as int primary key;
create domain d1 as int unique;
create domain d1 as int references film;
create domain d1 as int null not null;
create domain d1 as int default 1 default 2;
create domain d1 as int check (x > 0);
create domain d1 as int check (value);
create domain d1 as int check (value in (select 1));
create domain d1 as int check (sum(value) > 1);
create domain d1 as int default 'x';
create domain d1 as int constraint a check (value > 0) constraint a check (value > 1);
create domain nosuch.d1 as int;

-- ALTER DOMAIN
alter domain year add check (value <> 1999) not valid;
insert into film (id, y) values (300, 1999);
select 1999::year;
alter domain year validate constraint year_check1;
update film set y = 2000 where y = 1999;
update made set y = 2000 where y = 1999;
alter domain year validate constraint year_check1;
select conname, convalidated from pg_constraint where contypid = 'year'::regtype order by 1;
alter domain year rename constraint year_check1 to not_1999;
alter domain year rename constraint nope to x;
select 1999::year;
alter domain year drop constraint not_1999;
alter domain year drop constraint not_1999;
alter domain year drop constraint if exists not_1999;
select 1999::year;
create domain one as int;
create table ones (a one, b one);
insert into ones values (1, 1), (null, 2);
alter domain one set not null;
update ones set a = 5 where a is null;
alter domain one set not null;
insert into ones (a) values (400);
insert into ones values (400, null);
alter domain one drop not null;
insert into ones (a) values (400);
alter domain one add constraint up check (value < 10);
alter domain one add constraint up check (value < 1000);
alter domain one add constraint up check (value < 1000);
insert into ones values (1000);
begin;
alter domain one add constraint below check (value < 500);
insert into ones values (600);
rollback;
insert into ones values (600);
insert into film (id) values (400);
alter domain year set default 1977;
insert into film (id) values (401);
select id, y from film where id >= 400 order by id;
alter domain year drop default;
insert into film (id) values (402);
select id, y from film where id >= 400 order by id;
alter domain year add constraint year_check check (value > 0);
alter domain nope set not null;
alter domain mood set not null;
drop view recent;
alter domain year rename to anno;
select 1::anno;
alter type anno rename to year;
create schema other;
alter domain code set schema other;
select 'bad'::other.code;
select 'bad'::code;
insert into film (id, c) values (403, 'bad');
alter domain other.code set schema public;
begin;
create domain inner_d as int check (value < 10);
create table inner_t (a inner_d);
insert into inner_t values (5);
savepoint s;
insert into inner_t values (50);
rollback to s;
alter domain inner_d add check (value > 5);
rollback;

-- DROP DOMAIN
create domain held as int;
create table holder (x held);
drop domain held;
drop table holder;
drop domain held;
drop domain mood;
drop domain nope;
drop domain if exists nope;
create domain loose as int;
create domain looser as loose check (value > 1);
drop domain loose;
drop domain loose cascade;
drop table ones, film, made, alike, nulls;
drop type money2;
drop domain year cascade;
drop domain positive, code, tags, good_mood;
drop type mood;
drop schema other;
