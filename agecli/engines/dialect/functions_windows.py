"""Window functions. Aggregates over windows are in `functions_aggregates`."""

from __future__ import annotations

from agecli.engines.dialect.registry import Call, Sql, register
from agecli.engines.dialect.windows import AFTER
from agecli.errors import SqlFailed


def _window(name: str, parameters: list[str], result: str, template: str) -> None:
    register(name, parameters, result, template.replace("<w>", AFTER), kind="window", strict=False)


def _offset(call: Call) -> Sql:
    """lag and lead: a literal offset, not negative."""
    if len(call) > 1 and call.integer(1) < 0:
        raise SqlFailed("the query fails", f"{call.name}: offset must be at least 0", "correct it")
    return Sql(f"{call.name}({', '.join(a.sql for a in call.args)}){AFTER}")


def _positive(call: Call) -> Sql:
    count = call.integer(len(call) - 1)
    if count < 1:
        raise SqlFailed("the query fails", f"{call.name}: its number must be at least 1", "correct it")
    listed = ", ".join(a.sql for a in call.args)
    return Sql(f"{call.name}({listed}){AFTER}")


def _register() -> None:
    for name in ("row_number", "rank", "dense_rank"):
        _window(name, [], "bigint", f"{name}()<w>")
    for name in ("percent_rank", "cume_dist"):
        _window(name, [], "double", f"{name}()<w>")
    for name in ("first_value", "last_value"):
        _window(name, ["T"], "T", f"{name}({{0}})<w>")
    for name in ("lag", "lead"):
        for parameters in (["T"], ["T", "bigint"], ["T", "bigint", "T"]):
            register(name, parameters, "T", emit=_offset, kind="window", strict=False)
    register("nth_value", ["T", "bigint"], "T", emit=_positive, kind="window", strict=False)
    register("ntile", ["bigint"], "bigint", emit=_positive, kind="window", strict=False)


_register()
