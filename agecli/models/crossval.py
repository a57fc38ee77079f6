"""Repeated cross-validation: how good models of this kind are on these rows, with less luck in it than one split has.

Each row is predicted once in every repeat, by models that have not seen its fold; folds are drawn by hash of id, anew
for each repeat. A row's loss is its mean over the repeats. Intervals come from drawing rows again (`bootstrap.py`), so
they tell what other rows might have shown, not what other folds might: `repeats` in the card shows the latter.

The rows and the quantised rows of all folds are in memory, so `MOST_ROWS` are taken at most, evenly spaced: the card
says of how many (`of`).
"""

from __future__ import annotations

import pyarrow as pa

from agecli.models import evaluation, folds, parts, segments
from agecli.models.baseline import Design
from agecli.models.encode import Encoder
from agecli.models.learn import Lesson
from agecli.models.spool import Spool

Found = dict[str, object]

MOST_ROWS = 200_000


def run(lesson: Lesson, spool: Spool, design: Design, encoder: Encoder) -> Found:
    """The card's `cross_validation`, over all rows of the spool; its parts keep ids."""
    spec, names = lesson.spec, list(spool.counts)
    x, y = spool.spaced(MOST_ROWS, *names)
    ids = spool.ids(*names).filter(pa.array(spool.chosen(MOST_ROWS, *names)))
    hashes = parts.hash_ids(ids)
    told = []
    for repeat in range(spec.repeats):
        lesson.progress("cross-validation", repeat / spec.repeats)
        fold = parts.fold_of(hashes, spec.folds, spec.seed + repeat + 1)
        told.append(folds.evidence(lesson, folds.Rows(x, y, fold, ids), design))
    words = segments.of_features([name for name in spec.segments if name in spec.names], encoder, x)
    return {
        "folds": spec.folds,
        "of": sum(spool.counts.values()),
        "repeats": [evaluation.primary(one) for one in told],
        **evaluation.measure(told, lesson.classes, words, spec.level, spec.seed),
    }
