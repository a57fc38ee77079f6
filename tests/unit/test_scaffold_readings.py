"""How texts are read: decided from values, written down as SQL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.scaffold import readings


def reading(*values: str, delimiter: str = ",") -> readings.Reading:
    return readings.read(dict.fromkeys(values, 1), delimiter)


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        (("1", "2.5", "-3e4"), "number", "number"),
        (("1,234", "5", "1,234,567.8"), "number", "number, 1,234 = 1234"),
        (("1,5", "12,75", "3"), "number", "number with a decimal comma, 1,5 = 1.5"),
        (("$1,200.50", "$3"), "number", "number, without $ ,"),
        (("12%", "3.5%"), "number", "number, without % ,; 12% = 12"),
        (("80 kg", "75.5 kg"), "number", "number before 'kg'"),
        (("500+", "17", "0+"), "number", "number before '+'"),
        (("yes", "No"), "flag", "yes = 1, no = 0"),
        (("TRUE", "false"), "flag", "true = 1, false = 0"),
        (("2024-01-31", "1999-12-01"), "date", "date"),
        (("2024-01-31T10:00:00Z", "1999-12-01 23:59"), "date", "date of a date and time"),
        (("2024-01", "1999-12"), "date", "month, as its first day"),
        (("2024", "1999-12", "1999-12-05"), "date", "date, month or year; what is missing is filled with the middle"),
        (("12/31/2024", "1/2/2023"), "date", "date, month/day/year"),
        (("31/12/2024", "1/2/2023"), "date", "date, day/month/year"),
        (("31.12.2024", "1.2.2023"), "date", "date, day.month.year"),
        (("Jun 12 1998", "Jan 1 2000"), "date", "date, as in Jan 31 2024"),
        (("20240131", "19991231"), "date", "date, as in 20240131"),
        (("[1, 2]", "[]", '[{"a": 1}]'), "json", "JSON"),
        (('{"a": 1}', '{"a": 2}', "{bad"), "json", "JSON"),
        (("red", "green"), "text", "text"),
        (("00501", "10001"), "text", "text"),
        (("1990", "2001"), "number", "number"),
        (("NA", "n/a"), "text", "text"),
        (("NA", "7", "?"), "number", "number"),
    ],
)
def test_a_column_of_these_texts_is_read_as(values: tuple[str, ...], kind: str, words: str) -> None:
    found = reading(*values)
    assert (found.kind, found.words) == (kind, words)


def test_a_date_that_can_be_read_both_ways_says_so() -> None:
    assert "day first is possible" in reading("1/2/2023", "3/4/2023").words


def test_thousands_and_decimal_commas_are_told_apart_by_the_delimiter() -> None:
    assert reading("1,234", "5,678").words == "number, 1,234 = 1234"
    assert "decimal comma" in reading("1,234", "5,678", delimiter=";").words


def test_a_few_misfits_do_not_change_the_reading() -> None:
    values = {str(number): 1 for number in range(99)} | {"about ten": 1}
    assert readings.read(values).kind == "number"
    assert readings.read(values | {"ten": 1, "nine": 1}).kind == "text"


@given(st.lists(st.text(min_size=1).map(str.strip).filter(bool), min_size=1))
def test_any_texts_have_a_reading(values: list[str]) -> None:
    assert reading(*values).kind in ("number", "flag", "date", "json", "text")
