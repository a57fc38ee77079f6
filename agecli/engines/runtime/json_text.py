"""Reading and writing JSON as Trino (Jackson) does: what parses, what a streaming path finds, how values print.

Numbers stay text (`Number`) until something needs their value, since Trino prints `1.50` as it stands in one place
and as a double in another. Python's own scanner reads; its few liberties (NaN, `01` ending at `0`) are closed here.
A value is None, a bool, `Number`, str, list, or `Object`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from json import decoder
from typing import Any, Final

from agecli.engines.runtime.errors import GuardError, TrinoError
from agecli.engines.runtime.numbers import java_double


class Number(str):
    """A JSON number, as written."""

    __slots__ = ()

    @property
    def is_integer(self) -> bool:
        return not any(c in self for c in ".eE")


class Object(dict[str, Any]):
    """A JSON object: a mapping in which the last of repeated keys wins, and `pairs` as they were written."""

    __slots__ = ("pairs",)

    pairs: list[tuple[str, Any]]


class Absent:
    """What a path finds where there is nothing (JSON's null is None)."""


ABSENT: Final = Absent()


def _object(pairs: list[tuple[str, Any]]) -> Object:
    made = Object(pairs)
    made.pairs = pairs
    return made


def _constant(text: str) -> Any:
    raise TrinoError(f"not JSON: {text}")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=_constant)
# the parts of the decoder that take an offset; typeshed does not list them
_scan_once: Callable[[str, int], tuple[Any, int]] = vars(_DECODER)["scan_once"]
_scan_string: Callable[[str, int, bool], tuple[str, int]] = vars(decoder)["scanstring"]
_spaces = re.compile(r"[ \t\n\r]*").match
_java_word = re.compile(r"[\w]").match


def _skip(text: str, at: int) -> int:
    found = _spaces(text, at)
    return found.end() if found else at


