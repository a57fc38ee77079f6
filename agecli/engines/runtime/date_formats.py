"""date_parse and date_format with MySQL's tokens, as Trino does them with Joda-Time.

Parsing goes from left to right and never back: numbers take as many digits as they may, names are found in either
length and in three spellings (Mar, mar, MAR). Missing parts are the smallest there are; without a year it is 2000
where a month or day is given, and 1970 where only a time is. Microseconds since 1970, of whole milliseconds.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from agecli.engines.runtime.dates import DAY, checked_days, date_of, days_of, is_leap, month_length
from agecli.engines.runtime.errors import GuardError, TrinoError

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

DIGITS = {"m": 2, "c": 2, "d": 2, "e": 2, "H": 2, "k": 2, "h": 2, "I": 2, "l": 2, "i": 2, "s": 2, "S": 2, "j": 3}
"""Tokens that are unsigned numbers, with the most digits that each takes."""
_LIMITS = {"m": (1, 12), "d": (1, 31), "H": (0, 23), "h": (1, 12), "i": (0, 59), "s": (0, 59), "j": (1, 366)}
_SAME = {"c": "m", "e": "d", "k": "H", "I": "h", "l": "h", "S": "s", "b": "m", "M": "m", "y": "Y", "W": "a", "G": "Y",
         "F": "f"}  # fmt: skip
_WIDER = {"T": "%H:%i:%s", "r": "%h:%i:%s %p"}
PARSED = frozenset("YymcdeHkhIlisSfpbMajWTr%")
PRINTED = frozenset("YymcdeHkhIlisSfpbMajWTr%vx")
JODA = {
    "yyyy": "Y", "M": "m", "MM": "m", "d": "d", "dd": "d", "H": "H", "HH": "H", "m": "i", "mm": "i", "s": "s",
    "ss": "s", "SSS": "F",
}  # fmt: skip
"""What parse_datetime's patterns are in tokens. Two are its own: `F` is three digits of a fraction, `G` a year of up
to nine digits, which `yyyy` is where no other number follows at once."""
_LAST_YEAR = 69_999
"""parse_datetime's milliseconds have 52 bits, which end in the year 73326; a guard stops at what was looked at."""


def tokens(text: str) -> tuple[str, ...]:
    """A format as its parts: `%Y` for a token, one character for a literal. `%T` and `%r` are taken apart."""
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "%" and at + 1 < len(text):
            token = text[at + 1]
            found.extend(tokens(_WIDER[token]) if token in _WIDER else ("%",) if token == "%" else (f"%{token}",))
            at += 2
        else:
            found.append(text[at])
            at += 1
    return tuple(found)


def field(token: str) -> str:
    """The part of a date that a token stands for: `c` and `b` are both the month, `m`."""
    return _SAME.get(token, token)


_tokens = functools.lru_cache(256)(tokens)


def _spellings(names: tuple[str, ...]) -> dict[str, int]:
    forms: dict[str, int] = {}
    for value, name in enumerate(names, 1):
        for spelling in (name, name[:3]):
            forms |= {spelling: value, spelling.lower(): value, spelling.upper(): value}
    return forms


_NAMES = {"m": _spellings(MONTHS), "a": _spellings(WEEKDAYS),
          "p": {"AM": 0, "PM": 1, "am": 0, "pm": 1}}  # fmt: skip


def date_parse(text: str, pattern: str) -> int:
    """date_parse(text, pattern). TrinoError where the text does not fit the pattern or is no date."""
    found: dict[str, int] = {}
    at = 0
    for token in _tokens(pattern):
        if len(token) == 1:
            if text[at : at + 1].upper() != token.upper() and text[at : at + 1].lower() != token.lower():
                raise _bad(text)
            at += 1
            continue
        value, at = _value(token[1], text, at)
        name = field(token[1])
        low, high = _LIMITS.get(name, (value, value))
        if not low <= value <= high:
            raise _bad(text)
        found[name] = value
    if at != len(text):
        raise _bad(text)
    return _moment(found)


