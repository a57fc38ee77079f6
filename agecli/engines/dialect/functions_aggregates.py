"""Aggregates: sums that overflow as Trino's do, decimal averages, collections, statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agecli.engines.dialect.operators import scaled, unscaled
from agecli.engines.dialect.registry import Call, Macro, Sql, guard, provide, register
from agecli.engines.dialect.types import INTEGERS, Type, decimal, duckdb_type
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


_COUNTED = 200  # distinct values that Trino's sketch counts exactly


def _approximate_count(call: Call) -> Sql:
    count = f"count(DISTINCT {call[0]}){AFTER}"
    many = guard(f"{count} > {_COUNTED}", f"approx_distinct of more than {_COUNTED} values is an estimate")
    return Sql(f"CASE WHEN {many} IS NULL THEN {count} END")


def _counts() -> None:
    for kinds in ([], ["T"]):
        argument = "{0}" if kinds else "*"
        aggregate("count", kinds, "bigint", f"count(<d>{argument})<w>")
    aggregate("count_if", ["boolean"], "bigint", "CAST(count(CASE WHEN {0} THEN 1 END)<w> AS BIGINT)")
    aggregate("bool_and", ["boolean"], "boolean", "bool_and({0})<w>")
    aggregate("every", ["boolean"], "boolean", "bool_and({0})<w>")
    aggregate("bool_or", ["boolean"], "boolean", "bool_or({0})<w>")
    register("approx_distinct", ["T"], "bigint", emit=_approximate_count, kind="aggregate", strict=False)


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


def _extremes() -> None:
    for name in ("min", "max"):
        register(name, ["T"], "T", emit=_extreme, kind="aggregate", strict=False)
        register(name, ["T", "bigint"], "array(T)", emit=_several_extremes, kind="aggregate", strict=False)
    for name in ("min_by", "max_by"):
        register(name, ["T", "U"], "T", emit=_by, kind="aggregate", strict=False)
        register(name, ["T", "U", "bigint"], "array(T)", emit=_several_by, kind="aggregate", strict=False)
    for name in ("arbitrary", "any_value"):
        aggregate(name, ["T"], "T", "any_value({0})<w>")


def _ordered(call: Call, kind: Type) -> None:
    if kind.args or kind.name in ("json", "unknown"):
        raise call.refusal(f"values of type {kind} have no order here")


def _extreme(call: Call) -> Sql:
    """NaN loses against any number, so it is the answer only where there is nothing else."""
    _ordered(call, call[0].type)
    plain = f"{call.name}({DISTINCT}{call[0]}){AFTER}"
    if call.name == "max" and call[0].type.is_floating:
        real = f"max({DISTINCT}CASE WHEN NOT isnan({call[0]}) THEN {call[0]} END){AFTER}"
        return Sql(f"coalesce({real}, {plain})")
    return Sql(plain)


def _several_extremes(call: Call) -> Sql:
    _ordered(call, call[0].type)
    count = call.integer(1)
    if count <= 0 or call[0].type.is_floating:
        raise call.refusal("the count has to be positive and the values no floating numbers")
    return Sql(f"{call.name}({call[0]}, {count}){AFTER}")


def _key(call: Call) -> str:
    """The sort key of min_by and max_by, with NaN where it loses."""
    key = call[1]
    _ordered(call, key.type)
    if not key.type.is_floating:
        return key.sql
    worst = "-inf" if call.name == "max_by" else "inf"
    return f"CASE WHEN isnan({key}) THEN CAST('{worst}' AS {duckdb_type(key.type)}) ELSE {key} END"


def _by(call: Call) -> Sql:
    name = "arg_max_null" if call.name == "max_by" else "arg_min_null"
    found = f"{name}({call[0]}, {_key(call)}){AFTER}"
    return Sql(found)


def _several_by(call: Call) -> Sql:
    """The first arguments at the highest or lowest keys; NULL keys do not count, NULL arguments do."""
    count = call.integer(2)
    if count <= 0 or call[1].type.is_floating:
        raise call.refusal("the count has to be positive and the key no floating number")
    _ordered(call, call[1].type)
    direction = "DESC" if call.name == "max_by" else "ASC"
    pairs = f"list(struct_pack(k := {call[1]}, a := {call[0]}) ORDER BY {call[1]} {direction} NULLS LAST){AFTER}"
    known = f"list_filter({pairs}, lambda p_: struct_extract(p_, 'k') IS NOT NULL)"
    chosen = f"list_transform(list_slice({known}, 1, {count}), lambda p_: struct_extract(p_, 'a'))"
    return Sql(f"CASE WHEN len({known}) > 0 THEN {chosen} END")


def _collections() -> None:
    aggregate("array_agg", ["T"], "array(T)", "list(<d>{0}<o>)<w>")
    aggregate("listagg", ["varchar"], "varchar", "string_agg(<d>{0}, ''<o>)<w>")
    aggregate("listagg", ["varchar", "varchar"], "varchar", "string_agg(<d>{0}, {1}<o>)<w>")
    aggregate("map_agg", ["K", "V"], "map(K,V)", _pairs("ag_first_pairs"))
    aggregate("multimap_agg", ["K", "V"], "map(K,array(V))", _pairs("ag_all_pairs"))
    aggregate("histogram", ["K"], "map(K,bigint)", "CAST(histogram({0})<w> AS {r})")
    aggregate("map_union", ["map(K,V)"], "map(K,V)", "ag_first_pairs(flatten(list(map_entries({0}))<w>))")


def _pairs(macro: str) -> str:
    pair = "CASE WHEN ({0}) IS NOT NULL THEN struct_pack(key := {0}, value := {1}) END"
    return macro + "(list_filter(list(" + pair + ")<w>, lambda p_: p_ IS NOT NULL))"


_KEYS = "list_transform(l, lambda e_: struct_extract(e_, 'key'))"
_FIRST = f"list_filter(l, lambda f_, i_: list_position({_KEYS}, struct_extract(f_, 'key')) = i_)"
_SAME = "list_filter(l, lambda h_: struct_extract(h_, 'key') = struct_extract(g_, 'key'))"
_VALUES = f"list_transform({_SAME}, lambda j_: struct_extract(j_, 'value'))"
_GROUP = f"struct_pack(key := struct_extract(g_, 'key'), value := {_VALUES})"
# no entries at all are no map
_SOME = "(l) AS CASE WHEN len(l) > 0 THEN map_from_entries({}) END"
provide(Macro("ag_first_pairs", _SOME.format(_FIRST)))
provide(Macro("ag_all_pairs", _SOME.format(f"list_transform({_FIRST}, lambda g_: {_GROUP})")))


def _statistics() -> None:
    one = {"stddev": "stddev_samp", "stddev_samp": "stddev_samp", "stddev_pop": "stddev_pop", "variance": "var_samp",
           "var_samp": "var_samp", "var_pop": "var_pop"}  # fmt: skip
    for name, duck in one.items():
        aggregate(name, ["double"], "double", f"{duck}(<d>{{0}})<w>")
    flat = "regr_syy({0}, {1})<w> = 0 OR regr_sxx({0}, {1})<w> = 0"
    for kind in ("real", "double"):
        two = [kind, kind]
        aggregate("covar_pop", two, kind, "CAST(covar_pop({0}, {1})<w> AS {r})")
        aggregate("covar_samp", two, kind, "CAST(covar_samp({0}, {1})<w> AS {r})")
        aggregate("corr", two, kind, f"CAST(CASE WHEN {flat} THEN NULL ELSE corr({{0}}, {{1}})<w> END AS {{r}})")
        for name in ("regr_slope", "regr_intercept"):
            body = f"CASE WHEN regr_sxx({{0}}, {{1}})<w> = 0 THEN NULL ELSE {name}({{0}}, {{1}})<w> END"
            aggregate(name, two, kind, f"CAST({body} AS {{r}})")
    for kind, result in (("bigint", "double"), ("real", "real"), ("double", "double")):
        aggregate("geometric_mean", [kind], result, "CAST(exp(avg(ag_ln(CAST({0} AS DOUBLE)))<w>) AS {r})")
    count = "count({0})<w>"
    skew = f"CASE WHEN {count} >= 3 THEN skewness({{0}})<w> * ({count} - 2) / sqrt({count} * ({count} - 1)) END"
    aggregate("skewness", ["double"], "double", skew)
    aggregate("kurtosis", ["double"], "double", f"CASE WHEN {count} >= 4 THEN kurtosis({{0}})<w> END")
    for name, duck in (("bitwise_and_agg", "bit_and"), ("bitwise_or_agg", "bit_or"), ("bitwise_xor_agg", "bit_xor")):
        aggregate(name, ["bigint"], "bigint", f"{duck}({{0}})<w>")


provide(
    Macro(
        "ag_ln",
        "(x) AS CASE WHEN x < 0 THEN CAST('nan' AS DOUBLE) WHEN x = 0 THEN CAST('-inf' AS DOUBLE) ELSE ln(x) END",
    )
)


def _percentiles() -> None:
    for kind, result in (("bigint", "bigint"), ("real", "real"), ("double", "double")):
        register("approx_percentile", [kind, "double"], result, emit=_percentile, kind="aggregate", strict=False)
        several = [kind, "array(double)"]
        register("approx_percentile", several, f"array({result})", emit=_percentile, kind="aggregate", strict=False)


_EXACT = 20  # values for which its digest has been seen to be exact; 40 are not


def _percentile(call: Call) -> Sql:
    """Trino's digest is exact for few values: the one at floor(p n) of the sorted values. Many are refused."""
    share = call[1]
    if share.type.name == "double" and not share.is_constant:
        raise call.refusal("the percentage has to be a literal")
    values = f"list({call[0]} ORDER BY {call[0]}) FILTER (WHERE {call[0]} IS NOT NULL)"
    many = guard(f"count({call[0]}) > {_EXACT}", f"approx_percentile of more than {_EXACT} values is an estimate")
    if share.type.name == "array":
        position = "CAST(least(len(v_), 1 + floor(p_ * len(v_))) AS BIGINT)"
        chosen = f"list_transform({share}, lambda p_: list_extract(v_, {position}))"
    else:
        position = f"CAST(least(len(v_), 1 + floor({share} * len(v_))) AS BIGINT)"
        chosen = f"list_extract(v_, {position})"
    picked = f"list_extract(list_transform([{values}], lambda v_: CASE WHEN v_ IS NOT NULL THEN {chosen} END), 1)"
    return Sql(f"CASE WHEN {many} IS NULL THEN {picked} END")


_counts()
_sums()
_extremes()
_collections()
_statistics()
_percentiles()
