-- 1: what was shipped and what it brought, by the state of the lines
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS pieces, sum(l_extendedprice) AS before_discount,
       sum(l_extendedprice * (1 - l_discount)) AS after_discount,
       sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS charged,
       round(avg(l_quantity), 4) AS mean_pieces, round(avg(l_extendedprice), 4) AS mean_price,
       round(avg(l_discount), 4) AS mean_discount, count(*) AS lines
FROM lineitem
WHERE l_shipdate <= date '1998-12-01' - interval '75 days'
GROUP BY l_returnflag, l_linestatus
ORDER BY l_returnflag, l_linestatus;

-- 2: who of a region sells brass of some sizes cheapest
SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone
FROM part JOIN partsupp ON ps_partkey = p_partkey JOIN supplier ON s_suppkey = ps_suppkey
     JOIN nation ON n_nationkey = s_nationkey JOIN region ON r_regionkey = n_regionkey
WHERE p_size BETWEEN 10 AND 20 AND p_type LIKE '%BRASS' AND r_name = 'MIDDLE'
  AND ps_supplycost = (SELECT min(x.ps_supplycost)
                       FROM partsupp x JOIN supplier y ON y.s_suppkey = x.ps_suppkey
                            JOIN nation z ON z.n_nationkey = y.s_nationkey JOIN region r ON r.r_regionkey = z.n_regionkey
                       WHERE x.ps_partkey = p_partkey AND r.r_name = 'MIDDLE')
ORDER BY s_acctbal DESC, n_name, s_name, p_partkey
LIMIT 100;

-- 3: the most valuable orders of a branch that are not shipped yet
SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
FROM customer JOIN orders ON o_custkey = c_custkey JOIN lineitem ON l_orderkey = o_orderkey
WHERE c_mktsegment = 'FARMING' AND o_orderdate < '1995-03-10' AND l_shipdate > '1995-03-10'
GROUP BY l_orderkey, o_orderdate, o_shippriority
ORDER BY revenue DESC, o_orderdate, l_orderkey
LIMIT 10;

-- 4: how many orders of a quarter had a line that came late, by priority
SELECT o_orderpriority, count(*) AS orders
FROM orders
WHERE o_orderdate >= date '1994-04-01' AND o_orderdate < date '1994-04-01' + interval '3 months'
  AND EXISTS (SELECT FROM lineitem WHERE l_orderkey = o_orderkey AND l_receiptdate > l_commitdate)
GROUP BY o_orderpriority
ORDER BY o_orderpriority;

-- 5: what was sold inside the nations of a region
SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue
FROM customer, orders, lineitem, supplier, nation, region
WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND l_suppkey = s_suppkey AND c_nationkey = s_nationkey
  AND s_nationkey = n_nationkey AND n_regionkey = r_regionkey AND r_name = 'EAST'
  AND o_orderdate >= '1993-01-01' AND o_orderdate < date '1993-01-01' + interval '2 years'
GROUP BY n_name
ORDER BY revenue DESC;

-- 6: what it would bring to drop some discounts
SELECT sum(l_extendedprice * l_discount) AS gain
FROM lineitem
WHERE l_shipdate >= date '1995-01-01' AND l_shipdate < date '1995-01-01' + interval '1 year'
  AND l_discount BETWEEN 0.04 - 0.01 AND 0.04 + 0.01 AND l_quantity < 25;

-- 7: trade between two nations, by year and direction
SELECT seller, buyer, year, sum(volume) AS revenue
FROM (SELECT a.n_name AS seller, b.n_name AS buyer, extract(year FROM l_shipdate) AS year,
             l_extendedprice * (1 - l_discount) AS volume
      FROM supplier JOIN lineitem ON l_suppkey = s_suppkey JOIN orders ON o_orderkey = l_orderkey
           JOIN customer ON c_custkey = o_custkey JOIN nation a ON a.n_nationkey = s_nationkey
           JOIN nation b ON b.n_nationkey = c_nationkey
      WHERE (a.n_name, b.n_name) IN (('ALPEN', 'GOBI'), ('GOBI', 'ALPEN'))
        AND l_shipdate BETWEEN '1995-01-01' AND '1996-12-31') trade
GROUP BY seller, buyer, year
ORDER BY seller, buyer, year;

-- 8: a nation's share of a market, by year
SELECT year, round(sum(CASE WHEN nation = 'PAMPA' THEN volume ELSE 0 END) / sum(volume), 6) AS share
FROM (SELECT extract(year FROM o_orderdate) AS year, l_extendedprice * (1 - l_discount) AS volume, b.n_name AS nation
      FROM part JOIN lineitem ON l_partkey = p_partkey JOIN supplier ON s_suppkey = l_suppkey
           JOIN orders ON o_orderkey = l_orderkey JOIN customer ON c_custkey = o_custkey
           JOIN nation a ON a.n_nationkey = c_nationkey JOIN region ON r_regionkey = a.n_regionkey
           JOIN nation b ON b.n_nationkey = s_nationkey
      WHERE r_name = 'SOUTH' AND o_orderdate BETWEEN '1995-01-01' AND '1996-12-31' AND p_type LIKE 'LARGE %') sales
