"""What is said of a model is shown: intervals that hold, differences that are there, segments that add up."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from agecli.models import evaluation, fit, measures, segments
from agecli.models.bootstrap import GROUPS, Bootstrap, shown
from agecli.models.evidence import ClassEvidence, NumberEvidence
from agecli.models.fit import Trained

from .models_rows import planted, reader, spec


def numbers(rows: int, seed: int = 0, gain: float = 0.0) -> NumberEvidence:
    """Errors of size 2; the baseline's are larger by `gain`."""
    random = np.random.default_rng(seed)
    truth = random.normal(50, 10, rows)
    told, other = (truth + random.normal(size=rows) * size for size in (2, 2 + gain))
    sure = np.full(rows, 0.8)
    return NumberEvidence(
        ids=pa.array(range(rows)),
        rows=np.empty((rows, 0), np.float32),
        truth=truth,
        told=told,
        baseline=other,
        mean=np.full(rows, truth.mean()),
        lower=(told - 2.563).astype(np.float32),
        upper=(told + 2.563).astype(np.float32),
        confidence=sure,
        tolerance=2.563,
    )


def classes(rows: int, count: int, seed: int = 0) -> ClassEvidence:
    random = np.random.default_rng(seed)
    told = random.dirichlet(np.ones(count), rows)
    truth = (told.cumsum(axis=1) < random.random((rows, 1))).sum(axis=1).clip(max=count - 1)
    even = np.full((rows, count), 1 / count)
    return ClassEvidence(
        pa.array(range(rows)),
        np.empty((rows, 0), np.float32),
        truth,
        told,
        random.dirichlet(np.ones(count), rows),
        even,
    )


def measured(evidence: Any, names: tuple[str, ...] = ()) -> dict[str, Any]:
    return evaluation.measure(evidence, names, {}, 0.8, seed=1)


@pytest.mark.parametrize("rows", [800, 20_000])
def test_the_interval_of_a_mean_is_the_one_of_the_textbook(rows: int) -> None:
    values = np.random.default_rng(3).exponential(size=rows)
    found = Bootstrap(rows, 0).interval(np.column_stack([values, np.ones(rows)]), lambda s: s[:, 0] / s[:, 1])
    half = 1.96 * values.std() / np.sqrt(rows)
    assert found["value"] == pytest.approx(values.mean())
    assert found["low"] == pytest.approx(values.mean() - half, abs=0.2 * half)
    assert found["high"] == pytest.approx(values.mean() + half, abs=0.2 * half)


def test_groups_have_about_as_many_rows_each() -> None:
    assert set(np.bincount(Bootstrap(2_500, 0)._group)) == {2, 3}
    assert len(np.bincount(Bootstrap(2_500, 0)._group)) == GROUPS


def test_a_difference_is_shown_where_there_is_one_and_hardly_ever_where_there_is_none() -> None:
    there = measured(numbers(4_000, gain=0.5))["differences"]["baseline"]["mae"]
    assert there["shown"] and there["low"] > 0
    none = [measured(numbers(1_000, seed))["differences"]["baseline"]["mae"]["shown"] for seed in range(40)]
    assert sum(none) <= 6  # 5 % of 40 are 2


def test_a_worse_model_is_shown_to_be_worse() -> None:
    found = measured(numbers(4_000, gain=-1))["differences"]["baseline"]["mae"]
    assert found["shown"] and found["high"] < 0


def test_figures_of_a_regression_are_those_of_scikit_learn() -> None:
    told = numbers(3_000)
    found = measured(told)["figures"]["model"]
    assert found["mae"]["value"] == pytest.approx(reference.mean_absolute_error(told.truth, told.told))
    assert found["r2"]["value"] == pytest.approx(reference.r2_score(told.truth, told.told))
    assert found["rmse"]["value"] == pytest.approx(reference.root_mean_squared_error(told.truth, told.told))
    assert found["within_2.563"]["value"] == pytest.approx(told.hit.mean())
    assert all(one["low"] <= one["value"] <= one["high"] for one in found.values())


@pytest.mark.parametrize("count", [2, 4])
def test_figures_of_a_classification_are_those_of_scikit_learn(count: int) -> None:
    told = classes(1_500, count)
    names = tuple(f"k{code}" for code in range(count))
    found = measured(told, names)["figures"]["model"]
    best = told.told.argmax(axis=1)
    expected = {
        "accuracy": reference.accuracy_score(told.truth, best),
        "log_loss": reference.log_loss(told.truth, told.told),
        "roc_auc": reference.roc_auc_score(told.truth, told.told[:, 1] if count == 2 else told.told, multi_class="ovr"),
        "f1_macro": reference.f1_score(told.truth, best, average="macro"),
        "precision[k1]": reference.precision_score(told.truth, best, labels=[1], average=None)[0],
        "recall[k0]": reference.recall_score(told.truth, best, labels=[0], average=None)[0],
    }
    assert {name: found[name]["value"] for name in expected} == pytest.approx(expected)


