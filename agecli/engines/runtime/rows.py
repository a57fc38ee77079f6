"""SELECTs over one table by compiled code, where each row comes of one row (`dialect.rows`).

Leaves are columns of the table, functions of one text (`texts.py`), folds over JSON arrays (`program.py`), and a few
functions of the runtime. What is computed of them takes the steps of `elements.py`. Every row of which any step is not
sure is odd, and left to the engine's own SQL.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agecli.engines.dialect.registry import RUNTIME, Udf
from agecli.engines.dialect.rows import RowPlan
from agecli.engines.dialect.types import Type, parse_type
from agecli.engines.runtime.compiled import array, replaced, row_values
from agecli.engines.runtime.elements import KINDS, Expr, Steps
from agecli.engines.runtime.program import Program, computed
from agecli.engines.runtime.texts import Taken, TextFunctions

_FORMS = {pa.int32(): 0, pa.int64(): 1, pa.float64(): 2, pa.bool_(): 3}
_ABSENCE = 4
_LEAVES = ("column", "function", "fold", "call")
_STORED = {"integer": (0, pa.int32()), "bigint": (1, pa.int64()), "double": (2, pa.float64()),
           "boolean": (3, pa.bool_()), "real": (4, pa.float32())}  # fmt: skip
_MOST_COLUMNS = 256

Output = Callable[[Mapping[Expr, pa.Array], Sequence[pa.Array]], pa.Array]


@dataclass(frozen=True)
class Done:
    """What became of some rows: a column for each output, how often each counted condition is true, and which rows are
    odd, whose values stand for nothing and are not counted."""

    columns: list[pa.Array]
    counts: list[int]
    odd: NDArray[np.bool_]


class RowProgram:
    """`columns` are the numbers of the table's columns that it needs, `texts` those of them that it needs only for
    functions of their texts."""

    def __init__(self, plan: RowPlan) -> None:
        self.steps = Steps()
        self.leaves: dict[Expr, int] = {}
        self.stored: list[bytes] = []
        self.types: list[pa.DataType] = []
        self.outputs: list[Output] = []
        self.wanted: dict[Expr, None] = {}  # leaves, in the order in which they are met
        for expr in plan.outputs:
            self.outputs.append(self._output(expr))
        self.counted = [self._stored(expr, "boolean") for expr in plan.counted]
        steps, _, _ = self.steps.code
        self.code = steps, computed(self.steps.constants), b"".join(self.stored)
        self.functions: dict[Expr, list[Expr]] = {}  # by their column
        self.folds: dict[tuple[Expr, Type], list[Expr]] = {}  # by their column and what it is parsed to
        for leaf in self.wanted:
            if leaf.op == "function":
                self.functions.setdefault(leaf.args[0], []).append(leaf)
            elif leaf.op == "fold":
                self.folds.setdefault((leaf.args[0], leaf.value[1]), []).append(leaf)
        self.text_functions = {
            column: TextFunctions([(leaf.value[0], parse_type(leaf.value[1])) for leaf in asked])
            for column, asked in self.functions.items()
        }
        self.programs = {
            root: Program(root[1], [leaf.value[0] for leaf in asked]) for root, asked in self.folds.items()
        }
        needed = {leaf for leaf in self.leaves if leaf.op == "column"} | {e for e in plan.outputs if e.op == "column"}
        needed |= {leaf.args[0] for leaf in self.wanted if leaf.op == "call"}
        by_fold = {column.value[1] for column, _ in self.folds}
        by_text = {column.value[1] for column in self.functions}
        direct = {leaf.value[1] for leaf in needed} | by_fold
        self.columns = sorted(direct | {leaf.value[1] for leaf in self.wanted if leaf.op == "column"} | by_text)
        self.texts = sorted(by_text - direct)

    def fits(self) -> bool:
        """Whether there is something to read, and not too much for the compiled code."""
        return len(self.columns) > 0 and len(self.leaves) <= _MOST_COLUMNS

    def run(self, columns: Mapping[int, pa.Array], count: int) -> Done:
        """The outputs for the rows of a batch, whose columns are given by their numbers; texts may be dictionaries."""
        odd = np.zeros(count, np.bool_)
        found = self._leaves(columns, odd)
        given = tuple(_given(found, leaf) for leaf in self.leaves)
        made, marks = row_values.run(count, given, *self.code)
        odd |= np.frombuffer(marks, np.bool_)
        values = [array(kind, count, valid, data) for kind, (valid, data, _) in zip(self.types, made, strict=True)]
        sure = None if not odd.any() else ~odd
        counts = [_count(values[place], sure) for place in self.counted]
        return Done([output(found, values) for output in self.outputs], counts, odd)

    # what it is made of

    def _leaf(self, expr: Expr) -> Expr:
        """A leaf as the steps know it."""
        self.wanted[expr if expr.op != "is null" else expr.args[0]] = None
        return Expr("field", expr.kind, value=self.leaves.setdefault(expr, len(self.leaves)))

    def _lowered(self, expr: Expr) -> Expr:
        if expr.op == "constant":
            return expr
        if expr.op in _LEAVES:
            return self._leaf(expr)
        if expr.op == "is null" and expr.args[0].kind not in KINDS:
            (inner,) = expr.args
            if inner.op in _LEAVES:
                return self._leaf(expr)
            inner = inner.args[0] if inner.op == "real" else _coded(inner, {})
            return self._lowered(replace(expr, args=(inner,)))
        return replace(expr, args=tuple(map(self._lowered, expr.args)))

    def _stored(self, expr: Expr, kind: str) -> int:
        """The place among the values of one that compiled code makes."""
        code, arrow = _STORED[kind]
        self.stored.append(struct.pack("<2i", self.steps.place(self._lowered(expr)), code))
        self.types.append(arrow)
        return len(self.types) - 1

    def _output(self, expr: Expr) -> Output:
        """How an output comes of the leaves and of what compiled code makes of them."""
        if expr.kind == "real":
            (inner,) = expr.args
            whole = inner if inner.kind == "double" else Expr("to double", "double", (inner,))
            place = self._stored(whole, "real")
        elif expr.kind == "varchar" and expr.op in ("case", "constant"):
            texts: dict[str, int] = {}
            place, words = self._stored(_coded(expr, texts), "integer"), pa.array(list(texts), pa.string())
            return lambda found, values: pa.DictionaryArray.from_arrays(values[place], words)
        elif expr.kind not in KINDS or expr.op in ("column", "function"):
            self.wanted[expr] = None
            return lambda found, values: found[expr]
        else:
            place = self._stored(expr, expr.kind)
        return lambda found, values: values[place]

    # what is there

    def _leaves(self, columns: Mapping[int, pa.Array], odd: NDArray[np.bool_]) -> dict[Expr, pa.Array]:
        found: dict[Expr, pa.Array] = {}
        for leaf in self.wanted:
            if leaf.op == "column":
                found[leaf] = columns[leaf.value[1]]
            elif leaf.op == "call":
                definition = RUNTIME[leaf.value]
                assert isinstance(definition, Udf)
                found[leaf] = definition.function(columns[leaf.args[0].value[1]])
        for column, asked in self.functions.items():
            known, values = _of_texts(self.text_functions[column], columns[column.value[1]])
            found |= zip(asked, values, strict=True)
            if known is not None:
                odd |= ~known
        for (column, kind), asked in self.folds.items():
            made = self.programs[column, kind](columns[column.value[1]])
            found |= {leaf: made.field(i) for i, leaf in enumerate(asked)}
            if self.programs[column, kind].fails:
                raised = made.field(len(asked))
                if raised.null_count < len(raised):
                    odd |= np.asarray(raised.is_valid())
        return found


def _coded(expr: Expr, texts: dict[str, int]) -> Expr:
    """Texts by their numbers, which are added to `texts`."""
    if expr.op == "constant":
        number = "NULL" if expr.value is None else str(texts.setdefault(expr.value, len(texts)))
        return Expr("constant", "integer", value=f"CAST({number} AS INTEGER)")
    last = len(expr.args) - 1
    return Expr(
        "case", "integer",
        tuple(_coded(arg, texts) if i % 2 or i == last else arg for i, arg in enumerate(expr.args)),
    )  # fmt: skip


def _of_texts(functions: TextFunctions, column: pa.Array) -> tuple[NDArray[np.bool_] | None, list[pa.Array]]:
    """The functions' values, and for which texts these are known (None: all); of a dictionary each text is looked up
    once."""
    if not pa.types.is_dictionary(column.type):
        return _known(functions, column)
    known, values = _known(functions, pa.concat_arrays([pa.nulls(1, pa.string()), column.dictionary]))
    indices = column.indices
    if indices.null_count:
        numbers = np.where(np.asarray(indices.is_valid()), np.asarray(indices.fill_null(0)), -1)
    else:
        numbers = np.asarray(indices)
    numbers = (numbers + 1).astype(np.int32)
    told = numbers.tobytes()
    return None if known is None else known[numbers], [Taken(of_texts)(told) for of_texts in values]


def _known(functions: TextFunctions, text: pa.Array) -> tuple[NDArray[np.bool_] | None, list[pa.Array]]:
    """The same for a column of texts. Those that are not kept, as there are too many, are computed each time."""
    made = functions(text)
    known, values = made.field(0), [made.field(i) for i in range(1, made.type.num_fields)]
    if known.true_count == len(known):
        return None, values
    sure = np.asarray(known)
    unknown = np.flatnonzero(~sure)
    more = functions.compute(text.take(pa.array(unknown)))
    if more is None:
        return sure, values
    return None, [replaced(kept, unknown, others) for kept, others in zip(values, more, strict=True)]


def _given(found: Mapping[Expr, pa.Array], leaf: Expr) -> tuple[Any, Any, int, int]:
    """A leaf's column as the compiled code takes it."""
    absent = leaf.op == "is null"
    column = found[leaf.args[0] if absent else leaf]
    if absent and pa.types.is_dictionary(column.type):
        column = column.indices
    parts = column.buffers()
    valid = parts[0] if column.null_count else None
    return (valid, None, column.offset, _ABSENCE) if absent else (valid, parts[1], column.offset, _FORMS[column.type])


def _count(column: pa.Array, sure: NDArray[np.bool_] | None) -> int:
    if sure is None:
        return int(column.true_count)
    return int(np.count_nonzero(np.asarray(column.fill_null(False)) & sure))
