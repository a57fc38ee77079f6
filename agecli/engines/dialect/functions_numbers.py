"""Functions of numbers: rounding, powers, comparison of several, bits, and what has no argument."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from agecli.engines.dialect.operators import both, is_cheap, once
from agecli.engines.dialect.registry import Call, Macro, Sql, Udf, emitter, failure, provide, register
from agecli.engines.dialect.types import INTEGERS, Type, decimal, duckdb_type
from agecli.engines.runtime.numbers import to_the_nearest
from agecli.errors import SqlInvalid

_FLOATS = ("real", "double")


def _no_arguments() -> None:
    register("pi", [], "double", "pi()")
    register("e", [], "double", "exp(CAST(1 AS DOUBLE))")
    register("nan", [], "double", "CAST('nan' AS DOUBLE)")
    register("infinity", [], "double", "CAST('inf' AS DOUBLE)")
    for name in ("rand", "random"):
        register(name, [], "double", "random()", volatile=True)
    register("random", ["bigint"], "bigint", emit=_random_below, volatile=True)
    register("rand", ["bigint"], "bigint", emit=_random_below, volatile=True)
    register("uuid", [], "varchar", "CAST(uuid() AS VARCHAR)", volatile=True)


def _random_below(call: Call) -> Sql:
    if call.integer(0) <= 0:
        raise call.refusal("the bound has to be positive")
    return Sql(f"CAST(floor(random() * {call[0]}) AS BIGINT)")


def _same(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    return kinds[0]


def _whole(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    """ceil, floor, round of decimal(p,s): one digit more for the carry."""
    p, s = kinds[0].params
    return decimal(min(38, p - s + min(s, 1)), 0)


def _rounded(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    p, s = kinds[0].params
    return decimal(min(38, p + 1), s)


def _truncated(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    p, s = kinds[0].params
    return decimal(max(1, p - s), 0)


def _sign_type(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    return decimal(1, 0)


def _rounding() -> None:
    for kind in INTEGERS:
        for name in ("ceil", "ceiling", "floor", "round", "truncate"):
            if name != "truncate":
                register(name, [kind], kind, "{0}")
        register("round", [kind, "integer"], kind, emit=_round_integer, fails=True)
        register("abs", [kind], kind, "abs({0})", fails=True, quiet=f"TRY_CAST(abs(CAST({{0}} AS HUGEINT)) AS {kind})")
        register("sign", [kind], kind, "CAST(sign({0}) AS {r})")
    for kind in _FLOATS:
        for name, duck in (("ceil", "ceil"), ("ceiling", "ceil"), ("floor", "floor"), ("truncate", "trunc")):
            register(name, [kind], kind, f"CAST({duck}({{0}}) AS {{r}})")
        register("round", [kind], kind, "CAST(ag_round({0}) AS {r})")
        register("abs", [kind], kind, "abs({0})")
        register(
            "sign", [kind], kind, "ag_float_sign({0})" if kind == "double" else "CAST(ag_float_sign({0}) AS FLOAT)"
        )
    for kind in _FLOATS:
        register("round", [kind, "integer"], kind, "CAST(ag_round_double({0}, {1}) AS {r})")
    register("ceil", ["decimal"], _whole, "CAST(ceil({0}) AS {r})")
    register("ceiling", ["decimal"], _whole, "CAST(ceil({0}) AS {r})")
    register("floor", ["decimal"], _whole, "CAST(floor({0}) AS {r})")
    register("round", ["decimal"], _whole, "CAST(round({0}) AS {r})")
    register("round", ["decimal", "integer"], _rounded, emit=_round_decimal)
    register("truncate", ["decimal"], _truncated, "CAST(trunc({0}) AS {r})")
    register("truncate", ["decimal", "integer"], _same, emit=_truncate_decimal)
    register("abs", ["decimal"], _same, "abs({0})")
    register("sign", ["decimal"], _sign_type, "CAST(sign({0}) AS DECIMAL(1,0))")


provide(Macro("ag_float_sign", "(x) AS CASE WHEN isnan(x) OR x = 0 THEN x ELSE CAST(sign(x) AS DOUBLE) END"))
# Java's Math.round of the absolute value, whose sign comes back: zero itself loses it, what is rounded to zero keeps it
provide(Macro("ag_round", "(x) AS CASE WHEN x = 0 THEN 0e0 ELSE round(x) END"))
provide(
    Macro(
        "ag_round_double",
        "(x, n) AS CASE WHEN isnan(x) OR isinf(abs(CAST(x AS DOUBLE)) * pow(10e0, n)) THEN x "
        "WHEN x = 0 AND n >= 0 THEN 0e0 "
        "ELSE (CASE WHEN x < 0 THEN -1e0 ELSE 1e0 END) * (round(abs(CAST(x AS DOUBLE)) * pow(10e0, n)) / pow(10e0, n)) "
        "END",
    )
)


def _round_integer(call: Call) -> Sql:
    places = call.integer(1)
    kind = duckdb_type(call.result)
    if places >= 0:
        return Sql(call[0].sql, call[0].sql)
    if places < -18:
        return Sql(f"({call[0]} * 0)", f"({call[0]} * 0)")
    unit = 10**-places
    rounded = once(call[0], lambda a: f"((CAST({a} AS HUGEINT) + sign({a}) * {unit // 2}) // {unit} * {unit})")
    return Sql(f"CAST({rounded} AS {kind})", f"TRY_CAST({rounded} AS {kind})")


def _round_decimal(call: Call) -> Sql:
    places, scale = call.integer(1), call[0].type.scale
    if places >= scale:
        return Sql(f"CAST({call[0]} AS {duckdb_type(call.result)})")
    return Sql(f"CAST(round({call[0]}, {places}) AS {duckdb_type(call.result)})")


def _truncate_decimal(call: Call) -> Sql:
    places, (precision, scale) = call.integer(1), call[0].type.params
    if places >= scale:
        return Sql(call[0].sql)
    if -places >= precision - scale:
        return Sql(f"({call[0]} - {call[0]})")
    unit = f"CAST('{_unit(places)}' AS DECIMAL(38,{scale}))"
    text = once(call[0], lambda a: f"({a} - ({a} % {unit}))")
    return Sql(f"CAST({text} AS {duckdb_type(call.result)})")


def _unit(places: int) -> str:
    return f"{10**-places}" if places <= 0 else "0." + "0" * (places - 1) + "1"


def _functions_of_doubles() -> None:
    for name in ("exp", "sin", "cos", "tan", "atan", "sinh", "cosh", "degrees", "radians"):
        register(name, ["double"], "double", f"{name}({{0}})")
    for name in ("cbrt", "tanh"):  # the engine's own miss the nearest double in up to half of all cases
        register(name, ["double"], "double", f"ag_{name}({{0}})")
    nan = "CAST('nan' AS DOUBLE)"
    register("sqrt", ["double"], "double", f"CASE WHEN {{0}} < 0 THEN {nan} ELSE sqrt({{0}}) END")
    for name in ("asin", "acos"):
        register(name, ["double"], "double", f"CASE WHEN abs({{0}}) > 1 THEN {nan} ELSE {name}({{0}}) END")
    register("atan2", ["double", "double"], "double", "atan2({0}, {1})")
    # Trino's log2 is ln(x) / ln(2), rounded twice
    for name, logarithm in (("ln", "ln({0})"), ("log10", "ag_log10({0})"), ("log2", f"(ln({{0}}) / {math.log(2)!r})")):
        body = f"CASE WHEN {{0}} < 0 THEN {nan} WHEN {{0}} = 0 THEN CAST('-inf' AS DOUBLE) ELSE {logarithm} END"
        register(name, ["double"], "double", body)
    for name in ("power", "pow"):
        register(name, ["double", "double"], "double", "ag_power({0}, {1})")
    register("log", ["double", "double"], "double", "ag_log({0}, {1})")
    for kind in _FLOATS:
        register("is_nan", [kind], "boolean", "isnan({0})")
    register("is_finite", ["double"], "boolean", "isfinite({0})")
    register("is_infinite", ["double"], "boolean", "isinf({0})")
    register("width_bucket", ["double", "double", "double", "bigint"], "bigint", emit=_width_bucket, fails=True)
    register("width_bucket", ["double", "array(double)"], "bigint", emit=_bins, fails=True)


for _name, _function in (("cbrt", np.cbrt), ("tanh", np.tanh), ("log10", np.log10)):
    provide(Udf(f"ag_{_name}", to_the_nearest(_function), ("DOUBLE",), "DOUBLE"))
provide(
    Macro(
        "ag_power",
        "(x, y) AS CASE WHEN isnan(y) OR (abs(x) = 1 AND isinf(y)) THEN CAST('nan' AS DOUBLE) ELSE pow(x, y) END",
    )
)
_LN = "(CASE WHEN {x} < 0 THEN CAST('nan' AS DOUBLE) WHEN {x} = 0 THEN CAST('-inf' AS DOUBLE) ELSE ln({x}) END)"
provide(Macro("ag_log", f"(b, x) AS {_LN.format(x='x')} / {_LN.format(x='b')}"))


def _width_bucket(call: Call) -> Sql:
    """Bucket 0 below, n + 1 from the upper bound on; NaN and equal or infinite bounds are errors."""
    low, high, count = (a.sql for a in call.args[1:])
    if not all(a.is_constant for a in call.args[1:]):
        raise call.refusal("bounds and the number of buckets have to be literals")
    a, b, n = (v.constant for v in call.args[1:])
    if a is None or b is None or n is None:
        return Sql("CAST(NULL AS BIGINT)")
    if n <= 0 or a == b or a - a != 0 or b - b != 0:
        raise call.refusal("bounds have to differ and be finite, and the number of buckets positive")

    def write(v: str, on_nan: str) -> str:
        first, last = (low, high) if a < b else (high, low)
        inside = f"CAST({count} * ({v} - {first}) / ({last} - {first}) + 1 AS DOUBLE)"
        rising = (
            f"CASE WHEN isnan({v}) THEN {on_nan} WHEN {v} < {first} THEN 0 WHEN {v} >= {last} THEN {n + 1} "
            f"ELSE CAST(trunc({inside}) AS BIGINT) END"
        )
        return rising if a < b else f"{n + 1} - {rising}"

    loud = once(call[0], lambda v: write(v, failure("bin cannot be NaN")))
    return Sql(f"CAST({loud} AS BIGINT)", f"CAST({once(call[0], lambda v: write(v, 'NULL'))} AS BIGINT)")


def _bins(call: Call) -> Sql:
    """The number of bins that are not above x."""
    loud = failure("Bins have to be sorted, and x no NaN")

    def write(x: str, bins: str, on_error: str) -> str:
        wrong = f"isnan({x}) OR len({bins}) = 0 OR list_sort({bins}, 'ASC', 'NULLS LAST') <> {bins}"
        counted = f"CAST(len(list_filter({bins}, lambda b_: b_ <= {x})) AS BIGINT)"
        known = f"{x} IS NULL OR {bins} IS NULL"
        return f"CASE WHEN {known} THEN NULL WHEN {wrong} THEN {on_error} ELSE {counted} END"

    return Sql(
        both(call[0], call[1], lambda x, b: write(x, b, loud)), both(call[0], call[1], lambda x, b: write(x, b, "NULL"))
    )


def _mod() -> None:
    from agecli.engines.dialect.operators import arithmetic

    def emit(call: Call) -> Sql:
        made = arithmetic("%", call[0], call[1])
        return Sql(made.sql, made.quiet, made.type, made.fails)

    for kind in (*INTEGERS, *_FLOATS, "decimal"):
        register("mod", [kind, kind], lambda kinds, types: kinds[0], emit=emit, fails=True)


def _of_several(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    return types["$T"]


def _greatest(call: Call) -> Sql:
    """NULL if one is NULL; NaN loses against any number."""
    kind = call.result
    if kind.args or kind.name in ("json", "unknown"):
        raise call.refusal(f"values of type {kind} have no order here")
    listed = ", ".join(a.sql for a in call.args)
    nulls = " OR ".join(f"{a.sql} IS NULL" for a in call.args if not a.is_constant or a.constant is None)
    if not all(is_cheap(a) for a in call.args) and nulls:
        nulls = f"len(list_filter([{listed}], lambda e_: e_ IS NULL)) > 0"
    best = f"{call.name}({listed})"
    if kind.is_floating:
        suspects = [a.sql if a.is_constant else f"CASE WHEN NOT isnan({a.sql}) THEN {a.sql} END" for a in call.args]
        best = f"coalesce({call.name}({', '.join(suspects)}), {best})"
    return Sql(f"CASE WHEN {nulls} THEN NULL ELSE {best} END" if nulls else best)


def _comparisons_of_several() -> None:
    for name in ("greatest", "least"):
        register(name, ["T", "T..."], _of_several, emit=_greatest)


def _bits() -> None:
    two = {"bitwise_and": "({0} & {1})", "bitwise_or": "({0} | {1})", "bitwise_xor": "xor({0}, {1})"}
    for name, template in two.items():
        register(name, ["bigint", "bigint"], "bigint", template)
    register("bitwise_not", ["bigint"], "bigint", "(~{0})")
    register("bit_count", ["bigint", "bigint"], "bigint", emit=_bit_count)
    for kind, width in (("integer", 32), ("bigint", 64)):
        register("bitwise_left_shift", [kind, "bigint"], kind, emit=_shift(width, left=True))
        register("bitwise_right_shift", [kind, "bigint"], kind, emit=_shift(width, left=False))
        register("bitwise_right_shift_arithmetic", [kind, "bigint"], kind, emit=_arithmetic_shift(width))


def _bit_count(call: Call) -> Sql:
    if call.integer(1) != 64:
        raise call.refusal("only 64 bits are supported")
    return Sql(f"CAST(bit_count({call[0]}) AS BIGINT)")


def _shift(width: int, left: bool):  # type: ignore[no-untyped-def]
    def emit(call: Call) -> Sql:
        places = call.integer(1)
        if places < 0:
            raise call.refusal("a negative shift")
        if places >= width:
            return Sql(f"({call[0]} * 0)")
        if places == 0:
            return Sql(call[0].sql)
        unsigned = f"((CAST({call[0]} AS HUGEINT) + {2**width}) % {2**width})"
        moved = f"({unsigned} * {2**places} % {2**width})" if left else f"({unsigned} // {2**places})"
        signed = f"CASE WHEN {moved} >= {2 ** (width - 1)} THEN {moved} - {2**width} ELSE {moved} END"
        return Sql(f"CAST({signed} AS {duckdb_type(call.result)})")

    return emit


def _arithmetic_shift(width: int):  # type: ignore[no-untyped-def]
    def emit(call: Call) -> Sql:
        places = call.integer(1)
        if places < 0:
            raise call.refusal("a negative shift")
        return Sql(f"({call[0]} >> {min(places, width - 1)})")

    return emit


@emitter("to_base", ["bigint", "bigint"], "varchar(64)")
def to_base(call: Call) -> Sql:
    radix = call.integer(1)
    if not 2 <= radix <= 36:
        raise SqlInvalid("the SQL has a radix out of range", f"to_base(_, {radix})", "use 2 to 36")
    lowest = f"WHEN {{0}} = CAST('{-(2**63)}' AS BIGINT) THEN '-' || '{_digits(2**63, radix)}' "
    negative = f"WHEN {{0}} < 0 THEN '-' || lower(to_base(-{{0}}, {radix})) ELSE lower(to_base({{0}}, {radix})) END"
    return Sql(once(call[0], lambda a: f"CASE {lowest}{negative}".format(a)))


def _digits(value: int, radix: int) -> str:
    digit = "0123456789abcdefghijklmnopqrstuvwxyz"[value % radix]
    return digit if value < radix else _digits(value // radix, radix) + digit


_no_arguments()
_rounding()
_functions_of_doubles()
_mod()
_comparisons_of_several()
_bits()
