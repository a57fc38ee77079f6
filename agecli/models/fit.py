"""Training, from labelled rows as Arrow batches to a model with its card.

The rows are read twice: `survey` looks at them (vocabularies, distributions, sampling), then they are encoded
and spooled to disk by part. From there `held` (plenty of labels) or `folds` (few) learns. Memory holds XGBoost's
quantised rows, a few numbers per row, and chunks of a fixed size.

The result depends on the rows, their order and the spec only: not on how rows are batched, not on threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from agecli.models import baseline, card, crossval, evaluation, folds, held, parts, segments, trees
from agecli.models import evidence as evidences
from agecli.models.encode import Encoder
from agecli.models.evidence import Evidence
from agecli.models.learn import Lesson, Lessons
from agecli.models.score import Model
from agecli.models.spec import ModelSpec
from agecli.models.spool import Spool
from agecli.models.survey import Read, Survey, label_column, labelled, numeric_labels, survey

LEAST_FOR_PARTS = 1_000


@dataclass(frozen=True)
class Trained:
    """A model fresh from training: what `artifact.save` writes, and ready to score."""

    model: Model
    files: dict[str, bytes]
    evidence: Evidence
    segments: Mapping[str, pa.DictionaryArray]

    @property
    def card(self) -> dict[str, Any]:
        return self.model.card

    @property
    def digest(self) -> str:
        """SHA-256, in hex, over everything that decides predictions."""
        return self.model.digest

    def evaluation(self) -> bytes:
        """`evaluation.parquet`: what was told of each row that no model saw."""
        return evidences.table(self.evidence, self.model.classes, self.segments)

    def with_card_parts(self, parts: Mapping[str, Any]) -> Trained:
        """The same model with more said about it: `parts` are further keys of the card."""
        return replace(self, model=replace(self.model, card={**self.card, **parts}))


def train(
    read: Read,
    spec: ModelSpec,
    progress: Callable[[str, float], None] | None = None,
    scratch: Path | None = None,
) -> Trained:
    """Trains a model on labelled rows.

    `read()` streams batches with `id`, `known_label` and the features, always the same rows in the same order;
    it is called twice. `progress` hears (step, share done). `scratch` is where the encoded rows are spooled
    (default: the system's temporary folder), 4 bytes per value of the rows used.
    Raises ConfigError for a spec that makes no sense and DataError for rows that cannot be learned from.
    """
    spec.check()
    tell = progress or (lambda step, share: None)
    tell("read", 0.0)
    found = survey(read, spec)
    encoder = found.encoder()
    design = baseline.design_for(encoder, found.medians(), found.frequent(baseline.MAX_WORDS))
    lesson = Lesson(spec, found.label_classes, encoder.kinds, tell)
    few = found.used < max(spec.few_labels, LEAST_FOR_PARTS)
    names = [f"fold-{k}" for k in range(folds.count_for(found.used))] if few else list(parts.PARTS)
    with Spool(names, len(spec.features), scratch, names if few or spec.folds else [parts.TEST]) as rows:
        tell("read", 0.5)
        _fill(rows, read, found, encoder, few)
        learned = (folds if few else held).learn(lesson, rows, design)
        crossed = crossval.run(lesson, rows, design, encoder) if spec.folds else None
    trained = _finish(spec, found, encoder, learned, "out-of-fold" if few else "held-out")
    return trained.with_card_parts({"cross_validation": crossed}) if crossed else trained


def _fill(rows: Spool, read: Read, found: Survey, encoder: Encoder, few: bool) -> None:
    """Spools the encoded rows that are used, each to its part or fold."""
    spec, threshold = found.spec, found.threshold
    classes = pa.array(found.label_classes, pa.string())
    for batch in labelled(read, spec):
        hashes = parts.hash_ids(batch.column("id"))
        chosen = parts.draw(hashes, "sample", spec.seed) <= threshold
        if not chosen.all():
            batch, hashes = batch.filter(pa.array(chosen)), hashes[chosen]
        where = parts.fold_of(hashes, len(rows.counts), spec.seed) if few else parts.part_of(hashes, spec.seed)
        rows.add(batch.column("id"), encoder.encode(batch), _labels(batch, spec, classes), where)


def _labels(batch: pa.RecordBatch, spec: ModelSpec, classes: pa.Array) -> npt.NDArray[np.float64]:
    if spec.task == "regression":
        return numeric_labels(batch, spec)
    codes = pc.index_in(label_column(batch, spec), value_set=classes)
    told: npt.NDArray[np.float64] = pc.cast(codes, pa.float64()).to_numpy(zero_copy_only=False)
    return told


def _finish(spec: ModelSpec, found: Survey, encoder: Encoder, learned: Lessons, split: str) -> Trained:
    files = {"model.ubj": trees.dump(learned.point)}
    if learned.spread is not None:
        files["spread.ubj"] = trees.dump(learned.spread)
    classes = found.label_classes
    decides = card.deciding(spec, classes, encoder.vocabularies, learned.calibration)
    digest = card.digest_of(decides, files)
    evidence = learned.evidence
    words = segments.of_features([name for name in spec.segments if name in spec.names], encoder, evidence.rows)
    written = card.describe(spec, found, learned, split)
    written["evaluation"] = evaluation.measure([evidence], classes, words, spec.level, spec.seed)
    whole = {"digest": digest, "decides": decides, "spec": spec.to_json(), **written}
    model = Model(
        spec=spec,
        encoder=encoder,
        classes=classes,
        point=learned.point,
        spread=learned.spread,
        calibration=learned.calibration,
        baseline=learned.baseline,
        card=whole,
        digest=digest,
    )
    return Trained(model, files, evidence, words)
