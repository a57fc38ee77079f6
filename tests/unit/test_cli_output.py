"""The one renderer of listings."""

from __future__ import annotations

import csv
import io
import json
import sys
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.cli.output import emit, named, plain, tabular

ROWS = [{"name": "Zoë", "rows": 12, "note": None}, {"name": "a|b", "rows": 3, "note": "two\nlines"}]
COLUMNS = ("name", "rows", "note")


def test_a_table_keeps_a_row_on_a_line_and_numbers_to_the_right(capsys):
    emit(ROWS, COLUMNS, "table")
    assert capsys.readouterr().out.splitlines() == [
        "name      rows  note",
        "------  ------  ----------",
        "Zoë         12",
        "a|b          3  two\\nlines",
    ]


def test_markdown_escapes_its_own_signs(capsys):
    emit(ROWS, COLUMNS, "markdown")
    assert "a\\|b" in capsys.readouterr().out


def test_csv_reads_back(capsys):
    emit(ROWS, COLUMNS, "csv")
    back = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert back == [
        {"name": "Zoë", "rows": "12", "note": ""},
        {"name": "a|b", "rows": "3", "note": "two\nlines"},
    ]


def test_json_reads_back_as_what_it_was(capsys):
    emit(ROWS, COLUMNS, "json")
    assert json.loads(capsys.readouterr().out) == ROWS


def test_numbers_that_json_has_none_for_have_their_names(capsys):
    row = {"a": float("inf"), "b": [float("nan"), None], "c": -float("inf"), "d": 0.5}
    assert named(row) == {"a": "Infinity", "b": ["NaN", None], "c": "-Infinity", "d": 0.5}
    emit([row], list(row), "csv")
    assert capsys.readouterr().out.splitlines()[1] == 'Infinity,"[""NaN"", null]",-Infinity,0.5'


@pytest.mark.parametrize("form", ["json", "csv"])
def test_data_is_utf8_whatever_the_terminal_knows(monkeypatch, form):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1", errors="backslashreplace"))
    emit([{"name": "é 😀 海"}], ["name"], form)
    sys.stdout.flush()
    text = raw.getvalue().decode()
    assert json.loads(text) == [{"name": "é 😀 海"}] if form == "json" else text == "name\né 😀 海\n"


@pytest.mark.parametrize(("form", "said"), [("json", "[]\n"), ("csv", "name,rows,note\n")])
def test_no_rows_are_still_a_whole_listing(capsys, form, said):
    emit([], COLUMNS, form)
    assert capsys.readouterr().out == said


def test_rows_are_taken_one_at_a_time_for_json_and_csv(capsys):
    def rows():
        yield {"n": 1}
        raise StopAsyncIteration

    for form in ("json", "csv"):
        with pytest.raises(StopAsyncIteration):
            emit(rows(), ("n",), form)
        assert "1" in capsys.readouterr().out


def test_text_cannot_steer_the_terminal():
    assert "\x1b" not in tabular([{"name": "\x1b[2J\x9b1m"}], ("name",))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("0.1"), 0.1),
        (Decimal("12345678901234567890.5"), "12345678901234567890.5"),
        (date(2026, 9, 30), "2026-09-30"),
        (datetime(2026, 9, 30, 1, 2, 3), "2026-09-30 01:02:03"),
        (b"\x00\xff", "00 ff"),
        ([1, {"a": b"x"}], [1, {"a": "78"}]),
        (True, True),
    ],
)
def test_values_that_json_lacks_have_a_form(value, told):
    assert plain(value) == told


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers() | st.decimals(allow_nan=False),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_every_plain_value_is_strict_json(value):
    json.dumps(plain(value), allow_nan=False)
