"""Types of Athena's dialect: their words, what they coerce to, and the types of expressions."""

from __future__ import annotations

import pytest

from agecli.engines.dialect import translate
from agecli.engines.dialect.scope import Source
from agecli.engines.dialect.types import coerces, common_type, parse_type

COLUMNS = {
    "v": "varchar", "n": "bigint", "i": "integer", "s": "smallint", "x": "double", "r": "real", "c": "decimal(12,2)",
    "q": "decimal(5,3)", "d": "date", "ts": "timestamp(3)", "ai": "array(integer)", "m": "map(varchar,integer)",
}  # fmt: skip
TABLE = {"t": Source(tuple((name, parse_type(kind)) for name, kind in COLUMNS.items()), "t")}


def type_of(expression: str) -> str:
    return str(translate(f"SELECT {expression} AS r FROM t", TABLE).columns[0][1])


@pytest.mark.parametrize(
    "words",
    [
        "bigint",
        "varchar(3)",
        "decimal(12,2)",
        "timestamp(3) with time zone",
        "array(row(a integer, b varchar(3)))",
        "map(varchar, array(double))",
        "row(integer, varchar(1))",
    ],
)
def test_a_type_reads_back_as_it_is_written(words: str) -> None:
    assert str(parse_type(words)) == words
    assert parse_type(str(parse_type(words))) == parse_type(words)


@pytest.mark.parametrize("words", ["frob", "array", "array(", "decimal(a,b)", "varchar(3) varchar"])
def test_words_that_are_no_type_are_an_error(words: str) -> None:
    with pytest.raises(ValueError, match=r"type|param|closed|missing"):
        parse_type(words)


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("integer", "bigint", "bigint"),
        ("integer", "decimal(2,1)", "decimal(11,1)"),
        ("bigint", "real", "real"),
        ("decimal(12,2)", "double", "double"),
        ("varchar(1)", "varchar(3)", "varchar(3)"),
        ("date", "timestamp(3)", "timestamp(3)"),
        ("array(integer)", "array(double)", "array(double)"),
        ("unknown", "json", "json"),
        ("varchar", "integer", None),
    ],
)
def test_two_types_meet_as_on_trino(one: str, other: str, common: str | None) -> None:
    met = common_type(parse_type(one), parse_type(other))
    assert (None if met is None else str(met)) == common
    assert met == common_type(parse_type(other), parse_type(one))


def test_coercion_never_narrows() -> None:
    assert coerces(parse_type("integer"), parse_type("bigint"))
    assert not coerces(parse_type("bigint"), parse_type("integer"))
    assert not coerces(parse_type("varchar"), parse_type("varchar(3)"))
    assert not coerces(parse_type("bigint"), parse_type("decimal(5,0)"))


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("1", "integer"), ("2147483648", "bigint"), ("1.50", "decimal(3,2)"), ("00.5", "decimal(1,1)"),
        ("1e3", "double"), ("'abc'", "varchar(3)"), ("NULL", "unknown"), ("i + s", "integer"), ("n / 2", "bigint"),
        ("c + q", "decimal(14,3)"), ("c * q", "decimal(17,5)"), ("c / q", "decimal(16,3)"), ("c % q", "decimal(5,3)"),
        ("c + n", "decimal(22,2)"), ("c * 1.5", "decimal(14,3)"), ("r + n", "real"), ("r + c", "real"),
        ("x + c", "double"),
        ("d - d", "interval day to second"), ("d + INTERVAL '1' MONTH", "date"), ("v || v", "varchar"),
        ("IF(i > 0, 1, 2.5)", "decimal(11,1)"), ("ARRAY[1, 2.5e0]", "array(double)"), ("m['a']", "integer"),
        ("ROW(1, v)", "row(integer, varchar)"), ("TIMESTAMP '2024-01-01 00:00:00'", "timestamp(0)"),
        ("CAST(v AS TIMESTAMP)", "timestamp(3)"), ("transform(ai, z -> z * 1.5)", "array(decimal(12,1))"),
        ("reduce(ai, 0, (s, z) -> s + z * 1e0, s -> s)", "double"), ("count(*)", "bigint"),
        ("sum(c)", "decimal(38,2)"), ("avg(c)", "decimal(12,2)"), ("avg(i)", "double"), ("sum(r)", "real"),
    ],
)  # fmt: skip
def test_an_expression_has_trinos_type(expression: str, kind: str) -> None:
    assert type_of(expression) == kind
