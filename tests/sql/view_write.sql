-- Views that are written to.
create table base (id int primary key, a text not null default 'dflt', b int, c numeric(6, 2) default 1.5, gen int generated always as (b * 2) stored);
insert into base values (1, 'one', 10, 1), (2, 'two', 20, 2), (3, 'three', 30, 3), (4, 'four', 40, 4);
create view plain as select id, a, b from base;
create view renamed (key, label, n, twice) as select id, a, b, b * 2 from base where b >= 20;
create view upon as select key as k, label as l, n from renamed where n < 40;
create view ordered as select b, id from base order by b desc;

insert into plain values (5, 'five', 50);
insert into plain (id) values (6);
insert into plain (id, b) values (7, default), (8, 80) returning *;
insert into plain select id + 100, a || '!', b from plain where id < 3 returning id, a;
update plain set a = upper(a), b = b + 1 where id = 1 returning *, b * 2 as twice;
update plain p set b = p.b + o.b from ordered o where o.id = p.id and p.id = 2 returning p.id, p.b, o.b;
delete from plain where id > 100 returning id;
select * from base order by id;

insert into renamed (key, label, n) values (10, 'ten', 100);
insert into renamed (key, label, n) values (11, 'hidden', 1);
select * from renamed order by key;
update renamed set label = 'x' where key = 11;
update renamed set label = 'big ' || label, n = n + 1 where twice > 60;
select * from renamed order by key;
update renamed set twice = 5;
insert into renamed values (20, 'y', 5, 10);
insert into renamed values (20, 'y', 25, default);
insert into renamed (key, label, n, twice) values (21, 'y', 25, default) returning twice;
delete from renamed where key = 11;
delete from renamed r using plain p where p.id = r.key and p.id = 20;
insert into upon values (30, 'thirty', 30);
update upon set l = 'U', n = 39 where k = 30 returning *;
update upon set n = 50 where k = 30 returning *;
update upon set l = 'none' where k = 30;
delete from upon where k = 3 returning l;
insert into upon (nope) values (1);
update upon set nope = 1;
select * from upon order by k;
update plain set b = (select max(n) from renamed) where id = 4;
update plain set (a, b) = (select 'both', 7) where id = 4 returning *;
with w as (insert into plain values (60, 'w', 60) returning id) select * from w;
with d as (delete from renamed where key = 10 returning key, twice) select * from d;
select id, a, b, gen from base order by id;

-- ON CONFLICT
insert into plain values (1, 'again', 1) on conflict do nothing;
insert into plain values (1, 'again', 1) on conflict (id) do update set a = excluded.a, b = plain.b + excluded.b returning *;
insert into renamed (key, label, n) values (1, 'r', 99) on conflict (key) do update set label = excluded.label where renamed.n < 100 returning key, label;
insert into renamed (key, label, n) values (1, 'r', 99) on conflict (nope) do nothing;

-- errors of the table
insert into plain values (1, 'dup', 1);
insert into plain values (200, null, 1);
insert into plain values ('x', 'y', 1);
insert into plain values (200, 'a', 1, 2);
insert into plain (id, id) values (1, 2);
update plain set b = 1, b = 2;

-- not simple
create view v_distinct as select distinct a from base;
create view v_group as select a, count(*) from base group by a;
create view v_having as select 1 as one from base having count(*) > 0;
create view v_union as select id from base union select 1;
create view v_with as with x as (select 1) select id from base;
create view v_limit as select id from base limit 1;
create view v_agg as select count(*) from base;
create view v_window as select id, row_number() over (order by id) from base;
create view v_set as select generate_series(1, 3), id from base;
create view v_join as select b1.id from base b1 join base b2 using (id);
create view v_two as select b1.id from base b1, base b2;
create view v_none as select 1 as one;
create view v_values as values (1, 2);
create view v_sub as select id from (select id from base) s;
create view v_expr as select id + 1 as id1 from base;
create view v_over as select id from v_limit;
insert into v_distinct values ('x');
insert into v_group values ('x', 1);
update v_having set one = 1;
delete from v_union;
insert into v_with values (1);
delete from v_limit;
update v_agg set count = 1;
update v_window set id = 1;
delete from v_set;
insert into v_join values (1);
delete from v_two;
insert into v_none values (1);
insert into v_values values (1, 2);
delete from v_sub;
insert into v_expr values (1);
update v_expr set id1 = 1;
delete from v_expr where id1 = 61 returning id1;
delete from v_over;
merge into plain p using base b on p.id = b.id when matched then delete;
truncate plain;

-- WITH CHECK OPTION
create view checked as select id, a, b from base where b > 10 with check option;
create view local_over as select * from renamed where n < 1000 with local check option;
create view cascaded_over as select * from renamed where n < 1000 with cascaded check option;
create view beneath as select * from checked where b < 500;
create view by_option with (check_option = local) as select id, b from base where b <> 13;
insert into checked values (300, 'in', 11);
insert into checked values (301, 'out', 10);
insert into checked (id) values (302);
insert into checked select 303, 'out', 5;
insert into checked values (304, 'in', 12), (305, 'out', 5);
update checked set b = b - 100 where id = 300;
update checked set a = 'fine' where id = 300 returning *;
update checked set b = null where id = 300;
insert into local_over (key, label, n) values (310, 'below', 5);
insert into local_over (key, label, n) values (311, 'above', 5000);
insert into cascaded_over (key, label, n) values (312, 'below', 5);
insert into cascaded_over (key, label, n) values (313, 'above', 5000);
insert into beneath values (314, 'low', 1);
insert into beneath values (315, 'high', 1000);
insert into by_option values (316, 13);
insert into by_option values (316, 14);
update by_option set b = 13 where id = 316;
create view bad_option as select distinct a from base with check option;
create view bad_option with (check_option = nope) as select a from base;
select id, a, b from base where id >= 300 order by id;

-- catalogs
select table_name, is_updatable, is_insertable_into, check_option from information_schema.views where table_schema = 'public' order by 1;
select table_name, is_insertable_into from information_schema.tables where table_schema = 'public' order by 1;
select table_name, column_name, is_updatable from information_schema.columns where table_name in ('renamed', 'upon', 'v_expr', 'base', 'v_union') order by 1, ordinal_position;
select pg_relation_is_updatable('plain'::regclass, false), pg_relation_is_updatable('v_union'::regclass, false), pg_relation_is_updatable('v_expr'::regclass, false), pg_relation_is_updatable('base'::regclass, false);
select relname, reloptions from pg_class where relname in ('checked', 'local_over', 'by_option', 'plain') order by 1;
prepare p as update renamed set label = $2 where key = $1 returning key, label;
execute p (2, 'prepared');
deallocate p;
begin;
insert into checked values (400, 'tx', 400);
savepoint s;
insert into checked values (401, 'tx', 4);
rollback to s;
select id from checked where id = 400;
rollback;
\set VERBOSITY terse
drop table base cascade;
