-- Rows for the tables of schema.sql: psql -v warehouses=1 -v items=100000 -v customers=3000 -f load.sql
-- The numbers are those of TPC-C; `small` of them for a try. Nothing is random: the same numbers make the same rows.
INSERT INTO warehouse SELECT w, 'house ' || w, 'city ' || w % 7, w % 21 / 100.0, 300000 FROM generate_series(1, :warehouses) w;
INSERT INTO item SELECT i, 'item ' || i, 1 + i * 37 % 9900 / 100.0, CASE WHEN i % 10 = 0 THEN 'ORIGINAL' ELSE 'data ' || i END
FROM generate_series(1, :items) i;
INSERT INTO stock SELECT w_id, i_id, 10 + (i_id * 13 + w_id) % 91, lpad(i_id::text, 24, 'x'), 0, 0, 0, i_data FROM warehouse, item;
INSERT INTO district SELECT w_id, d, 'district ' || d, d % 21 / 100.0, 30000, :customers + 1 FROM warehouse, generate_series(1, 10) d;
-- Last names are three syllables, of the number's digits; many customers share one.
INSERT INTO customer
SELECT d_w_id, d_id, c, 'first ' || c % 11, 'OE', n.syllables[n.n / 100 + 1] || n.syllables[n.n / 10 % 10 + 1] || n.syllables[n.n % 10 + 1],
       timestamp '2024-01-01' + c * interval '1 minute', CASE WHEN c % 10 = 3 THEN 'BC' ELSE 'GC' END, 50000, c % 51 / 100.0, -10, 10, 1, 0,
       repeat('data ', 20)
FROM district, generate_series(1, :customers) c,
     LATERAL (SELECT (c - 1) * 7 % 1000 AS n, '{SEA,OAK,ELM,RYE,TIN,ASH,BAY,IVY,FEN,DEW}'::text[] AS syllables) n;
INSERT INTO history SELECT c_w_id, c_d_id, c_id, c_w_id, c_d_id, c_since, 10, 'first' FROM customer;
-- An order for each customer; the last 30 in 100 are not delivered.
INSERT INTO orders
SELECT c_w_id, c_d_id, c_id, (c_id * 7 + 3) % :customers + 1, c_since, CASE WHEN c_id * 10 <= :customers * 7 THEN c_id % 10 + 1 END, 5 + c_id % 11
FROM customer;
INSERT INTO new_order SELECT o_w_id, o_d_id, o_id FROM orders WHERE o_carrier_id IS NULL;
INSERT INTO order_line
SELECT o_w_id, o_d_id, o_id, n, (o_id * 31 + n * 101) % :items + 1, o_w_id, CASE WHEN o_carrier_id IS NOT NULL THEN o_entry_d END, 5,
       CASE WHEN o_carrier_id IS NULL THEN (o_id * 7 + n) % 9999 / 100.0 ELSE 0 END, lpad(n::text, 24, 'd')
FROM orders, generate_series(1, o_ol_cnt) n;
ANALYZE;