GROUP BY year
ORDER BY year;

-- 9: the profit of parts of a colour, by nation and year
SELECT nation, year, sum(amount) AS profit
FROM (SELECT n_name AS nation, extract(year FROM o_orderdate) AS year,
             l_extendedprice * (1 - l_discount) - ps_supplycost * l_quantity AS amount
      FROM part, supplier, lineitem, partsupp, orders, nation
      WHERE s_suppkey = l_suppkey AND ps_suppkey = l_suppkey AND ps_partkey = l_partkey AND p_partkey = l_partkey
        AND o_orderkey = l_orderkey AND s_nationkey = n_nationkey AND p_name LIKE '%hazel%') profit
GROUP BY nation, year
ORDER BY nation, year DESC;

-- 10: the customers who sent most back in a quarter
SELECT c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) AS lost, c_acctbal, n_name, c_address, c_phone, c_comment
FROM customer JOIN orders ON o_custkey = c_custkey JOIN lineitem ON l_orderkey = o_orderkey
     JOIN nation ON n_nationkey = c_nationkey
WHERE o_orderdate >= date '1993-10-01' AND o_orderdate < date '1993-10-01' + interval '3 months' AND l_returnflag = 'R'
GROUP BY c_custkey, c_name, c_acctbal, c_phone, n_name, c_address, c_comment
ORDER BY lost DESC, c_custkey
LIMIT 20;

-- 11: the parts that make up most of a nation's stock
SELECT ps_partkey, sum(ps_supplycost * ps_availqty) AS value
FROM partsupp JOIN supplier ON s_suppkey = ps_suppkey JOIN nation ON n_nationkey = s_nationkey
WHERE n_name = 'DOURO'
GROUP BY ps_partkey
HAVING sum(ps_supplycost * ps_availqty) > (SELECT sum(ps_supplycost * ps_availqty) * 0.01
                                           FROM partsupp JOIN supplier ON s_suppkey = ps_suppkey
                                                JOIN nation ON n_nationkey = s_nationkey
                                           WHERE n_name = 'DOURO')
ORDER BY value DESC, ps_partkey;

-- 12: are urgent orders hurt by the cheap ways of shipping?
SELECT l_shipmode, sum(CASE WHEN o_orderpriority IN ('1-NOW', '2-HIGH') THEN 1 ELSE 0 END) AS urgent,
       sum(CASE WHEN o_orderpriority NOT IN ('1-NOW', '2-HIGH') THEN 1 ELSE 0 END) AS others
FROM orders JOIN lineitem ON l_orderkey = o_orderkey
WHERE l_shipmode IN ('MAIL', 'FERRY') AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate
  AND l_receiptdate >= date '1994-01-01' AND l_receiptdate < date '1994-01-01' + interval '1 year'
GROUP BY l_shipmode
ORDER BY l_shipmode;

-- 13: how many customers have how many orders
SELECT orders, count(*) AS customers
FROM (SELECT c_custkey, count(o_orderkey)
      FROM customer LEFT JOIN orders ON o_custkey = c_custkey AND o_comment NOT LIKE '%special%requests%'
      GROUP BY c_custkey) AS of_each (customer, orders)
GROUP BY orders
ORDER BY customers DESC, orders DESC;

-- 14: the part of a month's revenue that comes of promotions
SELECT round(100.00 * sum(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (1 - l_discount) ELSE 0 END)
             / sum(l_extendedprice * (1 - l_discount)), 6) AS percent
FROM lineitem JOIN part ON p_partkey = l_partkey
WHERE l_shipdate >= date '1995-09-01' AND l_shipdate < date '1995-09-01' + interval '1 month';

-- 15: the best supplier of a quarter
CREATE VIEW revenue (supplier, total) AS
    SELECT l_suppkey, sum(l_extendedprice * (1 - l_discount))
    FROM lineitem
    WHERE l_shipdate >= date '1996-01-01' AND l_shipdate < date '1996-01-01' + interval '3 months'
    GROUP BY l_suppkey;
SELECT s_suppkey, s_name, s_address, s_phone, total
FROM supplier JOIN revenue ON supplier = s_suppkey
WHERE total = (SELECT max(total) FROM revenue)
ORDER BY s_suppkey;
DROP VIEW revenue;

-- 16: how many suppliers without complaints sell parts of which kind
SELECT p_brand, p_type, p_size, count(DISTINCT ps_suppkey) AS suppliers
FROM partsupp JOIN part ON p_partkey = ps_partkey
WHERE p_brand <> 'Brand 45' AND p_type NOT LIKE 'SMALL COATED%' AND p_size IN (3, 9, 14, 19, 23, 36, 45, 49)
  AND ps_suppkey NOT IN (SELECT s_suppkey FROM supplier WHERE s_comment LIKE '%customer%complaints%')
