"""Tests that tell plain JSON, on which DuckDB's JSON functions mean what Trino's do, from the rest.

Two kinds. Any shape: DuckDB says that it is JSON, and a search finds nothing that the two read or print
differently. Fixed shape (casts): one pattern that the whole text has to match. `tests/unit/test_runtime_plain.py`
holds both to the exact functions over mutated texts.
"""

from __future__ import annotations

from collections.abc import Sequence

from agecli.engines.dialect.native import finds, full_match

_W = r"[ \t\n\r]*"
_VALUE = rf"(?:^|[\[:,]){_W}"
# DuckDB takes `[1,]`, NaN and Infinity for JSON; numbers that it cannot hold or prints otherwise
_LOOSE = rf",{_W}[\]}}]|{_VALUE}(?:[-+]?[nNiI][aAnN]|-0|-?[0-9]{{16}}|-?[0-9]+(?:\.[0-9]*)?[eE]"
_ODD_FOR_SCALARS = _LOOSE + r"|-?[0-9]+\.(?:[0-9]{5}|[0-9]+0(?:[^0-9]|$))|-?[0-9]{9}[0-9]*\.)|\\u"
_ODD_FOR_TREES = _LOOSE + r"|-?[0-9]+\.)|\\u|[\x{10000}-\x{10FFFF}]"


def plain_for_scalars(value: str) -> str:
    """SQL: any scalar inside prints as it is written."""
    return f"json_valid({value}) AND NOT {finds(value, _ODD_FOR_SCALARS)}"


def plain_for_trees(value: str) -> str:
    """SQL: DuckDB's minified text is what Trino prints for any part of it."""
    return f"json_valid({value}) AND NOT {finds(value, _ODD_FOR_TREES)}"


def plain_items(value: str) -> str:
    """SQL: an array whose items DuckDB prints as Trino does, with no key twice in an object (Trino drops the first).

    As many braces as items that are objects: so no object is deeper, and no brace is in a string.
    """
    objects = f"len(list_filter(json_type({value}, '$[*]'), lambda kind: kind = 'OBJECT'))"
    unique = f"list_transform(json_keys({value}, '$[*]'), lambda keys: len(keys) = list_unique(keys))"
    flat = f"len(string_split({value}, '{{')) - 1 = {objects} AND coalesce(list_bool_and({unique}), true)"
    # CASE and not AND, whose order is not promised: json_type of what is not JSON is an error
    array = f"json_type({value}) = 'ARRAY' AND (NOT contains({value}, '{{') OR ({flat}))"
    return f"CASE WHEN {plain_for_trees(value)} THEN {array} ELSE false END"


_STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*"'
_FLAT_STRING = r'"[^"\\{}\x00-\x1f]*"'
_INTEGER = r"(?:0|-?[1-9][0-9]{0,17})"
_KEY = r'"[a-z_][a-z0-9_]*"'


def _list_of(item: str, opened: str = r"\[", closed: str = r"\]") -> str:
    return rf"{_W}{opened}{_W}(?:{item}{_W}(?:,{_W}{item}{_W})*)?{closed}{_W}"


_ITEMS = {
    "varchar": rf"(?:{_STRING}|null|true|false|{_INTEGER})",
    "bigint": r"(?:0|-?[1-9][0-9]{0,17}|null)",
    "integer": r"(?:0|-?[1-9][0-9]{0,8}|null)",
    "double": r"(?:0|-?[1-9][0-9]{0,14}|-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6}|null)",
    "boolean": r"(?:true|false|null)",
}
SCALARS = frozenset(_ITEMS)


def plain_array(value: str, element: str) -> str:
    """SQL: an array of scalars that all cast to this type."""
    return full_match(value, _list_of(_ITEMS[element]))


def plain_objects(value: str, fields: Sequence[tuple[str, str]], many: bool) -> str:
    """SQL: an object (or an array of objects) of scalars, keys in lower case, no wanted key twice in an object.

    `fields` are names in lower case and the types that they cast to. Strings have no braces, so that what stands
    between two braces is one object.
    """
    kinds = {kind for _, kind in fields}
    item = rf"(?:{_FLAT_STRING}|null|true|false|{_INTEGER})"
    object_ = rf"\{{{_W}(?:{_KEY}{_W}:{_W}{item}{_W}(?:,{_W}{_KEY}{_W}:{_W}{item}{_W})*)?\}}"
    shape = full_match(value, _list_of(object_) if many else f"{_W}{object_}{_W}")
    if kinds != {"varchar"}:
        for name, kind in fields:
            if kind != "varchar":
                wrong = rf'"{name}"{_W}:{_W}(?:{_WRONG[kind]})'
                shape += f" AND NOT {finds(value, wrong)}"
    twice = "|".join(rf'"{name}"{_W}:[^{{}}]*"{name}"{_W}:' for name, _ in fields)
    return f"{shape} AND NOT {finds(value, twice)}"


_WRONG = {
    "bigint": r'["tf]',
    "integer": r'["tf]|-?[0-9]{10}',
    "double": r'["tf]|-?[0-9]{16}',
    "boolean": r'["0-9-]',
}
