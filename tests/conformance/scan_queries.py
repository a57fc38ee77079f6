"""The queries of the corpus of scans: what they read is what Trino was asked about. Names are those of `scan_files`."""

from __future__ import annotations

from pathlib import Path

# written while the estimate was built
FIRST = """
SELECT count(*) FROM wide
SELECT id FROM wide
SELECT * FROM wide
SELECT sum(value), max(text) FROM wide
SELECT id, value FROM wide WHERE id BETWEEN 100000 AND 120000
SELECT sum(value) FROM wide WHERE id < 50000 OR id >= 580000
SELECT text FROM wide WHERE number = 7
SELECT cat, count(*) FROM wide GROUP BY cat
SELECT count(*) FROM wide WHERE cat = 'nowhere'
SELECT text FROM wide WHERE cat = 'coral'
SELECT * FROM wide LIMIT 10
SELECT id, text FROM wide ORDER BY value LIMIT 10
SELECT DISTINCT cat FROM wide LIMIT 3
SELECT day, sum(price) FROM wide WHERE day >= DATE '2022-01-01' GROUP BY day
SELECT count(*) FROM wide WHERE at < TIMESTAMP '2020-01-02 00:00:00'
SELECT sum(number) FROM wide WHERE upper(text) LIKE 'T9%'
SELECT number FROM wide WHERE nothing IS NOT NULL
SELECT id FROM wide WHERE rare IS NULL AND id > 599000
SELECT a.id, b.text FROM wide a JOIN zstd b ON a.id = b.id WHERE b.number < 100
SELECT a.id, b.text FROM wide a LEFT JOIN zstd b ON a.id = b.id
SELECT count(*) FROM wide a FULL JOIN gzipped b ON a.id = b.id
SELECT id FROM wide WHERE id IN (SELECT number FROM zstd WHERE id < 10)
SELECT id FROM wide w WHERE EXISTS (SELECT 1 FROM zstd z WHERE z.id = w.number)
SELECT (SELECT max(value) FROM zstd), min(id) FROM wide
WITH a AS (SELECT id, value, text FROM wide) SELECT x.id, y.value FROM a x JOIN a y ON x.id = y.id
WITH a AS (SELECT * FROM wide) SELECT sum(v) FROM (SELECT value AS v, text AS t FROM a)
SELECT id, row_number() OVER (PARTITION BY cat ORDER BY value) FROM wide
SELECT id FROM (SELECT id, rank() OVER (ORDER BY text) AS r FROM wide)
SELECT id FROM wide UNION ALL SELECT number FROM zstd
SELECT cat FROM wide UNION SELECT cat FROM zstd
SELECT id FROM wide EXCEPT SELECT id FROM zstd
SELECT count(DISTINCT cat), count(DISTINCT number) FROM wide
SELECT cat, flag, sum(value) FROM wide GROUP BY ROLLUP (cat, flag)
SELECT value FROM zstd
SELECT text, number FROM zstd WHERE day = DATE '2020-05-05'
SELECT sum(value) FROM zstd WHERE number > 2000000
SELECT * FROM gzipped
SELECT flag FROM gzipped
SELECT count(*) FROM gzipped
SELECT value FROM plain
SELECT id, cat FROM plain
SELECT cat FROM plain WHERE id < 10
SELECT number FROM plain WHERE number = 5
SELECT count(*) FROM big
SELECT max(a) FROM big
SELECT * FROM big
SELECT max(b) FROM big WHERE id > 4700000
SELECT person.name FROM nested
SELECT person.address.city FROM nested
SELECT person FROM nested
SELECT p.address.zip FROM (SELECT person AS p FROM nested) WHERE p.address.city = 'amber'
SELECT t FROM nested CROSS JOIN UNNEST(tags) AS u (t)
SELECT sum(a) FROM nested CROSS JOIN UNNEST(items) AS u (a, b)
SELECT props['k'] FROM nested
SELECT id, cardinality(tags) FROM nested WHERE id < 1000
SELECT count(*) FROM nested WHERE person.address.zip = 10001
SELECT id FROM ducks
SELECT text FROM ducks WHERE few = 3
SELECT sum(value) FROM ducks WHERE id > 350000
SELECT count(*) FROM ducks WHERE text = 'nothing like it'
SELECT * FROM ducks WHERE flag
SELECT text FROM indexed WHERE id = 250000
SELECT id, text FROM indexed WHERE id BETWEEN 10 AND 20
SELECT value FROM indexed
SELECT sum(value) FROM indexed WHERE number = 77
SELECT c0 FROM categories
SELECT c1, c2 FROM categories WHERE part = 'fjord'
SELECT c1 FROM categories WHERE c0 = 'category number 12'
SELECT c1 FROM categories WHERE c0 = 'category number 12b'
SELECT c0, c5 FROM categories WHERE c3 IN ('category number 1', 'category number 2')
SELECT count(*) FROM many
SELECT id FROM many WHERE id > 19000
SELECT * FROM many LIMIT 1
SELECT sum(value) FROM hollow
SELECT count(*) FROM hollow WHERE id > 5000
SELECT value FROM parts WHERE year = '2022'
SELECT year, count(*) FROM parts GROUP BY year
SELECT id FROM parts WHERE year >= '2023' AND id < 1000
SELECT * FROM parts WHERE year IN ('2021', '2024')
SELECT value FROM odd WHERE value > 2
SELECT count(*) FROM odd WHERE sorted > 19000
SELECT text FROM odd WHERE text < 'ü0010000'
SELECT money FROM odd WHERE money > 90000.5
SELECT small FROM odd WHERE small = 150
SELECT count(*) FROM odd WHERE stamp > TIMESTAMP '1970-01-02 00:00:00'
SELECT real FROM odd WHERE real < 10
SELECT ID, tExT FROM ODD o WHERE o.ID = 3
SELECT * FROM trinoed
SELECT text FROM trinoed WHERE id < 1000
SELECT cat FROM trinoed WHERE number = 123
SELECT count(*) FROM lines
SELECT word FROM lines WHERE id < '10'
SELECT id FROM sheet
SELECT full_name FROM legislators WHERE gender = 'F'
SELECT count(*) FROM legislators
SELECT l.full_name FROM legislators l JOIN wide w ON w.id = l.id
SELECT name FROM titanic WHERE sex = 'male'
"""

