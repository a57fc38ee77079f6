"""Functions of a text as tables: the texts met so far are numbered, and each function has a value for each number.

The functions are DuckDB's SQL over `x`, computed by an engine of its own once for each distinct text, so there is no
second definition. Number 0 is NULL. A text on which a function raises is marked; what to do there is for the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agecli.engines.runtime import evaluator
from agecli.engines.runtime.compiled import scan
from agecli.errors import AgecliError


class Dictionary:
    """Numbers for texts, and what each function (its SQL and Trino type) says of them. Not for threads to share."""

    def __init__(self, functions: Sequence[tuple[str, str]]) -> None:
        self.functions = tuple(functions)
        self.table: Any = scan.table(evaluator.MOST_TEXTS, evaluator.LONGEST_TEXT)
        self.known = 0
        self.found = {function: _Values(function[1]) for function in self.functions}
        self.evaluator = evaluator.Evaluator(self.functions)
        self._compute([None])

    @property
    def full(self) -> bool:
        return self.known >= evaluator.MOST_TEXTS

    def learn(self) -> None:
        """Computes the functions for the texts that were numbered since the last time."""
        offsets, data = scan.texts(self.table, self.known)
        count = len(offsets) // 4 - 1
        if count:
            buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
            self._compute(pa.Array.from_buffers(pa.string(), count, buffers).to_pylist())
            self.known += count

    def _compute(self, texts: Sequence[str | None]) -> None:
        made = self._rows(texts)
        for i, function in enumerate(self.functions):
            self.found[function].add([(row[i], bad) for row, bad in made])

    def _rows(self, texts: Sequence[str | None]) -> list[tuple[tuple[Any, ...], bool]]:
        """All functions' values for each text, and whether one of them raises there."""
        try:
            return [(row, False) for row in self.evaluator.rows(texts)]
        except AgecliError:
            if len(texts) == 1:
                return [((None,) * len(self.functions), True)]
            half = len(texts) // 2
            return [*self._rows(texts[:half]), *self._rows(texts[half:])]


class _Values:
    """A function's values by number, 64 bits each, with room to grow; and for which it is NULL, or raises."""

    def __init__(self, kind: str) -> None:
        self.values: NDArray[Any] = np.zeros(1024, np.float64 if kind == "double" else np.int64)
        self.null = np.zeros(1024, np.bool_)
        self.bad = np.zeros(1024, np.bool_)
        self.size = 0
        self.columns = self._columns()

    def add(self, found: Sequence[tuple[Any, bool]]) -> None:
        end = self.size + len(found)
        while end > len(self.values):
            self.values, self.null, self.bad = (
                np.concatenate([a, np.zeros_like(a)]) for a in (self.values, self.null, self.bad)
            )
        for i, (value, bad) in enumerate(found, self.size):
            self.null[i], self.bad[i] = value is None, bad
            if value is not None:
                self.values[i] = value
        self.size = end
        self.columns = self._columns()

    def _columns(self) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
        """Values, which are NULL, and which raise."""
        return self.values[: self.size], self.null[: self.size], self.bad[: self.size]
