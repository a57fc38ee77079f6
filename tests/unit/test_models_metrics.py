"""Figures agree with scikit-learn's, and say None where rows cannot give them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from agecli.models import metrics


@pytest.fixture
def numbers() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    truth = random.normal(40, 10, 500)
    return truth, truth + random.normal(0, 4, 500)


@pytest.fixture(params=[2, 5])
def classes(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    truth = random.integers(0, request.param, 400)
    told = random.random((400, request.param)).round(2) + 0.01
    told[np.arange(400), truth] += 0.5
    return truth, told / told.sum(axis=1, keepdims=True)


def test_figures_of_a_regression(numbers: tuple[np.ndarray, np.ndarray]) -> None:
    truth, told = numbers
    assert metrics.of_regression(truth, told) == {
        "mae": pytest.approx(reference.mean_absolute_error(truth, told)),
        "rmse": pytest.approx(reference.root_mean_squared_error(truth, told)),
        "r2": pytest.approx(reference.r2_score(truth, told)),
    }


def test_figures_of_a_classification(classes: tuple[np.ndarray, np.ndarray]) -> None:
    truth, told = classes
    score = told[:, 1] if told.shape[1] == 2 else told
    assert metrics.of_classification(truth, told) == {
        "accuracy": pytest.approx(reference.accuracy_score(truth, told.argmax(axis=1))),
        "roc_auc": pytest.approx(reference.roc_auc_score(truth, score, multi_class="ovr")),
        "log_loss": pytest.approx(reference.log_loss(truth, told)),
    }


def test_brier_score(classes: tuple[np.ndarray, np.ndarray]) -> None:
    truth, told = classes
    assert metrics.brier(truth == 1, told[:, 1]) == pytest.approx(reference.brier_score_loss(truth == 1, told[:, 1]))


def test_what_rows_cannot_give_is_none() -> None:
    assert metrics.r2(np.full(5, 3.0), np.arange(5.0)) is None
    assert metrics.roc_auc(np.zeros(4, np.int64), np.full((4, 2), 0.5)) is None
    assert metrics.roc_auc(np.array([0, 1, 0, 1]), np.full((4, 3), 1 / 3)) is None


def test_a_certain_mistake_costs_much_but_not_everything() -> None:
    assert 30 < metrics.log_loss(np.array([0]), np.array([[0.0, 1.0]])) < 40


def test_coverage_counts_the_bounds_as_inside() -> None:
    truth, lower, upper = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 0.0]), np.array([2.0, 3.0, 3.0])
    assert metrics.coverage(truth, lower, upper) == pytest.approx(2 / 3)
    assert metrics.mean_width(lower, upper) == pytest.approx(4.5 / 3)


def test_calibration_error_is_the_gap_between_what_was_said_and_what_happened() -> None:
    said = np.array([0.1] * 10 + [0.95] * 10)
    happened = np.array([True] * 3 + [False] * 7 + [True] * 10)
    assert metrics.calibration_error(happened, said) == pytest.approx((0.2 * 10 + 0.05 * 10) / 20)
    assert metrics.calibration_error(happened, np.where(said < 0.5, 0.3, 1.0)) == pytest.approx(0)


@pytest.mark.parametrize(
    ("confidence", "word"),
    [(1.0, "excellent"), (0.8, "excellent"), (0.79, "good"), (0.6, "good"), (0.4, "fair"), (0.39, "poor"), (0, "poor")],
)
def test_tiers(confidence: float, word: str) -> None:
    assert metrics.tier(confidence) == word
