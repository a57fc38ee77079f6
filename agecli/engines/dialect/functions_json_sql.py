"""The SQL standard's JSON functions in their plain forms (see `runtime.json_sql`); clauses beyond are refused."""

from __future__ import annotations

from agecli.engines.dialect.registry import Call, Emit, provide, register
from agecli.engines.runtime import json_sql
from agecli.engines.runtime.arrow import udf
from agecli.engines.runtime.json_path import PathRefused

_PAIR = ["varchar", "varchar"]


def _emit(function: str) -> Emit:
    def emit(call: Call) -> str:
        try:
            json_sql.read_path(call.text(1, "the JSON path"))
        except PathRefused as bad:
            raise call.refusal(str(bad), "members, [0] and [*] after 'lax $' or 'strict $' are allowed") from bad
        return f"{function}({call[0]}, {call[1]})"

    return emit


for _name, _function, _body, _result in (
    ("json_exists", "ag_json_exists", json_sql.json_exists, "boolean"),
    ("json_value", "ag_json_value", json_sql.json_value, "varchar"),
    ("json_query", "ag_json_query", json_sql.json_query, "varchar"),
    ("json_query with array wrapper", "ag_json_query_wrapped", json_sql.json_query_wrapped, "varchar"),
):
    provide(udf(_function, _body, _PAIR, _result))
    register(_name, _PAIR, _result, emit=_emit(_function))
