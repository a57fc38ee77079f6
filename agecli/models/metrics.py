"""Figures of merit: small pure functions over arrays of truths and predictions.

All take one-dimensional float64 arrays of equal length unless they say otherwise, and give plain floats that
go into the card as they are. A figure that the rows cannot give (R2 of constant truths, the AUC with one class
absent) is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

TIERS: Final[Mapping[str, float]] = {"excellent": 0.80, "good": 0.60, "fair": 0.40, "poor": 0.0}
"""Words for a confidence: the first whose lower edge it reaches."""

BINS: Final = 10
"""Bins of a confidence, of equal width."""

_TINY = 1e-15


def mae(truth: Vector, told: Vector) -> float:
    """Mean absolute error, in units of the label."""
    return float(np.abs(truth - told).mean())


def rmse(truth: Vector, told: Vector) -> float:
    """Root of the mean squared error, in units of the label."""
    return float(np.sqrt(np.square(truth - told).mean()))


def r2(truth: Vector, told: Vector) -> float | None:
    """Share of the variance explained, relative to the mean of these truths; None where they are constant."""
    total = float(np.square(truth - truth.mean()).sum())
    return 1.0 - float(np.square(truth - told).sum()) / total if total > 0 else None


def within(error: Vector, tolerance: float) -> npt.NDArray[np.bool_]:
    """Where an error is no larger than a tolerance, as it would be without rounding: 0.3 is not above 0.3."""
    near: npt.NDArray[np.bool_] = np.abs(error) <= tolerance * (1 + 1e-12)
    return near


def coverage(truth: Vector, lower: Vector, upper: Vector) -> float:
    """Share of truths inside their interval, bounds included."""
    return float(((lower <= truth) & (truth <= upper)).mean())


def mean_width(lower: Vector, upper: Vector) -> float:
    """Mean width of the intervals, in units of the label."""
    return float((upper - lower).mean())


def accuracy(truth: Codes, told: Codes) -> float:
    """Share of rows whose class is told rightly."""
    return float((truth == told).mean())


def log_loss(truth: Codes, probabilities: Vector) -> float:
    """Mean of -ln(probability of the true class); `probabilities` is (n, classes), rows summing to 1."""
    of_truth = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.clip(of_truth, _TINY, 1.0)).mean())


def brier(happened: npt.NDArray[np.bool_], probability: Vector) -> float:
    """Mean squared difference between a probability and what happened."""
    return float(np.square(happened - probability).mean())


def bin_of(probability: Vector) -> Codes:
    """The bin of each probability; 1 is in the last."""
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def calibration_error(happened: npt.NDArray[np.bool_], probability: Vector) -> float:
    """Expected calibration error: |share that happened - mean probability| by bins of equal width, weighted."""
    gap = np.bincount(bin_of(probability), happened - probability, minlength=BINS)
    return float(np.abs(gap).sum() / max(1, len(probability)))


def roc_auc(truth: Codes, probabilities: Vector) -> float | None:
    """Area under the ROC curve: of class 1 against 0, or the mean over each class against the rest.

    `probabilities` is (n, classes). None where a class is absent from the truths.
    """
    classes = probabilities.shape[1]
    areas = [_area(truth == code, probabilities[:, code]) for code in ([1] if classes == 2 else range(classes))]
    known = [area for area in areas if area is not None]
    return float(np.mean(known)) if len(known) == len(areas) else None


def tier(confidence: float) -> str:
    """The word for a confidence."""
    return next(word for word, edge in TIERS.items() if confidence >= edge)


def of_regression(truth: Vector, told: Vector) -> dict[str, Any]:
    """The figures of a card for a regression."""
    return {"mae": mae(truth, told), "rmse": rmse(truth, told), "r2": r2(truth, told)}


def of_classification(truth: Codes, probabilities: Vector) -> dict[str, Any]:
    """The figures of a card for a classification."""
    return {
        "accuracy": accuracy(truth, probabilities.argmax(axis=1)),
        "roc_auc": roc_auc(truth, probabilities),
        "log_loss": log_loss(truth, probabilities),
    }


def area_components(
    positive: npt.NDArray[np.bool_], score: Vector
) -> tuple[Vector | npt.NDArray[np.bool_], ...] | None:
    """The parts of an area under the ROC curve that each row has, five columns; None where a kind of row is absent.

    How a row compares with those of the other kind (DeLong et al. 1988), first for the positive rows: the share of the
    others that score lower; then for the others: the share of the positive ones that score higher; ties count half.
    Whether a row is positive, whether it is not; and the area itself.
    """
    hits = int(positive.sum())
    misses = len(positive) - hits
    if not hits or not misses:
        return None
    values, at, count = np.unique(score, return_inverse=True, return_counts=True)
    hits_at = np.bincount(at, positive, len(values))
    misses_at = count - hits_at
    lower = (np.cumsum(misses_at) - misses_at / 2)[at] / misses
    higher = 1 - (np.cumsum(hits_at) - hits_at / 2)[at] / hits
    area = float(lower[positive].mean())
    return lower * positive, higher * ~positive, positive, ~positive, np.full(len(score), area)


def _area(positive: npt.NDArray[np.bool_], score: Vector) -> float | None:
    """The share of pairs that are in the right order, ties counted half (Mann-Whitney's U)."""
    found = area_components(positive, score)
    return None if found is None else float(found[-1][0])
