"""Numbers and texts as Java reads and prints them. Expected values are Trino 476's answers."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.engines.runtime import formatting, numbers
from agecli.engines.runtime.errors import TrinoError

DOUBLES = [
    (5e-324, "4.9E-324"),
    (1e23, "9.999999999999999E22"),
    (2e23, "1.9999999999999998E23"),
    (1.152921504606847e18, "1.15292150460684698E18"),
    (8.41e21, "8.409999999999999E21"),
    (4.289305879150052e18, "4.2893058791500518E18"),
    (0.1, "1.0E-1"),
    (1 / 3, "3.333333333333333E-1"),
    (123456.789, "1.23456789E5"),
    (0.0, "0E0"),
    (-0.0, "-0E0"),
    (math.inf, "Infinity"),
    (math.nan, "NaN"),
]
REALS = [
    (4.1140345274470747e-05, "4.114034E-5"),
    (5.361148453221452e26, "5.361149E26"),
    (83635176.0, "8.363518E7"),
    (0.10000000149011612, "1.0E-1"),
]


@pytest.mark.parametrize(("value", "text"), DOUBLES)
def test_cast_of_a_double_prints_the_digits_of_decimal_format(value: float, text: str) -> None:
    assert numbers.double_text(value) == text


@pytest.mark.parametrize(("value", "text"), REALS)
def test_cast_of_a_real_prints_seven_digits(value: float, text: str) -> None:
    assert numbers.real_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_digits_read_back_as_the_same_double(value: float) -> None:
    assert float(numbers.double_text(value)) == value
    assert float(numbers.java_double(value)) == value


def test_integers_from_text_are_trimmed_and_may_be_of_any_script() -> None:
    assert [numbers.integer_from_text(t, 32) for t in (" 12 ", "+7", "\x1f5", "00012", "٣", "１２")] == [
        12,
        7,
        5,
        12,
        3,
        12,
    ]
    for text in ("", "1e3", "0x10", "1_000", "5\u00a0", "--1", "2147483648"):
        with pytest.raises(TrinoError):
            numbers.integer_from_text(text, 32)


def test_doubles_from_text_are_java_literals() -> None:
    known = {
        "1f": 1.0,
        "1.5D": 1.5,
        "5.": 5.0,
        ".5": 0.5,
        " 12 ": 12.0,
        "0x1p3": 8.0,
        "1e400": math.inf,
        "-Infinity": -math.inf,
    }
    for text, value in known.items():
        assert numbers.double_from_text(text) == value
    for text in ("nan", "inf", "1_000", "1e", "", "5\u00a0", "Infinityf", "1L"):
        with pytest.raises(TrinoError):
            numbers.double_from_text(text)


def test_a_real_is_rounded_once_from_its_text() -> None:
    tie_in_double = "1.00000017881393432617187499"
    assert numbers.real_from_text(tie_in_double) < numbers.real_from_text("1.00000017881393432617187501")


def test_decimals_from_text_round_half_up() -> None:
    assert numbers.decimal_from_text("1.005", 12, 2) == Decimal("1.01")
    assert numbers.decimal_from_text("1e2", 12, 2) == Decimal("100.00")
    for text in (" 12 ", "9999999999.995", "NaN", "1f"):
        with pytest.raises(TrinoError):
            numbers.decimal_from_text(text, 12, 2)


def printed(template: str, *values: object) -> str:
    parts = formatting.read_format(template)
    return "".join(p if isinstance(p, str) else formatting.print_value(values[p.argument], p) for p in parts)


def test_format_prints_as_java() -> None:
    assert printed("%05d|%,d|%(d|%x", 42, -1234567, -3, -1) == "00042|-1,234,567|(3)|ffffffffffffffff"
    assert printed("%.2f|%.0f|%010.2f|%,.1f", 1.005, 2.5, -2.675, 1234567.85) == "1.01|3|-000002.68|1,234,567.9"
    assert printed("%2$s %1$s %%", "a", "b") == "b a %"
    assert printed("%s|%.2f|%5.1s", None, None, "😀😀") == "null|nu|    ?"


def test_formats_not_known_are_refused() -> None:
    for template in ("%e", "%", "%-d", "%+ d", "%tY", "%S", "%.2d", "%0$s"):
        with pytest.raises(formatting.FormatRefused):
            formatting.read_format(template)
