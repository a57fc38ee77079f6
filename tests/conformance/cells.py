"""Cells of two engines in one comparable form, without folding away what a reader of the results could see.

Trino's answers are kept as JSON (`golden.json`), the engine's arrive as Arrow. Both become Python values here:
bool, int, Float, Decimal, str, bytes, Moment, list (arrays and rows), Pairs (maps), None. Kinds never mix: 1, 1.0,
Decimal("1"), True and "1" are five different answers, Decimal("1.5") and Decimal("1.50") two, 0.0 and -0.0 two.

What is folded, and why nothing is lost by it:
- doubles agree within 1e-12 of their size, since two mathematical libraries differ in the last bits; reals (32 bits)
  agree when they are the same 32-bit number;
- zeros at the end of a fraction of a second fall away, since a precision is part of the type and not of the value;
- a time with zone is its instant in UTC, since DuckDB keeps no zone with a value: expressions that print the zone are
  compared as the text they print;
- the entries of a map have no order, in Trino and here; the fields of a row are compared by position.
"""

from __future__ import annotations

import itertools
import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

TOLERANCE = 1e-12


@dataclass(frozen=True)
class Float:
    """A floating-point number and its width in bits, 64 (double) or 32 (real)."""

    value: float
    bits: int


@dataclass(frozen=True)
class Moment:
    """A date, time, timestamp, instant (UTC) or interval, as Trino prints it."""

    kind: str
    text: str


@dataclass(frozen=True)
class Pairs:
    """A map: its entries, sorted by what their keys look like."""

    entries: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True)
class Type:
    """A Trino type: `array(row(a integer))` is Type("array", (Type("row", (Type("integer"),)),))."""

    name: str
    arguments: tuple[Type, ...] = ()
    numbers: tuple[int, ...] = ()

    def __str__(self) -> str:
        inner = ", ".join(map(str, (*self.arguments, *self.numbers)))
        return f"{self.name}({inner})" if inner else self.name


def parse_type(text: str) -> Type:
    """Reads a type as Trino writes it, field names of rows left out."""
    kind, rest = _type_at(text.strip())
    if rest.strip():
        raise ValueError(f"not a type: {text!r}")
    return kind


def _type_at(text: str) -> tuple[Type, str]:
    match = re.match(r"interval day to second|interval year to month|[a-z]\w*", text, re.IGNORECASE)
    if not match:
        raise ValueError(f"not a type: {text!r}")
    name, rest = match[0].lower(), text[match.end() :]
    arguments: list[Type] = []
    numbers: list[int] = []
    if rest.startswith("("):
        rest = rest[1:]
        while True:
            rest = rest.lstrip()
            number = re.match(r"\d+", rest)
            if number:
                numbers.append(int(number[0]))
                rest = rest[number.end() :]
            else:
                if name == "row":
                    rest = re.sub(r'^(?:"(?:[^"]|"")*"|\w+) +(?=\w)(?!(?:with|to|day) )', "", rest, count=1)
                inner, rest = _type_at(rest)
                arguments.append(inner)
            rest = rest.lstrip()
            closed, rest = rest[0] == ")", rest[1:]
            if closed:
                break
    if rest.startswith(zoned := " with time zone"):
        name, rest = name + zoned, rest[len(zoned) :]
    return Type(name, tuple(arguments), tuple(numbers)), rest


INTEGERS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}
FLOATS = {"real": 32, "double": 64}


def from_trino(value: Any, kind: Type) -> Any:
    """A value of golden.json, wrapped as there (`{"decimal": "1.50"}`) or bare, in the comparable form."""
    if value is None:
        return None
    if kind.name == "array":
        return [from_trino(item, kind.arguments[0]) for item in value]
    if kind.name == "row":
        return [from_trino(item, field) for item, field in zip(value, kind.arguments, strict=True)]
    if kind.name == "map":
        key, item = kind.arguments
        return _pairs([(from_trino(k, key), from_trino(v, item)) for k, v in value["map"]])
    if isinstance(value, dict):
        ((_, value),) = value.items()
    if kind.name in FLOATS:
        return Float(float(value), FLOATS[kind.name])
    if kind.name == "decimal":
        return Decimal(str(value))
    if kind.name == "varbinary":
        return bytes.fromhex(value)
    if kind.name == "date" or kind.name.startswith(("time", "interval")):
        return _moment(kind.name, str(value))
    return value


