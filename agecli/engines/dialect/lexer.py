"""Splits SQL into tokens, by the lexical rules of Trino's grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agecli.errors import SqlInvalid

_PATTERN = re.compile(
    r"""
    (?P<space>\s+|--[^\r\n]*|/\*.*?\*/)
  | (?P<double>(?:\d[\d_]*(?:\.\d*)?|\.\d+)[eE][+-]?\d+)(?![A-Za-z_\d])
  | (?P<decimal>\d[\d_]*\.\d*|\.\d+)(?![A-Za-z_\d])
  | (?P<integer>\d+(?:_\d+)*)(?![A-Za-z_\d])
  | (?P<unicode>[uU]&'(?:[^']|'')*')
  | (?P<binary>[xX]'[^']*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<symbol>->|<>|!=|<=|>=|\|\||=>|[-+*/%=<>(),.\[\]?;:|{}^$])
    """,
    re.VERBOSE | re.DOTALL,
)

_RESERVED_WORDS = """
    ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE
    CURRENT_PATH CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE
    DELETE DESCRIBE DISTINCT DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT FALSE FOR FROM FULL
    GROUP GROUPING HAVING IN INNER INSERT INTERSECT INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT
    JSON_QUERY JSON_TABLE JSON_VALUE LEFT LIKE LISTAGG LOCALTIME LOCALTIMESTAMP NATURAL NORMALIZE NOT
    NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE THEN TRIM TRUE UESCAPE UNION
    UNNEST USING VALUES WHEN WHERE WITH
"""
RESERVED = frozenset(_RESERVED_WORDS.split())


@dataclass(frozen=True)
class Token:
    """kind: integer, decimal, double, string, binary, quoted, word, symbol, end. Words are upper case in `key`."""

    kind: str
    text: str
    key: str
    start: int


def tokenize(sql: str) -> list[Token]:
    """The tokens of `sql`, ended by one of kind `end`. Raises SqlInvalid for what is no token."""
    found: list[Token] = []
    at = 0
    while at < len(sql):
        match = _PATTERN.match(sql, at)
        if match is None:
            raise SqlInvalid("the SQL does not parse", f"{position(sql, at)}: unexpected {sql[at : at + 20]!r}")
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(_token(kind, match.group(), at))
        at = match.end()
    found.append(Token("end", "", "", len(sql)))
    return found


def _token(kind: str, text: str, start: int) -> Token:
    if kind == "unicode":
        return Token("string", _unicode(text[3:-1].replace("''", "'")), "", start)
    if kind == "string":
        return Token(kind, text[1:-1].replace("''", "'"), "", start)
    if kind == "quoted":
        return Token(kind, text[1:-1].replace('""', '"'), "", start)
    if kind == "binary":
        digits = re.sub(r"\s", "", text[2:-1])
        if not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", digits):
            raise SqlInvalid("the SQL does not parse", f"{text} is no binary literal")
        return Token(kind, digits.upper(), "", start)
    if kind in ("integer", "decimal", "double"):
        return Token(kind, text.replace("_", ""), "", start)
    return Token(kind, text, "<>" if text == "!=" else text.upper(), start)


def _unicode(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match.group(1) or match.group(2)
        return chr(int(code, 16)) if code else "\\"

    if re.search(r"\\(?![0-9A-Fa-f]{4}|\+[0-9A-Fa-f]{6}|\\)", text.replace("\\\\", "")):
        raise SqlInvalid("the SQL does not parse", "an incomplete escape in a U&'...' literal")
    return re.sub(r"\\(?:([0-9A-Fa-f]{4})|\+([0-9A-Fa-f]{6})|\\)", character, text)


def position(sql: str, at: int) -> str:
    """Line and column of an offset, counted from 1."""
    line = sql.count("\n", 0, at) + 1
    return f"line {line}, column {at - (sql.rfind(chr(10), 0, at) + 1) + 1}"
