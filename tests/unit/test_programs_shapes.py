"""Programs and functions of texts in all shapes of query: the same cells as without them, and where they are used."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli.engines import open_engine
from agecli.engines.base import Table
from agecli.engines.runtime import compiled, evaluator, memo
from agecli.errors import SqlFailed

if not compiled.enabled():
    pytest.skip("the extension was not built: there is no C compiler", allow_module_level=True)

PARSED = """
  SELECT *,
    TRY(CAST(json_parse(j) AS ARRAY(ROW(d VARCHAR, n BIGINT)))) AS src,
    TRY(CAST(json_parse(j) AS ARRAY(VARCHAR))) AS bare,
    lower(t) AS low,
    COALESCE(TRY(date_parse(t, '%Y-%m-%d')), TRY(date_parse(t, '%Y-%m'))) AS begun,
    CAST(year(DATE '2026-09-30') * 12 AS INTEGER) AS months
  FROM s
"""
COLUMNS = """
  SELECT *,
    transform(src, x -> TRY_CAST(substr(x.d, 1, 4) AS INTEGER) * 12) AS years,
    transform(src, x -> x.n) AS numbers,
    transform(bare, x -> regexp_like(x, '[0-9]')) AS digits,
    CASE WHEN begun >= DATE '1990-01-01' THEN CAST(begun AS DATE) END AS day,
    CASE WHEN regexp_like(low, '^(bachelor|b\\.a)') THEN 3 WHEN low IS NULL THEN 7 WHEN low = 't4.c2' THEN 8 ELSE 0 END
      AS level
  FROM p
