"""Functions of the texts in one column: one look-up for all that a query asks of it.

    CASE WHEN known THEN value ELSE <the SQL> END

As in `memo.py` the functions are the very SQL that would run on every row. What is not known yet is computed where it
stands, and kept aside until there is enough of it to be worth a query; NULL is a text like others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agecli.engines.dialect.types import Type, duckdb_type
from agecli.engines.runtime import evaluator, memo
from agecli.engines.runtime.arrow import arrow_type
from agecli.engines.runtime.compiled import array, buffers, members, one, scan, structs
from agecli.errors import AgecliError

_PATIENCE = 64  # chunks with something new, after which it is learned however little it is
_TRIAL = 200_000  # texts after which a full table that knows few of them is given up


class TextFunctions:
    """Functions of one text: DuckDB's SQL over `x`, and the Trino type."""

    def __init__(self, functions: Sequence[tuple[str, Type]]) -> None:
        self.functions = [(f"CAST({sql} AS {duckdb_type(kind)})", arrow_type(kind)) for sql, kind in functions]
        self.kinds = [duckdb_type(kind) for _, kind in functions]
        kinds = [pa.bool_(), *(kind for _, kind in self.functions)]
        self.kind = pa.struct(zip(["k", *(f"v{i}" for i in range(len(functions)))], kinds, strict=True))
        self.states: list[_State] = []
        self.off = False

    def returns(self) -> str:
        """DuckDB's type of the result: whether the text is known, and v0, v1, ..."""
        return f"STRUCT({', '.join(['k BOOLEAN', *(f'v{i} {kind}' for i, kind in enumerate(self.kinds))])})"

    def __call__(self, column: pa.Array) -> pa.Array:
        text = one(column)
        if not self.off:
            try:
                state = self.states.pop() if self.states else _State(self.functions)
                known, values = state.look_up(text)
                self.off = self.off or state.off
                self.states.append(state)
                return structs(self.kind, [known, *values], len(text))
            except IndexError:  # another thread has just taken the last one
                return self(column)
            except AgecliError:
                self.off = True  # a function fails on a text: where that stands it will be told
        none = pa.array(np.zeros(len(text), np.bool_))
        return structs(self.kind, [none, *(pa.nulls(len(text), kind) for _, kind in self.functions)], len(text))


class _State:
    """The texts met so far and their values, the first of which are those for NULL."""

    def __init__(self, functions: Sequence[tuple[str, pa.DataType]]) -> None:
        self.functions = functions
        self.table: Any = scan.table(evaluator.MOST_TEXTS, evaluator.LONGEST_TEXT)
        self.waiting: list[pa.Array] = []
        self.held = 0  # texts that wait
        self.asked = self.missed = 0
        self.full = self.off = False
        self.values = self._computed(pa.array([None], pa.string()))
        self.taken = [_Taken(values) for values in self.values]

    def look_up(self, text: pa.Array) -> tuple[pa.Array, list[pa.Array]]:
        numbers, new = scan.numbers(self.table, *buffers(text), False)
        values = [taken(numbers) for taken in self.taken]
        self.asked, self.missed = self.asked + len(text), self.missed + len(new) // 4
        self.off = self.full and self.asked > _TRIAL and self.missed * 2 > self.asked
        if not new:
            return array(pa.bool_(), len(text), None, b"\xff" * ((len(text) + 7) // 8)), values
        if not self.full:
            self._wait(text.take(pa.array(np.frombuffer(new, np.int32))))
        return pa.array(np.frombuffer(numbers, np.int32) >= 0), values

    def _wait(self, text: pa.Array) -> None:
        self.waiting.append(text)
        self.held += len(text)
        if self.held < memo.ENOUGH and len(self.waiting) < _PATIENCE:
            return
        waiting = pa.concat_arrays(self.waiting)
        self.waiting, self.held = [], 0
        _, new = scan.numbers(self.table, *buffers(waiting), True)
        more = self._computed(waiting.take(pa.array(np.frombuffer(new, np.int32))))
        self.values = [pa.concat_arrays(pair) for pair in zip(self.values, more, strict=True)]
        self.taken = [_Taken(values) for values in self.values]
        self.full = len(self.values[0]) > evaluator.MOST_TEXTS

    def _computed(self, text: pa.Array) -> list[pa.Array]:
        engine = evaluator.engine()
        return [engine.evaluate(sql, text).cast(kind) for sql, kind in self.functions]


class _Taken:
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
        found = members.take(numbers, self.items, self.width, self.valid)
        return array(self.values.type, len(numbers) // 4, *found)


def _items(values: pa.Array, width: int) -> NDArray[Any]:
    if width == 1:
        return np.asarray(values.fill_null(False))
    return np.frombuffer(values.buffers()[1], f"i{width}")[values.offset :][: len(values)]
