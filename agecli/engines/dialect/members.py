"""Which expressions over the members of an array `runtime.elements` can compute: made from the syntax tree.

Types are those that the binder found for each part of the tree; what depends on a single text of the member and on
nothing else becomes a function of that text, whose definition is the SQL that the binder wrote. None stands for what
is not known here, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from agecli.engines.dialect import ast
from agecli.engines.dialect.memo import only_text, references
from agecli.engines.dialect.mentions import renamed
from agecli.engines.dialect.registry import Typed
from agecli.engines.dialect.types import Type, common_type, field_names, quote_text
from agecli.engines.runtime.elements import KINDS, Expr

_LONGEST_SQL = 20_000
_MOST_PARTS = 1_000


@dataclass(frozen=True)
class Root:
    """A text in a column of a relation of the emitted SQL: as the array that it is parsed to, or (varchar) itself."""

    relation: str
    column: str
    type: Type


@dataclass(frozen=True)
class Array:
    """Members of a root, those for which the conditions are true, and the value of each.

    `item` is None where the members are rows.
    """

    root: Root
    conditions: tuple[Expr, ...] = ()
    item: Expr | None = None


def root_array(root: Root) -> Array:
    """The array as it is parsed."""
    kind = root.type.element
    return Array(root, (), None if kind.name == "row" else Expr("field", kind.name, value=0))


class Members:
    """Expressions in the body of a lambda. `bound` has what the binder made of the parts of the tree, by their id."""

    def __init__(self, bound: Mapping[int, Typed], parameters: Mapping[str, tuple[str, Type, Array]]) -> None:
        self.bound = bound
        self.parameters = parameters  # by their names: the name in the emitted SQL, the type, the array

    def body(self, node: ast.Expr, kind: Type) -> Expr | None:
        """The value of a lambda, coerced to a type."""
        value = self.bound.get(id(node))
        if value is not None and value.type.name == "unknown" and value.is_constant:
            return null_of(kind)
        made = self.expr(node)
        return None if made is None else coerced(made, kind)

    def expr(self, node: ast.Expr) -> Expr | None:
        value = self.bound.get(id(node))
        if value is None or value.volatile or len(value.sql) > _LONGEST_SQL:
            return None
        if isinstance(value.native, Expr):
            return value.native
        if value.type.name in KINDS:
            found = constant(value) or self.function(value)
            if found is not None:
                return found
        method = _METHODS.get(type(node))
        made = method(self, node) if method is not None else None
        return made if made is not None and made.kind == value.type.name else None

    def function(self, value: Typed) -> Expr | None:
        """A function of one text of the member."""
        for name, kind, array in self.parameters.values():
            if name not in value.sql:
                continue
            text = only_text(value.sql, (Typed(name, kind),))
            if text is None:
                return None
            if text == name:
                field = array.item
            else:
                fields = field_names(kind)
                places = [i for i, f in enumerate(fields) if text == f"struct_extract({name}, {quote_text(f)})"]
                field = Expr("field", "varchar", value=places[0])
            if field is None or (field.op, field.kind) != ("field", "varchar"):
                return None
            return Expr("function", value.type.name, (field,), renamed(value.sql, text, "x"))
        return None

    def name(self, node: ast.Name) -> Expr | None:
        found = self.parameters.get(node.name.lower())
        return None if found is None else found[2].item

    def field(self, node: ast.Field) -> Expr | None:
        if not isinstance(node.base, ast.Name) or node.base.name.lower() not in self.parameters:
            return None
        _, kind, array = self.parameters[node.base.name.lower()]
        if kind.name != "row" or array.item is not None:
            return None
        places = [i for i, f in enumerate(kind.fields) if f is not None and f.lower() == node.name.lower()]
        return Expr("field", kind.args[places[0]].name, value=places[0]) if len(places) == 1 else None

    def unary(self, node: ast.Unary) -> Expr | None:
        value = self.expr(node.value)
        if value is None or node.op == "+":
            return value
        if node.op == "not":
            return Expr("not", "boolean", (value,)) if value.kind == "boolean" else None
        return Expr("negate", value.kind, (value,)) if value.kind in _NUMBERS else None

    def binary(self, node: ast.Binary) -> Expr | None:
        if node.op in ("and", "or"):
            return self.both(node.op, node.left, node.right, Type("boolean"), "boolean")
        kind = self.common(node.left, node.right)
        if kind is None or kind.name not in KINDS:
            return None
        if node.op in _COMPARED:
            return self.both(node.op, node.left, node.right, kind, "boolean")
        if node.op not in _ARITHMETIC or kind.name not in _NUMBERS or (node.op, kind.name) == ("%", "double"):
            return None
        return self.both(node.op, node.left, node.right, kind, kind.name)

    def both(self, op: str, left: ast.Expr, right: ast.Expr, kind: Type, result: str) -> Expr | None:
        a, b = self.body(left, kind), self.body(right, kind)
        return None if a is None or b is None else Expr(op, result, (a, b))

    def common(self, *nodes: ast.Expr) -> Type | None:
        common: Type | None = Type("unknown")
        for node in nodes:
            value = self.bound.get(id(node))
            common = common_type(common, value.type) if common is not None and value is not None else None
        return common

    def between(self, node: ast.Between) -> Expr | None:
        kind = self.common(node.value, node.low, node.high)
        if kind is None or kind.name not in _NUMBERS:
            return None
        low = self.both(">=", node.value, node.low, kind, "boolean")
        high = self.both("<=", node.value, node.high, kind, "boolean")
        return None if low is None or high is None else Expr("and", "boolean", (low, high))

    def is_null(self, node: ast.IsNull) -> Expr | None:
        value = self.expr(node.value)
        return None if value is None or value.kind not in KINDS else Expr("is null", "boolean", (value,))

    def cast(self, node: ast.Cast) -> Expr | None:
        value, bound = self.expr(node.value), self.bound.get(id(node))
        return None if value is None or bound is None else coerced(value, bound.type)

    def case(self, node: ast.Case) -> Expr | None:
        kind = self.bound[id(node)].type
        args: list[Expr | None] = []
        for when, then in node.whens:
            if node.operand is None:
                args.append(self.body(when, Type("boolean")))
            else:
                common = self.common(node.operand, when)
                plain = common is not None and common.name in KINDS
                args.append(self.both("=", node.operand, when, common, "boolean") if common and plain else None)
            args.append(self.body(then, kind))
        args.append(self.body(node.default, kind) if node.default is not None else null_of(kind))
        return _made("case", kind, args)

    def call(self, node: ast.Call) -> Expr | None:
        kind = self.bound[id(node)].type
        if node.name == "coalesce" or (node.name in ("least", "greatest") and kind.is_integer):
            return _made(node.name, kind, [self.body(arg, kind) for arg in node.args])
        if node.name == "if" and len(node.args) in (2, 3):
            last = self.body(node.args[2], kind) if len(node.args) == 3 else null_of(kind)
            return _made("case", kind, [self.body(node.args[0], Type("boolean")), self.body(node.args[1], kind), last])
        return None


def constant(value: Typed) -> Expr | None:
    """A value that depends on nothing."""
    if value.volatile or value.type.name not in KINDS or references(value.sql) != set():
        return None
    return Expr("constant", value.type.name, value=value.sql)


def null_of(kind: Type) -> Expr | None:
    return Expr("constant", kind.name, value="NULL") if kind.name in KINDS else None


def coerced(value: Expr, kind: Type) -> Expr | None:
    """The value as another type, where that is without doubt."""
    if value.kind == kind.name:
        return value
    if kind.name == "double" and value.kind in ("integer", "bigint"):
        return Expr("to double", "double", (value,))
    if kind.name == "bigint" and value.kind == "integer":
        return Expr("same", "bigint", (value,))
    return None


def fails(expr: Expr) -> bool:
    """Whether it can raise."""
    if expr.op in _ARITHMETIC or expr.op in ("negate", "function"):
        return expr.kind != "double" or expr.op == "function"
    return any(map(fails, expr.args))


def with_item(array: Array, item: Expr | None, *others: Array) -> Array | None:
    """The array with another value of each member, made from those of `array` and `others`; None where one of these
    can raise and is not among what the new one is made from: it has to be computed all the same."""
    if item is None or item.kind not in KINDS or not _short(item):
        return None
    used = set(parts(item))
    given = [a.item for a in (array, *others) if a.item is not None]
    return None if any(fails(one) and one not in used for one in given) else replace(array, item=item)


def parts(expr: Expr) -> Iterator[Expr]:
    """An expression and all that it is made from."""
    yield expr
    for arg in expr.args:
        yield from parts(arg)


def _short(expr: Expr) -> bool:
    """Whether an expression is one to work with: what uses its argument twice, over the same again, soon is endless."""
    return sum(1 for _ in islice(parts(expr), _MOST_PARTS + 1)) <= _MOST_PARTS


def with_condition(array: Array, condition: Expr | None) -> Array | None:
    if condition is None or condition.kind != "boolean" or not _short(condition):
        return None
    return replace(array, conditions=(*array.conditions, condition))


def _made(op: str, kind: Type, args: list[Expr | None]) -> Expr | None:
    known = tuple(a for a in args if a is not None)
    return Expr(op, kind.name, known) if len(known) == len(args) and kind.name in KINDS else None


_NUMBERS = ("integer", "bigint", "double")
_COMPARED = ("=", "<>", "<", "<=", ">", ">=")
_ARITHMETIC = ("+", "-", "*", "/", "%")

_METHODS: dict[type[ast.Expr], Callable[[Members, Any], Expr | None]] = {
    ast.Name: Members.name,
    ast.Field: Members.field,
    ast.Unary: Members.unary,
    ast.Binary: Members.binary,
    ast.Between: Members.between,
    ast.IsNull: Members.is_null,
    ast.Cast: Members.cast,
    ast.Case: Members.case,
    ast.Call: Members.call,
}
