"""Programs that reach through a view: the same cells and errors as without them, and as over its stored table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agecli.engines import open_engine
from agecli.engines.base import Table, View
from agecli.engines.runtime import compiled, evaluator, memo
from agecli.engines.tally import Tally
from agecli.errors import AgecliError

from .json_arrays import FOLDS, KEPT, PARSED, answer, texts, without_programs, written

if not compiled.enabled():
    pytest.skip("the extension was not built: there is no C compiler", allow_module_level=True)

WORDS = ("2019-05", "t1.c2", "t3.c2", None, "", "12", "é", "x" * 300, "2020-01-01")
OF_TEXT = st.sampled_from(
    [
        "CASE WHEN regexp_like(u, '[0-9]') THEN 't1.c2' WHEN u IS NULL THEN 'n' ELSE u END",
        "TRY_CAST(substr(u, 1, 4) AS INTEGER)",
        "TRY(date_parse(u, '%Y-%m'))",
        "regexp_like(u, '2')",
        "CAST(u AS INTEGER)",
        "u",
    ]
)
OVER_TEXT = st.sampled_from(
    [
        "CAST({} AS VARCHAR) || 'x'",
        "{} IS NULL",
        "coalesce(CAST({} AS VARCHAR), 't2.c4')",
        "TRY_CAST(CAST({} AS VARCHAR) AS INTEGER) + 1",
    ]
)
SHAPES = st.sampled_from(
    [
        "SELECT id, {features}, src, t FROM v {where}",
        "WITH w AS (SELECT * FROM v) SELECT w.id, {features} FROM w {where}",
        "SELECT id, {names}, cardinality(a0) AS n FROM (SELECT *, {features} FROM v) k {where}",
        "SELECT DISTINCT {features}, t FROM v {where}",
        "SELECT a0 IS NULL AS n, count(*) AS c, max(f0) AS f FROM (SELECT a0, {features} FROM v {where}) k GROUP BY 1",
    ]
)


def rows_of(found: Any) -> Any:
    """What went wrong, or types and rows in an order of their own."""
    return found if isinstance(found, str) else (found[0], sorted(repr(list(row.values())) for row in found[1]))


def stored(view: View, folder: Path) -> Table | str:
    """The table that the view stands for, or what goes wrong when it is written."""
    try:
        made = open_engine("duckdb", threads=1).create(view.sql, dict(view.tables), folder)
    except AgecliError as error:
        return type(error).__name__
    return Table(tuple(str(folder / name) for name in made.files))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(texts, max_size=30),
    st.sampled_from([1, 1, 80]),
    st.lists(KEPT, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), FOLDS), min_size=1, max_size=4),
    st.lists(st.tuples(OF_TEXT, OVER_TEXT), max_size=2),
    SHAPES,
    st.sampled_from([("", ""), ("WHERE id % 3 <> 1", "WHERE id > 1"), ("WHERE src IS NOT NULL", "WHERE a0 IS NULL")]),
    st.sampled_from([(1, False), (3, True)]),
)
def test_a_view_gives_what_the_same_sql_gives_without_programs_and_what_its_table_would_give(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[str | None],
    times: int,
    arrays: list[str],
    folds: list[tuple[int, str]],
    words: list[tuple[str, str]],
    shape: str,
    where: tuple[str, str],
    way: tuple[int, bool],
) -> None:
    folder, rows, (threads, counted) = tmp_path_factory.mktemp("view"), rows * times, way
    numbers = pa.array(range(len(rows)), pa.int64())
    others = {"id": numbers, "u": pa.array([WORDS[i * 7 % len(WORDS)] for i in range(len(rows))], pa.string())}
    source = written(folder / "s.parquet", rows, **others)
    items = [f"{a} AS a{i}" for i, a in enumerate(arrays)] + [f"{w} AS x{i}" for i, (w, _) in enumerate(words)]
    parsed = f"SELECT *, {PARSED} AS src, CAST(5 AS INTEGER) AS five FROM s"
    sql = f"SELECT id, src, five, t, u, {', '.join(items)} FROM ({parsed}) q {where[0]}"
    view = View(sql, (("s", source),), Tally(("id",), ()) if counted else None)
    values = [fold.format(a=f"a{i % len(arrays)}") for i, fold in folds]
    values += [over.format(f"x{i}") for i, (_, over) in enumerate(words)]
    names = ", ".join(f"f{i}" for i in range(len(values)))
    features = ", ".join(f"{value} AS f{i}" for i, value in enumerate(values))
    query = shape.format(features=features, names=names, where=where[1])
    fast = rows_of(answer(query, {"v": view}, threads))
    slow = without_programs(lambda: rows_of(answer(query, {"v": view}, threads)))
    if where[1] and "SqlFailed" in (fast, slow):
        return  # whether rows that WHERE drops may raise is left to the engine, by Trino as well
    assert fast == slow
    table = stored(view, folder / "stored")
    if isinstance(table, Table):
        assert fast == without_programs(lambda: rows_of(answer(query, {"v": table})))


GOOD = json.dumps([{"d": "2019", "n": 3}, {"d": "x", "n": None}])
DIRTY = [GOOD, "[]", None, "x", '[{"d":"1","d":"2"}]', "[null]", "[{}]", '[{"n":1}]', '[{"n":"7","d":7}]']
LONG = [json.dumps([{"d": "9" * 300, "n": 10**30}]), json.dumps([{"d": "é" * 200, "n": 1}], ensure_ascii=False)]
TABLES: dict[str, list[str | None]] = {
    "no row": [],
    "one row": [GOOD],
    "one NULL": [None],
    "a whole vector": [GOOD] * 2048,
    "a vector and a row": [GOOD] * 2049,
    "NULLs only": [None] * 2049,
    "a vector of NULLs": [GOOD] * 2048 + [None] * 2048 + [GOOD] * 3,
    "empty arrays": ["[]"] * 2100,
    "no JSON": ["x"] * 2100,
    "long texts": LONG * 100,
    "dirty": DIRTY * 500,
    "one text and many others": [
        json.dumps([{"d": f"{i:07}", "n": i}, {"d": f"{i % 5}", "n": 1}]) for i in range(1500)
    ],
}
STAGED = f"""
  SELECT id, src, transform(src, x -> TRY_CAST(substr(x.d, 1, 4) AS INTEGER) * 12) AS y, transform(src, x -> x.n) AS n,
    filter(src, x -> regexp_like(x.d, '[0-9]')) AS kept, transform(src, x -> CAST(x.d AS INTEGER)) AS risky
  FROM (SELECT id, {PARSED} AS src FROM s) q
