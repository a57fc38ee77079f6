"""Expressions that Trino simplifies before it reads anything, so that columns written in them may go unread.

Only whether that may happen is told, never what is left: bounds stay, but the figure is no longer exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agecli.cost.names import chain_of
from agecli.engines.dialect import ast
from agecli.engines.dialect.trees import parts_of

_MAYBE_NULL = frozenset(("nullif", "try", "element_at"))  # of constants
_UNORDERED = frozenset(("array_agg", "listagg", "string_agg"))  # all other aggregates care for no order


def may_fold(node: object) -> bool:
    """Whether this expression itself, not those in it, may be replaced by a part of it, or by a constant."""
    if isinstance(node, ast.Binary):
        if is_logic(node):
            return _folds_logic(node)
        return _is_null(node.left) or _is_null(node.right)
    if isinstance(node, ast.Call):
        return _folds_call(node)
    if isinstance(node, ast.Case):
        return _folds_case(node)
    if isinstance(node, ast.Between):
        return any(map(_is_null, (node.value, node.low, node.high)))
    if isinstance(node, ast.InList):
        return any(map(_is_null, node.items))
    if isinstance(node, ast.Like):
        return _is_null(node.pattern) or (isinstance(node.pattern, ast.Literal) and node.pattern.text == "%")
    if isinstance(node, ast.Field):  # a field of what is made here
        return chain_of(node) is None
    return False


def terms(node: ast.Expr) -> Iterator[ast.Expr]:
    """What AND and OR join, however they are nested."""
    if is_logic(node):
        assert isinstance(node, ast.Binary)
        yield from terms(node.left)
        yield from terms(node.right)
    else:
        yield node


def is_logic(node: object) -> bool:
    return isinstance(node, ast.Binary) and node.op in ("and", "or")


def _folds_logic(node: ast.Binary) -> bool:
    """A constant decides, or a OR (a AND b) is a."""
    joined = list(terms(node))
    return any(map(_is_constant, joined)) or len(set(joined)) < len(joined)


def _folds_call(node: ast.Call) -> bool:
    if node.order and node.name not in _UNORDERED:
        return True
    if node.filter is not None and _is_constant(node.filter):
        return True
    if node.name == "coalesce":
        given = list(_alternatives(node))
        return any(map(_is_constant, given[:-1])) or _repeats(given)
    if node.name == "if" and node.args:
        results = node.args[1:] if len(node.args) > 2 else (*node.args[1:], _NULL)
        return _is_constant(node.args[0]) or _repeats(results)
    return node.over is None and any(map(_is_null, node.args))


def _alternatives(node: ast.Expr) -> Iterator[ast.Expr]:
    """The arguments of coalesce, those of a coalesce in it in its place."""
    if isinstance(node, ast.Call) and node.name == "coalesce":
        for argument in node.args:
            yield from _alternatives(argument)
    else:
        yield node


_NULL = ast.Literal("null", "null")


def _folds_case(node: ast.Case) -> bool:
    conditions = [condition for condition, _ in node.whens]
    results = [*(result for _, result in node.whens), node.default or _NULL]
    if node.operand is None or _is_constant(node.operand):
        return any(map(_is_constant, conditions)) or len(set(results)) == 1
    return any(map(_is_null, conditions)) or len(set(results)) == 1


def _repeats(values: Sequence[ast.Expr]) -> bool:
    return any(value in values[:at] for at, value in enumerate(values))


def _is_constant(node: object) -> bool:
    """Whether no column is in it, and no subquery."""
    if isinstance(node, ast.Name | ast.Query):
        return False
    return all(map(_is_constant, parts_of(node)))


def _is_null(node: object) -> bool:
    """Whether it may be a NULL that is known without a look at any row."""
    return _is_constant(node) and _holds_null(node)


def _holds_null(node: object) -> bool:
    if isinstance(node, ast.Literal):
        return node.kind == "null"
    if isinstance(node, ast.Cast) and node.safe:
        return True
    if isinstance(node, ast.Case) or (isinstance(node, ast.Call) and node.name in (*_MAYBE_NULL, "if")):
        return True
    return any(map(_holds_null, parts_of(node)))
