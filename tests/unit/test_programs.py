"""Programs over JSON arrays against the same SQL without them: the same cells and errors, whatever text and query."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agecli.engines.runtime import compiled

from .json_arrays import FOLDS, KEPT, PARSED, answer, texts, without_programs, written

if not compiled.enabled():
    pytest.skip("the extension was not built: there is no C compiler", allow_module_level=True)


def query(arrays: list[str], folds: list[tuple[int, str]]) -> str:
    named = ", ".join(f"{a} AS a{i}" for i, a in enumerate(arrays))
    listed = ", ".join(fold.format(a=f"a{i}") for i, fold in folds)
    parsed = f"SELECT *, {PARSED} AS src, CAST(5 AS INTEGER) AS five FROM s"
    return f"WITH p AS ({parsed}), q AS (SELECT *, {named} FROM p) SELECT {listed}, t FROM q"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(texts, min_size=1, max_size=40),
    st.lists(KEPT, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), FOLDS), min_size=1, max_size=5),
)
def test_cells_and_errors_are_those_of_the_same_sql_without_programs(
    tmp_path: Path, rows: list[str | None], arrays: list[str], folds: list[tuple[int, str]]
) -> None:
    sql = query(arrays, [(i % len(arrays), fold) for i, fold in folds])
    tables = {"s": written(tmp_path / "s.parquet", rows)}
    assert answer(sql, tables) == without_programs(lambda: answer(sql, tables))
