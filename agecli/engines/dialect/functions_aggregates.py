"""Aggregates: sums that overflow as Trino's do, decimal averages, collections, statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agecli.engines.dialect.operators import scaled, unscaled
from agecli.engines.dialect.registry import Call, Sql, register
from agecli.engines.dialect.types import INTEGERS, Type, decimal
from agecli.engines.dialect.windows import AFTER, DISTINCT, ORDER


def aggregate(name: str, parameters: Sequence[str], result: object, template: str, **options: object) -> None:
    """`template` has <d>, <o>, <w> where DISTINCT, ORDER BY and FILTER or OVER go."""
    filled = template.replace("<d>", DISTINCT).replace("<o>", ORDER).replace("<w>", AFTER)
    register(name, parameters, result, filled, kind="aggregate", strict=False, **options)  # type: ignore[arg-type]


def _sum_decimal(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    return decimal(38, kinds[0].scale)


def _same(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    return kinds[0]


def _average_decimal(call: Call) -> Sql:
    scale = call.result.scale
    total = f"sum({DISTINCT}{call[0]}){AFTER}"
    count = f"count({DISTINCT}{call[0]}){AFTER}"
    quotient = f"ag_divide_half_up({unscaled(total, scale)}, nullif({count}, 0))"
    return Sql(scaled(quotient, call.result))


def _counts() -> None:
    for kinds in ([], ["T"]):
        argument = "{0}" if kinds else "*"
        aggregate("count", kinds, "bigint", f"count(<d>{argument})<w>")
    aggregate("count_if", ["boolean"], "bigint", "CAST(count(CASE WHEN {0} THEN 1 END)<w> AS BIGINT)")
    aggregate("bool_and", ["boolean"], "boolean", "bool_and({0})<w>")
    aggregate("every", ["boolean"], "boolean", "bool_and({0})<w>")
    aggregate("bool_or", ["boolean"], "boolean", "bool_or({0})<w>")
    aggregate("approx_distinct", ["T"], "bigint", "count(DISTINCT {0})<w>")


def _sums() -> None:
    for kind in INTEGERS:
        aggregate("sum", [kind], "bigint", "CAST(sum(<d>{0})<w> AS BIGINT)", fails=True)
        aggregate("avg", [kind], "double", "avg(<d>{0})<w>")
    aggregate("sum", ["double"], "double", "sum(<d>{0})<w>")
    aggregate("sum", ["real"], "real", "CAST(sum(<d>{0})<w> AS FLOAT)")
    aggregate("sum", ["decimal"], _sum_decimal, "CAST(sum(<d>{0})<w> AS {r})")
    aggregate("avg", ["double"], "double", "avg(<d>{0})<w>")
    aggregate("avg", ["real"], "real", "CAST(avg(<d>{0})<w> AS FLOAT)")
    register("avg", ["decimal"], _same, emit=_average_decimal, kind="aggregate", strict=False)


_counts()
_sums()
