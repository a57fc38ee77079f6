"""What a model must show before it goes into production, from rows that it never saw (`evaluation.parquet`).

Each check gives figures and a sentence. Noise is never held against a model: a check fails only where the rows show a
fault, so with few rows little is shown. The limits beyond noise are those of the figures that agecli promises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from agecli.models.bootstrap import LEVEL, Bootstrap
from agecli.models.metrics import BINS, bin_of, calibration_error, within
from agecli.models.registry import APPROVED, Version

Vector = npt.NDArray[np.float64]

LEAST_ROWS: Final = 50
"""Rows that two models must have been measured on in common before they are compared."""
COVERAGE_SLACK: Final = 0.02
CALIBRATION_SLACK: Final = 0.03
CERTAIN: Final = 2.576  # standard deviations that chance exceeds once in a hundred times
_LEAST_PROBABILITY: Final = 1e-15
_DRAWS: Final = 10_000
_SEED: Final = 8


@dataclass(frozen=True)
class Check:
    """What one gate found. `said` is a sentence with the figures."""

    check: str
    passed: bool
    said: str
    figures: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "figures": dict(self.figures)}


@dataclass(frozen=True)
class Measured:
    """What one model said of rows that it never saw: ids as text, and a loss for each row.

    The loss is the absolute error (regression, units of the label) or the log loss (classification).
    """

    ids: pa.Array
    loss: Vector


def approval(version: Version) -> Check:
    """Has somebody approved it?"""
    return Check(
        "approval",
        version.approval == APPROVED,
        f"{version.name} is {version.approval}",
        {"approval": version.approval},
    )


def numbers(table: pa.Table) -> Measured:
    """Of a regression: columns id, truth and prediction."""
    return Measured(_ids(table), np.abs(_column(table, "truth") - _column(table, "prediction")))


def classes(table: pa.Table, names: Sequence[str]) -> Measured:
    """Of a classification: columns id, truth and probabilities, in the order of the classes' names."""
    told = np.stack(table.column("probabilities").to_numpy()) if table.num_rows else np.empty((0, len(names)))
    where = pc.index_in(table.column("truth").combine_chunks(), value_set=pa.array(names, pa.string()))
    at = where.fill_null(-1).to_numpy(zero_copy_only=False)
    # a class that the model does not know has no probability
    right = np.where(at >= 0, told[np.arange(len(at)), at], 0.0)
    return Measured(_ids(table), -np.log(np.maximum(right, _LEAST_PROBABILITY)))


def _ids(table: pa.Table) -> pa.Array:
    return pc.cast(table.column("id").combine_chunks(), pa.string())


def _column(table: pa.Table, name: str) -> Vector:
    values: Vector = table.column(name).to_numpy().astype(np.float64)
    return values


def paired(first: Measured, second: Measured) -> dict[str, Any]:
    """Both models' mean loss on the rows that they have in common, and the difference first - second.

    `low` and `high` bound the difference by a paired bootstrap; they are None with fewer than `LEAST_ROWS` rows.
    """
    where = pc.index_in(first.ids, value_set=second.ids)
    mine = np.flatnonzero(where.is_valid().to_numpy(zero_copy_only=False))
    theirs = where.drop_null().to_numpy()
    rows = len(mine)
    if rows < LEAST_ROWS:
        return {"rows": rows, "first": None, "second": None, "difference": None, "low": None, "high": None}
    losses = np.column_stack([first.loss[mine], second.loss[theirs], np.ones(rows)])
    gap = Bootstrap(rows, _SEED).interval(losses, lambda sums: (sums[:, 0] - sums[:, 1]) / sums[:, 2])
    return {
        "rows": rows,
        "first": float(losses[:, 0].mean()),
        "second": float(losses[:, 1].mean()),
        "difference": gap["value"],
        "low": gap["low"],
        "high": gap["high"],
    }


def comparison(candidate: str, holder: str, figures: Mapping[str, Any], task: str) -> Check:
    """Is the candidate no worse than what is in production, beyond noise? `figures` are those of `paired`."""
    metric = "MAE" if task == "regression" else "log loss"
    if figures["low"] is None:
        common = f"{candidate} and {holder} have {figures['rows']} held-out rows in common"
        said = f"{common}, {LEAST_ROWS} are needed to compare them"
        return Check("comparison", False, said, {**figures, "metric": metric})
    worse = figures["low"] > 0
    verdict = "worse" if worse else "better" if figures["high"] < 0 else "no worse beyond noise"
    said = (
        f"{candidate} is {verdict}: {metric} {figures['first']:.4g} against {figures['second']:.4g} of {holder}"
        f" on the same {figures['rows']:,} rows, difference {figures['difference']:+.3g}"
        f" ({LEVEL:.0%} between {figures['low']:+.3g} and {figures['high']:+.3g})"
    )
    return Check("comparison", not worse, said, {**figures, "metric": metric})


def coverage(table: pa.Table, level: float, calibrated_on: int) -> Check:
    """Does the interval hold as many true values as it promises?

    Off is what chance does not explain: the count is binomial, and the interval itself was set on `calibrated_on`
    rows, hence the variance level (1 - level) (1 / rows + 1 / calibrated_on); and more than two points beside.
    """
    truth, lower, upper = (_column(table, name) for name in ("truth", "lower", "upper"))
    rows = len(truth)
    inside = float(((lower <= truth) & (truth <= upper)).mean()) if rows else 0.0
    noise = CERTAIN * float(np.sqrt(level * (1 - level) * (1 / max(rows, 1) + 1 / max(calibrated_on, 1))))
    limit = max(noise, COVERAGE_SLACK)
    said = f"the {level:.0%} interval holds {inside:.1%} of {rows:,} true values (tolerance {limit:.1%})"
    figures = {"level": level, "coverage": inside, "rows": rows, "tolerance": limit}
    return Check("coverage", rows > 0 and abs(inside - level) <= limit, said, figures)


def confidence(hit: npt.NDArray[np.bool_], told: Vector, calibrated_on: int) -> Check:
    """Does what is said with a confidence of 0.7 come true in 70 of 100? By the expected calibration error.

    Off is what a perfectly calibrated confidence would not give by chance in 99 of 100 samples of as many rows (the
    hits of a bin are normal with variance sum c (1 - c), more by the calibration's own noise), and above 0.03.
    """
    rows = len(told)
    error = calibration_error(hit, told)
    spread = np.sqrt(np.bincount(bin_of(told), told * (1 - told), BINS) * (1 + rows / max(calibrated_on, 1)))
    random = np.random.Generator(np.random.PCG64(_SEED))
    chance = np.abs(random.standard_normal((_DRAWS, BINS)) * spread).sum(axis=1) / max(rows, 1)
    limit = max(float(np.quantile(chance, 0.99)), CALIBRATION_SLACK)
    said = f"the confidence is off by {error:.3f} on average on {rows:,} rows (tolerance {limit:.3f})"
    return Check("confidence", rows > 0 and error <= limit, said, {"error": error, "rows": rows, "tolerance": limit})


def hits(table: pa.Table, tolerance: float | None) -> npt.NDArray[np.bool_]:
    """Where the prediction was right: within the tolerance, or the same class."""
    if tolerance is None:
        same = pc.equal(table.column("truth"), table.column("prediction"))
        right: npt.NDArray[np.bool_] = same.combine_chunks().to_numpy(zero_copy_only=False)
    else:
        right = within(_column(table, "truth") - _column(table, "prediction"), tolerance)
    return right
