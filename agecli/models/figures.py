"""The figures of a card, from truths and what was told about rows that no model saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agecli.models import metrics
from agecli.models.metrics import Codes, Vector
from agecli.models.spec import ModelSpec

Bounds = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def of_numbers(
    *,
    truth: Vector,
    told: Vector,
    baseline: Vector,
    mean: Vector,
    bounds: Bounds,
    confidence: Vector,
    spec: ModelSpec,
) -> dict[str, Any]:
    """Errors of model, baseline and mean; coverage of the interval; how the confidence held up."""
    lower, upper = (bound.astype(np.float64) for bound in bounds)
    hit = np.abs(truth - told) <= float(spec.tolerance or 0)
    return {
        "metrics": {
            "model": metrics.of_regression(truth, told),
            "baseline": metrics.of_regression(truth, baseline),
            "mean": metrics.of_regression(truth, mean),
        },
        "test_rows": len(truth),
        "interval": {
            "level": spec.level,
            "coverage": metrics.coverage(truth, lower, upper),
            "mean_width": metrics.mean_width(lower, upper),
        },
        "confidence": _confidence(hit, confidence),
    }


def of_classes(*, truth: Codes, model: Vector, baseline: Vector, mean: Vector) -> dict[str, Any]:
    """Accuracy, ROC AUC and log loss of model, baseline and base rate; how the confidence held up."""
    hit = model.argmax(axis=1) == truth
    return {
        "metrics": {
            "model": metrics.of_classification(truth, model),
            "baseline": metrics.of_classification(truth, baseline),
            "mean": metrics.of_classification(truth, mean) | {"roc_auc": 0.5},  # it ranks nothing
        },
        "test_rows": len(truth),
        "interval": None,
        "confidence": _confidence(hit, model.max(axis=1)),
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
