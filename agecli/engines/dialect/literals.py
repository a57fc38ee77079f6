"""Literals and written types: exact types of numbers and text, dates, times and intervals."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal

from agecli.engines.dialect import ast
from agecli.engines.dialect.casts import cast
from agecli.engines.dialect.registry import Typed
from agecli.engines.dialect.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DAY_TO_SECOND,
    DOUBLE,
    INTEGER,
    UNKNOWN,
    VARBINARY,
    YEAR_TO_MONTH,
    Type,
    decimal,
    parse_type,
    quote_text,
    timestamp,
    varchar,
    zoned,
)
from agecli.errors import SqlInvalid, SqlRefused

_REFUSED_TYPES = ("time", "uuid", "ipaddress")


def written_type(words: str) -> Type:
    """The type that CAST names. `timestamp` is timestamp(3), `decimal` decimal(38,0), as on Trino."""
    if re.search(r"\b(string|text|float)\b", words, re.IGNORECASE):
        raise SqlInvalid(
            "the SQL names an unknown type", f"{words} is no type on Athena", "use varchar, real or double"
        )
    try:
        kind = parse_type(words)
    except ValueError as error:
        raise SqlInvalid("the SQL names an unknown type", str(error)) from None
    return _completed(kind)


def _completed(kind: Type) -> Type:
    if kind.name in _REFUSED_TYPES or kind.name.startswith("$"):
        raise SqlRefused(f"type {kind} is refused", "it is not among the types that are allowed", "use another type")
    if kind.name in ("timestamp", "timestamp with time zone"):
        precision = kind.params or (3,)
        if precision[0] > 6:
            raise SqlRefused(f"type {kind} is refused", "Athena has milliseconds", "use timestamp(3)")
        return Type(kind.name, precision)
    if kind.name == "decimal":
        return _checked_decimal(kind)
    if kind.name == "char" and not kind.params:
        return Type("char", (1,))
    if kind.name == "row" and any("agecli" in (n or "") for n in kind.fields):
        raise SqlInvalid("the SQL names an unknown type", str(kind))
    return Type(kind.name, kind.params, tuple(_completed(a) for a in kind.args), kind.fields)


def _checked_decimal(kind: Type) -> Type:
    if not kind.params:
        return decimal(38, 0)
    if not (1 <= kind.params[0] <= 38 and kind.params[1] <= kind.params[0]):
        raise SqlInvalid("the SQL names an unknown type", f"{kind} is out of range")
    return kind


def literal(node: ast.Literal) -> Typed:
    if node.kind == "null":
        return Typed("NULL", UNKNOWN, constant=None)
    if node.kind == "boolean":
        return Typed(node.text, BOOLEAN, constant=node.text == "true")
    if node.kind == "varchar":
        return text(node.text)
    if node.kind == "varbinary":
        return Typed(f"from_hex('{node.text}')", VARBINARY)
    if node.kind == "double":
        return Typed(f"CAST({quote_text(node.text)} AS DOUBLE)", DOUBLE, constant=float(node.text))
    if node.kind == "decimal":
        return decimal_literal(node.text)
    return integer(int(node.text))


def integer(value: int) -> Typed:
    if value >= 2**63:
        raise SqlInvalid("the SQL has a number that no integer holds", str(value), "write it as a decimal")
    kind = INTEGER if value < 2**31 else BIGINT
    return Typed(f"CAST({value} AS {kind})".upper(), kind, constant=value)


def text(value: str) -> Typed:
    sql = " || chr(0) || ".join(quote_text(part) for part in value.split("\0"))
    return Typed(f"({sql})" if "\0" in value else sql, varchar(len(value)), constant=value)


def decimal_literal(written: str) -> Typed:
    """1.50 is decimal(3,2): leading zeros do not count, the places after the point all do."""
    match = re.fullmatch(r"([+-]?)(\d*)\.?(\d*)", written)
    if match is None or not (match.group(2) + match.group(3)):
        raise SqlInvalid("the SQL has a literal that is no decimal", written)
    whole, places = match.group(2).lstrip("0"), match.group(3)
    kind = decimal(max(1, len(whole) + len(places)), len(places))
    if kind.precision > 38:
        raise SqlInvalid("the SQL has a decimal of more than 38 digits", written)
    value = Decimal(f"{match.group(1)}{whole or '0'}.{places or '0'}")
    return Typed(
        f"CAST('{match.group(1)}{whole or '0'}.{places}' AS DECIMAL({kind.precision},{kind.scale}))", kind, value
    )


def typed_literal(node: ast.TypedLiteral) -> Typed:
    """DATE '2024-01-01', TIMESTAMP '...', DECIMAL '1.50', and any other type as a cast."""
    name = node.type
    if name == "date":
        return date_literal(node.text)
    if name == "timestamp":
        return timestamp_literal(node.text)
    if name in ("decimal", "numeric", "dec"):
        return decimal_literal(node.text)
    if name == "json":
        from agecli.engines.dialect.calls import translated
        from agecli.engines.dialect.registry import FUNCTIONS

        return translated("json_parse", FUNCTIONS.get("json_parse", []), [text(node.text)], lambda *_: text(""))
    kind = written_type(name)
    if name == "char":
        kind = Type("char", (max(1, len(node.text)),))
    if kind.name in ("double", "real") and re.fullmatch(r"-?\d+(\.\d*)?", node.text):
        return Typed(f"CAST('{node.text}' AS {'DOUBLE' if kind.name == 'double' else 'FLOAT'})", kind, float(node.text))
    return cast(text(node.text), kind)


def date_literal(written: str) -> Typed:
    match = re.fullmatch(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*", written)
    try:
        day = datetime.date(*(int(g) for g in match.groups())) if match else None
    except ValueError:
        day = None
    if day is None:
        raise SqlInvalid("the SQL has a literal that is no date", f"DATE '{written}'", "write YYYY-MM-DD")
    return Typed(f"DATE '{day.isoformat()}'", DATE)


_TIMESTAMP = re.compile(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?)?\s*(\S.*)?")


def timestamp_literal(written: str) -> Typed:
    match = _TIMESTAMP.fullmatch(written)
    if match is None:
        raise SqlInvalid("the SQL has a literal that is no timestamp", f"TIMESTAMP '{written}'")
    fraction = match.group(7) or ""
    if len(fraction) > 6:
        raise SqlRefused(
            f"TIMESTAMP '{written}' is refused", "times finer than microseconds are not kept", "shorten it"
        )
    try:
        parts = [int(g or 0) for g in match.groups()[:6]]
        year, month, day, hour, minute, second = parts
        micros = int(fraction.ljust(6, "0"))
        moment = datetime.datetime(year, month, day, hour, minute, second, micros)
    except ValueError as error:
        raise SqlInvalid("the SQL has a literal that is no timestamp", f"TIMESTAMP '{written}': {error}") from None
    sql = f"TIMESTAMP '{moment.isoformat(sep=' ')}'"
    zone = match.group(8)
    if zone is None:
        return Typed(sql, timestamp(len(fraction)))
    if zone.strip() not in ("UTC", "Z"):
        raise SqlRefused(f"TIMESTAMP '{written}' is refused", "only the zone UTC is supported here", "use UTC")
    return Typed(f"CAST({sql} AS TIMESTAMPTZ)", zoned(len(fraction), "UTC"))


_MILLISECONDS = {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000}


def interval(node: ast.Interval) -> Typed:
    if node.end is not None:
        raise SqlRefused("INTERVAL ... TO ... is refused", "only one unit is supported", "write one unit")
    if not re.fullmatch(r"-?\d+" if node.start != "second" else r"-?\d+(\.\d{1,3})?", node.text):
        raise SqlInvalid("the SQL has a literal that is no interval", f"INTERVAL '{node.text}' {node.start.upper()}")
    if node.start in ("year", "month"):
        months = node.sign * int(node.text) * (12 if node.start == "year" else 1)
        return Typed(f"CAST({months} AS INTEGER)", YEAR_TO_MONTH, constant=months)
    milliseconds = int(node.sign * Decimal(node.text) * _MILLISECONDS[node.start])
    return Typed(f"CAST({milliseconds} AS BIGINT)", DAY_TO_SECOND, constant=milliseconds)


def like_escape(escape: Typed, pattern: Typed) -> str:
    """The ESCAPE clause, after checking that the pattern uses its escape character as Trino demands."""
    character = escape.constant
    if not isinstance(character, str) or len(character) != 1:
        raise SqlRefused("LIKE ... ESCAPE is refused", "the escape has to be a literal of one character", "write one")
    if not isinstance(pattern.constant, str):
        raise SqlRefused("LIKE ... ESCAPE is refused", "the pattern has to be a text literal", "use strpos")
    rest = pattern.constant.replace(character * 2, "")
    if re.search(re.escape(character) + r"(?![%_])", rest):
        raise SqlInvalid("the SQL has a pattern with a stray escape character", pattern.constant)
    return f" ESCAPE {quote_text(character)}"
