"""The baselines are the linear models they claim to be."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from agecli.models import baseline
from agecli.models.baseline import Baseline, Design

DESIGN = Design(("q", "q", "c"), (0.5, 1_000_000.0, 0.0), ((), (), (2, 0)))


@pytest.fixture
def rows() -> np.ndarray:
    random = np.random.default_rng(0)
    found = np.column_stack(
        [random.normal(size=900), 1e6 + random.normal(size=900), random.integers(0, 4, 900)]
    ).astype(np.float32)
    found[random.random((900, 3)) < 0.1] = np.nan
    return found


@pytest.fixture
def labels(rows: np.ndarray) -> np.ndarray:
    return 3 * np.nan_to_num(rows[:, 0]) + (rows[:, 2] == 2) + np.random.default_rng(1).normal(size=len(rows))


def test_the_design_imputes_flags_what_is_missing_and_spreads_frequent_words(rows: np.ndarray) -> None:
    assert DESIGN(np.array([[np.nan, 7, 2], [3, np.nan, np.nan]], np.float32)).tolist() == [
        [0.5, 1, 7, 0, 1, 0],
        [3, 0, 1e6, 1, 0, 0],
    ]


def test_ridge_from_sums_over_chunks_equals_scikit_learns(rows: np.ndarray, labels: np.ndarray) -> None:
    def chunks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, 900, 123):
            yield rows[start : start + 123], labels[start : start + 123]

    scaled = StandardScaler().fit_transform(DESIGN(rows))
    reference = Ridge(alpha=1.0).fit(scaled, labels)
    found = baseline.ridge(DESIGN, chunks())
    assert found.values(rows)[:, 0] == pytest.approx(reference.predict(scaled), abs=1e-6)
    assert found.rows == 900


def test_a_constant_column_changes_nothing(rows: np.ndarray, labels: np.ndarray) -> None:
    constant = rows.copy()
    constant[:, 1] = 12.0
    found = baseline.ridge(DESIGN, [(constant, labels)])
    assert np.isfinite(found.values(constant)).all()
    assert found.weights[0, 2:4].tolist() == [0, 0]


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_equals_scikit_learns(rows: np.ndarray, labels: np.ndarray, classes: int) -> None:
    truth = np.searchsorted([0.0, 2.0][: classes - 1], labels)
    scaled = StandardScaler().fit_transform(DESIGN(rows))
    reference = LogisticRegression(C=1.0, max_iter=1_000).fit(scaled, truth)
    found = baseline.logistic(DESIGN, rows, truth, classes)
    assert found.probabilities(rows) == pytest.approx(reference.predict_proba(scaled), abs=1e-6)


def test_a_class_that_is_absent_gets_next_to_nothing(rows: np.ndarray, labels: np.ndarray) -> None:
    truth = np.where(labels > 0, 2, 0)
    told = baseline.logistic(DESIGN, rows, truth, 3).probabilities(rows)
    assert told[:, 1].max() < 1e-6
    assert baseline.logistic(DESIGN, rows, np.zeros(900, np.int64), 2).probabilities(rows)[:, 0].min() > 0.99


def test_a_baseline_survives_json_to_the_bit(rows: np.ndarray, labels: np.ndarray) -> None:
    found = baseline.ridge(DESIGN, [(rows, labels)])
    again = Baseline.from_json(json.loads(json.dumps(found.to_json())))
    assert again.values(rows).tobytes() == found.values(rows).tobytes()
