"""The baselines are the linear models they claim to be."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from agecli.executors import processes
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


WIDE = """
import hashlib
import numpy as np
from agecli.models import baseline
random = np.random.default_rng(0)
rows = random.normal(size=(6_000, 150)).astype(np.float32)
design = baseline.Design(("q",) * 150, (0.0,) * 150, ((),) * 150)
found = baseline.ridge(design, [(rows, rows[:, :5].sum(axis=1).astype(np.float64))])
print(hashlib.sha256(found.weights.tobytes() + found.values(rows).tobytes()).hexdigest())
"""


def test_a_wide_baseline_has_the_same_bits_with_any_number_of_workers() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", WIDE], env=processes.environment(threads), capture_output=True, check=True
        ).stdout
        for threads in (1, 2)
    ]
    assert said[0] == said[1] != b""


def test_rows_in_the_order_of_their_labels_give_the_logistic_regression_that_others_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(baseline, "LOGISTIC_ROWS", 600)
    random = np.random.default_rng(2)
    rows = random.normal(size=(5_000, 3)).astype(np.float32)
    truth = (rows[:, 0] + random.normal(size=5_000) > 0).astype(np.int64)
    design = Design(("q", "q", "q"), (0.0,) * 3, ((),) * 3)

    def loss(order: np.ndarray) -> float:
        told = baseline.logistic(design, rows[order], truth[order], 2)
        assert told.rows == 600
        return float(-np.log(told.probabilities(rows)[np.arange(5_000), truth]).mean())

    assert loss(np.argsort(truth, kind="stable")) == pytest.approx(loss(np.arange(5_000)), abs=0.02)


@pytest.mark.parametrize("change", [{"weights": [[1.0]]}, {"centre": [0.0]}, {"intercept": [0.0, 0.0]}])
def test_weights_that_fit_no_columns_are_refused(
    change: dict[str, object], rows: np.ndarray, labels: np.ndarray
) -> None:
    fields = baseline.ridge(DESIGN, [(rows, labels)]).to_json()
    with pytest.raises(ValueError, match="weights"):
        Baseline.from_json({**fields, **change})
