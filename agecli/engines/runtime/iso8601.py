"""from_iso8601_date and from_iso8601_timestamp: the texts that Joda-Time's ISO parsers read.

date     2024, 2024-03, 2024-03-01, 2024-061, 2024-W09, 2024-W09-5; years of up to nine digits with a sign
time     T10, T10:11, T10:11:12, each with a fraction of up to nine digits, of which milliseconds are kept
offset   Z, +01, +0100, +01:00, only after a T
"""

from __future__ import annotations

import re

from agecli.engines.runtime.date_formats import weekday
from agecli.engines.runtime.dates import checked_days, checked_moment, days_of, is_leap
from agecli.engines.runtime.errors import GuardError, TrinoError

_DATE = (
    r"(?P<year>[+-]?[0-9]{1,9})(?:-(?P<month>[0-9]{1,2})(?:-(?P<day>[0-9]{1,2}))?|-(?P<ordinal>[0-9]{3})"
    r"|-[Ww](?P<week>[0-9]{1,2})(?:-(?P<weekday>[0-9]))?)?"
)
_TIME = r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{1,2})(?::(?P<second>[0-9]{1,2}))?)?(?:[.,](?P<fraction>[0-9]{1,9}))?"
_OFFSET = r"(?P<zone>[Zz]|(?P<sign>[+-])(?P<hours>[0-9]{2})(?::?(?P<minutes>[0-9]{2})(?P<rest>:?[0-9.,:]+)?)?)"
_date = re.compile(_DATE).fullmatch
_moment = re.compile(f"{_DATE}(?:[Tt](?:{_TIME})?{_OFFSET}?)?").fullmatch
_time_only = re.compile(f"[Tt]{_TIME}{_OFFSET}?").fullmatch
_LAST_MILLISECOND = 2**51


def _bad(text: str) -> TrinoError:
    return TrinoError(f"Invalid format: {text[:100]}")


def _days(match: re.Match[str]) -> int:
    year = int(match["year"])
    if match["ordinal"]:
        ordinal = int(match["ordinal"])
        if not 1 <= ordinal <= 365 + is_leap(year):
            raise _bad(match.string)
        return days_of(year, 1, 1) + ordinal - 1
    if match["week"]:
        first = days_of(year, 1, 4) - weekday(days_of(year, 1, 4)) + 1
        last = days_of(year, 12, 28)
        days = first + 7 * (int(match["week"]) - 1)
        number = int(match["weekday"] or 1)
        if not first <= days <= last or not 1 <= number <= 7:
            raise _bad(match.string)
        return days + number - 1
    return days_of(year, int(match["month"] or 1), int(match["day"] or 1))


def from_iso8601_date(text: str) -> int:
    """Days since 1970-01-01."""
    match = _date(text)
    if match is None:
        raise _bad(text)
    days = _days(match)
    if not -(2**31) <= days < 2**31:
        raise GuardError("a date outside the years -5877641 to 5881580")
    return checked_days(days)


def from_iso8601_timestamp(text: str) -> int:
    """The instant, in microseconds since 1970."""
    local, offset = _parsed(text)
    return checked_moment(local - offset)


def local_timestamp(text: str) -> int:
    """What the clock shows in the zone that the text names (UTC where it names none)."""
    return checked_moment(_parsed(text)[0])


def _parsed(text: str) -> tuple[int, int]:
    match = _moment(text) or _time_only(text)
    if match is None:
        raise _bad(text)
    parts = match.groupdict()
    days = _days(match) if parts.get("year") else 0
    hour, minute, second = (int(parts[p] or 0) for p in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 59:
        raise _bad(text)
    unit = 1000 if parts["second"] else 60_000 if parts["minute"] else 3_600_000
    milliseconds = days * 86_400_000 + (hour * 3600 + minute * 60 + second) * 1000
    milliseconds += _fraction(parts["fraction"] or "", unit)
    offset = _offset(parts, text)
    if not -_LAST_MILLISECOND <= milliseconds - offset < _LAST_MILLISECOND:
        raise _bad(text)
    return milliseconds * 1000, offset * 1000


def _fraction(digits: str, unit: int) -> int:
    """A fraction of a unit in milliseconds, cut as Joda-Time does it."""
    value, share = 0, unit * 10
    for digit in digits:
        share //= 10
        value += int(digit) * share
    return value // 10


def _offset(parts: dict[str, str | None], text: str) -> int:
    """Milliseconds east of UTC."""
    if not parts["zone"] or parts["zone"] in "Zz":
        return 0
    hours, minutes = int(parts["hours"] or 0), int(parts["minutes"] or 0)
    if hours > 23 or minutes > 59:
        raise _bad(text)
    if parts["rest"] or hours * 60 + minutes > 14 * 60:
        raise GuardError(f"a time with the zone {parts['zone']}")
    return (hours * 60 + minutes) * 60_000 * (-1 if parts["sign"] == "-" else 1)
