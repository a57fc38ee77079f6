"""Dates and times as texts: what Trino reads and how it prints, over all the years that both engines have.

Dates are whole days since 1970-01-01 and timestamps whole microseconds since then, as Arrow stores them, since
Python's own dates end at the years 1 and 9999. The calendar is the proleptic Gregorian one with a year 0.
"""

from __future__ import annotations

import datetime
import functools
import re
import zoneinfo

from agecli.engines.runtime.errors import GuardError, TrinoError

DAY = 86_400_000_000
"""Microseconds in a day."""
MAX_DAYS = 2**31 - 2
MAX_MICROSECONDS = 2**63 - 2
MIN_MICROSECONDS = -9_223_372_022_400_000_000
"""The first moment that DuckDB's timestamps have."""

_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029"
SPACES = _SPACES + "\u205f\u3000"
"""What Java's Character.isWhitespace says is white space; casts from text trim it."""


def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01. Raises TrinoError for a date that is not in the calendar."""
    if not 1 <= month <= 12 or not 1 <= day <= month_length(year, month):
        raise TrinoError(f"{year}-{month}-{day} is no date")
    shifted = year - (month <= 2)
    era, of_era = divmod(shifted, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def date_of(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01 (H. Hinnant, chrono-compatible date algorithms)."""
    era, of_era = divmod(days + 719_468, 146_097)
    years = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * years + years // 4 - years // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return years + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year: int, month: int) -> int:
    return 29 if month == 2 and is_leap(year) else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def checked_days(days: int) -> int:
    """The days, if both engines have that date."""
    if not -(2**31) <= days < 2**31:
        raise TrinoError("the date is outside the years -5877641 to 5881580")
    if not -MAX_DAYS <= days <= MAX_DAYS:
        raise GuardError("a date at the very end of what a date can be")
    return days


def checked_moment(microseconds: int) -> int:
    """The microseconds, if both engines have that moment (Trino wraps around where there is none)."""
    if not MIN_MICROSECONDS <= microseconds <= MAX_MICROSECONDS:
        raise GuardError("a timestamp outside the years -290307 to 294246")
    return microseconds


def date_text(days: int) -> str:
    """CAST(date AS varchar): `2024-03-01`, `12024-03-01`, `-0001-03-01`."""
    year, month, day = date_of(days)
    return f"{'-' if year < 0 else ''}{abs(year):04d}-{month:02d}-{day:02d}"


def timestamp_text(value: datetime.datetime, digits: int) -> str:
    """`moment_text` of a Python datetime without a zone."""
    return moment_text((value - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1), digits)


def moment_text(microseconds: int, digits: int) -> str:
    """CAST(timestamp(p) AS varchar): `2024-03-01 10:11:12.345`, as many fraction digits as the type has."""
    days, rest = divmod(microseconds, DAY)
    seconds, fraction = divmod(rest, 1_000_000)
    plus = "+" if date_of(days)[0] > 9999 else ""
    whole = f"{plus}{date_text(days)} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{whole}.{fraction:06d}"[: len(whole) + 1 + digits] if digits else whole


_DATE = re.compile(r"([+-]?[0-9]{1,9})-([0-9]{1,2})-([0-9]{1,2})").fullmatch


def parsed_date(text: str) -> int:
    """The days of `2024-03-01`, `2024-3-1`, `+12024-03-01` (Joda's ISO date), without spaces around it."""
    match = _DATE(text)
    if match is None:
        raise TrinoError(f"Value cannot be cast to date: {text}")
    year, month, day = (int(g) for g in match.groups())
    return days_of(year, month, day)


def text_to_date(text: str) -> int:
    """CAST(varchar AS date)."""
    return checked_days(parsed_date(text.strip(SPACES)))


def date_parse_iso(text: str) -> int:
    """date_parse(text, '%Y-%m-%d'), a format for which Trino has a parser of its own: the microseconds."""
    microseconds = parsed_date(text) * DAY
    if not -(2**63) <= microseconds < 2**63:
        raise TrinoError(f"Invalid format: {text}")
    return checked_moment(microseconds)


