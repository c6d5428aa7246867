-- Temporary tables: rows, indexes, joins with permanent tables, shadowing, transactions, the end of a session.
create table perm (id int primary key, a text);
insert into perm values (1, 'one'), (2, 'two'), (3, 'three');
create temp table t (id int primary key, a text not null default 'x', n numeric(6, 2) check (n > 0), unique (a, n));
insert into t values (1, 'a', 1.5), (2, 'b', 2.5) returning *;
insert into t (id, n) values (3, 9) returning *;
insert into t values (1, 'dup', 1);
insert into t values (4, 'c', -1);
insert into t values (5, null, 1);
insert into t values (3, 'up', 7) on conflict (id) do update set a = excluded.a returning *;
update t set n = n + 1 where id = 1 returning id, n;
delete from t where id = 2;
select * from t order by id;
select count(*), sum(n) from t;
-- with permanent tables
select p.id, p.a, t.n from perm p left join t on t.id = p.id order by p.id;
select p.a, (select n from t where t.id = p.id) from perm p order by p.id;
insert into perm select id + 10, a from t;
insert into t select id + 20, a, id from perm where id < 10;
update perm set a = t.a || '!' from t where t.id = perm.id returning perm.*;
update t set a = p.a from perm p where p.id = t.id returning t.id, t.a;
delete from perm using t where t.id + 10 = perm.id returning perm.id;
with d as (delete from t where id > 20 returning id) select count(*) from d;
merge into t using perm p on p.id = t.id when matched then update set n = 100 + p.id when not matched then insert values (p.id, p.a, 1);
select * from t order by id;
select * from perm order by id;
-- shadowing
create table s (a int);
insert into s values (1);
create temporary table s (a int, b int);
insert into s values (10, 20);
select * from s;
select * from public.s;
select * from pg_temp.s;
drop table s;
select * from s;
drop table s;
select * from s;
create temp table if not exists t (x int);
create temp table t (x int);
create temp table public.x (a int);
create table pg_temp.x (a int);
select * from x;
drop table pg_temp.x;
-- indexes, TRUNCATE, serial, defaults, LIKE, AS
create index t_n on t (n desc);
create unique index on t (a);
insert into t values (77, 'one', 1), (78, 'one', 2);
create unique index dup on perm (a);
drop index t_n;
truncate t;
select * from t;
create temp table ser (id serial primary key, g int generated always as identity (start 10), v text);
insert into ser (v) values ('a'), ('b') returning *;
select currval('ser_id_seq'), lastval();
truncate ser restart identity;
insert into ser (v) values ('c') returning id;
create temp table l (like perm including all, extra int default 5);
insert into l (id, a) select id, a from perm;
select * from l order by id;
create temp table ctas as select id, upper(a) as u from perm where id < 3;
select * from ctas order by id;
select id into temp table into_t from perm;
select count(*) from into_t;
create temp table ctas_n (a, b) as values (1, 'x') with no data;
select * from ctas_n;
-- foreign keys
create temp table parent (id int primary key);
create temp table child (id int references parent on delete cascade);
insert into parent values (1);
insert into child values (1);
insert into child values (2);
delete from parent;
select count(*) from child;
create temp table bad (id int references perm);
create table bad (id int references parent);
-- transactions
begin;
create temp table r (a int);
insert into r values (1);
insert into ctas values (50, 'in');
savepoint a;
insert into r values (2);
create temp table r2 (a int);
insert into perm values (50, 'p');
rollback to a;
select * from r;
select count(*) from r2;
rollback;
select * from r;
select * from ctas order by id;
begin;
insert into ctas values (51, 'kept');
create temp table kept (a int);
savepoint a;
insert into kept values (1);
release a;
insert into perm values (51, 'kept');
commit;
select * from kept;
select * from ctas where id = 51;
-- ON COMMIT
create temp table d (a int) on commit delete rows;
insert into d values (1);
select count(*) from d;
begin;
insert into d values (1), (2);
select count(*) from d;
commit;
select count(*) from d;
begin;
create temp table dr (a int) on commit drop;
insert into dr values (1);
select * from dr;
create temp table dr2 on commit drop as select 1 as one;
select * from dr2;
commit;
select * from dr;
select * from dr2;
create temp table pr (a int) on commit preserve rows;
insert into pr values (1);
select * from pr;
create table x (a int) on commit drop;
-- COPY
copy ctas from stdin;
60	copied
61	too
\.
copy (select * from ctas where id >= 60 order by id) to stdout;
copy pr to stdout;
-- prepared statements
prepare q(int) as select a from t where id = $1;
execute q(1);
execute q(3);
deallocate q;
-- catalogs
select relname, relpersistence, relkind from pg_class where relname in ('t', 'perm', 'ser') order by 1;
select table_name, table_type from information_schema.tables where table_name in ('t', 'perm') order by 1;
select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute where attrelid = 't'::regclass and attnum > 0 order by attnum;
select 'ser'::regclass, to_regclass('nosuch'), pg_table_is_visible('ser'::regclass);
alter table ser rename to ser2;
insert into ser2 (v) values ('renamed') returning id, v;
comment on table ser2 is 'mine';
select obj_description('ser2'::regclass);
create view v as select * from perm;
begin;
lock table t;
rollback;
-- two parts
insert into t values (1, 'a', 1), (2, 'b', 2);
with a as (insert into t values (101, 'aa', 1), (102, 'bb', 2) returning id) select * from a;
select id, a from t union all select id, a from perm where id > 100 order by 1;
declare c cursor with hold for select id from t order by id;
fetch 1 from c;
close c;
-- the path
set search_path = pg_temp, public;
create table in_path (a int);
select relpersistence from pg_class where relname = 'in_path';
alter table in_path owner to current_user;
set search_path = public;
select * from in_path;
reset search_path;
select count(*) from in_path;
-- the end
discard temp;
select * from t;
create temp table t (a int);
discard all;
select * from t;
create temp table t (a int);
insert into t values (1);
\c -
select * from t;
select count(*) from pg_class where relpersistence = 't';
