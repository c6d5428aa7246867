create table s1 (a int primary key, b text not null default 'x', c varchar(10) unique, d serial, e int generated always as identity (start 5 increment 2), check (a > 0), constraint q check (length(b) < 10));
create index on s1 (b desc, c);
create unique index s1u on s1 (c) where a > 3;
create view vv as select a, b from s1;
create table l1 (like s1);
\d l1
create table l2 (like s1 including all);
\d l2
create table l3 (x int, like s1 including defaults including constraints, y int);
\d l3
create table l4 (like s1 including all excluding indexes excluding identity, primary key (b));
\d l4
create table l5 (like vv including all);
\d l5
create table l6 (a int, like s1);
create table l6 (like nosuch);
create table l6 (like s1_pkey);
create table l6 (like s1_d_seq);
create table l6 (like s1 including indexes, primary key (b));
create table l6 (z int primary key, like s1 including indexes);
create table l7 (like s1 including identity);
\d l7
insert into l7 (a,b,d) values (1,'a',3) returning *;
create table l8 (like l2 including all, like vv);
create table l8 (id int, like l2 including all, check (id > a));
\d l8
create table if not exists l8 (like s1);
create table l9 (like s1, like s1);
create type mood as enum ('sad', 'happy');
create table m (a mood default 'sad', b numeric(5, 2) default 1.5, c mood[], d timestamp(3), check (b > 1));
create table m2 (like m including all);
insert into m2 default values returning *;
insert into m2 (b) values (0.5);
insert into l8 (id, a) values (1, 2);
insert into l8 (id, a, b) values (3, 2, 'y'), (4, 3, 'z') returning *;
insert into l8 (id, a, c) values (5, 2, 'y');
create schema other;
create table other.m (like m including defaults, like public.s1 including all, f int);
\d other.m
begin;
create table t1 (a int primary key, b text);
create index on t1 (b);
create table t2 (like t1 including all, c int);
insert into t2 values (1, 'x', 3);
\d t2
rollback;
select 1; create table lm (like m); select 2; create table "Lx" (like "lm", "Bb" int); select 3;
\d "Lx"
create table lx (like m, like);
create table lx (like m including everything);
