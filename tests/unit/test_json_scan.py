"""The compiled scanner of JSON columns against the exact functions: the same cells, whatever the text."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agecli.engines.dialect.types import parse_type
from agecli.engines.runtime import compiled, json_cast, json_functions, json_scan
from agecli.engines.runtime.arrow import arrow_type, over_columns
from agecli.engines.runtime.errors import TrinoError

if not compiled.enabled():
    pytest.skip("the extension was not built: there is no C compiler", allow_module_level=True)

TYPES = (
    "array(row(degree varchar, end_date varchar))",
    "array(row(a bigint, b boolean, c varchar))",
    "row(a varchar, b bigint)",
    "array(varchar)",
    "array(bigint)",
    "array(boolean)",
)
KEYS = ("a", "b", "c", "degree", "end_date", "A", "Degree", "é", "", "x")
WORDS = ("", "BSc", "2019-05", 'say "so"', "\\", "é大", "\U0001f600", "\u0001", "{}", "[", "12", "true", "\ud83d\ude00")
SPELLED = (  # keys of few bytes and of many, with all that may come before the value
    '"a":', '"b":', '"c":', '"A":', '"a" :', '"b": ', '"end_date":', '"end_date"\t:', '"End_Date":', '"end_datf":',
    '"degree":', '"degree2":', '"\\u0061":', '"sixteen-chars-":', '"seventeen-chars-":', '"seventeen-chars+":', '"é":',
    '"":', '"a"', "'a':",
)  # fmt: skip
ODD_TEXTS = (
    "",
    " ",
    "null",
    "[]",
    "{}",
    "[null]",
    "[[]]",
    "[1,]",
    "[1",
    "[01]",
    "[-0]",
    "[1.5]",
    "[1e3]",
    "[NaN]",
    "[-]",
    "[tru]",
    '["\\ud800"]',
    '["\\ud83d\\ude00"]',
    '["\\u0000"]',
    '["\\x"]',
    '["\\u12"]',
    '["a\nb"]',
    '[{"a":1}]x',
    '[{"a":1,"A":2}]',
    '[{"\\u0061":"1"}]',
    '[{"A":"1"}]',
    '[{"a":{}}]',
    '[{"x":[1,{"y":[]}]}]',
    '[{"a" "b"}]',
    '[{"a":1,}]',
    "[{,}]",
    "[,]",
    '{"a":"1","b":2}',
    '{"a":null}',
    '{"b":9223372036854775807}',
    '{"b":999999999999999999}',
    '{"b":-5}',
    '{"b":"7"}',
    "[" * 300 + "]" * 300,
    '[{"x":' + "[" * 300 + "]" * 300 + "}]",
    '[{"a":"' + "x" * 5000 + '"}]',
    "﻿[]",
    '["plain text of more than eight bytes","\\"quoted\\" text of more than eight bytes"]',
    "[object Object]",
    '"[]"',
    "5",
    '[{"a":true,"b":true,"c":true},{"c":12},{"c":-12},{"c":1.0}]',
    '{"a":"\x7f"}',
    "[1] and more",
    "[] ]",
    "\u00a0[]",
)

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(WORDS), st.text(max_size=12),
)  # fmt: skip
objects = st.dictionaries(st.sampled_from(KEYS), st.one_of(scalars, st.lists(scalars, max_size=2)), max_size=4)
values = st.one_of(st.lists(st.one_of(objects, st.none(), scalars), max_size=4), objects, scalars)


@st.composite
def texts(draw: st.DrawFn) -> str | None:
    """JSON in one of its spellings, at times cut short or with a character exchanged; at times nothing."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.one_of(st.none(), st.sampled_from(ODD_TEXTS)))
    text = json.dumps(
        draw(values), ensure_ascii=draw(st.booleans()), separators=draw(st.sampled_from([(",", ":"), (" , ", " :\t")]))
    )
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from(["", *'[]{}",:\\ n0u', "\n", "\\u00e9", "é"]))
            + text[at + draw(st.integers(0, 2)) :]
        )
    return text.encode("utf-8", "replace").decode()


def outcome(function: Any, column: pa.Array) -> Any:
    """The values, or the kind of error."""
    try:
        return function(column).to_pylist()
    except TrinoError as error:
        return type(error)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("quiet", [True, False])