def parse_datetime(text: str, pattern: str) -> int:
    """parse_datetime(text, pattern), of a pattern in tokens of date_parse."""
    moment = date_parse(text, pattern)
    if not -_LAST_YEAR <= date_of(moment // DAY)[0] <= _LAST_YEAR:
        raise GuardError(f"parse_datetime of a year outside -{_LAST_YEAR} to {_LAST_YEAR}")
    return moment


def _bad(text: str) -> TrinoError:
    return TrinoError(f"Invalid format: {text[:100]}")


def _value(token: str, text: str, at: int) -> tuple[int, int]:
    if token in "bMaWp":
        return _name(_NAMES[field(token)], text, at)
    if token in "YG":
        return _signed(text, at, 4 if token == "Y" else 9)
    if token == "y":
        digits = text[at : at + 2]
        if len(digits) < 2 or not (digits.isascii() and digits.isdigit()):
            raise _bad(text)
        return int(digits) + (1900 if digits >= "70" else 2000), at + 2
    if token in "fF":
        digits = _digits(text, at, 9 if token == "f" else 3)
        return int(digits[:3].ljust(3, "0")), at + len(digits)
    digits = _digits(text, at, DIGITS[token])
    return int(digits), at + len(digits)


def _digits(text: str, at: int, most: int) -> str:
    end = at
    while end < min(len(text), at + most) and "0" <= text[end] <= "9":
        end += 1
    if end == at:
        raise _bad(text)
    return text[at:end]


def _signed(text: str, at: int, most: int) -> tuple[int, int]:
    sign = text[at : at + 1] if text[at : at + 1] in ("+", "-") else ""
    digits = _digits(text, at + len(sign), most)
    return int(sign + digits), at + len(sign) + len(digits)


def _name(names: Mapping[str, int], text: str, at: int) -> tuple[int, int]:
    for length in range(9, 1, -1):
        value = names.get(text[at : at + length])
        if value is not None and at + length <= len(text):
            return value, at + length
    raise _bad(text)


def _moment(found: Mapping[str, int]) -> int:
    dated = {"m", "d", "a", "j"} & found.keys()
    year = found.get("Y", 2000 if dated else 1970)
    if "j" in found:
        if found["j"] == 366 and not is_leap(year):
            raise TrinoError("366 is no day of this year")
        days = days_of(year, 1, 1) + found["j"] - 1
    else:
        days = days_of(year, found.get("m", 1), found.get("d", 1))
    if "a" in found:
        days = _in_week(days, year, found)
    hour = found.get("H", found.get("h", 0) % 12 + 12 * found.get("p", 0))
    seconds = hour * 3600 + found.get("i", 0) * 60 + found.get("s", 0)
    return checked_days(days) * DAY + seconds * 1_000_000 + found.get("f", 0) * 1000


def _in_week(days: int, year: int, found: Mapping[str, int]) -> int:
    """The weekday asked for in the week of the date. Joda sets all parts twice, which shows where no day is named."""
    days += found["a"] - weekday(days)
    if {"d", "j"} & found.keys():
        return days
    _, month, day = date_of(days)
    month = found.get("m", month)
    days = days_of(year, month, min(day, month_length(year, month)))
    return days + found["a"] - weekday(days)


def weekday(days: int) -> int:
    """1 for Monday to 7 for Sunday."""
    return (days + 3) % 7 + 1


def week(days: int) -> tuple[int, int]:
    """Year and number of the ISO week."""
    thursday = days - weekday(days) + 4
    year = date_of(thursday)[0]
    return year, (thursday - days_of(year, 1, 1)) // 7 + 1


def date_format(microseconds: int, pattern: str) -> str:
    """date_format(timestamp, pattern)."""
    return "".join(t if len(t) == 1 else printed(t[1], microseconds) for t in _tokens(pattern))


def printed(token: str, microseconds: int) -> str:
    """What one token of date_format prints."""
    days, rest = divmod(microseconds, DAY)
    year, month, day = date_of(days)
    hour, minute, second = rest // 3_600_000_000, rest // 60_000_000 % 60, rest // 1_000_000 % 60
    half = hour % 12 or 12
    numbers = {
        "m": (month, 2), "c": (month, 1), "d": (day, 2), "e": (day, 1), "H": (hour, 2), "k": (hour, 1),
        "h": (half, 2), "I": (half, 2), "l": (half, 1), "i": (minute, 2), "s": (second, 2), "S": (second, 2),
        "j": (days - days_of(year, 1, 1) + 1, 3), "y": (abs(year) % 100, 2), "v": (week(days)[1], 2),
    }  # fmt: skip
    if token in numbers:
        value, width = numbers[token]
        return f"{value:0{width}d}"
    if token in "Yx":
        shown = year if token == "Y" else week(days)[0]
        return f"{'-' if shown < 0 else ''}{abs(shown):04d}"
    if token == "f":
        return f"{rest // 1000 % 1000:03d}000"
    if token == "p":
        return "PM" if hour >= 12 else "AM"
    name = MONTHS[month - 1] if token in "bM" else WEEKDAYS[weekday(days) - 1]
    return name[:3] if token in "ab" else name
