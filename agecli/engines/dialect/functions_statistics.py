"""Distributions, intervals and similarity: rarely used, so plain Python behind the door for Arrow columns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import NormalDist

from agecli.engines.dialect.registry import provide, register
from agecli.engines.runtime.arrow import udf
from agecli.engines.runtime.errors import GuardError, TrinoError


def normal_cdf(mean: float, deviation: float, value: float) -> float:
    if not deviation > 0:
        raise TrinoError("standardDeviation must be > 0")
    return 0.5 * (1 + math.erf((value - mean) / (deviation * math.sqrt(2))))  # as Trino, coarse for small shares


def inverse_normal_cdf(mean: float, deviation: float, share: float) -> float:
    if not 0 < share < 1:
        raise TrinoError("p must be 0 > p > 1")
    if not deviation > 0:
        raise TrinoError("sd must be > 0")
    rounded = (2 * share - 1 + 1) / 2  # Trino goes through erfInv(2p - 1), which rounds small shares
    return mean + deviation * NormalDist().inv_cdf(rounded)


def wilson_lower(successes: int, trials: int, z: float) -> float:
    return _wilson(successes, trials, z, -1)


def wilson_upper(successes: int, trials: int, z: float) -> float:
    return _wilson(successes, trials, z, 1)


def _wilson(successes: int, trials: int, z: float, side: int) -> float:
    """Wilson's score interval for a proportion."""
    if successes < 0 or trials <= 0 or successes > trials or not z >= 0:
        raise TrinoError("successes, trials or z out of range")
    share = successes / trials
    middle = share + z * z / (2 * trials)
    width = z * math.sqrt((share * (1 - share) + z * z / (4 * trials)) / trials)
    return (middle + side * width) / (1 + z * z / trials)


def map_cosine(one: list[tuple[str, float | None]], other: list[tuple[str, float | None]]) -> float | None:
    """Cosine of two sparse vectors; NULL where a value is."""
    a, b = dict(one), dict(other)
    if None in a.values() or None in b.values():
        return None
    x = {k: v for k, v in a.items() if v is not None}
    y = {k: v for k, v in b.items() if v is not None}
    dot = sum(v * y[k] for k, v in x.items() if k in y)
    return _quotient(dot, _length(x.values()) * _length(y.values()))


def array_cosine(one: list[float | None], other: list[float | None]) -> float | None:
    if len(one) != len(other):
        raise TrinoError("The arguments must have the same length")
    x, y = [v for v in one if v is not None], [v for v in other if v is not None]
    if len(x) < len(one) or len(y) < len(other):
        return None
    size = _length(x) * _length(y)
    if size == 0:
        raise GuardError("the cosine of a vector of zeros")
    return _quotient(sum(a * b for a, b in zip(x, y, strict=True)), size)


def _length(values: Iterable[float]) -> float:
    return math.sqrt(sum(v * v for v in values))


def _quotient(top: float, bottom: float) -> float:
    return top / bottom if bottom else math.nan


_MAP = "map(varchar,double)"
_VECTOR = "array(double)"
_LISTED = (
    ("normal_cdf", normal_cdf, ["double", "double", "double"], "double"),
    ("inverse_normal_cdf", inverse_normal_cdf, ["double", "double", "double"], "double"),
    ("wilson_interval_lower", wilson_lower, ["bigint", "bigint", "double"], "double"),
    ("wilson_interval_upper", wilson_upper, ["bigint", "bigint", "double"], "double"),
    ("cosine_similarity", map_cosine, [_MAP, _MAP], "double"),
    ("cosine_similarity", array_cosine, [_VECTOR, _VECTOR], "double"),
)


def _register() -> None:
    for name, body, parameters, result in _LISTED:
        plain = provide(udf(f"ag_{body.__name__}", body, parameters, result))
        silent = provide(udf(f"ag_try_{body.__name__}", body, parameters, result, quiet=True))
        places = ", ".join(f"{{{i}}}" for i in range(len(parameters)))
        register(name, parameters, result, f"{plain}({places})", fails=True, quiet=f"{silent}({places})")


_register()
