"""Programs over the arrays in one column of JSON text: all that a query asks of them, in one pass over the text.

The scanner reads `CAST(json_parse(text) AS ARRAY(...))`, and gives texts inside as their numbers in a dictionary; what
the query computes of the members (`elements.py`) is folded to one value a row by compiled code. Every row of
which any step is not sure is asked of the engine's own SQL (`Output.source` and `Output.exact`), one query for all
such rows of a chunk; an error there is told where the value is used, and not before.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agecli.engines.dialect.registry import FAILED, REFUSED
from agecli.engines.dialect.types import Type, duckdb_type, parse_type
from agecli.engines.runtime import evaluator
from agecli.engines.runtime.arrow import arrow_type
from agecli.engines.runtime.compiled import array, buffers, members, one, replaced, scan, structs
from agecli.engines.runtime.dictionary import Dictionary
from agecli.engines.runtime.elements import Expr, Steps
from agecli.engines.runtime.evaluator import Evaluator
from agecli.engines.runtime.json_scan import plan_of
from agecli.errors import AgecliError, SqlRefused

Mask = NDArray[np.bool_]
_WIDTHS = {"n": 4, "i": 8, "b": 1, "-": 0}  # bytes of what the scanner gives for a field
_WORTH = 2  # times that a text comes again, below which its dictionary is given up


@dataclass(frozen=True)
class Output:
    """One value of each row: a fold over the members that fulfil all conditions, of Trino type `kind`.

    `source` is DuckDB's SQL of a relation over `texts`, which has the column x, and `exact` that of the value over it.
    """

    fold: str
    kind: str
    conditions: tuple[Expr, ...]
    item: Expr | None
    value: Any
    source: str
    exact: str
    fails: bool


class Program:
    """`target` is the array type that the text is cast to."""

    def __init__(self, target: Type, outputs: Sequence[Output]) -> None:
        plan = plan_of(target)
        assert plan is not None
        self.names, kinds, _, self.bare = plan
        self.outputs = tuple(outputs)
        self.steps = Steps()
        for output in outputs:
            start = output.value if output.value is not None else 0
            self.steps.output(output.fold, output.kind, output.item, output.conditions, start)
        self.code = self.steps.code
        self.constants = b""
        self.functions = _functions(self.steps)
        self.kinds = "".join(self._kind(i, kind) for i, kind in enumerate(kinds))
        self.types = [arrow_type(parse_type(o.kind)) for o in outputs]
        self.fails = any(o.fails for o in outputs)
        named = [(f"v{i}", kind) for i, kind in enumerate(self.types)]
        self.kind = pa.struct([*named, *([("e", pa.string())] if self.fails else [])])
        self.no_errors = pa.nulls(0, pa.string())
        self.sources: dict[str, list[int]] = {}
        for place, output in enumerate(outputs):
            self.sources.setdefault(output.source, []).append(place)
        self.evaluators = {
            (source, places): Evaluator([(outputs[i].exact, outputs[i].kind) for i in places], source)
            for source, all_places in self.sources.items()
            for places in {tuple(all_places), *((i,) for i in all_places)}
        }
        self.states: list[_State] = []
        self.off = False

    def returns(self) -> str:
        """DuckDB's type of the result: v0, v1, ..., and in e which of them raise, and why: #1#why#2#why#."""
        listed = [f"v{i} {duckdb_type(parse_type(o.kind))}" for i, o in enumerate(self.outputs)]
        return f"STRUCT({', '.join([*listed, *(['e VARCHAR'] if self.fails else [])])})"

    def __call__(self, column: pa.Array) -> pa.Array:
        text = one(column)
        if self.off:
            return self._exact(text)
        try:
            state = self.states.pop()  # so that each thread has one to itself
        except IndexError:
            state = _State(self.functions)
        found, odd = self._run(text, state)
        if state.is_full:
            self.off = self.off or state.asked < evaluator.MOST_TEXTS * _WORTH
        else:
            self.states.append(state)
        rows = np.flatnonzero(odd)
        if not len(rows):
            return found
        return replaced(found, rows, self._exact(text.take(pa.array(rows))))

    def _kind(self, field: int, kind: str) -> str:
        """The scanner's word for a field: read as it is, as numbers of texts, or looked at for its grammar only."""
        if kind == "v":
            return "n" if field in self.functions else "-"
        return kind

    def _run(self, text: pa.Array, state: _State) -> tuple[pa.Array, Mask]:
        tables = tuple(state.by_field[i].table if i in state.by_field else None for i in range(len(self.names)))
        (valid, offsets, _), _, fields, odd_rows = scan.read(
            *buffers(text), self.names, self.kinds, True, self.bare, True, tables
        )
        state.learn()
        state.asked += int(np.frombuffer(offsets, np.int32)[-1])
        if self.steps.constants and not self.constants:
            self.constants = computed(self.steps.constants)
        given = tuple((*field[:2], _WIDTHS[kind]) for field, kind in zip(fields, self.kinds, strict=True))
        values = tuple(state.by_field[i].found[sql, kind].columns for i, sql, kind in self.steps.functions)
        steps, lists, outputs = self.code
        made, marks = members.run(offsets, valid, given, values, steps, lists, self.constants, outputs)
        odd = np.frombuffer(marks, np.bool_)
        if odd_rows:
            odd = odd.copy()
            odd[np.frombuffer(odd_rows, np.int32)] = True
        arrays = [_array(kind, len(text), parts) for kind, parts in zip(self.types, made, strict=True)]
        return self._struct(arrays, len(text)), odd

    def _struct(self, made: Sequence[pa.Array], rows: int) -> pa.Array:
        if not self.fails:
            return structs(self.kind, made, rows)
        none = self.no_errors  # other threads put their own there
        if len(none) != rows:
            self.no_errors = none = pa.nulls(rows, pa.string())
        return structs(self.kind, [*made, none], rows)

    def _exact(self, text: pa.Array) -> pa.Array:
        """The same from the engine's own SQL, asked of each distinct text once."""
        distinct = text.dictionary_encode(null_encoding="encode")
        return self._asked(distinct.dictionary.to_pylist()).take(distinct.indices)

    def _asked(self, texts: Sequence[str | None]) -> pa.Array:
        """A row for each text. Where one of them raises, its half is asked apart, and at last each of its values."""
        found: list[pa.Array] = [None] * len(self.outputs)
        try:
            for source, places in self.sources.items():
                rows = self.evaluators[source, tuple(places)].rows(texts)
                for column, i in enumerate(places):
                    found[i] = pa.array([row[column] for row in rows], self.types[i])
        except AgecliError:
            half = len(texts) // 2
            return (
                pa.concat_arrays([self._asked(texts[:half]), self._asked(texts[half:])]) if half else self._told(texts)
            )
        return self._struct(found, len(texts))

    def _told(self, text: Sequence[str | None]) -> pa.Array:
        """One row, some value of which raises."""
        made, raised = [], ""
        for i, output in enumerate(self.outputs):
            value = None
            try:
                value = self.evaluators[output.source, (i,)].rows(text)[0][0]
            except AgecliError as error:
                if not output.fails:
                    raise
                raised += f"#{i}#{_why(error)}"
            made.append(pa.array([value], self.types[i]))
        told = [pa.array([f"{raised}#" if raised else None], pa.string())] if self.fails else []
        names = [*(f"v{i}" for i in range(len(made))), *(["e"] if self.fails else [])]
        return pa.StructArray.from_arrays([*made, *told], names)


