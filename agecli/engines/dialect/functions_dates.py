"""Dates and times: casts from and to text, parsing and printing, parts, differences, sums and truncation.

Plain values are done by DuckDB's own functions; odd spellings and years outside 1-9999 go to `runtime.dates`.
"""

from __future__ import annotations

import re

from agecli.engines.dialect.native import full_match, once
from agecli.engines.dialect.registry import Call, Macro, Sql, emitter, provide, register, register_cast
from agecli.engines.dialect.types import quote_text
from agecli.engines.runtime import date_formats, dates
from agecli.engines.runtime.arrow import udf

_PLAIN_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LIKE_DATE = "[0-9]-[0-9]{1,2}-[0-9]{1,2}"
_FIRST, _LAST = "DATE '0001-01-01'", "DATE '9999-12-31'"


def _days(sql: str) -> str:
    return f"CAST(({sql}) - DATE '1970-01-01' AS INTEGER)"


def _provide_texts() -> None:
    """Casts between text, dates and timestamps. `quiet` twins first look whether a date can be in the text at all."""
    for prefix, quiet, cast in (("ag_", False, "CAST"), ("ag_try_", True, "TRY_CAST")):
        provide(udf(f"{prefix}exact_text_to_date", dates.text_to_date, ["varchar"], "date", quiet=quiet))
        provide(
            udf(
                f"{prefix}exact_text_to_timestamp",
                dates.text_to_timestamp,
                ["varchar", "integer"],
                "timestamp",
                quiet=quiet,
            )
        )
        exact = f"{prefix}exact_text_to_date(v)"
        moment = f"{prefix}exact_text_to_timestamp(v, p)"
        if quiet:
            possible = f"regexp_matches(v, '{_LIKE_DATE}')"
            exact, moment = (f"CASE WHEN {possible} THEN {e} END" for e in (exact, moment))
        plain = full_match("v", _PLAIN_DATE)
        provide(Macro(f"{prefix}text_to_date", f"(v) AS CASE WHEN {plain} THEN {cast}(v AS DATE) ELSE {exact} END"))
        plain = full_match("v", _PLAIN_DATE + "( ([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)?")
        native = f"CASE WHEN {plain} THEN {cast}(v AS TIMESTAMP) ELSE {moment} END"
        provide(Macro(f"{prefix}text_to_timestamp_of", f"(v, p) AS {native}"))
        provide(Macro(f"{prefix}text_to_timestamp", f"(v) AS {prefix}text_to_timestamp_of(v, 3)"))
    provide(udf("ag_exact_date_text", dates.date_text, ["integer"], "varchar"))
    provide(udf("ag_exact_moment_text", dates.moment_text, ["bigint", "integer"], "varchar"))
    native = f"WHEN d BETWEEN {_FIRST} AND {_LAST} THEN CAST(d AS VARCHAR)"
    provide(Macro("ag_date_text", f"(d) AS CASE {native} ELSE ag_exact_date_text({_days('d')}) END"))
    printed = "left(strftime(t, '%Y-%m-%d %H:%M:%S.%f'), CASE WHEN p = 0 THEN 19 ELSE 20 + p END)"
    years = "t >= TIMESTAMP '0001-01-01' AND t < TIMESTAMP '9999-12-31 23:59:59.999999'"
    provide(
        Macro(
            "ag_timestamp_text",
            f"(t, p) AS CASE WHEN {years} THEN {printed} ELSE ag_exact_moment_text(epoch_us(t), p) END",
        )
    )


def _text_to_date(call: Call) -> Sql:
    forms = (once(call[0].sql, lambda v, p=p: f"{p}text_to_date({v})") for p in ("ag_", "ag_try_"))
    return Sql(*forms)


def _text_to_timestamp(call: Call) -> Sql:
    digits = call.result.precision
    forms = (once(call[0].sql, lambda v, p=p: f"{p}text_to_timestamp_of({v}, {digits})") for p in ("ag_", "ag_try_"))
    return Sql(*forms)


_provide_texts()
register_cast("varchar", "date", emit=_text_to_date, fails=True)
register_cast("varchar", "timestamp", emit=_text_to_timestamp, fails=True)


def _provide_parsers() -> None:
    """date_parse, and the form of its own that Trino has for `%Y-%m-%d`."""
    for prefix, quiet, cast in (("ag_", False, "CAST"), ("ag_try_", True, "TRY_CAST")):
        iso = f"{prefix}exact_date_parse_iso"
        provide(udf(iso, dates.date_parse_iso, ["varchar"], "timestamp", quiet=quiet))
        provide(
            udf(f"{prefix}exact_date_parse", date_formats.date_parse, ["varchar", "varchar"], "timestamp", quiet=quiet)
        )
        exact = f"CASE WHEN regexp_matches(v, '{_LIKE_DATE}') THEN {iso}(v) END" if quiet else f"{iso}(v)"
        plain = full_match("v", _PLAIN_DATE)
        native = f"(v) AS CASE WHEN {plain} THEN {cast}(v AS TIMESTAMP) ELSE {exact} END"
        provide(Macro(f"{prefix}date_parse_iso", native))


_PLAIN = {"Y": "[0-9]{4}", "m": "(0[1-9]|1[0-2])", "d": "[0-3][0-9]", "H": "([01][0-9]|2[0-3])", "i": "[0-5][0-9]",
          "s": "[0-5][0-9]"}  # fmt: skip
"""Tokens that DuckDB's strptime reads as Trino does, and the spellings for which it does."""
_STRPTIME = {"i": "%M", "s": "%S"}


