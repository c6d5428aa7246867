SELECT * FROM track_list WHERE artist LIKE 'The%' AND seconds > 300 ORDER BY track_id LIMIT 8;
SELECT genre, count(*), round(avg(seconds), 2) AS mean, max(seconds) FROM track_list GROUP BY genre ORDER BY count(*) DESC, genre NULLS FIRST;
-- the best customers, and who looks after them
SELECT c.first_name || ' ' || c.last_name AS customer, e.last_name AS agent, sum(i.total) AS spent, rank() OVER (ORDER BY sum(i.total) DESC)
FROM customer c JOIN invoice i USING (customer_id) LEFT JOIN employee e ON e.employee_id = c.support_rep
GROUP BY c.customer_id, c.first_name, c.last_name, e.last_name ORDER BY spent DESC, customer LIMIT 10;
-- who reports to whom
WITH RECURSIVE chain AS (
    SELECT employee_id, last_name::text AS path, 0 AS depth FROM employee WHERE reports_to IS NULL
    UNION ALL SELECT e.employee_id, path || ' > ' || e.last_name, depth + 1 FROM employee e JOIN chain c ON c.employee_id = e.reports_to)
SELECT * FROM chain ORDER BY path;
SELECT * FROM sales_by_country WHERE country IN ('USA', 'Norway') ORDER BY country, year;
SELECT coalesce(country, 'all') AS country, coalesce(year::text, 'all') AS year, sum(total) FROM sales_by_country GROUP BY ROLLUP (country, year) ORDER BY country, year;
-- each genre's best seller
SELECT DISTINCT ON (g.name) g.name AS genre, t.name, sum(l.quantity) AS sold
FROM genre g JOIN track t USING (genre_id) JOIN invoice_line l USING (track_id) GROUP BY g.name, t.track_id, t.name ORDER BY g.name, sold DESC, t.name;
SELECT p.name, count(t.track_id) AS tracks, round(coalesce(sum(t.milliseconds), 0) / 60000.0, 1) AS minutes
FROM playlist p LEFT JOIN playlist_track pt USING (playlist_id) LEFT JOIN track t USING (track_id) GROUP BY p.playlist_id, p.name ORDER BY p.playlist_id;
-- artists without an album; albums that nobody bought from
SELECT name FROM artist WHERE NOT EXISTS (SELECT FROM album WHERE album.artist_id = artist.artist_id) ORDER BY artist_id;
SELECT title FROM album WHERE album_id NOT IN (SELECT album_id FROM track JOIN invoice_line USING (track_id) WHERE album_id IS NOT NULL) ORDER BY album_id;
SELECT date_trunc('quarter', invoice_date) AS quarter, sum(total), sum(sum(total)) OVER (ORDER BY date_trunc('quarter', invoice_date)) AS so_far,
       sum(total) - lag(sum(total)) OVER (ORDER BY date_trunc('quarter', invoice_date)) AS change
FROM invoice GROUP BY 1 ORDER BY 1;
SELECT artist.name, x.title, x.tracks FROM artist CROSS JOIN LATERAL (
    SELECT title, count(*) AS tracks FROM album JOIN track USING (album_id) WHERE album.artist_id = artist.artist_id GROUP BY album_id, title ORDER BY 2 DESC, 1 LIMIT 2) x
WHERE artist.artist_id <= 6 ORDER BY artist.artist_id, x.tracks DESC, x.title;
SELECT country, string_agg(DISTINCT first_name, ', ' ORDER BY first_name) FROM customer GROUP BY country ORDER BY country;
-- changes
INSERT INTO customer (first_name, last_name, country, email) VALUES ('Zoe', 'Twice', 'India', 'c1@example.com');
INSERT INTO customer (first_name, last_name, country, email) VALUES ('Zoe', 'Twice', 'India', 'c1@example.com')
ON CONFLICT (email) DO UPDATE SET first_name = excluded.first_name, company = coalesce(customer.company, 'new') RETURNING customer_id, first_name, last_name, company;
DELETE FROM customer WHERE customer_id = 1;
DELETE FROM employee WHERE employee_id = 4 RETURNING last_name;
SELECT count(*) FROM customer WHERE support_rep IS NULL;
UPDATE track SET unit_price = unit_price * 1.1 WHERE genre_id = (SELECT genre_id FROM genre WHERE name = 'Opera');
WITH gone AS (DELETE FROM artist WHERE artist_id IN (3, 4) RETURNING name) SELECT * FROM gone ORDER BY name;
SELECT (SELECT count(*) FROM album) AS albums, (SELECT count(*) FROM track) AS tracks, (SELECT sum(unit_price) FROM track) AS worth;
BEGIN;
INSERT INTO invoice (customer_id, invoice_date, total) VALUES (2, '2024-12-24', 0) RETURNING invoice_id;
SAVEPOINT lines;
INSERT INTO invoice_line (invoice_id, track_id, unit_price) VALUES (9999, 1, 0.99);
ROLLBACK TO lines;
INSERT INTO invoice_line (invoice_id, track_id, unit_price, quantity) SELECT max(invoice_id), 1, 0.99, 3 FROM invoice;
COMMIT;
SELECT i.invoice_id, l.track_id, l.quantity FROM invoice i JOIN invoice_line l USING (invoice_id) WHERE invoice_date = '2024-12-24';
INSERT INTO track (name, milliseconds) VALUES ('Silence', 0);
