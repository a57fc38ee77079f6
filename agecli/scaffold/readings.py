"""How a text is read: as a number, a date, yes or no, JSON, a category, or not at all.

A reading is decided from values that were seen and written down as SQL, so that at run time nothing is guessed.
It holds when at least 98 % of the values fit; the others become NULL and are counted (`bad_*`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["number", "flag", "date", "json", "text"]
FITS = 0.98

# texts that stand for "not known" in many files; taken so only where the rest of the column is something else
MISSING = ("na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "missing", "unknown")
# the same for a category, where `none` or `?` may well be one
CATEGORY_MISSING = ("na", "n/a", "#n/a", "nan", "null")
# the same for a label
LABEL_MISSING = ("na", "n/a", "#n/a", "nan", "null", "?", "-", "--", ".")


@dataclass(frozen=True)
class Reading:
    """`sql` has `{v}` where the text stands and gives NULL where it does not fit; `words` says it to people.

    `hour` (dates only) gives the hour of day, where the texts hold a time.
    """

    kind: Kind
    sql: str
    words: str
    hour: str = ""

    def of(self, text: str) -> str:
        return self.sql.replace("{v}", text)


TEXT = Reading("text", "{v}", "text")
JSON = Reading("json", "{v}", "JSON")
NUMBER = Reading("number", "TRY_CAST({v} AS DOUBLE)", "number")

_FLAGS = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off"))
_PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\Z")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?\Z|[-+]?\d+(\.\d+)?\Z")
_DECIMAL_COMMA = re.compile(r"[-+]?\d{1,3}(\.\d{3})+(,\d+)?\Z|[-+]?\d+(,\d+)?\Z")
_DECORATED = re.compile(r"[-+]?[$€£]? ?[-+]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)? ?[%$€£]?\Z")
_WITH_UNIT = re.compile(r"[-+]?\d+(\.\d+)? ?([A-Za-z/²³°+]{1,6})?\Z")


def read(values: Mapping[str, int], delimiter: str = ",") -> Reading:
    """The reading of a column, from distinct values (trimmed, not empty) and how often each was seen."""
    missing = {v for v in values if v.lower() in MISSING}
    plain = {v: n for v, n in values.items() if v not in missing}
    if not plain:
        return TEXT
    for decide in (_flag, _json, _date, _number):
        found = decide(plain, delimiter)
        if found is not None:
            return found
    return TEXT


def share(values: Mapping[str, int], fits: Callable[[str], object]) -> float:
    """The share of rows whose value fits."""
    return sum(n for v, n in values.items() if fits(v)) / max(1, sum(values.values()))


def _flag(values: Mapping[str, int], _: str) -> Reading | None:
    lower = {v.lower() for v in values}
    for yes, no in _FLAGS:
        if lower <= {yes, no}:
            sql = f"CASE lower({{v}}) WHEN '{yes}' THEN 1e0 WHEN '{no}' THEN 0e0 END"
            return Reading("flag", sql, f"{yes} = 1, {no} = 0")
    return None


def _json(values: Mapping[str, int], _: str) -> Reading | None:
    opened = share(values, lambda v: v[0] in "[{")
    return JSON if opened >= 0.9 and share(values, _is_json) >= 0.5 else None


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list | dict)
    except (ValueError, RecursionError):
        return False


def _number(values: Mapping[str, int], delimiter: str) -> Reading | None:
    # 00501 is a code: as a number it would lose what tells it from 501
    if share(values, lambda v: re.match(r"0\d", v)) > 0.005:
        return None
    if share(values, _PLAIN.match) >= FITS:
        return NUMBER
    commas = any("," in v for v in values)
    if commas and share(values, _THOUSANDS.match) >= FITS:
        three_only = all(re.fullmatch(r"[-+]?\d{1,3},\d{3}|[-+]?\d+", v) for v in values)
        if not (three_only and delimiter == ";"):
            return Reading("number", "TRY_CAST(replace({v}, ',', '') AS DOUBLE)", "number, 1,234 = 1234")
    if commas and share(values, _DECIMAL_COMMA.match) >= FITS:
        sql = "TRY_CAST(replace(replace({v}, '.', ''), ',', '.') AS DOUBLE)"
        return Reading("number", sql, "number with a decimal comma, 1,5 = 1.5")
    if share(values, lambda v: _DECORATED.match(v) and any(c.isdigit() for c in v)) >= FITS:
        return _decorated(values)
    units = {m[2] for v in values if (m := _WITH_UNIT.match(v)) and m[2]}
    if len(units) == 1 and share(values, _WITH_UNIT.match) >= FITS:
        unit = next(iter(units))
        sql = "TRY_CAST(regexp_extract({v}, '^[-+]?[0-9]+([.][0-9]+)?') AS DOUBLE)"
        return Reading("number", sql, f"number before {unit!r}")
    return None


def _decorated(values: Mapping[str, int]) -> Reading:
    signs = [c for c in "$€£%, " if c == "," or any(c in v for v in values)]
    sql = "{v}"
    for sign in signs:
        sql = f"replace({sql}, '{sign}', '')"
    shown = " ".join(s for s in signs if s.strip())
    return Reading(
        "number", f"TRY_CAST({sql} AS DOUBLE)", f"number, without {shown}" + ("; 12% = 12" if "%" in signs else "")
    )


@dataclass(frozen=True)
class _DateForm:
    pattern: re.Pattern[str]
    python: str
    sql: str
    words: str
    hour: str = ""


def _form(pattern: str, python: str, sql: str, words: str, hour: str = "") -> _DateForm:
    return _DateForm(re.compile(pattern + r"\Z"), python, sql, words, hour)


def _parsed(trino: str, text: str = "{v}") -> str:
    return f"CAST(TRY(date_parse({text}, '{trino}')) AS DATE)"


_FIRST_WORD = "split_part({v}, ' ', 1)"
_TIME = r"( \d{1,2}:\d\d(:\d\d(\.\d+)?)?( ?[AP]M)?)?"
_DATES = (
    _form(r"\d{4}-\d\d-\d\d", "%Y-%m-%d", "TRY_CAST({v} AS DATE)", "date"),
    _form(
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", "%Y-%m-%d", "TRY_CAST(substr({v}, 1, 10) AS DATE)",
        "date of a date and time", "TRY_CAST(substr({v}, 12, 2) AS DOUBLE)",
    ),
    _form(r"\d{4}-\d\d", "%Y-%m", "TRY_CAST({v} || '-01' AS DATE)", "month, as its first day"),
    _form(r"\d{4}/\d\d?/\d\d?" + _TIME, "%Y/%m/%d", _parsed("%Y/%m/%d", _FIRST_WORD), "date, year/month/day"),
    _form(r"\d\d?\.\d\d?\.\d{4}" + _TIME, "%d.%m.%Y", _parsed("%d.%m.%Y", _FIRST_WORD), "date, day.month.year"),
    _form(r"\d\d?/\d\d?/\d{4}" + _TIME, "%m/%d/%Y", _parsed("%m/%d/%Y", _FIRST_WORD), "date, month/day/year"),
    _form(r"\d\d?/\d\d?/\d{4}" + _TIME, "%d/%m/%Y", _parsed("%d/%m/%Y", _FIRST_WORD), "date, day/month/year"),
    _form(r"\d\d?-\d\d?-\d{4}" + _TIME, "%m-%d-%Y", _parsed("%m-%d-%Y", _FIRST_WORD), "date, month-day-year"),
    _form(r"\d\d?-\d\d?-\d{4}" + _TIME, "%d-%m-%Y", _parsed("%d-%m-%Y", _FIRST_WORD), "date, day-month-year"),
    _form(r"[A-Za-z]{3} \d\d? \d{4}", "%b %d %Y", _parsed("%b %d %Y"), "date, as in Jan 31 2024"),
    _form(r"[A-Za-z]{3} \d\d?, \d{4}", "%b %d, %Y", _parsed("%b %d, %Y"), "date, as in Jan 31, 2024"),
    _form(
        r"\d\d?[- ][A-Za-z]{3}[- ]\d{4}", "%d-%b-%Y", _parsed("%d-%b-%Y", "replace({v}, ' ', '-')"),
        "date, as in 31-Jan-2024",
    ),
    _form(r"(19|20)\d{6}", "%Y%m%d", _parsed("%Y%m%d"), "date, as in 20240131"),
)  # fmt: skip
_ANY_LENGTH = re.compile(r"\d{4}(-\d\d(-\d\d)?)?\Z")


def _date(values: Mapping[str, int], _: str) -> Reading | None:
    for form in _DATES:
        if share(values, form.pattern.match) >= FITS and share(values, lambda v, f=form: _is_date(v, f)) >= 0.95:  # type: ignore[misc]
            words = form.words
            if form.python in ("%m/%d/%Y", "%m-%d-%Y") and _both_ways(values):
                words += " (no day above 12 was seen: day first is possible, then change it)"
            return Reading("date", form.sql, words, form.hour)
    dashed = share(values, lambda v: "-" in v)
    if dashed >= 0.05 and share(values, _ANY_LENGTH.match) >= FITS:
        sql = "TRY_CAST({v} || substr('YYYY-06-15', length({v}) + 1) AS DATE)"
        return Reading("date", sql, "date, month or year; what is missing is filled with the middle")
    return None


def _is_date(text: str, form: _DateForm) -> bool:
    if not form.pattern.match(text):
        return False
    word = text if " %d" in form.python else text.replace(" ", "-") if "%b" in form.python else text[:10].split(" ")[0]
    try:
        datetime.strptime(word, form.python)
    except ValueError:
        return False
    return True


def _both_ways(values: Mapping[str, int]) -> bool:
    return all(int(re.split(r"[/-]", v)[1]) <= 12 for v in values if re.match(r"\d\d?[/-]\d\d?[/-]", v))
