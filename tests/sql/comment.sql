-- COMMENT ON: kept with what it is on, in transactions, shown by psql.
create table c (id int primary key, a text not null, b int check (b > 0), constraint cu unique (a), constraint cf foreign key (b) references c (id));
create index ci on c (b, a);
create view cv as select id, a from c;
create sequence cs;
create type ct as enum ('x', 'y');
create schema csch;
comment on table c is 'the table';
comment on column c.a is 'its a, with ''quotes'' and Ünïcode';
comment on column c.b is 'to go';
comment on column c.b is null;
comment on index ci is 'an index';
comment on index c_pkey is 'the index beneath';
comment on constraint c_pkey on c is 'the key';
comment on constraint cu on c is 'unique';
comment on constraint c_b_check on c is 'positive';
comment on constraint cf on c is 'to itself';
comment on view cv is 'the view';
comment on column cv.id is 'the id of the view';
comment on sequence cs is 'the sequence';
comment on type ct is 'the type';
comment on schema csch is 'the schema';
\d+ c
\dv+ cv
\dn+ csch
\dT+ ct
\dd
select obj_description('c'::regclass), obj_description('c'::regclass, 'pg_class'), obj_description('c'::regclass, 'pg_type'), col_description('c'::regclass, 2), col_description('c'::regclass, 3), col_description('c'::regclass, 0), obj_description(1);
select obj_description('c_pkey'::regclass, 'pg_class'), obj_description('ci'::regclass, 'pg_class');
select conname, obj_description(oid, 'pg_constraint') from pg_constraint where conrelid = 'c'::regclass order by 1;
select c.relname, d.objsubid, d.description from pg_description d join pg_class c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass where c.relname in ('c', 'cv', 'cs', 'ci', 'c_pkey') order by 1, 2;
-- they stay
drop view cv;
alter table c rename to c2;
create view cv as select id, a from c2;
comment on view cv is 'the view';
comment on column cv.id is 'the id of the view';
create or replace view cv as select id, a, b from c2;
alter table c2 add column d int;
alter type ct add value 'z';
select obj_description('c2'::regclass), col_description('c2'::regclass, 2), obj_description('cv'::regclass), col_description('cv'::regclass, 1), obj_description('ct'::regtype, 'pg_type');
select 'ct'::regtype, 'public.ct'::regtype::oid = 'ct'::regtype, 'ct[]'::regtype, to_regtype('nosuch');
insert into c2 values (1, 'x', 1);
select * from c2;
-- in transactions
begin;
comment on table c2 is 'in the transaction';
create table c3 (x int);
comment on table c3 is 'new';
comment on column c3.x is 'newer';
comment on schema csch is 'changed';
comment on sequence cs is 'changed too';
select obj_description('c2'::regclass), obj_description('c3'::regclass), col_description('c3'::regclass, 1), obj_description('csch'::regnamespace, 'pg_namespace'), obj_description('cs'::regclass);
savepoint s;
comment on table c2 is null;
select obj_description('c2'::regclass);
rollback to s;
select obj_description('c2'::regclass);
rollback;
select obj_description('c2'::regclass), obj_description('csch'::regnamespace, 'pg_namespace'), obj_description('cs'::regclass);
select to_regclass('c3');
-- gone with the object
drop view cv;
drop table c2;
drop type ct;
drop sequence cs;
drop schema csch;
select count(*) from pg_description d where d.description in ('the table', 'the view', 'the type', 'the schema', 'the sequence', 'the key', 'an index');
create table c (id int);
select obj_description('c'::regclass);
-- '' is none
comment on table c is 'x';
comment on table c is '';
select obj_description('c'::regclass), count(*) from pg_description where objoid = 'c'::regclass;
-- what is there without a record
select obj_description('public'::regnamespace, 'pg_namespace');
comment on schema public is 'mine';
select obj_description('public'::regnamespace, 'pg_namespace');
comment on schema public is null;
select obj_description('public'::regnamespace, 'pg_namespace');
comment on schema public is 'standard public schema';
comment on database postgres is 'the other';
comment on database minisql is 'this one';
select datname, shobj_description(oid, 'pg_database') from pg_database where datname in ('postgres', 'minisql') order by 1;
select d.datname, s.description from pg_shdescription s join pg_database d on d.oid = s.objoid where s.classoid = 'pg_database'::regclass and datname in ('postgres', 'minisql') order by 1;
comment on database minisql is null;
comment on database postgres is 'default administrative connection database';
create database cdb;
comment on database cdb is 'for a while';
select shobj_description(oid, 'pg_database') from pg_database where datname = 'cdb';
drop database cdb;
-- LIKE takes them along
create table l (a int check (a > 1), b int);
comment on column l.a is 'la';
comment on constraint l_a_check on l is 'lc';
create index li on l (b);
comment on index li is 'lx';
create table l2 (like l including all);
create table l3 (like l including indexes including constraints);
\d+ l2
select col_description('l2'::regclass, 1), obj_description('l2_b_idx'::regclass), col_description('l3'::regclass, 1), obj_description('l3_b_idx'::regclass);
select obj_description(oid, 'pg_constraint') from pg_constraint where conrelid in ('l2'::regclass, 'l3'::regclass) order by conrelid;
-- errors
comment on table nosuch is 'x';
comment on table nosuch.t is 'x';
comment on view c is 'x';
comment on table li is 'x';
comment on index c is 'x';
comment on index nosuch is 'x';
comment on sequence c is 'x';
comment on column c.nosuch is 'x';
comment on column nosuch.a is 'x';
comment on column c is 'x';
comment on constraint nosuch on c is 'x';
comment on constraint x on nosuch is 'x';
comment on schema nosuch is 'x';
comment on type nosuch is 'x';
comment on database nosuch is 'x';
comment on table c is 5;