QUERIES = [line for line in FIRST.strip().splitlines() if line]

# written without a look at the first answers, asked once, kept with whatever they gave
UNSEEN = """
SELECT text, value FROM zstd WHERE id > 100 AND NOT (number BETWEEN 5 AND 10)
SELECT cat, max(at) FROM wide WHERE flag = true AND day BETWEEN DATE '2021-03-01' AND DATE '2021-04-01' \
GROUP BY 1 ORDER BY 2
WITH top AS (SELECT cat, sum(price) AS p FROM wide GROUP BY cat), few AS (SELECT * FROM top WHERE p > 0) \
SELECT cat, t.p FROM few f JOIN top t USING (cat)
SELECT w.id FROM wide w CROSS JOIN (SELECT min(id) AS m FROM gzipped) g WHERE w.id = g.m
SELECT coalesce(n.person.name, 'x'), n.person.address FROM nested AS n WHERE n.id IN (1, 2, 3, 50000)
SELECT n.id, u.k, u.v FROM nested n CROSS JOIN UNNEST(n.props) AS u (k, v) WHERE u.v = 'n5'
SELECT transform(items, i -> i.a), filter(tags, t -> t <> 'x') FROM nested
SELECT id, lag(value) OVER w FROM ducks WHERE few < 10 WINDOW w AS (ORDER BY id)
SELECT count(*) FROM (SELECT DISTINCT few, flag FROM ducks) t
SELECT sum(CASE WHEN cat = 'amber' THEN 1 ELSE 0 END) FROM plain
SELECT avg(a) FROM big WHERE b < 0.5
SELECT id FROM big WHERE id IN (10, 4999990) OR id = 2500000
SELECT c5 FROM categories WHERE part > 'grove'
SELECT year, avg(value) FROM parts WHERE year <> '2021' GROUP BY year
SELECT p.text FROM parts p WHERE p.year = '2023' AND p.number = 5
SELECT id, text FROM wide WHERE id BETWEEN 5 AND 10 UNION ALL SELECT id, text FROM ducks WHERE id BETWEEN 5 AND 10
SELECT id FROM wide INTERSECT SELECT id FROM ducks
SELECT (SELECT count(*) FROM zstd z WHERE z.id = m.id) FROM many m
SELECT price FROM trinoed WHERE price > 999999 OR price < 1
SELECT day FROM trinoed WHERE day = DATE '2021-01-01' AND text IS NOT NULL
SELECT w.cat, z.number FROM wide w RIGHT JOIN zstd z ON w.id = z.id AND w.number > 999000
SELECT approx_distinct(text) FROM indexed WHERE at > TIMESTAMP '2020-01-05 00:00:00'
SELECT value FROM indexed WHERE cat = 'ember' AND rare IS NOT NULL
SELECT max(t.s) FROM (SELECT value + number AS s, text FROM gzipped LIMIT 100000) t
SELECT count(number), count(DISTINCT day) FROM zstd HAVING count(*) > 5
SELECT * FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM odd) WHERE n <= 3
SELECT id FROM odd WHERE value IS NULL
SELECT Text FROM odd WHERE Small IN (3, 4) AND Sorted < 500.5
SELECT id FROM wide WHERE CAST(id AS double) > 599990.0
SELECT id FROM wide TABLESAMPLE BERNOULLI (10)
"""

QUERIES += [line for line in UNSEEN.strip().splitlines() if line]

