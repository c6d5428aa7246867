-- Materialized views.
create table base (id int primary key, grp text, n int);
insert into base values (1, 'a', 10), (2, 'a', 20), (3, 'b', 30);
create type mood as enum ('sad', 'happy');
create materialized view mv as select grp, count(*) as c, sum(n) as total from base group by grp;
select * from mv order by grp;
insert into base values (4, 'c', 40);
select * from mv order by grp;
refresh materialized view mv;
select * from mv order by grp;
create materialized view mv as select 1;
create materialized view if not exists mv as select 1;
create materialized view empty (x, y) as select id, 'happy'::mood from base where id < 3 with no data;
select * from empty;
select relname, relkind, relispopulated from pg_class where relname in ('mv', 'empty') order by 1;
refresh materialized view empty;
select * from empty order by x;
refresh materialized view empty with no data;
select * from empty;
select b.id from base b where exists (select 1 from empty);
refresh materialized view concurrently empty;
refresh materialized view concurrently mv;
create unique index mv_grp on mv (grp);
create index on mv (total desc);
delete from base where grp = 'b';
refresh materialized view concurrently mv;
select * from mv where grp >= 'a' order by total desc;
refresh materialized view concurrently mv with no data;
-- it is for reading
insert into mv values ('x', 1, 1);
update mv set c = 2;
delete from mv;
truncate mv;
copy mv from stdin;
drop table mv;
drop view mv;
drop materialized view base;
drop materialized view nosuch;
drop materialized view if exists nosuch;
refresh materialized view base;
refresh materialized view nosuch;
create table f (g text references mv (grp));
-- views on it, and it on views
create view v as select grp, total from mv where total > 10;
create materialized view mv2 as select v.grp, b.id from v join base b on b.grp = v.grp;
select * from mv2 order by id;
drop materialized view mv;
drop table base;
create view on_empty as select * from empty;
select * from on_empty;
-- catalogs
select schemaname, matviewname, hasindexes, ispopulated from pg_matviews order by 2;
select table_name from information_schema.tables where table_name in ('mv', 'v') order by 1;
select pg_get_viewdef('mv'::regclass) is not null;
\dm
-- comments, names
comment on materialized view mv is 'kept rows';
comment on table mv is 'x';
comment on column mv.total is 'a sum';
select obj_description('mv'::regclass), col_description('mv'::regclass, 3);
alter materialized view mv2 rename to mv3;
refresh materialized view mv3;
select count(*) from mv3;
alter materialized view base rename to b;
-- transactions
begin;
insert into base values (9, 'z', 90);
refresh materialized view mv;
select * from mv order by grp;
create materialized view intx as select count(*) as n from base;
select * from intx;
rollback;
select * from mv order by grp;
select * from intx;
-- LIKE, AS
create table l (like mv);
create table ctas as select * from mv;
select * from ctas order by 1;
-- gone
drop table base cascade;
select matviewname from pg_matviews order by 1;
select * from v;
