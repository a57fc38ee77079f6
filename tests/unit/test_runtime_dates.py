"""Dates and times against what Trino 476 answered, and DuckDB's fast forms against the exact ones."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agecli.engines.duckdb import DuckDBEngine
from agecli.engines.runtime import date_formats, dates, iso8601
from agecli.engines.runtime.errors import GuardError, TrinoError
from agecli.errors import SqlFailed, SqlRefused

EPOCH = datetime.datetime(1970, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    made = DuckDBEngine(threads=1)
    yield made
    made.close()


def ask(engine: DuckDBEngine, expression: str, values: list[str | None], kind: str = "varchar") -> list[Any]:
    """An expression over a column v, as text."""
    rows = ", ".join(f"({i}, {literal(v)})" for i, v in enumerate(values))
    source = f"(SELECT i, CAST(w AS {kind}) AS v FROM (VALUES {rows}) AS t(i, w))"
    return engine.query(f"SELECT CAST({expression} AS varchar) AS r FROM {source} ORDER BY i").column(0).to_pylist()


def literal(value: str | None) -> str:
    return "CAST(NULL AS varchar)" if value is None else "'" + value.replace("'", "''") + "'"


CASTS_TO_DATE = {
    "2024-03-01": "2024-03-01", "2024-3-1": "2024-03-01", "24-3-1": "0024-03-01", "02024-03-01": "2024-03-01",
    "+2024-03-01": "2024-03-01", "-2024-03-01": "-2024-03-01", "0000-01-01": "0000-01-01", "-1-1-1": "-0001-01-01",
    "10000-01-01": "10000-01-01", "999999999-01-01": None, "5881580-07-12": None, " 2024-03-01": "2024-03-01",
    "\t2024-03-01\n": "2024-03-01", "\u00a02024-03-01": None, "\u20032024-03-01": "2024-03-01", "2024-003-01": None,
    "2024-03-001": None, "2024-03": None, "20240301": None, "2024-03-01T00:00:00": None, "2024-02-29": "2024-02-29",
    "2023-02-29": None, "2024-13-01": None, "2024-01-00": None, "": None, "2024-+3-01": None, "2024-03- 1": None,
    "+-2024-01-01": None, "\x1f2024-03-01": "2024-03-01", "1000000000-01-01": None, "infinity": None, "epoch": None,
    "٢٠٢٤-03-01": None,
}  # fmt: skip
CASTS_TO_TIMESTAMP = {
    "2024-03-01": "2024-03-01 00:00:00.000", "24-3-1": None, "10000-01-01": "+10000-01-01 00:00:00.000",
    "2024-03-01 10:11:12": "2024-03-01 10:11:12.000", "2024-03-01 1:1:1": "2024-03-01 01:01:01.000",
    "2024-03-01 10:11": "2024-03-01 10:11:00.000", "2024-03-01 10": None, "2024-03-01 24:00:00": None,
    "2024-03-01 23:59:60": None, "2024-03-01 10:11:12.": None, "2024-03-01 10:11:12.1": "2024-03-01 10:11:12.100",
    "2024-03-01 10:11:12.9999999": "2024-03-01 10:11:13.000", "2024-03-01 10:11:12.99949": "2024-03-01 10:11:12.999",
    "2024-03-01 10:11:12Z": "2024-03-01 10:11:12.000", "2024-03-01 10:11:12 +01:00": "2024-03-01 10:11:12.000",
    "2024-03-01 10:11:12.5 America/New_York": "2024-03-01 10:11:12.500", "2024-03-01 10:11:12 xx": None,
    "2024-03-01  10:11:12": None, "2024-03-01T10:11:12": None, "2024-03-01 Z": "2024-03-01 00:00:00.000",
    "1969-12-31 23:59:59.0005": "1969-12-31 23:59:59.001", "9999-12-31 23:59:59.9999": "+10000-01-01 00:00:00.000",
    "\u20032024-03-01 10:11:12": "2024-03-01 10:11:12.000", "2024-03-01 10:11:12 PM": None,
}  # fmt: skip
PARSED = {
    "%Y-%m": {"2024-3": "2024-03-01 00:00:00", "24-03": "0024-03-01 00:00:00", "-2024-03": "-2024-03-01 00:00:00",
              "2024-13": None, "2024-00": None, "99999-03": None, " 2024-03": None, "2024-03x": None, "2024": None},
    "%Y-%m-%d": {"2024-3-1": "2024-03-01 00:00:00", "12345-1-1": "+12345-01-01 00:00:00", "2024-03": None,
                 "02024-03-01": "2024-03-01 00:00:00", " 2024-03-01": None, "2023-02-29": None},
    "%m/%d/%Y": {"2/29/2024": "2024-02-29 00:00:00", "02/29/2023": None, "12/31/20201": None,
                 "1/1/0": "0000-01-01 00:00:00"},
    "%y": {"69": "2069-01-01 00:00:00", "70": "1970-01-01 00:00:00", "7": None, "100": None, "+7": None},
    "%d.%m.": {"29.2.": "2000-02-29 00:00:00", "30.2.": None},
    "%H:%i:%s": {"1:1:1": "1970-01-01 01:01:01", "24:00:00": None, "23:59:59": "1970-01-01 23:59:59"},
    "%h:%i %p": {"12:05 AM": "1970-01-01 00:05:00", "12:05 PM": "1970-01-01 12:05:00", "13:05 PM": None},
    "%d %b %Y": {"1 MARCH 2024": "2024-03-01 00:00:00", "1 mArch 2024": None, "29 February 2023": None},
    "%Y-%m-%dT%H:%i:%sZ": {"2024-03-01t10:11:12z": "2024-03-01 10:11:12", "2024-03-01T10:11:12": None},
    "%Y %j": {"2024 366": "2024-12-31 00:00:00", "2023 366": None, "2024 0": None},
    "%a %d %b %Y": {"Fri 1 Mar 2024": "2024-03-01 00:00:00", "Mon 1 Mar 2024": "2024-02-26 00:00:00"},
    "%W": {"Monday": "2000-12-25 00:00:00"},
    "%Y%m%d": {"20240301": "2024-03-01 00:00:00", "202431": None, "12024031": None},
}  # fmt: skip


@pytest.mark.parametrize("cast", ["CAST", "TRY_CAST"])
def test_casts_from_text_read_what_trino_reads(engine: DuckDBEngine, cast: str) -> None:
    for kind, table in (("date", CASTS_TO_DATE), ("timestamp(3)", CASTS_TO_TIMESTAMP)):
        good = {text: answer for text, answer in table.items() if answer or cast == "TRY_CAST"}
        assert ask(engine, f"{cast}(v AS {kind})", [None, *good]) == [None, *good.values()]


def test_a_cast_of_what_is_no_date_fails(engine: DuckDBEngine) -> None:
    for text in [t for t, answer in CASTS_TO_DATE.items() if answer is None]:
        with pytest.raises(SqlFailed):
            ask(engine, "CAST(v AS date)", [text])


@pytest.mark.parametrize("pattern", PARSED)
def test_date_parse_reads_what_trino_reads(engine: DuckDBEngine, pattern: str) -> None:
    table = PARSED[pattern]
    expected = [answer and f"{answer}.000" for answer in table.values()]
    assert ask(engine, f"TRY(date_parse(v, '{pattern}'))", [*table]) == expected
    for text, answer in table.items():
        if answer is None:
            with pytest.raises(SqlFailed):
                ask(engine, f"date_parse(v, '{pattern}')", [text])


@pytest.mark.parametrize("pattern", ["%U", "%D", "%Y-%", "%q", "%k:%l", "%Y %m %m", "%j %d", "%x"])
def test_formats_that_are_not_known_are_refused(engine: DuckDBEngine, pattern: str) -> None:
    with pytest.raises(SqlRefused):
        ask(engine, f"date_parse(v, '{pattern}')", ["2024"])


EVERY_TOKEN = "%a|%b|%c|%d|%e|%f|%H|%h|%I|%i|%j|%k|%l|%M|%m|%p|%r|%S|%s|%T|%v|%W|%x|%Y|%y|%%"
PRINTED = {
    "2024-12-30 00:00:00.001": "Mon|Dec|12|30|30|001000|00|12|12|00|365|0|12|December|12|AM|12:00:00 AM|00|00|00:00:00"
    "|01|Monday|2025|2024|24|%",
    "2023-01-01 12:59:59.999": "Sun|Jan|1|01|1|999000|12|12|12|59|001|12|12|January|01|PM|12:59:59 PM|59|59|12:59:59"
    "|52|Sunday|2022|2023|23|%",
    "0000-01-01 13:00:00": "Sat|Jan|1|01|1|000000|13|01|01|00|001|13|1|January|01|PM|01:00:00 PM|00|00|13:00:00"
    "|52|Saturday|-0001|0000|00|%",
    "12345-03-05 07:08:09": "Mon|Mar|3|05|5|000000|07|07|07|08|064|7|7|March|03|AM|07:08:09 AM|09|09|07:08:09"
    "|10|Monday|12345|12345|45|%",
    "-12345-01-01 00:00:00": "Fri|Jan|1|01|1|000000|00|12|12|00|001|0|12|January|01|AM|12:00:00 AM|00|00|00:00:00"
    "|53|Friday|-12346|-12345|45|%",
}


def test_date_format_prints_what_trino_prints(engine: DuckDBEngine) -> None:
    assert ask(engine, f"date_format(v, '{EVERY_TOKEN}')", [*PRINTED], "timestamp(3)") == [*PRINTED.values()]


def test_times_finer_than_milliseconds_are_rounded_before_they_are_printed(engine: DuckDBEngine) -> None:
    values: list[str | None] = ["2023-02-28 23:59:59.999678", "1969-12-31 11:59:59.5678"]
    printed = ask(engine, "date_format(v, '%e %s.%f')", values, "timestamp(6)")
    assert printed == ["1 00.000000", "31 59.568000"]
    assert ask(engine, "CAST(v AS timestamp(0))", values, "timestamp(6)") == [
        "2023-03-01 00:00:00",
        "1969-12-31 12:00:00",
    ]
    assert ask(engine, "to_unixtime(v)", values, "timestamp(6)") == ["1.6776287999996781E9", "-4.3200432199999996E4"]


def test_format_datetime_takes_jodas_patterns_and_refuses_the_rest(engine: DuckDBEngine) -> None:
    value: list[str | None] = ["2024-03-05 07:08:09.012"]
    pattern = "yyyy-MM-dd''T''HH:mm:ss.SSS E EEEE MMM d h a ''it''''s''"
    assert ask(engine, f"format_datetime(v, '{pattern}')", value, "timestamp(3)") == [
        "2024-03-05T07:08:09.012 Tue Tuesday Mar 5 7 AM it's"
    ]
    for refused in ("yyyyy", "G", "Z", "SS", "''open"):
        with pytest.raises(SqlRefused):
            ask(engine, f"format_datetime(v, '{refused}')", value, "timestamp(3)")


DIFFERENCES = [
    ("month", "2024-01-31", "2024-02-29", 1), ("month", "2024-01-31", "2024-02-28", 0),
    ("month", "2024-02-29", "2024-01-31", -1),
    ("year", "2024-02-29", "2025-02-28", 1), ("year", "2023-02-28", "2024-02-27", 0),
    ("quarter", "2024-01-31", "2024-04-30", 1),
    ("week", "2024-03-01", "2024-03-14", 1), ("day", "2024-03-01", "2024-02-28", -2),
    ("year", "2024-03-01", "2023-03-02", 0),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "start", "end", "expected"), DIFFERENCES)
def test_date_diff_counts_full_units(engine: DuckDBEngine, unit: str, start: str, end: str, expected: int) -> None:
    assert ask(engine, f"date_diff('{unit}', v, DATE '{end}')", [start], "date") == [str(expected)]


def test_date_diff_of_times_counts_whole_milliseconds(engine: DuckDBEngine) -> None:
    value: list[str | None] = ["2024-01-01 10:59:00.000999"]
    for unit, expected in (("hour", "0"), ("minute", "2"), ("millisecond", "120000")):
        sql = f"date_diff('{unit}', v, TIMESTAMP '2024-01-01 11:01:00')"
        assert ask(engine, sql, value, "timestamp(6)") == [expected]


PARTS = {
    "year": "2020", "quarter": "1", "month": "3", "week": "9", "day_of_month": "1", "dow": "7", "doy": "61",
    "yow": "2020", "hour": "23", "minute": "59", "second": "58", "millisecond": "7",
}  # fmt: skip


def test_parts_of_a_time(engine: DuckDBEngine) -> None:
    for name, expected in PARTS.items():
        assert ask(engine, f"{name}(v)", ["2020-03-01 23:59:58.007"], "timestamp(3)") == [expected]
    assert ask(engine, "year_of_week(v) * 100 + week(v)", ["2021-01-03", "2024-12-30", "0000-01-01"], "date") == [
        "202053", "202501", "-48",
    ]  # fmt: skip


def test_sums_end_at_the_last_day_of_a_month(engine: DuckDBEngine) -> None:
    assert ask(engine, "date_add('month', 1, v)", ["2024-01-31", "2023-01-31"], "date") == ["2024-02-29", "2023-02-28"]
    assert ask(engine, "date_add('year', -1, v)", ["2024-02-29"], "date") == ["2023-02-28"]
    assert ask(engine, "date_trunc('week', v)", ["2024-03-03", "0000-01-01"], "date") == ["2024-02-26", "-0001-12-27"]


def test_units_that_a_date_does_not_have_are_refused(engine: DuckDBEngine) -> None:
    for sql in ("date_diff('hour', v, v)", "date_trunc('hour', v)", "date_add('hour', 1, v)", "date_trunc(' day', v)"):
        with pytest.raises(SqlRefused):
            ask(engine, sql, ["2024-01-01"], "date")


ISO_DATES = {
    "2024": "2024-01-01", "2024-3": "2024-03-01", "2024-060": "2024-02-29", "2024-60": None, "2023-366": None,
    "2024-W10": "2024-03-04", "2024-w10-2": "2024-03-05", "2020-W53-7": "2021-01-03", "2021-W53": None,
    "2024W10": None,
    "-2024-03-01": "-2024-03-01", "12345-03-01": "12345-03-01", " 2024-03-01": None, "2024-03-01T": None,
    "2024-0060": None,
}  # fmt: skip
ISO_INSTANTS = {
    "2024-03-01T10:11:12Z": "2024-03-01 10:11:12.000", "2024-03-01t10:11:12,5z": "2024-03-01 10:11:12.500",
    "2024-03-01T10:11.5": "2024-03-01 10:11:30.000", "2024-03-01T10.5": "2024-03-01 10:30:00.000",
    "2024-03-01T10:11:12.9999Z": "2024-03-01 10:11:12.999", "2024-03-01T10:11:12.1234567890Z": None,
    "2024-03-01T23:30:00-05:00": "2024-03-02 04:30:00.000", "2024-03-01T+01:00": "2024-02-29 23:00:00.000",
    "2024-03-01+01:00": None, "2024-03-01 10:11:12": None, "T10:11": "1970-01-01 10:11:00.000", "T": None,
    "2024-03-01T24:00:00": None, "2024-03-01T10:11:12+1": None, "99999-01-01T00:00:00Z": None,
}  # fmt: skip


def test_iso_8601_texts(engine: DuckDBEngine) -> None:
    assert ask(engine, "TRY(from_iso8601_date(v))", [*ISO_DATES]) == [*ISO_DATES.values()]
    sql = "CAST(TRY(from_iso8601_timestamp(v)) AT TIME ZONE 'UTC' AS timestamp(3))"
    assert ask(engine, sql, [*ISO_INSTANTS]) == [*ISO_INSTANTS.values()]


def test_the_date_of_an_iso_text_is_that_of_its_own_zone(engine: DuckDBEngine) -> None:
    values: list[str | None] = ["2024-03-01T23:30:00-05:00", "2024-03-01T00:30:00+05:45", None]
    assert ask(engine, "date(from_iso8601_timestamp(v))", values) == ["2024-03-01", "2024-03-01", None]
    assert ask(engine, "day(TRY(from_iso8601_timestamp(substr(v, 1, 25))))", values) == ["1", "1", None]
    with pytest.raises(SqlRefused):
        ask(engine, "date(from_iso8601_timestamp(substr(v, 1, 25)) + INTERVAL '1' HOUR)", values)
    with pytest.raises(SqlRefused):
        ask(engine, "date(nullif(from_iso8601_timestamp(v), TIMESTAMP '2024-01-01 00:00:00 UTC'))", values)


def test_times_with_a_zone(engine: DuckDBEngine) -> None:
    values: list[str | None] = ["2024-03-10 06:59:59", "2024-03-10 07:00:00"]
    assert ask(engine, "at_timezone(v, 'America/New_York')", values, "timestamp(3)") == [
        "2024-03-10 01:59:59.000 America/New_York",
        "2024-03-10 03:00:00.000 America/New_York",
    ]
    assert ask(engine, "from_unixtime(v)", ["-0.0005", "0.0005", "1709287872.9995"], "double") == [
        "1970-01-01 00:00:00.000 UTC", "1970-01-01 00:00:00.001 UTC", "2024-03-01 10:11:13.000 UTC",
    ]  # fmt: skip
    for zone, year in (("Europe/Berlin", 1899), ("Europe/Oslo", 1969), ("Europe/Berlin", 2100)):
        with pytest.raises(SqlRefused, match="stopped"):
            ask(engine, f"hour(at_timezone(v, '{zone}'))", [f"{year}-07-01 00:00:00"], "timestamp(3)")
    with pytest.raises(SqlRefused, match="zone"):
        ask(engine, "hour(at_timezone(v, 'Africa/Casablanca'))", ["2024-01-01 00:00:00"], "timestamp(3)")


@pytest.mark.parametrize("clock", ["current_date", "now()", "current_timestamp", "localtimestamp", "current_time"])
def test_clocks_are_refused_with_the_name_of_what_to_write(engine: DuckDBEngine, clock: str) -> None:
    with pytest.raises(SqlRefused) as raised:
        engine.query(f"SELECT {clock} AS r")
    assert "${as_of}" in raised.value.fix


def test_what_cannot_be_told_stops_the_query_even_inside_try() -> None:
    for text in ("2024-03-01 10:11:12 CET", "2024-03-01 10:11:12.1234567890123", "999999-01-01 00:00:00"):
        with pytest.raises(GuardError):
            dates.text_to_timestamp(text, 3)
    with pytest.raises(GuardError):
        iso8601.from_iso8601_timestamp("2024-03-01T10:11:12+15:00")


DAYS = st.integers(-dates.MAX_DAYS, dates.MAX_DAYS)


@given(DAYS)
def test_a_date_survives_its_text(days: int) -> None:
    assert dates.text_to_date(dates.date_text(days)) == days
    assert dates.days_of(*dates.date_of(days)) == days


@given(st.datetimes())
def test_texts_of_usual_times_are_those_of_python(value: datetime.datetime) -> None:
    assert dates.timestamp_text(value, 6) == value.isoformat(sep=" ", timespec="microseconds")
    assert date_formats.week((value - EPOCH).days) == value.isocalendar()[:2]
    assert dates.text_to_timestamp(dates.timestamp_text(value, 6), 6) == (value - EPOCH) // MICROSECOND


@given(st.text(alphabet="0123456789-+/: .TZWapmMar", max_size=20))
def test_texts_are_read_or_refused_but_never_crash(text: str) -> None:
    for read in (dates.text_to_date, dates.date_parse_iso, iso8601.from_iso8601_date, iso8601.from_iso8601_timestamp):
        try:
            assert isinstance(read(text), int)
        except (TrinoError, GuardError):
            continue


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=60))
def test_fast_forms_print_as_the_exact_ones(engine: DuckDBEngine, milliseconds: list[int]) -> None:
    rows = ", ".join(f"({i}, CAST({ms} AS bigint))" for i, ms in enumerate(milliseconds))
    moment = "TIMESTAMP '1970-01-01 00:00:00.000' + w * INTERVAL '0.001' SECOND"
    found = engine.query(f"SELECT date_format(m, '{EVERY_TOKEN}') AS r, CAST(m AS varchar) AS t FROM "
                         f"(SELECT i, {moment} AS m FROM (VALUES {rows}) AS t(i, w)) ORDER BY i")  # fmt: skip
    assert found.column(0).to_pylist() == [date_formats.date_format(ms * 1000, EVERY_TOKEN) for ms in milliseconds]
    assert found.column(1).to_pylist() == [dates.moment_text(ms * 1000, 3) for ms in milliseconds]


FORMATS = [
    "%m/%d/%Y",
    "%Y%m%d",
    "%c/%e/%y",
    "%d %b %Y",
    "%M %e, %Y",
    "%Y-%m-%d %H:%i:%s",
    "%d.%m.%Y %l:%i %p",
    "%Y%%%m",
]


@settings(max_examples=5, deadline=None)
@pytest.mark.parametrize("pattern", FORMATS)
@given(st.lists(st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)), min_size=1, max_size=60))
def test_fast_forms_read_as_the_exact_ones(engine: DuckDBEngine, pattern: str, values: list[datetime.datetime]) -> None:
    printed = [date_formats.date_format((v - EPOCH) // MICROSECOND, pattern) for v in values]
    texts: list[str | None] = [
        *printed,
        *(t.replace("0", "") for t in printed),
        *(t.replace("1", "9") for t in printed),
    ]
    expected = [exactly_parsed(str(t), pattern) for t in texts]
    assert ask(engine, f"TRY(date_parse(v, '{pattern}'))", texts) == expected


def exactly_parsed(text: str, pattern: str) -> str | None:
    try:
        return dates.moment_text(date_formats.date_parse(text, pattern), 3)
    except TrinoError:
        return None


@pytest.mark.parametrize(
    ("unit", "count", "moved"),
    [
        ("second", 1_700_000_000, "2023-11-14 22:13:20.000"), ("second", -(2**31), "1901-12-13 20:45:52.000"),
        ("hour", 50_000_000, "7673-12-21 08:00:00.000"), ("hour", 1_000_000, "2084-01-29 16:00:00.000"),
        ("minute", -1_034_000_000, "0004-01-12 10:40:00.000"), ("millisecond", 2**31 - 1, "1970-01-25 20:31:23.647"),
    ],
)  # fmt: skip
def test_date_add_counts_as_many_units_as_trino(engine: DuckDBEngine, unit: str, count: int, moved: str) -> None:
    added = f"date_add('{unit}', v, TIMESTAMP '1970-01-01 00:00:00.000')"
    assert ask(engine, added, [str(count), None], "bigint") == [moved, None]
    literal_count = added.replace("v", str(count))
    assert ask(engine, literal_count, ["1"]) == [moved]
    assert ask(engine, f"date_add('{unit}', v + 0, from_unixtime(0))", [str(count)], "bigint") == [moved + " UTC"]


@pytest.mark.parametrize(("unit", "count"), [("second", 2**31), ("hour", 70_389_528), ("minute", 2**63 - 1)])
def test_date_add_stops_where_years_or_counts_end(engine: DuckDBEngine, unit: str, count: int) -> None:
    for written in ("v", str(count)):
        with pytest.raises(SqlRefused):
            ask(engine, f"date_add('{unit}', {written}, TIMESTAMP '1970-01-01 00:00:00.000')", [str(count)], "bigint")


PARSE_DATETIME = {
    "yyyy-MM-dd HH:mm:ss": {
        "2024-03-01 10:11:12": "2024-03-01 10:11:12.000 UTC", "2024-3-1 1:2:3": "2024-03-01 01:02:03.000 UTC",
        "24-03-01 10:11:12": "0024-03-01 10:11:12.000 UTC", "+2024-03-01 10:11:12": "2024-03-01 10:11:12.000 UTC",
        "-2024-03-01 10:11:12": "-2024-03-01 10:11:12.000 UTC", "12024-03-01 10:11:12": "+12024-03-01 10:11:12.000 UTC",
        "2024-03-01 24:00:00": None, "2024-02-30 10:00:00": None, " 2024-03-01 10:11:12": None,
        "2024-03-01 10:11:12 ": None, "2024-03-01 10:11:60": None, "2024-03-01 10:11:012": None,
        "2024-013-01 10:11:12": None, "1234567890-01-01 00:00:00": None, "2024-03-01 10:11:-2": None,
        "٢٠٢٤-03-01 10:11:12": None, "": None,
    },
    "yyyyMMdd": {
        "20240301": "2024-03-01 00:00:00.000 UTC", "2024031": "2024-03-01 00:00:00.000 UTC", "202431": None,
        "120240301": None, "-20240301": "-2024-03-01 00:00:00.000 UTC", "+20240301": "2024-03-01 00:00:00.000 UTC",
    },
    "yyyy": {"2024": "2024-01-01 00:00:00.000 UTC", "7": "0007-01-01 00:00:00.000 UTC",
             "12024": "+12024-01-01 00:00:00.000 UTC", "-1": "-0001-01-01 00:00:00.000 UTC"},
    "HH:mm": {"10:11": "1970-01-01 10:11:00.000 UTC"}, "HHmm": {"1011": "1970-01-01 10:11:00.000 UTC", "911": None},
    "MM-dd": {"02-29": "2000-02-29 00:00:00.000 UTC"}, "dd": {"31": "2000-01-31 00:00:00.000 UTC"},
    "yyyy-MM-dd'T'HH:mm:ss": {"2024-03-01T10:11:12": "2024-03-01 10:11:12.000 UTC",
                              "2024-03-01t10:11:12": "2024-03-01 10:11:12.000 UTC"},
    "yyyyMMddHHmmss": {"20240301101112": "2024-03-01 10:11:12.000 UTC"},
    "yyyy-MM-dd HH:mm:ss.SSS": {
        "2024-03-01 10:11:12.1": "2024-03-01 10:11:12.100 UTC", "2024-03-01 10:11:12.1234": None,
        "2024-03-01 10:11:12.": None, "69999-03-01 10:11:12.0": "+69999-03-01 10:11:12.000 UTC",
        "-60000-03-01 10:11:12.0": "-60000-03-01 10:11:12.000 UTC",
    },
    "d/M/yyyy": {"1/3/2024": "2024-03-01 00:00:00.000 UTC", "01/003/2024": None, "29/2/2023": None,
                 "1/3/-5": "-0005-03-01 00:00:00.000 UTC"},
    "dd.MM.yyyyHH": {"01.03.202410": "2024-03-01 10:00:00.000 UTC", "01.03.2024": None,
                     "01.03.20241": "2024-03-01 01:00:00.000 UTC", "1.3.+202407": "2024-03-01 07:00:00.000 UTC"},
}  # fmt: skip
"""What Trino 476 answered to TRY(parse_datetime(v, pattern))."""


@pytest.mark.parametrize("pattern", PARSE_DATETIME)
def test_parse_datetime_is_trinos(engine: DuckDBEngine, pattern: str) -> None:
    known = PARSE_DATETIME[pattern]
    call = f"parse_datetime(v, {literal(pattern)})"
    assert ask(engine, f"TRY({call})", list(known)) == list(known.values())
    read = {text: shown for text, shown in known.items() if shown}
    assert ask(engine, call, list(read)) == list(read.values())
    for text in known.keys() - read.keys():
        with pytest.raises(SqlFailed):
            ask(engine, call, [text])


@pytest.mark.parametrize("pattern", ["", "yy-MM", "yyyy-yyyy", "yyyy Z", "yyyy'a", "hh:mm", "yyyy2MM", "'T'", "MMM"])
def test_parse_datetime_refuses_other_patterns(engine: DuckDBEngine, pattern: str) -> None:
    with pytest.raises(SqlRefused):
        ask(engine, f"parse_datetime(v, {literal(pattern)})", ["2024"])


def test_parse_datetime_stops_at_years_that_trino_does_not_keep(engine: DuckDBEngine) -> None:
    with pytest.raises(SqlRefused):
        ask(engine, "TRY(parse_datetime(v, 'yyyy-MM'))", ["123456-03"])


CASTS_TO_INSTANT = {
    "2024-03-01 10:11:12 UTC": "2024-03-01 10:11:12.000", "2024-03-01 10:11:12Z": "2024-03-01 10:11:12.000",
    "2024-03-01 10:11:12+01:00": "2024-03-01 09:11:12.000", "2024-03-01 10:11:12 -05:30": "2024-03-01 15:41:12.000",
    "2024-03-01 10:11:12 +0100": "2024-03-01 09:11:12.000", "2024-03-01 10:11:12 +14:00": "2024-02-29 20:11:12.000",
    "2024-03-01": "2024-03-01 00:00:00.000", "2024-03-01 UTC": "2024-03-01 00:00:00.000",
    "2024-03-01 10:11": "2024-03-01 10:11:00.000", "2024-03-01 10:11:12.9995 UTC": "2024-03-01 10:11:13.000",
    "2024-3-1 1:2:3 UTC": "2024-03-01 01:02:03.000", " 2024-03-01 10:11:12 UTC ": "2024-03-01 10:11:12.000",
    "2024-03-01T10:11:12Z": None, "2024-03-01 10:11:12 +01": "2024-03-01 09:11:12.000",
    "2024-03-01 10:11:12 GMT": "2024-03-01 10:11:12.000", "2024-03-01 10:11:12 xx": None,
    "2024-03-01 10:11:12  UTC": "2024-03-01 10:11:12.000", "2024-03-01 25:11:12 UTC": None,
    "2024-02-30 10:11:12 UTC": None, "24-03-01 10:11:12 UTC": None, "2024-03-01 10 UTC": None,
    "12024-03-01 10:11:12 UTC": "+12024-03-01 10:11:12.000", "-2024-03-01 10:11:12 UTC": "-2024-03-01 10:11:12.000",
    "1969-12-31 23:59:59.0005 UTC": "1969-12-31 23:59:59.001", "": None, "2024-03-01+01:00": None,
    "2024-03-01 10:11:12 -00:00": "2024-03-01 10:11:12.000", "2024-03-01 +01:00": "2024-02-29 23:00:00.000",
    "2024-03-01 10:11+01:00": "2024-03-01 09:11:00.000", "2024-03-01 10:11:12 +05:30\t": "2024-03-01 04:41:12.000",
    "0000-01-01 00:00:00": "0000-01-01 00:00:00.000",
}  # fmt: skip
"""What Trino 476 answered to TRY_CAST(v AS timestamp with time zone), here in UTC."""


def test_casts_to_instants(engine: DuckDBEngine) -> None:
    texts, shown = list(CASTS_TO_INSTANT), [x and f"{x} UTC" for x in CASTS_TO_INSTANT.values()]
    assert ask(engine, "TRY_CAST(v AS timestamp with time zone) AT TIME ZONE 'UTC'", texts) == shown
    for text, instant in zip(texts, shown, strict=True):
        if instant is None:
            with pytest.raises(SqlFailed):
                ask(engine, "CAST(v AS timestamp with time zone) AT TIME ZONE 'UTC'", [text])
    six = "CAST(v AS timestamp(6) with time zone) AT TIME ZONE 'UTC'"
    assert ask(engine, six, ["2024-03-01 10:11:12.3456 +01:00"]) == ["2024-03-01 09:11:12.345600 UTC"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "+14:01", "+01:00:00", "UTC+1", "+1"])
def test_casts_to_instants_stop_at_other_zones(engine: DuckDBEngine, zone: str) -> None:
    with pytest.raises(SqlRefused):
        ask(engine, "to_unixtime(TRY_CAST(v AS timestamp with time zone))", [f"2024-03-01 10:11:12 {zone}"])


def test_the_zone_of_a_text_cast_to_an_instant_is_not_shown(engine: DuckDBEngine) -> None:
    for shown in ("CAST({} AS varchar)", "hour({})", "timezone_hour({})", "to_iso8601({})", "CAST({} AS timestamp)"):
        with pytest.raises(SqlRefused):
            ask(engine, shown.format("CAST(v AS timestamp with time zone)"), ["2024-03-01 10:11:12 +01:00"])


def test_hours_and_minutes_that_a_zone_is_ahead(engine: DuckDBEngine) -> None:
    ahead = "at_timezone(from_unixtime(v), '{0}')"
    both = f"CAST(timezone_hour({ahead}) AS varchar) || ':' || CAST(timezone_minute({ahead}) AS varchar)"
    zones = {"UTC": "0:0", "Asia/Kolkata": "5:30", "America/New_York": "-5:0", "Australia/Adelaide": "10:30"}
    for zone, shown in zones.items():
        assert ask(engine, both.format(zone), ["1704067200", None], "bigint") == [shown, None]
    assert ask(engine, both.format("America/Caracas"), ["-1880000000"], "bigint") == ["-4:-27"]