"""
LAYERED = f"WITH p AS ({PARSED}), q AS ({COLUMNS})"
USED = (  # by a program, by functions of texts
    ("cardinality(years), array_min(filter(years, y -> y <= months)), j IS NOT NULL AND src IS NULL", True, False),
    ("element_at(numbers, 2), element_at(numbers, -1), any_match(digits, x -> x), array_max(numbers)", True, False),
    (
        "reduce(filter(numbers, x -> x IS NOT NULL AND x < 100), CAST(0 AS BIGINT), (a, x) -> a + x, a -> a)",
        True,
        False,
    ),
    (
        "date_diff('day', day, DATE '2026-09-30'), 'Q' || CAST(quarter(day) AS VARCHAR), level + 1, upper(low)",
        False,
        True,
    ),
    ("years, numbers, digits, day, low, begun", True, True),
    ("bare, src", False, False),
    ("TRY(element_at(transform(numbers, x -> 7 / (x - 5)), 1)), TRY(cardinality(years) / (id - 9))", False, False),
    ("filter(bare, x -> regexp_like(x, '[0-9]')), cardinality(bare)", True, False),
    ("CAST(level AS DOUBLE) * cardinality(years), level", True, True),
    ("filter(numbers, x -> x > id), cardinality(filter(numbers, x -> x > id))", False, False),
    ("transform(numbers, x -> x + 1), cardinality(transform(years, y -> y - months))", True, False),
)
SHAPES = (
    "SELECT id, cardinality(years) AS c, day FROM q WHERE cardinality(numbers) > 1 AND level = 0 ORDER BY id LIMIT 50",
    "SELECT level, count(*) AS n, sum(cardinality(years)) AS c, max(day) AS d FROM q GROUP BY level ORDER BY 1",
    "SELECT DISTINCT level, array_max(numbers) AS m FROM q ORDER BY 1, 2",
    "SELECT a.id, cardinality(a.years) AS c, b.level FROM q a JOIN q b ON a.id = b.id + 1 ORDER BY 1",
    "SELECT id, cardinality(years) AS c FROM q UNION ALL SELECT id, level FROM q ORDER BY 1, 2",
    "SELECT id, (SELECT max(cardinality(x.years)) FROM q x WHERE x.id = y.id) AS c, level FROM q y ORDER BY id",
    "SELECT id, array_min(numbers) AS m FROM (SELECT * FROM (SELECT * FROM q WHERE id > 5) LIMIT 1000) ORDER BY id",
    "SELECT id, y, level FROM q CROSS JOIN UNNEST(years) AS u (y) ORDER BY 1, 2",
    "SELECT id, row_number() OVER (PARTITION BY level ORDER BY id) AS r, cardinality(digits) AS c FROM q ORDER BY id",
    "SELECT id, level FROM q WHERE level IN (SELECT cardinality(years) FROM q WHERE day IS NULL) ORDER BY id",
    "SELECT v.id, v.b, v.c FROM (SELECT id, level, cardinality(years) FROM q) AS v (id, b, c) ORDER BY 1",
    "SELECT a.id, b.level FROM q a LEFT JOIN (SELECT id + 7 AS id, level FROM q) b ON a.id = b.id ORDER BY 1",
    "SELECT id, CASE WHEN cardinality(years) > 0 THEN element_at(numbers, 1) ELSE level END AS x FROM q ORDER BY id",
    "SELECT DISTINCT cardinality(years) AS c, level FROM q ORDER BY cardinality(years), level",
    "SELECT id, CASE WHEN regexp_like(t, '1') AND cardinality(years) > 1 THEN day END AS x FROM q ORDER BY id",
    "SELECT a.id, CASE WHEN regexp_like(a.t, '1') THEN 't1.c2' WHEN a.t = 't4.c2' THEN 't2.c2' END AS x"
    " FROM s a JOIN s b ON a.id = b.id ORDER BY 1",
    "SELECT id, CASE WHEN regexp_like(t, '1') THEN U&'\\E002' ELSE U&'\\E000value 0\\E001' END AS x FROM q ORDER BY id",
    "SELECT id, transform(src, x -> CASE WHEN regexp_like(x.d, '1') THEN U&'\\0061gecli_l0_0' END) AS x FROM q"
    " ORDER BY id",
)
RARE = (
    "null",
    "[1, 2]",
    '["a", "1"]',
    '[{"d":"1"},]',
    "",
    '[{"d":"1","d":"2"}]',
    '[{"d":"\\u0041","n":3}]',
    "{}",
    "[]",
)
TEXTS = (
    "2019-05",
    "2019-05-17",
    "1999-13",
    "",
    "Bachelor of Arts",
    "B.A. x",
    "é",
    "t4.c2",
    "t1.c3",
    "\u0000",
    "a\x1fb",
    "it's",
)


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """Dirty rows, with tables of texts that learn early and fill up."""
    monkeypatch.setattr(memo, "ENOUGH", 50)
    monkeypatch.setattr(evaluator, "MOST_TEXTS", 300)
    chance = random.Random(7)

    def text() -> str | None:
        kind = chance.random()
        often = chance.choice([*TEXTS, None, f"{chance.randint(1980, 2030)}-{chance.randint(1, 12):02}"])
        return "x" * chance.randint(1, 400) if kind < 0.03 else str(chance.randint(0, 10**6)) if kind < 0.06 else often

    def document() -> str | None:
        if chance.random() < 0.2:
            return chance.choice([*RARE, None])
        number = chance.choice([None, 1, 5, 200, -3])
        items = [{"d": text(), "n": number} for _ in range(chance.randint(0, 4))]
        return json.dumps(items if chance.random() < 0.8 else [text()], ensure_ascii=False)

    path = tmp_path / "rows.parquet"
    table = {"id": list(range(3000)), "t": [text() for _ in range(3000)], "j": [document() for _ in range(3000)]}
    pq.write_table(pa.table(table), path)
    return Table((str(path),))


def both_ways(sql: str, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):  # with what is known at first, and with what was learned
        fast = open_engine("duckdb", threads=1).query(sql, {"s": table})
    monkeypatch.setenv("AGECLI_FAST", "off")
    plain = open_engine("duckdb", threads=1).query(sql, {"s": table})
    monkeypatch.delenv("AGECLI_FAST")
    assert fast.schema == plain.schema
    assert fast.to_pylist() == plain.to_pylist()


@pytest.mark.parametrize(("items", "program", "texts"), USED)
def test_items_are_the_same_and_go_by_the_way_that_is_meant(
    items: str, program: bool, texts: bool, rows: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = f"{LAYERED} SELECT {items}, id FROM q"
    made = open_engine("duckdb").translate(sql, {"s": rows}).sql
    assert ("ag_json_program_" in made, "ag_texts_" in made) == (program, texts)
    both_ways(sql, rows, monkeypatch)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shape_of_the_query_does_not_show(shape: str, rows: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    both_ways(f"{LAYERED} {shape}", rows, monkeypatch)


def test_what_nobody_looks_at_is_not_computed(rows: Table) -> None:
    sql = open_engine("duckdb").translate(f"{LAYERED} SELECT level, id FROM q", {"s": rows}).sql
    assert sql.count("(SELECT *, ag_texts_") == 1
    assert "ag_json_program_" not in sql


def test_an_error_is_told_where_its_value_is_used_and_not_before(rows: Table) -> None:
    engine = open_engine("duckdb", threads=1)
    risky = "cardinality(transform(src, x -> CAST(x.d AS INTEGER)))"
    with pytest.raises(SqlFailed, match="Cannot cast"):
        engine.query(f"WITH p AS ({PARSED}) SELECT {risky} AS c FROM p", {"s": rows})
    spared = f"SELECT CASE WHEN id < 0 THEN {risky} END AS c, cardinality(src) AS n FROM p WHERE id < 300"
    spared = f"WITH p AS ({PARSED}) {spared}"
    assert "ag_json_program_" in engine.translate(spared, {"s": rows}).sql
    assert engine.query(spared, {"s": rows}).column("c").null_count == 300


def test_each_value_tells_its_own_error(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    pq.write_table(pa.table({"id": [1], "t": ["x"], "j": ['[{"d":"x","n":9}]']}), path)
    one, engine = Table((str(path),)), open_engine("duckdb", threads=1)
    divided, cast = (
        "cardinality(transform(src, x -> x.n / 0))",
        "cardinality(transform(src, x -> CAST(x.d AS INTEGER)))",
    )
    for told, spared, why in ((divided, cast, "Division by zero"), (cast, divided, "Cannot cast 'x")):
        sql = f"WITH p AS ({PARSED}) SELECT CASE WHEN id < 0 THEN {spared} END AS a, {told} AS b FROM p"
        assert "ag_json_program_" in engine.translate(sql, {"s": one}).sql
        with pytest.raises(SqlFailed, match=why):
            engine.query(sql, {"s": one})


def test_what_asks_too_much_of_a_text_goes_without_programs(rows: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    branches = " ".join(f"WHEN regexp_like(x.d, '^{i}') THEN x.n + {i}" for i in range(70))
    nested = "numbers"
    for _ in range(12):  # each level mentions the one below four times
        nested = f"transform({nested}, x -> CASE WHEN x < 0 THEN 0 WHEN x > 10 THEN x - 1 ELSE x END)"
    for item in (f"cardinality(filter(src, x -> CASE {branches} END > 3))", f"array_max({nested})"):
        both_ways(f"{LAYERED} SELECT id, cardinality(src) AS n, {item} AS x FROM q WHERE id < 500", rows, monkeypatch)
