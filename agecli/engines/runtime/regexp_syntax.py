r"""Reads a regular expression of Trino (Joni, Java's syntax) and writes it for Python's `re` and for RE2.

Only syntax whose meaning is known is read; all else is `PatternRefused`. Classes become explicit sets of characters:
`\d \w \s` are ASCII, `.` is anything but \n, `$` also stands before a final \n, `\b` knows letters of every script,
and letters without case include the Kelvin sign and the long s. What RE2 cannot say, or says only of some texts,
is noted on the `Pattern`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from agecli.engines.runtime import categories, characters
from agecli.engines.runtime.characters import Ranges


class PatternRefused(ValueError):
    """Syntax whose meaning is not known to be the same here."""


@dataclass
class Pattern:
    """A pattern in both spellings. `re2` is None where RE2 does not mean the same."""

    source: str
    python: str = ""
    re2: str | None = ""
    groups: int = 0
    names: dict[str, int] = field(default_factory=dict)
    optional: set[int] = field(default_factory=set)
    nullable: bool = False
    ends: bool = False
    """has `$`: RE2's spelling holds for texts that do not end with a newline"""
    boundaries: bool = False
    r"""has \b: RE2's spelling holds for ASCII texts"""
    properties: bool = False
    r"""has \p{..} or [[:..:]]: RE2's spelling holds for ASCII texts"""
    anchors: bool = False
    ligatures: str = ""
    """characters that match several letters when case is ignored; texts that have them are not read alike"""


@dataclass(frozen=True)
class _Piece:
    python: str
    re2: str | None
    nullable: bool = False
    literal: str = ""


_CLASSES = {"d": characters.DIGIT, "w": characters.WORD, "s": characters.SPACE}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ")
_quantifier = re.compile(r"\{(\d{1,3})(,)?(\d{1,3})?\}").match
_hexadecimal = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})").match
_named = re.compile(r"\?<([A-Za-z][A-Za-z0-9]*)>").match
_flags = re.compile(r"\?([is]{1,2})([:)])").match
_property = re.compile(r"([pP])\{([A-Za-z]+)\}").match
_bracket = re.compile(r"\[:(\^?)([a-z]+):\]").match
_NOTHING_IN_RE2 = r"[^\x{0}-\x{10ffff}]"
_LIGATURES = {"ss": "ß", "st": "ﬅﬆ", "ff": "ﬀ", "fi": "ﬁ", "fl": "ﬂ"}


