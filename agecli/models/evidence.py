"""What was told of rows that no model saw, beside the truth: the one thing that all figures of a card come from.

`held.py` gathers it on the `test` part, `folds.py` out of fold. Kinds of Evidence differ as tasks do; both keep the ids
and the encoded features, so that any figure can be asked for a part of the rows.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from agecli.models.metrics import Codes, Vector, within
from agecli.models.trees import Matrix

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class NumberEvidence:
    """Of a regression, all of shape (n,), in units of the label; `hit` where the error is within the tolerance."""

    ids: pa.Array
    rows: Matrix
    truth: Vector
    told: Vector
    baseline: Vector
    mean: Vector
    lower: Floats
    upper: Floats
    confidence: Vector
    tolerance: float

    @property
    def hit(self) -> npt.NDArray[np.bool_]:
        return within(self.truth - self.told, self.tolerance)

    def columns(self, classes: pa.Array) -> dict[str, pa.Array]:
        """The columns of `evaluation.parquet`."""
        return {
            "truth": pa.array(self.truth),
            "prediction": pa.array(self.told),
            "confidence": pa.array(self.confidence.astype(np.float32)),
            "baseline": pa.array(self.baseline),
            "lower": pa.array(self.lower.astype(np.float64)),
            "upper": pa.array(self.upper.astype(np.float64)),
        }


@dataclass(frozen=True)
class ClassEvidence:
    """Of a classification: true codes (n,), and probabilities (n, classes) by model, baseline and base rate."""

    ids: pa.Array
    rows: Matrix
    truth: Codes
    told: Vector
    baseline: Vector
    mean: Vector

    @property
    def confidence(self) -> Vector:
        """The probability of the predicted class."""
        sure: Vector = self.told.max(axis=1)
        return sure

    @property
    def hit(self) -> npt.NDArray[np.bool_]:
        right: npt.NDArray[np.bool_] = self.told.argmax(axis=1) == self.truth
        return right

    def columns(self, classes: pa.Array) -> dict[str, pa.Array]:
        """The columns of `evaluation.parquet`; `classes` are the words by code."""
        return {
            "truth": classes.take(pa.array(self.truth)),
            "prediction": classes.take(pa.array(self.told.argmax(axis=1))),
            "confidence": pa.array(self.confidence.astype(np.float32)),
            "baseline": classes.take(pa.array(self.baseline.argmax(axis=1))),
            "probabilities": _lists(self.told),
            "baseline_probabilities": _lists(self.baseline),
        }


Evidence = NumberEvidence | ClassEvidence


def some(evidence: Evidence, at: npt.NDArray[np.int64]) -> Evidence:
    """What was told of some of the rows."""
    columns = {field.name: getattr(evidence, field.name) for field in fields(evidence)}
    taken: Any = {name: c[at] for name, c in columns.items() if isinstance(c, np.ndarray)}
    return replace(evidence, ids=evidence.ids.take(pa.array(at)), **taken)


def table(evidence: Evidence, classes: tuple[str, ...], segments: Mapping[str, pa.Array]) -> bytes:
    """`evaluation.parquet`: one row per row that no model saw, with its segment by each feature asked for."""
    columns = {"id": evidence.ids, **evidence.columns(pa.array(classes, pa.string()))}
    named = {f"segment_{name}": words.cast(pa.string()) for name, words in segments.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table({**columns, **named}), sink, compression="zstd", use_dictionary=list(named))
    return sink.getvalue()


def _lists(values: Vector) -> pa.Array:
    """Rows of a matrix as lists of float32."""
    count, width = values.shape
    offsets = pa.array(np.arange(0, count * width + 1, width, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(values.astype(np.float32).ravel()))
