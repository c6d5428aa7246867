SELECT * FROM film_list WHERE category = 'Horror' AND rated >= 'PG-13' ORDER BY film_id LIMIT 6;
SELECT rated, count(*), min(length), max(title) FROM film GROUP BY rated ORDER BY rated DESC;
SELECT * FROM customer_list WHERE country = 'Japan' AND notes = '' ORDER BY id;
SELECT * FROM sales_by_category ORDER BY total DESC;
-- arrays
SELECT title, special_features FROM film WHERE 'Deleted Scenes' = ANY (special_features) AND special_features[1] = 'Trailers' ORDER BY title LIMIT 4;
SELECT feature, count(*) FROM film, unnest(special_features) AS feature GROUP BY feature ORDER BY count(*) DESC, feature;
SELECT count(*) FROM film WHERE special_features @> ARRAY['Commentaries'] OR special_features IS NULL;
SELECT rated, array_agg(DISTINCT release_year ORDER BY release_year DESC) FROM film WHERE film_id < 20 GROUP BY rated ORDER BY rated;
SELECT title, array_length(special_features, 1), special_features || 'Poster' FROM film WHERE film_id <= 4 ORDER BY film_id;
-- jsonb
SELECT facts->>'stars' AS stars, count(*), count(*) FILTER (WHERE facts->'prizes' ? 'best film') AS prized FROM film GROUP BY 1 ORDER BY 1;
SELECT title, facts FROM film WHERE facts @> '{"stars": 5, "prizes": []}' ORDER BY film_id LIMIT 3;
UPDATE film SET facts = jsonb_set(facts, '{stars}', '6') WHERE facts->>'stars' = '5' AND rated = 'R' RETURNING film_id, facts;
-- what is overdue: a partial index knows what is out
SELECT c.first_name, f.title, r.rental_date + f.rental_duration * interval '1 day' AS due
FROM rental r JOIN inventory i USING (inventory_id) JOIN film f USING (film_id) JOIN customer c USING (customer_id)
WHERE r.return_date IS NULL ORDER BY due, f.title LIMIT 8;
SELECT store_id, film_id, count(*) AS copies, count(*) FILTER (WHERE r.rental_id IS NOT NULL) AS out
FROM inventory i LEFT JOIN rental r ON r.inventory_id = i.inventory_id AND r.return_date IS NULL WHERE film_id < 6 GROUP BY store_id, film_id ORDER BY 1, 2;
-- time
SELECT to_char(rental_date, 'YYYY-MM') AS month, extract(isodow FROM rental_date) AS day, count(*) FROM rental GROUP BY 1, 2 ORDER BY 1, 2;
SELECT percent_rank() OVER w, customer_id, sum(amount) FROM payment JOIN rental USING (rental_id) WHERE customer_id < 12 GROUP BY customer_id WINDOW w AS (ORDER BY sum(amount)) ORDER BY 3, 2;
SELECT date_trunc('week', payment_date AT TIME ZONE 'UTC') AS week, sum(amount), avg(sum(amount)) OVER (ORDER BY date_trunc('week', payment_date AT TIME ZONE 'UTC') ROWS 2 PRECEDING)::numeric(10, 2) AS smooth
FROM payment GROUP BY 1 ORDER BY 1;
SELECT rental_id, return_date - rental_date AS kept, age(return_date, rental_date) FROM rental WHERE rental_id IN (1, 2, 12) ORDER BY 1;
-- pairs of actors who played together often
SELECT a.last_name, b.last_name, count(*) FROM film_actor x JOIN film_actor y ON y.film_id = x.film_id AND y.actor_id > x.actor_id
     JOIN actor a ON a.actor_id = x.actor_id JOIN actor b ON b.actor_id = y.actor_id
GROUP BY x.actor_id, y.actor_id, a.last_name, b.last_name HAVING count(*) > 4 ORDER BY count(*) DESC, x.actor_id, y.actor_id;
SELECT coalesce(c.country, '-') AS country, coalesce(f.rated::text, '-') AS rated, sum(p.amount)
FROM payment p JOIN rental r USING (rental_id) JOIN customer u USING (customer_id) JOIN city c USING (city_id) JOIN inventory i USING (inventory_id) JOIN film f USING (film_id)
GROUP BY GROUPING SETS ((c.country, f.rated), (c.country), ()) ORDER BY c.country NULLS LAST, f.rated NULLS LAST;
-- changes
INSERT INTO film (title, language_id) VALUES ('NO SUCH LANGUAGE', 9);
INSERT INTO film (title, language_id, special_features) VALUES ('NEW ONE', 2, ARRAY['Trailers']) RETURNING film_id, rated, rental_rate, special_features, facts, last_update;
DELETE FROM store WHERE store_id = 1;
DELETE FROM rental WHERE rental_id = 5 RETURNING rental_id, customer_id;
SELECT count(*) FROM payment WHERE rental_id = 5;
UPDATE film SET film_id = 1000 WHERE film_id = 3;
SELECT count(*) FROM film_actor WHERE film_id = 1000;
MERGE INTO rental r USING (SELECT inventory_id FROM inventory WHERE film_id = 12) i ON r.inventory_id = i.inventory_id AND r.return_date IS NULL
WHEN MATCHED THEN UPDATE SET return_date = '2022-09-01 00:00+00';
INSERT INTO rental (rental_date, inventory_id, customer_id) VALUES ('2022-09-02 10:00+00', 7, 3) ON CONFLICT DO NOTHING RETURNING rental_id;
INSERT INTO rental (rental_date, inventory_id, customer_id) VALUES ('2022-09-02 10:00+00', 7, 3) ON CONFLICT DO NOTHING RETURNING rental_id;
ALTER TYPE rating ADD VALUE 'X' AFTER 'NC-17';
INSERT INTO film (title, language_id, rated) VALUES ('LATE', 1, 'X');
SELECT title, rated FROM film WHERE rated > 'R' ORDER BY rated DESC, title LIMIT 3;
