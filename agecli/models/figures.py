"""The figures of a card, from truths and what was told about rows that no model saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agecli.models import metrics
from agecli.models.evidence import ClassEvidence, Evidence, NumberEvidence
from agecli.models.metrics import Vector
from agecli.models.spec import ModelSpec


def of(evidence: Evidence, spec: ModelSpec) -> dict[str, Any]:
    """`metrics`, `test_rows`, `interval` and `confidence` of a card."""
    return _of_numbers(evidence, spec) if isinstance(evidence, NumberEvidence) else _of_classes(evidence)


def _of_numbers(told: NumberEvidence, spec: ModelSpec) -> dict[str, Any]:
    """Errors of model, baseline and mean; coverage of the interval; how the confidence held up."""
    lower, upper = told.lower.astype(np.float64), told.upper.astype(np.float64)
    return {
        "metrics": {
            "model": metrics.of_regression(told.truth, told.told),
            "baseline": metrics.of_regression(told.truth, told.baseline),
            "mean": metrics.of_regression(told.truth, told.mean),
        },
        "test_rows": len(told.truth),
        "interval": {
            "level": spec.level,
            "coverage": metrics.coverage(told.truth, lower, upper),
            "mean_width": metrics.mean_width(lower, upper),
        },
        "confidence": _confidence(told.hit, told.confidence),
    }


def _of_classes(told: ClassEvidence) -> dict[str, Any]:
    """Accuracy, ROC AUC and log loss of model, baseline and base rate; how the confidence held up."""
    truth = told.truth
    return {
        "metrics": {
            "model": metrics.of_classification(truth, told.told),
            "baseline": metrics.of_classification(truth, told.baseline),
            "mean": metrics.of_classification(truth, told.mean) | {"roc_auc": 0.5},  # it ranks nothing
        },
        "test_rows": len(truth),
        "interval": None,
        "confidence": _confidence(told.hit, told.confidence),
    }


def _confidence(hit: npt.NDArray[np.bool_], told: Vector) -> dict[str, Any]:
    """Mean confidence against the share that was right, calibration error, Brier score, and rows by tier."""
    tiers = dict.fromkeys(metrics.TIERS, 0)
    upper = 2.0
    for word, edge in metrics.TIERS.items():
        tiers[word] = int(((told >= edge) & (told < upper)).sum())
        upper = edge
    return {
        "mean": float(told.mean()),
        "right": float(hit.mean()),
        "calibration_error": metrics.calibration_error(hit, told),
        "brier": metrics.brier(hit, told),
        "brier_constant": metrics.brier(hit, np.full(len(hit), hit.mean())),
        "tiers": tiers,
    }
