"""Programs over the arrays in one column of JSON text: all that a query asks of them, in one pass over the text.

The scanner reads `CAST(json_parse(text) AS ARRAY(...))`, and gives texts inside as their numbers in a dictionary; what
the query computes of the members runs over columns (`elements.py`), and is folded to one value a row. Every row of
which any step is not sure is asked of the engine's own SQL (`Output.source` and `Output.exact`), one query for all
such rows of a chunk; an error there is told where the value is used, and not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agecli.engines.dialect.registry import FAILED, REFUSED
from agecli.engines.dialect.types import Type, duckdb_type, parse_type
from agecli.engines.runtime.arrow import arrow_type
from agecli.engines.runtime.compiled import buffers, one, scan
from agecli.engines.runtime.dictionary import MOST_TEXTS, Dictionary, Evaluator
from agecli.engines.runtime.elements import DTYPES, Column, Expr, Mask, Odd, compute
from agecli.engines.runtime.folds import Lists, fold
from agecli.engines.runtime.json_scan import plan_of
from agecli.errors import AgecliError, SqlRefused

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
        self.steps: list[tuple[Expr, tuple[int, ...]]] = []
        self.places: dict[Expr, int] = {}
        for output in outputs:
            for expr in (*output.conditions, *((output.item,) if output.item is not None else ())):
                self._place(expr)
        self.functions = _functions(self.steps)
        self.kinds = "".join(self._kind(i, kind) for i, kind in enumerate(kinds))
        self.constants: dict[int, Column | None] = {}
        self.types = [arrow_type(parse_type(o.kind)) for o in outputs]
        self.fails = any(o.fails for o in outputs)
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
        """DuckDB's type of the result: v0, v1, ..., and in e the numbers of those that raise, #1#2#, and why."""
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
            self.off = self.off or state.asked < MOST_TEXTS * _WORTH
        else:
            self.states.append(state)
        rows = np.flatnonzero(odd)
        if not len(rows):
            return found
        place = np.arange(len(text))
        place[rows] = len(text) + np.arange(len(rows))
        return pa.concat_arrays([found, self._exact(text.take(pa.array(rows)))]).take(pa.array(place))

    def _place(self, expr: Expr) -> int:
        if expr not in self.places:
            args = tuple(self._place(arg) for arg in expr.args) if expr.op != "function" else ()
            self.places[expr] = len(self.steps)
            self.steps.append((expr, args))
        return self.places[expr]

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
        odd = np.zeros(len(text), np.bool_)
        odd[np.frombuffer(odd_rows, np.int32)] = True
        state.learn()
        lists = Lists(np.frombuffer(offsets, np.int32), _bits(valid, len(text)))
        state.asked += lists.members
        members = Odd()
        with np.errstate(all="ignore"):
            columns = self._columns(fields, lists.members, state, members)
            if members.mask is not None:
                odd |= lists.rows_with(np.broadcast_to(members.mask, lists.members))
            made = [self._fold(output, columns, lists, odd) for output in self.outputs]
        return self._struct(made, len(text)), odd

    def _columns(self, fields: Sequence[Any], members: int, state: _State, odd: Odd) -> list[Column]:
        columns: list[Column] = []
        for place, (expr, args) in enumerate(self.steps):
            if expr.op == "constant":
                columns.append(self._constant(place, expr, odd))
            elif expr.op == "field":
                columns.append(_field(expr, fields[expr.value], members))
            elif expr.op == "function":
                field = expr.args[0].value
                numbers = np.frombuffer(fields[field][1], np.int32)
                if members and numbers.min() < 0:
                    odd.add(numbers < 0, None)
                    numbers = np.maximum(numbers, 0)
                column, bad = state.by_field[field].look_up((expr.value, expr.kind), numbers)
                if bad is not None:
                    odd.add(bad, None)
                columns.append(column)
            else:
                columns.append(compute(expr, [columns[i] for i in args], odd))
        return columns

    def _constant(self, place: int, expr: Expr, odd: Odd) -> Column:
        if place not in self.constants:
            self.constants[place] = _computed(expr)
        known = self.constants[place]
        if known is None:  # it raises, for those rows that come so far
            odd.add(np.ones(1, np.bool_), None)
            known = Column(np.zeros(1, DTYPES[expr.kind]))
        return known

    def _fold(self, output: Output, columns: Sequence[Column], lists: Lists, odd: Mask) -> pa.Array:
        kept = lists.kept(tuple(self.places[c] for c in output.conditions), columns)
        item = columns[self.places[output.item]] if output.item is not None else None
        return fold(output.fold, output.kind, output.value, kept, item, odd)

    def _struct(self, made: Sequence[pa.Array], rows: int) -> pa.Array:
        names = [f"v{i}" for i in range(len(made))]
        if self.fails:
            return pa.StructArray.from_arrays([*made, pa.nulls(rows, pa.string())], [*names, "e"])
        return pa.StructArray.from_arrays(list(made), names)

    def _exact(self, text: pa.Array) -> pa.Array:
        """The same from the engine's own SQL."""
        texts = text.to_pylist()
        try:
            found = self._asked(texts)
        except AgecliError:
            return pa.concat_arrays([self._singly(one_text) for one_text in texts])
        return self._struct(found, len(text))

    def _asked(self, texts: Sequence[str | None]) -> list[pa.Array]:
        found: list[pa.Array] = [None] * len(self.outputs)
        for source, places in self.sources.items():
            rows = self.evaluators[source, tuple(places)].rows(texts)
            for column, i in enumerate(places):
                found[i] = pa.array([row[column] for row in rows], self.types[i])
        return found

    def _singly(self, text: str | None) -> pa.Array:
        """One row, some value of which raises."""
        made, numbers, why = [], "", ""
        for i, output in enumerate(self.outputs):
            value = None
            try:
                value = self.evaluators[output.source, (i,)].rows([text])[0][0]
            except AgecliError as error:
                if not output.fails:
                    raise
                numbers, why = f"{numbers}#{i}", why or _told(error)
            made.append(pa.array([value], self.types[i]))
        told = [pa.array([f"{numbers}# {why}" if numbers else None], pa.string())] if self.fails else []
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


def _functions(steps: Sequence[tuple[Expr, tuple[int, ...]]]) -> dict[int, tuple[tuple[str, str], ...]]:
    """For each field of text the functions that are asked of it."""
    found: dict[int, set[tuple[str, str]]] = {}
    for expr, _ in steps:
        if expr.op == "function":
            found.setdefault(expr.args[0].value, set()).add((expr.value, expr.kind))
    return {field: tuple(sorted(asked)) for field, asked in found.items()}


def _computed(expr: Expr) -> Column | None:
    """The value of a constant; None where it raises."""
    try:
        found = Evaluator([(expr.value, expr.kind)]).rows([None])[0][0]
    except AgecliError:
        return None
    values = np.array([0 if found is None else found], DTYPES[expr.kind])
    return Column(values, np.array([True]) if found is None else None)


def _field(expr: Expr, column: tuple[bytes, bytes, bytes], members: int) -> Column:
    valid, values, _ = column
    dtype = np.bool_ if expr.kind == "boolean" else np.int64
    known = _bits(valid, members)
    return Column(np.frombuffer(values, dtype), None if known.all() else ~known)


def _bits(valid: bytes, count: int) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(valid, np.uint8), count=count, bitorder="little").view(np.bool_)


def _told(error: AgecliError) -> str:
    kind = REFUSED if isinstance(error, SqlRefused) else FAILED
    return f"{kind}{error.why}".replace("#", " ")