def _moment(kind: str, text: str) -> Moment:
    if kind.startswith("timestamp with"):
        return Moment("instant", _utc(text))
    if kind == "timestamp" and ":" not in text:
        text += " 00:00:00"
    return Moment(kind, _short(text))


def _utc(text: str) -> str:
    match = re.fullmatch(r"([+-]?\d+)(-.+?)(?: UTC|([+-]\d\d):(\d\d))", text)
    if not match:
        return text
    year, rest, hours, minutes = int(match[1]), match[2], match[3], match[4]
    shift = timedelta(hours=int(hours or 0), minutes=int((hours or "+")[0] + (minutes or "0")))
    # The calendar repeats every 400 years, and Python knows the years from 1 to 9999 only.
    moved = datetime.fromisoformat(f"{year % 400 + 2000}{rest}") - shift
    year += moved.year - (year % 400 + 2000)
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return _short(f"{sign}{abs(year):04}{moved:-%m-%d %H:%M:%S.%f}")


def _short(text: str) -> str:
    return re.sub(r"(:\d\d)\.(\d*?)0*$", lambda m: m[1] + ("." + m[2] if m[2] else ""), text)


def _pairs(entries: Sequence[tuple[Any, Any]]) -> Pairs:
    return Pairs(tuple(sorted(entries, key=lambda entry: repr(entry[0]))))


