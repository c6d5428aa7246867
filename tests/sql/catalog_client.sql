-- What graphical clients, dashboards and mappers ask about a schema: the same relations and functions.
create schema shop;
create type shop.mood as enum ('good', 'bad', 'so so');
create table shop.owner (id serial primary key, name varchar(40) not null constraint owner_name unique, mood shop.mood default 'good', since timestamptz not null default now());
create table shop.pet (id int generated always as identity, name text, owner int not null references shop.owner on delete cascade on update no action, price numeric(10, 2) constraint pet_price check (price > 0), tags text[] default '{}', loud text generated always as (name || '!') stored, primary key (id));
create index pet_by_name on shop.pet (lower(name) desc, owner) include (price) where price > 1;
create unique index pet_tags on shop.pet (owner, tags);
create view shop.happy as select id, name from shop.owner where mood = 'good';
create materialized view shop.cheap as select id, price from shop.pet where price < 10;
create sequence shop.counter start 5 increment 3 maxvalue 100 cycle;
comment on table shop.pet is 'animals';
comment on column shop.pet.price is 'in coins';
comment on schema shop is 'a shop';
comment on index shop.pet_by_name is 'to find them';
-- trees of objects
select n.nspname, pg_get_userbyid(n.nspowner) as owner, obj_description(n.oid, 'pg_namespace'), has_schema_privilege(n.oid, 'create') from pg_namespace n where n.nspname = 'shop';
select c.relname, c.relkind, c.relpersistence, c.relhasindex, c.relnatts, c.relchecks, c.relispartition, c.relreplident, am.amname, d.description, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid), c.reltype > 0 as typed
  from pg_class c left join pg_am am on am.oid = c.relam left join pg_description d on d.objoid = c.oid and d.objsubid = 0 and d.classoid = 'pg_class'::regclass
  where c.relnamespace = 'shop'::regnamespace order by c.relkind, c.relname;
select a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attndims, a.attstorage = t.typstorage as usual, pg_get_expr(ad.adbin, ad.adrelid, true), col_description(a.attrelid, a.attnum), co.collname, a.attislocal, a.attinhcount
  from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_attrdef ad on (ad.adrelid, ad.adnum) = (a.attrelid, a.attnum) left join pg_collation co on co.oid = a.attcollation
  where a.attrelid = 'shop.pet'::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum;
select con.conname, con.contype, con.conkey, con.confkey, f.relname, con.confupdtype, con.confdeltype, con.confmatchtype, con.condeferrable, con.convalidated, i.relname as index, pg_get_constraintdef(con.oid, true)
  from pg_constraint con left join pg_class f on f.oid = con.confrelid left join pg_class i on i.oid = con.conindid where con.connamespace = 'shop'::regnamespace order by con.conname;
select ci.relname, i.indisunique, i.indisprimary, i.indisvalid, i.indnatts, i.indnkeyatts, i.indkey, i.indoption, pg_get_indexdef(i.indexrelid, 1, true), pg_get_indexdef(i.indexrelid, 2, true), pg_get_expr(i.indpred, i.indrelid), pg_get_expr(i.indexprs, i.indrelid), array(select opcname::text from unnest(i.indclass) with ordinality u(o, n) join pg_opclass p on p.oid = u.o order by u.n), obj_description(i.indexrelid, 'pg_class')
  from pg_index i join pg_class ci on ci.oid = i.indexrelid where i.indrelid = 'shop.pet'::regclass order by 1;
select ci.relname, k.n, a.attname, pg_index_column_has_property(i.indexrelid, k.n, 'desc') as descending from pg_index i join pg_class ci on ci.oid = i.indexrelid cross join generate_series(1, i.indnkeyatts) as k(n) join pg_attribute a on a.attrelid = i.indexrelid and a.attnum = k.n where i.indrelid = 'shop.pet'::regclass order by 1, 2;
select s.relname, q.seqstart, q.seqincrement, q.seqmax, q.seqmin, q.seqcache, q.seqcycle, format_type(q.seqtypid, null), d.deptype, t.relname as owner, a.attname
  from pg_sequence q join pg_class s on s.oid = q.seqrelid left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid and d.deptype in ('a', 'i') and d.refobjsubid > 0 left join pg_class t on t.oid = d.refobjid left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid where s.relnamespace = 'shop'::regnamespace order by 1;
select sequencename, sequenceowner, data_type, start_value, increment_by, cycle, last_value from pg_sequences where schemaname = 'shop' order by 1;
select t.typname, t.typtype, t.typcategory, array_agg(e.enumlabel order by e.enumsortorder) from pg_type t join pg_enum e on e.enumtypid = t.oid where t.typnamespace = 'shop'::regnamespace group by 1, 2, 3;
select t.typname, t.typtype, c.relkind, et.typname as element from pg_type t left join pg_class c on c.oid = t.typrelid left join pg_type et on et.oid = t.typelem where t.typnamespace = 'shop'::regnamespace order by t.typname;
-- what depends on a table
select distinct d.deptype, d.classid::regclass::text as class, coalesce(c.relname, con.conname, r.rulename, t.typname, a.adnum::text) as name
  from pg_depend d left join pg_class c on d.classid = 'pg_class'::regclass and c.oid = d.objid left join pg_constraint con on d.classid = 'pg_constraint'::regclass and con.oid = d.objid left join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid left join pg_type t on d.classid = 'pg_type'::regclass and t.oid = d.objid left join pg_attrdef a on d.classid = 'pg_attrdef'::regclass and a.oid = d.objid
  where d.refobjid = 'shop.owner'::regclass and d.classid <> 'pg_trigger'::regclass and d.classid <> 'pg_type'::regclass order by 2, 3;
