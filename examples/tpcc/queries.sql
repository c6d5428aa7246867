-- TPC-C's conditions of consistency, and what the transactions left.
SELECT w_id, w_ytd = (SELECT sum(d_ytd) FROM district WHERE d_w_id = w_id) AS same FROM warehouse ORDER BY w_id;
SELECT d_w_id, d_id, d_next_o_id - 1 = (SELECT max(o_id) FROM orders WHERE o_w_id = d_w_id AND o_d_id = d_id) AS same FROM district ORDER BY 1, 2;
SELECT no_w_id, no_d_id, max(no_o_id) - min(no_o_id) + 1 = count(*) AS no_gap FROM new_order GROUP BY 1, 2 ORDER BY 1, 2;
SELECT (SELECT sum(o_ol_cnt) FROM orders) = (SELECT count(*) FROM order_line) AS all_lines;
SELECT count(*) AS not_both FROM orders LEFT JOIN new_order ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id WHERE (o_carrier_id IS NULL) <> (no_o_id IS NOT NULL);
SELECT count(*) AS wrong_balance FROM customer WHERE c_balance <> (SELECT coalesce(sum(ol_amount), 0) FROM orders JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id WHERE o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id AND ol_delivery_d IS NOT NULL) - (SELECT sum(h_amount) FROM history WHERE h_c_w_id = c_w_id AND h_c_d_id = c_d_id AND h_c_id = c_id);
SELECT * FROM warehouse ORDER BY w_id;
SELECT * FROM district ORDER BY d_w_id, d_id;
SELECT count(*), sum(c_balance), sum(c_ytd_payment), sum(c_payment_cnt), sum(c_delivery_cnt), max(length(c_data)) FROM customer;
SELECT count(*), sum(h_amount) FROM history;
SELECT count(*), count(o_carrier_id), max(o_entry_d) FROM orders;
SELECT count(*), sum(ol_amount), sum(ol_quantity), count(ol_delivery_d) FROM order_line;
SELECT sum(s_quantity), sum(s_ytd), sum(s_order_cnt) FROM stock;
