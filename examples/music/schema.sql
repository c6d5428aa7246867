-- A shop for music, as Chinook is one: artists, albums and tracks, playlists, customers with their agents, invoices.
CREATE TABLE artist (
    artist_id serial PRIMARY KEY,
    name      varchar(120) NOT NULL
);
CREATE TABLE album (
    album_id  serial PRIMARY KEY,
    title     varchar(160) NOT NULL,
    artist_id integer NOT NULL REFERENCES artist ON DELETE CASCADE
);
CREATE INDEX album_artist ON album (artist_id);
CREATE TABLE genre (
    genre_id integer PRIMARY KEY,
    name     varchar(120) NOT NULL UNIQUE
);
CREATE TABLE track (
    track_id     serial PRIMARY KEY,
    name         varchar(200) NOT NULL,
    album_id     integer REFERENCES album ON DELETE CASCADE,
    genre_id     integer,
    composer     varchar(220),
    milliseconds integer NOT NULL CHECK (milliseconds > 0),
    bytes        bigint,
    unit_price   numeric(10, 2) NOT NULL DEFAULT 0.99
);
CREATE INDEX track_album ON track (album_id);
CREATE INDEX track_genre ON track (genre_id, milliseconds DESC);
CREATE TABLE playlist (
    playlist_id serial PRIMARY KEY,
    name        varchar(120)
);
CREATE TABLE playlist_track (
    playlist_id integer REFERENCES playlist ON DELETE CASCADE,
    track_id    integer,
    PRIMARY KEY (playlist_id, track_id)
);
CREATE TABLE employee (
    employee_id serial PRIMARY KEY,
    last_name   varchar(20) NOT NULL,
    title       varchar(30),
    reports_to  integer REFERENCES employee,
    hired       timestamp NOT NULL
);
CREATE TABLE customer (
    customer_id serial PRIMARY KEY,
    first_name  varchar(40) NOT NULL,
    last_name   varchar(20) NOT NULL,
    company     varchar(80),
    country     varchar(40) NOT NULL,
    email       varchar(60) NOT NULL UNIQUE,
    support_rep integer REFERENCES employee ON DELETE SET NULL
);
CREATE TABLE invoice (
    invoice_id      serial PRIMARY KEY,
    customer_id     integer NOT NULL REFERENCES customer,
    invoice_date    timestamp NOT NULL,
    billing_country varchar(40),
    total           numeric(10, 2) NOT NULL
);
CREATE INDEX invoice_customer ON invoice (customer_id, invoice_date);
CREATE TABLE invoice_line (
    invoice_line_id serial PRIMARY KEY,
    invoice_id      integer NOT NULL REFERENCES invoice ON DELETE CASCADE,
    track_id        integer NOT NULL,
    unit_price      numeric(10, 2) NOT NULL,
    quantity        integer NOT NULL DEFAULT 1
);
CREATE INDEX invoice_line_track ON invoice_line (track_id);
CREATE VIEW track_list AS
    SELECT track_id, t.name AS track, a.title AS album, r.name AS artist, g.name AS genre, milliseconds / 1000 AS seconds, unit_price
    FROM track t LEFT JOIN album a USING (album_id) LEFT JOIN artist r USING (artist_id) LEFT JOIN genre g USING (genre_id);
CREATE VIEW sales_by_country AS
    SELECT billing_country AS country, extract(year FROM invoice_date)::integer AS year, count(*) AS invoices, sum(total) AS total
    FROM invoice GROUP BY 1, 2;
