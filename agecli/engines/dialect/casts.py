"""Casts and coercions: which pairs of types are allowed, and the DuckDB SQL that does what Trino does.

Text and dates go through the exact macros that `functions_text` and `functions_dates` provide; numbers are native.
Arrays, maps and rows are cast member by member.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agecli.engines.dialect.registry import (
    CASTS,
    NOT_CONSTANT,
    Call,
    Emit,
    Macro,
    Overload,
    Sql,
    Typed,
    failure,
    provide,
    register_cast,
)
from agecli.engines.dialect.types import (
    INTEGERS,
    Type,
    coerces,
    duckdb_type,
    field_names,
    quote_name,
    quote_text,
)
from agecli.errors import SqlInvalid, SqlRefused


def null_of(kind: Type) -> Typed:
    return Typed(f"CAST(NULL AS {duckdb_type(kind)})", kind, constant=None)


def coerce(value: Typed, target: Type) -> Typed:
    """The value as a type that Trino coerces it to without being asked. Raises SqlInvalid where it does not."""
    source = value.type
    if source == target:
        return replace(value, type=target) if source.zone != target.zone else value
    if source.name == "unknown":
        return null_of(target)
    if not coerces(source, target):
        raise SqlInvalid("the SQL has a type mismatch", f"{source} where {target} is expected: {_shown(value.sql)}")
    return _convert(value, target, implicit=True)


def cast(value: Typed, target: Type, safe: bool = False) -> Typed:
    """CAST or TRY_CAST. Raises SqlRefused for a pair of types that is not in the list."""
    done = _convert(value, target, implicit=False) if value.type != target else value
    if not safe or not done.fails:
        return done
    if value.fails:
        return try_cast_of_failing(value, done, target)
    return silence(done, f"TRY_CAST({value.type} AS {target})")


def try_cast_of_failing(value: Typed, done: Typed, target: Type) -> Typed:
    """TRY_CAST(f(x) AS t) where f itself can fail: an error of f is an error, one of the cast is NULL."""
    inner = _convert(replace(value, fails=False, quiet=None), target, implicit=False)
    if not inner.fails:
        return done
    quieted = silence(inner, f"TRY_CAST({value.type} AS {target})")
    outer = value.silenced()
    quiet = None
    if outer is not None:
        again = _convert(outer, target, implicit=False)
        quiet = silence(again, "TRY_CAST").sql if again.fails else again.sql
    return replace(quieted, fails=True, quiet=quiet)


def silence(value: Typed, what: str) -> Typed:
    """TRY(value): its quiet form, or DuckDB's TRY where that catches just what Trino's does."""
    if not value.fails:
        return value
    quiet = value.silenced()
    if quiet is not None:
        return quiet
    if "ag_" in value.sql or "agecli-refused" in value.sql or value.volatile or "(SELECT" in value.sql:
        raise SqlRefused(
            f"{what} is refused",
            "an error inside it cannot be told from a value here",
            "put TRY around the single function that can fail",
        )
    return replace(value, sql=f"TRY({value.sql})", fails=False, quiet=None)


def _shown(sql: str) -> str:
    return sql if len(sql) <= 60 else sql[:57] + "..."


def _convert(value: Typed, target: Type, implicit: bool) -> Typed:
    source = value.type
    if source == target:
        return value
    if source.name == "unknown":
        return null_of(target)
    if source.name == target.name and source.args and len(source.args) == len(target.args):
        return _members(value, target, implicit)
    overload = _find(source, target)
    if overload is None:
        raise SqlRefused(
            f"CAST({source} AS {target}) is refused",
            "this cast is not among those that are allowed",
            "cast in another way, for example through varchar",
        )
    constant = _constant(value, target)
    if isinstance(constant, int) and not isinstance(constant, bool) and target.is_integer and implicit:
        return Typed(f"CAST({constant} AS {duckdb_type(target)})", target, constant)
    if isinstance(constant, float) and source.is_integer:
        return Typed(f"CAST({value.constant} AS DOUBLE)", target, constant)
    if source.name == target.name == "varchar" and (not target.params or implicit):
        return replace(value, type=target)
    return apply(overload, Call("cast", (value,), target), constant)


def _constant(value: Typed, target: Type) -> object:
    """A literal stays one as a wider number."""
    known = value.constant
    if known is None or isinstance(known, bool | str) or not value.is_constant:
        return NOT_CONSTANT
    if value.type.is_integer and target.is_integer:
        return known
    return float(known) if target.name == "double" and value.type.is_number else NOT_CONSTANT


def apply(overload: Overload, call: Call, constant: object = NOT_CONSTANT) -> Typed:
    """A call's translation, with its quiet form where every argument has one."""
    made = _as_sql(overload.emit(call))
    kind = made.type or call.result
    own = overload.fails if made.fails is None else made.fails
    fails = own or any(a.fails or (a.body is not None and a.body.fails) for a in call.args)
    quiet = None
    if fails and overload.strict:
        silenced = [a.silenced() for a in call.args]
        known = tuple(a for a in silenced if a is not None)
        if len(known) == len(call.args):
            again = _as_sql(overload.emit(replace(call, args=known)))
            quiet = again.quiet if own else again.sql
    if made.constant is not NOT_CONSTANT:
        constant = made.constant
    volatile = overload.volatile or any(a.volatile for a in call.args)
    broken = None
    if fails and overload.strict and not call.types and (not own or _total(overload, call)):
        broken = broken_when(call.args, quiet if own else None)
    return Typed(made.sql, kind, constant, fails, quiet, volatile=volatile, broken=broken)


