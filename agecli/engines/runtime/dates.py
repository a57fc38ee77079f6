"""Dates and times as texts: what Trino reads and how it prints. Years outside 0001-9999 have no value here."""

from __future__ import annotations

import datetime

_MICROSECONDS = 6


def timestamp_text(value: datetime.datetime, digits: int) -> str:
    """CAST(timestamp(p) AS varchar): `2024-03-01 10:11:12.345`, as many fraction digits as the type has."""
    whole = f"{value.year:04d}-{value.month:02d}-{value.day:02d} {value.hour:02d}:{value.minute:02d}:{value.second:02d}"
    return f"{whole}.{value.microsecond:06d}"[: len(whole) + 1 + digits] if digits else whole
