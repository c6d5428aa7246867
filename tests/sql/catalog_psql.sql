-- psql's own look at a database: its queries read pg_catalog.
CREATE SCHEMA shop;
CREATE TABLE shop.kind (id int PRIMARY KEY, name varchar(20) NOT NULL UNIQUE);
CREATE TABLE item (
  id bigint PRIMARY KEY,
  kind int REFERENCES shop.kind ON DELETE SET NULL,
  price numeric(10,2) DEFAULT 0 CHECK (price >= 0),
  label text NOT NULL DEFAULT 'none',
  "Odd one" char(3),
  made timestamptz DEFAULT now()
);
CREATE INDEX item_label ON item (label DESC, id);
CREATE UNIQUE INDEX ON item ("Odd one");
CREATE VIEW cheap AS SELECT id, label FROM item WHERE price < 10;
\d
\d item
\d shop.kind
\d item_label
\d nothing
\dt
\dt shop.*
\dt *.kind
\di
\dv
\dm
\ds
\dn
\dT
\du
\dE
\dD
\dc
\dP
\dy
\dX
\dp item
SET search_path TO shop;
\dt
\d kind
\d public.item
SELECT obj_description('public'::regnamespace, 'pg_namespace'), obj_description('public.item'::regclass, 'pg_class'), col_description('public.item'::regclass, 1);
SELECT relname, relname[0], relname[62], relname[63] IS NULL, relname[64] IS NULL FROM pg_class WHERE relname = 'item';
