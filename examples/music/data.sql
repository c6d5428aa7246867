-- Nothing is random: the same rows each time.
INSERT INTO genre VALUES (1, 'Rock'), (2, 'Jazz'), (3, 'Metal'), (4, 'Blues'), (5, 'Opera'), (6, 'Samba');
INSERT INTO artist (name) SELECT (ARRAY['The ', 'Los ', 'Die ', ''])[i % 4 + 1] || (ARRAY['Otters', 'Lanterns', 'Sparrows', 'Kettles', 'Foxgloves'])[i % 5 + 1] || CASE WHEN i > 20 THEN ' ' || i ELSE '' END
FROM generate_series(1, 40) i;
INSERT INTO album (title, artist_id) SELECT 'Album ' || i || CASE i % 7 WHEN 0 THEN ' (live)' WHEN 3 THEN ', remastered' ELSE '' END, i * 11 % 37 + 1 FROM generate_series(1, 90) i;
INSERT INTO track (name, album_id, genre_id, composer, milliseconds, bytes, unit_price)
SELECT 'Song ' || i, CASE WHEN i % 53 <> 0 THEN i * 7 % 90 + 1 END, nullif(i % 7, 0), CASE WHEN i % 3 = 0 THEN 'Composer ' || i % 17 END,
       60000 + i * 7919 % 400000, 1000000 + i::bigint * 104729 % 9000000, CASE WHEN i % 10 = 0 THEN 1.99 ELSE 0.99 END
FROM generate_series(1, 900) i;
INSERT INTO playlist (name) VALUES ('Music'), ('On the road'), ('90’s'), ('Heavy'), ('Empty');
INSERT INTO playlist_track SELECT p, t FROM generate_series(1, 4) p, generate_series(1, 900) t WHERE t % (p * p + 2) = 1;
INSERT INTO employee (last_name, title, reports_to, hired) VALUES ('Adler', 'Manager', NULL, '2015-03-01'), ('Brandt', 'Sales', 1, '2016-05-02 09:00'),
    ('Cohen', 'Sales', 2, '2017-10-17'), ('Duarte', 'Sales', 2, '2018-01-02'), ('Evans', 'IT', 1, '2019-06-30 12:30'), ('Fischer', 'IT', 5, '2020-02-29');
INSERT INTO customer (first_name, last_name, company, country, email, support_rep)
SELECT (ARRAY['Ada', 'Bo', 'Céline', 'Dan', 'Eva', 'Fay'])[i % 6 + 1], 'Name ' || i, CASE WHEN i % 5 = 0 THEN 'Company ' || i / 10 END,
       (ARRAY['Brazil', 'Canada', 'Germany', 'India', 'Norway', 'USA', 'USA'])[i * 3 % 7 + 1], 'c' || i || '@example.com', i % 3 + 2
FROM generate_series(1, 60) i;
INSERT INTO invoice (customer_id, invoice_date, billing_country, total)
SELECT customer_id, timestamp '2021-01-01' + (n * 37 + customer_id * 5) % 1400 * interval '1 day', country, 0 FROM generate_series(1, 6) n, customer ORDER BY n, customer_id;
INSERT INTO invoice_line (invoice_id, track_id, unit_price, quantity)
SELECT invoice_id, track_id, unit_price, 1 + track_id % 2 FROM invoice JOIN track ON track_id % 300 = invoice_id * 13 % 300 OR track_id = invoice_id ORDER BY invoice_id, track_id;
UPDATE invoice SET total = of_lines.total FROM (SELECT invoice_id, sum(unit_price * quantity) AS total FROM invoice_line GROUP BY invoice_id) of_lines WHERE of_lines.invoice_id = invoice.invoice_id;
ANALYZE;
