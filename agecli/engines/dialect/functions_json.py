"""JSON functions and casts: Trino's streaming readers over text, natively where the text is plain."""

from __future__ import annotations

import re
from hashlib import sha256

import pyarrow as pa

from agecli.engines.dialect.json_plain import (
    SCALARS,
    plain_array,
    plain_for_scalars,
    plain_for_trees,
    plain_items,
    plain_objects,
)
from agecli.engines.dialect.native import either, once
from agecli.engines.dialect.registry import (
    RUNTIME,
    Call,
    Sql,
    Udf,
    emitter,
    provide,
    register,
    register_cast,
)
from agecli.engines.dialect.types import Type, duckdb_type, field_names, quote_text
from agecli.engines.runtime import json_cast, json_scan
from agecli.engines.runtime import json_functions as exact
from agecli.engines.runtime.arrow import over_columns, udf
from agecli.engines.runtime.compiled import enabled
from agecli.engines.runtime.errors import GuardError
from agecli.engines.runtime.evaluator import Evaluator
from agecli.engines.runtime.json_path import PathRefused, steps

_PAIR = ["varchar", "varchar"]
for _definition in (
    udf("ag_json_parse_exact", exact.json_parse, ["varchar"], "varchar"),
    udf("ag_try_json_parse_exact", exact.json_parse, ["varchar"], "varchar", quiet=True),
    udf("ag_json_extract_scalar", exact.json_extract_scalar, _PAIR, "varchar"),
    udf("ag_json_extract", exact.json_extract, _PAIR, "varchar"),
    udf("ag_json_size", exact.json_size, _PAIR, "bigint"),
    udf("ag_json_array_length", exact.json_array_length, ["varchar"], "bigint"),
    udf("ag_json_array_get", exact.json_array_get, ["varchar", "bigint"], "varchar"),
    udf("ag_json_has_text", exact.json_array_contains_text, _PAIR, "boolean"),
    udf("ag_json_has_bigint", exact.json_array_contains_bigint, ["varchar", "bigint"], "boolean"),
    udf("ag_json_has_double", exact.json_array_contains_double, ["varchar", "double"], "boolean"),
    udf("ag_json_has_boolean", exact.json_array_contains_boolean, ["varchar", "boolean"], "boolean"),
    udf("ag_is_json_scalar", exact.is_json_scalar, ["varchar"], "boolean"),
    udf("ag_try_is_json_scalar", exact.is_json_scalar, ["varchar"], "boolean", quiet=True),
):
    provide(_definition)


def _steps(call: Call) -> tuple[str, ...]:
    try:
        return steps(call.text(1, "the JSON path"))
    except PathRefused as bad:
        raise call.refusal(str(bad), 'allowed are $, .name, [0] and ["any name"]') from bad


_native_name = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]*").fullmatch


def _native_path(found: tuple[str, ...], value: str) -> tuple[str, str] | None:
    """DuckDB's path, and SQL for what else must hold; None where DuckDB has no such path."""
    path, also = "$", ""
    for step in found:
        if step.isdecimal():
            # in Trino [0] finds the member "0" of an object too
            also += f" AND NOT contains({value}, {quote_text(chr(34) + step + chr(34))})"
            path += f"[{step}]"
        elif _native_name(step):
            path += f'."{step}"'
        else:
            return None
    return quote_text(path), also


def _extract(call: Call, test: str, native: str, function: str) -> str:
    """`native` has {v} and {p} for the value and DuckDB's path."""
    found = _steps(call)

    def body(value: str) -> str:
        slow = f"{function}({value}, {call[1]})"
        path = _native_path(found, value)
        if path is None or ('["' in call.text(1) and any(s.isdecimal() for s in found)):
            return slow
        plain = (plain_for_scalars if test == "scalars" else plain_for_trees)(value)
        return either(plain + path[1], native.format(v=value, p=path[0]), slow)

    return once(call[0].sql, body)