@lru_cache(maxsize=1024)
def read(pattern: str) -> Pattern:
    """The pattern, read. Raises PatternRefused."""
    reader = _Reader(pattern)
    return reader.run()


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.made = Pattern(source)
        self.fold = False
        self.dotall = False
        self.unnamed = False

    def run(self) -> Pattern:
        found = _flags(self.source, 1) if self.source.startswith("(") else None
        if found and found[2] == ")":
            self._set(found[1])
            self.at = found.end()
        body = self._alternatives()
        if self.at < len(self.source):
            raise self.refusal("a parenthesis too many")
        made = self.made
        if made.names and self.unnamed:
            raise self.refusal("named and unnamed groups together")
        made.python, made.re2, made.nullable = body.python, body.re2, body.nullable
        try:
            re.compile(made.python)
        except re.error as bad:
            raise self.refusal(str(bad)) from bad
        return made

    def refusal(self, why: str) -> PatternRefused:
        return PatternRefused(f"the regular expression {self.source!r}: {why}")

    def _set(self, flags: str) -> None:
        self.fold |= "i" in flags
        self.dotall |= "s" in flags

    def _peek(self, size: int = 1) -> str:
        return self.source[self.at : self.at + size]

    def _alternatives(self) -> _Piece:
        first = self.made.groups
        branches = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        self.made.optional.update(range(first + 1, self.made.groups + 1))
        re2 = None if any(b.re2 is None for b in branches) else "|".join(b.re2 or "" for b in branches)
        return _Piece("|".join(b.python for b in branches), re2, any(b.nullable for b in branches))

    def _sequence(self) -> _Piece:
        pieces: list[_Piece] = []
        while self._peek() not in ("", "|", ")"):
            pieces.append(self._quantified())
        if self.fold:
            pieces = self._with_ligatures(pieces)
        re2 = None if any(p.re2 is None for p in pieces) else "".join(p.re2 or "" for p in pieces)
        return _Piece("".join(p.python for p in pieces), re2, all(p.nullable for p in pieces))

    def _with_ligatures(self, pieces: list[_Piece]) -> list[_Piece]:
        """Two letters that stand together match their ligature too; where two such pairs overlap, texts are guarded."""
        done: list[_Piece] = []
        at = 0
        while at < len(pieces):
            pair, after = self._ligature(pieces, at), self._ligature(pieces, at + 1)
            if pair and after:
                self.made.ligatures += pair + after + "ﬃﬄ"
                done.append(pieces[at])
            elif pair and not (at and self._ligature(pieces, at - 1)):
                left, right = pieces[at : at + 2]
                python, re2 = (f"(?:{a}{b}|[{pair}])" for a, b in ((left.python, right.python), (left.re2, right.re2)))
                done.append(_Piece(python, re2))
                at += 1
            else:
                done.append(pieces[at])
            at += 1
        return done

    def _ligature(self, pieces: list[_Piece], at: int) -> str:
        return _LIGATURES.get("".join(p.literal or "?" for p in pieces[at : at + 2]).lower(), "")

    def _quantified(self) -> _Piece:
        before = self.made.groups
        start = self.at
        piece = self._atom()
        spelled, least, most = self._quantifier()
        if not spelled:
            return piece
        if piece.nullable and (most is None or most > 1):
            raise self.refusal(f"{self.source[start : self.at]} repeats what may be empty")
        lazy = self._peek()
        if lazy in ("?", "+"):
            if lazy == "+" and "{" in spelled:
                raise self.refusal("a possessive count")
            self.at += 1
            spelled += lazy
        if self._peek() in ("*", "+", "?") or _quantifier(self.source, self.at):
            raise self.refusal("a quantifier of a quantifier")
        inside = set(range(before + 1, self.made.groups + 1))
        if (most is None or most > 1) and inside & self.made.optional:
            raise self.refusal("an optional group inside a repetition")
        if least == 0:
            self.made.optional |= inside
        if piece.python.startswith(("(?=", "(?!", "(?<=", "(?<!", "\\A", "\\Z", "\\b")):
            raise self.refusal("a quantifier of a place")
        re2 = None if piece.re2 is None or lazy == "+" else piece.re2 + spelled
        return _Piece(piece.python + spelled, re2, piece.nullable or least == 0)

    def _quantifier(self) -> tuple[str, int, int | None]:
        char = self._peek()
        if char and char in "*+?":
            self.at += 1
            return char, int(char == "+"), 1 if char == "?" else None
        if char != "{":
            return "", 1, 1
        found = _quantifier(self.source, self.at)
        if not found:
            raise self.refusal("a brace that is no count; write \\{")
        least = int(found[1])
        most = int(found[3]) if found[3] else None if found[2] else least
        if (most is not None and most < least) or most == 0:
            raise self.refusal("a count that cannot be")
        self.at = found.end()
        return found[0], least, most

    def _atom(self) -> _Piece:
        char = self._peek()
        self.at += 1
        if char == "(":
            return self._group()
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        if char == ".":
            return self._class_piece(characters.ANY if self.dotall else characters.NO_NEWLINE, fold=False)
        if char == "^":
            self.made.anchors = True
            return _Piece("\\A", "\\A", True)
        if char == "$":
            self.made.ends = True
            return _Piece("(?=\\n?\\Z)", "\\z", True)
        if char in "*+?{":
            raise self.refusal(f"{char} with nothing before it")
        if char in "]}":
            raise self.refusal(f"a bare {char}; write \\{char}")
        return self._literal(char)

    def _literal(self, char: str) -> _Piece:
        piece = self._class_piece(characters.of(char))
        return _Piece(piece.python, piece.re2, literal=char)

    def _class_piece(self, ranges: Ranges, *, fold: bool = True) -> _Piece:
        if self.fold and fold:
            ranges = self._folded(ranges)
        return _Piece(_spell(ranges, python_char) or "(?!)", _spell(ranges, _re2_char) or _NOTHING_IN_RE2)

    def _property_piece(self, ranges: Ranges) -> _Piece:
        """A class beyond ASCII; RE2 sees ASCII texts only, so that its spelling stays short."""
        self.made.properties = True
        ascii_only = tuple((low, min(high, 0x7F)) for low, high in ranges if low <= 0x7F)
        return _Piece(_spell(ranges, python_char) or "(?!)", _spell(ascii_only, _re2_char) or _NOTHING_IN_RE2)

    def _folded(self, ranges: Ranges) -> Ranges:
        try:
            return characters.folded(ranges)
        except KeyError as unknown:
            raise self.refusal(f"{unknown} without regard to case") from unknown

    def _escape(self) -> _Piece:
        named = self._property()
        if named is not None:
            return self._property_piece(named)
        char = self._peek()
        self.at += 1
        if char in _CLASSES:
            return self._class_piece(_CLASSES[char], fold=False)
        if char and char.lower() in _CLASSES:
            return self._class_piece(characters.complement(_CLASSES[char.lower()]), fold=False)
        if char in ("A", "z", "Z"):
            self.made.anchors |= char == "A"
            self.made.ends |= char == "Z"
            spelled = {"A": "\\A", "z": "\\Z", "Z": "(?=\\n?\\Z)"}[char]
            return _Piece(spelled, "\\A" if char == "A" else "\\z", True)
        if char in ("b", "B"):
            return self._boundary(char)
        if char in "123456789" and char:
            return self._back_reference(int(char))
        self.at -= 1
        return self._literal(self._escaped_char())

    def _property(self) -> Ranges | None:
        r"""`p{Lu}`, `P{L}` read; None where none stands here."""
        found = _property(self.source, self.at)
        if not found:
            return None
        if found[2] not in categories.PROPERTIES:
            raise self.refusal(f"\\{found[0]}")
        self.at = found.end()
        ranges = categories.of_property(found[2])
        return characters.complement(ranges) if found[1] == "P" else ranges

    def _bracket(self) -> Ranges | None:
        """`[:alpha:]`, `[:^alpha:]` read; None where none stands here."""
        found = _bracket(self.source, self.at)
        if not found:
            return None
        if found[2] not in categories.BRACKETS:
            raise self.refusal(found[0])
        self.at = found.end()
        ranges = categories.of_bracket(found[2])
        return characters.complement(ranges) if found[1] else ranges

    def _boundary(self, char: str) -> _Piece:
        self.made.boundaries = self.made.anchors = True
        word = "@WORD@"
        here = f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
        there = f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"
        return _Piece(here if char == "b" else there, f"\\{char}", True)

    def _back_reference(self, group: int) -> _Piece:
        if group > self.made.groups or self.fold or self._peek().isdigit() or group in self.made.optional:
            raise self.refusal(f"the back reference \\{group} here")
        return _Piece(f"(?:\\{group})", None, True)

    def _escaped_char(self) -> str:
        char = self._peek()
        if char in _CONTROLS:
            self.at += 1
            return _CONTROLS[char]
        if char and char in _PUNCTUATION:
            self.at += 1
            return char
        found = _hexadecimal(self.source, self.at)
        if not found or (found[1] and int(found[1], 16) > 0x7F) or (found[2] and 0xD800 <= int(found[2], 16) < 0xE000):
            raise self.refusal(f"\\{char}")
        self.at = found.end()
        return chr(int(found[1] or found[2], 16))

    def _class(self) -> _Piece:
        negated = self._peek() == "^"
        self.at += negated
        if self._peek() == "]":
            raise self.refusal("] first in a class; write \\]")
        found: list[tuple[int, int]] = []
        special = False
        while self._peek() != "]":
            named = self._named_item()
            special |= named is not None
            found.extend(self._class_item() if named is None else named)
        self.at += 1
        ranges = characters.merged(found)
        if special and self.fold:
            raise self.refusal("a class by name without regard to case")
        if self.fold and ranges != characters.ANY:
            ranges = self._folded(ranges)
        ranges = characters.complement(ranges) if negated else ranges
        return self._property_piece(ranges) if special else self._class_piece(ranges, fold=False)

    def _named_item(self) -> Ranges | None:
        if self._peek() != "\\":
            found = self._bracket()
        else:
            self.at += 1
            found = self._property()
            self.at -= found is None
        if found is not None and self._peek() == "-" and self._peek(2) != "-]":
            raise self.refusal("a range from a class")
        return found

    def _class_item(self) -> Ranges:
        char = self._peek()
        if not char or char == "[" or self._peek(2) == "&&":
            raise self.refusal("a class inside a class" if char else "a class that does not end")
        if char == "\\":
            following = self._peek(2)[1:]
            if following.lower() in _CLASSES:
                self.at += 2
                ranges = _CLASSES[following.lower()]
                return ranges if following.islower() else characters.complement(ranges)
        low = self._class_char()
        if self._peek() != "-" or self._peek(2) == "-]":
            return ((ord(low), ord(low)),)
        self.at += 1
        if self._peek(2)[:1] == "\\" and self._peek(2)[1:].lower() in _CLASSES:
            raise self.refusal("a range to a class")
        high = self._class_char()
        if high < low or low == "-":
            raise self.refusal(f"the range {low}-{high}")
        return ((ord(low), ord(high)),)

    def _class_char(self) -> str:
        char = self._peek()
        if not char or char == "[":
            raise self.refusal("a class inside a class")
        self.at += 1
        return self._escaped_char() if char == "\\" else char

    def _group(self) -> _Piece:
        fold, dotall = self.fold, self.dotall
        opened, captures = self._opening()
        outer = self.made.groups
        if captures:
            self.made.groups += 1
        body = self._alternatives()
        if self._peek() != ")":
            raise self.refusal("a group that does not end")
        self.at += 1
        self.fold, self.dotall = fold, dotall
        place = opened.startswith(("(?=", "(?!", "(?<"))
        if (place or opened == "(?>") and self.made.groups > outer:
            raise self.refusal("a group that captures inside one that looks around")
        re2 = None if place or opened == "(?>" or body.re2 is None else f"{opened}{body.re2})"
        return _Piece(f"{opened}{body.python})", re2, place or body.nullable)

    def _opening(self) -> tuple[str, bool]:
        """The group's opening as both engines spell it, and whether it captures."""
        if self._peek() != "?":
            self.unnamed = True
            return "(", True
        named = _named(self.source, self.at)
        if named:
            if named[1] in self.made.names:
                raise self.refusal("a name used twice")
            self.made.names[named[1]] = self.made.groups + 1
            self.at = named.end()
            return "(", True
        flags = _flags(self.source, self.at)
        if flags and flags[2] == ":":
            self._set(flags[1])
            self.at = flags.end()
            return "(?:", False
        for opening in ("?:", "?=", "?!", "?<=", "?<!", "?>"):
            if self._peek(len(opening)) == opening:
                self.at += len(opening)
                return f"({opening}", False
        raise self.refusal(f"({self._peek(3)}")


def _spell(ranges: Ranges, write: Callable[[int], str]) -> str:
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return write(ranges[0][0])
    inside = "".join(write(a) if a == b else f"{write(a)}-{write(b)}" for a, b in ranges)
    return f"[{inside}]" if inside else ""


def _plain(code: int) -> bool:
    return (code < 0x80 and chr(code).isalnum()) or chr(code) in " ,_<>;:=@%~\"'!" or 0xA1 <= code < 0xD800


def python_char(code: int) -> str:
    return chr(code) if _plain(code) else f"\\U{code:08x}"


def _re2_char(code: int) -> str:
    return chr(code) if _plain(code) else f"\\x{{{code:x}}}"
