"""The model card: what a model learned from, how good it is on rows it never saw, what made it. Plain JSON."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

import agecli
from agecli.models import figures, trees
from agecli.models.calibrate import ClassCalibration, NumberCalibration
from agecli.models.encode import Vocabulary
from agecli.models.learn import Lessons
from agecli.models.spec import FORMAT, ModelSpec
from agecli.models.survey import Survey

INTERVAL = "conformal, divided by cross-fitted spread trees, evened out by the prediction"
"""tests/benchmarks/intervals.py compares it with other ways."""


def describe(spec: ModelSpec, found: Survey, learned: Lessons, split: str) -> dict[str, Any]:
    """All of the card that does not decide predictions."""
    boosters = {"point": learned.point, "spread": learned.spread}
    return {
        "task": spec.task,
        "labelled": found.labelled,
        "sample": {"rows": found.used, "of": found.labelled, "chosen": "hash of id"},
        "split": split,
        "methods": {
            "interval": INTERVAL if learned.spread is not None else None,
            "confidence": learned.calibration.method,
        },
        "parts": learned.parts,
        "calibrated_on": learned.calibrated_on,
        **figures.of(learned.evidence, spec),
        "parameters": {name: value for name, value in learned.params.items() if name != "nthread"},
        "rounds": {name: b.num_boosted_rounds() for name, b in boosters.items() if b is not None},
        "baseline": {"kind": learned.baseline.kind, "rows": learned.baseline.rows},
        "distribution": found.distribution(),
        "warnings": found.warnings(),
        "versions": versions(),
    }


def deciding(
    spec: ModelSpec,
    classes: tuple[str, ...],
    vocabularies: Mapping[str, Vocabulary],
    calibration: NumberCalibration | ClassCalibration,
) -> dict[str, Any]:
    """All that decides predictions beside the trees, as it stands in the card."""
    return {
        "format": FORMAT,
        "task": spec.task,
        "features": [list(feature) for feature in spec.features],
        "vocabularies": {n: {"words": list(v.words), "others": v.others} for n, v in vocabularies.items()},
        "classes": list(classes),
        "tolerance": spec.tolerance,
        "level": spec.level,
        "calibration": calibration.to_json(),
    }


def digest_of(decides: Mapping[str, Any], trees_files: Mapping[str, bytes]) -> str:
    """SHA-256, in hex, over all that decides predictions: no times, no paths, no figures."""
    whole = hashlib.sha256(json.dumps(decides, sort_keys=True, ensure_ascii=True).encode())
    for name in sorted(trees_files):
        whole.update(f"\n{name} ".encode() + hashlib.sha256(trees_files[name]).digest())
    return whole.hexdigest()


def versions() -> dict[str, str]:
    """What the model was made with."""
    return {
        "agecli": agecli.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "xgboost": trees.VERSION,
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
    }
