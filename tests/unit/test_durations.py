"""Durations as texts against what Trino 476 answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agecli.engines.duckdb import DuckDBEngine
from agecli.errors import SqlFailed, SqlRefused


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    made = DuckDBEngine(threads=1)
    yield made
    made.close()


def ask(engine: DuckDBEngine, expression: str, values: list[str | None], kind: str = "varchar") -> list[Any]:
    """An expression over a column v."""
    rows = ", ".join(f"({i}, " + ("NULL" if v is None else f"'{v}'") + ")" for i, v in enumerate(values))
    source = f"(SELECT i, CAST(w AS {kind}) AS v FROM (VALUES {rows}) AS t(i, w))"
    return engine.query(f"SELECT {expression} AS r FROM {source} ORDER BY i").column(0).to_pylist()


READABLE = {
    "96": "1 minute, 36 seconds", "3762": "1 hour, 2 minutes, 42 seconds", "0": "0 seconds", "-0.4": "0 seconds",
    "56363463": "93 weeks, 1 day, 8 hours, 31 minutes, 3 seconds", "-96": "1 minute, 36 seconds", "0.5": "1 second",
    "1.5": "2 seconds", "2.5": "3 seconds", "59.5": "1 minute", "604800": "1 week", "31536000": "52 weeks, 1 day",
    "61": "1 minute, 1 second", "3600": "1 hour", "-0.5": "1 second", "0.49999999999999994": "0 seconds",
    "1e18": "1653439153439 weeks, 1 day, 1 hour, 46 minutes, 40 seconds",
    "4503599627370497.5": "7446427955 weeks, 2 days, 3 hours, 48 minutes, 18 seconds",
    "694861": "1 week, 1 day, 1 hour, 1 minute, 1 second",
}  # fmt: skip


def test_human_readable_seconds(engine: DuckDBEngine) -> None:
    shown = ask(engine, "human_readable_seconds(v)", [*READABLE, None], "double")
    assert shown == [*READABLE.values(), None]
    assert ask(engine, "TRY(human_readable_seconds(v))", ["NaN", "Infinity"], "double") == [None, None]
    with pytest.raises(SqlFailed):
        ask(engine, "human_readable_seconds(v)", ["NaN"], "double")
    with pytest.raises(SqlRefused):
        ask(engine, "human_readable_seconds(v)", ["1e19"], "double")


DURATIONS = {
    "42.8ms": 43, "3.81 d": 329_184_000, "5m": 300_000, "1h": 3_600_000, "1.0005s": 1001, "0.5ms": 1, "1.5ms": 2,
    "2.5ms": 3, "1us": 0, "499us": 0, "500us": 1, "1ns": 0, "-1s": None, " 1s": 1000, "1s ": 1000, "1S": None,
    "1.s": None, ".5s": None, "1e3s": None, "1  s": 1000, "0.0015s": 2, "5": None, "s": None, "1h 2m": None,
    "9.999d": 863_913_600, "1w": None, "1s\n": 1000, "\u00a01s": None, "1min": None, "007s": 7000, "١s": None,
}  # fmt: skip


def test_parse_duration(engine: DuckDBEngine) -> None:
    milliseconds = "to_milliseconds(parse_duration(v))"
    assert ask(engine, f"TRY({milliseconds})", [*DURATIONS, None]) == [*DURATIONS.values(), None]
    for text, length in DURATIONS.items():
        if length is None:
            with pytest.raises(SqlFailed):
                ask(engine, milliseconds, [text])
    with pytest.raises(SqlRefused):
        ask(engine, f"TRY({milliseconds})", ["106751991167d"])
