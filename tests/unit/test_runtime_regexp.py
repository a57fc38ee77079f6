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


REFUSED = [r"\p{L}", "[[:alpha:]]", "[a&&b]", "(?m)a", "(?x)a", r"\Qa\E", "a{,2}", "a{", "*a", "(a*)*", "[]a]",
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
