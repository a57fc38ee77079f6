"""Native form where it is proven to mean the same, exact function for the rest: the pattern of the hot path.

    CASE WHEN <plain(v)> THEN <DuckDB's own function of v> ELSE ag_exact(v) END

DuckDB evaluates each branch of a CASE only on the rows that need it, so the exact function, in Python, costs what
the odd rows cost. The value is named once (`once`), since a macro or template would repeat its whole expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from agecli.engines.dialect.types import quote_text

_reference = re.compile(r'(?:\w+|"[^"]*")(?:\.(?:\w+|"[^"]*"))*').fullmatch


def once(sql: str, body: Callable[[str], str]) -> str:
    """`body` over a name for the value of `sql`, which is evaluated once however often `body` mentions it."""
    if _reference(sql):
        return body(sql)
    name = f"o{sql.count('lambda ')}"
    return f"list_extract(list_transform([{sql}], lambda {name}: {body(name)}), 1)"


def either(test: str, native: str, exact: str) -> str:
    """`native` where `test` is true, `exact` elsewhere (also where the test is NULL)."""
    return f"CASE WHEN {test} THEN {native} ELSE {exact} END"


def full_match(value: str, pattern: str) -> str:
    """SQL that tells whether all of the text matches an RE2 pattern."""
    return f"regexp_full_match({value}, {quote_text(pattern)})"


def finds(value: str, pattern: str) -> str:
    """SQL that tells whether an RE2 pattern matches somewhere."""
    return f"regexp_matches({value}, {quote_text(pattern)})"