def test_the_interval_of_the_auc_is_delongs() -> None:
    told = classes(600, 2)
    found = measured(told, ("a", "b"))["figures"]["model"]["roc_auc"]
    score, positive = told.told[:, 1], told.truth == 1
    above = (score[positive][:, None] > score[~positive][None, :]).astype(float)
    variance = above.mean(axis=1).var(ddof=1) / positive.sum() + above.mean(axis=0).var(ddof=1) / (~positive).sum()
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.12)


def test_confidence_that_comes_true_has_no_calibration_error_and_beats_a_constant() -> None:
    random = np.random.default_rng(2)
    sure = random.uniform(0.2, 1, 20_000)
    hit = random.random(20_000) < sure
    draws = Bootstrap(20_000, 0)
    found = evaluation.reliability(draws, hit, sure)
    assert found["ece"]["value"] < 0.015
    assert found["brier_gain"]["shown"]
    assert sum(one["rows"] for one in found["bins"]) == 20_000
    assert all(abs(one["right"] - one["confidence"]) < 0.05 for one in found["bins"] if one["rows"])
    lying = evaluation.reliability(draws, hit, np.full(20_000, 0.95))
    assert lying["ece"]["value"] == pytest.approx(0.35, abs=0.02)
    assert not lying["brier_gain"]["shown"]


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=300))
def test_each_row_has_one_segment_and_bands_hold_their_rows(values: list[float]) -> None:
    column = np.array(values)
    named = segments.numeric(column).to_pylist()
    assert len(named) == len(values) and None not in named
    assert [name == segments.MISSING for name in named] == np.isnan(column).tolist()


def test_segments_add_up_and_labels_promise_nothing() -> None:
    told = numbers(6_000)
    words = pa.array(["a", "b", "b"] * 2_000)
    found = evaluation.measure(told, (), {"letter": words}, 0.8, seed=1)["segments"]
    for by, count in (("feature", 2), ("prediction", 5), ("label", 5)):
        listed = [one for one in found if one["by"] == by]
        assert len(listed) == count
        assert sum(one["rows"] for one in listed) == 6_000
        assert {one["promised"] for one in listed} == {by != "label"}
    letter = next(one for one in found if one["value"] == "a")
    assert letter["rows"] == 2_000
    assert letter["mae"]["value"] == pytest.approx(np.abs(told.truth - told.told)[::3].mean())


def test_the_interval_score_rewards_the_interval_that_is_right() -> None:
    truth = np.random.default_rng(0).normal(size=50_000)
    scores = {
        half: measures.interval_scores(truth, np.full(50_000, -half), np.full(50_000, half), 0.8).mean()
        for half in (0.8, 1.2816, 1.8)
    }
    assert min(scores, key=lambda half: scores[half]) == 1.2816


def test_a_share_has_wilsons_interval() -> None:
    found = measures.share(np.array([True] * 8 + [False] * 2))
    assert (found["low"], found["high"]) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert measures.share(np.array([True] * 5))["high"] == 1.0


@pytest.fixture(scope="module", params=["regression", "classification"])
def trained(request: pytest.FixtureRequest) -> Trained:
    rows = planted(700, classes=0 if request.param == "regression" else 3)
    return fit.train(reader(rows), spec(task=request.param, segments=("group", "noisiness"), folds=3, repeats=2))


def test_a_card_has_all_of_it_as_json(trained: Trained) -> None:
    told = json.loads(json.dumps(trained.card["evaluation"], allow_nan=False))
    assert set(told) >= {"figures", "differences", "reliability", "segments", "primary", "intervals"}
    assert {one["name"] for one in told["segments"] if one["by"] == "feature"} == {"group", "noisiness"}
    assert told["differences"]["mean"][told["primary"]]["shown"]


def test_a_cross_validation_tells_each_row_in_every_repeat(trained: Trained) -> None:
    found = json.loads(json.dumps(trained.card["cross_validation"], allow_nan=False))
    assert found["folds"] == 3 and len(found["repeats"]) == 2 and found["intervals"]["rows"] == 700
    value = found["figures"]["model"][found["primary"]]["value"]
    assert value == pytest.approx(np.mean(found["repeats"]))
    assert found["repeats"][0] != found["repeats"][1]
    assert value == pytest.approx(trained.card["evaluation"]["figures"]["model"][found["primary"]]["value"], rel=0.15)


def test_a_cross_validation_changes_nothing_of_the_model(trained: Trained) -> None:
    task = trained.model.spec.task
    rows = planted(700, classes=0 if task == "regression" else 3)
    assert fit.train(reader(rows), spec(task=task, segments=("group", "noisiness"))).digest == trained.digest


def test_figures_without_an_interval_are_not_shown() -> None:
    assert not shown({"value": 1.0, "low": None, "high": None})
