-- INSERT .. VALUES of one row with functions that return rows
create table vt (a int, b text default 'dflt', c date, d serial);
insert into vt values (generate_series(1,3));
insert into vt values (generate_series(1,3), default, '2024-01-01');
insert into vt values (generate_series(1,2) + 10, 'x' || generate_series(5,7), date '2024-02-01');
insert into vt (c, a) values ('2024-03-01', generate_series(20,21)) returning a, c;
insert into vt (c, a) values (default, unnest(array[30,31]));
insert into vt values (1, 2, null, 4, generate_series(1,2));
insert into vt (a, b) values (generate_series(1,2));
insert into vt values (generate_series(1,2)), (5);
insert into vt values ((generate_series(100,101))::int, random() < 2) on conflict do nothing;
select a, b, c from vt order by 1,2,3;
drop table vt;
