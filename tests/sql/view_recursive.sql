-- CREATE RECURSIVE VIEW
create table dept (id int primary key, parent int, name text);
insert into dept values (1,null,'root'),(2,1,'a'),(3,2,'b'),(4,1,'c');
create recursive view nums (n) as values (1) union all select n+1 from nums where n < 5;
select * from nums;
create recursive view "Sub" (id, "Depth") as select id, 0 from dept where parent is null union all select d.id, s."Depth" + 1 from dept d join "Sub" s on d.parent = s.id;
select * from "Sub" order by 1;
create or replace recursive view nums (n) as values (1) union all select n+1 from nums where n < 3;
select count(*) from nums;
drop table dept;
alter table dept rename to department;
select * from "Sub" order by 1;
drop view nums, "Sub"; drop table department;
create recursive view nums (n) as select 1;
select * from nums;
drop view nums;
