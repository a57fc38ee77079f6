"""Intervals for figures by the bootstrap: the rows are drawn again with replacement, and the figure computed each time.

Percentile intervals over `RESAMPLES` draws (Efron and Tibshirani 1993), paired where two models are compared: both are
measured on the same draw. A figure here is a function of sums over rows, so that all draws cost one product of
matrices. Beyond `GROUPS` rows, groups of rows are drawn in their place: a sum over a group is an independent draw of
the same kind, the interval the same to a few hundredths of its width, and the cost no longer grows with the rows.

The draws depend on the number of rows and the seed alone. Sums are NumPy's own, not BLAS, whose result may depend on
its number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agecli.models.metrics import Vector

RESAMPLES: Final = 1_000
GROUPS: Final = 1_000
LEVEL: Final = 0.95

Figure = Callable[[Vector], Vector]
"""From sums (..., columns) to a figure (...,)."""


class Bootstrap:
    """Draws of the rows, the same for all figures that are asked of them."""

    def __init__(self, rows: int, seed: int) -> None:
        random = np.random.Generator(np.random.PCG64(seed))
        groups = min(rows, GROUPS)
        self._group = random.permutation(np.arange(rows) % groups) if rows > groups else np.arange(rows)
        shares = np.full(groups, 1 / groups)
        self._weights = random.multinomial(groups, shares, RESAMPLES).astype(np.float64)

    def sums(self, columns: Vector) -> tuple[Vector, Vector]:
        """Sums of columns (n, k): over the rows as they are (k,), and in each draw (draws, k)."""
        grouped = np.column_stack(
            [np.bincount(self._group, column, self._weights.shape[1]) for column in np.atleast_2d(columns.T)]
        )
        drawn: Vector = np.einsum("rg,gk->rk", self._weights, grouped, optimize=False)
        return columns.sum(axis=0), drawn

    def interval(self, columns: Vector, figure: Figure) -> dict[str, Any]:
        """A figure with its interval; None where the rows cannot give it."""
        here, drawn = self.sums(columns)
        return bounded(figure(here[None, :])[0], figure(drawn))


def bounded(value: float, drawn: npt.NDArray[np.float64]) -> dict[str, Any]:
    """`value`, and between which bounds 95 % of the draws lie; draws that give no figure do not count."""
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None}
    kept = drawn[np.isfinite(drawn)]
    if not len(kept):
        return {"value": float(value), "low": None, "high": None}
    low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": float(value), "low": float(low), "high": float(high)}


def shown(bounds: dict[str, Any]) -> bool:
    """Does the interval exclude zero?"""
    return bounds["low"] is not None and (bounds["low"] > 0 or bounds["high"] < 0)