GROUP BY p_brand, p_type, p_size
ORDER BY suppliers DESC, p_brand, p_type, p_size
LIMIT 50;

-- 17: what small orders of a brand bring in a year
SELECT round(sum(l_extendedprice) / 7.0, 4) AS in_a_year
FROM lineitem JOIN part ON p_partkey = l_partkey
WHERE p_brand IN ('Brand 23', 'Brand 31') AND p_container LIKE 'MED%'
  AND l_quantity < (SELECT 0.4 * avg(x.l_quantity) FROM lineitem x WHERE x.l_partkey = p_partkey);

-- 18: who places large orders
SELECT c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity) AS pieces
FROM customer JOIN orders ON o_custkey = c_custkey JOIN lineitem ON l_orderkey = o_orderkey
WHERE o_orderkey IN (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey HAVING sum(l_quantity) > 240)
GROUP BY c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice
ORDER BY o_totalprice DESC, o_orderdate, o_orderkey
LIMIT 100;

-- 19: the revenue of lines that are handed over, of three kinds
SELECT sum(l_extendedprice * (1 - l_discount)) AS revenue
FROM lineitem, part
WHERE (p_partkey = l_partkey AND p_brand LIKE 'Brand 1%' AND p_container IN ('SM BAG', 'SM BOX', 'SM CASE')
       AND l_quantity BETWEEN 1 AND 21 AND p_size BETWEEN 1 AND 25 AND l_shipmode IN ('AIR', 'MAIL')
       AND l_shipinstruct = 'BY HAND')
   OR (p_partkey = l_partkey AND p_brand LIKE 'Brand 2%' AND p_container IN ('MED BAG', 'MED BOX', 'MED CASE')
       AND l_quantity BETWEEN 10 AND 30 AND p_size BETWEEN 1 AND 30 AND l_shipmode IN ('AIR', 'MAIL')
       AND l_shipinstruct = 'BY HAND')
   OR (p_partkey = l_partkey AND p_brand LIKE 'Brand 3%' AND p_container IN ('LG BAG', 'LG BOX', 'LG CASE')
       AND l_quantity BETWEEN 20 AND 40 AND p_size BETWEEN 1 AND 35 AND l_shipmode IN ('AIR', 'MAIL')
       AND l_shipinstruct = 'BY HAND');

-- 20: suppliers that hold much more of some parts than they sold in a year
SELECT s_name, s_address
FROM supplier JOIN nation ON n_nationkey = s_nationkey
WHERE n_name IN ('TIBER', 'RHEIN', 'LOIRE')
  AND s_suppkey IN (SELECT ps_suppkey
                    FROM partsupp
                    WHERE ps_partkey IN (SELECT p_partkey FROM part WHERE p_name LIKE 'forest%')
                      AND ps_availqty > (SELECT 0.5 * sum(l_quantity)
                                         FROM lineitem
                                         WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey
                                           AND l_shipdate >= date '1994-01-01'
                                           AND l_shipdate < date '1994-01-01' + interval '1 year'))
ORDER BY s_name;

-- 21: suppliers who alone kept an order of several waiting
SELECT s_name, count(*) AS waiting
FROM supplier, lineitem late, orders, nation
WHERE s_suppkey = late.l_suppkey AND o_orderkey = late.l_orderkey AND o_orderstatus = 'F'
  AND late.l_receiptdate > late.l_commitdate
  AND EXISTS (SELECT FROM lineitem other
              WHERE other.l_orderkey = late.l_orderkey AND other.l_suppkey <> late.l_suppkey)
  AND NOT EXISTS (SELECT FROM lineitem other
                  WHERE other.l_orderkey = late.l_orderkey AND other.l_suppkey <> late.l_suppkey
                    AND other.l_receiptdate > other.l_commitdate)
  AND s_nationkey = n_nationkey AND n_name IN ('MEKONG', 'NIPPA', 'HANBOK')
GROUP BY s_name
ORDER BY waiting DESC, s_name
LIMIT 100;

-- 22: customers of some countries who have money and do not order
SELECT country, count(*) AS customers, sum(balance) AS balance
FROM (SELECT substring(c_phone FROM 1 FOR 2) AS country, c_acctbal AS balance
      FROM customer
      WHERE substring(c_phone FROM 1 FOR 2) IN ('11', '17', '18', '23', '29', '30', '31')
        AND c_acctbal > (SELECT avg(c_acctbal) FROM customer
                         WHERE c_acctbal > 0.00 AND substring(c_phone FROM 1 FOR 2) IN ('11', '17', '18', '23', '29', '30', '31'))
        AND NOT EXISTS (SELECT FROM orders WHERE o_custkey = c_custkey)) idle
GROUP BY country
ORDER BY country;
