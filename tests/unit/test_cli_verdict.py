"""What is said of figures: better where the interval excludes zero, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from agecli.cli import verdict


def found(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "shown": low > 0 or high < 0}


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (found(0.35, 0.31, 0.39), "better than the baseline by 0.35 MAE (0.31 to 0.39)"),
        (found(-0.2, -0.3, -0.1), "worse than the baseline by 0.2 MAE (0.1 to 0.3)"),
        (found(0.1, -0.02, 0.22), "no difference from the baseline shown (MAE +0.1, -0.02 to +0.22)"),
        ({"value": None, "low": None, "high": None, "shown": False}, "no difference from the baseline shown"),
    ],
)
def test_a_difference_in_words(difference: dict[str, Any], said: str) -> None:
    assert verdict.difference("mae", difference, "the baseline") == said


def evaluation(gain: dict[str, Any]) -> dict[str, Any]:
    rates = {"accuracy": found(0.01, -0.01, 0.03), "log_loss": found(0.05, 0.02, 0.08)}
    return {
        "primary": "accuracy",
        "differences": {"baseline": rates},
        "reliability": {"ece": found(0.02, 0.01, 0.04), "brier_gain": gain},
    }


def test_classes_are_compared_by_log_loss_too_and_confidence_with_a_constant() -> None:
    told = verdict.sentences({"evaluation": evaluation(found(0.01, 0.005, 0.015))})
    assert told == [
        "no difference from the baseline shown (accuracy +0.01, -0.01 to +0.03); "
        "better than the baseline by 0.05 log loss (0.02 to 0.08)",
        "confidence: calibration error 0.020 (0.010 to 0.040), "
        "Brier score better than any constant's by 0.0100 (0.0050 to 0.0150)",
    ]
    assert "no better than a constant" in verdict.sentences({"evaluation": evaluation(found(0, -0.1, 0.1))})[1]


def test_a_cross_validation_has_its_own_line() -> None:
    crossed = {
        "primary": "mae",
        "folds": 5,
        "repeats": [1.0, 1.1, 1.2],
        "intervals": {"rows": 1_234},
        "figures": {"model": {"mae": found(1.1, 1.0, 1.2)}},
        "differences": {"baseline": {"mae": found(0.5, 0.4, 0.6)}},
    }
    assert verdict.sentences({"cross_validation": crossed}) == [
        "cross-validation of 5 folds, 3 times over 1,234 rows: MAE 1.100 (1.000 to 1.200)",
        "better than the baseline by 0.5 MAE (0.4 to 0.6)",
    ]


def test_nothing_is_said_of_models_without_figures() -> None:
    assert verdict.sentences({}) == []
