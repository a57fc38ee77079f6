-- Queries of the corpus of scans, one a line. Tables are those of scan_files.py.

-- written before anything was asked: other writers, pages of version 2, lists in rows, columns that come and go
SELECT sum(id), max(text) FROM paged
SELECT text FROM paged WHERE id BETWEEN 200000 AND 201000
SELECT cat, count(*) FROM paged WHERE cat IN ('amber', 'fjord') GROUP BY cat
SELECT value FROM paged WHERE TRY_CAST(text AS bigint) = 5
SELECT count(*) FROM paged WHERE day >= DATE '2020-02-01' AND day < DATE '2020-03-01'
SELECT id FROM paged WHERE rare IS NOT NULL AND number < -1
SELECT max(value) FROM shreds
SELECT * FROM shreds WHERE id = 150000
SELECT text FROM shreds WHERE id < 40000 OR id > 260000
SELECT count(*) FROM shreds
SELECT id, value FROM shreds WHERE id NOT BETWEEN 10000 AND 290000
SELECT flag, cat FROM lump
SELECT cat, day FROM lump
SELECT text, flag FROM lump WHERE id = 7
SELECT number, nothing FROM lump
SELECT * FROM lump LIMIT 20
SELECT sum(id) FILTER (WHERE cat = 'delta') FROM lump
SELECT cat FROM drifted
SELECT id, number FROM drifted WHERE number IS NULL
SELECT sum(value) FROM drifted WHERE id > 250000
SELECT * FROM drifted WHERE cat = 'amber' AND id < 10
SELECT value FROM drifted WHERE value IS NULL
SELECT d.id, w.text FROM drifted d LEFT JOIN wide w ON d.id = w.id AND w.cat = d.cat
SELECT ord.number FROM deep
SELECT l.sku FROM deep CROSS JOIN UNNEST(ord.lines) AS l (sku, price, notes)
SELECT d.id, n.note FROM deep d CROSS JOIN UNNEST(d.ord.lines) AS l (sku, price, notes) CROSS JOIN UNNEST(l.notes) AS n (note)
SELECT "outer".mid.core.leaf, "outer".mid.side FROM deep
SELECT element_at(places, 'amber').x FROM deep WHERE id < 500
SELECT count(*) FROM deep WHERE "outer".mid.core.leaf > 79000
SELECT any_match(ord.lines, l -> l.price > 5) FROM deep WHERE ord IS NOT NULL
SELECT reduce(ord.lines, 0.0, (s, l) -> s + l.price, s -> s) FROM deep
SELECT t.o.number FROM (SELECT ord AS o, places FROM deep WHERE id > 40000) t
SELECT short FROM typed WHERE short > 2500.00
SELECT id FROM typed WHERE short BETWEEN 10 AND 20.5
SELECT max(middle) FROM typed WHERE middle < 100.00001
SELECT id FROM typed WHERE long = -100000
SELECT tiny, count(*) FROM typed WHERE tiny >= 100 GROUP BY tiny
SELECT id FROM typed WHERE tiny = 1000
SELECT id FROM typed WHERE seconds >= TIMESTAMP '1970-01-03 00:00:00'
SELECT nanos FROM typed WHERE nanos < TIMESTAMP '1970-01-01 05:00:00'
SELECT raw FROM typed WHERE raw < X'303030303130'
SELECT id FROM typed WHERE born = DATE '1960-01-01' OR born IS NULL
SELECT count(*) FROM typed WHERE born BETWEEN DATE '1955-06-01' AND DATE '1955-07-01' AND short < 0
SELECT id FROM typed WHERE id > 100000.5
SELECT some FROM blank WHERE some IS NULL
SELECT text FROM blank WHERE some IS NOT NULL AND cat = 'cedar'
SELECT late, value FROM blank WHERE late = 'grove'
SELECT count(*) FROM blank WHERE yes
SELECT count(*) FROM blank WHERE NOT yes
SELECT id FROM blank WHERE some > 100000 OR some IS NULL
SELECT count(late), count(some) FROM blank WHERE id < 60000
SELECT word FROM quacks WHERE word = '000300000'
SELECT s.b FROM quacks WHERE s.a = 5
SELECT s FROM quacks WHERE seldom = 50 AND id > 500000
SELECT amount FROM quacks WHERE amount > 190000
SELECT sum(amount) OVER (PARTITION BY s.a ORDER BY at ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) FROM quacks
SELECT max(word) FROM quacks WHERE at < TIMESTAMP '2024-01-02 00:00:00' AND word LIKE '0000%'
SELECT c0, c2 FROM gaps
SELECT c2, c4 FROM gaps
SELECT c4, c6 FROM gaps
SELECT c0, c2, c4, c6 FROM gaps
SELECT c0 FROM gaps WHERE c2 > 0
SELECT value FROM ledger WHERE booked = '2024-02-29'
SELECT booked, max(id) FROM ledger WHERE booked > '2024-02-28' AND id >= 90000 GROUP BY booked
SELECT l.booked, count(*) FROM ledger l WHERE l.booked IN (SELECT max(booked) FROM ledger) GROUP BY l.booked
SELECT text FROM ledger WHERE booked LIKE '2024-03%'
SELECT id FROM ledger WHERE booked = '2024-02-28' OR number = 3
SELECT a.id FROM ledger a JOIN ledger b ON a.id = b.id AND a.booked = b.booked WHERE a.booked = '2024-03-01'
SELECT count(*) FROM ledger WHERE CAST(booked AS date) = DATE '2024-02-29'
SELECT w.cat, x.top FROM wide w CROSS JOIN LATERAL (SELECT max(p.value) AS top FROM paged p WHERE p.id < 80000) x
SELECT cat, (SELECT count(*) FROM blank b WHERE b.cat = p.cat AND b.id < 1000) FROM paged p WHERE p.id < 5
WITH p AS (SELECT cat, sum(value) AS v FROM paged GROUP BY cat) SELECT * FROM p WHERE v > (SELECT avg(v) FROM p)
SELECT id FROM paged EXCEPT SELECT id FROM typed WHERE id > 50000
SELECT id FROM paged INTERSECT ALL SELECT id FROM wide
SELECT p.id FROM paged p WHERE NOT EXISTS (SELECT 1 FROM drifted d WHERE d.id = p.id AND d.value > 0.5)
SELECT p.text FROM paged p WHERE p.id = ANY (SELECT id FROM many)
SELECT id, ntile(4) OVER (ORDER BY value), first_value(text) OVER (PARTITION BY cat ORDER BY id) FROM paged WHERE number > 10
SELECT * FROM (SELECT id, cat, dense_rank() OVER (PARTITION BY cat ORDER BY value DESC) AS r FROM paged) WHERE r = 1 AND cat = 'amber'
SELECT coalesce(a.id, b.id) FROM paged a FULL OUTER JOIN typed b ON a.id = b.id WHERE b.short > 0
SELECT max_by(text, value), min_by(id, number) FROM wide WHERE NOT (id < 500000)
SELECT id FROM wide WHERE NOT (id >= 50000 OR flag)
SELECT count(*) FROM wide WHERE day = at
SELECT id FROM wide WHERE day IN (DATE '2020-01-01', DATE '2022-08-22') AND (cat = 'amber' OR cat = 'basalt')
SELECT text FROM zstd WHERE id + 0 < 10
SELECT id FROM zstd WHERE abs(id) < 10
SELECT number FROM zstd WHERE at BETWEEN TIMESTAMP '2020-01-01 00:00:00' AND TIMESTAMP '2020-01-01 10:00:00' LIMIT 5
SELECT array_agg(cat ORDER BY id) FROM zstd WHERE price < 100.5 AND id < 25000
SELECT id FROM plain FETCH FIRST 5 ROWS ONLY
SELECT a FROM big ORDER BY b DESC LIMIT 3
SELECT year, cat, count(*) FROM parts WHERE year BETWEEN '2022' AND '2023' GROUP BY CUBE (year, cat)
SELECT sum(value) FROM (SELECT value, year FROM parts WHERE flag) WHERE year = '2021'
SELECT few, text FROM ducks d WHERE d.id IN (SELECT id FROM quacks WHERE seldom IS NOT NULL)
SELECT if(flag, text, cat) FROM wide WHERE id > 590000 AND text IS NOT NULL
SELECT person.name FROM nested WHERE person.address.city IN ('amber') AND cardinality(items) > 0
SELECT w.id FROM wide w, many m, drifted d WHERE w.id = m.id AND m.id = d.id AND d.text LIKE 't1%'

