-- Foreign keys that are checked at COMMIT, SET CONSTRAINTS.
begin;
create table parent (id int primary key, name text);
create table child (id int primary key, p int constraint child_p references parent deferrable initially deferred);
create table now (id int primary key, p int constraint now_p references parent deferrable);
create table never (id int primary key, p int constraint never_p references parent);
commit;
\d child
\d now
select conname, condeferrable, condeferred, pg_get_constraintdef(oid) from pg_constraint
  where contype = 'f' and conname like any (array['child%', 'now%', 'never%']) order by conname;
select constraint_name, is_deferrable, initially_deferred from information_schema.table_constraints
  where constraint_type = 'FOREIGN KEY' and table_name in ('child', 'now', 'never') order by 1;

-- alone
insert into child values (1, 1);
insert into parent values (1, 'one'), (2, 'two');
insert into child values (1, 1), (2, 2), (3, null);
delete from parent where id = 1;
update parent set id = 3 where id = 2;
update child set p = 9 where id = 3;

-- in a transaction
begin;
insert into child values (4, 4);
insert into parent values (4, 'four');
commit;
begin;
insert into child values (5, 5);
select count(*) from child;
commit;
select count(*) from child;
begin;
delete from parent where id = 1;
commit;
begin;
delete from parent where id = 1;
insert into parent values (1, 'again');
commit;
begin;
delete from parent where id = 1;
delete from child where p = 1;
commit;
select * from parent order by id;
select * from child order by id;

-- savepoints
begin;
insert into child values (6, 6);
savepoint a;
insert into child values (7, 7);
rollback to a;
insert into parent values (6, 'six');
commit;
begin;
savepoint a;
insert into child values (7, 7);
release a;
commit;
begin;
savepoint a;
insert into child values (7, 7);
rollback to a;
commit;
select * from child order by id;

-- set constraints
set constraints all deferred;
begin;
insert into now values (1, 8);
rollback;
begin;
set constraints all deferred;
insert into now values (1, 8);
insert into never values (1, 8);
rollback;
begin;
set constraints all deferred;
insert into now values (1, 8);
insert into parent values (8, 'eight');
insert into never values (1, 8);
commit;
begin;
set constraints now_p deferred;
insert into now values (2, 9);
commit;
begin;
set constraints now_p deferred;
insert into now values (2, 9);
set constraints now_p immediate;
commit;
begin;
insert into child values (9, 9);
set constraints all immediate;
commit;
begin;
set constraints all immediate;
insert into child values (9, 9);
rollback;
begin;
set constraints child_p immediate;
insert into child values (9, 8);
set constraints child_p deferred;
insert into child values (10, 10);
insert into parent values (10, 'ten');
commit;
begin;
set constraints all immediate;
set constraints child_p deferred;
insert into child values (11, 11);
insert into now values (11, 11);
commit;
begin;
insert into child values (12, 12);
savepoint a;
set constraints all immediate;
rollback to a;
insert into parent values (12, 'twelve');
set constraints all immediate;
set constraints all deferred;
insert into child values (13, 13);
delete from child where id = 13;
commit;
begin;
set constraints nope deferred;
rollback;
begin;
set constraints never_p deferred;
rollback;
begin;
set constraints parent_pkey deferred;
rollback;
begin;
set constraints nope.now_p deferred;
rollback;
select * from parent order by id;
select * from child order by id;
select * from now order by id;

-- alter constraint
alter table never alter constraint never_p deferrable initially deferred;
begin;
insert into never values (20, 20);
insert into parent values (20, 'twenty');
commit;
alter table never alter constraint never_p not deferrable;
insert into never values (21, 21);
alter table never alter constraint nope deferrable;
alter table never alter constraint never_pkey deferrable;
\d never

-- cycles, and what is wrong
begin;
create table egg (id int primary key, hen int);
create table hen (id int primary key, egg int references egg deferrable initially deferred);
alter table egg add foreign key (hen) references hen deferrable initially deferred;
insert into egg values (1, 1);
insert into hen values (1, 1);
commit;
insert into egg values (2, 2);
with e as (insert into egg values (2, 2)) insert into hen values (2, 2);
select * from egg order by id;
select * from hen order by id;
create table wrong (a int references parent initially deferred not deferrable);
create table wrong (a int deferrable);
create table wrong (a int check (a > 0) deferrable);
create table wrong (a int references parent deferrable not deferrable);
create table wrong (a int references parent initially deferred initially immediate);

-- what SET CONSTRAINTS said after a savepoint goes with what it is gone back to
create table held (id int primary key);
create table holds (id int primary key, h int references held deferrable);
begin;
savepoint s;
set constraints all deferred;
insert into holds values (1, 1);
rollback to s;
insert into holds values (2, 2);
rollback;
begin;
set constraints all deferred;
insert into holds values (1, 1);
savepoint s;
insert into held values (1);
set constraints all immediate;
insert into holds values (2, 1);
rollback to s;
insert into holds values (3, 3);
set constraints holds_h_fkey immediate;
rollback to s;
insert into held values (1);
insert into holds values (4, 4);
insert into held values (4);
commit;
select * from holds order by id;
drop table holds, held;

-- violated before SET CONSTRAINTS, mended after it
create table held (id int primary key);
create table later (p int references held deferrable initially deferred);
create table holds (p int references held deferrable);
begin;
insert into later values (5);
set constraints all deferred;
insert into held values (5);
commit;
begin;
insert into later values (6);
set constraints all deferred;
insert into holds values (7);
insert into held values (6);
commit;
begin;
insert into later values (6);
set constraints all deferred;
insert into holds values (7);
insert into held values (7);
commit;
select * from later, holds;
drop table later, holds, held;
