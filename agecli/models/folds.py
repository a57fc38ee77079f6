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
from agecli.models.evidence import ClassEvidence, NumberEvidence
from agecli.models.learn import Lesson, Lessons, Params, of
from agecli.models.spool import Spool
from agecli.models.trees import Matrix, Vector

Mask = npt.NDArray[np.bool_]


def count_for(rows: int) -> int:
    """How many folds: ten where rows are very few and training is quick, else five."""
    return 10 if rows < 2_000 else 5


@dataclass(frozen=True)
class _Rows:
    """All rows in memory (they are few), and the fold of each."""

    x: Matrix
    y: Vector
    fold: npt.NDArray[np.int64]
    ids: pa.Array

    def each(self) -> list[tuple[Mask, Mask]]:
        """(inside the fold, outside it) for every fold that has rows."""
        return [(self.fold == k, self.fold != k) for k in np.unique(self.fold)]


def learn(lesson: Lesson, spool: Spool, design: Design) -> Lessons:
    """Trains on all parts of the spool, each of which is one fold."""
    names = list(spool.counts)
    fold = np.repeat(np.arange(len(names)), [spool.counts[name] for name in names])
    rows = _Rows(spool.matrix(*names), spool.labels(*names), fold, spool.ids(*names))
    params = lesson.params(len(rows.x))
    rounds, told = _point_out_of_fold(lesson, rows, params)
    lesson.progress("calibrate", 0.0)
    final = params | {"rounds": rounds}
    point = trees.fit(final, lesson.matrix(of(rows.x, rows.y)))
    linear, linear_told = _linear(lesson, rows, design)
    make = _numbers if lesson.regression else _classes
    return make(lesson, rows, point, told, linear, linear_told, final)


def _point_out_of_fold(lesson: Lesson, rows: _Rows, params: Params) -> tuple[int, Vector]:
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


def _linear(lesson: Lesson, rows: _Rows, design: Design) -> tuple[Baseline, Vector]:
    """The baseline on all rows, and what baselines that have not seen a row say of it."""

    def fit(x: Matrix, y: Vector) -> Baseline:
        if lesson.regression:
            return baseline.ridge(design, [(x, y)])
        return baseline.logistic(design, x, y.astype(np.int64), len(lesson.classes))

    def tell(linear: Baseline, x: Matrix) -> Vector:
        return linear.values(x)[:, 0] if lesson.regression else linear.probabilities(x)

    told = _out_of_fold(rows, lambda inside, outside: tell(fit(rows.x[outside], rows.y[outside]), rows.x[inside]))
    return fit(rows.x, rows.y), told


def _numbers(
    lesson: Lesson,
    rows: _Rows,
    point: Any,
    told: Vector,
    linear: Baseline,
    linear_told: Vector,
    params: Params,
) -> Lessons:
    spec, residuals = lesson.spec, rows.y - told
    tolerance = float(spec.tolerance or 0)
    width = _out_of_fold(
        rows, lambda inside, outside: lesson.raw(lesson.spread(rows.x[outside], residuals[outside]), rows.x[inside])
    )
    floor = spread_floor(width, residuals)
    lower, upper = np.empty(len(told), np.float32), np.empty(len(told), np.float32)
    confidence = np.empty(len(told))
    for inside, outside in rows.each():
        others = calibrate_numbers(
            told[outside],
            residuals[outside],
            width[outside],
            spec.level,
            tolerance,
            spread_floor(width[outside], residuals[outside]),
        )
        lower[inside], upper[inside] = others.interval(told[inside], width[inside])
        confidence[inside] = others.confident(told[inside], width[inside], tolerance)
    evidence = NumberEvidence(
        ids=rows.ids,
        rows=rows.x,
        truth=rows.y,
        told=told,
        baseline=linear_told,
        mean=_out_of_fold(rows, lambda inside, outside: np.full(inside.sum(), rows.y[outside].mean())),
        lower=lower,
        upper=upper,
        confidence=confidence,
        tolerance=tolerance,
    )
    calibration = calibrate_numbers(told, residuals, width, spec.level, tolerance, floor)
    spread = lesson.spread(rows.x, residuals)
    return Lessons(point, spread, linear, calibration, _counts(rows), evidence, params)


def _classes(
    lesson: Lesson,
    rows: _Rows,
    point: Any,
    told: Vector,
    linear: Baseline,
    linear_told: Vector,
    params: Params,
) -> Lessons:
    truth = rows.y.astype(np.int64)
    evidence = ClassEvidence(
        ids=rows.ids,
        rows=rows.x,
        truth=truth,
        told=_out_of_fold(rows, lambda inside, outside: calibrate_classes(told[outside], truth[outside])(told[inside])),
        baseline=linear_told,
        mean=_out_of_fold(
            rows, lambda inside, outside: np.tile(lesson.share_of_classes(truth[outside]), (inside.sum(), 1))
        ),
    )
    return Lessons(point, None, linear, calibrate_classes(told, truth), _counts(rows), evidence, params)


def _out_of_fold(rows: _Rows, tell: Callable[[Mask, Mask], Vector]) -> Vector:
    """One result per row, each fold told from the masks (inside it, outside it)."""
    pieces = [(inside, tell(inside, outside)) for inside, outside in rows.each()]
    told = np.empty((len(rows.y), *pieces[0][1].shape[1:]))
    for inside, piece in pieces:
        told[inside] = piece
    return told


def _counts(rows: _Rows) -> dict[str, int]:
    return {f"fold-{k}": int((rows.fold == k).sum()) for k in np.unique(rows.fold)}
