-- A materialized view is told once.
create schema sm;
create table t (a int);
create materialized view sm.m as select a from t;
drop schema sm;
drop schema sm cascade;
drop table t;