# a further set, written and asked like the one before
LATER = """
SELECT count(*) FROM (SELECT person FROM nested GROUP BY person)
SELECT x.p.name FROM (SELECT DISTINCT person AS p FROM nested WHERE id < 100) x
SELECT max(person.address.zip) FROM nested WHERE person.name = 'n5' OR id = 3
SELECT n.person.address.city, w.cat FROM nested n JOIN wide w ON n.person.address.zip = w.number
SELECT m.k FROM (SELECT map_keys(props) AS k, items FROM nested) m LIMIT 5
SELECT count(*) FROM (SELECT id, items[1].a AS q FROM nested) WHERE q > 5
SELECT l.id FROM nested l LEFT JOIN (SELECT person.name AS nm, id FROM nested) r ON l.id = r.id AND r.nm LIKE 'n1%'
SELECT grouping(cat), cat, count(DISTINCT number), sum(value) FROM wide GROUP BY GROUPING SETS ((cat), ())
SELECT count(DISTINCT cat), sum(DISTINCT number), max(value) FROM wide
SELECT id FROM wide w WHERE number > (SELECT avg(number) FROM wide v WHERE v.cat = w.cat)
SELECT id, (SELECT max(z.value) FROM zstd z WHERE z.cat = w.cat) FROM wide w WHERE w.id < 100
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v (i, s) JOIN wide ON wide.id = v.i
SELECT max(id) FROM wide WHERE EXISTS (SELECT 1 FROM zstd WHERE id = 5)
SELECT id FROM wide WHERE id NOT IN (SELECT id FROM zstd)
WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT count(*) FROM r CROSS JOIN many
WITH a AS (SELECT cat, avg(value) AS v FROM wide GROUP BY cat), b AS (SELECT cat, v, rank() OVER \
(ORDER BY v) AS k FROM a) SELECT b1.cat FROM b b1 JOIN b b2 ON b1.k = b2.k + 1
SELECT id FROM (SELECT id, value FROM wide UNION ALL SELECT id, value FROM zstd) WHERE id BETWEEN 1000 AND 2000
SELECT id FROM (SELECT id, value FROM wide ORDER BY value LIMIT 100) WHERE id < 5
SELECT sum(b) FROM big WHERE id BETWEEN 2400000 AND 2600000
SELECT a FROM big WHERE id < 3 OR b > 2
SELECT count(*) FROM big WHERE a IS NULL
SELECT big.id FROM big JOIN many ON big.id = many.id
SELECT year, sum(value) FROM parts WHERE id < 70000 GROUP BY year
SELECT year FROM parts
SELECT count(*) FROM parts WHERE year = '1999'
SELECT p.id FROM parts p JOIN (VALUES '2021') v (y) ON p.year = v.y
SELECT c0 FROM categories WHERE c0 LIKE 'category number 1%'
SELECT c0 FROM categories WHERE c0 >= 'category number 5' AND c0 < 'category number 6'
SELECT text FROM indexed WHERE day = DATE '2020-06-06' OR day = DATE '2022-01-01'
SELECT number, text FROM indexed WHERE id > 399990 ORDER BY id
SELECT i.text FROM indexed i JOIN many m ON i.id = m.id
SELECT cat FROM trinoed WHERE day BETWEEN DATE '2022-09-01' AND DATE '2022-09-20'
SELECT at, rare FROM trinoed WHERE rare > 999990
SELECT t.text FROM trinoed t JOIN many m ON t.id = m.id WHERE m.flag
SELECT text FROM ducks WHERE id = 123456 AND few > 0
SELECT few FROM ducks WHERE few IN (1, 2, 3) GROUP BY few
SELECT max(value) FROM odd WHERE value > 0.99 AND small BETWEEN 10 AND 20
SELECT id FROM odd WHERE date_trunc('hour', stamp) = TIMESTAMP '1970-01-02 05:00:00'
SELECT id FROM odd WHERE real BETWEEN 100 AND 200
SELECT id FROM odd WHERE small = -5
SELECT text FROM odd WHERE text BETWEEN 'ü0100' AND 'ü01005'
SELECT w.id FROM wide w WHERE w.day = DATE '2021-05-05' AND w.flag AND w.cat IN ('amber', 'cedar')
SELECT day, count(*) FROM wide WHERE year(day) = 2021 GROUP BY day
SELECT count(*) FROM wide WHERE CAST(at AS date) = DATE '2020-01-03'
SELECT count(*) FROM wide WHERE id > 1e5 AND price = 5
SELECT price FROM wide WHERE price BETWEEN 10.25 AND 10.75
SELECT text FROM gzipped ORDER BY id DESC LIMIT 2
SELECT flag, array_agg(id) FROM gzipped WHERE id < 10 GROUP BY flag
SELECT * FROM hollow WHERE id IS NULL
SELECT 1 FROM wide WHERE false
SELECT id FROM wide WHERE true
SELECT id FROM wide WHERE 1 = 2 OR id = 5
SELECT id FROM wide OFFSET 5 LIMIT 2
SELECT w.id FROM wide w, zstd z WHERE w.id = z.id AND z.id < 20
SELECT word, count(*) FROM lines GROUP BY word
SELECT s.word FROM sheet s JOIN many m ON CAST(s.id AS bigint) = m.id LIMIT 3
"""

QUERIES += [line for line in LATER.strip().splitlines() if line]

MORE = (Path(__file__).parent / "scan_more.sql").read_text(encoding="utf-8")

QUERIES += [line for line in MORE.splitlines() if line and not line.startswith("--")]