for _kind in ("varchar", "json"):

    @emitter("json_extract_scalar", [_kind, "varchar"], "varchar")
    def json_extract_scalar(call: Call) -> str:
        native = "CASE WHEN json_type({v}, {p}) NOT IN ('OBJECT', 'ARRAY', 'NULL') THEN {v} ->> {p} END"
        return _extract(call, "scalars", native, "ag_json_extract_scalar")

    @emitter("json_extract", [_kind, "varchar"], "json")
    def json_extract(call: Call) -> str:
        return _extract(call, "trees", "CAST(json_extract({v}, {p}) AS VARCHAR)", "ag_json_extract")

    @emitter("json_size", [_kind, "varchar"], "bigint")
    def json_size(call: Call) -> str:
        _steps(call)
        return f"ag_json_size({call[0]}, {call[1]})"

    @emitter("json_array_length", [_kind], "bigint")
    def json_array_length(call: Call) -> str:
        text = _unparsed(call[0].sql)
        parsed = call[0].sql.partition("(")[0]
        if text is None and enabled():
            return f"{_length_function()}({call[0]})"

        def body(value: str) -> str:
            return _length(value, value if text is None else f"{parsed}({value})")

        return once(call[0].sql if text is None else text, body)

    register("json_array_get", [_kind, "bigint"], "json", "ag_json_array_get({0}, {1})")
    register("json_array_contains", [_kind, "varchar"], "boolean", "ag_json_has_text({0}, {1})")
    register("json_array_contains", [_kind, "bigint"], "boolean", "ag_json_has_bigint({0}, {1})")
    register("json_array_contains", [_kind, "double"], "boolean", "ag_json_has_double({0}, {1})")
    register("json_array_contains", [_kind, "boolean"], "boolean", "ag_json_has_boolean({0}, {1})")
    register(
        "is_json_scalar",
        [_kind],
        "boolean",
        "ag_is_json_scalar({0})",
        fails=True,
        quiet="ag_try_is_json_scalar({0})",
    )

register("json_format", ["json"], "varchar", "{0}")
register(
    "json_parse",
    ["varchar"],
    "json",
    "ag_json_parse_exact({0})",
    fails=True,
    quiet="ag_try_json_parse_exact({0})",
)
_parsed = re.compile(r"ag_(try_)?json_parse_exact\((.*)\)", re.DOTALL).fullmatch


def _unparsed(sql: str) -> str | None:
    """The text of which `sql` is json_parse, if that is all that `sql` is."""
    found = _parsed(sql)
    if not found:
        return None
    depth, quoted = 0, ""
    for char in found[2]:
        if quoted:
            quoted = "" if char == quoted else quoted
        elif char in "'\"":
            quoted = char
        else:
            depth += (char == "(") - (char == ")")
        if depth < 0:
            return None
    return found[2]


def _cast_function(target: Type, quiet: bool, parsed: bool) -> str:
    """The name of the exact cast to a type, made at its first use; `parsed`: from a JSON value, not from text."""
    digest = sha256(f"{target} {duckdb_type(target)} {parsed}".encode()).hexdigest()[:12]
    name = f"ag_{'try_' if quiet else ''}json_cast_{digest}"
    if name not in RUNTIME:
        cast = json_cast.caster(target)

        def from_value(text: str) -> object:
            return cast(text)

        def from_text(text: str) -> object:
            return cast(exact.json_parse(text))

        nested = target.name in ("array", "map", "row")
        provide(udf(name, from_value if parsed or nested else from_text, ["varchar"], target, quiet=quiet))
    return name


def _length_function() -> str:
    """The name of the scanner's json_array_length, made at its first use."""
    name = "ag_json_scan_length"
    if name not in RUNTIME:
        provide(Udf(name, json_scan.lengths(_exact_length), ("VARCHAR",), "BIGINT"))
    return name


def _length(value: str, odd: str) -> str:
    """SQL for json_array_length of a text without the scanner; `odd` is what the exact function is asked of."""
    native = f"CASE WHEN json_type({value}) = 'ARRAY' THEN CAST(json_array_length({value}) AS BIGINT) END"
    return either(plain_for_scalars(value), native, f"ag_json_array_length({odd})")


