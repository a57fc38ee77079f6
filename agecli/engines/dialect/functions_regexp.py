"""The regexp_ functions: RE2 where it means what Joni means, Python's `re` elsewhere (see `runtime.regexp_syntax`).

Patterns and replacements have to be literals; syntax that is not known to mean the same is refused.
"""

from __future__ import annotations

from collections.abc import Callable

from agecli.engines.dialect.native import once
from agecli.engines.dialect.registry import Call, emitter, provide
from agecli.engines.dialect.types import quote_text
from agecli.engines.runtime import regexp
from agecli.engines.runtime.arrow import udf
from agecli.engines.runtime.regexp_syntax import Pattern, PatternRefused, read

_PAIR = ["varchar", "varchar"]
for _definition in (
    udf("ag_regexp_like", regexp.like, _PAIR, "boolean"),
    udf("ag_regexp_extract", regexp.extract, [*_PAIR, "integer"], "varchar"),
    udf("ag_regexp_extract_all", regexp.extract_all, [*_PAIR, "integer"], "array(varchar)"),
    udf("ag_regexp_count", regexp.count, _PAIR, "bigint"),
    udf("ag_regexp_split", regexp.split, _PAIR, "array(varchar)"),
    udf("ag_regexp_groups", regexp.groups, _PAIR, "array(array(varchar))"),
    udf("ag_regexp_joined", regexp.joined, ["array(varchar)", "array(varchar)"], "varchar"),
    udf("ag_regexp_position", regexp.position, [*_PAIR, "bigint", "bigint"], "bigint"),
    udf("ag_regexp_replace", regexp.replace, [*_PAIR, "varchar"], "varchar"),
):
    provide(_definition)


def _pattern(call: Call) -> Pattern:
    try:
        return read(call.text(1, "the regular expression"))
    except PatternRefused as bad:
        raise call.refusal(str(bad)) from bad


def _emit(call: Call, pattern: Pattern, native: Callable[[str, str], str] | None, exact: str) -> str:
    """`native` takes the value's name and RE2's pattern as SQL; `exact` has {v} for the value."""
    if native is None or pattern.re2 is None:
        return exact.format(v=call[0].sql)
    write = native
    re2 = quote_text(pattern.re2)

    def body(value: str) -> str:
        unlike = []
        if pattern.ends:
            unlike.append(f"ends_with({value}, chr(10))")
        if pattern.boundaries or pattern.properties:
            unlike.append(f"strlen({value}) <> length({value})")
        unlike.extend(f"contains({value}, '{char}')" for char in sorted(set(pattern.ligatures)))
        fast = write(value, re2)
        return f"CASE WHEN {' OR '.join(unlike)} THEN {exact.format(v=value)} ELSE {fast} END" if unlike else fast

    return once(call[0].sql, body)


def _one(pattern: Pattern, group: int) -> bool:
    """Whether RE2 gives this group of one match as Joni does."""
    return pattern.re2 is not None and group not in pattern.optional


def _many(pattern: Pattern) -> bool:
    """Whether RE2 finds the same sequence of matches: none empty, none that depends on what stands before it."""
    return pattern.re2 is not None and not pattern.nullable and not pattern.anchors


def _group(call: Call, pattern: Pattern) -> int:
    group = call.integer(2) if len(call) > 2 else 0
    if not 0 <= group <= pattern.groups:
        raise call.refusal(f"the pattern has {pattern.groups} groups, there is no group {group}")
    return group


@emitter("regexp_like", _PAIR, "boolean")
def regexp_like(call: Call) -> str:
    pattern = _pattern(call)
    native = lambda v, p: f"regexp_matches({v}, {p})"  # noqa: E731
    return _emit(call, pattern, native, f"ag_regexp_like({{v}}, {_literal(call[1].sql)})")


def _literal(sql: str) -> str:
    """SQL that may stand in a template for str.format."""
    return sql.replace("{", "{{").replace("}", "}}")