def _total(overload: Overload, call: Call) -> bool:
    """Whether NULL out of no NULL can only be an error: casts between text and numbers, not those from JSON."""
    return overload.name == "cast" and call[0].type.name != "json" and not call[0].type.args


def broken_when(args: Sequence[Typed], quiet: str | None) -> str | None:
    """SQL that says whether a strict operation raises: one of its arguments does, or it is NULL without reason."""
    parts = [a.breaks for a in args]
    silent = [a.silenced() for a in args]
    if any(p is None for p in parts) or any(s is None for s in silent):
        return None
    known = [p for p in parts if p is not None and p != "false"]
    if quiet is not None:
        given = [f"({s.sql}) IS NOT NULL" for s in silent if s is not None and not s.is_constant]
        known.append(" AND ".join([*given, f"({quiet}) IS NULL"]))
    return "(" + " OR ".join(f"({k})" for k in known) + ")" if known else "false"


def _as_sql(made: str | Sql) -> Sql:
    return Sql(made) if isinstance(made, str) else made


def _find(source: Type, target: Type) -> Overload | None:
    for overload in CASTS:
        left, right = overload.parameters
        if _fits(left, source) and _fits(right, target):
            return overload
    return None


def _fits(pattern: Type, actual: Type) -> bool:
    if pattern.name.startswith("$"):
        return True
    return pattern.name == actual.name and (not pattern.params or pattern.params == actual.params)


def _members(value: Typed, target: Type, implicit: bool) -> Typed:
    """A cast of an array, map or row: of its members, or nothing where DuckDB sees the same type."""
    source = value.type
    depth = value.sql.count("lambda ")
    variable = f"m{depth}"
    members = [
        _convert(Typed(access, kind), to, implicit)
        for access, kind, to in zip(_accesses(source, variable), source.args, target.args, strict=True)
    ]
    plain = all(m.sql == a for m, a in zip(members, _accesses(source, variable), strict=True))
    if plain and duckdb_type(source) == duckdb_type(target):
        return replace(value, type=target)
    fails = any(m.fails for m in members) and not implicit
    sql = _rebuilt(source, target, value.sql, variable, [m.sql for m in members])
    quiet = None
    if fails and not value.fails and source.name == "array":
        quiet = _quiet_array(value.sql, variable, source, members[0])
    return Typed(sql, target, fails=value.fails or fails, quiet=quiet, volatile=value.volatile)


def _quiet_array(array: str, variable: str, source: Type, member: Typed) -> str | None:
    """NULL for an array of which one member cannot be cast. Casts from text and numbers never give NULL otherwise."""
    silent = member.silenced()
    if silent is None or source.element.args or source.element.name == "json":
        return None
    bad = f"len(list_filter({{0}}, lambda {variable}: {variable} IS NOT NULL AND ({silent.sql}) IS NULL)) > 0"
    outer = f"a{variable}"
    made = f"list_transform({outer}, lambda {variable}: {silent.sql})"
    body = f"CASE WHEN {bad.format(outer)} THEN NULL ELSE {made} END"
    return f"list_extract(list_transform([{array}], lambda {outer}: {body}), 1)"


