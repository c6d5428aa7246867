-- ALTER TABLE's forms about constraints.
begin; -- so that they lie in one region
create table p (id int primary key, code text, n int);
create table c (id int primary key, p_id int, code text, q numeric(5,2));
commit;
insert into p values (1, 'one', 10), (2, 'two', 20), (3, null, 30);
insert into c values (1, 1, 'one', 1.50), (2, 2, 'two', 2), (3, null, null, 3), (4, 9, 'nine', -1);

-- foreign keys
alter table c add constraint c_p foreign key (p_id) references p (id);
delete from c where id = 4;
alter table c add constraint c_p foreign key (p_id) references p (id);
alter table c add constraint c_p foreign key (p_id) references p (id);
alter table c add column q_id int;
alter table c add foreign key (q_id) references p on delete cascade on update set null;
alter table c add foreign key (code) references p (code);
alter table c add foreign key (nope) references p;
alter table c add foreign key (p_id) references p (nope);
alter table c add foreign key (p_id) references nope;
alter table c add foreign key (p_id, id) references p;
alter table c add foreign key (code) references p;
insert into c values (5, 7, null, 1);
delete from p where id = 2;
\d c
\d p
select conname, contype, convalidated, condeferrable, condeferred, pg_get_constraintdef(oid) from pg_constraint
  where conrelid in ('c'::regclass, 'p'::regclass) order by conname;

-- keys
alter table p add constraint p_code unique (code), add unique (n, code);
insert into p values (4, 'one', 1);
alter table c add foreign key (code) references p (code);
insert into c values (6, 1, 'zzz', 1);
update p set n = 10 where id = 2;
alter table p add unique (n);
update p set n = 20 where id = 2;
alter table p add unique (n);
alter table p add primary key (n);
alter table p add constraint p_n_key unique (n);
create table nulls (a int, b int);
insert into nulls values (1, null), (1, 2), (null, 2);
alter table nulls add primary key (b);
alter table nulls add primary key (a);
alter table nulls add unique (a, b);
insert into nulls values (1, 2);

-- checks
alter table c add constraint positive check (q > 0);
insert into c values (7, null, null, -1);
alter table c add constraint small check (q < 2);
alter table c add check (q < 100), add check (id > 0 and p_id > 0);
alter table c add check (nope > 0);
alter table c add check (q);
alter table c add constraint positive check (q > 1);
insert into c values (-7, null, null, 1);
\d c

-- not valid
alter table c add constraint small check (q < 2) not valid;
alter table c add constraint other foreign key (id) references p (id) not valid;
insert into c values (8, null, null, 2);
insert into c values (8, null, null, 1);
select conname, convalidated, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'c'::regclass order by conname;
\d c
alter table c validate constraint small;
alter table c validate constraint nope;
alter table c validate constraint c_pkey;
delete from c where q >= 2;
alter table c validate constraint small;
alter table c validate constraint other;
select conname, convalidated from pg_constraint where conrelid = 'c'::regclass order by conname;

-- drop
alter table c drop constraint nope;
alter table c drop constraint if exists nope;
alter table c drop constraint small, drop constraint other;
insert into c values (9, null, null, 2);
alter table p drop constraint p_pkey;
alter table p drop constraint p_code;
alter table p drop constraint p_code cascade;
insert into p values (5, 'one', 50);
alter table p drop constraint p_pkey cascade;
insert into p values (1, 'again', 60);
\d p
\d c
select * from p order by id, n;
update p set id = 100 where n = 60;
select * from p order by id, n;
alter table p add primary key (id);
alter table c drop constraint c_pkey;
insert into c values (9, null, null, 2);
select * from c order by id, q;
drop index p_n_key;

-- rename
alter table p rename constraint p_n_key to n_is_unique;
alter table p rename constraint nope to nope2;
alter table p rename constraint n_is_unique to p_pkey;
alter table c rename constraint positive to above_zero;
alter table c rename constraint above_zero to c_check;
insert into c values (10, null, null, -1);
insert into p values (6, 'six', 10);
drop index n_is_unique;
\d p

-- columns with constraints
alter table c add column p2 int references p;
alter table c add column p3 int default 1 references p (id);
alter table c add column p4 int default 5 references p on delete set null, add column p5 int check (p5 > 0), add column u int unique;
alter table c add column p6 int default 0 check (p6 > 0);
alter table c add column u2 int default 7 unique;
alter table c add column k int primary key;
\d c
insert into c (id, p2) values (20, 77);
insert into c (id, p5) values (20, 0);
insert into c (id, u) values (20, 1), (21, 1);
select id, p2, p4, p5, u from c order by id, q;

-- a unique index becomes a key
create table i (a int, b int);
create unique index i_a on i (a);
create index i_b on i (b);
create unique index i_part on i (b) where b > 0;
insert into i values (1, 1);
alter table i add constraint i_b_key unique using index i_b;
alter table i add constraint i_part_key unique using index i_part;
alter table i add constraint nope unique using index nope;
alter table i add constraint i_key primary key using index i_a;
alter table i add constraint again unique using index i_key;
drop index i_part;
insert into i values (null, 1);
insert into i values (1, 1);
\d i

-- several at once are all or nothing
alter table i add check (b > 0), add check (b > 1);
alter table i drop constraint i_key, add primary key (b);
\d i

-- what is referenced
create table tree (id int primary key, parent int);
insert into tree values (1, null), (2, 1), (3, 2);
alter table tree add foreign key (parent) references tree on delete cascade;
delete from tree where id = 2;
select * from tree;
alter table tree drop constraint tree_pkey;
alter table tree drop constraint tree_pkey cascade;
\d tree
create table a1 (id int primary key);
create table a2 (id int references a1);
create view v as select id from a1;
drop table a1;
drop table a1 cascade;
\d a2
insert into a2 values (1);

-- in a transaction
begin;
create table t1 (id int);
create table t2 (id int);
insert into t1 values (1);
alter table t1 add primary key (id);
alter table t2 add foreign key (id) references t1;
savepoint s;
insert into t2 values (2);
rollback to s;
alter table t2 drop constraint t2_id_fkey;
insert into t2 values (2);
rollback to s;
alter table t2 add check (id > 0);
commit;
\d t2
insert into t2 values (2);
insert into t2 values (1);
begin;
alter table t2 drop constraint t2_id_check;
alter table t1 drop constraint t1_pkey cascade;
insert into t2 values (-2);
rollback;
insert into t2 values (-2);
\d t2

-- a schema goes
begin;
create schema gone;
create table gone.t (id int primary key);
create table stays (id int references gone.t, other int);
commit;
drop schema gone;
drop schema gone cascade;
insert into stays values (1, 2);
\d stays

-- triggers: there are none
alter table stays enable trigger all, disable trigger user;
alter table stays enable trigger user;
alter table stays disable trigger nope;
alter table stays enable always trigger nope;
