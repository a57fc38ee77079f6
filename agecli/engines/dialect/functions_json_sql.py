"""The SQL standard's JSON functions (see `runtime.json_sql`); clauses that are not listed here are refused.

A call's name is its words: `json_value returning bigint default on empty`, with the defaults as further arguments.
"""

from __future__ import annotations

from itertools import product

from agecli.engines.dialect.native import once
from agecli.engines.dialect.registry import Call, Emit, provide, register
from agecli.engines.dialect.types import parse_type
from agecli.engines.runtime import json_sql
from agecli.engines.runtime.arrow import udf
from agecli.engines.runtime.json_path import PathRefused

_PAIR = ["varchar", "varchar"]


def _check(call: Call) -> None:
    try:
        json_sql.read_path(call.text(1, "the JSON path"))
    except PathRefused as bad:
        raise call.refusal(str(bad), "members, [0] and [*] after 'lax $' or 'strict $' are allowed") from bad


def _emit(function: str) -> Emit:
    def emit(call: Call) -> str:
        _check(call)
        return f"{function}({call[0]}, {call[1]})"

    return emit


def _emit_value(kind: str, empty: str, error: str) -> Emit:
    """json_value with clauses: the state of each row picks the value or a default."""

    def emit(call: Call) -> str:
        _check(call)
        defaults = list(call.args[2:])
        if any(d.fails or d.volatile for d in defaults):
            raise call.refusal("a DEFAULT that can fail or that changes from row to row without reason")
        whens = ""
        for clause, state in ((empty, json_sql.EMPTY), (error, json_sql.FAILED)):
            if clause.startswith("default"):
                whens += f" WHEN {state} THEN {defaults.pop(0)}"

        def body(value: str) -> str:
            found = f"ag_json_value_{kind}({value}, {call[1]})"
            return f"CASE ag_json_state_{kind}({value}, {call[1]}){whens} ELSE {found} END" if whens else found

        return once(call[0].sql, body)

    return emit


_ALIASES = {
    "json_query": ("json_query without wrapper", "json_query without array wrapper"),
    "json_query with array wrapper": (
        "json_query with wrapper",
        "json_query with unconditional wrapper",
        "json_query with unconditional array wrapper",
    ),
}
for _name, _function, _body, _result in (
    ("json_exists", "ag_json_exists", json_sql.json_exists, "boolean"),
    ("json_value", "ag_json_value", json_sql.json_value, "varchar"),
    ("json_query", "ag_json_query", json_sql.json_query, "varchar"),
    ("json_query with array wrapper", "ag_json_query_wrapped", json_sql.json_query_wrapped, "varchar"),
):
    provide(udf(_function, _body, _PAIR, _result))
    for _same in (_name, *_ALIASES.get(_name, ())):
        register(_same, _PAIR, _result, emit=_emit(_function))

for _kind in ("varchar", "bigint", "integer", "double", "boolean"):
    provide(udf(f"ag_json_value_{_kind}", json_sql.valuer(parse_type(_kind)), _PAIR, _kind))
    provide(udf(f"ag_json_state_{_kind}", json_sql.stater(parse_type(_kind)), _PAIR, "integer"))
    for _returning, _empty, _error in product(
        ("", f"returning {_kind}"),
        ("", "null on empty", "default on empty"),
        ("", "null on error", "default on error"),
    ):
        if (_returning or _kind == "varchar") and (_returning or _empty or _error):
            _words = " ".join(filter(None, ("json_value", _returning, _empty, _error)))
            _defaults = [_kind] * sum(c.startswith("default") for c in (_empty, _error))
            register(_words, [*_PAIR, *_defaults], _kind, emit=_emit_value(_kind, _empty, _error), strict=False)