def _accesses(kind: Type, variable: str) -> list[str]:
    if kind.name == "row":
        return [f"struct_extract({variable}, {quote_text(n)})" for n in field_names(kind)]
    if kind.name == "map":
        return [f"struct_extract({variable}, 'key')", f"struct_extract({variable}, 'value')"]
    return [variable]


def _rebuilt(source: Type, target: Type, sql: str, variable: str, members: list[str]) -> str:
    if source.name == "array":
        return f"list_transform({sql}, lambda {variable}: {members[0]})"
    if source.name == "map":
        entry = f"struct_pack(key := {members[0]}, value := {members[1]})"
        return f"map_from_entries(list_transform(map_entries({sql}), lambda {variable}: {entry}))"
    pairs = zip(field_names(target), members, strict=True)
    packed = "struct_pack(" + ", ".join(f"{quote_name(n)} := {m}" for n, m in pairs) + ")"
    null = f"CAST(NULL AS {duckdb_type(target)})"
    body = f"CASE WHEN {variable} IS NULL THEN {null} ELSE {packed} END"
    return f"list_extract(list_transform([{sql}], lambda {variable}: {body}), 1)"


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
    from agecli.engines.dialect.operators import once

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
    kind = duckdb_type(call.result)
    return Sql(f"CAST(CAST({call[0]} AS VARCHAR) AS {kind})", f"TRY_CAST(CAST({call[0]} AS VARCHAR) AS {kind})")


def _register_text() -> None:
    for target in (*INTEGERS, "double", "real", "boolean", "date", "timestamp"):
        quiet = f"ag_try_text_to_{target}({{0}})"
        register_cast("varchar", target, f"ag_text_to_{target}({{0}})", fails=True, quiet=quiet)
    register_cast("varchar", "decimal", emit=_text_to_decimal, fails=True)
    register_cast("varchar", "varchar", emit=_truncated)
    register_cast("char", "varchar", emit=_truncated)
    register_cast("varchar", "char", emit=_padded)
    register_cast("char", "char", emit=_padded)
    texts = dict.fromkeys((*INTEGERS, "decimal", "boolean"), "CAST({0} AS VARCHAR)")
    texts |= {"double": "ag_double_text({0})", "real": "ag_real_text({0})", "date": "ag_date_text({0})"}
    for source, template in texts.items():
        register_cast(source, "varchar", emit=_sized(template), fails=True)
    register_cast("timestamp", "varchar", emit=_timestamp_text, fails=True)


_DECIMAL_TEXT = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
provide(
    Macro(
        "ag_decimal_text",
        f"(v) AS CASE WHEN regexp_full_match(v, '{_DECIMAL_TEXT}') THEN v WHEN v IS NOT NULL THEN 'no decimal' END",
    )
)


def _text_to_decimal(call: Call) -> Sql:
    kind, checked = duckdb_type(call.result), f"ag_decimal_text({call[0]})"
    return Sql(f"CAST({checked} AS {kind})", f"TRY_CAST({checked} AS {kind})")


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
    register_cast("timestamp", "timestamp", emit=_rounded_time)
    register_cast("date", "timestamp with time zone", emit=_in_utc)
    register_cast("timestamp", "timestamp with time zone", emit=_in_utc)
    register_cast("timestamp with time zone", "timestamp with time zone", emit=_same_zone)


def _rounded_time(call: Call) -> Sql:
    before, after = call[0].type.precision, call.result.precision
    if after >= before or before > 6:
        return Sql(call[0].sql)
    step = 10 ** (6 - after)
    micros = f"(epoch_us({call[0]}) + {step // 2})"
    return Sql(f"make_timestamp({micros} - (({micros} % {step}) + {step}) % {step})")


def _in_utc(call: Call) -> Sql:
    kind = replace(call.result, zone="UTC")
    return Sql(f"CAST(CAST({call[0]} AS TIMESTAMP) AS TIMESTAMPTZ)", type=kind)


def _same_zone(call: Call) -> Sql:
    if call.result.precision < call[0].type.precision:
        raise call.refusal("a lower precision of a time with zone")
    return Sql(call[0].sql, type=replace(call.result, zone=call[0].type.zone))


_register_numbers()
_register_text()
_register_dates()
