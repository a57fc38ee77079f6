"""A trained model at work: a record batch in, prediction, confidence and interval out.

The same row gives the same bytes whatever batch it comes in: every step works on one row at a time (trees,
lookups, IEEE additions and multiplications), none on a batch as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from agecli.models import trees
from agecli.models.baseline import Baseline
from agecli.models.calibrate import ClassCalibration, NumberCalibration
from agecli.models.encode import Encoder, Places
from agecli.models.learn import raw_output
from agecli.models.spec import ModelSpec
from agecli.models.trees import Matrix


@dataclass(frozen=True)
class Scored:
    """One entry per row of the batch: float64 or string, float32, float32; no bounds for classes."""

    prediction: pa.Array
    confidence: pa.Array
    lower: pa.Array | None
    upper: pa.Array | None


@dataclass(frozen=True)
class Model:
    """A model ready to score. `spec` says what it wants, `card` what is known of it, `digest` what it is."""

    spec: ModelSpec
    encoder: Encoder
    classes: tuple[str, ...]
    point: Any
    spread: Any | None
    calibration: NumberCalibration | ClassCalibration
    baseline: Baseline
    card: dict[str, Any]
    digest: str

    def score(self, batch: pa.RecordBatch, places: Places | None = None) -> Scored:
        """Scores every row, or those at `places`; DataError if a feature is absent."""
        rows = self.encoder.encode(batch, np.arange(batch.num_rows) if places is None else places)
        if isinstance(self.calibration, NumberCalibration):
            return self._numbers(rows, self.calibration)
        return self._classes(rows, self.calibration)

    def _numbers(self, rows: Matrix, calibration: NumberCalibration) -> Scored:
        told = trees.predict(self.point, rows).astype(np.float64)
        spread = trees.predict(self.spread, rows).astype(np.float64)
        lower, upper, confidence = calibration.promise(told, spread, float(self.spec.tolerance or 0))
        return Scored(pa.array(told), pa.array(confidence), pa.array(lower), pa.array(upper))

    def _classes(self, rows: Matrix, calibration: ClassCalibration) -> Scored:
        told = calibration(raw_output(self.point, rows, len(self.classes)))
        best = told.argmax(axis=1)
        names = pa.array(self.classes, pa.string()).take(pa.array(best))
        return Scored(names, pa.array(told[np.arange(len(best)), best].astype(np.float32)), None, None)
