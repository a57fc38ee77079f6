"""Expressions over the members of arrays, and the steps that the compiled code takes for them (`_members.c`).

`dialect.programs` makes expressions from the SQL's syntax tree; steps are numbers, as the C code declares them. What
takes more than a glance, such as a sum beyond the type's range or a division by zero, is not decided there: the arrays
that have it are marked odd, and are computed by the engine's own SQL.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

KINDS = {"integer": 0, "bigint": 1, "double": 2, "boolean": 3}
_OPERATIONS = (
    "constant", "field", "function", "=", "<>", "<", "<=", ">", ">=", "not", "and", "or", "is null", "coalesce", "case",
    "least", "greatest", "to double", "same", "+", "-", "*", "/", "%", "negate",
)  # fmt: skip
_FOLDS = ("is null", "count", "min", "max", "sum", "any", "none", "at", "list")
_COMPARED = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Expr:
    """One value of each member: `op` over `args`, of a Trino type in `KINDS` (or `varchar`, for fields only).

    Leaves: `constant` (`value` is DuckDB's SQL), `field` (`value` is its place), `function` of a field's text (`value`
    is DuckDB's SQL over `x`).
    """

    op: str
    kind: str
    args: tuple[Expr, ...] = ()
    value: Any = None


class Steps:
    """Expressions as steps, each of them once; `functions` are the (field, SQL, type) that steps look up."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.constants: list[Expr] = []
        self.functions: list[tuple[int, str, str]] = []
        self._places: dict[Expr, int] = {}
        self._lists: dict[tuple[int, ...], int] = {}
        self._outputs: list[bytes] = []

    def place(self, expr: Expr) -> int:
        """The number of the step that has the expression's value."""
        if expr not in self._places:
            step = self._step(_in_twos(expr))
            self._places[expr] = len(self.rows)
            self.rows.append(step)
        return self._places[expr]

    def output(self, fold: str, kind: str, item: Expr | None, conditions: Sequence[Expr], value: int) -> None:
        """Adds a fold over the members for which all conditions are true."""
        chosen = -1
        if conditions:
            chosen = self._lists.setdefault(tuple(map(self.place, conditions)), len(self._lists))
        place = -1 if item is None else self.place(item)
        self._outputs.append(struct.pack("<4iq", _FOLDS.index(fold), KINDS.get(kind, -1), place, chosen, value))

    @property
    def code(self) -> tuple[bytes, bytes, bytes]:
        """Steps, lists of conditions, and outputs, as `_members.run` takes them."""
        steps = b"".join(struct.pack("<5i", *row) for row in self.rows)
        lists = b"".join(struct.pack(f"<{len(places) + 1}i", *places, -1) for places in self._lists)
        return steps, lists, b"".join(self._outputs)

    def _step(self, expr: Expr) -> tuple[int, ...]:
        op, kind = _OPERATIONS.index(expr.op), KINDS[(expr.args[0] if expr.op in _COMPARED else expr).kind]
        if expr.op == "constant":
            self.constants.append(expr)
            return op, kind, len(self.constants) - 1, -1, -1
        if expr.op == "field":
            return op, kind, expr.value, -1, -1
        if expr.op == "function":
            asked = (expr.args[0].value, expr.value, expr.kind)
            if asked not in self.functions:
                self.functions.append(asked)
            return op, kind, asked[0], self.functions.index(asked), -1
        places = [self.place(arg) for arg in expr.args]
        return (op, kind, *places, *(-1,) * (3 - len(places)))


def _in_twos(expr: Expr) -> Expr:
    """The same with two arguments where there are more, or one; CASE has a condition and two results."""
    args = expr.args
    if expr.op in ("coalesce", "least", "greatest"):
        return reduce(lambda a, b: Expr(expr.op, expr.kind, (a, b)), args) if len(args) > 1 else _same(expr)
    if expr.op == "case" and len(args) != 3:
        if len(args) == 1:
            return _same(expr)
        return Expr("case", expr.kind, (*args[:2], Expr("case", expr.kind, args[2:])))
    return expr


def _same(expr: Expr) -> Expr:
    return Expr("same", expr.kind, expr.args)
