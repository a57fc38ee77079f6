"""Trino's JSON, value by value. Every expected value here is what Trino 476 answered over a column."""

from __future__ import annotations

import pytest

from agecli.engines.dialect.types import parse_type
from agecli.engines.runtime import json_cast, json_sql
from agecli.engines.runtime import json_functions as functions
from agecli.engines.runtime.errors import GuardError, TrinoError
from agecli.engines.runtime.json_path import PathRefused, steps

FAILS = object()
PARSED = [
    ('{"b":1,"a":{"d":1,"c":[1 , 2]}}', '{"a":{"c":[1,2],"d":1},"b":1}'),
    ('{"a":1,"a":2}', '{"a":2}'),
    ('{"a":1.50}', '{"a":1.5}'),
    ('{"a":1e2}', '{"a":100.0}'),
    ('{"a":1e400}', '{"a":"Infinity"}'),
    ('{"a":0.00099}', '{"a":9.9E-4}'),
    ('{"a":4.9e-324}', '{"a":4.9E-324}'),
    ('{"a":-0}', '{"a":0}'),
    ('{"a":123456789012345678901234567890}', '{"a":123456789012345678901234567890}'),
    (r'{"a":"\ud800"}', r'{"a":"\uD800"}'),
    (r'{"a":"\ud83d\ude00"}', r'{"a":"\uD83D\uDE00"}'),
    (r'{"a":"\/"}', '{"a":"/"}'),
    ("null ", "null"),
    ("[1,]", FAILS),
    ('{"a":NaN}', FAILS),
    ('{"a":01}', FAILS),
    ('\ufeff{"a":1}', FAILS),
    ('{"a":"x\ty"}', FAILS),
    ('{"a":1}}', FAILS),
    ("", FAILS),
]


@pytest.mark.parametrize(("text", "expected"), PARSED)
def test_json_parse_sorts_keys_and_prints_as_java(text: str, expected: object) -> None:
    if expected is FAILS:
        with pytest.raises(TrinoError):
            functions.json_parse(text)
    else:
        assert functions.json_parse(text) == expected


SCALARS = [
    ('{"a":1,"a":2}', "1"),
    ('{"a":1.50}', "1.50"),
    ('{"a":1} x', "1"),
    ('{"a":1,}', "1"),
    ('{"a":123', "123"),
    ('{"a":true', "true"),
    ('{"a":true$}', "true"),
    (r'{"a":"\ud800"}', "?"),
    (r'{"a":"\u0000"}', "\x00"),
    (r'{"\u0061":1}', "1"),
    ('{"a":{"b":{"c":1}},"a":5}', None),
    ('{"x":01,"a":1}', None),
    ('{"a":01}', None),
    ('{"a":5.}', None),
    ('{"a":truex}', None),
    ('{"a":"x', None),
    ('{"a":null}', None),
    ('{"A":1}', None),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS)
def test_json_extract_scalar_takes_the_first_match_and_looks_no_further(text: str, expected: str | None) -> None:
    assert functions.json_extract_scalar(text, "$.a") == expected


def test_json_functions_on_what_is_hardly_json() -> None:
    assert functions.json_array_length("[1]]") == 1
    assert functions.json_array_length("[1,2") is None
    assert functions.json_size('{"a":"x', "$.a") == 0  # a string is not read to learn that it is a scalar
    assert functions.json_size('{"a":{"b":1,"b":2}}', "$.a") == 2
    assert functions.json_array_get('[1,"two",{"b":1.50,"b":2}]', 1) == "two"
    assert functions.json_array_get('[1,"two",{"b":1.50,"b":2}]', -1) == '{"b":2}'
    assert functions.json_array_contains_text('["a",', "a") is True
    assert functions.json_array_contains_bigint("[1.0]", 1) is False
    with pytest.raises(GuardError):
        functions.json_array_get("[null]", -1)


CASTS = [
    ("array(varchar)", '[true,1,"x",1.5,null]', ["true", "1", "x", "1.5E0", None]),
    ("array(varchar)", "[[1]]", FAILS),
    ("array(integer)", '["1",1.5,true]', [1, 2, 1]),
    ("array(double)", "[-0,-0.0]", [0.0, -0.0]),
    ("array(json)", '[{"z":1,"b":2}]', ['{"z":1,"b":2}']),
    ("array(json)", '[{"k":1,"k":2}]', ['{"k":2}']),
    ("map(varchar, varchar)", '{"a":1,"a":2}', FAILS),
    ("map(bigint, bigint)", '{"1":1,"2":"3"}', [(1, 1), (2, 3)]),
    ("row(k varchar, s varchar)", '{"K":1,"z":[]}', {"k": "1", "s": None}),
    ("row(k varchar, s varchar)", '{"k":1,"K":2}', FAILS),
    ("row(k varchar, s varchar)", '["a","b"]', {"k": "a", "s": "b"}),
    ("bigint", "9223372036854775808", FAILS),
    ("boolean", "9223372036854775808", FAILS),
]


@pytest.mark.parametrize(("kind", "text", "expected"), CASTS)
def test_cast_from_json(kind: str, text: str, expected: object) -> None:
    cast = json_cast.caster(parse_type(kind))
    if expected is FAILS:
        with pytest.raises(TrinoError):
            cast(text)
    else:
        assert repr(cast(text)) == repr(expected)  # repr tells -0.0 from 0.0 and True from 1


def test_a_varchar_of_a_length_is_no_target_since_trino_forgets_the_length() -> None:
    assert not json_cast.castable(parse_type("array(varchar(2))"))
    assert not json_cast.castable(parse_type("date"))


def test_sql_json_reads_a_tree() -> None:
    assert json_sql.json_value('{"a":1,"a":2}', "lax $.a") == "2"
    assert json_sql.json_value('[{"a":1.50}]', "lax $.a") == "1.5E0"
    assert json_sql.json_value('[{"a":1}]', "strict $.a") is None
    assert json_sql.json_query("", "lax $") == "null"
    assert json_sql.json_query_wrapped('[{"k":1},{"k":null},{}]', "lax $[*].k") == "[1,null]"
    assert json_sql.json_exists("not json", "lax $.a") is False


def test_paths_outside_the_known_syntax_are_refused() -> None:
    assert steps('$.a["b c"][0]') == ("a", "b c", "0")
    for path in ("a", "$.*", "$..a", "$[-1]", "$.a[?(@.b)]", '$["a\\"b"]'):
        with pytest.raises(PathRefused):
            steps(path)
    for path in ("$.a", "lax $.a.size()", "lax $[0 to 1]", "lax $.a ? (@ > 1)"):
        with pytest.raises(PathRefused):
            json_sql.read_path(path)