def scan(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins at `at`, and where it ends. TrinoError where none does."""
    try:
        value, end = _scan_once(text, at)
    except (StopIteration, json.JSONDecodeError) as bad:
        raise TrinoError("not JSON") from bad
    except RecursionError as deep:
        raise GuardError("JSON nested too deeply to be read here") from deep
    if not isinstance(value, (dict, list)) and end < len(text) and text[at] != '"':
        _check_end(text, end, value)
    return value, end


def _check_end(text: str, end: int, value: Any) -> None:
    after = text[end]
    if isinstance(value, Number):
        # Jackson reads on where Python's scanner stops: `01`, `5.`, `1e` are errors and not 0, 5, 1
        if (
            (after.isdigit() and after.isascii())
            or (after == "." and value.is_integer)
            or (after in "eE" and not any(c in value for c in "eE"))
        ):
            raise TrinoError("not a JSON number")
    elif _java_word(after):
        raise TrinoError("not JSON")


def parse(text: str) -> Any:
    """The whole text as one JSON value, with nothing but white space around it."""
    value, end = scan(text, _skip(text, 0))
    if _skip(text, end) != len(text):
        raise TrinoError(f"Cannot convert value to JSON: '{text}'")
    return value


def root(text: str) -> Any:
    """The first JSON value of the text, whatever follows it (a scalar must still end at white space)."""
    at = _skip(text, 0)
    value, end = scan(text, at)
    _check_root_end(text, end, value)
    return value


def _check_root_end(text: str, end: int, value: Any) -> None:
    if isinstance(value, Number) and end < len(text) and text[end] not in " \t\n\r":
        raise TrinoError("not JSON")


def find(text: str, path: Sequence[str], *, lazy: bool = False) -> Any:
    """What Trino's streaming reader finds at `path`: the first match wins, and what follows it is never looked at.

    `lazy`: a string is not read at all (it may be malformed), "" stands for it.

    ABSENT where there is nothing; TrinoError where the text is malformed before the match ends.
    """
    at = _skip(text, 0)
    for step in path:
        here = text[at : at + 1]
        if here == "{":
            at = _member(text, at, step)
        elif here == "[" and step.isdecimal():
            at = _item(text, at, int(step))
        else:
            return ABSENT
        if at < 0:
            return ABSENT
    if text[at : at + 1] == '"' and lazy:
        return ""
    value, end = scan(text, at)
    if not path:
        _check_root_end(text, end, value)
    return value


def _member(text: str, at: int, name: str) -> int:
    """Where the value of the first member called `name` begins, in the object that opens at `at`; -1 if none."""
    at = _skip(text, at + 1)
    if text[at : at + 1] == "}":
        return -1
    while True:
        if text[at : at + 1] != '"':
            raise TrinoError("not JSON: a key expected")
        try:
            key, at = _scan_string(text, at + 1, True)
        except json.JSONDecodeError as bad:
            raise TrinoError("not JSON") from bad
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            raise TrinoError("not JSON: a colon expected")
        at = _skip(text, at + 1)
        if key == name:
            return at
        _, at = scan(text, at)
        at = _next(text, _skip(text, at), "}")
        if at < 0:
            return -1


def first_item(text: str, at: int) -> int:
    """Where the first item begins, in the array that opens at `at`; -1 if it is empty."""
    at = _skip(text, at + 1)
    return -1 if text[at : at + 1] == "]" else at


def next_item(text: str, at: int) -> int:
    """Where the item after the one that ends at `at` begins; -1 at the end of the array."""
    return _next(text, _skip(text, at), "]")


def _item(text: str, at: int, index: int) -> int:
    at = first_item(text, at)
    for _ in range(index):
        if at < 0:
            return -1
        _, at = scan(text, at)
        at = next_item(text, at)
    return at


def _next(text: str, at: int, close: str) -> int:
    here = text[at : at + 1]
    if here == close:
        return -1
    if here != ",":
        raise TrinoError("not JSON: a comma expected")
    return _skip(text, at + 1)


_ESCAPED = re.compile('[\x00-\x1f"\\\\\ud800-\udfff\U00010000-\U0010ffff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    if char in _SHORT:
        return _SHORT[char]
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))


def quote(text: str) -> str:
    """A JSON string as Jackson's UTF-8 writer prints it: beyond the BMP, and lone surrogates, as escapes."""
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def write_number(number: Number) -> str:
    """A number as Jackson prints it: integers of any size, everything else as a double."""
    if number.is_integer:
        return "0" if number == "-0" else str(number)
    printed = java_double(float(number))
    return f'"{printed}"' if printed.endswith("Infinity") else printed


def _utf16(pair: tuple[str, Any]) -> bytes:
    return pair[0].encode("utf-16-be", "surrogatepass")


def write(value: Any, *, ordered: bool) -> str:
    """JSON text without spaces; `ordered` sorts keys (json_parse), otherwise members stay as written."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return write_number(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list):
        return "[" + ",".join([write(item, ordered=ordered) for item in value]) + "]"
    pairs = sorted(value.items(), key=_utf16) if ordered else value.pairs
    return "{" + ",".join([f"{quote(k)}:{write(v, ordered=ordered)}" for k, v in pairs]) + "}"


def write_tree(value: Any) -> str:
    """Jackson's JsonNode.toString: the last of repeated keys at the place of the first, surrogate pairs unescaped."""
    if isinstance(value, list):
        return "[" + ",".join(map(write_tree, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_plain_quote(k)}:{write_tree(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str) and not isinstance(value, Number):
        return _plain_quote(value)
    return write(value, ordered=False)


def _plain_quote(text: str) -> str:
    return as_text("".join(c if ord(c) > 0xD7FF else quote(c)[1:-1] for c in text)).join('""')


_surrogates = re.compile("[\ud800-\udfff]")


def as_text(value: str) -> str:
    """A Java string as UTF-8 text: lone surrogates become `?`, as String.getBytes does."""
    return str(value) if value.isascii() else _surrogates.sub("?", value)
