r"""Regular expressions as Joni reads them. Expected values are Trino 476's answers."""

from __future__ import annotations

import pytest

from agecli.engines.runtime import regexp
from agecli.engines.runtime.errors import GuardError
from agecli.engines.runtime.regexp_syntax import PatternRefused, read

FIRST = [
    (r"\d+", "٣٤ 12", "12"),
    (r"\w+", "é_a", "_a"),
    (r"a\sb", "a\u00a0b a\x0bb", "a\x0bb"),
    (r".+", "abc\r\u2028\ndef", "abc\r\u2028"),
    (r"c$", "abc\n", "c"),
    (r"c$", "abc\ndef", None),
    (r"^def", "abc\ndef", None),
    (r"abc\z", "abc\n", None),
    (r"\b\w+", "ünion", None),
    (r"(?i)k", "\u212a", "\u212a"),
    (r"(?i)[a-z]", "ſ", "ſ"),
    (r"(?i)[^a-z]", "ſ", None),
    (r"(?i)strasse", "Straße", "Straße"),
    (r"(?i)ss", "ẞ", None),
    (r"(?i)i", "ı", None),
    (r"(?i)é", "É", "É"),
    (r"a++b", "aab", "aab"),
    (r"(?<=a)b", "bab", "b"),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), FIRST)
def test_what_matches_first(pattern: str, text: str, expected: str | None) -> None:
    assert regexp.extract(text, pattern, 0) == expected


def test_groups_that_take_no_part_are_null_and_replaced_by_nothing() -> None:
    assert regexp.extract("b", "(a)?b", 1) is None
    assert regexp.replace("b", "(a)?b", "<$1>") == "<>"


def test_after_an_empty_match_the_search_moves_on() -> None:
    assert regexp.extract_all("abc", "a*?", 0) == ["", "", "", ""]
    assert regexp.extract_all("baac", "a*", 0) == ["", "aa", "", ""]
    assert regexp.split("ab", "x*") == ["", "a", "b", ""]
    assert regexp.position("a,b", ",", 1, 1) == 2
    assert regexp.position("a,b", ",", 3, 1) == -1


def test_replacements_name_groups() -> None:
    assert regexp.replace("ab", "(a)(b)", "$2$1$0\\$") == "baab$"
    assert regexp.replace("ab", "(?<x>a)", "${x}${x}") == "aab"
    for template in ("$", "$9", "${y}", "\\", "$x"):
        with pytest.raises(regexp.ReplacementRefused):
            regexp.replacement(template, "(a)(b)")


BY_CATEGORY = [
    ("[[:punct:]]+", '"#$+a-b_', ['"#', "-", "_"]),
    ("[^[:alpha:]]", "é1\u03011\U0001f600", ["1", "\u0301", "1", "\U0001f600"]),
    ("[[:alpha:]_]+", "é_Ωǅ x\u0345", ["é_Ωǅ", "x\u0345"]),
    (r"[\p{Lu}-]", "aB-Ωǅ", ["B", "-", "Ω"]),
    (r"(?i)\p{Ll}+", "aBé", ["a", "é"]),
    (r"[^\P{L}a]", "a-bé", ["b", "é"]),
    (r"\p{L}{1,2}", "été 1", ["ét", "é"]),
    (r"[-\p{N}]", "1٣-²", ["1", "٣", "-", "²"]),
    ("[[:upper:][:digit:]]", "aB1٣Ⅷ", ["B", "1", "٣", "Ⅷ"]),
    (r"\p{L}", "ა\u1c90\u10d0\u0560", ["ა", "\u10d0"]),
    (r"\p{Ll}", "\u10d0a\u2c5f", ["a"]),
    (r"\p{M}", "x\u0301", ["\u0301"]),
    ("[[:space:]]", "\x0b\u00a0\u200b\u180e", ["\x0b", "\u00a0", "\u180e"]),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), BY_CATEGORY)
def test_classes_by_name_are_those_of_unicode_6(pattern: str, text: str, expected: list[str]) -> None:
    assert regexp.extract_all(text, pattern, 0) == expected


def test_re2_reads_classes_by_name_in_ascii_only() -> None:
    assert (read(r"\p{Lu}").re2, read(r"\p{Lu}").properties) == ("[A-Z]", True)
    assert read(r"\p{M}").re2 == r"[^\x{0}-\x{10ffff}]"


REFUSED = [r"\p{Lt}", r"\p{IsAlphabetic}", r"\pL", r"\p{^L}", "[[:graph:]]", "[[:alpha:]-z]", "(?i)[[:alpha:]]",
           "[a&&b]", "(?m)a", "(?x)a", r"\Qa\E", "a{,2}", "a{", "*a", "(a*)*", "[]a]",
           "(?i)ß", "(?i)σ", r"\h", "(?<a>x)(y)", "a**", "(a", "a)", r"(?=(a))",
           r"\u{41}", r"(a|(b))*", "^*"]  # fmt: skip


@pytest.mark.parametrize("pattern", REFUSED)
def test_syntax_whose_meaning_is_not_known_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(PatternRefused) as refused:
        read(pattern)
    assert repr(pattern) in str(refused.value)


def test_re2_has_no_spelling_for_what_it_cannot_say() -> None:
    for pattern in ("(?=a)a", "(a)\\1", "a++", "(?>a)b", "(?<!a)b"):
        assert read(pattern).re2 is None
    assert read("a$").ends
    assert read(r"\ba").boundaries
    assert read("(a)?b").optional == {1}


def test_texts_on_which_the_engines_may_differ_stop() -> None:
    with pytest.raises(GuardError):
        regexp.like("o\ufb03ce", "(?i)office")
    with pytest.raises(GuardError):
        regexp.like("a²", r"\ba")
