-- System columns that there are not: of tables, and of system relations but xmin.
create table st (a int);
select cmin from st;
select st.xmin from st;
select xmax from pg_class limit 1;
update st set a = 1 where xmax = 0;
select s.xmin from (select 1 as a) s;
drop table st;
