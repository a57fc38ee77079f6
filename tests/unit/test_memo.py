"""Functions of one text, computed once for each distinct text: the same cells as where they stand."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli.engines import open_engine
from agecli.engines.base import Table
from agecli.engines.runtime import compiled, evaluator, memo
from agecli.errors import AgecliError, SqlFailed

if not compiled.enabled():
    pytest.skip("the extension was not built: there is no C compiler", allow_module_level=True)

WORDS = (
    "2019-05",
    "2019-05-17",
    "1999-13",
    "",
    " ",
    "12",
    "1,024",
    "500+",
    "Bachelor of Arts",
    "ph.d",
    "é",
    "大学",
    "\u0000",
)
EXPRESSIONS = (
    "TRY_CAST(a AS DOUBLE)",
    "TRY_CAST(substr(a, 1, 4) AS INTEGER)",
    "TRY(date_parse(a, '%Y-%m'))",
    "CASE WHEN regexp_like(lower(a), '^(bachelor|b\\.a)') THEN 'bachelor' WHEN a IS NULL THEN 'nothing' END",
    "regexp_like(a, '^[0-9]+$') AND TRY_CAST(a AS BIGINT) > 100",
    "transform(ARRAY[CAST(ROW(a, b) AS ROW(x VARCHAR, y VARCHAR))], r -> TRY_CAST(r.x AS INTEGER))",
    "transform(ARRAY[a, b, a], x -> regexp_like(x, '20[0-9]{2}'))",
    "regexp_like(a, '2') AND regexp_like(b, '2')",
)


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """Two columns of texts, most of them repeated, some long, some met once; memos that learn early and fill up."""
    monkeypatch.setattr(memo, "ENOUGH", 50)
    monkeypatch.setattr(evaluator, "MOST_TEXTS", 300)
    chance = random.Random(5)
    often = [*WORDS, *(f"{year}-{month:02}" for year in range(1995, 2005) for month in range(1, 13)), None]

    def one() -> str | None:
        kind = chance.random()
        if kind < 0.05:
            return "x" * chance.randint(1, 400)
        return str(chance.randint(0, 10**6)) if kind < 0.1 else chance.choice(often)

    path = tmp_path / "texts.parquet"
    pq.write_table(pa.table({"a": [one() for _ in range(9000)], "b": [one() for _ in range(9000)]}), path)
    return Table((str(path),))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_cells_are_the_same(expression: str, texts: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = f"SELECT {expression} AS x FROM t"
    for _ in range(2):  # a memo that knows nothing yet, and one that does
        fast = open_engine("duckdb", threads=2).query(sql, {"t": texts})
    monkeypatch.setenv("AGECLI_FAST", "off")
    assert fast.column("x").to_pylist() == open_engine("duckdb").query(sql, {"t": texts}).column("x").to_pylist()


def test_what_depends_on_one_text_goes_by_way_of_a_memo_and_nothing_else_does(texts: Table) -> None:
    engine = open_engine("duckdb")
    made = [engine.translate(f"SELECT {e} AS x FROM t", {"t": texts}).sql for e in EXPRESSIONS]
    assert ["ag_texts_" in sql for sql in made] == [True] * 5 + [False] * 3
    assert ["ag_memo_" in sql for sql in made] == [False] * 5 + [True] * 2 + [False]
    for other in ("a", "count(*)", "max(TRY_CAST(a AS DOUBLE))", "json_array_length(a)", "random()"):
        sql = engine.translate(f"SELECT {other} AS x FROM t", {"t": texts}).sql
        assert "ag_memo_" not in sql and "ag_texts_" not in sql


def test_an_error_is_told_as_it_is_where_it_stands(texts: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> AgecliError:
        with pytest.raises(SqlFailed) as raised:
            open_engine("duckdb", threads=1).query("SELECT CAST(a AS INTEGER) AS x FROM t", {"t": texts})
        return raised.value

    fast = told()
    monkeypatch.setenv("AGECLI_FAST", "off")
    assert (fast.what, fast.fix) == (told().what, told().fix)
