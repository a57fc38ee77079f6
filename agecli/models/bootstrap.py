"""Intervals for figures by the bootstrap: the rows are drawn again with replacement, and the figure computed each time.

Percentile intervals over `RESAMPLES` draws (Efron and Tibshirani 1993), paired where two models are compared: both are
measured on the same draw. A figure here is a function of sums over rows, so that all draws cost one product of
matrices. Beyond a number of groups, groups of rows are drawn in place of rows: a sum over a group is an independent
draw of the same kind, the width of the interval the same but for a share of 1 / sqrt(2 groups), and neither time nor
memory grows with rows times draws.

The draws depend on the number of rows and the seed alone. Sums are NumPy's own, not BLAS, whose result may depend on
its number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agecli.models.metrics import Vector

RESAMPLES: Final = 1_000
GROUPS: Final = 1_000
LEVEL: Final = 0.95

Figure = Callable[[Vector], Vector]
"""From sums (..., columns) to a figure (...,)."""
Flags = npt.NDArray[np.bool_]


class Bootstrap:
    """Draws of the rows, the same for all figures that are asked of them."""

    def __init__(self, rows: int, seed: int, groups: int = GROUPS) -> None:
        self.rows, self._groups = rows, min(rows, groups)
        random = np.random.Generator(np.random.PCG64(seed))
        self._group = random.permutation(np.arange(rows) % groups) if rows > groups else np.arange(rows)
        self._weights = _weights(self._groups, seed)

    def group(self, *columns: Vector | Flags) -> Vector:
        """Sums of columns (n,) over each group of rows: (groups, columns)."""
        return np.column_stack([np.bincount(self._group, column, self._groups) for column in columns])

    def draw(self, grouped: Vector) -> tuple[Vector, Vector]:
        """Of sums over groups (groups, k): the sums over all of them (1, k), and in each draw (draws, k)."""
        drawn: Vector = np.einsum("gr,kg->kr", self._weights, np.ascontiguousarray(grouped.T), optimize=False).T
        return grouped.sum(axis=0)[None, :], drawn

    def interval(self, columns: Vector, figure: Figure) -> dict[str, Any]:
        """A figure of columns (n, k) with its interval; None where the rows cannot give it."""
        here, drawn = self.draw(self.group(*np.atleast_2d(columns.T)))
        return bounded(figure(here), figure(drawn)[:, None])[0]


@lru_cache(maxsize=8)
def _weights(groups: int, seed: int) -> Vector:
    """How often each group is in each draw: (groups, draws)."""
    random = np.random.Generator(np.random.PCG64([seed, groups]))
    drawn = random.multinomial(groups, np.full(groups, 1 / groups), RESAMPLES)
    weights = np.ascontiguousarray(drawn.T, np.float64)
    weights.flags.writeable = False
    return weights


def bounded(values: Vector, drawn: Vector) -> list[dict[str, Any]]:
    """Each figure (k,), and between which bounds 95 % of its draws (draws, k) lie.

    Draws that give no figure do not count; a figure that the rows cannot give is None, and so are its bounds.
    """
    drawn = np.sort(np.where(np.isfinite(drawn), drawn, np.nan), axis=0)  # what is no number comes last
    kept = np.isfinite(drawn).sum(axis=0)
    low, high = (_at(drawn, kept, share) for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    told = []
    for value, count, lower, upper in zip(values.tolist(), kept.tolist(), low.tolist(), high.tolist(), strict=True):
        known = bool(np.isfinite(value))
        inside = (lower, upper) if known and count else (None, None)
        told.append({"value": value if known else None, "low": inside[0], "high": inside[1]})
    return told


def without_noise(value: Vector, drawn: Vector) -> Vector:
    """Draws of a sum of absolute gaps, such as a calibration error, without what noise adds to them.

    Noise adds to squares. What those of the draws have more than that of the rows is the noise of drawing, and the rows
    have as much of their own, so it is taken off twice: the bounds then hold the truth as often as they say (measured
    for 300 to 12,000 rows, and errors of 0 to 0.07), where plain percentiles never hold an error of zero.
    """
    squares = np.square(drawn)
    noise = np.maximum(squares.mean() - np.square(value), 0)
    freed: Vector = np.sqrt(np.maximum(squares - 2 * noise, 0))
    return freed


def _at(ordered: Vector, count: npt.NDArray[np.int64], share: float) -> Vector:
    """The quantile of the first `count` of each column, between two of them as NumPy has it."""
    place = np.maximum(count - 1, 0) * share
    below = place.astype(np.int64)
    above, column = np.minimum(below + 1, np.maximum(count - 1, 0)), np.arange(ordered.shape[1])
    found: Vector = ordered[below, column] + (ordered[above, column] - ordered[below, column]) * (place - below)
    return found


def shown(bounds: dict[str, Any]) -> bool:
    """Does the interval exclude zero?"""
    return bounds["low"] is not None and (bounds["low"] > 0 or bounds["high"] < 0)
