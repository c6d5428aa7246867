-- A materialized view is told once.
create schema sm;
create table sm.t (a int);
create materialized view sm.m as select a from sm.t;
drop schema sm;
drop schema sm cascade;
