"""What the card says of a trained model beyond its figures: whether these carry over, and what it goes by.

One streaming pass over the feature table gives a sample of the rows with and without a label, chosen by hash of id.
From it come the card's parts `shift` and `importance`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from agecli.models import explain, parts, shift
from agecli.models.fit import Trained
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.tables import engine_of, features_table

if TYPE_CHECKING:
    from agecli.models.shift import Sampled
    from agecli.models.spec import ModelSpec


def insights(run: FrozenRun, trained: Trained) -> dict[str, Any]:
    """`shift`, `importance`, and the `warnings` with what the shift adds to them."""
    spec = trained.model.spec
    sampled = sample(run, spec)
    found = shift.compare(sampled, spec)
    warning = shift.warning(found)
    return {
        "shift": found,
        "importance": _importance(trained, sampled["labelled"]),
        "warnings": [*trained.card.get("warnings", ()), *([warning] if warning else [])],
    }


def sample(run: FrozenRun, spec: ModelSpec) -> dict[str, Sampled]:
    """Some rows with a label and some without, from the run's feature table."""
    engine, tables = engine_of(run, threads=1), {"features": features_table(run)}
    names = ", ".join(f'"{name}"' for name in ("id", "known_label", *spec.names))

    def read() -> Iterator[pa.RecordBatch]:
        return engine.read(f"SELECT {names} FROM features", tables)

    return shift.sample(read, spec)


def _importance(trained: Trained, labelled: Sampled) -> list[dict[str, Any]]:
    """Over rows of the test part; where labels are few and there is none, over all labelled rows."""
    model, batch = trained.model, labelled.rows()
    if batch is None:
        return []
    if trained.card["split"] == "held-out":
        held_out = parts.part_of(parts.hash_ids(batch.column("id")), model.spec.seed) == parts.PARTS.index("test")
        batch = batch.filter(pa.array(held_out)) if np.any(held_out) else batch
    return explain.importance(model.point, model.encoder.encode(batch), model.encoder)
