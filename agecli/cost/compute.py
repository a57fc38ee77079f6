"""What the units of each service cost: pure arithmetic, from quantities and prices to dollars.

Formulas are those of the price pages: Athena by bytes with a minimum per query, Fargate by second from the start of
the image's download with a minimum of a minute, Lambda by millisecond, Step Functions by transition. Nothing is
taken off for free tiers. `Range` carries low, expected and high through all of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from agecli.cost.prices import RegionPrices

TB = 10**12  # the reading of Athena's terabyte that costs more; 2^40 bytes would cost 9 % less
TIB = 2**40
MB = 10**6
ATHENA_MINIMUM = 10 * MB  # bytes billed for every query
GB = 10**9
GIB = 2**30
HOUR = 3600
HOURS_OF_A_MONTH = 730
FARGATE_MINIMUM_SECONDS = 60
LAMBDA_MOST_SECONDS = 900
LAMBDA_MB_OF_A_VCPU = 1769
BORROWED = 1.3  # what a region without prices of its own may cost more than the one they were taken from

# memory in GB that Fargate sells with so many vCPUs: from, to, step
_FARGATE_MEMORY = {1: (2, 8, 1), 2: (4, 16, 1), 4: (8, 30, 1), 8: (16, 60, 4), 16: (32, 120, 8)}


@dataclass(frozen=True)
class Range:
    """A quantity or an amount of dollars as far as it is known: low <= expected <= high."""

    low: float
    expected: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Range:
        return cls(value, value, value)

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __mul__(self, other: Range | float) -> Range:
        by = other if isinstance(other, Range) else Range.exactly(other)
        return Range(self.low * by.low, self.expected * by.expected, self.high * by.high)

    def least(self, floor: float) -> Range:
        """The same, nowhere below `floor`."""
        return Range(max(self.low, floor), max(self.expected, floor), max(self.high, floor))

    def to_json(self) -> dict[str, float]:
        return {"low": self.low, "expected": self.expected, "high": self.high}


NOTHING = Range(0.0, 0.0, 0.0)


def total(amounts: Iterable[Range]) -> Range:
    """The sum of ranges, end by end: highs that would not all happen at once are added all the same."""
    return sum(amounts, NOTHING)


def price(prices: RegionPrices, item: str) -> Range:
    """A unit price; one that was taken from another region may be higher here."""
    line = prices.line(item)
    return Range(line.usd, line.usd, line.usd * (1.0 if line.region == prices.name else BORROWED))


def athena_billed(scanned: int) -> int:
    """Bytes that Athena bills for a query that scans so many: up to the next MB, and 10 MB at least."""
    return max(ATHENA_MINIMUM, -(-scanned // MB) * MB)


def athena_usd(scanned: int, per_tb: float, terabyte: int = TB) -> float:
    """Dollars for one query. 10^12 bytes a TB is the dearer reading, and the one that bounds from above."""
    return athena_billed(scanned) / terabyte * per_tb


def athena(low: int, expected: int, high: int, prices: RegionPrices) -> Range:
    """Dollars for a query that scans between `low` and `high` bytes; the low end takes a TB for 2^40 bytes."""
    unit = price(prices, "athena_tb")
    return Range(
        athena_usd(low, unit.low, TIB), athena_usd(expected, unit.expected), athena_usd(high, unit.high)
    )  # fmt: skip


def fargate_memory(vcpu: int, wanted_bytes: float) -> int:
    """The smallest memory in GB that Fargate sells with so many vCPUs and that holds so much, or its largest."""
    least, most, step = _FARGATE_MEMORY[vcpu]
    return next((size for size in range(least, most + 1, step) if size * GIB >= wanted_bytes), most)


def fargate(seconds: Range, tasks: int, vcpu: int, memory_gb: int, chip: str, prices: RegionPrices) -> Range:
    """Dollars for `tasks` tasks of so many seconds each, counted from the start of the image's download."""
    billed = Range(
        *(math.ceil(max(FARGATE_MINIMUM_SECONDS, end)) for end in (seconds.low, seconds.expected, seconds.high))
    )
    hourly = price(prices, f"fargate_{chip}_vcpu_hour") * vcpu + price(prices, f"fargate_{chip}_gb_hour") * memory_gb
    return billed * hourly * (tasks / HOUR)


def spot(amount: Range, prices: RegionPrices) -> Range:
    """The same tasks as Fargate Spot: the price moves. Low is the largest discount that AWS names, high is none."""
    off = prices.usd("fargate_spot_share_off")
    return Range(amount.low * (1 - off), amount.expected * (1 - off / 2), amount.high)


def lambda_(seconds: Range, calls: float, memory_mb: int, chip: str, prices: RegionPrices) -> Range:
    """Dollars for `calls` invocations of so many seconds each, billed by the millisecond."""
    billed = Range(*(math.ceil(end * 1000) / 1000 for end in (seconds.low, seconds.expected, seconds.high)))
    gb_seconds = billed * (calls * memory_mb / 1024)
    return gb_seconds * price(prices, f"lambda_{chip}_gb_second") + price(prices, "lambda_request") * calls


def units(quantity: Range, item: str, prices: RegionPrices) -> Range:
    """Dollars for a quantity of what is sold by the unit: transitions, requests, GB of logs, GB-months."""
    return quantity * price(prices, item)
