"""Training where labels are plenty: every step has rows of its own that no step before it has seen.

fit -> trees, stop -> their number, spread and calibrate -> the spread trees, interval and confidence,
test -> the figures of the card and nothing else.

The spread trees are cross-fitted: what calibrates them comes from trees that have not seen the row, so that all these
rows serve for both (tests/benchmarks/intervals.py measures it). They also learn from `stop`, of which the point trees
have seen nothing but where to stop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agecli.models import baseline, trees
from agecli.models.baseline import Baseline, Design
from agecli.models.calibrate import NumberCalibration, calibrate_classes, calibrate_numbers, spread_floor
from agecli.models.evidence import ClassEvidence, NumberEvidence
from agecli.models.learn import Lesson, Lessons, Params
from agecli.models.spool import Spool

UNSEEN = ("spread", "calibrate")
SPREAD_FOLDS = 4
MOST_SPREAD_ROWS = 300_000
MOST_CELLS = 10_000_000
"""Rows times classes that a calibration of classes takes."""


def learn(lesson: Lesson, rows: Spool, design: Design) -> Lessons:
    """Trains on the parts of the spool named in `parts.PARTS`."""
    lesson.progress("baseline", 0.0)
    linear = _linear(lesson, rows, design)
    point, params = _point(lesson, rows)
    lesson.progress("calibrate", 0.0)
    make = _numbers if lesson.regression else _classes
    return make(lesson, rows, point, linear, params)


def _linear(lesson: Lesson, rows: Spool, design: Design) -> Baseline:
    if lesson.regression:
        return baseline.ridge(design, rows.stream("fit"))
    some, labels = rows.spaced(baseline.most_rows(design), "fit")
    return baseline.logistic(design, some, labels.astype(np.int64), len(lesson.classes))


def _point(lesson: Lesson, rows: Spool) -> tuple[Any, Params]:
    params = lesson.params(rows.counts["fit"])
    fitted = lesson.matrix(rows.chunks("fit"))
    watched = lesson.matrix(rows.chunks("stop"), fitted)
    rounds = int(params["rounds"])
    booster = trees.fit(params, fitted, watched, each_round=lambda k: lesson.progress("trees", k / rounds))
    return booster, params


def _numbers(lesson: Lesson, rows: Spool, point: Any, linear: Baseline, params: Params) -> Lessons:
    spec = lesson.spec
    tolerance = float(spec.tolerance or 0)
    spread, calibration = _spread(lesson, rows, point, tolerance)
    seen, truth = rows.matrix("test"), rows.labels("test")
    told, width = lesson.raw(point, seen), lesson.raw(spread, seen)
    lower, upper = calibration.interval(told, width)
    evidence = NumberEvidence(
        ids=rows.ids("test"),
        rows=seen,
        truth=truth,
        told=told,
        baseline=linear.values(seen)[:, 0],
        mean=np.full(len(truth), rows.labels("fit").mean()),
        lower=lower,
        upper=upper,
        confidence=calibration.confident(told, width, tolerance).astype(np.float64),
        tolerance=tolerance,
    )
    calibrated_on = int(rows.chosen(MOST_SPREAD_ROWS, *UNSEEN).sum())
    return Lessons(point, spread, linear, calibration, dict(rows.counts), evidence, params, calibrated_on)


def _spread(lesson: Lesson, rows: Spool, point: Any, tolerance: float) -> tuple[Any, NumberCalibration]:
    """The spread trees, and the calibration of what spread trees say that have not seen the row."""
    (seen, labels), (stop, stop_labels) = rows.spaced(MOST_SPREAD_ROWS, *UNSEEN), rows.spaced(MOST_SPREAD_ROWS, "stop")
    told = lesson.raw(point, seen)
    residuals, stop_residuals = labels - told, stop_labels - lesson.raw(point, stop)
    fold, width = np.arange(len(seen)) % SPREAD_FOLDS, np.empty(len(seen))
    for k in range(SPREAD_FOLDS):
        inside, outside = fold == k, fold != k
        trees_of_others = lesson.spread(
            np.concatenate([stop, seen[outside]]), np.concatenate([stop_residuals, residuals[outside]])
        )
        width[inside] = lesson.raw(trees_of_others, seen[inside])
    floor = spread_floor(width, residuals)
    calibration = calibrate_numbers(told, residuals, width, lesson.spec.level, tolerance, floor)
    return lesson.spread(np.concatenate([stop, seen]), np.concatenate([stop_residuals, residuals])), calibration


def _classes(lesson: Lesson, rows: Spool, point: Any, linear: Baseline, params: Params) -> Lessons:
    unseen, labels = rows.spaced(min(MOST_SPREAD_ROWS, MOST_CELLS // len(lesson.classes)), *UNSEEN)
    calibration = calibrate_classes(lesson.raw(point, unseen), labels.astype(np.int64))
    seen, truth = rows.matrix("test"), rows.labels("test").astype(np.int64)
    rates = lesson.share_of_classes(rows.labels("fit").astype(np.int64))
    evidence = ClassEvidence(
        ids=rows.ids("test"),
        rows=seen,
        truth=truth,
        told=calibration(lesson.raw(point, seen)),
        baseline=linear.probabilities(seen),
        mean=np.broadcast_to(rates, (len(truth), len(rates))),
    )
    return Lessons(point, None, linear, calibration, dict(rows.counts), evidence, params, len(unseen))
