"""Trino's text functions where Python or DuckDB mean something else: simple case mapping, splitting, distances.

Texts are code points, as in Trino; Java's own case mapping is one to one (`ß` has no upper case).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from string import ascii_lowercase, ascii_uppercase, digits

from agecli.engines.runtime.errors import GuardError, TrinoError


def upper(text: str) -> str:
    """Upper case, one character for one (Character.toUpperCase)."""
    return "".join([_single(c, c.upper(), c) for c in text])


def lower(text: str) -> str:
    """Lower case, one character for one (Character.toLowerCase)."""
    return "".join(["i" if c == "\u0130" else _single(c, c.lower(), c) for c in text])


def _single(char: str, mapped: str, otherwise: str) -> str:
    if len(mapped) == 1:
        return mapped
    # titlecase of the Greek letters with iota is their simple upper case
    title = char.title()
    return title if len(title) == 1 and title != char else otherwise


def reverse(text: str) -> str:
    """The code points in reverse order."""
    return text[::-1]


def split_limited(text: str, delimiter: str, limit: int) -> list[str]:
    """split(text, delimiter, limit): the last part keeps the rest."""
    if limit <= 0:
        raise TrinoError("Limit must be positive")
    if not delimiter:
        raise TrinoError("The delimiter may not be the empty string")
    return text.split(delimiter, limit - 1)


def split_to_map(text: str, entries: str, values: str) -> list[tuple[str, str]]:
    """`k=v,l=w` as a map; an entry without the second delimiter, or a repeated key, is an error."""
    if not entries or not values or entries == values:
        raise TrinoError("delimiters are empty or the same")
    found: dict[str, str] = {}
    for part in text.split(entries):
        if not part and part is text.split(entries)[-1]:
            continue
        key, delimiter, value = part.partition(values)
        if not delimiter or values in value:
            raise TrinoError("Key-value delimiter must appear exactly once in each entry")
        if key in found:
            raise TrinoError(f"Duplicate keys ({key}) are not allowed")
        found[key] = value
    return list(found.items())


def position_from_end(text: str, wanted: str, instance: int) -> int:
    """strpos(text, wanted, -n): where the n-th match from the end begins, from 1; 0 if there are fewer."""
    if not wanted:
        return 1 if not text else len(text) + 1
    at = len(text) + 1
    for _ in range(instance):
        at = text.rfind(wanted, 0, at + len(wanted) - 1)
        if at < 0:
            return 0
    return at + 1


def position(text: str, wanted: str, instance: int) -> int:
    """strpos(text, wanted, n): where the n-th match begins, from 1; matches may overlap."""
    if instance == 0:
        raise TrinoError("'instance' must not be a zero number.")
    if instance < 0:
        if not (text.isascii() and wanted.isascii()) and wanted in text:
            raise GuardError("counting from the end of a text that is not ASCII")
        return position_from_end(text, wanted, -instance)
    if not wanted:
        return 1
    at = -1
    for _ in range(instance):
        at = text.find(wanted, at + 1)
        if at < 0:
            return 0
    return at + 1


def levenshtein_distance(left: str, right: str) -> int:
    """Insertions, deletions and substitutions between two texts."""
    if len(left) * len(right) > 1_000_000:
        raise TrinoError("The combined inputs for Levenshtein distance are too large")
    above = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
        above = row
    return above[-1]


def hamming_distance(left: str, right: str) -> int:
    """Places where two texts of the same length differ."""
    if len(left) != len(right):
        raise TrinoError("The input strings to hamming_distance function must have the same length")
    return sum(a != b for a, b in zip(left, right, strict=True))


_LETTERS = {"1": "BFPV", "2": "CGJKQSXZ", "3": "DT", "4": "L", "5": "MN", "6": "R"}
_LETTERS = {"1": "BFPV", "2": "CGJKQSXZ", "3": "DT", "4": "L", "5": "MN", "6": "R", "0": "AEIOUY", "": "HW"}
_SOUNDS = {letter: code for code, letters in _LETTERS.items() for letter in letters}


def soundex(text: str) -> str:
    """American Soundex as Apache Commons Codec has it: a letter beyond A-Z is an error only where it is reached."""
    letters = "".join(c for c in text if c.isalpha()).upper()
    if not letters:
        return ""
    code, last = letters[0], _sound(letters[0]) or "0"
    for letter in letters[1:]:
        if len(code) == 4:
            break
        sound = _sound(letter)
        if not sound:
            continue
        if sound not in ("0", last):
            code += sound
        last = sound
    return (code + "000")[:4]


def _sound(letter: str) -> str:
    if letter not in _SOUNDS:
        raise TrinoError(f"The character is not mapped: {letter}")
    return _SOUNDS[letter]


def replace_empty(text: str, new: str) -> str:
    """replace(text, '', new): `new` before, after and between all characters."""
    return new + "".join(c + new for c in text)


def split_to_multimap(text: str, entries: str, values: str) -> list[tuple[str, list[str]]]:
    """`k=v,k=w` as a map from keys to all their values."""
    if not entries or not values or entries == values:
        raise TrinoError("delimiters are empty or the same")
    found: dict[str, list[str]] = {}
    parts = text.split(entries)
    for part in parts[:-1] if not parts[-1] else parts:
        key, delimiter, value = part.partition(values)
        if not delimiter or values in value:
            raise TrinoError("Key-value delimiter must appear exactly once in each entry")
        found.setdefault(key, []).append(value)
    return list(found.items())


def luhn_check(text: str) -> bool:
    """Does a text of digits end in its Luhn check digit?"""
    if not text:
        return False
    if any(c not in "0123456789" for c in text):
        raise TrinoError("not a text of digits")
    total = 0
    for i, c in enumerate(reversed(text)):
        digit = int(c) * (1 + i % 2)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


_DIGITS = {c: i % 36 for letters in (ascii_lowercase, ascii_uppercase) for i, c in enumerate(digits + letters)}


def from_base(text: str, radix: int) -> int:
    """Long.parseLong(text, radix)."""
    if not 2 <= radix <= 36:
        raise TrinoError("Radix must be between 2 and 36")
    body = text[1:] if text[:1] in ("+", "-") else text
    if not body or any(_DIGITS.get(c, 36) >= radix for c in body):
        raise TrinoError("not a number of this radix")
    value = int(text, radix)
    if not -(1 << 63) <= value < 1 << 63:
        raise TrinoError("beyond 64 bits")
    return value


def normalize(text: str, form: str) -> str:
    """Unicode normalisation; NFC, NFD, NFKC or NFKD."""
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]


def translate(text: str, old: str, new: str) -> str:
    """Each character of `old` by the one at its place in `new`, or dropped; the first of repeated ones counts."""
    table: dict[int, str | None] = {}
    for i, char in enumerate(old):
        table.setdefault(ord(char), new[i] if i < len(new) else None)
    return text.translate(table)


def from_utf8(value: bytes) -> str:
    """Bytes as text; each sequence that is not UTF-8 becomes one U+FFFD, as io.airlift.slice counts sequences."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(_sequences(value))


def _sequences(value: bytes) -> Iterator[str]:
    at = 0
    while at < len(value):
        first = value[at]
        size = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        end = at + 1
        while end < min(at + size, len(value)) and 0x80 <= value[end] < 0xC0:
            end += 1
        if first >= 0xF8 and end > at + 1:
            raise GuardError("bytes that look like UTF-8 of five or more bytes")
        try:
            yield value[at:end].decode("utf-8")
        except UnicodeDecodeError:
            yield "\ufffd"
        at = end
