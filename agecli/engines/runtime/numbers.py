"""Java's and Trino's texts for numbers, and the numbers in texts.

Printing: Java's Double.toString (in JSON) and Trino's CAST(double AS varchar), which is always scientific. Both
print the shortest digits that read back, as Python's repr does. Reading: Trino's casts from varchar, which are
Java's parseLong, parseDouble and BigDecimal with Trino's own trimming.
"""

from __future__ import annotations

import math
import re
import struct
from decimal import ROUND_HALF_UP, Context, Decimal

from agecli.engines.runtime.errors import TrinoError

_PLAIN_LOW, _PLAIN_HIGH = 1e-3, 1e7


def _digits(value: float) -> tuple[bool, str, int]:
    """Sign, shortest digits, and the exponent of the first digit."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits))
    assert isinstance(exponent, int)
    return bool(sign), text.rstrip("0") or "0", exponent + len(text) - 1


def _scientific(value: float) -> str:
    negative, digits, exponent = _digits(value)
    return f"{'-' if negative else ''}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def java_double(value: float) -> str:
    """Double.toString: plain between 1e-3 and 1e7, scientific elsewhere."""
    if not math.isfinite(value):
        return _special(value)
    if value == 0 or not _PLAIN_LOW <= abs(value) < _PLAIN_HIGH:
        return repr(value) if value == 0 else _scientific(value)
    plain = repr(value)
    return plain if "e" not in plain else format(Decimal(plain), "f")


def double_text(value: float) -> str:
    """CAST(double AS varchar): `1.5E0`, `0E0`, `NaN`, `-Infinity`."""
    if not math.isfinite(value):
        return _special(value)
    if value == 0:
        return "-0E0" if math.copysign(1.0, value) < 0 else "0E0"
    return _scientific(value)


def real_text(value: float) -> str:
    """CAST(real AS varchar): the shortest digits that read back as the same 32-bit number."""
    if value == 0 or not math.isfinite(value):
        return double_text(value)
    for precision in range(1, 10):
        short = f"{value:.{precision - 1}e}"
        if to_real(float(short)) == value:
            return _scientific(float(short))
    return _scientific(value)


def to_real(value: float) -> float:
    """The nearest 32-bit number; infinity beyond its range."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


_integer = re.compile(r"[+-]?[0-9]+").fullmatch
_double = re.compile(r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?)").fullmatch
_decimal = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch
_JAVA_TRIMMED = "".join(map(chr, range(0x21)))


def integer_from_text(text: str, bits: int) -> int:
    """CAST(varchar AS tinyint .. bigint)."""
    if not _integer(text.strip(_JAVA_TRIMMED)):
        raise TrinoError(f"Cannot cast '{text}' to an integer")
    return in_range(int(text), bits)


def in_range(value: int, bits: int) -> int:
    """The value, where a signed integer of so many bits holds it."""
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise TrinoError(f"out of range: {value}")
    return value


def integer_from_double(value: float, bits: int) -> int:
    """CAST(double AS integer type): half away from zero (DoubleMath.roundToInt, HALF_UP)."""
    if not math.isfinite(value):
        raise TrinoError(f"Cannot cast {value} to an integer")
    whole = math.floor(abs(value))
    whole += abs(value) - whole >= 0.5
    return in_range(-whole if value < 0 else whole, bits)


def double_from_text(text: str) -> float:
    """CAST(varchar AS double): Java's parseDouble without its hexadecimal form."""
    stripped = text.strip(_JAVA_TRIMMED)
    if not _double(stripped):
        raise TrinoError(f"Cannot cast '{text}' to DOUBLE")
    return float(stripped if stripped.endswith(("N", "y")) else stripped.rstrip("fFdD"))


_WIDE = Context(prec=1000, rounding=ROUND_HALF_UP)


def decimal_from_text(text: str, precision: int, scale: int) -> Decimal:
    """CAST(varchar AS decimal(p,s)): BigDecimal's syntax, rounded half up, NULL never."""
    if not _decimal(text):
        raise TrinoError(f"Cannot cast '{text}' to DECIMAL({precision},{scale})")
    return round_decimal(Decimal(text), precision, scale)


def round_decimal(value: Decimal, precision: int, scale: int) -> Decimal:
    """The value at `scale` digits, half up; TrinoError where `precision` digits cannot hold it."""
    if value.adjusted() > precision + 1:
        raise TrinoError(f"out of range for DECIMAL({precision},{scale}): {value}")
    rounded = value.quantize(Decimal(1).scaleb(-scale), context=_WIDE)
    if abs(rounded) >= Decimal(10) ** (precision - scale):
        raise TrinoError(f"out of range for DECIMAL({precision},{scale}): {value}")
    return rounded


def boolean_from_text(text: str) -> bool:
    """CAST(varchar AS boolean): t, true, 1, f, false, 0 in any case."""
    folded = text.lower() if text.isascii() else text
    if folded in ("t", "true", "1"):
        return True
    if folded in ("f", "false", "0"):
        return False
    raise TrinoError(f"Cannot cast '{text}' to BOOLEAN")