-- figures that might wrongly be called exact: what Trino simplifies before it reads
SELECT sum(value) FILTER (WHERE id < 1000) FROM wide
SELECT sum(value) FILTER (WHERE id < 1000), max(text) FROM wide
SELECT cat, sum(value) FILTER (WHERE id < 1000) FROM wide GROUP BY cat
SELECT count(*) FILTER (WHERE id < 1000), max(number) FILTER (WHERE id > 599000) FROM wide
SELECT count(*) FROM (SELECT sum(value) FROM wide)
SELECT 1 FROM (SELECT max(id) FROM wide)
SELECT z.id FROM zstd z LEFT JOIN (SELECT max(id) AS m FROM wide) w ON true
SELECT z.id FROM zstd z LEFT JOIN (SELECT id, max(value) AS m FROM wide GROUP BY id) w ON w.id = z.id
SELECT IF(true, id, value) FROM wide
SELECT CASE WHEN 1 = 1 THEN number ELSE length(text) END FROM wide
SELECT coalesce(1, number), id FROM wide
SELECT coalesce('a', text) FROM wide
SELECT flag OR true, cat FROM wide
SELECT false AND flag, id FROM wide
SELECT id + CAST(NULL AS bigint), cat FROM wide
SELECT CASE cat WHEN 'amber' THEN cat ELSE cat END FROM wide
SELECT nullif(text, text), id FROM wide
SELECT id = id, cat FROM wide
SELECT sum(value ORDER BY text) FROM wide
SELECT count(number ORDER BY value) FROM wide
SELECT array_agg(number ORDER BY value) FROM wide
SELECT p.name FROM (SELECT person AS p, id FROM nested ORDER BY id LIMIT 10)
SELECT p.name, r FROM (SELECT person AS p, row_number() OVER (ORDER BY id) AS r FROM nested)
SELECT p.name, t FROM (SELECT person AS p, tags FROM nested) CROSS JOIN UNNEST(tags) AS u (t)
SELECT x.p.name FROM (SELECT person AS p, id FROM nested) x LEFT JOIN many m ON x.id = m.id
SELECT x.p.name FROM (SELECT person AS p, id FROM nested) x FULL JOIN many m ON x.id = m.id
SELECT m.cat, x.p.address.city FROM many m LEFT JOIN (SELECT person AS p, id FROM nested) x ON x.id = m.id
SELECT person[1] FROM nested
SELECT person[2].city FROM nested
SELECT max(person).name FROM nested
SELECT arbitrary(person.address).zip FROM nested
SELECT person.name FROM nested ORDER BY person.address.zip
SELECT max_by(person.name, id), count(person.address) FROM nested
SELECT person.address IS NULL FROM nested
SELECT person IS NULL, id FROM nested
SELECT (CASE WHEN id > 5 THEN person END).name FROM nested
SELECT coalesce(person, person).name FROM nested
SELECT cardinality(items) FROM nested
SELECT cardinality(props), map_keys(props) FROM nested
SELECT DISTINCT person.name, person.address FROM nested
SELECT transform(items, i -> i.b) FROM nested
SELECT i.a FROM nested CROSS JOIN UNNEST(items) AS i
SELECT count(*) FROM nested CROSS JOIN UNNEST(items)
SELECT id FROM nested CROSS JOIN UNNEST(tags, items) AS u (t, a, b)
SELECT n.id, o FROM nested n CROSS JOIN UNNEST(tags) WITH ORDINALITY AS u (t, o)
SELECT n.id FROM nested n LEFT JOIN UNNEST(tags) AS u (t) ON true
SELECT k FROM nested CROSS JOIN UNNEST(props) AS u (k, v)
SELECT cat, count(DISTINCT number), count(DISTINCT day) FROM wide GROUP BY cat
SELECT count(DISTINCT number), count(DISTINCT cat), sum(value) FROM wide GROUP BY flag, day
SELECT cat, sum(value) FROM wide GROUP BY cat LIMIT 2
SELECT DISTINCT cat, flag FROM wide
SELECT max(id) FROM wide HAVING max(id) > 5
SELECT cat, max(id) FROM wide GROUP BY cat HAVING cat = 'amber'
SELECT cat FROM wide GROUP BY cat HAVING max(value) > 5
SELECT id FROM wide UNION ALL SELECT id FROM wide
SELECT id FROM wide WHERE id IS NOT DISTINCT FROM 5
SELECT id, cat FROM wide ORDER BY id OFFSET 599990
SELECT id FROM wide ORDER BY text FETCH FIRST 3 ROWS WITH TIES
SELECT (SELECT 1), id FROM wide
SELECT (SELECT number FROM zstd WHERE id = 3), max(id) FROM wide
SELECT number IN (SELECT number FROM many), cat FROM wide
SELECT EXISTS (SELECT 1 FROM many m WHERE m.id = w.id), w.cat FROM wide w
SELECT count(*) OVER (), id FROM wide
SELECT id, sum(value) OVER (ORDER BY id) FROM (SELECT id, value, text FROM wide)
SELECT id FROM (SELECT id, count(*) OVER (PARTITION BY text) AS c FROM wide)
WITH t AS (SELECT id, upper(text) AS u, value FROM zstd) SELECT count(u), max(id) FROM t
WITH t AS (SELECT cat, count(*) AS c FROM zstd GROUP BY cat) SELECT cat FROM t
WITH t AS (SELECT DISTINCT cat, text FROM gzipped) SELECT cat FROM t
SELECT id FROM (VALUES 1, 2) v (id) UNION ALL SELECT number FROM wide
SELECT typeof(text), id FROM wide
SELECT greatest(id, number), try(id / number) FROM wide
SELECT id FROM gzipped UNION SELECT id FROM gzipped
SELECT max(x) FROM (SELECT value AS x, text FROM wide UNION ALL SELECT value, text FROM zstd)
SELECT count(*) FROM (SELECT id, cat FROM wide EXCEPT ALL SELECT id, cat FROM zstd)
SELECT count(*) FROM wide, zstd
SELECT w.flag, z.day FROM wide w FULL JOIN zstd z ON w.number = z.number
SELECT "id", 'wide' AS t, 5 FROM wide
SELECT grouping(cat, flag), max(at) FROM wide GROUP BY CUBE (cat, flag)
SELECT approx_percentile(value, 0.5), histogram(cat) FROM wide
SELECT listagg(cat, ',') WITHIN GROUP (ORDER BY id) FROM many
SELECT CAST(row(id, text) AS row(a bigint, b varchar)).a FROM wide
SELECT r.a FROM (SELECT CAST(row(id, text) AS row(a bigint, b varchar)) AS r FROM wide)
SELECT a[1] FROM (SELECT ARRAY[id, number] AS a, text FROM wide)
SELECT m['x'] FROM (SELECT map(ARRAY['x', 'y'], ARRAY[text, cat]) AS m FROM wide)
SELECT word FROM lines GROUP BY word, id
SELECT count(*) FROM sheet LEFT JOIN lines ON sheet.id = lines.id
SELECT max(id), max(value) FROM drifted
SELECT * FROM drifted
SELECT number FROM drifted
SELECT day FROM ledger
SELECT count(*) FROM ledger
SELECT max(rare), min(nothing) FROM ledger
SELECT nothing FROM wide