def from_arrow(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The cells of an Arrow column in the comparable form, years before 1 and after 9999 included."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    kind = array.type
    valid = array.is_valid().to_pylist()
    cells: list[Any]
    if pa.types.is_map(kind):
        keys, items = from_arrow(array.keys), from_arrow(array.items)
        cells = [_pairs(list(zip(keys[a:b], items[a:b], strict=True))) for a, b in _spans(array)]
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = from_arrow(array.values)
        cells = [inner[a:b] for a, b in _spans(array)]
    elif pa.types.is_struct(kind):
        fields = [from_arrow(pc.struct_field(array, [i])) for i in range(kind.num_fields)]
        cells = [list(row) for row in zip(*fields, strict=True)] if fields else [[] for _ in valid]
    else:
        cells = _scalars(array)
    return [cell if ok else None for cell, ok in zip(cells, valid, strict=True)]


def _spans(array: Any) -> list[tuple[int, int]]:
    offsets = array.offsets.to_pylist()
    return list(itertools.pairwise(offsets))


_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def _scalars(array: Any) -> list[Any]:
    kind = array.type
    if pa.types.is_floating(kind):
        return [Float(x if x is not None else 0.0, kind.bit_width) for x in array.to_pylist()]
    if pa.types.is_date32(kind):
        return [Moment("date", _day(x or 0)) for x in array.cast(pa.int32()).to_pylist()]
    if pa.types.is_timestamp(kind):
        ticks = array.cast(pa.int64()).to_pylist()
        return [Moment("instant" if kind.tz else "timestamp", _clock(x or 0, _PER_SECOND[kind.unit])) for x in ticks]
    if pa.types.is_time(kind):
        width = pa.int64() if pa.types.is_time64(kind) else pa.int32()
        ticks = array.cast(width).to_pylist()
        return [Moment("time", _clock(x or 0, _PER_SECOND[kind.unit]).split(" ", 1)[1]) for x in ticks]
    if pa.types.is_duration(kind):
        return [_duration(x or 0, _PER_SECOND[kind.unit]) for x in array.cast(pa.int64()).to_pylist()]
    if kind == pa.month_day_nano_interval():
        return [_interval(x) if x is not None else None for x in array.to_pylist()]
    return list(array.to_pylist())


def _clock(ticks: int, per_second: int) -> str:
    seconds, fraction = divmod(ticks, per_second)
    days, seconds = divmod(seconds, 86400)
    digits = len(str(per_second)) - 1
    text = f"{_day(days)} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return _short(f"{text}.{fraction:0{digits}}" if digits else text)


def _day(days: int) -> str:
    """Days since 1970-01-01 in the proleptic Gregorian calendar; years as Trino prints them (-0005, +10000)."""
    cycles = (days + 719468) // 146097
    rest = days + 719468 - cycles * 146097
    year = (rest - rest // 1460 + rest // 36524 - rest // 146096) // 365
    day = rest - (365 * year + year // 4 - year // 100)
    month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year = year + cycles * 400 + (month <= 2)
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04}-{month:02}-{day:02}"


def _interval(value: Any) -> Moment:
    months, days, nanoseconds = value.months, value.days, value.nanoseconds
    if months and not days and not nanoseconds:
        return Moment("interval year to month", f"{'-' * (months < 0)}{abs(months) // 12}-{abs(months) % 12}")
    return _duration(days * 86400 * 10**9 + nanoseconds, 10**9)


def _duration(ticks: int, per_second: int) -> Moment:
    seconds, fraction = divmod(abs(ticks), per_second)
    digits = len(str(per_second)) - 1
    clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:0{max(digits, 1)}}"
    return Moment("interval day to second", _short(f"{'-' * (ticks < 0)}{seconds // 86400} {clock}"))


def same(ours: Any, theirs: Any) -> bool:
    """Whether two cells in the comparable form are the same answer."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, Float):
        return ours.bits == theirs.bits and _same_float(ours.value, theirs.value, ours.bits)
    if isinstance(ours, Decimal):
        return str(ours) == str(theirs) or (ours.as_tuple() == theirs.as_tuple())
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, Pairs):
        a, b = ours.entries, theirs.entries
        return len(a) == len(b) and all(same(x, y) and same(v, w) for (x, v), (y, w) in zip(a, b, strict=True))
    return bool(ours == theirs)


def _same_float(a: float, b: float, bits: int) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.copysign(1, a) != math.copysign(1, b):
        return False
    if math.isinf(a) or math.isinf(b):
        return a == b
    if bits == 32:
        return struct.pack("f", a) == struct.pack("f", b)
    return a == b or abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


def arrow_type_agrees(ours: pa.DataType, theirs: Type) -> bool:
    """Whether an Arrow type is the one that stands for a Trino type, number widths and decimal places included."""
    name = theirs.name
    if name == "unknown":
        return True
    if name == "array":
        return pa.types.is_list(ours) and arrow_type_agrees(ours.value_type, theirs.arguments[0])
    if name == "map":
        return (
            pa.types.is_map(ours)
            and arrow_type_agrees(ours.key_type, theirs.arguments[0])
            and arrow_type_agrees(ours.item_type, theirs.arguments[1])
        )
    if name == "row":
        inner = [ours.field(i).type for i in range(ours.num_fields)] if pa.types.is_struct(ours) else []
        return len(inner) == len(theirs.arguments) and all(map(arrow_type_agrees, inner, theirs.arguments))
    if name == "decimal":
        return pa.types.is_decimal(ours) and (ours.precision, ours.scale) == theirs.numbers
    if name in INTEGERS:
        return bool(pa.types.is_signed_integer(ours) and ours.bit_width == INTEGERS[name])
    if name in FLOATS:
        return bool(pa.types.is_floating(ours) and ours.bit_width == FLOATS[name])
    simple = {"boolean": pa.types.is_boolean, "date": pa.types.is_date32, "varbinary": pa.types.is_binary}
    if name in simple:
        return bool(simple[name](ours))
    if name.startswith("timestamp"):
        return bool(pa.types.is_timestamp(ours) and (ours.tz is not None) == name.endswith("zone"))
    if name.startswith("time"):
        return bool(pa.types.is_time(ours))
    if name.startswith("interval"):
        return bool(ours == pa.month_day_nano_interval() or (name.endswith("second") and pa.types.is_duration(ours)))
    return bool(pa.types.is_string(ours) or pa.types.is_large_string(ours))
