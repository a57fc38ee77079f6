"""From what the trees say to what may be promised: intervals that cover, probabilities that come true.

Everything learned here is a number or a piecewise linear table, so an artifact holds plain JSON and scoring
costs a lookup. All functions take rows that the model being calibrated has not seen.

Interval: conformal with a normalised score (Papadopoulos et al. 2008; Lei et al. 2018): |error| / scale, whose
quantile at rank ceil((n + 1) level) times the scale of a new row is half the width of its interval. The scale is the
spread that the spread trees tell, its root, or the same for all (few rows tell a spread badly), whichever has the
least interval score in cross-validation; times a piecewise linear function of the prediction, which evens out what is
missed in some bands of it, most often the lowest and the highest. tests/benchmarks/intervals.py compares this with
other ways.
Confidence of a number: P(|error| <= tolerance) as a function of the scale: through the distribution of the score, by
beta calibration (Kull et al. 2017) or by isotonic regression. Confidence of a class: its probability as it is, by
beta calibration or isotonic. Which, is chosen by cross-validated log loss over the calibration rows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from agecli.models import kernel, metrics

Vector = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_MOST_KNOTS = 200
_LEAST_PER_BIN = 25
_POWERS = (1.0, 0.5, 0.0)
_LEAST_TO_LEVEL = 500
_LEAST_PER_BAND = 100
_PRICE = 6.0
_MOST_STRETCH = 10.0
_MOST = 1e30
_SPLITS = 5
_GRID = 1 / (1 + np.exp(-np.linspace(-14, 14, 257)))


@dataclass(frozen=True)
class Table:
    """A piecewise linear function: value `y[i]` at `x[i]`, constant beyond both ends."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    def __call__(self, values: Vector) -> Vector:
        """The function at each value, from that value alone (so chunks do not matter)."""
        x, y, limits = self._arrays
        if len(x) == 1:
            return np.full(len(values), y[0])
        compiled = kernel.interpolate(x, y, limits, values)
        if compiled is not None:
            return compiled
        inside = np.clip(values, x[0], x[-1])
        left = np.clip(np.searchsorted(x, inside, side="right") - 1, 0, len(x) - 2)
        share = (inside - x[left]) / (x[left + 1] - x[left])
        told: Vector = y[left] + (y[left + 1] - y[left]) * share
        return np.clip(told, *limits)

    @cached_property
    def _arrays(self) -> tuple[Vector, Vector, Vector]:
        y = np.array(self.y)
        return np.array(self.x), y, np.array([y.min(), y.max()])

    def to_json(self) -> dict[str, list[float]]:
        return {"x": list(self.x), "y": list(self.y)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Table:
        """The table that `to_json` wrote; ValueError if it is none."""
        x, y = tuple(map(float, fields["x"])), tuple(map(float, fields["y"]))
        if not x or len(x) != len(y) or not np.isfinite(x + y).all() or (np.diff(x) <= 0).any():
            raise ValueError("a calibration table needs finite values and a growing x")
        return cls(x, y)


@dataclass(frozen=True)
class _Band:
    """Rows that lie side by side in the order of their predictions, and the quantile of their scores."""

    start: int
    rows: int
    quantile: float


@dataclass(frozen=True)
class NumberCalibration:
    """How to get an interval and a confidence from a point and its spread, by the scale of its error."""

    floor: float
    power: float
    level_out: Table
    factor: float
    confidence: Table
    method: str

    def scale(self, point: Vector, spread: Vector) -> Vector:
        """How large errors are where the trees say so, in units of the label; above 0."""
        return self.level_out(point) * _raised(np.maximum(spread, self.floor), self.power)

    def interval(self, point: Vector, spread: Vector) -> tuple[Floats, Floats]:
        """Lower and upper bound as float32, from points that are float32 values, and raw spreads."""
        return self._around(point, self.scale(point, spread))

    def confident(self, point: Vector, spread: Vector, tolerance: float) -> Floats:
        """Probability of being within the tolerance, as float32."""
        return self._within(tolerance, self.scale(point, spread))

    def promise(self, point: Vector, spread: Vector, tolerance: float) -> tuple[Floats, Floats, Floats]:
        """Both at once: lower bound, upper bound, probability."""
        scale = self.scale(point, spread)
        return *self._around(point, scale), self._within(tolerance, scale)

    def _around(self, point: Vector, scale: Vector) -> tuple[Floats, Floats]:
        half = self.factor * scale
        return (point - half).astype(np.float32), (point + half).astype(np.float32)

    def _within(self, tolerance: float, scale: Vector) -> Floats:
        return self.confidence(tolerance / scale).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        return {
            "floor": self.floor,
            "power": self.power,
            "level_out": self.level_out.to_json(),
            "factor": self.factor,
            "confidence": self.confidence.to_json(),
            "method": self.method,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> NumberCalibration:
        floor, factor = float(fields["floor"]), float(fields["factor"])
        if not (0 < floor < _MOST and 0 <= factor < _MOST):
            raise ValueError("the interval needs a floor above 0 and a factor of at least 0, neither beyond all labels")
        level_out = Table.from_json(fields["level_out"])
        if min(level_out.y) < 0.99 / _MOST_STRETCH or max(level_out.y) > 1.01 * _MOST_STRETCH:  # means have rounding
            raise ValueError(f"the scale of errors may change by a factor of {_MOST_STRETCH:g} at most")
        power = float(fields["power"])
        if power not in _POWERS:
            raise ValueError("the power of the spread is none of those there are")
        return cls(floor, power, level_out, factor, _probabilities(fields["confidence"]), str(fields["method"]))


@dataclass(frozen=True)
class ClassCalibration:
    """How to get class probabilities that come true: a table per class (one in all for two classes)."""

    tables: tuple[Table, ...]
    method: str

    def __call__(self, raw: Vector) -> Vector:
        """Calibrated probabilities, (n, classes), from raw ones of the same shape."""
        if len(self.tables) == 1:
            positive = self.tables[0](raw[:, 1])
            return np.column_stack([1 - positive, positive])
        each = np.column_stack([table(raw[:, code]) for code, table in enumerate(self.tables)])
        total = each[:, 0].copy()
        for code in range(1, each.shape[1]):
            total += each[:, code]
        return each / total[:, None]

    def to_json(self) -> dict[str, Any]:
        return {"tables": [table.to_json() for table in self.tables], "method": self.method}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> ClassCalibration:
        return cls(tuple(_probabilities(t) for t in fields["tables"]), str(fields["method"]))

    def fits(self, classes: int) -> bool:
        """Are there tables for so many classes?"""
        return len(self.tables) == (1 if classes == 2 else classes)


def _probabilities(fields: Mapping[str, Any]) -> Table:
    """A table of probabilities; ValueError where one lies outside 0 to 1, or all are 0."""
    table = Table.from_json(fields)
    if min(table.y) < 0 or max(table.y) > 1 or max(table.y) == 0:
        raise ValueError("a probability must lie between 0 and 1")
    return table


def conformal_quantile(scores: Vector, level: float) -> float:
    """The score at rank ceil((n + 1) level); the largest where so few scores cannot promise the level."""
    rank = math.ceil((len(scores) + 1) * level)
    return float(np.partition(scores, min(rank, len(scores)) - 1)[min(rank, len(scores)) - 1])


def spread_floor(spread: Vector, residuals: Vector) -> float:
    """The least spread that is believed: a tenth of the typical one, and above zero in any case."""
    typical = float(np.median(spread))
    scale = float(np.abs(residuals).mean())
    return max(0.1 * typical, 1e-3 * scale, 1e-12)


def calibrate_numbers(
    point: Vector, residuals: Vector, spread: Vector, level: float, tolerance: float, floor: float
) -> NumberCalibration:
    """Interval factor and confidence table from points, residuals and raw spreads (all (n,), label units)."""
    sigma = np.maximum(spread, floor)
    power = _power(point, np.abs(residuals), sigma, level)
    sigma = _raised(sigma, power)
    level_out = _level_out(point, np.abs(residuals) / sigma, level)
    sigma = level_out(point) * sigma
    factor = conformal_quantile(np.abs(residuals) / sigma, level)
    hit = metrics.within(residuals, tolerance)
    ways: dict[str, Callable[[npt.NDArray[np.int64]], Table]] = {
        "scaled": lambda rows: _through_score(residuals[rows], sigma[rows], tolerance),
        "beta": lambda rows: _through_beta(tolerance / sigma[rows], hit[rows]),
        "isotonic": lambda rows: isotonic(tolerance / sigma[rows], hit[rows]),
    }

    def loss(table: Table, rows: npt.NDArray[np.int64]) -> float:
        return _binary_loss(hit[rows], table(tolerance / sigma[rows]))

    method = _best(ways, loss, len(hit))
    return NumberCalibration(floor, power, level_out, factor, ways[method](np.arange(len(hit))), method)


def _raised(spread: Vector, power: float) -> Vector:
    """The spread to the power of 1, 1/2 or 0: operations that give each row the same bits in any batch."""
    if power == 1:
        return spread
    return np.sqrt(spread) if power else np.ones(len(spread))


def _power(point: Vector, size: Vector, sigma: Vector, level: float) -> float:
    """How far to trust the spread: what gives the least interval score on folds that it was not fitted to."""
    if len(size) < _SPLITS * _LEAST_PER_BIN:
        return _POWERS[-1]
    fold, totals = np.arange(len(size)) % _SPLITS, dict.fromkeys(_POWERS, 0.0)
    for power in _POWERS:
        scale = _raised(sigma, power)
        for k in range(_SPLITS):
            inside, outside = fold == k, fold != k
            table = _level_out(point[outside], size[outside] / scale[outside], level)
            factor = conformal_quantile(size[outside] / (scale * table(point))[outside], level)
            half = factor * (scale * table(point))[inside]
            totals[power] += float((half + np.maximum(size[inside] - half, 0) / (1 - level)).sum())
    return min(_POWERS, key=lambda power: totals[power])


def _level_out(point: Vector, scores: Vector, level: float) -> Table:
    """By the prediction, the quantile of the scores nearby over that of all.

    The rows, in the order of their predictions, are halved again and again, and put together again where the halves
    differ by no more than chance: wide bands where little happens, narrow ones where the errors change quickly. The
    way from one band to the next is a line over as many rows as the smaller has.
    """
    if len(point) < 2 * _LEAST_TO_LEVEL:
        return Table((0.0,), (1.0,))
    order = np.argsort(point, kind="stable")
    ordered, at = scores[order], point[order]
    whole, (_, bands) = conformal_quantile(ordered, level), _bands(ordered, 0, level)
    x: list[float] = []
    y: list[float] = []
    for before, after in itertools.pairwise(bands):
        half = min(before.rows, after.rows) // 2
        x += at[[after.start - half, min(after.start + half, len(at) - 1)]].tolist()
        y += [before.quantile, after.quantile]
    if not x or whole <= 0:
        return Table((0.0,), (1.0,))
    stretch = np.clip(np.array(y) / whole, 1 / _MOST_STRETCH, _MOST_STRETCH)
    return _table(np.array(x), stretch, np.ones(len(x)), rising=False)


def _bands(scores: Vector, start: int, level: float) -> tuple[float, list[_Band]]:
    """Bands of scores in the order of their predictions, and how much better than one band they tell them.

    A gain is the chi-square of the two shares above the quantile of both halves, less `_PRICE`, and the gains within
    the halves: of all ways to halve on, the one with the greatest sum, as in wavelet thresholding on a tree (Donoho
    1997).
    """
    alone = _Band(start, len(scores), conformal_quantile(scores, level))
    middle = len(scores) // 2
    if middle < _LEAST_PER_BAND:
        return 0.0, [alone]
    above = scores > alone.quantile
    share, left, right = float(above.mean()), float(above[:middle].mean()), float(above[middle:].mean())
    if share == 0:
        return 0.0, [alone]
    variance = share * (1 - share) * (1 / middle + 1 / (len(scores) - middle))
    lower, first = _bands(scores[:middle], start, level)
    upper, second = _bands(scores[middle:], start + middle, level)
    gain = (left - right) ** 2 / variance - _PRICE + lower + upper
    return (gain, [*first, *second]) if gain > 0 else (0.0, [alone])


def calibrate_classes(raw: Vector, truth: Codes) -> ClassCalibration:
    """Probability tables from raw probabilities (n, classes) and true class codes (n,)."""
    classes = raw.shape[1]
    codes = [1] if classes == 2 else list(range(classes))

    def tables(fit: Callable[[Vector, npt.NDArray[np.bool_]], Table], rows: Codes) -> tuple[Table, ...]:
        return tuple(fit(raw[rows, code], truth[rows] == code) for code in codes)

    ways: dict[str, Callable[[Codes], ClassCalibration]] = {
        "none": lambda rows: ClassCalibration(tables(_unchanged, rows), "none"),
        "beta": lambda rows: ClassCalibration(tables(beta, rows), "beta"),
        "isotonic": lambda rows: ClassCalibration(tables(isotonic, rows), "isotonic"),
    }

    def loss(calibration: ClassCalibration, rows: Codes) -> float:
        return metrics.log_loss(truth[rows], calibration(raw[rows])) * len(rows)

    return ways[_best(ways, loss, len(truth))](np.arange(len(truth)))


def isotonic(score: Vector, hit: npt.NDArray[np.bool_]) -> Table:
    """Growing probability of a hit by score: pool adjacent violators over bins of equal count.

    Each bin is shrunk towards the overall rate by one row, so no probability is 0 or 1.
    """
    order = np.argsort(score, kind="stable")
    bins = int(np.clip(len(score) // _LEAST_PER_BIN, 1, _MOST_KNOTS))
    edges = np.linspace(0, len(score), bins + 1).astype(np.int64)
    weight = np.diff(edges).astype(np.float64)
    x = np.add.reduceat(score[order], edges[:-1]) / weight
    rate = (hit.sum() + 0.5) / (len(hit) + 1)
    y = (np.add.reduceat(hit[order].astype(np.float64), edges[:-1]) + rate) / (weight + 1)
    return _table(x, *_pool(y, weight))


def beta(probability: Vector, hit: npt.NDArray[np.bool_]) -> Table:
    """Beta calibration: logistic regression on ln p and -ln(1 - p) with slopes not below zero."""
    p = np.clip(probability, 1e-7, 1 - 1e-7)
    columns = np.column_stack([np.log(p), -np.log1p(-p), np.ones_like(p)])
    kept = [0, 1, 2]
    weights = np.zeros(3)
    while True:
        weights[:] = 0
        weights[kept] = _logistic(columns[:, kept], hit)
        negative = [c for c in kept if c < 2 and weights[c] < 0]
        if not negative:
            break
        kept.remove(min(negative, key=lambda c: weights[c]))
    z = weights[0] * np.log(_GRID) - weights[1] * np.log1p(-_GRID) + weights[2]
    y = np.clip(1 / (1 + np.exp(-np.clip(z, -30, 30))), 1e-6, 1 - 1e-6)
    return Table(tuple(_GRID.tolist()), tuple(y.tolist()))


def _unchanged(_: Vector, __: npt.NDArray[np.bool_]) -> Table:
    return Table((0.0, 1e-6, 1 - 1e-6, 1.0), (1e-6, 1e-6, 1 - 1e-6, 1 - 1e-6))


def _through_score(residuals: Vector, sigma: Vector, tolerance: float) -> Table:
    """P(score <= tolerance / sigma) from the distribution of the scores, as a table over tolerance / sigma."""
    scores = np.sort(np.abs(residuals) / sigma)
    knots = np.unique(np.quantile(scores, np.linspace(0, 1, min(_MOST_KNOTS, len(scores)) + 1)))
    share = (np.searchsorted(scores, knots, side="right") + 0.5) / (len(scores) + 1)
    return _table(knots, np.clip(share, 0, 1), np.ones(len(knots)))


def _through_beta(ratio: Vector, hit: npt.NDArray[np.bool_]) -> Table:
    """Beta calibration of a probability that grows with the tolerance over the scale, as a table over that ratio."""
    knots = np.unique(np.quantile(ratio, np.linspace(0, 1, _MOST_KNOTS + 1)))

    def raw(ratios: Vector) -> Vector:
        grown: Vector = np.exp(-1 / np.square(np.maximum(ratios, 1e-3)))
        return grown

    return _table(knots, beta(raw(ratio), hit)(raw(knots)), np.ones(len(knots)))


def _best(ways: Mapping[str, Callable[[Codes], Any]], loss: Callable[[Any, Codes], float], rows: int) -> str:
    """The way with the least cross-validated loss; the first (simplest) where rows are few or nothing is gained."""
    names = list(ways)
    if rows < 5 * _LEAST_PER_BIN:
        return names[0]
    fold = np.arange(rows) % _SPLITS
    totals = {
        name: sum(loss(way(np.flatnonzero(fold != k)), np.flatnonzero(fold == k)) for k in range(_SPLITS))
        for name, way in ways.items()
    }
    best = min(names, key=lambda name: totals[name])
    return best if totals[best] < totals[names[0]] * (1 - 1e-3) else names[0]


def _binary_loss(hit: npt.NDArray[np.bool_], probability: Vector) -> float:
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    return float(-np.log(np.where(hit, p, 1 - p)).sum())


def _pool(values: Vector, weight: Vector) -> tuple[Vector, Vector]:
    """Pool adjacent violators: the closest growing sequence (weighted least squares), and the same weights."""
    blocks: list[tuple[float, float, int]] = []
    for value, w in zip(values.tolist(), weight.tolist(), strict=True):
        count = 1
        while blocks and blocks[-1][0] >= value:
            before, before_weight, before_count = blocks.pop()
            value = (before * before_weight + value * w) / (before_weight + w)
            w, count = w + before_weight, count + before_count
        blocks.append((value, w, count))
    return np.repeat([b[0] for b in blocks], [b[2] for b in blocks]), weight


def _table(x: Vector, y: Vector, weight: Vector, rising: bool = True) -> Table:
    """A table with strictly growing x (equal x are averaged) and, where `rising`, never falling y."""
    knots, index = np.unique(x, return_inverse=True)
    total = np.bincount(index, weight)
    mean = np.bincount(index, weight * y) / total
    return Table(tuple(knots.tolist()), tuple((np.maximum.accumulate(mean) if rising else mean).tolist()))


def _logistic(columns: Vector, hit: npt.NDArray[np.bool_]) -> Vector:
    """Weights of a logistic regression by Newton's method, with a trace of ridge so that it always converges.

    Sums are NumPy's own, not BLAS, whose result may depend on its number of threads.
    """
    width = range(columns.shape[1])
    parts = [np.ascontiguousarray(columns[:, i]) for i in width]
    weights, ridge = np.zeros(len(parts)), 1e-2
    for _ in range(50):
        z = sum((parts[i] * weights[i] for i in width), np.zeros(len(hit)))
        p = 1 / (1 + np.exp(-np.clip(z, -30, 30)))
        gradient = np.array([(part * (p - hit)).sum() for part in parts]) + ridge * weights
        curve = p * (1 - p)
        hessian = np.array([[(parts[i] * parts[j] * curve).sum() for j in width] for i in width])
        step = np.linalg.solve(hessian + ridge * np.eye(len(parts)), gradient)
        weights = weights - step * min(1.0, 5.0 / max(1e-12, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-8:
            break
    return weights
