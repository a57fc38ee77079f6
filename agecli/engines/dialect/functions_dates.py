"""Dates and times: casts from and to text, parsing and printing, parts, differences, sums and truncation.

Plain values are done by DuckDB's own functions; odd spellings and years outside 1-9999 go to `runtime.dates`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from agecli.engines.dialect import date_arithmetic, functions_durations  # noqa: F401 (they register their own)
from agecli.engines.dialect.native import full_match, once
from agecli.engines.dialect.registry import Call, Macro, Sql, emitter, guard, provide, register, register_cast
from agecli.engines.dialect.types import quote_text, zoned
from agecli.engines.dialect.zones import local_time, twins
from agecli.engines.runtime import date_formats, dates
from agecli.engines.runtime.arrow import udf

_PLAIN_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LIKE_DATE = "[0-9]-[0-9]{1,2}-[0-9]{1,2}"
_USUAL = "{0} >= TIMESTAMP '0001-01-01' AND {0} < TIMESTAMP '9999-12-31 23:59:59.999999'"
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
    years = _USUAL.format("t")
    provide(
        Macro(
            "ag_timestamp_text",
            f"(t, p) AS CASE WHEN {years} THEN {printed} ELSE ag_exact_moment_text(epoch_us(t), p) END",
        )
    )


def _text_to_date(call: Call) -> Sql:
    return twins(call[0].sql, "text_to_date")


def _text_to_timestamp(call: Call) -> Sql:
    return twins(call[0].sql, "text_to_timestamp_of", str(call.result.precision))


def _rounded_time(call: Call) -> str:
    """A cast to fewer digits rounds half up, also before 1970."""
    before, after = call[0].type.precision, call.result.precision
    return call[0].sql if after >= before else once(call[0].sql, lambda t: f"ag_rounded_time({t}, {10 ** (6 - after)})")


_provide_texts()
register_cast("timestamp", "timestamp", emit=_rounded_time)
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
        name, function = f"{prefix}exact_parse_datetime", date_formats.parse_datetime
        provide(udf(name, function, ["varchar", "varchar"], "timestamp", quiet=quiet))
        exact = f"CASE WHEN regexp_matches(v, '{_LIKE_DATE}') THEN {iso}(v) END" if quiet else f"{iso}(v)"
        plain = full_match("v", _PLAIN_DATE)
        native = f"(v) AS CASE WHEN {plain} THEN {cast}(v AS TIMESTAMP) ELSE {exact} END"
        provide(Macro(f"{prefix}date_parse_iso", native))


_HOUR12, _NAMES = "(0?[1-9]|1[0-2])", date_formats.MONTHS
_PLAIN = {
    "Y": ("[0-9]{4}", "%Y"), "G": ("[0-9]{4}", "%Y"),
    "y": ("([0-5][0-9]|6[0-8]|[7-9][0-9])", "%y"),
    "m": (_HOUR12, "%m"), "c": (_HOUR12, "%m"),
    "d": ("(0?[1-9]|[12][0-9]|3[01])", "%d"), "e": ("(0?[1-9]|[12][0-9]|3[01])", "%d"),
    "H": ("([01]?[0-9]|2[0-3])", "%H"), "k": ("([01]?[0-9]|2[0-3])", "%H"), "h": (_HOUR12, "%I"), "I": (_HOUR12, "%I"),
    "l": (_HOUR12, "%I"), "i": ("[0-5]?[0-9]", "%M"), "s": ("[0-5]?[0-9]", "%S"), "S": ("[0-5]?[0-9]", "%S"),
    "b": (f"({'|'.join(n[:3] for n in _NAMES)})", "%b"), "M": (f"({'|'.join(_NAMES)})", "%B"), "p": ("(AM|PM)", "%p"),
}  # fmt: skip
"""Tokens that DuckDB's strptime has: the spellings that it reads as Trino does, and its name for the token."""


@emitter("date_parse", ["varchar", "varchar"], "timestamp(3)", fails=True)
def _date_parse(call: Call) -> Sql:
    pattern = call.text(1, "the format")
    if pattern == "%Y-%m-%d":
        return twins(call[0].sql, "date_parse_iso")
    _check_format(call, pattern, date_formats.PARSED)
    parts = date_formats.tokens(pattern)
    fields = [date_formats.field(p[1]) for p in parts if len(p) == 2]
    if (
        len(set(fields)) != len(fields)
        or ({"H"} < {"H", "h", "p"} & set(fields))
        or {"j", "m", "d"} >= {"j"} < set(fields) & {"j", "m", "d"}
    ):
        raise call.refusal("a format that gives one part of the time twice")
    return _parsed(call, "date_parse", pattern, parts)


