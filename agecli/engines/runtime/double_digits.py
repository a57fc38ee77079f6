"""The decimal digits that Java's DecimalFormat prints for a double, which is what CAST(double AS varchar) shows.

They are not always the shortest: DecimalFormat still uses the conversion of Java before 19 (`FloatingDecimal.dtoa`
in the JDK: Steele and White's free-format algorithm with estimates and short cuts of its own), whose digits from
about 2^53 on, and for some powers of ten, differ from what Python and DuckDB print. This follows it step by step.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

_FRACTION_BITS = 52
_HIDDEN_BIT = 1 << _FRACTION_BITS
_BIAS = 1023
_POWERS_OF_FIVE_IN_A_LONG = 27
_FIVE_BITS = tuple(math.ceil(i * math.log2(5)) if i else 0 for i in range(_POWERS_OF_FIVE_IN_A_LONG))


@dataclass(frozen=True)
class Digits:
    """0.DIGITS * 10^exponent; whether the last digit was rounded up, and whether the digits are the exact value."""

    text: str
    exponent: int
    rounded_up: bool = False
    exact: bool = False

    def rounded(self, count: int) -> Digits:
        """At most `count` digits, half even as java.text.DigitList does it."""
        if len(self.text) <= count:
            return self
        kept, dropped = int(self.text[:count]), self.text[count:]
        tie = dropped == "5"
        up = (not self.rounded_up and (not self.exact or kept % 2 == 1)) if tie else dropped > "5"
        text = str(kept + up)
        return Digits(text.rstrip("0"), self.exponent + (len(text) > count))


def digits_of(value: float) -> Digits:
    """Digits of a finite number other than zero; its sign is left out."""
    bits = struct.unpack("<Q", struct.pack("<d", abs(value)))[0]
    fraction, exponent = bits & (_HIDDEN_BIT - 1), bits >> _FRACTION_BITS
    if exponent:
        return _digits(exponent - _BIAS, fraction | _HIDDEN_BIT, _FRACTION_BITS + 1)
    shift = _FRACTION_BITS + 1 - fraction.bit_length()
    return _digits(1 - shift - _BIAS, fraction << shift, fraction.bit_length())


def _digits(exponent: int, fraction: int, significant_bits: int) -> Digits:
    tail = (fraction & -fraction).bit_length() - 1
    used = _FRACTION_BITS + 1 - tail
    tiny = max(0, used - exponent - 1)
    if tiny == 0 and exponent <= 62:
        shift = exponent - _FRACTION_BITS
        whole = fraction << shift if shift >= 0 else fraction >> -shift
        return _whole_digits(whole, exponent - significant_bits - 1)
    return _Division(exponent, fraction >> tail, used, tiny, significant_bits).run()


def _whole_digits(whole: int, uncertain_bits: int) -> Digits:
    """Digits of an integer of up to 63 bits, those that one unit in the last place cannot tell apart rounded off."""
    dropped = len(str(1 << uncertain_bits)) - 1 if uncertain_bits > 1 else 0
    if dropped:
        whole, rest = divmod(whole, 10**dropped)
        whole += rest >= 10**dropped // 2
    text = str(whole)
    return Digits(text.rstrip("0"), len(text) + dropped)


def _estimate(fraction: int, exponent: int) -> int:
    """floor(log10), or one more; a tangent to the logarithm, as in the original (its digits depend on it)."""
    mantissa = fraction / (1 << fraction.bit_length() - 1)
    return math.floor((mantissa - 1.5) * 0.289529654 + 0.176091259 + exponent * 0.301029995663981)


class _Division:
    """Long division of b by s, digit by digit, until the rest is below half a unit in the last place (m)."""

    def __init__(self, exponent: int, fraction: int, used: int, tiny: int, significant_bits: int) -> None:
        self.exponent = _estimate(fraction, exponent)
        b5, s5 = max(0, -self.exponent), max(0, self.exponent)
        b2, s2 = b5 + tiny + exponent, s5 + tiny
        m2 = b2 - significant_bits
        b2 -= used - 1
        common = min(b2, s2)
        b2, s2, m2 = b2 - common, s2 - common, m2 - common - (used == 1)
        if m2 < 0:
            b2, s2, m2 = b2 - m2, s2 - m2, 0
        self.small = used + b2 + _five_bits(b5) < 64 and s2 + 1 + _five_bits(s5 + 1) < 64
        self.b: int = fraction * 5**b5 << b2
        self.s: int = 5**s5 << s2
        self.m: int = 5**b5 << m2
        self.tens = self.s * 10
        self.low = self.high = False

    def _step(self) -> int:
        digit, rest = divmod(self.b, self.s)
        self.b, self.m = 10 * rest, 10 * self.m
        self.low = self.b < self.m
        # machine integers compare with >, big ones with >=; the digits depend on it
        self.high = self.b + self.m > self.tens if self.small else self.b + self.m >= self.tens
        return digit

    def run(self) -> Digits:
        digits: list[int] = []
        first = self._step()
        if first == 0 and not self.high:
            self.exponent -= 1
        else:
            digits.append(first)
        if self.exponent < -3 or self.exponent >= 8:
            self.low = self.high = False
        while not self.low and not self.high:
            digits.append(self._step())
        exact = self.b == 0
        up = self.high and (not self.low or self._above_half(digits[-1]))
        if up:
            self._round_up(digits)
        return Digits("".join(map(str, digits)).rstrip("0"), self.exponent + 1, up, exact)

    def _above_half(self, last: int) -> bool:
        difference = 2 * self.b - self.tens
        return difference > 0 or (difference == 0 and last % 2 == 1)

    def _round_up(self, digits: list[int]) -> None:
        at = len(digits) - 1
        while digits[at] == 9 and at > 0:
            digits[at] = 0
            at -= 1
        if digits[at] == 9:
            self.exponent += 1
            digits[at] = 1
        else:
            digits[at] += 1


def _five_bits(power: int) -> int:
    return _FIVE_BITS[power] if power < len(_FIVE_BITS) else power * 3