def _exact_length(text: str) -> int | None:
    """json_array_length of a text; of one that is too deep for the exact function what DuckDB says, as it is asked
    first where there is no scanner."""
    try:
        return exact.json_array_length(text)
    except GuardError:
        found: int | None = Evaluator([(_length("x", "x"), "bigint")]).rows([text])[0][0]
        return found


def _scan_function(target: Type, quiet: bool) -> str | None:
    """The name of the scanner's cast of text to a type, made at its first use; None where it knows no such type."""
    digest = sha256(f"{target} {duckdb_type(target)}".encode()).hexdigest()[:12]
    name = f"ag_{'try_' if quiet else ''}json_scan_{digest}"
    if name not in RUNTIME:
        column = json_scan.caster(target, json_cast.caster(target), quiet=quiet)
        if column is None:
            return None
        provide(Udf(name, column, ("VARCHAR",), duckdb_type(target)))
    return name


def _native_cast(target: Type, value: str) -> tuple[str, str] | None:
    """A test for plain text and DuckDB's own cast of it, for the common shapes."""
    if target.name == "array" and target.element.name in SCALARS:
        shape = f'["{duckdb_type(target.element)}"]'
        return plain_array(value, target.element.name), f"from_json({value}, {quote_text(shape)})"
    if target.name == "array" and target.element.name == "json":
        return plain_items(value), f"CAST(json_extract({value}, '$[*]') AS VARCHAR[])"
    many = target.name == "array"
    row = target.element if many else target
    names = field_names(row) if row.name == "row" else ()
    if not names or not all(t.name in SCALARS for t in row.args) or any(f is None for f in row.fields):
        return None
    if not all(re.fullmatch(r"[a-z_][a-z0-9_]*", name) for name in names):
        return None
    fields = [(n, t.name) for n, t in zip(names, row.args, strict=True)]
    shape = ", ".join(f'"{n}": "{duckdb_type(t)}"' for n, t in zip(names, row.args, strict=True))
    shape = f"[{{{shape}}}]" if many else f"{{{shape}}}"
    return plain_objects(value, fields, many), f"from_json({value}, {quote_text(shape)})"


def _json_to_any(call: Call) -> Sql:
    """CAST(json AS T). Over json_parse both run as one function over the text, as they do in Trino."""
    if not json_cast.castable(call.result):
        raise call.refusal(f"JSON is not cast to {call.result}", "cast to varchar, and that to what is needed")
    text = _unparsed(call[0].sql)

    def cast(value: str, quiet: bool) -> str:
        return f"{_cast_function(call.result, quiet, text is None)}({value})"

    def form(quiet: bool) -> str:
        scan = _scan_function(call.result, quiet) if text is not None and enabled() else None
        if scan is not None:
            return f"{scan}({text})"

        def body(value: str) -> str:
            native = _native_cast(call.result, value)
            return either(*native, cast(value, quiet)) if native else cast(value, quiet)

        return once(call[0].sql if text is None else text, body)

    return Sql(form(False), form(True))


register_cast("json", "T", emit=_json_to_any, fails=True)


def _to_json_function(source: Type) -> str:
    digest = sha256(f"{source} {duckdb_type(source)}".encode()).hexdigest()[:12]
    name = f"ag_to_json_{digest}"
    if name not in RUNTIME:
        write = json_cast.writer(source)

        def body(value: object) -> str:
            return write(value)

        provide(Udf(name, over_columns(body, pa.string(), quiet=False), (duckdb_type(source),), "VARCHAR"))
    return name


def _any_to_json(call: Call) -> Sql:
    """CAST(x AS JSON): text as a JSON string, a row as an object, dates as their text."""
    source = call[0].type
    if not json_cast.writable(source):
        raise call.refusal(f"{source} is not cast to JSON", "cast it to varchar first")
    if source.is_integer or source.name in ("boolean", "decimal"):
        return Sql(f"CAST({call[0]} AS VARCHAR)")
    return Sql(f"{_to_json_function(source)}({call[0]})")


register_cast("T", "json", emit=_any_to_json)
