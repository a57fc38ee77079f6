"""The macros behind casts between text and numbers and booleans (see `runtime/__init__`).

Native for what a pattern shows to be plain, Java's reader for the rest. The quiet macros also know the commonest
junk by sight, so that a column of dirty text does not go to Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agecli.engines.dialect.native import finds, full_match, once
from agecli.engines.dialect.registry import RUNTIME, Call, Macro, Sql, provide, register_cast
from agecli.engines.dialect.types import duckdb_type, parse_type
from agecli.engines.runtime import numbers
from agecli.engines.runtime.arrow import udf

_BITS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}
_SPACE = r"[\x00-\x20]*"


def _bind(body: str) -> str:
    """A macro's definition over `a`, which its body calls `v` and which is evaluated once."""
    return f"(a) AS list_extract(list_transform([a], lambda v: {body}), 1)"


def _pair(name: str, read: Callable[[str], Any], plain: str, native: str, hopeless: str = "") -> None:
    """The macro and its quiet twin. `hopeless` is true only for texts that are no value of this type."""
    kind = duckdb_type(parse_type(name))
    provide(udf(f"ag_text_to_{name}_exact", read, ["varchar"], name))
    provide(udf(f"ag_try_text_to_{name}_exact", read, ["varchar"], name, quiet=True))
    fast = f"CASE WHEN {plain} THEN {native} "
    provide(Macro(f"ag_text_to_{name}", _bind(f"{fast}ELSE ag_text_to_{name}_exact(v) END")))
    nothing = f"WHEN {hopeless} THEN CAST(NULL AS {kind}) " if hopeless else ""
    quiet = fast.replace("THEN CAST(", "THEN TRY_CAST(")
    provide(Macro(f"ag_try_text_to_{name}", _bind(f"{quiet}{nothing}ELSE ag_try_text_to_{name}_exact(v) END")))


def _integer_reader(bits: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        return numbers.integer_from_text(text, bits)

    return read


_FLOATING = r"[+-]?(?:[0-9]{1,17}\.?[0-9]{0,17}|\.[0-9]{1,17})(?:[eE][+-]?[0-9]{1,2})?"
for _name, _bits in _BITS.items():
    _pair(
        _name,
        _integer_reader(_bits),
        full_match("v", r"[+-]?[0-9]{1,18}"),
        f"CAST(v AS {_name.upper()})",
        "NOT " + finds("v", rf"^{_SPACE}[+-]?[0-9]+{_SPACE}$|[^\x00-\x7f]"),
    )
# one e-45 and the like: the native reader is kept to exponents that a 32-bit number has
for _name, _reader, _plain in (
    ("double", numbers.double_from_text, _FLOATING),
    ("real", numbers.real_from_text, _FLOATING.replace("{1,2}", "")),
):
    _pair(
        _name,
        _reader,
        full_match("v", _plain),
        f"CAST(v AS {duckdb_type(parse_type(_name))})",
        "NOT " + finds("v", rf"^{_SPACE}[+-]?[0-9.NI]"),
    )
_pair(
    "boolean",
    numbers.boolean_from_text,
    "lower(v) IN ('t', 'true', '1', 'f', 'false', '0')",
    "lower(v) IN ('t', 'true', '1')",
    "v IS NOT NULL",
)
provide(udf("ag_double_text_exact", numbers.double_text, ["double"], "varchar"))
provide(udf("ag_real_text", numbers.real_text, ["real"], "varchar"))
provide(udf("ag_real_digits", numbers.real_digits, ["real"], "varchar"))
# whole numbers below 10^15: a digit, a point, the rest without its zeros
_WHOLE = (
    "regexp_replace(regexp_replace(CAST(CAST(v AS BIGINT) AS VARCHAR), '^(-?[0-9])([0-9]*?)0*$', '\\1.\\2'),"
    " '\\.$', '.0') || 'E' || CAST(length(CAST(CAST(abs(v) AS BIGINT) AS VARCHAR)) - 1 AS VARCHAR)"
)
provide(
    Macro(
        "ag_double_text",
        _bind(f"CASE WHEN v = trunc(v) AND abs(v) < 1e15 AND v <> 0 THEN {_WHOLE} ELSE ag_double_text_exact(v) END"),
    )
)


def _decimal_function(precision: int, scale: int, quiet: bool) -> str:
    name = f"ag_{'try_' if quiet else ''}text_to_decimal_{precision}_{scale}"
    if name not in RUNTIME:

        def read(text: str) -> Any:
            return numbers.decimal_from_text(text, precision, scale)

        provide(udf(name, read, ["varchar"], f"decimal({precision},{scale})", quiet=quiet))
    return name


def _text_to_decimal(call: Call) -> Sql:
    """Native where the text has at most as many digits as fit, rounding half up through one more decimal place."""
    precision, scale = call.result.params
    whole = max(precision - scale, 0)
    plain = rf"[+-]?0*[0-9]{{1,{max(whole - 1, 1)}}}(?:\.[0-9]{{0,{scale}}})?" if whole > 1 else "$^"

    def form(quiet: bool) -> str:
        def body(value: str) -> str:
            native = f"CAST({value} AS {duckdb_type(call.result)})"
            exact = f"{_decimal_function(precision, scale, quiet)}({value})"
            junk = ""
            if quiet:
                hopeless = "NOT " + finds(value, r"^[+-]?(?:[0-9]|\.[0-9])|[^\x00-\x7f]")
                junk = f"WHEN {hopeless} THEN CAST(NULL AS {duckdb_type(call.result)}) "
            return f"CASE WHEN {full_match(value, plain)} THEN {native} {junk}ELSE {exact} END"

        return once(call[0].sql, body)

    return Sql(form(False), form(True))


register_cast("varchar", "decimal", emit=_text_to_decimal, fails=True)
