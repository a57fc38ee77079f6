"""The figures of merit as sums over rows, which is what the bootstrap draws; formulas as in `metrics.py`.

The area under the ROC curve is no such sum. It stands here by its structural components (DeLong et al. 1988): the mean
over rows of how each row compares with those of the other kind, which has the same value and variance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agecli.models import metrics
from agecli.models.bootstrap import Bootstrap, Figure, Flags
from agecli.models.evidence import ClassEvidence, Evidence, NumberEvidence
from agecli.models.metrics import BINS, Vector

WITHIN = (0.6, 1.0, 2.0)
"""Errors up to these multiples of the tolerance are counted: within 3, 5 and 10 years for a tolerance of 5."""

MOST_NAMED = 12
"""Classes up to which precision, recall and F1 are given for each."""


@dataclass(frozen=True)
class Measure:
    """A figure: for each role the sums of its columns over groups of rows (groups, k), and how it is made of sums.

    `figure` takes sums (m, k) and gives (m,). `why` says when it cannot be had. A figure that only ever grows by noise
    is `noisy`, and its bounds are made without that.
    """

    name: str
    sums: Mapping[str, Vector]
    figure: Figure
    higher_is_better: bool = False
    compared: bool = True
    why: str = ""
    noisy: bool = False


def merged(same: Sequence[Measure]) -> Measure:
    """One figure over several ways to predict the same rows: its sums are their means."""
    first = same[0]
    sums = {role: np.mean([one.sums[role] for one in same], axis=0) for role in first.sums}
    return replace(first, sums=sums)


def listed(evidence: Evidence, draws: Bootstrap, classes: Sequence[str] = ()) -> list[Measure]:
    """The figures of a task; the first is the one that models are compared by in a sentence.

    Those of single classes are given for the classes named.
    """
    if isinstance(evidence, NumberEvidence):
        return _numbers(evidence, draws)
    return _classes(evidence, draws, classes)


def interval_scores(truth: Vector, lower: Vector, upper: Vector, level: float) -> Vector:
    """Width plus 2 / (1 - level) times how far the truth lies outside (Gneiting and Raftery 2007, equation 43)."""
    outside = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    scores: Vector = upper - lower + 2 / (1 - level) * outside
    return scores


def of_interval(evidence: NumberEvidence, draws: Bootstrap, level: float) -> list[Measure]:
    """Coverage, mean width and mean interval score."""
    lower, upper = evidence.lower.astype(np.float64), evidence.upper.astype(np.float64)
    inside = (lower <= evidence.truth) & (evidence.truth <= upper)
    score = interval_scores(evidence.truth, lower, upper, level)
    sums = {"model": _counted(draws, inside, upper - lower, score)}
    return [Measure(name, sums, _share(at)) for at, name in enumerate(("coverage", "width", "score"))]


def of_confidence(evidence: Evidence, draws: Bootstrap) -> list[Measure]:
    """Does what was said with a confidence of 0.7 come true in 70 of 100? In one number, and in each of `BINS` bins.

    The constant is the share of hits, the best that one number for all rows can say.
    """
    hit, sure = evidence.hit, evidence.confidence
    which = metrics.bin_of(sure)
    inside = [which == k for k in range(BINS)]
    binned = {"model": draws.group(*(f & hit for f in inside), *(f * sure for f in inside), *inside)}
    score = {"model": _counted(draws, np.square(hit - sure), hit)}
    return [
        Measure("ece", binned, _gap, noisy=True),
        Measure("brier", score, _average),
        Measure("brier_constant", score, _constant),
        Measure("brier_gain", score, lambda s: _constant(s) - _average(s)),
        Measure("right", score, _share(1)),
        Measure("confidence", binned, lambda s: s[:, BINS:-BINS].sum(axis=1) / s[:, -BINS:].sum(axis=1)),
        *(Measure(f"bin_{k}", binned, _came_true(k)) for k in range(BINS)),
    ]


def _average(sums: Vector) -> Vector:
    """The first column over the last, which counts rows."""
    return sums[:, 0] / sums[:, -1]


def _constant(sums: Vector) -> Vector:
    """The Brier score of always saying the rate of hits: the best that a constant can do."""
    rate = sums[:, 1] / sums[:, 2]
    scores: Vector = rate * (1 - rate)
    return scores


def _gap(sums: Vector) -> Vector:
    """The expected calibration error."""
    hits, sure, rows = np.split(sums, 3, axis=1)
    error: Vector = np.abs(hits - sure).sum(axis=1) / rows.sum(axis=1)
    return error


def _came_true(k: int) -> Figure:
    """The share of the rows of a bin that were hits."""

    def figure(sums: Vector) -> Vector:
        hits, rows = sums[:, k], sums[:, k - BINS]
        return np.where(rows > 0, hits / np.where(rows > 0, rows, 1), np.nan)

    return figure


def _share(column: int) -> Figure:
    """The mean of a column."""
    return lambda s: s[:, column] / s[:, -1]


def _counted(draws: Bootstrap, *columns: Vector | Flags) -> Vector:
    return draws.group(*columns, np.ones(draws.rows))


def _numbers(evidence: NumberEvidence, draws: Bootstrap) -> list[Measure]:
    truth = evidence.truth
    errors = {
        "model": truth - evidence.told,
        "baseline": truth - evidence.baseline,
        "mean": truth - evidence.mean,
    }
    centred = truth - truth.mean()  # the same differences, without cancellation
    edges = [multiple * evidence.tolerance for multiple in WITHIN]
    sums = {}
    for role, e in errors.items():
        within = [metrics.within(e, edge) for edge in edges]
        sums[role] = _counted(draws, np.abs(e), np.square(e), -e, *within, centred, np.square(centred))
    return [
        Measure("mae", sums, _average),
        Measure("rmse", sums, lambda s: np.sqrt(_share(1)(s))),
        Measure("r2", sums, _explained, True, why="all true values are the same"),
        *(Measure(f"within_{edge:g}", sums, _share(3 + at), True) for at, edge in enumerate(edges)),
        Measure("bias", sums, _share(2), compared=False),
    ]


def _explained(sums: Vector) -> Vector:
    """R2 from squares of errors (column 1), of differences from a fixed number, and these differences."""
    total = sums[:, -2] - np.square(sums[:, -3]) / sums[:, -1]
    return np.where(total > 0, 1 - sums[:, 1] / np.where(total > 0, total, 1), np.nan)


def _classes(evidence: ClassEvidence, draws: Bootstrap, named: Sequence[str]) -> list[Measure]:
    truth = evidence.truth
    told = {"model": evidence.told, "baseline": evidence.baseline, "mean": evidence.mean}
    rows = np.arange(len(truth))
    loss = {r: _counted(draws, -np.log(np.clip(p[rows, truth], 1e-15, 1.0))) for r, p in told.items()}
    brier = {r: _counted(draws, np.square(p).sum(axis=1) + 1 - 2 * p[rows, truth]) for r, p in told.items()}
    right = {r: _counted(draws, p.argmax(axis=1) == truth) for r, p in told.items()}
    every = [
        Measure("accuracy", right, _average, True),
        Measure("log_loss", loss, _average),
        Measure("brier", brier, _average),
        _areas(evidence, draws),
    ]
    classes = evidence.told.shape[1]
    counts = {r: _confusion(evidence, p, draws) for r, p in told.items()}
    every += [Measure(f"{name}_macro", counts, _macro(_OF[name]), True) for name in _OF]
    for code, word in enumerate(named if len(named) <= MOST_NAMED else ()):
        own = {r: c[:, [code, code + classes, code + 2 * classes]] for r, c in counts.items()}
        every += [Measure(f"{name}[{word}]", own, _of_class(_OF[name]), True) for name in _OF]
    return every


def _confusion(evidence: ClassEvidence, told: Vector, draws: Bootstrap) -> Vector:
    """(groups, 3 classes): right, told, true, one column a class."""
    says, codes = told.argmax(axis=1), range(told.shape[1])
    told_so, true = [says == code for code in codes], [evidence.truth == code for code in codes]
    return draws.group(*(a & b for a, b in zip(told_so, true, strict=True)), *told_so, *true)


_OF: Mapping[str, Callable[[Vector, Vector, Vector], Vector]] = {
    "precision": lambda right, told, true: _ratio(right, told),
    "recall": lambda right, told, true: _ratio(right, true),
    "f1": lambda right, told, true: _ratio(2 * right, told + true),
}


def _ratio(part: Vector, whole: Vector) -> Vector:
    """0 where there is nothing to take a share of, as scikit-learn has it."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0.0)


