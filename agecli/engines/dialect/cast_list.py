"""The casts that are allowed between numbers, text, dates and intervals, and the DuckDB SQL that does what Trino does.

Text and dates go through the exact macros of `functions_casts` and `functions_dates`; numbers are native.
"""

from __future__ import annotations

from dataclasses import replace

from agecli.engines.dialect.evaluation import once
from agecli.engines.dialect.registry import Call, Emit, Sql, failure, register_cast
from agecli.engines.dialect.types import INTEGERS, YEAR_TO_MONTH, coerces, decimal, duckdb_type


def _register_numbers() -> None:
    floats = ("real", "double")
    for source in INTEGERS:
        for target in INTEGERS:
            if source != target:
                narrow = INTEGERS.index(target) < INTEGERS.index(source)
                register_cast(source, target, "CAST({0} AS {r})", fails=narrow, quiet="TRY_CAST({0} AS {r})")
        for target in floats:
            register_cast(source, target, "CAST({0} AS {r})")
        register_cast(source, "decimal", emit=_to_decimal, fails=True)
        register_cast(source, "boolean", "({0} <> 0)")
        register_cast("boolean", source, "CAST({0} AS {r})")
        register_cast("decimal", source, "CAST({0} AS {r})", fails=True, quiet="TRY_CAST({0} AS {r})")
        for float_ in floats:
            rounded = "CAST(round(CAST({0} AS DOUBLE)) AS {r})"
            register_cast(float_, source, rounded, fails=True, quiet="TRY_" + rounded)
    for target in floats:
        register_cast("decimal", target, "CAST({0} AS {r})")
        register_cast("boolean", target, "CAST({0} AS {r})")
        register_cast(target, "boolean", "({0} <> 0)")
        register_cast(target, "decimal", emit=_floating_to_decimal, fails=True)
    register_cast("real", "double", "CAST({0} AS DOUBLE)")
    register_cast("double", "real", emit=_narrowed)
    register_cast("decimal", "decimal", emit=_to_decimal, fails=True)
    register_cast("boolean", "decimal", "CAST(CAST({0} AS INTEGER) AS {r})")
    register_cast("decimal", "boolean", "({0} <> 0)")


def _narrowed(call: Call) -> Sql:
    """Numbers too large for real are infinite, as in Java; DuckDB's cast fails on them."""
    huge = "abs({0}) >= 3.4028235677973366e38 AND isfinite({0})"
    return Sql(
        once(
            call[0],
            lambda x: f"CAST(CASE WHEN {huge.format(x)} THEN sign({x}) * CAST('inf' AS DOUBLE) ELSE {x} END AS FLOAT)",
        )
    )


def _to_decimal(call: Call) -> Sql:
    target, source = call.result, call[0].type
    fits = coerces(source, target) and target.params[0] < 38
    kind = duckdb_type(target)
    return Sql(f"CAST({call[0]} AS {kind})", f"TRY_CAST({call[0]} AS {kind})", fails=not fits)


def _floating_to_decimal(call: Call) -> Sql:
    """By the shortest decimal that stands for the number.

    DuckDB does not see that 1e18 has too many digits, and reads 1e-6 only where a digit may stand before the point.
    """
    precision, scale = call.result.params
    if precision == scale == 38:
        raise call.refusal("38 decimal places", "cast to fewer")
    kind, most = duckdb_type(call.result), 10 ** (precision - scale)
    roomy = duckdb_type(decimal(precision + 1, scale)) if precision == scale else kind
    wrong = failure(f"Cannot cast to {call.result}", "VARCHAR")

    def write(x: str, on_error: str, cast: str) -> str:
        shown = f"ag_real_digits({x})" if call[0].type.name == "real" else f"CAST({x} AS VARCHAR)"
        text = f"CASE WHEN abs({x}) < {most}e0 THEN {shown} WHEN {x} IS NOT NULL THEN {on_error} END"
        return f"{cast}({cast}({text} AS {roomy}) AS {kind})" if roomy != kind else f"{cast}({text} AS {kind})"

    loud = once(call[0], lambda x: write(x, wrong, "CAST"))
    return Sql(loud, once(call[0], lambda x: write(x, "NULL", "TRY_CAST")))