@emitter("date_parse", ["varchar", "varchar"], "timestamp(3)", fails=True)
def _date_parse(call: Call) -> Sql:
    pattern = call.text(1, "the format")
    if pattern == "%Y-%m-%d":
        return Sql(*(once(call[0].sql, lambda v, p=p: f"{p}date_parse_iso({v})") for p in ("ag_", "ag_try_")))
    _check_format(call, pattern, date_formats.PARSED)
    parts = date_formats.tokens(pattern)
    fields = [date_formats.field(p[1]) for p in parts if len(p) == 2]
    if (
        len(set(fields)) != len(fields)
        or ({"H"} < {"H", "h", "p"} & set(fields))
        or {"j", "m", "d"} >= {"j"} < set(fields) & {"j", "m", "d"}
    ):
        raise call.refusal("a format that gives one part of the time twice")
    plain = _plain_format(parts)

    def write(prefix: str, quiet: bool) -> str:
        def body(v: str) -> str:
            exact = f"{prefix}exact_date_parse({v}, {quote_text(pattern)})"
            if quiet:
                exact = f"CASE WHEN {full_match(v, _possible(parts))} THEN {exact} END"
            if plain is None:
                return exact
            spelled, native = plain
            strptime = f"{'try_' if quiet else ''}strptime({v}, {quote_text(native)})"
            return f"CASE WHEN {full_match(v, spelled)} THEN {strptime} ELSE {exact} END"

        return once(call[0].sql, body)

    return Sql(write("ag_", False), write("ag_try_", True))


def _check_format(call: Call, pattern: str, allowed: frozenset[str]) -> None:
    """Refuses a format with a token that is not in the list."""
    rest = pattern.replace("%%", "")
    if rest.endswith("%"):
        raise call.refusal("a format that ends in %")
    for token in re.findall("%(.)", rest, re.DOTALL):
        if token not in allowed:
            raise call.refusal(f"format token %{token}", "use one of " + " ".join(f"%{t}" for t in sorted(allowed)))


def _plain_format(parts: tuple[str, ...]) -> tuple[str, str] | None:
    """RE2 of the texts that DuckDB reads as Trino does, and strptime's format; None where there is no such form."""
    fields = {p[1] for p in parts if len(p) == 2}
    if "Y" not in fields or not fields <= _PLAIN.keys() or ("d" in fields and "m" not in fields):
        return None
    spelled = "".join(_PLAIN[p[1]] if len(p) == 2 else re.escape(p) for p in parts)
    native = "".join(_STRPTIME.get(p[1], p) if len(p) == 2 else p.replace("%", "%%") for p in parts)
    return spelled, native


def _possible(parts: tuple[str, ...]) -> str:
    """RE2 that every text which the format can read matches."""
    forms = {"Y": "[+-]?[0-9]{1,4}", "y": "[0-9]{2}", "f": "[0-9]{1,9}", "p": "[AaPp][Mm]"}
    forms |= {t: f"[0-9]{{1,{n}}}" for t, n in date_formats.DIGITS.items()} | dict.fromkeys("bMaW", "[A-Za-z]{3,9}")
    return "(?i)" + "".join(forms[p[1]] if len(p) == 2 else re.escape(p) for p in parts)


_provide_parsers()


_UNITS = ("day", "week", "month", "quarter", "year")


def _unit(call: Call, allowed: tuple[str, ...]) -> str:
    unit = call.text(0, "the unit").lower()
    if unit not in allowed:
        raise call.refusal(f"unit {unit!r}", "use one of " + ", ".join(allowed))
    return unit


@emitter("date_diff", ["varchar", "date", "date"], "bigint")
def _date_diff_of_dates(call: Call) -> str:
    unit = _unit(call, _UNITS)
    return f"date_sub('{unit}', {call[1]}, {call[2]})"


@emitter("date_trunc", ["varchar", "date"], "date")
def _date_trunc_of_date(call: Call) -> str:
    return f"CAST(date_trunc('{_unit(call, _UNITS)}', {call[1]}) AS DATE)"


@emitter("date_add", ["varchar", "bigint", "date"], "date")
def _date_add_to_date(call: Call) -> str:
    unit = _unit(call, _UNITS)
    count = {"day": f"to_days(CAST({call[1]} AS INTEGER))", "week": f"to_days(CAST({call[1]} * 7 AS INTEGER))",
             "month": f"to_months(CAST({call[1]} AS INTEGER))", "quarter": f"to_months(CAST({call[1]} * 3 AS INTEGER))",
             "year": f"to_years(CAST({call[1]} AS INTEGER))"}[unit]  # fmt: skip
    return f"CAST({call[2]} + {count} AS DATE)"


_PARTS = {
    "year": "year", "quarter": "quarter", "month": "month", "week": "week", "week_of_year": "week", "day": "day",
    "day_of_month": "day", "day_of_week": "isodow", "dow": "isodow", "day_of_year": "dayofyear", "doy": "dayofyear",
    "year_of_week": "isoyear", "yow": "isoyear",
}  # fmt: skip


for _name, _part in _PARTS.items():
    for _kind in ("date", "timestamp"):
        register(_name, [_kind], "bigint", f"{_part}({{0}})")
register("last_day_of_month", ["date"], "date", "last_day({0})")
register("last_day_of_month", ["timestamp"], "date", "last_day(CAST({0} AS DATE))")
register("date", ["date"], "date", "{0}")
register("date", ["timestamp"], "date", "CAST({0} AS DATE)")
register("date", ["varchar"], "date", emit=_text_to_date, fails=True)
