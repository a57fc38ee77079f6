"""The regexp_ functions on Python's `re`, over patterns that `regexp_syntax` has read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from agecli.engines.runtime import characters
from agecli.engines.runtime.errors import GuardError
from agecli.engines.runtime.regexp_syntax import Pattern, python_char, read


class ReplacementRefused(ValueError):
    """A replacement that Trino does not take, or not for this pattern."""


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> tuple[re.Pattern[str], Pattern]:
    known = read(pattern)
    return re.compile(known.python.replace("@WORD@", "[A-Za-z0-9_]")), known


@lru_cache(maxsize=256)
def _with_unicode_words(pattern: str) -> re.Pattern[str]:
    words = "".join(f"{python_char(a)}-{python_char(b)}" for a, b in characters.unicode_words())
    return re.compile(read(pattern).python.replace("@WORD@", f"[{words}]"))


def _for(text: str, pattern: str) -> re.Pattern[str]:
    """The compiled pattern that holds for this text. GuardError where none is known to."""
    compiled, known = _compiled(pattern)
    if text.isascii():
        return compiled
    if known.ligatures and any(c in text for c in known.ligatures):
        raise GuardError(f"a text with {known.ligatures} under the regular expression {pattern}")
    if not known.boundaries:
        return compiled
    if characters.unsure_at_boundary(text):
        raise GuardError(f"a text with numbers or signs beyond ASCII under the regular expression {pattern}")
    return _with_unicode_words(pattern)


def _matches(text: str, pattern: str, start: int = 0) -> Iterator[re.Match[str]]:
    """Match after match; one that is empty moves on by a character, whatever else could begin there."""
    compiled = _for(text, pattern)
    while start <= len(text) and (found := compiled.search(text, start)):
        yield found
        start = found.end() + (found.end() == found.start())


def like(text: str, pattern: str) -> bool:
    """Whether the pattern matches somewhere."""
    return _for(text, pattern).search(text) is not None


def extract(text: str, pattern: str, group: int) -> str | None:
    """A group of the first match; None where there is no match or the group took no part."""
    found = _for(text, pattern).search(text)
    return found.group(group) if found else None


def extract_all(text: str, pattern: str, group: int) -> list[str | None]:
    """A group of every match."""
    return [found.group(group) for found in _matches(text, pattern)]


def count(text: str, pattern: str) -> int:
    """Number of matches."""
    return sum(1 for _ in _matches(text, pattern))


def split(text: str, pattern: str) -> list[str]:
    """The texts between matches, empty ones included."""
    parts, at = [], 0
    for found in _matches(text, pattern):
        parts.append(text[at : found.start()])
        at = found.end()
    return [*parts, text[at:]]


def groups(text: str, pattern: str) -> list[list[str | None]]:
    """The groups of every match, without the whole match."""
    return [list(found.groups()) for found in _matches(text, pattern)]


def joined(between: list[str], replacements: list[str | None]) -> str | None:
    """The texts of `split` with a replacement after each but the last; None where one is None."""
    done = [between[0]]
    for replaced, text in zip(replacements, between[1:], strict=True):
        if replaced is None:
            return None
        done.extend((replaced, text))
    return "".join(done)


def position(text: str, pattern: str, start: int, occurrence: int) -> int:
    """Where the n-th match from `start` begins, from 1; -1 where there is none."""
    if start > len(text):
        return -1
    for found in _matches(text, pattern, start - 1):
        occurrence -= 1
        if occurrence == 0:
            return found.start() + 1
    return -1


@lru_cache(maxsize=1024)
def replacement(template: str, pattern: str) -> tuple[str | int, ...]:
    """`$1`, `${name}` and backslashes read: texts and group numbers. Raises ReplacementRefused."""
    known = read(pattern)
    parts: list[str | int] = []
    at = 0
    while at < len(template):
        char = template[at]
        at += 1
        if char == "\\":
            if at == len(template):
                raise ReplacementRefused("a replacement that ends in a backslash")
            parts.append(template[at])
            at += 1
        elif char == "$":
            group, at = _group(template, at, known)
            parts.append(group)
        else:
            parts.append(char)
    return tuple(parts)


def _group(template: str, at: int, known: Pattern) -> tuple[int, int]:
    named = re.compile(r"\{([A-Za-z][A-Za-z0-9]*)\}").match(template, at)
    if named:
        if named[1] not in known.names:
            raise ReplacementRefused(f"the group ${{{named[1]}}} is not in the pattern")
        return known.names[named[1]], named.end()
    digits = re.compile("[0-9]").match(template, at)
    if not digits or int(digits[0]) > known.groups:
        raise ReplacementRefused("a $ that names no group; write \\$")
    group, at = int(digits[0]), at + 1
    while at < len(template) and template[at] in "0123456789" and group * 10 + int(template[at]) <= known.groups:
        group = group * 10 + int(template[at])
        at += 1
    return group, at


def replace(text: str, pattern: str, template: str) -> str:
    """Every match by the replacement; groups that took no part are empty."""
    parts = replacement(template, pattern)
    done: list[str] = []
    at = 0
    for found in _matches(text, pattern):
        done.append(text[at : found.start()])
        done.extend(p if isinstance(p, str) else found.group(p) or "" for p in parts)
        at = found.end()
    return "".join(done) + text[at:]