def regexp_extract(call: Call) -> str:
    pattern = _pattern(call)
    group = _group(call, pattern)

    def native(value: str, re2: str) -> str:
        return f"CASE WHEN regexp_matches({value}, {re2}) THEN regexp_extract({value}, {re2}, {group}) END"

    exact = f"ag_regexp_extract({{v}}, {_literal(call[1].sql)}, {group})"
    return _emit(call, pattern, native if _one(pattern, group) and group <= 9 else None, exact)


def regexp_extract_all(call: Call) -> str:
    pattern = _pattern(call)
    group = _group(call, pattern)

    def native(value: str, re2: str) -> str:
        return f"regexp_extract_all({value}, {re2}, {group})"

    exact = f"ag_regexp_extract_all({{v}}, {_literal(call[1].sql)}, {group})"
    return _emit(call, pattern, native if _one(pattern, group) and _many(pattern) and group <= 9 else None, exact)


for _parameters in (_PAIR, [*_PAIR, "bigint"]):
    emitter("regexp_extract", _parameters, "varchar")(regexp_extract)
    emitter("regexp_extract_all", _parameters, "array(varchar)")(regexp_extract_all)


@emitter("regexp_count", _PAIR, "bigint")
def regexp_count(call: Call) -> str:
    pattern = _pattern(call)
    native = lambda v, p: f"CAST(len(regexp_extract_all({v}, {p})) AS BIGINT)"  # noqa: E731
    return _emit(call, pattern, native if _many(pattern) else None, f"ag_regexp_count({{v}}, {_literal(call[1].sql)})")


@emitter("regexp_split", _PAIR, "array(varchar)")
def regexp_split(call: Call) -> str:
    pattern = _pattern(call)
    native = lambda v, p: f"string_split_regex({v}, {p})"  # noqa: E731
    plain = _many(pattern) and pattern.groups == 0
    return _emit(call, pattern, native if plain else None, f"ag_regexp_split({{v}}, {_literal(call[1].sql)})")


def regexp_position(call: Call) -> str:
    _pattern(call)
    start = call.integer(2) if len(call) > 2 else 1
    occurrence = call.integer(3) if len(call) > 3 else 1
    if start < 1 or occurrence < 1:
        raise call.refusal("the start and the occurrence have to be 1 or more")
    return f"CAST(ag_regexp_position({call[0]}, {call[1]}, {start}, {occurrence}) AS INTEGER)"


for _parameters in (_PAIR, [*_PAIR, "bigint"], [*_PAIR, "bigint", "bigint"]):
    emitter("regexp_position", _parameters, "integer")(regexp_position)


def regexp_replace(call: Call) -> str:
    pattern = _pattern(call)
    template = call.text(2, "the replacement") if len(call) > 2 else ""
    try:
        parts = regexp.replacement(template, pattern.source)
    except regexp.ReplacementRefused as bad:
        raise call.refusal(str(bad)) from bad
    groups = [p for p in parts if isinstance(p, int)]
    plain = _many(pattern) and all(g <= 9 for g in groups)
    written = "".join(f"\\{p}" if isinstance(p, int) else p.replace("\\", "\\\\") for p in parts)

    def native(value: str, re2: str) -> str:
        return f"regexp_replace({value}, {re2}, {quote_text(written)}, 'g')"

    exact = f"ag_regexp_replace({{v}}, {_literal(call[1].sql)}, {_literal(quote_text(template))})"
    return _emit(call, pattern, native if plain else None, exact)


for _parameters in (_PAIR, [*_PAIR, "varchar"]):
    emitter("regexp_replace", _parameters, "varchar")(regexp_replace)


@emitter("regexp_replace", [*_PAIR, "function(array(varchar),varchar)"], "varchar")
def regexp_replace_by_lambda(call: Call) -> str:
    _pattern(call)
    body = lambda v: (  # noqa: E731
        f"ag_regexp_joined(ag_regexp_split({v}, {call[1]}), "
        f"list_transform(ag_regexp_groups({v}, {call[1]}), {call[2]}))"
    )
    return once(call[0].sql, body)
