"""format(): Java's String.format for the conversions %s %d %x %f %b, value by value."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from agecli.engines.runtime import numbers
from agecli.engines.runtime.json_text import as_text

_conversion = re.compile(r"%(?:(\d+)\$)?([-+ 0,(]*)(\d{1,4})?(?:\.(\d{1,3}))?([a-zA-Z%])").match
_WIDE = Context(prec=400, rounding=ROUND_HALF_UP)


class FormatRefused(ValueError):
    """A format whose result is not known to be the same."""


@dataclass(frozen=True)
class Conversion:
    """One `%...`: which argument (from 0), and how it is printed."""

    argument: int
    flags: str
    width: int
    precision: int | None
    kind: str


@lru_cache(maxsize=1024)
def read_format(text: str) -> tuple[str | Conversion, ...]:
    """Texts and conversions. Raises FormatRefused."""
    parts: list[str | Conversion] = []
    at = ordinary = 0
    while at < len(text):
        if text[at] != "%":
            end = text.find("%", at)
            end = len(text) if end < 0 else end
            parts.append(text[at:end])
            at = end
            continue
        found = _conversion(text, at)
        if not found:
            raise FormatRefused(f"the format {text!r}")
        at = found.end()
        index, flags, width, precision, kind = found.groups()
        if kind in "%n":
            if index or flags or width or precision:
                raise FormatRefused(f"{found[0]} in the format {text!r}")
            parts.append("\n" if kind == "n" else "%")
            continue
        if index is None:
            ordinary += 1
        elif int(index) == 0:
            raise FormatRefused(f"{found[0]} in the format {text!r}")
        made = Conversion(
            int(index) - 1 if index else ordinary - 1,
            flags,
            int(width or 0),
            int(precision) if precision else None,
            kind,
        )
        _check(made, found[0])
        parts.append(made)
    return tuple(parts)


_FLAGS = {"s": "-", "b": "-", "d": "-+ 0,(", "x": "-0", "X": "-0", "f": "-+ 0,("}


def _check(made: Conversion, shown: str) -> None:
    flags = made.flags
    bad = (
        made.kind not in _FLAGS
        or any(f not in _FLAGS[made.kind] for f in flags)
        or len(set(flags)) != len(flags)
        or ("+" in flags and " " in flags)
        or ("-" in flags and "0" in flags)
        or (("-" in flags or "0" in flags) and not made.width)
        or (made.precision is not None and made.kind in "dxX")
    )
    if bad:
        raise FormatRefused(f"the conversion {shown}")


def takes(made: Conversion, kind: str) -> bool:
    """Whether a conversion is known for an argument of this Trino type."""
    if made.kind in "dxX":
        return kind in ("tinyint", "smallint", "integer", "bigint")
    if made.kind == "f":
        return kind in ("double", "decimal")
    if made.kind == "b":
        return kind == "boolean"
    return kind in ("varchar", "boolean", "tinyint", "smallint", "integer", "bigint", "double", "decimal", "date")


def justify(text: str, made: Conversion) -> str:
    """The text in its width, counted in UTF-16 units as Java counts."""
    missing = made.width - len(text) - sum(c > "\uffff" for c in text)
    return text + " " * missing if "-" in made.flags else " " * missing + text


def print_value(value: object, made: Conversion) -> str:
    """One argument, converted; NULL is printed as `null`."""
    if value is None:
        text = "false" if made.kind == "b" else "null"
        return justify(text[: made.precision], made)
    if made.kind in "sb":
        return justify(_cut(_plain(value), made.precision), made)
    if made.kind in "xX":
        assert isinstance(value, int)
        text = f"{value & (2**64 - 1):x}".rjust(made.width if "0" in made.flags else 0, "0")
        return justify(text.upper() if made.kind == "X" else text, made)
    if isinstance(value, float) and not abs(value) < float("inf"):
        return _not_finite(value, made)
    if made.kind == "d":
        assert isinstance(value, int)
        return _number(str(abs(value)), value < 0, made)
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    assert isinstance(exact, Decimal)
    digits = 6 if made.precision is None else made.precision
    rounded = format(abs(exact).quantize(Decimal(1).scaleb(-digits), context=_WIDE), "f")
    return _number(rounded, exact.is_signed() and (isinstance(value, float) or exact != 0), made)


def _cut(text: str, units: int | None) -> str:
    """The first UTF-16 units of a text; half a pair is printed as `?`."""
    if units is None or len(text) * 2 <= units:
        return text
    return as_text(text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "surrogatepass"))


def _not_finite(value: float, made: Conversion) -> str:
    sign = "-" if value < 0 else "+" if "+" in made.flags and value == value else ""
    text = "NaN" if value != value else sign + "Infinity"
    if "(" in made.flags and value < 0:
        text = "(Infinity)"
    elif " " in made.flags and value > 0:
        text = " Infinity"
    return justify(text, made)


def _number(digits: str, negative: bool, made: Conversion) -> str:
    flags = made.flags
    if "," in flags:
        whole, point, rest = digits.partition(".")
        digits = f"{int(whole):,}{point}{rest}"
    before = ("(" if "(" in flags else "-") if negative else "+" if "+" in flags else " " if " " in flags else ""
    after = ")" if before == "(" else ""
    if "0" in flags:
        digits = digits.rjust(made.width - len(before) - len(after), "0")
    return justify(before + digits + after, made)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return numbers.java_double(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)
