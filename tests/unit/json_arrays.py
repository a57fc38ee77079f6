"""Dirty texts of JSON arrays, SQL over what they are parsed to, and answers to compare: for the tests of programs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from agecli.engines import open_engine
from agecli.engines.base import Relation, Table
from agecli.errors import AgecliError

PARSED = "TRY(CAST(json_parse(t) AS ARRAY(ROW(d VARCHAR, n BIGINT, b BOOLEAN))))"
WORDS = (
    "2019-05",
    "1999",
    "",
    "é",
    "x" * 300,
    "12",
    "-7",
    "2147483647",
    'say "so"',
    "null",
    "a\\b",
    "\u0000",
    "2020\n",
)
NUMBERS = (0, 1, -1, 7, 12, 2**31 - 1, -(2**31), 2**62, 2**63 - 1, -(2**63), 10**18, 10**30, 1.5)
TEXTS = (
    *("", "null", "[]", "[null]", "[1]", "{}", "[{}]", "[object Object]", "[,]", '[{"d":"1"},]', '[{"n":1}]x', "[[]]"),
    *('[{"d":"1","d":"2"}]', '[{"d":{"a":1}}]', '[{"D":"x","N":3}]', '[{"\\u0064":"1"}]', '[{"d":"\\ud800"}]', '"[]"'),
    *('[{"d":"\\u0041\\n"}]', '[{"d":true,"n":5},{"d":12}]', '[{"n":"5"}]', '[{"n":-0}]', '[{"n":1e2}]', "[" * 300),
)

members = st.none() | st.dictionaries(
    st.sampled_from(["d", "n", "b", "other"]),
    st.none() | st.sampled_from(WORDS) | st.sampled_from(NUMBERS) | st.booleans(),
    max_size=4,
)
fitting = st.fixed_dictionaries(
    {},
    optional={
        "d": st.none() | st.sampled_from(WORDS),
        "n": st.none() | st.sampled_from(NUMBERS[:8]) | st.integers(-20, 20),
        "b": st.none() | st.booleans(),
        "other": st.just([{"x": {}}]),
    },
)
texts = st.one_of(
    st.none(),
    st.sampled_from(TEXTS),
    st.lists(members, max_size=4).map(json.dumps),
    *[st.lists(fitting, max_size=6).map(lambda value: json.dumps(value, ensure_ascii=False))] * 3,
)


def _joined(*parts: Any) -> st.SearchStrategy[str]:
    """Text from pieces, strategies among them."""
    return st.tuples(*(st.just(p) if isinstance(p, str) else p for p in parts)).map("".join)


def _numbers(leaf: st.SearchStrategy[str], truth: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    literals = st.sampled_from(
        ["0", "1", "-3", "12", "2147483647", "9223372036854775807", "NULL", "five", "month(DATE '2024-05-01')"]
    )

    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        either = inner | literals
        return st.one_of(
            _joined("(", inner, st.sampled_from([" + ", " - ", " * ", " / ", " % "]), either, ")"),
            _joined("-(", inner, ")"),
            _joined(st.sampled_from(["least(", "greatest(", "coalesce("]), inner, ", ", either, ")"),
            _joined("CASE WHEN ", truth, " THEN ", inner, " ELSE ", either, " END"),
            _joined("CASE ", inner, " WHEN 1 THEN ", either, " WHEN 12 THEN 5 END"),
            _joined("IF(", truth, ", ", inner, ")"),
            _joined("CAST(", inner, " AS BIGINT)"),
        )

    return st.recursive(leaf, deeper, max_leaves=4)


def _truths(leaf: st.SearchStrategy[str], number: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    compared = _joined(number, st.sampled_from([" = ", " <> ", " < ", " <= ", " > ", " >= "]), number | st.just("7"))
    simple = st.one_of(
        leaf,
        compared,
        _joined(number, " IS NULL"),
        _joined(number, " BETWEEN 0 AND ", number),
        _joined("CAST(", number, " AS DOUBLE) / 3 > 0.5e0"),
    )

    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            _joined("(NOT ", inner, ")"), _joined("(", inner, st.sampled_from([" AND ", " OR "]), inner, ")")
        )

    return st.recursive(simple, deeper, max_leaves=3)


OF_ROW = st.sampled_from(
    [
        "p.n",
        "TRY_CAST(substr(p.d, 1, 4) AS INTEGER)",
        # may be NULL: of one that may not DuckDB takes IS NULL for false, in some places, and leaves the rest unasked
        "CASE WHEN regexp_like(p.d, '^[0-9]+') THEN 3 WHEN p.d IS NULL THEN 4 WHEN p.d <> 'x' THEN 5 END",
        "CAST(substr(p.d, 1, 2) AS INTEGER)",
    ]
)
ROW_TRUTH = _truths(st.sampled_from(["p.b", "regexp_like(p.d, '2')", "p.d IS NULL"]), OF_ROW)
ROW_NUMBER = _numbers(OF_ROW, ROW_TRUTH)
ITEM_TRUTH = _truths(st.just("x > 3"), st.just("x"))
PAIR_NUMBER = _numbers(st.sampled_from(["x", "y"]), st.just("x <= COALESCE(y, five)"))
ARRAYS = st.one_of(
    _joined("transform(src, p -> ", ROW_NUMBER, ")"),
    _joined("transform(filter(src, p -> ", ROW_TRUTH, "), p -> ", ROW_NUMBER, ")"),
    _joined(
        "zip_with(transform(src, p -> ", OF_ROW, "), transform(src, p -> ", OF_ROW, "), (x, y) -> ", PAIR_NUMBER, ")"
    ),
)
KEPT = ARRAYS | _joined("filter(", ARRAYS, ", x -> ", ITEM_TRUTH, ")")
FOLDS = st.sampled_from(
    [
        "cardinality({a})",
        "{a} IS NULL",
        "array_min({a})",
        "array_max({a})",
        "element_at({a}, 1)",
        "element_at({a}, -2)",
        "any_match({a}, x -> x > 3)",
        "all_match({a}, x -> x > 3)",
        "none_match({a}, x -> x > 3)",
        "reduce(filter({a}, x -> x IS NOT NULL), CAST(0 AS BIGINT), (s, x) -> s + x, s -> s)",
        "CAST(array_max({a}) AS DOUBLE) / 12",
        "{a}",
    ]
)


def answer(sql: str, tables: Mapping[str, Relation], threads: int = 1) -> Any:
    """The cells, or what went wrong."""
    try:
        found = open_engine("duckdb", threads=threads).query(sql, tables)
    except AgecliError as error:
        return type(error).__name__
    return [str(kind) for kind in found.schema.types], found.to_pylist()


def without_programs(ask: Callable[[], Any]) -> Any:
    """The same, asked of the engine's own SQL."""
    before = os.environ.get("AGECLI_FAST")
    os.environ["AGECLI_FAST"] = "off"
    try:
        return ask()
    finally:
        if before is None:
            del os.environ["AGECLI_FAST"]
        else:
            os.environ["AGECLI_FAST"] = before


def written(path: Path, rows: list[str | None], **others: Any) -> Table:
    """A table of texts `t`, with other columns."""
    table = pa.table({"t": pa.array(rows, pa.string()), **others})
    pq.write_table(table, path, row_group_size=2048)
    return Table((str(path),))
