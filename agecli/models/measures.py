"""The figures of merit as sums over rows, which is what the bootstrap draws; formulas as in `metrics.py`.

The area under the ROC curve is no such sum. It stands here by its structural components (DeLong et al. 1988): the mean
over rows of how each row compares with those of the other kind, which has the same value and variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agecli.models import metrics
from agecli.models.evidence import ClassEvidence, Evidence, NumberEvidence
from agecli.models.metrics import Codes, Vector

Figure = Callable[[Vector], Vector]
Flags = npt.NDArray[np.bool_]

WITHIN = (0.6, 1.0, 2.0)
"""Errors up to these multiples of the tolerance are counted: within 3, 5 and 10 years for a tolerance of 5."""

MOST_CELLS = 4_000_000
"""Rows times classes up to which figures by class are drawn."""

_Z = 1.959963984540054  # 95 %


@dataclass(frozen=True)
class Measure:
    """A figure: for each role its columns (n, k) to be summed, and the figure (m,) from such sums (m, k)."""

    name: str
    columns: Mapping[str, Vector]
    figure: Figure
    higher_is_better: bool = False
    compared: bool = True


def listed(evidence: Evidence, classes: tuple[str, ...]) -> list[Measure]:
    """The figures of a task; the first is the one that models are compared by in a sentence."""
    return _numbers(evidence) if isinstance(evidence, NumberEvidence) else _classes(evidence, classes)


def interval_scores(truth: Vector, lower: Vector, upper: Vector, level: float) -> Vector:
    """Width plus 2 / (1 - level) times how far the truth lies outside (Gneiting and Raftery 2007, equation 43)."""
    outside = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    scores: Vector = upper - lower + 2 / (1 - level) * outside
    return scores


def of_interval(evidence: NumberEvidence, level: float) -> list[Measure]:
    """Coverage, mean width and mean interval score."""
    lower, upper = evidence.lower.astype(np.float64), evidence.upper.astype(np.float64)
    inside = (lower <= evidence.truth) & (evidence.truth <= upper)
    score = interval_scores(evidence.truth, lower, upper, level)
    columns: dict[str, Vector | Flags] = {"coverage": inside, "width": upper - lower, "score": score}
    return [Measure(name, {"model": _counted(one)}, _average, compared=False) for name, one in columns.items()]


def of_segment(evidence: Evidence, at: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Error, coverage and confidence of some rows; shares with Wilson's interval, means with the normal one."""
    hit, sure = evidence.hit[at], evidence.confidence[at]
    found: dict[str, Any] = {"confidence": float(sure.mean()), "right": share(hit)}
    if isinstance(evidence, NumberEvidence):
        truth, lower, upper = evidence.truth[at], evidence.lower[at], evidence.upper[at]
        error = truth - evidence.told[at]
        found |= {
            "mae": mean(np.abs(error)),
            "baseline_mae": mean(np.abs(truth - evidence.baseline[at])),
            "bias": mean(-error),
            "coverage": share((lower <= truth) & (truth <= upper)),
            "width": float((upper.astype(np.float64) - lower).mean()),
        }
    else:
        told = evidence.baseline[at].argmax(axis=1)
        found |= {"accuracy": found["right"], "baseline_accuracy": share(told == evidence.truth[at])}
    return found


def share(hit: Flags) -> dict[str, float]:
    """A share with Wilson's interval."""
    n, p = len(hit), float(hit.mean())
    centre = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    return {"value": p, "low": max(0.0, min(p, centre - half)), "high": min(1.0, max(p, centre + half))}


def mean(values: Vector) -> dict[str, float]:
    """A mean with the normal interval."""
    middle, half = float(values.mean()), _Z * float(values.std(ddof=1)) / math.sqrt(len(values))
    return {"value": middle, "low": middle - half, "high": middle + half}


def _average(sums: Vector) -> Vector:
    """The first column over the last, which counts rows."""
    return sums[:, 0] / sums[:, -1]


def _counted(*columns: Vector | Flags) -> Vector:
    return np.column_stack([*columns, np.ones(len(columns[0]))]).astype(np.float64)


