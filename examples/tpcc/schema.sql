-- The nine tables of TPC-C: warehouses that sell, deliver and are paid. Foreign keys tie all that a transaction writes
-- to its warehouse, so that it lies in one region; items, which it only reads, may lie in another.
CREATE TABLE warehouse (
    w_id   integer PRIMARY KEY,
    w_name text NOT NULL,
    w_city text NOT NULL,
    w_tax  numeric(4, 4) NOT NULL,
    w_ytd  numeric(12, 2) NOT NULL
);
CREATE TABLE district (
    d_w_id      integer REFERENCES warehouse,
    d_id        integer,
    d_name      text NOT NULL,
    d_tax       numeric(4, 4) NOT NULL,
    d_ytd       numeric(12, 2) NOT NULL,
    d_next_o_id integer NOT NULL,
    PRIMARY KEY (d_w_id, d_id)
);
CREATE TABLE customer (
    c_w_id         integer,
    c_d_id         integer,
    c_id           integer,
    c_first        varchar(16) NOT NULL,
    c_middle       char(2) NOT NULL,
    c_last         varchar(16) NOT NULL,
    c_since        timestamp NOT NULL,
    c_credit       char(2) NOT NULL CHECK (c_credit IN ('GC', 'BC')),
    c_credit_lim   numeric(12, 2) NOT NULL,
    c_discount     numeric(4, 4) NOT NULL,
    c_balance      numeric(12, 2) NOT NULL,
    c_ytd_payment  numeric(12, 2) NOT NULL,
    c_payment_cnt  integer NOT NULL,
    c_delivery_cnt integer NOT NULL,
    c_data         varchar(500) NOT NULL,
    PRIMARY KEY (c_w_id, c_d_id, c_id),
    FOREIGN KEY (c_w_id, c_d_id) REFERENCES district
);
CREATE INDEX customer_name ON customer (c_w_id, c_d_id, c_last, c_first);
CREATE TABLE history (
    h_c_w_id integer,
    h_c_d_id integer,
    h_c_id   integer,
    h_w_id   integer NOT NULL,
    h_d_id   integer NOT NULL,
    h_date   timestamp NOT NULL,
    h_amount numeric(6, 2) NOT NULL,
    h_data   varchar(24) NOT NULL,
    FOREIGN KEY (h_c_w_id, h_c_d_id, h_c_id) REFERENCES customer
);
CREATE TABLE orders (
    o_w_id       integer,
    o_d_id       integer,
    o_id         integer,
    o_c_id       integer NOT NULL,
    o_entry_d    timestamp NOT NULL,
    o_carrier_id integer,
    o_ol_cnt     integer NOT NULL,
    PRIMARY KEY (o_w_id, o_d_id, o_id),
    FOREIGN KEY (o_w_id, o_d_id, o_c_id) REFERENCES customer
);
CREATE INDEX orders_customer ON orders (o_w_id, o_d_id, o_c_id, o_id);
CREATE TABLE new_order (
    no_w_id integer,
    no_d_id integer,
    no_o_id integer,
    PRIMARY KEY (no_w_id, no_d_id, no_o_id),
    FOREIGN KEY (no_w_id, no_d_id, no_o_id) REFERENCES orders
);
CREATE TABLE item (
    i_id    integer PRIMARY KEY,
    i_name  varchar(24) NOT NULL,
    i_price numeric(5, 2) NOT NULL,
    i_data  varchar(50) NOT NULL
);
CREATE TABLE stock (
    s_w_id       integer REFERENCES warehouse,
    s_i_id       integer,
    s_quantity   integer NOT NULL,
    s_dist       char(24) NOT NULL,
    s_ytd        integer NOT NULL,
    s_order_cnt  integer NOT NULL,
    s_remote_cnt integer NOT NULL,
    s_data       varchar(50) NOT NULL,
    PRIMARY KEY (s_w_id, s_i_id)
);
CREATE TABLE order_line (
    ol_w_id        integer,
    ol_d_id        integer,
    ol_o_id        integer,
    ol_number      integer,
    ol_i_id        integer NOT NULL,
    ol_supply_w_id integer NOT NULL,
    ol_delivery_d  timestamp,
    ol_quantity    integer NOT NULL,
    ol_amount      numeric(6, 2) NOT NULL,
    ol_dist_info   char(24) NOT NULL,
    PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number),
    FOREIGN KEY (ol_w_id, ol_d_id, ol_o_id) REFERENCES orders
);