-- the same, after that was mended: nothing in this part was off when first asked
SELECT DISTINCT 5 FROM wide
SELECT count(*) FROM (SELECT DISTINCT 1 FROM wide)
SELECT count(*) FROM wide GROUP BY 'x'
SELECT count(1), count(5), sum(2) FROM wide
SELECT count(id) FROM wide
SELECT cardinality(ARRAY[id, number]) FROM wide
SELECT id, sum(value) OVER () FROM wide LIMIT 5
SELECT id, row_number() OVER () FROM wide LIMIT 5
SELECT flag OR (flag AND value > 5) FROM wide
SELECT CASE WHEN flag THEN 1 ELSE 1 END, cat FROM wide
SELECT IF(flag, cat, cat) FROM wide
SELECT IF(flag, cat, NULL) FROM wide
SELECT sum(IF(flag, 1, 0)), sum(CASE WHEN cat = 'amber' THEN value ELSE 0 END) FROM wide
SELECT cat, sum(CASE WHEN flag THEN value END), sum(CASE WHEN number > 5 THEN value END) FROM wide GROUP BY cat
SELECT count_if(flag) FROM wide
SELECT bool_and(flag), every(number > 0) FROM wide
SELECT text LIKE '%' FROM wide
SELECT text LIKE 't1%', number BETWEEN 1 AND 5 FROM wide
SELECT value > 0 AND value < 0 FROM wide
SELECT day + INTERVAL '1' DAY, date_diff('day', day, DATE '2026-01-01') FROM wide
SELECT date_diff('day', day, current_date) FROM wide
SELECT concat(text, cat), substr(text, 1, 3) FROM wide
SELECT number IS NULL, rare IS NOT NULL FROM wide
SELECT id IN (1, 2, 3), cat FROM wide
SELECT id IN (id, 5) FROM wide
SELECT 5 IN (id, number) FROM wide
SELECT cat = 'amber' AND NOT cat = 'amber' FROM wide
SELECT e.id, w.value FROM void e LEFT JOIN wide w ON e.id = w.id
SELECT w.id, e.value FROM wide w LEFT JOIN void e ON e.id = w.id
SELECT w.id, e.value FROM wide w FULL JOIN void e ON e.id = w.id
SELECT count(*) FROM void
SELECT * FROM void
SELECT id FROM void UNION ALL SELECT id FROM many
SELECT w.id FROM wide w EXCEPT SELECT id FROM void
SELECT w.id FROM void w EXCEPT SELECT id FROM wide
SELECT w.id FROM void w INTERSECT SELECT id FROM wide
SELECT id FROM wide INTERSECT SELECT id FROM void
SELECT id FROM (SELECT id, value FROM wide ORDER BY value DESC LIMIT 1000) ORDER BY id LIMIT 3
SELECT max(id) FROM (SELECT id FROM wide LIMIT 100)
SELECT x FROM (SELECT count(*) AS x, max(text) AS y FROM wide)
SELECT x FROM (SELECT count(*) AS x FROM wide) CROSS JOIN (SELECT max(id) AS y FROM zstd)
SELECT cat FROM (SELECT cat, count(*) OVER (PARTITION BY cat) AS n, rank() OVER (ORDER BY value) AS r FROM wide)
SELECT cat, n FROM (SELECT cat, count(*) AS n, max(value) AS v FROM wide GROUP BY cat)
SELECT n FROM (SELECT cat, count(*) AS n FROM wide GROUP BY cat)
SELECT 1 FROM (SELECT cat, max(text) FROM wide GROUP BY cat)
SELECT count(*) FROM (SELECT cat, max(text) AS m FROM wide GROUP BY GROUPING SETS ((cat), ()))
SELECT a.cat FROM (SELECT DISTINCT cat FROM wide) a LEFT JOIN (SELECT DISTINCT cat FROM zstd) b ON a.cat = b.cat
SELECT w.id FROM wide w LEFT JOIN zstd z ON w.id = z.id
SELECT w.id FROM wide w LEFT JOIN zstd z ON w.id = z.id AND z.flag
SELECT w.id FROM many w LEFT JOIN zstd z ON w.id + 1 = z.id
SELECT id, z.value FROM many w FULL JOIN zstd z USING (id)
SELECT z.* FROM many w LEFT JOIN zstd z USING (id)
SELECT * FROM many RIGHT JOIN gzipped USING (id)
SELECT w.id FROM many w LEFT JOIN LATERAL (SELECT max(z.value) AS v FROM zstd z) l ON true
SELECT w.id, l.v FROM many w LEFT JOIN LATERAL (SELECT max(z.value) AS v FROM zstd z WHERE z.id = w.id) l ON true
SELECT m.id, s.x FROM many m CROSS JOIN UNNEST(sequence(1, 3)) AS s (x)
SELECT id, x FROM many CROSS JOIN UNNEST(ARRAY[id, number]) AS u (x)
SELECT id, x FROM nested CROSS JOIN UNNEST(transform(items, i -> i.a)) AS u (x)
SELECT transform(tags, t -> NULL), id FROM nested
SELECT filter(items, i -> i.a > 5 AND i.b <> 'x') FROM nested
SELECT map_filter(props, (k, v) -> true) FROM nested
SELECT items[1].a, items[1].b FROM nested
SELECT i.a, i.b FROM (SELECT items[1] AS i FROM nested)
SELECT props['k'], element_at(props, 'z') FROM nested
SELECT array_agg(person) FROM nested
SELECT person.address.city, count(*) FROM nested GROUP BY person.address.city
SELECT person.address.city, count(*) FROM nested GROUP BY 1 HAVING count(*) > 1
SELECT min(p.address.zip), max(p.name) FROM (SELECT person AS p FROM nested)
SELECT p.address FROM (SELECT p FROM (SELECT person AS p, id FROM nested) GROUP BY p, id)
SELECT id, p.name FROM (SELECT id, person AS p FROM nested UNION ALL SELECT id, person FROM nested)
SELECT lag(person.name) OVER (ORDER BY id) FROM nested
SELECT lag(person) OVER (ORDER BY id) FROM nested
SELECT coalesce(person.name, 'none'), coalesce(person.address.zip, id) FROM nested
WITH a AS (SELECT * FROM nested), b AS (SELECT person.address AS ad, id FROM a) SELECT ad.city FROM b
WITH RECURSIVE r (n) AS (VALUES 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT max(id) FROM many
SELECT * FROM (SELECT cat, flag, count(*) AS n FROM wide GROUP BY cat, flag) t ORDER BY n DESC, cat
SELECT cat, count(*) FROM wide GROUP BY cat ORDER BY max(value)
SELECT cat FROM wide GROUP BY cat ORDER BY count(DISTINCT text)
SELECT DISTINCT ON_ FROM (SELECT cat AS on_ FROM wide)
SELECT "id" FROM "wide"
SELECT wide.cat, "wide"."flag" FROM wide
SELECT cat, first_value(number) OVER w, last_value(day) OVER w FROM wide WINDOW w AS (PARTITION BY flag ORDER BY at)
SELECT cat FROM wide WINDOW w AS (PARTITION BY flag ORDER BY text)
SELECT approx_distinct(number), checksum(cat), stddev(value), corr(value, number) FROM wide
SELECT min(value, 3), max(text, 2) FROM wide
SELECT multimap_agg(cat, flag) FROM wide
SELECT json_extract_scalar(text, '$.a'), regexp_like(cat, 'a') FROM wide
SELECT cast(id AS varchar) || '-' || cat FROM wide
SELECT try_cast(text AS integer), cast(number AS double) FROM wide
SELECT date_trunc('month', day), year(at), extract(month FROM day) FROM wide
SELECT at AT TIME ZONE 'Europe/Berlin', to_unixtime(at) FROM wide
SELECT hash, count(*) FROM (SELECT md5(to_utf8(text)) AS hash FROM zstd) GROUP BY hash
SELECT wide.* FROM wide, void

-- NOT, <>, LIKE and ranges of several types
SELECT max(value) FROM wide WHERE id <> 5 AND NOT id > 60000
SELECT max(value) FROM wide WHERE NOT (id BETWEEN 50000 AND 549999)
SELECT max(value) FROM wide WHERE id NOT IN (1, 2, 3) AND NOT day > DATE '2020-05-01'
SELECT max(number) FROM wide WHERE NOT value < 0.99999999
SELECT max(number) FROM wide WHERE value <> 0.5
SELECT max(id) FROM odd WHERE NOT (sorted >= 1000)
SELECT max(id) FROM odd WHERE NOT (real >= 1000)
SELECT max(id) FROM odd WHERE sorted <> 5
SELECT max(id) FROM odd WHERE NOT (value > -1)
SELECT max(id) FROM odd WHERE text LIKE 'ü000%'
SELECT max(id) FROM odd WHERE text NOT LIKE 'ü000%'
SELECT max(amount) FROM quacks WHERE word LIKE '0005_1%'
SELECT max(amount) FROM quacks WHERE word LIKE '000500000'
SELECT max(amount) FROM quacks WHERE word NOT LIKE '000%'
SELECT max(amount) FROM quacks WHERE word LIKE '0001%' ESCAPE '!'
SELECT max(c1) FROM categories WHERE part LIKE 'am%'
SELECT max(c1) FROM categories WHERE part <> 'amber'
SELECT max(c1) FROM categories WHERE part NOT IN ('amber', 'basalt', 'cedar')
SELECT max(c1) FROM categories WHERE part IN ('grove', 'heath') OR part IS NULL
SELECT max(c1) FROM categories WHERE part LIKE 'amber' OR part LIKE 'heath%'
SELECT max(text) FROM blank WHERE some IS DISTINCT FROM 5
SELECT max(text) FROM blank WHERE some IS NOT DISTINCT FROM NULL
SELECT max(text) FROM blank WHERE some IS NOT DISTINCT FROM 30000
SELECT max(text) FROM blank WHERE NOT (some IS NULL)
SELECT max(text) FROM blank WHERE some BETWEEN 100000 AND 120000 OR some IS NULL
SELECT max(text) FROM blank WHERE NOT (some > 5 OR late = 'amber')
SELECT max(text) FROM blank WHERE yes = true
SELECT max(text) FROM blank WHERE yes OR some > 5
SELECT max(text) FROM blank WHERE yes IS NULL
SELECT max(id) FROM typed WHERE short IN (1, 2.5, 3.75)
SELECT max(id) FROM typed WHERE short BETWEEN 1 AND 2.55
SELECT max(id) FROM typed WHERE short <> 5
SELECT max(id) FROM typed WHERE NOT short > -0.5
SELECT max(id) FROM typed WHERE middle NOT BETWEEN 10 AND 20000.5
SELECT max(id) FROM typed WHERE long BETWEEN -10 AND 10.5
SELECT max(id) FROM typed WHERE NOT (tiny > -115)
SELECT max(id) FROM typed WHERE tiny IN (1, 100)
SELECT max(id) FROM typed WHERE tiny NOT IN (1, 100)
SELECT max(id) FROM typed WHERE NOT born > DATE '1954-01-01'
SELECT max(id) FROM typed WHERE born <> DATE '1954-01-01' AND born < DATE '1954-06-01'
SELECT max(id) FROM typed WHERE NOT seconds > TIMESTAMP '1970-01-01 03:00:00'
SELECT max(id) FROM ledger WHERE NOT (booked = '2024-02-28')
SELECT max(id) FROM ledger WHERE NOT (booked = '2024-02-28' OR booked = '2024-02-29')
SELECT max(id) FROM ledger WHERE NOT (booked = '2024-02-28' OR id > 1000)
SELECT max(id) FROM ledger WHERE booked LIKE '2024-02%'
SELECT max(id) FROM ledger WHERE booked LIKE '2024%1'
SELECT max(id) FROM ledger WHERE booked LIKE '2024-02%9'
SELECT max(id) FROM ledger WHERE booked NOT LIKE '2024-02%'
SELECT max(id) FROM ledger WHERE booked IS NOT NULL
SELECT max(id) FROM ledger WHERE booked IS DISTINCT FROM '2024-03-01'
SELECT max(id) FROM ledger WHERE booked NOT IN ('2024-02-28') AND booked < '2024-03'
SELECT max(id) FROM ledger WHERE booked = '2024-02-28' AND booked LIKE '%28'
SELECT max(id) FROM ledger WHERE booked = '2024-02-28' OR booked IS NULL
SELECT max(l.id) FROM ledger l LEFT JOIN many m ON l.id = m.id AND l.booked = '2024-02-28'
SELECT max(id) FROM ledger WHERE (booked = '2024-02-28' AND flag) OR (booked = '2024-02-29' AND NOT flag)
SELECT max(value) FROM zstd WHERE text LIKE 't12345%' AND NOT flag
SELECT max(value) FROM wide WHERE flag AND NOT cat = 'amber'
SELECT max(value) FROM indexed WHERE NOT (id > 1000 AND id < 390000)
SELECT max(value) FROM indexed WHERE id <> 7
SELECT max(few) FROM ducks WHERE text LIKE 'a rather long beginning%' AND id NOT BETWEEN 1000 AND 390000
SELECT max(text) FROM paged WHERE NOT (day < DATE '2020-10-01') AND cat LIKE 'a%'
SELECT max(text) FROM trinoed WHERE NOT (id < 590000) AND cat <> 'amber'
SELECT sum(id) FROM shreds WHERE NOT (id BETWEEN 3000 AND 297000) OR id = 150000
SELECT max(id) FROM shreds WHERE NOT (text < 't9' AND id > 100)
SELECT max(id) FROM ledger WHERE booked IS NULL
SELECT max(id) FROM ledger WHERE NOT booked IS NULL AND booked <> '2024-03-01'
