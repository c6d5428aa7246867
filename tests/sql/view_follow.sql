-- Views keep their meaning when what they read changes.
create table t (a int primary key, b text, c int);
create table u (x int, c int, d text);
insert into t values (1, 'one', 10), (2, 'two', 20);
insert into u values (1, 10, 'ten'), (2, 99, 'none');
create view plain as select a, b from t where c >= 10;
create view al as select s.a as first, s.b, s.c from t as s;
create view named as select n1, n2 from t as n(n1, n2);
create view joined as select a, d from t join u using (c);
create view left_joined as select t.a, u.d, c from t left join u using (c) order by c;
create view computed as select a * 2 as twice, (select max(d) from u where u.x = a) as m from t;
create view upon as select a as z, b from plain where a > 0;
create view grouped as select b, count(*) as n, sum(c) from t group by b having sum(c) > 5;
create view uni as select a from t union all select x from u;
create view cte as with w as (select a, c from t) select w.a, w.c from w;
create view schemed as select public.t.a, t.b from public.t;

-- a column gets another name
alter table t rename column a to key;
alter table t rename c to cc;
select * from plain order by 1;
select * from al order by 1;
select * from named order by 1;
select * from joined order by 1;
select * from left_joined;
select * from computed order by 1;
select * from upon order by 1;
select * from grouped order by 1;
select * from uni order by 1;
select * from cte order by 1;
select * from schemed order by 1;
insert into plain values (3, 'three');
update plain set b = 'TWO' where a = 2 returning *;
delete from al where first = 3;

-- .. and another column the old one
alter table t add column a text default 'new';
select * from plain order by 1;
select * from al order by 1;
select * from computed order by 1;
select * from upon order by 1;
alter table u add column key int;
alter table u add column b int;
select * from uni order by 1;
select * from joined order by 1;
select * from computed order by 1;

-- a column of a view
alter view plain rename column a to first;
alter view plain rename column first to a2;
select * from plain order by 1;
select * from upon order by 1;
select column_name from information_schema.columns where table_name = 'plain' order by ordinal_position;

-- a table, moved and renamed
create schema one;
alter table u rename to uu;
select * from joined order by 1;
alter view plain set schema one;
select * from upon order by 1;
alter view one.plain rename to simple;
select * from upon order by 1;

-- a schema
create table one.t3 (i int, j int);
insert into one.t3 values (1, 2);
create view v3 as select i, one.t3.j, t.key from one.t3, t where t.key = i;
create view one.v4 as select i from one.t3;
create view v5 as select * from one.v4;
alter schema one rename to two;
select * from v3;
select * from two.v4;
select * from v5;
select * from upon order by 1;

-- a type
create type mood as enum ('sad', 'ok');
create domain small as int check (value < 100);
create view typed as select 'ok'::mood as m, 5::small as s, array['sad']::mood[] as ms, cast(null as mood) as n;
alter type mood rename to feeling;
alter domain small rename to little;
alter type feeling set schema two;
select * from typed;
select pg_typeof(m), pg_typeof(s), pg_typeof(ms) from typed;
drop type two.feeling;
drop type two.feeling cascade;
drop domain little;

-- a column goes
alter table t drop column cc;
alter table uu drop column d cascade;
select * from joined;
select * from computed;
select * from uni order by 1;
alter table t drop column b cascade;
select table_name from information_schema.views where table_schema in ('public', 'two') order by 1;
drop view cte, uni;
\set VERBOSITY terse
drop table t cascade;
drop table uu;
drop schema two cascade;
