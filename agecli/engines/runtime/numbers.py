"""Java's and Trino's texts for numbers, and the numbers in texts.

Printing: Java's Double.toString (in JSON) and Trino's CAST(double AS varchar), which is always scientific. Both
print the shortest digits that read back, as Python's repr does. Reading: Trino's casts from varchar, which are
Java's parseLong, parseDouble and BigDecimal with Trino's own trimming.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np
import pyarrow as pa

from agecli.engines.runtime.double_digits import Digits, digits_of
from agecli.engines.runtime.errors import TrinoError

_PLAIN_LOW, _PLAIN_HIGH = 1e-3, 1e7


def to_the_nearest(function: np.ufunc) -> Callable[[pa.Array], pa.Array]:
    """A function of doubles over an Arrow column, computed in more digits than a double has and then rounded."""

    def nearest(column: pa.Array) -> pa.Array:
        missing = column.is_null().to_numpy(zero_copy_only=False)
        values = column.to_numpy(zero_copy_only=False).astype(np.longdouble)
        with np.errstate(all="ignore"):
            return pa.array(function(values).astype(np.float64), pa.float64(), mask=missing)

    return nearest


def _shortest(value: float) -> str:
    """Java's scientific form with the shortest digits, but the best two where one would do (4.9E-324)."""
    mantissa, _, exponent = repr(value).partition("e")
    sign, digits, scale = Decimal(mantissa).as_tuple()
    text = "".join(map(str, digits)).lstrip("0").rstrip("0")
    if len(text) == 1:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{mantissa}E{int(exponent)}"
    assert isinstance(scale, int)
    point = Decimal(mantissa).adjusted() + int(exponent or 0)
    return f"{'-' if sign else ''}{text[0]}.{text[1:]}E{point}"


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def java_double(value: float) -> str:
    """Double.toString: plain between 1e-3 and 1e7, scientific elsewhere."""
    if not math.isfinite(value):
        return _special(value)
    if value == 0 or not _PLAIN_LOW <= abs(value) < _PLAIN_HIGH:
        return repr(value) if value == 0 else _shortest(value)
    plain = repr(value)
    return plain if "e" not in plain else format(Decimal(plain), "f")


def double_text(value: float) -> str:
    """CAST(double AS varchar): `1.5E0`, `0E0`, `NaN`, `-Infinity`."""
    if not math.isfinite(value):
        return _special(value)
    if value == 0:
        return "-0E0" if math.copysign(1.0, value) < 0 else "0E0"
    return _scientific(value < 0, digits_of(value))


def _scientific(negative: bool, digits: Digits) -> str:
    return f"{'-' if negative else ''}{digits.text[0]}.{digits.text[1:] or '0'}E{digits.exponent - 1}"


def real_digits(value: float) -> str:
    """The shortest decimal that stands for a 32-bit number, in plain or scientific notation."""
    return str(np.float32(value))


def real_text(value: float) -> str:
    """CAST(real AS varchar): Float.toString, read as a double, printed with at most seven digits."""
    if value == 0 or not math.isfinite(value):
        return double_text(value)
    return _scientific(value < 0, digits_of(_shortest_real(value)).rounded(7))


def _shortest_real(value: float) -> float:
    text = np.format_float_scientific(np.float32(value), unique=True, trim="-")
    return float(text if len(text.lstrip("-").partition("e")[0]) > 1 else f"{value:.1e}")


def to_real(value: float) -> float:
    """The nearest 32-bit number; infinity beyond its range."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def java_real(value: float) -> str:
    """Float.toString."""
    return java_double(_shortest_real(value)) if value and math.isfinite(value) else java_double(value)


_DIGIT = r"(?:(?![\U00010000-\U0010ffff])\d)"
_integer = re.compile(rf"[+-]?{_DIGIT}+").fullmatch
_number = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_double = re.compile(rf"[+-]?(?:NaN|Infinity|{_number}[fFdD]?)").fullmatch
_hexadecimal = re.compile(r"([+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?").fullmatch
_decimal = re.compile(rf"[+-]?(?:{_DIGIT}+\.?{_DIGIT}*|\.{_DIGIT}+)(?:[eE][+-]?{_DIGIT}+)?").fullmatch
_JAVA_TRIMMED = "".join(map(chr, range(0x21)))


def integer_from_text(text: str, bits: int) -> int:
    """CAST(varchar AS tinyint .. bigint)."""
    stripped = text.strip(_JAVA_TRIMMED)
    if not _integer(stripped) or len(stripped) > 4000:
        raise TrinoError(f"Cannot cast '{text}' to an integer")
    return in_range(int(stripped), bits)


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
    """CAST(varchar AS double): Java's parseDouble, its hexadecimal form included."""
    stripped = text.strip(_JAVA_TRIMMED)
    if _double(stripped):
        return float(stripped if stripped.endswith(("N", "y")) else stripped.rstrip("fFdD"))
    hexadecimal = _hexadecimal(stripped)
    if not hexadecimal:
        raise TrinoError(f"Cannot cast '{text}' to DOUBLE")
    try:
        return float.fromhex(hexadecimal[1])
    except OverflowError:
        return math.copysign(math.inf, -1.0 if stripped.startswith("-") else 1.0)


def real_from_text(text: str) -> float:
    """CAST(varchar AS real): rounded once, from the text and not from the double nearest to it."""
    double = double_from_text(text)
    real = to_real(double)
    if real == double or not math.isfinite(real) or _hexadecimal(text.strip(_JAVA_TRIMMED)):
        return real
    with np.errstate(all="ignore"):
        other = float(np.nextafter(np.float32(real), np.float32(math.copysign(math.inf, double - real))))
    if double - real != other - double:
        return real
    exact, tie = Decimal(text.strip(_JAVA_TRIMMED).rstrip("fFdD")), Decimal(double)
    return real if exact == tie else max(real, other) if exact > tie else min(real, other)


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
    if rounded.copy_abs() >= Decimal(10) ** (precision - scale):
        raise TrinoError(f"out of range for DECIMAL({precision},{scale}): {value}")
    return rounded if rounded else rounded.copy_abs()


def boolean_from_text(text: str) -> bool:
    """CAST(varchar AS boolean): t, true, 1, f, false, 0 in any case."""
    folded = text.lower() if text.isascii() else text
    if folded in ("t", "true", "1"):
        return True
    if folded in ("f", "false", "0"):
        return False
    raise TrinoError(f"Cannot cast '{text}' to BOOLEAN")
