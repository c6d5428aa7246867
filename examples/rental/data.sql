-- Nothing is random: the same rows each time.
INSERT INTO language (name) VALUES ('English'), ('Italian'), ('Japanese');
INSERT INTO category (name) VALUES ('Action'), ('Comedy'), ('Drama'), ('Family'), ('Horror'), ('Travel');
INSERT INTO film (title, description, release_year, language_id, rental_duration, rental_rate, length, replacement_cost, rated, special_features, facts)
SELECT upper((ARRAY['quiet', 'lost', 'golden', 'iron', 'paper'])[i % 5 + 1] || ' ' || (ARRAY['river', 'castle', 'garden', 'engine', 'winter', 'mask', 'letter'])[i % 7 + 1] || ' ' || i),
       'A tale of ' || i % 9 || ' friends', 1990 + i % 33, i % 3 + 1, 3 + i % 5, (i % 3) * 2 + 0.99, 46 + i * 17 % 140, 9.99 + i % 20,
       (ARRAY['G', 'PG', 'PG-13', 'R', 'NC-17'])[i % 5 + 1]::rating,
       CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '{Trailers}'::text[] WHEN 2 THEN '{Trailers,"Deleted Scenes"}' ELSE ARRAY['Commentaries', 'Behind the Scenes'] END,
       jsonb_build_object('stars', i % 6, 'prizes', CASE WHEN i % 10 = 0 THEN '["best film"]'::jsonb ELSE '[]' END)
FROM generate_series(1, 120) i;
INSERT INTO actor (first_name, last_name) SELECT (ARRAY['Ann', 'Ben', 'Cleo', 'Dirk', 'Elsa'])[i % 5 + 1], (ARRAY['Arno', 'Bell', 'Crowe', 'Dietz', 'Eco', 'Fry', 'Gold'])[i % 7 + 1] FROM generate_series(1, 40) i;
INSERT INTO film_actor SELECT f, (f * 7 + n * 11) % 40 + 1 FROM generate_series(1, 120) f, generate_series(1, 5) n WHERE n <= f % 6;
INSERT INTO film_category SELECT f, f * 5 % 6 + 1 FROM generate_series(1, 120) f WHERE f % 19 <> 0;
INSERT INTO city (city, country) VALUES ('Lyon', 'France'), ('Porto', 'Portugal'), ('Kyoto', 'Japan'), ('Turin', 'Italy'), ('Osaka', 'Japan');
INSERT INTO store (city_id) VALUES (1), (3);
INSERT INTO customer (store_id, city_id, first_name, last_name, active) SELECT i % 2 + 1, i % 5 + 1, 'First' || i, 'Last' || i % 13, i % 9 <> 0 FROM generate_series(1, 50) i;
INSERT INTO inventory (film_id, store_id) SELECT f, s FROM generate_series(1, 120) f, generate_series(1, 2) s WHERE (f + s) % 5 <> 0 ORDER BY f, s;
INSERT INTO rental (rental_date, inventory_id, customer_id, return_date)
SELECT timestamptz '2022-05-24 22:53:30+00' + i * interval '3 hours 17 minutes', i * 29 % 180 + 1, i * 7 % 50 + 1,
       CASE WHEN i % 12 <> 0 THEN timestamptz '2022-05-24 22:53:30+00' + i * interval '3 hours 17 minutes' + (1 + i % 8) * interval '1 day' END
FROM generate_series(1, 600) i;
INSERT INTO payment (rental_id, amount, payment_date)
SELECT rental_id, rental_rate + CASE WHEN return_date > rental_date + rental_duration * interval '1 day' THEN 2 ELSE 0 END, coalesce(return_date, rental_date)
FROM rental JOIN inventory USING (inventory_id) JOIN film USING (film_id) ORDER BY rental_id;
ANALYZE;
