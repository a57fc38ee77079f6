"""Sets of characters as sorted ranges of code points: what a regular expression's class stands for."""

from __future__ import annotations

import functools
import sys
import unicodedata
from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]
LAST = sys.maxunicode


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same characters as sorted ranges that do not touch."""
    done: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if done and low <= done[-1][1] + 1:
            done[-1] = (done[-1][0], max(done[-1][1], high))
        else:
            done.append((low, high))
    return tuple(done)


def complement(ranges: Ranges) -> Ranges:
    """All other characters."""
    done, at = [], 0
    for low, high in ranges:
        if low > at:
            done.append((at, low - 1))
        at = high + 1
    return (*done, (at, LAST)) if at <= LAST else tuple(done)


def of(characters: str) -> Ranges:
    return merged((ord(c), ord(c)) for c in characters)


DIGIT = ((0x30, 0x39),)
SPACE = ((9, 13), (0x20, 0x20))
WORD = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
ANY = ((0, LAST),)
NO_NEWLINE = complement(of("\n"))
_FOLDED = {"k": "\u212a", "s": "\u017f", "å": "\u212b"}


def variants(char: str) -> str:
    """The characters that match `char` when case is ignored. KeyError where this is not known."""
    if char.isascii() or "à" <= char.lower() <= "þ" or "\u0430" <= char.lower() <= "\u044f":
        other = char.lower() if char.isupper() else char.upper()
        if (len(other) == 1 and other.isprintable()) or not char.isalpha():
            return "".join({char, other, _FOLDED.get(char.lower(), char)}) if char.isalpha() else char
    if not any(c != char for c in (char.lower(), char.upper(), char.casefold())):
        return char
    raise KeyError(char)


def folded(ranges: Ranges) -> Ranges:
    """The set with the other case of each of its letters. KeyError where that is not known."""
    found = list(ranges)
    for low, high in ranges:
        if high - low > 0x3000:
            raise KeyError("a large range")
        for code in range(low, high + 1):
            found.extend((ord(c), ord(c)) for c in variants(chr(code)))
    return merged(found)


@functools.cache
def unicode_words() -> Ranges:
    """What counts as part of a word at a word boundary: letters, marks, digits, letter-like numbers, underscore."""
    kinds = ("L", "M", "Nd", "Nl")
    return merged([(0x5F, 0x5F), *((c, c) for c in range(LAST + 1) if unicodedata.category(chr(c)).startswith(kinds))])


def unsure_at_boundary(text: str) -> bool:
    """Whether the text has characters of which it is not known whether they are part of a word."""
    return not text.isascii() and any(
        c > "\x7f"
        and (
            unicodedata.category(c) in ("No", "Pc", "Cn")
            or "\u24b6" <= c <= "\u24e9"
            or "\U0001f130" <= c <= "\U0001f189"
        )
        for c in text
    )
