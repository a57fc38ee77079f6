"""Training where labels are plenty: every step has rows of its own that no step before it has seen.

fit -> trees, stop -> their number, spread -> the spread trees, calibrate -> interval and confidence,
test -> the figures of the card and nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agecli.models import baseline, trees
from agecli.models.baseline import Baseline, Design
from agecli.models.calibrate import calibrate_classes, calibrate_numbers, spread_floor
from agecli.models.evidence import ClassEvidence, NumberEvidence
from agecli.models.learn import Lesson, Lessons, Params
from agecli.models.spool import Spool
from agecli.models.trees import Vector


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
    some, labels = rows.head(baseline.LOGISTIC_ROWS, "fit")
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
    residuals = {name: _residuals(lesson, rows, point, name) for name in ("stop", "spread", "calibrate")}
    seen = rows.matrix("spread")
    stop = (rows.matrix("stop"), residuals["stop"])
    spread = lesson.spread(seen, residuals["spread"], stop)
    floor = spread_floor(lesson.raw(spread, seen), residuals["spread"])
    held = _over(rows, "calibrate", lambda x: trees.predict(spread, x).astype(np.float64))
    tolerance = float(spec.tolerance or 0)
    calibration = calibrate_numbers(residuals["calibrate"], held, spec.level, tolerance, floor)
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
        confidence=calibration.confident(width, tolerance).astype(np.float64),
        tolerance=tolerance,
    )
    return Lessons(point, spread, linear, calibration, dict(rows.counts), evidence, params)


def _classes(lesson: Lesson, rows: Spool, point: Any, linear: Baseline, params: Params) -> Lessons:
    raw = _over(rows, "calibrate", lambda x: lesson.raw(point, x))
    calibration = calibrate_classes(raw, rows.labels("calibrate").astype(np.int64))
    seen, truth = rows.matrix("test"), rows.labels("test").astype(np.int64)
    rates = lesson.share_of_classes(rows.labels("fit").astype(np.int64))
    evidence = ClassEvidence(
        ids=rows.ids("test"),
        rows=seen,
        truth=truth,
        told=calibration(lesson.raw(point, seen)),
        baseline=linear.probabilities(seen),
        mean=np.tile(rates, (len(truth), 1)),
    )
    return Lessons(point, None, linear, calibration, dict(rows.counts), evidence, params)


def _residuals(lesson: Lesson, rows: Spool, point: Any, name: str) -> Vector:
    return rows.labels(name) - _over(rows, name, lambda x: lesson.raw(point, x))


def _over(rows: Spool, name: str, tell: Any) -> Vector:
    """What `tell` says of each row of a part, chunk by chunk."""
    return np.concatenate([tell(x) for x, _ in rows.stream(name)])
