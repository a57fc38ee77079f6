"""CAST(json AS T): the value inside JSON text as a Python value that Arrow takes for T.

Two sources, as in Trino: JSON values (`CAST(json AS T)`), and JSON text not yet parsed (`CAST(json_parse(v) AS T)`
for arrays, maps and rows, which Trino runs as one function over the text: repeated keys are then seen).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from agecli.engines.dialect.types import Type, field_names
from agecli.engines.runtime import dates, json_text, numbers
from agecli.engines.runtime.errors import TrinoError
from agecli.engines.runtime.json_text import Number, Object, as_text

Converter = Callable[[Any], Any]
_BITS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}
SCALARS = frozenset([*_BITS, "boolean", "real", "double", "decimal", "varchar", "json"])
_KEYS = SCALARS - {"json"}


def castable(target: Type) -> bool:
    """Whether JSON is cast to this type (Trino casts none to dates, and forgets the n of varchar(n))."""
    if target.name == "array":
        return castable(target.element)
    if target.name == "map":
        return target.args[0].name in _KEYS and all(map(castable, target.args))
    if target.name == "row":
        return all(map(castable, target.args))
    return target.name in SCALARS and not (target.name == "varchar" and target.params)


def caster(target: Type) -> Callable[[str], Any]:
    """The function from JSON text to a value of `target`; TrinoError where the cast fails."""
    convert = converter(target)
    return lambda text: convert(json_text.parse(text))


def converter(target: Type) -> Converter:
    """The function from a parsed JSON value (see `json_text`) to a value of `target`."""
    if target.name == "array":
        return _array(converter(target.element))
    if target.name == "map":
        return _map(converter(target.args[0]), converter(target.args[1]))
    if target.name == "row":
        return _row(target)
    if target.name in _BITS:
        bits = _BITS[target.name]
        return lambda value: None if value is None else _integer(value, bits)
    if target.name == "decimal":
        precision, scale = target.params
        return lambda value: None if value is None else _decimal(value, precision, scale)
    return _SIMPLE[target.name]


def _failure(value: Any, target: str) -> TrinoError:
    return TrinoError(f"Cannot cast '{json_text.write(value, ordered=False)[:60]}' to {target}")


def _json(value: Any) -> str:
    return json_text.write_tree(value)


def _varchar(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return str(value) if value.is_integer else numbers.double_text(float(value))
    if isinstance(value, str):
        return as_text(value)
    raise _failure(value, "VARCHAR")


def _integer(value: Any, bits: int) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Number):
        if value.is_integer:
            return numbers.in_range(int(value[:400]), bits)
        return numbers.integer_from_double(float(value), bits)
    if isinstance(value, str):
        return numbers.integer_from_text(value, bits)
    raise _failure(value, "an integer")


def _double(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, Number):
        # an integer goes through a long, which has no negative zero
        return 0.0 if value == "-0" else float(value)
    if isinstance(value, str):
        return numbers.double_from_text(value)
    raise _failure(value, "DOUBLE")


def _real(value: Any) -> float | None:
    if isinstance(value, str) and not isinstance(value, Number):
        return numbers.real_from_text(value)
    number = _double(value)
    return None if number is None else numbers.to_real(number)


def _boolean(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Number):
        return numbers.in_range(int(value[:400]), 64) != 0 if value.is_integer else float(value) != 0
    if isinstance(value, str):
        return numbers.boolean_from_text(value)
    raise _failure(value, "BOOLEAN")


def _decimal(value: Any, precision: int, scale: int) -> Decimal:
    if isinstance(value, bool):
        return numbers.round_decimal(Decimal(int(value)), precision, scale)
    if isinstance(value, str):
        return numbers.decimal_from_text(value, precision, scale)
    raise _failure(value, "DECIMAL")


_SIMPLE: dict[str, Converter] = {
    "json": _json,
    "varchar": _varchar,
    "double": _double,
    "real": _real,
    "boolean": _boolean,
}


def _array(element: Converter) -> Converter:
    def convert(value: Any) -> list[Any] | None:
        if value is None:
            return None
        if not isinstance(value, list):
            raise _failure(value, "ARRAY")
        return [element(item) for item in value]

    return convert


def _map(key: Converter, item: Converter) -> Converter:
    def convert(value: Any) -> list[tuple[Any, Any]] | None:
        if value is None:
            return None
        if not isinstance(value, Object):
            raise _failure(value, "MAP")
        pairs = [(key(name), item(inner)) for name, inner in value.pairs]
        if len({_identity(name) for name, _ in pairs}) != len(pairs):
            raise TrinoError("Duplicate keys are not allowed")
        return pairs

    return convert


def _identity(key: Any) -> Any:
    return "NaN" if isinstance(key, float) and math.isnan(key) else key


def _row(target: Type) -> Converter:
    names = field_names(target)
    converters = [converter(kind) for kind in target.args]
    places = {name.lower(): i for i, name in enumerate(target.fields) if name}

    def convert(value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        found: list[Any] = [None] * len(names)
        if isinstance(value, list):
            if len(value) != len(names):
                raise _failure(value, str(target))
            found = [convert_one(item) for convert_one, item in zip(converters, value, strict=True)]
        elif isinstance(value, Object):
            seen: set[int] = set()
            for name, item in value.pairs:
                place = places.get(name.lower(), -1)
                if place in seen:
                    raise TrinoError(f"Duplicate field: {name}")
                if place >= 0:
                    seen.add(place)
                    found[place] = converters[place](item)
        else:
            raise _failure(value, str(target))
        return dict(zip(names, found, strict=True))

    return convert


_TEXTS = ("boolean", *_BITS, "real", "double", "decimal", "varchar", "date", "timestamp")


def writable(source: Type) -> bool:
    """Whether CAST(... AS JSON) takes this type here."""
    if source.name == "map":
        return source.args[0].name == "varchar" and writable(source.args[1])
    if source.name in ("array", "row"):
        return all(map(writable, source.args))
    return source.name in (*_TEXTS, "json", "unknown")


def writer(source: Type) -> Callable[[Any], str]:
    """The function from a value, as Arrow gives it to Python, to its JSON text; never called for NULL."""
    if source.name == "array":
        return _write_array(_nullable(source.element))
    if source.name == "map":
        return _write_map(_nullable(source.args[1]))
    if source.name == "row":
        return _write_row(source)
    if source.name == "timestamp":
        digits = source.params[0] if source.params else 3
        return lambda value: json_text.quote(dates.timestamp_text(value, digits))
    return _WRITERS.get(source.name, str)


def _nullable(source: Type) -> Callable[[Any], str]:
    write = writer(source)
    return lambda value: "null" if value is None else write(value)


def _write_real(value: float) -> str:
    return numbers.java_real(value) if math.isfinite(value) else f'"{numbers.java_real(value)}"'


def _write_double(value: float) -> str:
    return numbers.java_double(value) if math.isfinite(value) else f'"{numbers.java_double(value)}"'


_WRITERS: dict[str, Callable[[Any], str]] = {
    "boolean": lambda value: "true" if value else "false",
    "double": _write_double,
    "real": _write_real,
    "decimal": lambda value: format(value, "f"),
    "varchar": json_text.quote,
    "json": lambda value: value,
    "date": lambda value: f'"{value.isoformat()}"',
}


def _write_array(item: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: "[" + ",".join(map(item, value)) + "]"


def _write_map(item: Callable[[Any], str]) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        pairs = sorted(value, key=lambda pair: pair[0].encode("utf-16-be"))
        return "{" + ",".join(f"{json_text.quote(k)}:{item(v)}" for k, v in pairs) + "}"

    return write


def _write_row(source: Type) -> Callable[[Any], str]:
    items = [_nullable(kind) for kind in source.args]
    names = [json_text.quote(name or "") for name in source.fields]
    keys = field_names(source)

    def write(value: Any) -> str:
        parts = (f"{n}:{i(value[k])}" for n, i, k in zip(names, items, keys, strict=True))
        return "{" + ",".join(parts) + "}"

    return write
