"""Functions of the texts in one column: one look-up for all that a query asks of it.

    CASE WHEN known THEN value ELSE <the SQL> END

As in `memo.py` the functions are the very SQL that would run on every row. What is new is learned at once: a query
for the new texts of a chunk costs less than their rows do where the SQL stands. NULL is a text like others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agecli.engines.dialect.types import Type, duckdb_type
from agecli.engines.runtime import evaluator
from agecli.engines.runtime.arrow import arrow_type
from agecli.engines.runtime.compiled import array, buffers, one, row_values, scan, structs
from agecli.engines.runtime.evaluator import Evaluator
from agecli.errors import AgecliError

_TRIAL = 200_000  # texts after which a full table that knows few of them is given up
_MOST_BAD = 64  # texts on which a function raises, after which it is left where it stands

# Moments travel as the integers that they are stored as: Python's own dates know fewer of them
_INTEGERS = {
    "date": ("integer", "CAST({0} AS DATE) - DATE '1970-01-01'"),
    "timestamp": (
        "bigint",
        "CASE WHEN NOT isinf(CAST({0} AS TIMESTAMP)) THEN epoch_us(CAST({0} AS TIMESTAMP))"
        " WHEN CAST({0} AS TIMESTAMP) > TIMESTAMP '1970-01-01' THEN 9223372036854775807"
        " WHEN CAST({0} AS TIMESTAMP) < TIMESTAMP '1970-01-01' THEN -9223372036854775807 END",
    ),
}


class TextFunctions:
    """Functions of one text: DuckDB's SQL over `x`, and the Trino type."""

    def __init__(self, functions: Sequence[tuple[str, Type]]) -> None:
        self.types = [arrow_type(kind) for _, kind in functions]
        self.kinds = [duckdb_type(kind) for _, kind in functions]
        self.evaluator = Evaluator([_asked(sql, kind) for sql, kind in functions])
        kinds = [pa.bool_(), *self.types]
        self.kind = pa.struct(zip(["k", *(f"v{i}" for i in range(len(functions)))], kinds, strict=True))
        self.states: list[_State] = []
        self.off = False

    def returns(self) -> str:
        """DuckDB's type of the result: whether the text is known, and v0, v1, ..."""
        return f"STRUCT({', '.join(['k BOOLEAN', *(f'v{i} {kind}' for i, kind in enumerate(self.kinds))])})"

    def __call__(self, column: pa.Array) -> pa.Array:
        text = one(column)
        if self.off:
            none = pa.array(np.zeros(len(text), np.bool_))
            return structs(self.kind, [none, *(pa.nulls(len(text), kind) for kind in self.types)], len(text))
        try:
            state = self.states.pop()  # so that each thread has one to itself
        except IndexError:
            state = _State(self.types, self.evaluator)
        known, values = state.look_up(text)
        self.off = self.off or state.off
        self.states.append(state)
        return structs(self.kind, [known, *values], len(text))

    def compute(self, text: pa.Array) -> list[pa.Array] | None:
        """The values for texts that are not kept; None where a function raises on one of them."""
        if self.states and self.states[-1].bad > _MOST_BAD:
            return None
        distinct = text.dictionary_encode(null_encoding="encode")
        try:
            rows = self.evaluator.rows(distinct.dictionary.to_pylist())
        except AgecliError:
            return None
        return [_column([row[i] for row in rows], kind).take(distinct.indices) for i, kind in enumerate(self.types)]


def _asked(sql: str, kind: Type) -> tuple[str, str]:
    """The SQL that the evaluator is given, and the Trino type of what it gives."""
    name, wrapped = _INTEGERS.get(kind.name, (str(kind), "{0}"))
    return wrapped.format(sql), name


class _State:
    """The texts met so far and their values, the first of which are those for NULL."""

    def __init__(self, types: Sequence[pa.DataType], evaluator_: Evaluator) -> None:
        self.types, self.evaluator = types, evaluator_
        self.table: Any = scan.table(evaluator.MOST_TEXTS, evaluator.LONGEST_TEXT)
        self.asked = self.missed = self.bad = 0
        self.full = self.off = False
        self.values = [pa.array([], kind) for kind in types]
        self.known = np.zeros(0, np.bool_)
        self._learn([None])

    def look_up(self, text: pa.Array) -> tuple[pa.Array, list[pa.Array]]:
        told, new = scan.numbers(self.table, *buffers(text), not self.full)
        if new and not self.full:
            self._learn(text.take(pa.array(np.frombuffer(new, np.int32))).to_pylist())
        numbers = np.frombuffer(told, np.int32)
        values = [taken(told) for taken in self.taken]
        self.asked += len(text)
        if not self.bad and (not len(numbers) or numbers.min() >= 0):
            return array(pa.bool_(), len(text), None, b"\xff" * ((len(text) + 7) // 8)), values
        known = self.known[np.maximum(numbers, 0)] & (numbers >= 0)
        self.missed += len(text) - int(np.count_nonzero(known))
        useless = self.full and self.asked > _TRIAL and self.missed * 2 > self.asked
        self.off = useless or self.bad > _MOST_BAD
        return pa.array(known), values

    def _learn(self, texts: Sequence[str | None]) -> None:
        rows = self._rows(texts)
        columns = [_column([row[i] if row else None for row in rows], kind) for i, kind in enumerate(self.types)]
        self.values = [pa.concat_arrays(pair) for pair in zip(self.values, columns, strict=True)]
        self.known = np.concatenate([self.known, [row is not None for row in rows]])
        self.taken = [Taken(values) for values in self.values]
        self.full = len(self.known) > evaluator.MOST_TEXTS

    def _rows(self, texts: Sequence[str | None]) -> list[Any]:
        """The functions' values for each text; None where one of them raises, which is told where it stands."""
        try:
            return self.evaluator.rows(texts)
        except AgecliError:
            if len(texts) == 1 or self.bad > _MOST_BAD:
                self.bad += len(texts)
                return [None] * len(texts)
            half = len(texts) // 2
            return [*self._rows(texts[:half]), *self._rows(texts[half:])]


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return pa.array(values, pa.int32() if pa.types.is_date(kind) else pa.int64()).view(kind)
    return pa.array(values, kind)


class Taken:
    """Values by their numbers, by compiled code where they have a fixed width; a number below 0 gives that of NULL."""

    def __init__(self, values: pa.Array) -> None:
        self.values = values
        kind = values.type
        self.width = 1 if pa.types.is_boolean(kind) else kind.bit_width // 8 if pa.types.is_primitive(kind) else 0
        if pa.types.is_int8(kind) or self.width == 2:
            self.width = 0
        if self.width:
            self.valid = np.asarray(values.is_valid())
            self.items = _items(values, self.width)

    def __call__(self, numbers: bytes) -> pa.Array:
        if not self.width:
            return self.values.take(pa.array(np.maximum(np.frombuffer(numbers, np.int32), 0)))
        found = row_values.take(numbers, self.items, self.width, self.valid)
        return array(self.values.type, len(numbers) // 4, *found)


def _items(values: pa.Array, width: int) -> NDArray[Any]:
    if width == 1:
        return np.asarray(values.fill_null(False))
    return np.frombuffer(values.buffers()[1], f"i{width}")[values.offset :][: len(values)]
