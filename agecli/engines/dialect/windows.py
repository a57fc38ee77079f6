"""Window functions and aggregates over windows: their arguments, OVER clauses and frames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agecli.engines.dialect import ast
from agecli.engines.dialect.calls import translate_call
from agecli.engines.dialect.casts import apply
from agecli.engines.dialect.registry import AGGREGATES, WINDOWS, Typed
from agecli.errors import SqlFailed, SqlInvalid, SqlRefused

if TYPE_CHECKING:
    from agecli.engines.dialect.expressions import ExpressionBinder

DISTINCT, ORDER, AFTER = "\x01distinct\x01", "\x01order\x01", "\x01after\x01"


def bind_window(binder: ExpressionBinder, node: ast.Call) -> Typed:
    """f(...) OVER (...): a function of the list of window functions, or an aggregate."""
    overloads = WINDOWS.get(node.name, []) + AGGREGATES.get(node.name, [])
    if node.distinct or node.order:
        raise SqlRefused(f"{node.name} with DISTINCT or ORDER BY over a window is refused", "it is not supported",
                         "compute it in a subquery")  # fmt: skip
    if node.filter is not None:
        raise SqlRefused(f"{node.name} with FILTER over a window is refused", "Trino does not support it",
                         "put CASE WHEN into the argument: sum(CASE WHEN x > 0 THEN 1 END) OVER (...)")  # fmt: skip
    binder.allow_windows = False
    try:
        over = window_sql(binder, resolved(binder, node.over))
        args = binder.arguments(node.args)
    finally:
        binder.allow_windows = True
    overload, call = translate_call(node.name, overloads, args, binder.bind_lambda)
    if node.nulls == "ignore":
        if overload.kind != "window" or not node.args:
            raise SqlInvalid("the SQL does not parse", f"{node.name} does not take IGNORE NULLS")
        first = replace(call.args[0], sql=call.args[0].sql + " IGNORE NULLS")
        call = replace(call, args=(first, *call.args[1:]))
    made = apply(overload, call)
    return replace(made, sql=filled(made.sql, "", "", f" OVER ({over})"), quiet=None)


def filled(sql: str, distinct: str, order: str, after: str) -> str:
    """An aggregate's SQL with its places for DISTINCT, ORDER BY and what follows filled in."""
    return sql.replace(DISTINCT, distinct).replace(ORDER, order).replace(AFTER, after)


def resolved(binder: ExpressionBinder, over: ast.Window | str | None) -> ast.Window:
    """A window with the named window that it builds on merged in."""
    if isinstance(over, str):
        over = ast.Window(base=over)
    assert over is not None
    if over.base is None:
        return over
    base = binder.named_windows.get(over.base.lower())
    if base is None:
        raise SqlInvalid("the SQL names an unknown window", over.base)
    base = resolved(binder, base)
    return ast.Window(over.partition or base.partition, over.order or base.order, over.unit or base.unit,
                      over.start or base.start, over.end or base.end)  # fmt: skip


def window_sql(binder: ExpressionBinder, window: ast.Window) -> str:
    parts = []
    if window.partition:
        parts.append("PARTITION BY " + ", ".join(binder.bind(p).sql for p in window.partition))
    if window.order:
        parts.append("ORDER BY " + ", ".join(sort_sql(binder.bind(s.value), s) for s in window.order))
    if window.unit and window.start and window.end:
        parts.append(f"{window.unit} BETWEEN {bound_sql(binder, window, window.start)} AND "
                     f"{bound_sql(binder, window, window.end)}")  # fmt: skip
    return " ".join(parts)


def bound_sql(binder: ExpressionBinder, window: ast.Window, bound: ast.Bound) -> str:
    if bound.value is None:
        return bound.kind.upper()
    value = binder.bind(bound.value)
    if not isinstance(value.constant, int):
        raise SqlRefused("a frame whose offset is no literal is refused", "it is not supported", "write a number")
    if value.constant < 0:
        raise SqlFailed("the query fails", "Window frame offset value must not be negative", "correct it")
    offset = _range_offset(binder, window, value) if window.unit == "RANGE" else str(value.constant)
    return f"{offset} {bound.kind.upper()}"


_DAY = 86_400_000


def _range_offset(binder: ExpressionBinder, window: ast.Window, offset: Typed) -> str:
    """Whole numbers from whole numbers, intervals from dates and times."""
    if len(window.order) != 1:
        raise SqlInvalid("the SQL has a RANGE frame that is none", "an offset needs one key in ORDER BY")
    key, kind = binder.bind(window.order[0].value).type, offset.type
    if key.is_integer and kind.is_integer:
        return str(offset.constant)
    if key.name in ("date", "timestamp") and kind.name == "interval year to month":
        return f"INTERVAL '{offset.constant} months'"
    whole = isinstance(offset.constant, int) and offset.constant % _DAY == 0
    if kind.name == "interval day to second" and (key.name == "timestamp" or (key.name == "date" and whole)):
        return f"INTERVAL '{offset.constant} milliseconds'"
    raise SqlRefused("a RANGE frame with this offset is refused", f"{kind} from {key} is not supported",
                     "use whole numbers, or dates and intervals of days")  # fmt: skip


def sort_sql(value: Typed, item: ast.SortItem) -> str:
    """A sort key: NULLs come last on Trino, whichever the direction, unless NULLS FIRST is written."""
    check_orderable(value)
    direction = "DESC" if item.descending else "ASC"
    sql = f"({value.sql})" if value.is_constant else value.sql
    if item.nulls_first and value.type.is_floating:
        # with NULLS FIRST, NaN is below every number on Trino; otherwise it is above
        return f"({sql} IS NULL) DESC, isnan({sql}) {'ASC' if item.descending else 'DESC'}, {sql} {direction}"
    return f"{sql} {direction} NULLS {'FIRST' if item.nulls_first else 'LAST'}"


def check_orderable(value: Typed) -> None:
    if value.type.name in ("json", "map", "function"):
        raise SqlInvalid("the SQL has a type mismatch", f"{value.type} has no order")
    if value.type.args:
        raise SqlRefused(f"ordering by {value.type} is refused", "arrays and rows are not ordered here",
                         "order by their members")  # fmt: skip