@settings(max_examples=150, deadline=None)
@given(column=st.lists(texts(), max_size=6), sliced=st.integers(0, 2))
def test_a_cast_gives_the_same_cells_as_the_exact_function(
    name: str, quiet: bool, column: list[str | None], sliced: int
) -> None:
    kind = parse_type(name)
    exact = json_cast.caster(kind)
    scanned = json_scan.caster(kind, exact, quiet=quiet)
    assert scanned is not None
    array = pa.array(column, pa.string()).slice(sliced)
    found = outcome(scanned, array)
    assert found == outcome(over_columns(lambda text: exact(text), arrow_type(kind), quiet=quiet), array)


@pytest.mark.parametrize("name", TYPES)
def test_texts_that_try_the_grammar_give_the_same_cells(name: str) -> None:
    kind = parse_type(name)
    exact = json_cast.caster(kind)
    scanned = json_scan.caster(kind, exact, quiet=True)
    assert scanned is not None
    column = pa.array(ODD_TEXTS, pa.string())
    found = scanned(column)
    found.validate(full=True)
    assert found.to_pylist() == over_columns(lambda text: exact(text), arrow_type(kind), quiet=True)(column).to_pylist()


@st.composite
def alike(draw: st.DrawFn) -> list[str]:
    """Arrays of objects that mostly have the same keys in the same order, here and there spelled in another way."""
    usual = draw(st.lists(st.sampled_from(SPELLED), min_size=1, max_size=20))
    found = []
    for _ in range(draw(st.integers(1, 8))):
        keys = [draw(st.sampled_from(SPELLED)) if draw(st.integers(0, 9)) == 0 else key for key in usual]
        keys = keys[: draw(st.integers(0, len(keys)))] if draw(st.integers(0, 4)) == 0 else keys
        values = [draw(st.sampled_from(['"x"', "1", "null", "true", "[]", '"']) if key[-1] == ":" else st.just("1"))
                  for key in keys]  # fmt: skip
        found.append("{" + ",".join(map("".join, zip(keys, values, strict=True))) + "}")
    cut = draw(st.integers(0, len(found)))
    return [f"[{','.join(found[:cut])}]", f"[{','.join(found[cut:])}]"]


@pytest.mark.parametrize("name", [name for name in TYPES if "row" in name])
@settings(max_examples=200, deadline=None)
@given(column=alike())
def test_keys_are_told_apart_where_they_stand_as_in_the_object_before(name: str, column: list[str]) -> None:
    kind = parse_type(name)
    exact = json_cast.caster(kind)
    scanned = json_scan.caster(kind, exact, quiet=True)
    assert scanned is not None
    array = pa.array(column, pa.string())
    expected = over_columns(lambda text: exact(text), arrow_type(kind), quiet=True)(array)
    assert scanned(array).to_pylist() == expected.to_pylist()


@settings(max_examples=300, deadline=None)
@given(column=st.lists(texts(), max_size=6), sliced=st.integers(0, 2))
def test_lengths_are_those_of_the_exact_function(column: list[str | None], sliced: int) -> None:
    exact = json_functions.json_array_length
    array = pa.array([*column, *ODD_TEXTS], pa.string()).slice(sliced)
    found = json_scan.lengths(exact)(array)
    assert found.to_pylist() == [None if text is None else exact(text) for text in array.to_pylist()]


def test_shapes_that_the_scanner_does_not_know_are_left_to_the_engine() -> None:
    for name in (
        "array(double)",
        "map(varchar, varchar)",
        "array(row(a array(varchar)))",
        "varchar",
        "row(a decimal(5,2))",
    ):
        kind = parse_type(name)
        assert json_scan.caster(kind, json_cast.caster(kind), quiet=True) is None


def test_buffers_that_do_not_fit_are_refused() -> None:
    from agecli.engines.runtime import _scan

    offsets = pa.array([0, 100], pa.int32()).buffers()[1]
    with pytest.raises(ValueError, match="do not fit"):
        _scan.lengths(offsets, b"[]", None, 0, 1)
    with pytest.raises(ValueError, match="do not fit"):
        _scan.lengths(offsets, b"[]", None, 0, 50)
    with pytest.raises(ValueError, match="names and kinds"):
        _scan.read(offsets, b"[]" * 50, None, 0, 1, (), "", True, False, True, ())
