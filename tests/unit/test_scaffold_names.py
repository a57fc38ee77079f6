"""Names that come out of a stranger's file can stand in SQL, in TOML and in comments."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.recipe import IDENTIFIER
from agecli.scaffold import render
from agecli.scaffold.names import RESERVED, Names, comment, quoted, safe


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Miles per Gallon", "miles_per_gallon"),
        ("PassengerId", "passenger_id"),
        ("order", "order_"),
        ("Höhe (cm)", "hohe_cm"),
        ("2nd", "n2nd"),
        ("", "field"),
        ("価格", "field"),
    ],
)
def test_a_safe_name_stays_close(name: str, wanted: str) -> None:
    assert safe(name) == wanted


@given(st.text())
def test_every_name_becomes_safe(name: str) -> None:
    assert IDENTIFIER.match(safe(name))
    assert safe(name) not in RESERVED


@given(st.lists(st.text(max_size=5), max_size=30))
def test_no_name_is_handed_out_twice(wanted: list[str]) -> None:
    taken = Names()
    given_out = [taken.take(name) for name in wanted]
    assert len({*given_out, "id", "known_label", "label_source"}) == len(given_out) + 3


def test_columns_are_quoted_only_where_they_have_to_be() -> None:
    assert quoted("Age") == "Age"
    assert quoted("Order") == '"Order"'
    assert quoted('say "hi"') == '"say ""hi"""'


@given(st.text())
def test_a_comment_stays_on_its_line_and_holds_no_placeholder(text: str) -> None:
    assert len(comment(text).splitlines()) <= 1
    assert "${" not in comment(text)


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_toml_gives_back_what_was_written(name: str, value: str) -> None:
    assert tomllib.loads(f"{render.key(name)} = {render.text(value)}") == {name: value}
