"""Casts and coercions: how a value becomes one of another type, with its quiet form.

Which pairs of types are allowed is registered in `cast_list` and the functions modules. Arrays, maps and rows are cast
member by member.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from agecli.engines.dialect.registry import (
    CASTS,
    NOT_CONSTANT,
    Call,
    Overload,
    Sql,
    Typed,
)
from agecli.engines.dialect.types import (
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
        pair = (value.type.name, target.name)
        return replace(done, narrowed=(done.sql, value.sql)) if pair == ("double", "real") else done
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


@cache
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
