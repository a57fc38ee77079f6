"""The engine that computes functions of texts, apart from the one that asks; and how many texts are kept known.

The functions are DuckDB's SQL over `x`, the very SQL that would run on every row, so there is no second definition.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from agecli.engines.dialect.types import duckdb_type, parse_type

if TYPE_CHECKING:
    from agecli.engines.duckdb import DuckDBEngine

MOST_TEXTS = 1 << 16
LONGEST_TEXT = 256  # bytes

_engine: DuckDBEngine | None = None
_making = threading.Lock()


def engine() -> DuckDBEngine:
    """The one engine of this process that computes what is new; made when it is first asked for."""
    global _engine
    with _making:
        if _engine is None:
            from agecli.engines.duckdb import DuckDBEngine  # which needs this package to be whole

            _engine = DuckDBEngine(threads=1, memory_mb=256)
        return _engine


class Evaluator:
    """DuckDB's SQL for values of given Trino types over `source`, a relation made of `texts` with its column x."""

    def __init__(self, selected: Sequence[tuple[str, str]], source: str = "texts") -> None:
        self.selected = [f"CAST({sql} AS {duckdb_type(parse_type(kind))})" for sql, kind in selected]
        self.source = source
        self.run: Callable[[Sequence[str | None]], list[Any]] | None = None
        self.lock = threading.Lock()

    def rows(self, texts: Sequence[str | None]) -> list[Any]:
        """One row for each text. Raises AgecliError where the SQL does."""
        with self.lock:
            if self.run is None:
                self.run = engine().evaluator(self.selected, self.source)
            return self.run(texts)