def _parsed(call: Call, function: str, pattern: str, parts: tuple[str, ...]) -> Sql:
    """The timestamp that a format reads: by strptime where that is the same, else by the runtime's function."""
    plain = _plain_format(parts)

    def write(prefix: str, quiet: bool) -> str:
        def body(v: str) -> str:
            exact = f"{prefix}exact_{function}({v}, {quote_text(pattern)})"
            if quiet:
                exact = f"CASE WHEN {full_match(v, _possible(parts))} THEN {exact} END"
            if plain is None:
                return exact
            spelled, native = plain
            strptime = f"{'try_' if quiet else ''}strptime({v}, {quote_text(native)})"
            return f"CASE WHEN {full_match(v, spelled)} THEN {strptime} ELSE {exact} END"

        return once(call[0].sql, body)

    return Sql(write("ag_", False), write("ag_try_", True))


@emitter("parse_datetime", ["varchar", "varchar"], "timestamp(3) with time zone", fails=True)
def _parse_datetime(call: Call) -> Sql:
    """Joda's patterns of numbers, as tokens of date_parse; a text without a zone is in UTC."""
    pattern = call.text(1, "the pattern")
    found = list(_joda_parts(call, pattern))
    letters = [p for p, is_letters in found if is_letters]
    wrong = next((p for p in letters if p not in date_formats.JODA), None)
    if wrong is not None:
        raise call.refusal(f"pattern {wrong}", "use " + " ".join(date_formats.JODA) + ", or date_parse")
    fields = [date_formats.JODA[p] for p in letters]
    if not fields or len(set(fields)) != len(fields):
        raise call.refusal("a pattern that gives no part of the time, or one part twice")
    parts: list[str] = []
    for (part, is_letters), (_, then) in itertools.pairwise([*found, ("", False)]):
        if is_letters:
            parts.append("%G" if part == "yyyy" and not then else f"%{date_formats.JODA[part]}")
        elif not part.isascii() or any(c.isdigit() or c in "+%" for c in part):
            raise call.refusal(f"{part!r} in a pattern", "use date_parse")
        else:
            parts.extend(part)
    read = _parsed(call, "parse_datetime", "".join(parts), tuple(parts))
    return Sql(f"CAST({read.sql} AS TIMESTAMPTZ)", f"CAST({read.quiet} AS TIMESTAMPTZ)", type=zoned(3, "UTC"))


def _joda_parts(call: Call, pattern: str) -> Iterator[tuple[str, bool]]:
    """Runs of one letter (True) and the texts between them, out of their quotation marks (False)."""
    for part in re.finditer(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>.)", pattern, re.DOTALL):
        if part["letters"]:
            yield part["letters"], True
        elif part["other"] == "'":
            raise call.refusal("a quotation that does not end")
        else:
            yield part["other"] or part["quoted"].replace("''", "'") or "'", False


def _check_format(call: Call, pattern: str, allowed: frozenset[str]) -> None:
    """Refuses a format with a token that is not in the list."""
    rest = pattern.replace("%%", "")
    if rest.endswith("%"):
        raise call.refusal("a format that ends in %")
    for token in re.findall("%(.)", rest, re.DOTALL):
        if token not in allowed:
            raise call.refusal(f"format token %{token}", "use one of " + " ".join(f"%{t}" for t in sorted(allowed)))


def _plain_format(parts: tuple[str, ...]) -> tuple[str, str] | None:
    """RE2 of the texts that DuckDB reads as Trino does, and strptime's format; None where there is no such form.

    Without a year DuckDB's would be another; what stands together without a sign between could be cut elsewhere.
    """
    tokens = {p[1] for p in parts if len(p) == 2}
    fields = {date_formats.field(t) for t in tokens}
    if "Y" not in fields or not tokens <= _PLAIN.keys() or ("d" in fields and "m" not in fields):
        return None
    if ("h" in fields) != ("p" in fields):
        return None
    if not _stands_apart(parts):
        return ("[0-9]{8}", "%Y%m%d") if parts == ("%Y", "%m", "%d") else None
    spelled = "".join(_PLAIN[p[1]][0] if len(p) == 2 else re.escape(p) for p in parts)
    native = "".join(_PLAIN[p[1]][1] if len(p) == 2 else p.replace("%", "%%") for p in parts)
    return spelled, native


