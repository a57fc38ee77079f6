"""Repeated cross-validation: how good models of this kind are on these rows, with less luck in it than one split has.

Each row is predicted once in every repeat, by models that have not seen its fold; folds are drawn by hash of id, anew
for each repeat. A row's loss is its mean over the repeats. Intervals come from drawing rows again (`bootstrap.py`), so
they tell what other rows might have shown, not what other folds might: `repeats` in the card shows the latter.
"""

from __future__ import annotations

import numpy as np

from agecli.models import evaluation, folds, measures, parts
from agecli.models.baseline import Design
from agecli.models.bootstrap import LEVEL, RESAMPLES, Bootstrap
from agecli.models.evidence import NumberEvidence
from agecli.models.learn import Lesson
from agecli.models.measures import Measure
from agecli.models.metrics import Vector
from agecli.models.spool import Spool

Found = dict[str, object]


def run(lesson: Lesson, spool: Spool, design: Design) -> Found:
    """The card's `cross_validation`, over all rows of the spool; its parts keep ids."""
    spec, names = lesson.spec, list(spool.counts)
    ids = spool.ids(*names)
    hashes, x, y = parts.hash_ids(ids), spool.matrix(*names), spool.labels(*names)
    every: list[list[Measure]] = []
    for repeat in range(spec.repeats):
        lesson.progress("cross-validation", repeat / spec.repeats)
        fold = parts.fold_of(hashes, spec.folds, spec.seed + repeat + 1)
        told = folds.evidence(lesson, folds.Rows(x, y, fold, ids), design)
        listed = measures.listed(told, lesson.classes)
        if isinstance(told, NumberEvidence):
            listed += measures.of_interval(told, spec.level)
        every.append([one for one in listed if "[" not in one.name])
    merged = [_merged(same) for same in zip(*every, strict=True)]
    primary = merged[0]
    return {
        "folds": spec.folds,
        "repeats": [float(one[0].figure(one[0].columns["model"].sum(axis=0)[None, :])[0]) for one in every],
        "intervals": {"by": "bootstrap", "level": LEVEL, "resamples": RESAMPLES, "rows": len(y)},
        "primary": primary.name,
        **evaluation.compared(Bootstrap(len(y), spec.seed), merged),
    }


def _merged(same: tuple[Measure, ...]) -> Measure:
    """A figure whose columns are the means over the repeats."""
    first = same[0]
    columns: dict[str, Vector] = {role: np.mean([one.columns[role] for one in same], axis=0) for role in first.columns}
    return Measure(first.name, columns, first.figure, first.higher_is_better, first.compared)