def _macro(of: Callable[[Vector, Vector, Vector], Vector]) -> Figure:
    """The mean over the classes that are there or were told."""

    def figure(sums: Vector) -> Vector:
        right, told, true = np.split(sums, 3, axis=1)
        there = told + true > 0
        mean: Vector = (of(right, told, true) * there).sum(axis=1) / there.sum(axis=1)
        return mean

    return figure


def _of_class(of: Callable[[Vector, Vector, Vector], Vector]) -> Figure:
    return lambda s: of(s[:, 0], s[:, 1], s[:, 2])


def _areas(evidence: ClassEvidence, draws: Bootstrap) -> Measure:
    """The area under the ROC curve: of the second of two classes, or the mean of each against the rest.

    What says the same of all rows ranks none.
    """
    scores = {"model": evidence.told, "baseline": evidence.baseline, "mean": np.zeros_like(evidence.mean)}
    classes = evidence.told.shape[1]
    codes = [1] if classes == 2 else range(classes)
    if len(np.unique(evidence.truth)) < classes:
        nothing = {role: draws.group(np.ones(draws.rows)) for role in scores}
        return Measure("roc_auc", nothing, lambda s: np.full(len(s), np.nan), True, why="a class has no rows")
    sums: dict[str, Vector] = {}
    for role, told in scores.items():
        parts = (metrics.area_components(evidence.truth == code, told[:, code]) for code in codes)
        sums[role] = np.hstack([draws.group(*part) for part in parts if part is not None])
    return Measure("roc_auc", sums, _area, True)


def _area(sums: Vector) -> Vector:
    """The mean over the classes; to first order a draw moves each area by the mean components of either kind of row."""
    hits, misses, positive, negative, area = np.moveaxis(sums.reshape(len(sums), -1, 5), 2, 0)
    rows = np.maximum(positive + negative, 1)
    moved = _ratio(hits, positive) + _ratio(misses, negative) - area / rows
    mean: Vector = moved.mean(axis=1)
    return mean
