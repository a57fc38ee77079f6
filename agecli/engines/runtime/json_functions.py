"""Trino's JSON functions over text, one value at a time; what is not JSON gives NULL where Trino gives NULL.

JSON paths arrive already split into steps (`json_path.steps`).
"""

from __future__ import annotations

import math
from typing import Any

from agecli.engines.runtime import json_text
from agecli.engines.runtime.errors import GuardError, TrinoError
from agecli.engines.runtime.json_path import steps
from agecli.engines.runtime.json_text import ABSENT, Number, Object, as_text


def json_parse(text: str) -> str:
    """The text as canonical JSON: keys sorted, the last of repeated ones kept, doubles as Java prints them."""
    return json_text.write(json_text.parse(text), ordered=True)


def _found(text: str, path: str, *, lazy: bool = False) -> Any:
    try:
        return json_text.find(text, steps(path), lazy=lazy)
    except TrinoError:
        return ABSENT


def json_extract_scalar(text: str, path: str) -> str | None:
    """The scalar at `path` as text: numbers as written; None for null, objects, arrays, and nothing."""
    value = _found(text, path)
    if value is ABSENT or value is None or isinstance(value, (list, dict)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return as_text(value)


def json_extract(text: str, path: str) -> str | None:
    """The value at `path` as JSON, members in the order written."""
    value = _found(text, path)
    return None if value is ABSENT else json_text.write(value, ordered=False)


def json_size(text: str, path: str) -> int | None:
    """Members or items of what is at `path`, repeated keys counted each time; 0 for a scalar."""
    value = _found(text, path, lazy=True)
    if value is ABSENT:
        return None
    if isinstance(value, Object):
        return len(value.pairs)
    return len(value) if isinstance(value, list) else 0


def _array(text: str) -> list[Any] | None:
    try:
        value = json_text.root(text)
    except TrinoError:
        return None
    return value if isinstance(value, list) else None


def json_array_length(text: str) -> int | None:
    """Items of the array that the text begins with."""
    value = _array(text)
    return None if value is None else len(value)


def json_array_get(text: str, index: int) -> str | None:
    """Item `index` (from the end where negative), in Trino's documented odd form: strings come without quotes."""
    if index >= 0:
        try:
            value = json_text.find(text, [str(index)]) if text.lstrip(" \t\n\r")[:1] == "[" else ABSENT
        except TrinoError:
            return None
    else:
        items = _array(text)
        value = items[index] if items is not None and -index <= len(items) else ABSENT
        if value is None:
            raise GuardError("json_array_get with a negative index that finds null: an internal error in Trino")
    if value is ABSENT or value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return as_text(value) if isinstance(value, str) else json_text.write_tree(value)


def json_array_contains_text(text: str, wanted: str) -> bool | None:
    """Whether the array holds this string."""
    return _contains(text, lambda v: isinstance(v, str) and not isinstance(v, Number) and v == wanted)


def json_array_contains_bigint(text: str, wanted: int) -> bool | None:
    """Whether the array holds this integer (beyond 64 bits never)."""
    return _contains(text, lambda v: isinstance(v, Number) and v.is_integer and int(v) == wanted)


def json_array_contains_double(text: str, wanted: float) -> bool | None:
    """Whether the array holds this number, written with a point or exponent."""
    return _contains(
        text,
        lambda v: isinstance(v, Number) and not v.is_integer and float(v) == wanted and math.isfinite(float(v)),
    )


def json_array_contains_boolean(text: str, wanted: bool) -> bool | None:
    """Whether the array holds this boolean."""
    return _contains(text, lambda v: v is wanted)


def _contains(text: str, match: Any) -> bool | None:
    """Items are looked at one by one, so that what follows the first match may be malformed."""
    at = len(text) - len(text.lstrip(" \t\n\r"))
    if text[at : at + 1] != "[":
        return None
    index = 0
    try:
        at = json_text.first_item(text, at)
        while at >= 0:
            value, at = json_text.scan(text, at)
            if match(value):
                return True
            at = json_text.next_item(text, at)
            index += 1
    except TrinoError:
        return None
    return False


def is_json_scalar(text: str) -> bool:
    """Whether the text is one JSON scalar; an error where it is not JSON."""
    return not isinstance(json_text.parse(text), (list, dict))