def _register_text() -> None:
    for target in (*INTEGERS, "double", "real", "boolean"):
        quiet = f"ag_try_text_to_{target}({{0}})"
        register_cast("varchar", target, f"ag_text_to_{target}({{0}})", fails=True, quiet=quiet)
    register_cast("varchar", "varchar", emit=_truncated)
    register_cast("char", "varchar", emit=_truncated)
    register_cast("varchar", "char", emit=_padded)
    register_cast("char", "char", emit=_padded)
    texts = dict.fromkeys((*INTEGERS, "decimal", "boolean"), "CAST({0} AS VARCHAR)")
    texts |= {"double": "ag_double_text({0})", "real": "ag_real_text({0})", "date": "ag_date_text({0})"}
    for source, template in texts.items():
        register_cast(source, "varchar", emit=_sized(template), fails=True)
    register_cast("timestamp", "varchar", emit=_timestamp_text, fails=True)


def _truncated(call: Call) -> Sql:
    source, target = call[0].type, call.result
    if not target.params or (source.params and source.params[0] <= target.params[0]):
        return Sql(call[0].sql)
    return Sql(f"left({call[0]}, {target.params[0]})")


def _padded(call: Call) -> Sql:
    length = call.result.params[0] if call.result.params else 1
    return Sql(f"rpad(left({call[0]}, {length}), {length}, ' ')")


def _sized(template: str) -> Emit:
    def emit(call: Call) -> Sql:
        text = template.format(call[0].sql)
        return _bounded(call, text)

    return emit


def _bounded(call: Call, text: str) -> Sql:
    """A number as varchar(n): Trino fails where it does not fit."""
    if not call.result.params:
        return Sql(text, fails=False)
    length = call.result.params[0]
    wrong = failure(f"Value cannot be represented as varchar({length})", "VARCHAR")
    check = "CASE WHEN length({0}) <= {1} THEN {0} WHEN {0} IS NOT NULL THEN {2} END"
    return Sql(check.format(text, length, wrong), check.format(text, length, "NULL"))


def _timestamp_text(call: Call) -> Sql:
    return _bounded(call, f"ag_timestamp_text({call[0]}, {call[0].type.precision})")


def _register_dates() -> None:
    register_cast("date", "timestamp", "CAST({0} AS TIMESTAMP)")
    register_cast("timestamp", "date", "CAST({0} AS DATE)")
    register_cast("date", "timestamp with time zone", emit=_in_utc)
    register_cast("timestamp", "timestamp with time zone", emit=_in_utc)
    register_cast("timestamp with time zone", "timestamp with time zone", emit=_same_zone)


def _in_utc(call: Call) -> Sql:
    kind = replace(call.result, zone="UTC")
    return Sql(f"CAST(CAST({call[0]} AS TIMESTAMP) AS TIMESTAMPTZ)", type=kind)


def _same_zone(call: Call) -> Sql:
    if call.result.precision < call[0].type.precision:
        raise call.refusal("a lower precision of a time with zone")
    return Sql(call[0].sql, type=replace(call.result, zone=call[0].type.zone))


def _interval_text(call: Call) -> Sql:
    """`1 02:03:04.005` and `1-2`, with one sign before all."""
    if call[0].type == YEAR_TO_MONTH:
        text = "format('{{}}{{}}-{{}}', {sign}, abs({0}) // 12, abs({0}) % 12)"
    else:
        clock = "abs({0}) // 3600000 % 24, abs({0}) // 60000 % 60, abs({0}) // 1000 % 60, abs({0}) % 1000"
        text = "format('{{}}{{}} {{:02d}}:{{:02d}}:{{:02d}}.{{:03d}}', {sign}, abs({0}) // 86400000, " + clock + ")"
    sign = "CASE WHEN {0} < 0 THEN '-' ELSE '' END"
    return _bounded(call, once(call[0], lambda a: text.format(a, sign=sign.format(a))))


register_cast("interval day to second", "varchar", emit=_interval_text, fails=True)
register_cast("interval year to month", "varchar", emit=_interval_text, fails=True)
_register_numbers()
_register_text()
_register_dates()
