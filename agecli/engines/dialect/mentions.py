"""What emitted SQL mentions: columns (`t4.c2`) and parameters of lambdas, but not what stands in its literals.

CASE WHEN t4.c2 = 't4.c2' THEN 1 END        mentions t4.c2 once
"""

from __future__ import annotations

import re

OPENING, CLOSING = "\ue000", "\ue001"  # around the marks of `programs`, which stand for SQL that is not known yet
TEXT = "\ue002"  # in SQL over a text

_QUOTED = r"""'(?:[^']|'')*'|"(?:[^"]|"")*\""""
_quoted = re.compile(_QUOTED)
_column = re.compile(rf"{_QUOTED}|\b([a-z]\w*)\.(\w+)\b")
_reference = re.compile(rf"{_QUOTED}|\b(?:[a-z]\w*\.\w+|agecli_l\d+_\d+)\b")


def may_have_marks(sql: str) -> bool:
    """Whether the literals of a statement may have what marks are told by: as such, or by its number."""
    return any(mark in sql for mark in (OPENING, CLOSING, TEXT)) or "u&'" in sql.lower()


def columns(sql: str) -> list[tuple[str, str]]:
    """The columns of relations that some SQL mentions, as often as it does."""
    return [(match[1], match[2]) for match in _column.finditer(sql) if match[1]]


def references(sql: str) -> set[str]:
    """The columns and parameters that some SQL mentions."""
    return {found for found in _reference.findall(sql) if found[0] not in "'\""}


def bare(sql: str) -> str:
    """The SQL with nothing in its quotes."""
    return _quoted.sub(lambda match: match[0][0] * 2, sql)


def renamed(sql: str, old: str, new: str) -> str:
    """The SQL with `new` wherever `old` stands: a column, a parameter, or a field of one."""
    wanted = re.compile(rf"\b{re.escape(old)}(?!\w)|{_QUOTED}")
    return wanted.sub(lambda match: new if match[0] == old else match[0], sql)


def chained(inner: str, sql: str, name: str) -> str:
    """The SQL of what depends on `name` with the value of `inner` in its place, which is computed but once."""
    variable = f"agecli_m{inner.count('agecli_m')}"
    return f"list_extract(list_transform([{inner}], lambda {variable}: {renamed(sql, name, variable)}), 1)"


def count(sql: str, name: str) -> int:
    """How often a column, a parameter, or a field of one stands in some SQL."""
    wanted = re.compile(rf"\b{re.escape(name)}(?!\w)|{_QUOTED}")
    return sum(match[0] == name for match in wanted.finditer(sql))


__all__ = [
    "CLOSING",
    "OPENING",
    "TEXT",
    "bare",
    "chained",
    "columns",
    "count",
    "may_have_marks",
    "references",
    "renamed",
]
