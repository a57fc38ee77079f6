"""Training where labels are few: out-of-fold predictions take the place of held-out parts.

Each fold is predicted by trees that were fitted to the other folds; residuals and probabilities gained so are as
honest as held-out ones and use every row. Their scores calibrate the final model, which is fitted to all rows
(the "CV" form of cross-conformal prediction in Barber et al. 2021, without their guarantee, but wide rather than
narrow, since the final model has more rows than those that were scored).

What the card says about a fold never comes from that fold: its trees, their number (from the loss curves of the
other folds), its spread and its calibration are all made without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from agecli.models import baseline, trees
from agecli.models.baseline import Baseline, Design
from agecli.models.calibrate import calibrate_classes, calibrate_numbers, spread_floor
from agecli.models.evidence import ClassEvidence, Evidence, NumberEvidence
from agecli.models.learn import Lesson, Lessons, Params, of
from agecli.models.spool import Spool
from agecli.models.trees import Matrix, Vector

Mask = npt.NDArray[np.bool_]


def count_for(rows: int) -> int:
    """How many folds: ten where rows are very few and training is quick, else five."""
    return 10 if rows < 2_000 else 5


@dataclass(frozen=True)
class Rows:
    """All rows in memory (they are few), and the fold of each."""

    x: Matrix
    y: Vector
    fold: npt.NDArray[np.int64]
    ids: pa.Array

    def each(self) -> list[tuple[Mask, Mask]]:
        """(inside the fold, outside it) for every fold that has rows."""
        return [(self.fold == k, self.fold != k) for k in np.unique(self.fold)]


@dataclass(frozen=True)
class _Told:
    """What was told of each row by models that had not seen it; `width` is its spread (regression)."""

    rounds: int
    point: Vector
    baseline: Vector
    width: Vector | None


def learn(lesson: Lesson, spool: Spool, design: Design) -> Lessons:
    """Trains on all parts of the spool, each of which is one fold."""
    names = list(spool.counts)
    fold = np.repeat(np.arange(len(names)), [spool.counts[name] for name in names])
    rows = Rows(spool.matrix(*names), spool.labels(*names), fold, spool.ids(*names))
    params = lesson.params(len(rows.x))
    told = _tell(lesson, rows, design, params)
    lesson.progress("calibrate", 0.0)
    params |= {"rounds": told.rounds}
    point = trees.fit(params, lesson.matrix(of(rows.x, rows.y)))
    everything = np.ones(len(rows.y), np.bool_)
    spread = lesson.spread(rows.x, rows.y - told.point) if told.width is not None else None
    linear = _linear(lesson, design, rows.x, rows.y)
    calibration = _calibration(lesson, rows, told, everything)
    return Lessons(
        point, spread, linear, calibration, _counts(rows), _evidence(lesson, rows, told), params, len(rows.y)
    )


def evidence(lesson: Lesson, rows: Rows, design: Design) -> Evidence:
    """What models that have not seen a row tell of it, interval and confidence included, for all rows."""
    return _evidence(lesson, rows, _tell(lesson, rows, design, lesson.params(len(rows.x))))


def _tell(lesson: Lesson, rows: Rows, design: Design, params: Params) -> _Told:
    rounds, point = _point_out_of_fold(lesson, rows, params)

    def line(inside: Mask, outside: Mask) -> Vector:
        linear = _linear(lesson, design, rows.x[outside], rows.y[outside])
        return linear.values(rows.x[inside])[:, 0] if lesson.regression else linear.probabilities(rows.x[inside])

    def spread(inside: Mask, outside: Mask) -> Vector:
        return lesson.raw(lesson.spread(rows.x[outside], rows.y[outside] - point[outside]), rows.x[inside])

    width = _out_of_fold(rows, spread) if lesson.regression else None
    return _Told(rounds, point, _out_of_fold(rows, line), width)


def _point_out_of_fold(lesson: Lesson, rows: Rows, params: Params) -> tuple[int, Vector]:
    """The number of rounds for all rows, and the prediction of each row by trees that have not seen it."""
    pairs = []
    for inside, outside in rows.each():
        fitted = lesson.matrix(of(rows.x[outside], rows.y[outside]))
        pairs.append((fitted, lesson.matrix(of(rows.x[inside], rows.y[inside]), fitted)))
    most = int(params["rounds"])
    boosters, best, overall = trees.fit_folds(params, pairs, lambda k: lesson.progress("trees", k / most))
    told = np.zeros((len(rows.y), len(lesson.classes)) if lesson.classes else len(rows.y))
    for k, (inside, _) in enumerate(rows.each()):
        told[inside] = lesson.raw(boosters[k], rows.x[inside], best[k])
    return overall, told


def _linear(lesson: Lesson, design: Design, x: Matrix, y: Vector) -> Baseline:
    if lesson.regression:
        return baseline.ridge(design, [(x, y)])
    return baseline.logistic(design, x, y.astype(np.int64), len(lesson.classes))


def _calibration(lesson: Lesson, rows: Rows, told: _Told, chosen: Mask) -> Any:
    """The calibration by some of the rows."""
    if told.width is None:
        return calibrate_classes(told.point[chosen], rows.y[chosen].astype(np.int64))
    point, width = told.point[chosen], told.width[chosen]
    residuals = rows.y[chosen] - point
    spec = lesson.spec
    floor = spread_floor(width, residuals)
    return calibrate_numbers(point, residuals, width, spec.level, float(spec.tolerance or 0), floor)


def _evidence(lesson: Lesson, rows: Rows, told: _Told) -> Evidence:
    return _classes(lesson, rows, told) if told.width is None else _numbers(lesson, rows, told, told.width)


def _numbers(lesson: Lesson, rows: Rows, told: _Told, width: Vector) -> NumberEvidence:
    lower, upper = np.empty(len(rows.y), np.float32), np.empty(len(rows.y), np.float32)
    tolerance, confidence = float(lesson.spec.tolerance or 0), np.empty(len(rows.y))
    for inside, outside in rows.each():
        others = _calibration(lesson, rows, told, outside)
        lower[inside], upper[inside] = others.interval(told.point[inside], width[inside])
        confidence[inside] = others.confident(told.point[inside], width[inside], tolerance)
    return NumberEvidence(
        ids=rows.ids,
        rows=rows.x,
        truth=rows.y,
        told=told.point,
        baseline=told.baseline,
        mean=_out_of_fold(rows, lambda inside, outside: np.full(inside.sum(), rows.y[outside].mean())),
        lower=lower,
        upper=upper,
        confidence=confidence,
        tolerance=tolerance,
    )


def _classes(lesson: Lesson, rows: Rows, told: _Told) -> ClassEvidence:
    truth = rows.y.astype(np.int64)

    def rates(inside: Mask, outside: Mask) -> Vector:
        return np.tile(lesson.share_of_classes(truth[outside]), (inside.sum(), 1))

    return ClassEvidence(
        ids=rows.ids,
        rows=rows.x,
        truth=truth,
        told=_out_of_fold(rows, lambda i, outside: _calibration(lesson, rows, told, outside)(told.point[i])),
        baseline=told.baseline,
        mean=_out_of_fold(rows, rates),
    )


def _out_of_fold(rows: Rows, tell: Callable[[Mask, Mask], Vector]) -> Vector:
    """One result per row, each fold told from the masks (inside it, outside it)."""
    pieces = [(inside, tell(inside, outside)) for inside, outside in rows.each()]
    told = np.empty((len(rows.y), *pieces[0][1].shape[1:]))
    for inside, piece in pieces:
        told[inside] = piece
    return told


def _counts(rows: Rows) -> dict[str, int]:
    return {f"fold-{k}": int((rows.fold == k).sum()) for k in np.unique(rows.fold)}