_TIMESTAMP = re.compile(
    r"([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?: (?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]+))?)?)?[ \t\n\v\f\r]*([^\n\r\u0085\u2028\u2029]+)?)?"
).fullmatch


def text_to_timestamp(text: str, digits: int) -> int:
    """CAST(varchar AS timestamp(digits)): the microseconds.

    A zone after the time is checked and otherwise ignored, as Trino does. The fraction is rounded half up, once.
    """
    match = _TIMESTAMP(text.strip(SPACES))
    if match is None:
        raise TrinoError(f"Value cannot be cast to timestamp: {text}")
    fraction, zone = match.group(7) or "", match.group(8)
    year, month, day, hour, minute, second = (int(g or 0) for g in match.groups()[:6])
    if zone is not None:
        check_zone(zone)
    if len(fraction) > 12:
        raise GuardError("a time with more than 12 fraction digits")
    if abs(year) > 999_999:
        raise GuardError("a timestamp outside the years -290307 to 294246")
    if hour > 23 or minute > 59 or second > 59:
        raise TrinoError(f"Value cannot be cast to timestamp: {text}")
    seconds = days_of(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    return checked_moment(seconds * 1_000_000 + _rounded(fraction, digits))


_FIXED = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})?").fullmatch


def text_to_instant(text: str, digits: int) -> int:
    """CAST(varchar AS timestamp(digits) with time zone): the microseconds. Without a zone it is in UTC.

    Of zones UTC, its other names and hours and minutes from it are read; GuardError for the others.
    """
    local = text_to_timestamp(text, digits)
    match = _TIMESTAMP(text.strip(SPACES))
    zone = (match and match.group(8)) or "UTC"
    if not abs(date_of(local // DAY)[0]) < 69_999:
        raise GuardError("a time with a zone in a year outside -69999 to 69999")
    if zone in ("Z", "UTC", "GMT", "UT"):
        return local
    fixed = _FIXED(zone)
    minutes = int(fixed[2]) * 60 + int(fixed[3] or 0) if fixed else 0
    if fixed is None or minutes > 14 * 60:
        raise GuardError(f"a time with the zone {zone}")
    return local - (minutes if fixed[1] == "+" else -minutes) * 60_000_000


def _rounded(fraction: str, digits: int) -> int:
    """The digits after the point as microseconds, rounded half up to so many digits."""
    kept = int(fraction[:digits].ljust(digits, "0") or 0)
    if fraction[digits : digits + 1] >= "5":
        kept += 1
    return kept * int(10 ** (6 - digits))


_OFFSET = re.compile(r"(?:UTC|GMT|UT)?[+-](?:[0-9]|[0-9]{2}(?::[0-9]{2}){0,2}|[0-9]{4}|[0-9]{6})").fullmatch
_SINGLE = (
    "cet cst6cdt cuba eet egypt eire est est5edt gb gb-eire gmt gmt0 greenwich hongkong hst iceland iran israel "
    "jamaica japan kwajalein libya met mst mst7mdt navajo nz nz-chat poland portugal prc pst8pdt roc rok singapore "
    "turkey uct ut utc universal w-su wet zulu"
)
"""Zones of one word, which are rare enough in data to be left alone."""


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(z for z in zoneinfo.available_timezones() if not z.startswith(("posix", "right", "SystemV")))


def is_place(zone: str) -> bool:
    """Whether this names a place of the time zone database, spelled as it is there."""
    return "/" in zone and zone in _zones()


def check_zone(zone: str) -> None:
    """Passes what is surely a zone; TrinoError for what surely is none; GuardError where it cannot be told."""
    if zone in ("Z", "UTC", "GMT", "UT") or is_place(zone):
        return
    if _OFFSET(zone):
        numbers = [int(n) for n in re.findall("[0-9]{1,2}", zone)]
        if numbers[0] <= 17 and all(n <= 59 for n in numbers[1:]):
            return
        raise GuardError(f"a time with the zone {zone}")
    if "/" in zone or zone.lower() in _SINGLE.split() or zone[:2].upper() in ("UT", "GM"):
        raise GuardError(f"a time with the zone {zone}")
    raise TrinoError(f"{zone} is no time zone")