"""
FEATURES = """
  SELECT id, array_min(y) AS a, array_max(zip_with(y, n, (a, b) -> a - b)) AS b, cardinality(kept) AS k,
    reduce(filter(n, x -> x IS NOT NULL), CAST(0 AS BIGINT), (s, x) -> s + x, s -> s) AS c, element_at(y, -1) AS d,
    any_match(n, x -> x > 2) AS e, src IS NULL AS f, y, n, filter(y, x -> x > 12) AS z
  FROM v
"""


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES)
def test_tables_of_all_sizes(
    rows: list[str | None], threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memo, "ENOUGH", 50)
    monkeypatch.setattr(evaluator, "MOST_TEXTS", 400 + threads)
    staged = STAGED.replace("'[0-9]'", f"'[0-9]|only {threads} {len(rows)}'")  # a program that has learned nothing yet
    source = written(tmp_path / "s.parquet", rows, id=pa.array(range(len(rows)), pa.int64()))
    tables = {"v": View(staged, (("s", source),), Tally(("id",), ("kept",)))}
    for sql in (FEATURES, "SELECT id, element_at(risky, 1) AS r FROM v", "SELECT id, risky FROM v"):
        fast = [rows_of(answer(sql, tables, threads)) for _ in range(2)]
        assert fast == [without_programs(lambda sql=sql: rows_of(answer(sql, tables, threads)))] * 2