def _numbers(evidence: NumberEvidence) -> list[Measure]:
    truth = evidence.truth
    errors = {
        "model": truth - evidence.told,
        "baseline": truth - evidence.baseline,
        "mean": truth - evidence.mean,
    }
    centred = truth - truth.mean()  # the same differences, without cancellation
    spread = [centred, np.square(centred)]

    def explained(s: Vector) -> Vector:
        total = s[:, 2] - np.square(s[:, 1]) / s[:, 3]
        return np.where(total > 0, 1 - s[:, 0] / np.where(total > 0, total, 1), np.nan)

    every = [
        Measure("mae", {r: _counted(np.abs(e)) for r, e in errors.items()}, _average),
        Measure("rmse", {r: _counted(np.square(e)) for r, e in errors.items()}, lambda s: np.sqrt(_average(s))),
        Measure("r2", {r: _counted(np.square(e), *spread) for r, e in errors.items()}, explained, True),
    ]
    for multiple in WITHIN:
        edge = multiple * evidence.tolerance
        inside = {r: _counted(np.abs(e) <= edge * (1 + 1e-12)) for r, e in errors.items()}
        every.append(Measure(f"within_{edge:g}", inside, _average, True))
    return every


def _classes(evidence: ClassEvidence, classes: tuple[str, ...]) -> list[Measure]:
    truth = evidence.truth
    told = {"model": evidence.told, "baseline": evidence.baseline, "mean": evidence.mean}
    rows = np.arange(len(truth))
    loss = {r: _counted(-np.log(np.clip(p[rows, truth], 1e-15, 1.0))) for r, p in told.items()}
    brier = {r: _counted(np.square(p - np.eye(p.shape[1])[truth]).sum(axis=1)) for r, p in told.items()}
    every = [
        Measure("accuracy", {r: _counted(p.argmax(axis=1) == truth) for r, p in told.items()}, _average, True),
        Measure("log_loss", loss, _average),
        Measure("brier", brier, _average),
    ]
    if len(truth) * len(classes) > MOST_CELLS:
        return every
    areas = {r: metrics.area_components(truth, told[r]) for r in ("model", "baseline")}
    known = {r: found for r, found in areas.items() if found is not None}
    if len(known) == len(areas):
        every.append(Measure("roc_auc", known, _area, True))
    counts = {r: _confusion(truth, told[r].argmax(axis=1), len(classes)) for r in ("model", "baseline")}
    every += [Measure(f"{name}_macro", counts, _macro(_OF[name]), True) for name in _OF]
    for code, word in enumerate(classes if len(classes) <= 12 else ()):
        own = {"model": counts["model"][:, [code, code + len(classes), code + 2 * len(classes)]]}
        every += [Measure(f"{name}[{word}]", own, _of_class(_OF[name]), True, compared=False) for name in _OF]
    return every


def _confusion(truth: Codes, told: Codes, classes: int) -> Vector:
    """(n, 3 classes): right, told, true, one column a class."""
    says, is_ = np.eye(classes)[told], np.eye(classes)[truth]
    return np.hstack([says * is_, says, is_])


_OF: Mapping[str, Callable[[Vector, Vector, Vector], Vector]] = {
    "precision": lambda right, told, true: _ratio(right, told),
    "recall": lambda right, told, true: _ratio(right, true),
    "f1": lambda right, told, true: _ratio(2 * right, told + true),
}


def _ratio(part: Vector, whole: Vector) -> Vector:
    """0 where there is nothing to take a share of, as scikit-learn has it."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0.0)


def _macro(of: Callable[[Vector, Vector, Vector], Vector]) -> Figure:
    return lambda s: of(*np.split(s, 3, axis=1)).mean(axis=1)


def _of_class(of: Callable[[Vector, Vector, Vector], Vector]) -> Figure:
    return lambda s: of(s[:, 0], s[:, 1], s[:, 2])


def _area(sums: Vector) -> Vector:
    """The mean over the classes; to first order a draw moves each area by the mean components of either kind of row."""
    hits, misses, positive, negative, area = np.moveaxis(sums.reshape(len(sums), -1, 5), 2, 0)
    rows = np.maximum(positive + negative, 1)
    moved = _ratio(hits, positive) + _ratio(misses, negative) - area / rows
    mean: Vector = moved.mean(axis=1)
    return mean