class _State:
    """What one thread at a time learns: a dictionary for each field of text; fields with the same functions share."""

    def __init__(self, functions: dict[int, tuple[tuple[str, str], ...]]) -> None:
        self.dictionaries = {asked: Dictionary(asked) for asked in set(functions.values())}
        self.by_field = {field: self.dictionaries[asked] for field, asked in functions.items()}
        self.asked = 0

    def learn(self) -> None:
        for dictionary in self.dictionaries.values():
            dictionary.learn()

    @property
    def is_full(self) -> bool:
        return any(dictionary.full for dictionary in self.dictionaries.values())


def _functions(steps: Steps) -> dict[int, tuple[tuple[str, str], ...]]:
    """For each field of text the functions that are asked of it."""
    found: dict[int, set[tuple[str, str]]] = {}
    for field, sql, kind in steps.functions:
        found.setdefault(field, set()).add((sql, kind))
    return {field: tuple(sorted(asked)) for field, asked in found.items()}


def computed(constants: Sequence[Expr]) -> bytes:
    """The value of each constant in 64 bits, and whether it is one (0), NULL (1), or raises (2)."""
    try:
        (values,) = Evaluator([(expr.value, expr.kind) for expr in constants]).rows([None]) if constants else ((),)
    except AgecliError:
        if len(constants) == 1:
            return _bits(constants[0], None, 2)
        return b"".join(computed([expr]) for expr in constants)
    return b"".join(_bits(expr, value, int(value is None)) for expr, value in zip(constants, values, strict=True))


def _bits(expr: Expr, value: Any, state: int) -> bytes:
    return struct.pack("<dq" if expr.kind == "double" else "<qq", 0 if value is None else value, state)


def _array(kind: pa.DataType, rows: int, parts: Sequence[Any]) -> pa.Array:
    """The values that compiled code made as an Arrow array; of lists the members are given with 64 bits each."""
    valid, values = parts[:2]
    if not pa.types.is_list(kind):
        return array(kind, rows, valid, values)
    inner = kind.value_type
    wide = np.frombuffer(values, np.float64 if pa.types.is_floating(inner) else np.int64)
    items = pa.array(wide.astype(inner.to_pandas_dtype()), inner, mask=np.frombuffer(parts[2], np.bool_))
    bits = None if valid is None else pa.py_buffer(valid)
    return pa.Array.from_buffers(kind, rows, [bits, pa.py_buffer(parts[3])], children=[items])


def _why(error: AgecliError) -> str:
    kind = REFUSED if isinstance(error, SqlRefused) else FAILED
    return f"{kind}{error.why}".replace("#", " ")
