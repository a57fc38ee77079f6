"""A bound for SQL that is not followed: how often it may read each of the tables whose names it mentions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from agecli.engines.dialect.lexer import RESERVED, Token, tokenize
from agecli.errors import AgecliError, SqlInvalid, SqlRefused

# what Athena's grammar has and the parser here has not
_BEYOND = frozenset(("MATCH_RECOGNIZE", "JSON_TABLE", "NATURAL", "CORRESPONDING", "PIVOT", "UNPIVOT", "LISTAGG"))


def mentioned(sql: str, tables: Sequence[str], error: AgecliError) -> dict[str, int]:
    """How often each table may be read, for SQL that was refused. Raises the error again where that says nothing.

    That is so for names that are not there, for statements other than SELECT, and for what no grammar knows.
    """
    tokens = tokenize(sql)
    first = next((t.key for t in tokens if t.key != "("), "")
    if first not in ("SELECT", "WITH", "VALUES", "TABLE"):
        raise error
    if isinstance(error, SqlInvalid) and not any(t.kind == "word" and t.key in _BEYOND for t in tokens):
        raise error
    names = Counter(t.text.lower() for t in tokens if t.kind in ("word", "quoted"))
    factor = 1
    for name in _commons(tokens):  # a WITH query is read wherever it is used, and so is what is in it
        factor *= max(1, names[name] - 1)
    found = {name: names[name.split(".")[-1]] * factor for name in tables if names[name.split(".")[-1]]}
    if not found:
        raise error if isinstance(error, SqlInvalid) else SqlRefused(error.what, error.why, error.fix)
    return found


def _commons(tokens: Sequence[Token]) -> list[str]:
    """Names that are followed by AS and a query in parentheses."""
    found = []
    for at, token in enumerate(tokens[:-2]):
        is_name = token.kind == "quoted" or (token.kind == "word" and token.key not in RESERVED)
        if is_name and tokens[at + 1].key == "AS" and tokens[at + 2].key == "(":
            found.append(token.text.lower())
    return found
