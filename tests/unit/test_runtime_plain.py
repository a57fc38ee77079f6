"""The native form and the exact function agree on whatever the test for plain text lets through, and on the rest."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from agecli.engines.dialect import Source, translate
from agecli.engines.dialect.registry import Macro, needed
from agecli.engines.dialect.types import INTEGER, VARCHAR, parse_type
from agecli.engines.runtime import json_cast, numbers, regexp
from agecli.engines.runtime import json_functions as functions
from agecli.engines.runtime.errors import TrinoError

TEXTS = 3000
WORDS = ["", "a", "b c", "é", "日本", 'x\\"y', "a\\\\b", "\\n", "{", "}", "[", ",]", "nan", ", inf", "1.5", "\\u00e9",
         "\\ud83d\\ude00", "😀", "\\u0000", '\\"k\\":1']  # fmt: skip
NUMBERS = [
    "0",
    "1",
    "-7",
    "-0",
    "1.0",
    "1.50",
    "0.25",
    "1e3",
    "0.001",
    "123456789.5",
    "12345678901234567890",
    "01",
    "5.",
]
KEYS = ["a", "b", "k", "s", "K", "0", "", "a.b"]


def scalar(chance: random.Random) -> str:
    word = '"' + chance.choice(WORDS) + '"'
    return chance.choice([word, word, chance.choice(NUMBERS), "null", "true", "false"])


def value(chance: random.Random, depth: int) -> str:
    space = chance.choice(["", "", " ", "\n"])
    kind = chance.random() if depth else 0.0
    if kind < 0.4:
        return scalar(chance)
    items = [value(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    if kind < 0.7:
        return "[" + space + ("," + space).join(items) + "]"
    return "{" + ",".join(f'{space}"{chance.choice(KEYS)}":{item}' for item in items) + "}"


def mutated(text: str, chance: random.Random) -> str:
    if text and chance.random() < 0.3:
        at = chance.randrange(len(text))
        extra = chance.choice(['"', "\\", "{", "}", "[", "]", ",", "0", ".", "NaN", " ", "\x01", "\ufeff"])
        text = text[:at] + chance.choice(["", extra]) + text[at + chance.randint(0, 1) :]
    return text


def texts() -> list[str]:
    chance = random.Random(20241231)
    made = [mutated(value(chance, chance.randint(0, 3)), chance) for _ in range(TEXTS)]
    rows = []
    for _ in range(TEXTS // 2):
        pairs = [f'{{"k":{scalar(chance)},"{chance.choice("ksz")}":{scalar(chance)}}}' for _ in range(2)]
        rows.append(f"[{','.join(pairs)}]")
    return made + rows


def run(expression: str, values: list[str]) -> list[Any]:
    """The expression, translated and run by DuckDB over a column v."""
    source = Source((("i", INTEGER), ("v", VARCHAR)), "inputs")
    sql = translate(f"SELECT i, {expression} AS x FROM t", {"t": source}).sql
    inputs = pa.table({"i": pa.array(range(len(values)), pa.int32()), "v": pa.array(values, pa.string())})
    with duckdb.connect() as connection:
        for definition in needed(sql):
            if isinstance(definition, Macro):
                connection.execute(f"CREATE MACRO {definition.name}{definition.definition}")
            else:
                connection.create_function(definition.name, definition.function, list(definition.parameters),
                                           definition.returns, type="arrow", null_handling="special")  # fmt: skip
        connection.register("inputs", inputs)
        return [x for _, x in sorted(connection.execute(sql).fetchall(), key=lambda row: row[0])]


def quietly(body: Callable[[str], Any], text: str) -> Any:
    try:
        return body(text)
    except TrinoError:
        return None


def path(body: Callable[[str, str], Any], where: str) -> Callable[[str], Any]:
    return lambda text: body(text, where)


PATHS = ("$", "$.a", "$[0]", '$["a.b"]', "$[1].k")
JSON_FORMS: list[tuple[str, Callable[[str], Any]]] = [
    ("json_array_length(v)", functions.json_array_length),
    *((f"json_extract_scalar(v, '{p}')", path(functions.json_extract_scalar, p)) for p in PATHS),
    *((f"json_extract(v, '{p}')", path(functions.json_extract, p)) for p in ("$", "$.a", "$[0]")),
    *(
        (f"TRY(CAST(json_parse(v) AS {kind}))", json_cast.caster(parse_type(kind)))
        for kind in (
            "array(varchar)", "array(bigint)", "array(double)", "array(boolean)", "array(json)",
            "row(k varchar, s varchar)", "array(row(k varchar, s varchar))", "array(row(k bigint, s double))",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "exact"), JSON_FORMS, ids=[e for e, _ in JSON_FORMS])
def test_native_json_is_exact_json(expression: str, exact: Callable[[str], Any]) -> None:
    values = texts()
    for text, found in zip(values, run(expression, values), strict=True):
        assert repr(found) == repr(quietly(exact, text)), text


def number_texts() -> list[str]:
    chance = random.Random(7)
    alphabet = "0123456789.eE+-fd NI_x\t\u00a0３"
    made = ["".join(chance.choice(alphabet) for _ in range(chance.randint(0, 8))) for _ in range(TEXTS)]
    return [
        *made,
        *(str(chance.randint(-(10**18), 10**18)) for _ in range(200)),
        *(repr(chance.uniform(-1e9, 1e9)) for _ in range(200)),
    ]


NUMBER_FORMS: list[tuple[str, Callable[[str], Any]]] = [
    ("TRY_CAST(v AS integer)", lambda t: numbers.integer_from_text(t, 32)),
    ("TRY_CAST(v AS bigint)", lambda t: numbers.integer_from_text(t, 64)),
    ("TRY_CAST(v AS double)", numbers.double_from_text),
    ("TRY_CAST(v AS real)", numbers.real_from_text),
    ("TRY_CAST(v AS decimal(12,2))", lambda t: numbers.decimal_from_text(t, 12, 2)),
    ("CAST(TRY_CAST(v AS double) AS varchar)", lambda t: numbers.double_text(numbers.double_from_text(t))),
]


@pytest.mark.parametrize(("expression", "exact"), NUMBER_FORMS, ids=[e for e, _ in NUMBER_FORMS])
def test_native_numbers_are_java_numbers(expression: str, exact: Callable[[str], Any]) -> None:
    values = number_texts()
    for text, found in zip(values, run(expression, values), strict=True):
        assert repr(found) == repr(quietly(exact, text)), text


PATTERNS = [r"\w+", r"[^,;]+", r"(\d+)-(\d+)", "a$", r"(?i)ab?", r"\ba", "[a-c]+?", "(a|b)c", r"\s", "^a", "a{2,3}"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_re2_finds_what_python_finds(pattern: str) -> None:
    chance = random.Random(pattern)
    values = ["".join(chance.choice("abcAB 12-,;é\n") for _ in range(chance.randint(0, 9))) for _ in range(500)]
    for function, exact in (
        ("regexp_like", regexp.like),
        ("regexp_count", regexp.count),
        ("regexp_split", regexp.split),
    ):
        assert run(f"{function}(v, '{pattern}')", values) == [exact(v, pattern) for v in values]
    assert run(f"regexp_extract(v, '{pattern}')", values) == [regexp.extract(v, pattern, 0) for v in values]
    assert run(f"regexp_extract_all(v, '{pattern}')", values) == [regexp.extract_all(v, pattern, 0) for v in values]
    assert run(f"regexp_replace(v, '{pattern}', '<$0>')", values) == [
        regexp.replace(v, pattern, "<$0>") for v in values
    ]
