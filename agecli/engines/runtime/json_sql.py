"""json_exists, json_value and json_query of the SQL standard, for paths of members, indexes and `[*]`.

Unlike json_extract these read the text into a tree: the last of repeated keys wins, what follows the first value is
not looked at, and an empty text is JSON's null. `lax` goes through arrays and past what is missing; `strict` fails.
All errors are NULL (json_exists: false), which are the defaults of their ON ERROR clauses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agecli.engines.dialect.types import Type
from agecli.engines.runtime import json_text
from agecli.engines.runtime.errors import TrinoError
from agecli.engines.runtime.json_cast import Converter, converter
from agecli.engines.runtime.json_path import PathRefused
from agecli.engines.runtime.json_text import Number, Object

_step = re.compile(
    r'\s*(?:\.\s*(?:([A-Za-z_][A-Za-z0-9_]*)|"([^"\\]*)")(?!\s*\()|\[\s*(?:([0-9]{1,9})|(\*))\s*\])'
).match
_LONG = 1 << 63


@dataclass(frozen=True)
class Path:
    """Steps are a name, an index, or None for all items."""

    lax: bool
    steps: tuple[str | int | None, ...]


@lru_cache(maxsize=1024)
def read_path(text: str) -> Path:
    """`lax $.a[0].b` or `strict $[*]`. Raises PathRefused for filters, methods and all else."""
    head = re.compile(r"\s*(lax|strict)\s*\$").match(text)
    if not head:
        raise PathRefused(f"a path begins with 'lax $' or 'strict $': {text}")
    at = head.end()
    found: list[str | int | None] = []
    while at < len(text.rstrip()):
        step = _step(text, at)
        if not step:
            raise PathRefused(f"JSON path {text}")
        name, quoted, index, _ = step.groups()
        found.append(int(index) if index else name if name is not None else quoted)
        at = step.end()
    return Path(head[1] == "lax", tuple(found))


def _tree(text: str) -> Any:
    return None if not text.strip(" \t\n\r") else json_text.root(text)


def _evaluate(text: str, path: str) -> list[Any]:
    known = read_path(path)
    items = [_tree(text)]
    for step in known.steps:
        items = [found for item in items for found in _one_step(item, step, known.lax)]
    return items


def _one_step(item: Any, step: str | int | None, lax: bool) -> list[Any]:
    if isinstance(step, str):
        if isinstance(item, Object):
            if step not in item and not lax:
                raise TrinoError(f"missing member {step}")
            return [item[step]] if step in item else []
        if lax:
            inside = item if isinstance(item, list) else []
            return [inner[step] for inner in inside if isinstance(inner, Object) and step in inner]
        raise TrinoError("a member of what is no object")
    if not isinstance(item, list):
        if not lax:
            raise TrinoError("an item of what is no array")
        item = [item]
    if step is None:
        return list(item)
    if step < len(item):
        return [item[step]]
    if lax:
        return []
    raise TrinoError("an index beyond the array")


def json_exists(text: str, path: str) -> bool:
    """Whether the path finds anything."""
    try:
        return bool(_evaluate(text, path))
    except TrinoError:
        return False


EMPTY, FAILED, FOUND = 1, 2, 0


def _scalar(text: str, path: str) -> tuple[int, Any]:
    """Which case json_value is in, and the one scalar that the path finds."""
    try:
        items = _evaluate(text, path)
    except TrinoError:
        return FAILED, None
    if not items:
        return EMPTY, None
    value = items[0]
    missing = value is None and not text.strip(" \t\n\r")
    if len(items) > 1 or missing or isinstance(value, (list, Object)):
        return FAILED, None
    if isinstance(value, Number) and value.is_integer and (len(value) > 29 or not -_LONG <= int(value) < _LONG):
        return FAILED, None
    return FOUND, value


def _converted(text: str, path: str, convert: Converter) -> tuple[int, Any]:
    state, value = _scalar(text, path)
    if value is None:
        return state, None
    try:
        return state, convert(value)
    except TrinoError:
        return FAILED, None


def valuer(target: Type) -> Callable[[str, str], Any]:
    """json_value RETURNING target: the scalar, cast; None where it is null, or by default where there is none."""
    convert = _varchar if target.name == "varchar" else converter(target)
    return lambda text, path: _converted(text, path, convert)[1]


def stater(target: Type) -> Callable[[str, str], int]:
    """Which clause json_value RETURNING target goes by: FOUND, EMPTY (ON EMPTY) or FAILED (ON ERROR)."""
    convert = _varchar if target.name == "varchar" else converter(target)
    return lambda text, path: _converted(text, path, convert)[0]


def json_value(text: str, path: str) -> str | None:
    """The one scalar that the path finds, as Trino casts it to varchar."""
    value = _converted(text, path, _varchar)[1]
    return None if value is None else str(value)


def _varchar(value: Any) -> Any:
    return str(int(value)) if isinstance(value, Number) and value.is_integer else converter(Type("varchar"))(value)


def json_query(text: str, path: str) -> str | None:
    """The one value that the path finds, as JSON text."""
    try:
        items = _evaluate(text, path)
    except TrinoError:
        return None
    return json_text.write(_last_wins(items[0]), ordered=False) if len(items) == 1 else None


def json_query_wrapped(text: str, path: str) -> str | None:
    """All that the path finds, as a JSON array; None where that is nothing."""
    try:
        items = _evaluate(text, path)
    except TrinoError:
        return None
    return json_text.write(_last_wins(items), ordered=False) if items else None


def _last_wins(value: Any) -> Any:
    if isinstance(value, list):
        return [_last_wins(item) for item in value]
    if isinstance(value, Object):
        made = Object((k, _last_wins(v)) for k, v in value.items())
        made.pairs = list(made.items())
        return made
    return value