def _stands_apart(parts: tuple[str, ...]) -> bool:
    """Whether what each token reads ends at a sign that it cannot read."""
    if any(len(p) == 1 and (p.isdigit() or not p.isascii()) for p in parts):
        return False
    pairs = itertools.pairwise(parts)
    return not any(len(a) == len(b) == 2 or (a in ("%b", "%M", "%p") and b.isalpha()) for a, b in pairs)


def _possible(parts: tuple[str, ...]) -> str:
    """RE2 that every text which the format can read matches."""
    forms = {
        "Y": "[+-]?[0-9]{1,4}",
        "G": "[+-]?[0-9]{1,9}",
        "F": "[0-9]{1,3}",
        "y": "[0-9]{2}",
        "f": "[0-9]{1,9}",
        "p": "[AaPp][Mm]",
    }
    forms |= {t: f"[0-9]{{1,{n}}}" for t, n in date_formats.DIGITS.items()} | dict.fromkeys("bMaW", "[A-Za-z]{3,9}")
    return "(?i)" + "".join(forms[p[1]] if len(p) == 2 else re.escape(p) for p in parts)


_provide_parsers()


register("date", ["varchar"], "date", emit=_text_to_date, fails=True)


_STRFTIME = {
    "Y": "%Y", "y": "%y", "m": "%m", "c": "%-m", "d": "%d", "e": "%-d", "H": "%H", "k": "%-H", "h": "%I", "I": "%I",
    "l": "%-I", "i": "%M", "s": "%S", "S": "%S", "f": "%g000", "b": "%b", "M": "%B", "a": "%a", "W": "%A", "j": "%j",
    "p": "%p", "v": "%V", "x": "%G",
}  # fmt: skip


def _date_format(call: Call) -> str:
    pattern = call.text(1, "the format")
    if not pattern:
        raise call.refusal("an empty format")
    _check_format(call, pattern, date_formats.PRINTED)
    parts = date_formats.tokens(pattern)
    native = "".join(_STRFTIME[p[1]] if len(p) == 2 else p.replace("%", "%%") for p in parts)
    exact = f"ag_exact_date_format(epoch_us({{0}}), {quote_text(pattern)})"
    return _formatted(call, native, exact)


provide(udf("ag_exact_date_format", date_formats.date_format, ["bigint", "varchar"], "varchar"))


provide(Macro("ag_rounded_time", "(t, step) AS make_timestamp(ag_floor_to(epoch_us(t) + step // 2, step))"))


def _formatted(call: Call, native: str, exact: str) -> str:
    """strftime where the year has four digits or fewer, else what is exact for the others."""
    local = local_time(call, 0) if call[0].type.name == "timestamp with time zone" else call[0].sql
    if call[0].type.precision > 3:
        local = f"ag_rounded_time({local}, 1000)"

    def body(t: str) -> str:
        return (
            f"CASE WHEN {_USUAL.format(t)} THEN strftime({t}, {quote_text(native)}) "
            f"WHEN {t} IS NOT NULL THEN {exact.replace('{0}', t)} END"
        )

    return once(local, body)


_JODA = {
    "yyyy": "%Y", "yy": "%y", "M": "%-m", "MM": "%m", "MMM": "%b", "MMMM": "%B", "d": "%-d", "dd": "%d", "H": "%-H",
    "HH": "%H", "h": "%-I", "hh": "%I", "m": "%-M", "mm": "%M", "s": "%-S", "ss": "%S", "SSS": "%g", "a": "%p",
    "E": "%a", "EE": "%a", "EEE": "%a", "EEEE": "%A", "D": "%-j", "DDD": "%j", "e": "%u", "ww": "%V", "xxxx": "%G",
}  # fmt: skip
"""What format_datetime's patterns are in strftime's; the others are refused."""


def _format_datetime(call: Call) -> str:
    pattern = call.text(1, "the pattern")
    if not pattern:
        raise call.refusal("an empty pattern")
    native = []
    for text, is_letters in _joda_parts(call, pattern):
        if is_letters and text not in _JODA:
            raise call.refusal(f"pattern {text}", "use one of " + " ".join(_JODA))
        native.append(_JODA[text] if is_letters else text.replace("%", "%%"))
    wrong = guard("true", "format_datetime of a year outside 1-9999", "VARCHAR")
    return _formatted(call, "".join(native), wrong)


for _kind in ("timestamp", "timestamp with time zone"):
    register("date_format", [_kind, "varchar"], "varchar", emit=_date_format)
    register("format_datetime", [_kind, "varchar"], "varchar", emit=_format_datetime)
