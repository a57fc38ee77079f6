"""Durations as texts: human_readable_seconds and parse_duration, as Trino (airlift's Duration) does them."""

from __future__ import annotations

import math
import re

from agecli.engines.runtime.errors import GuardError, TrinoError

_UNITS = (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_MILLISECONDS = {"ns": 1 / 1_000_000, "us": 1 / 1000, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0,
                 "d": 86_400_000.0}  # fmt: skip
_DURATION = re.compile(r"[ \t\n\v\f\r]*([0-9]+(?:\.[0-9]+)?)[ \t\n\v\f\r]*([a-zA-Z]+)[ \t\n\v\f\r]*").fullmatch
_EXACT = 2**52
"""Up to here a double holds halves, so that rounding is what it says."""


def human_readable_seconds(seconds: float) -> str:
    """`56363463.0` is '93 weeks, 1 day, 8 hours, 31 minutes, 3 seconds'; no sign, halves are rounded up."""
    if not math.isfinite(seconds):
        raise TrinoError(f"Invalid argument found: {seconds}")
    size = abs(seconds)
    if size >= 2**63:
        raise GuardError("human_readable_seconds of 2^63 or more")
    rest = math.floor(size) + (size - math.floor(size) >= 0.5)
    parts = []
    for name, length in _UNITS:
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count} {name}{'s' if count != 1 else ''}")
    return ", ".join(parts) or "0 seconds"


def parse_duration(text: str) -> int:
    """Milliseconds of `42.8ms`, `3.81 d`, `5m`: one number and one unit, halves rounded up."""
    match = _DURATION(text)
    if match is None or match[2] not in _MILLISECONDS:
        raise TrinoError(f"duration is not a valid data duration string: {text[:100]}")
    length = float(match[1]) * _MILLISECONDS[match[2]]
    if length >= _EXACT:
        raise GuardError("a duration of 2^52 milliseconds or more")
    return math.floor(length + 0.5)