select v.relname, t.relname from pg_rewrite r join pg_class v on v.oid = r.ev_class join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class join pg_class t on t.oid = d.refobjid where v.relnamespace = 'shop'::regnamespace group by 1, 2 order by 1;
-- foreign keys, column by column
select fk.conname, child.relname, ca.attname, parent.relname, pa.attname, k.n
  from pg_constraint fk join pg_class child on child.oid = fk.conrelid join pg_class parent on parent.oid = fk.confrelid, lateral unnest(fk.conkey, fk.confkey) with ordinality as k(c, p, n) join pg_attribute ca on ca.attnum = k.c join pg_attribute pa on pa.attnum = k.p
  where ca.attrelid = fk.conrelid and pa.attrelid = fk.confrelid and fk.contype = 'f' and fk.connamespace = 'shop'::regnamespace order by 1, k.n;
select rc.constraint_name, kcu.table_name, kcu.column_name, ccu.table_name, ccu.column_name, rc.update_rule, rc.delete_rule from information_schema.referential_constraints rc join information_schema.key_column_usage kcu using (constraint_schema, constraint_name) join information_schema.constraint_column_usage ccu using (constraint_schema, constraint_name) where rc.constraint_schema = 'shop';
select table_name, column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, datetime_precision, udt_schema, udt_name, is_identity, identity_generation, is_generated, generation_expression from information_schema.columns where table_schema = 'shop' order by 1, 3;
select table_name, table_type from information_schema.tables where table_schema = 'shop' order by 1;
select tc.table_name, tc.constraint_name, tc.constraint_type, kcu.column_name from information_schema.table_constraints tc left join information_schema.key_column_usage kcu using (constraint_schema, constraint_name) where tc.table_schema = 'shop' and tc.constraint_name not like '%_not_null' order by 1, 2, 4;
-- who may do what
select c.relname, p.privilege_type, p.is_grantable from pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) p where c.oid = 'shop.pet'::regclass order by 2;
select has_table_privilege('shop.pet', 'select, insert'), has_any_column_privilege('shop.pet', 'update'), has_column_privilege('shop.pet', 'price', 'references'), has_sequence_privilege('shop.counter', 'usage'), has_database_privilege(current_database(), 'temp');
select grantee, privilege_type from information_schema.role_table_grants where table_schema = 'shop' and table_name = 'pet' order by 2;
-- dashboards
select count(*) > 0 as here, bool_or(a.pid = pg_backend_pid()) as me, count(*) filter (where cardinality(pg_blocking_pids(a.pid)) > 0) as blocked from pg_stat_activity a where a.datname = current_database();
select l.locktype, l.mode, l.granted, a.usename from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory';
select s.relname, s.n_live_tup >= 0, s.last_vacuum is null, io.heap_blks_hit >= 0 from pg_stat_user_tables s join pg_statio_user_tables io using (relid) where s.schemaname = 'shop' order by 1;
select indexrelname, idx_tup_read >= 0 from pg_stat_user_indexes where schemaname = 'shop' order by 1;
select relname, pg_total_relation_size(c.oid) >= pg_relation_size(c.oid), pg_size_pretty(pg_indexes_size(c.oid)) is not null from pg_class c where c.relnamespace = 'shop'::regnamespace and relkind = 'r' order by 1;
select numbackends > 0, deadlocks >= 0, pg_database_size(datname) > 0 from pg_stat_database where datname = current_database();
select category, vartype, context from pg_settings where name in ('work_mem', 'search_path', 'enable_seqscan', 'random_page_cost', 'DateStyle', 'statement_timeout', 'bytea_output') order by name;
-- what mappers load of types and functions
select t.typname, t.typlen, t.typdelim, t.typinput::regproc, t.typreceive::regproc, t.typtype, e.typname from pg_type t left join pg_type e on e.oid = t.typelem and t.typinput = 'array_in'::regproc where t.typname in ('int4', '_int4', 'text', '_text', 'mood', '_mood', 'pet', '_pet', 'jsonb', 'numeric') and t.typnamespace in ('pg_catalog'::regnamespace, 'shop'::regnamespace) order by 1;
select count(*) from pg_proc p where p.pronamespace = 'shop'::regnamespace and p.prorettype <> 'trigger'::regtype;
select json_agg(x order by x.name) from (select c.relname as name, (select json_agg(json_build_object('column', a.attname, 'type', a.atttypid::regtype::text) order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0) as columns from pg_class c where c.relnamespace = 'shop'::regnamespace and c.relkind = 'v') x;
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind = any (array['r', 'p', 'v', 'm', 'f']::"char"[]) and not pg_is_other_temp_schema(n.oid) order by 1, 2;
set client_min_messages = warning; -- objects get their numbers in another order on several servers
drop schema shop cascade;
