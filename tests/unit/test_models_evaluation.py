"""What is said of a model is shown: intervals that hold, differences that are there, segments that add up."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from agecli.models import crossval, evaluation, fit, measures, segments
from agecli.models.bootstrap import GROUPS, Bootstrap, shown
from agecli.models.encode import Encoder, Vocabulary
from agecli.models.evidence import ClassEvidence, NumberEvidence, some
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
    return evaluation.measure([evidence], names, {}, 0.8, seed=1)


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


def confident(sure: np.ndarray, hit: np.ndarray) -> dict[str, Any]:
    """The reliability of a confidence that came true where `hit`."""
    told = numbers(len(sure))
    said = replace(told, told=told.truth + np.where(hit, 0.0, 9.0), confidence=sure)
    found: dict[str, Any] = measured(said)["reliability"]
    return found


def test_confidence_that_comes_true_has_no_calibration_error_and_beats_a_constant() -> None:
    random = np.random.default_rng(2)
    sure = random.uniform(0.2, 1, 20_000)
    hit = random.random(20_000) < sure
    found = confident(sure, hit)
    assert found["ece"]["value"] < 0.015
    assert found["brier_gain"]["shown"]
    assert sum(one["rows"] for one in found["bins"]) == 20_000
    assert all(abs(one["right"] - one["confidence"]) < 0.05 for one in found["bins"] if one["rows"])
    assert all(one["low"] <= one["right"] <= one["high"] for one in found["bins"] if one["rows"])
    means = [found[name]["value"] for name in ("right", "confidence")]
    assert means == pytest.approx([hit.mean(), sure.mean()])
    lying = confident(np.full(20_000, 0.95), hit)
    assert lying["ece"]["value"] == pytest.approx(0.35, abs=0.02)
    assert lying["ece"]["low"] > 0.3
    assert not lying["brier_gain"]["shown"]


def test_the_calibration_error_lies_in_its_interval_and_that_of_a_perfect_confidence_reaches_zero() -> None:
    random = np.random.default_rng(4)
    for _ in range(20):
        sure = random.uniform(0.2, 1, 500)
        ece = confident(sure, random.random(500) < sure)["ece"]
        assert ece["low"] <= ece["value"] <= ece["high"]
        assert ece["low"] < 0.01


def test_an_error_of_just_the_tolerance_is_within_it_everywhere() -> None:
    truth = np.arange(300) / 10
    told = replace(numbers(300), truth=truth, told=truth + 0.3, tolerance=0.3)
    assert not (np.abs(told.truth - told.told) <= 0.3).all()  # as floats go
    found = measured(told)
    assert found["figures"]["model"]["within_0.3"]["value"] == found["reliability"]["right"]["value"] == 1.0


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=300))
def test_each_row_has_one_segment_and_bands_hold_their_rows(values: list[float]) -> None:
    column = np.array(values)
    named = segments.numeric(column).to_pylist()
    assert len(named) == len(values) and None not in named
    assert [name == segments.MISSING for name in named] == np.isnan(column).tolist()


def test_bands_of_whole_numbers_are_named_by_what_they_hold() -> None:
    years = np.repeat(np.arange(1789.0, 1989.0), 3)
    named = segments.numeric(years)
    for band in named.dictionary.to_pylist()[:-1]:
        inside = years[np.array(named.to_pylist()) == band]
        assert band == f"{inside.min():.0f} to {inside.max():.0f}"
    few = np.array([20_260_101.0, 20_260_102.0, 20_260_103.0, 0.5])
    assert segments.numeric(few).to_pylist() == ["20260101", "20260102", "20260103", "0.5"]
    assert segments.numeric(np.array([1e300, 0.1, 1 / 3])).to_pylist() == ["1e+300", "0.1", "0.333333"]


def test_words_that_are_called_missing_or_other_are_words() -> None:
    words = Vocabulary(("missing", "other", "plain"), others=True)
    encoder = Encoder((("kind", "categorical"),), {"kind": words})
    column = np.array([[0], [1], [2], [3], [np.nan]], np.float32)
    named = segments.of_features(["kind"], encoder, column)["kind"]
    assert named.to_pylist() == ["missing", "other", "plain", "(other)", "(missing)"]
    assert segments.of_features(["kind"], encoder, column[::-1])["kind"].dictionary == named.dictionary


def test_segments_add_up_and_labels_promise_nothing() -> None:
    told = numbers(6_000)
    words = pa.array(["a", "b", "b"] * 2_000)
    found = evaluation.measure([told], (), {"letter": words}, 0.8, seed=1)["segments"]
    for by, count in (("feature", 2), ("prediction", 5), ("label", 5)):
        listed = [one for one in found if one["by"] == by]
        assert len(listed) == count
        assert sum(one["rows"] for one in listed) == 6_000
        assert {one["promised"] for one in listed} == {by != "label"}
    letter = next(one for one in found if one["value"] == "a")
    assert letter["rows"] == 2_000
    error = np.abs(told.truth - told.told)[::3]
    half = 1.96 * error.std() / np.sqrt(2_000)
    mae = letter["figures"]["model"]["mae"]
    assert mae["value"] == pytest.approx(error.mean())
    assert (mae["low"], mae["high"]) == pytest.approx((error.mean() - half, error.mean() + half), abs=0.25 * half)


@pytest.mark.parametrize("told", [numbers(900), classes(900, 3)], ids=["numbers", "classes"])
def test_a_segment_has_the_figures_that_the_whole_has(told: Any) -> None:
    letters = pa.array(["a", "b", "b"] * 300)
    whole = evaluation.measure([told], ("x", "y", "z"), {"letter": letters}, 0.8, seed=1)
    part = next(one for one in whole["segments"] if one["value"] == "b")
    alone = evaluation.measure([some(told, np.flatnonzero(np.arange(900) % 3 > 0))], ("x", "y", "z"), {}, 0.8, seed=1)
    for key in {"figures", "differences", "reliability", "interval"} & set(whole):
        assert set(part[key]) == set(whole[key])
        named = {name for name in whole[key] if key == "reliability"}
        assert all({"value", "low", "high"} <= set(part[key][name]) for name in named - {"bins"})
    for role in ("model", "baseline", "mean"):
        assert {name for name in whole["figures"][role] if "[" not in name} == set(part["figures"][role])
        for name, figure in part["figures"][role].items():
            assert figure["value"] == pytest.approx(alone["figures"][role][name]["value"])
    assert sum(one["rows"] for one in part["reliability"]["bins"]) == 600


def test_better_is_shown_in_the_segments_where_it_is_so() -> None:
    told, random = numbers(4_000), np.random.default_rng(9)
    worse = np.arange(4_000) % 2 == 0
    other = told.truth + random.normal(size=4_000) * np.where(worse, 2.6, 2.0)
    letters = pa.array(["a", "b"] * 2_000)
    found = evaluation.measure([replace(told, baseline=other)], (), {"letter": letters}, 0.8, seed=1)["segments"]
    shown_in = {one["value"]: one["differences"]["baseline"]["mae"]["shown"] for one in found if one["by"] == "feature"}
    assert shown_in == {"a": True, "b": False}
    assert all(one["differences"]["mean"]["mae"]["shown"] for one in found if one["by"] == "feature")


def test_classes_have_segments_by_truth_and_prediction_and_say_why_a_figure_is_missing() -> None:
    told, names = classes(1_200, 3), ("x", "y", "z")
    found = evaluation.measure([told], names, {}, 0.8, seed=1)
    label = [one for one in found["segments"] if one["by"] == "label"]
    assert [one["value"] for one in label] == ["x", "y", "z"] and not any(one["promised"] for one in label)
    assert label[0]["figures"]["model"]["roc_auc"] == {"value": None, "low": None, "high": None}
    assert label[0]["notes"] == {"roc_auc": "a class has no rows"}
    assert not label[0]["differences"]["baseline"]["roc_auc"]["shown"]
    right = told.told[told.truth == 0].argmax(axis=1) == 0
    assert label[0]["figures"]["model"]["accuracy"]["value"] == pytest.approx(right.mean())
    predicted = [one for one in found["segments"] if one["name"] == "prediction"]
    assert sum(one["rows"] for one in predicted) == 1_200 and "notes" not in predicted[0]
    assert found["figures"]["mean"]["roc_auc"] == {"value": 0.5, "low": 0.5, "high": 0.5}


def test_what_is_left_out_is_named() -> None:
    told = numbers(1_000)
    words = pa.array(["rare"] * 12 + [f"w{k % 15}" for k in range(988)])
    found = evaluation.measure([told], (), {"word": words}, 0.8, seed=1)
    kept = [one["rows"] for one in found["segments"] if one["name"] == "word"]
    few, seldom = found["left_out"]
    assert (few["segments"], few["rows"]) == (1, 12) and "30" in few["why"]
    assert (seldom["segments"], len(kept)) == (3, evaluation.MOST_SEGMENTS)
    assert sum(kept) + few["rows"] + seldom["rows"] == 1_000


def test_segments_cost_the_same_memory_however_many_rows_there_are() -> None:
    assert len(Bootstrap(50_000, 0).group(np.ones(50_000))) == GROUPS
    assert Bootstrap(50_000, 0, 100).group(np.ones(50_000)).sum() == 50_000


def test_the_interval_score_rewards_the_interval_that_is_right() -> None:
    truth = np.random.default_rng(0).normal(size=50_000)
    scores = {
        half: measures.interval_scores(truth, np.full(50_000, -half), np.full(50_000, half), 0.8).mean()
        for half in (0.8, 1.2816, 1.8)
    }
    assert min(scores, key=lambda half: scores[half]) == 1.2816


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
    evaluation = trained.card["evaluation"]
    assert value == pytest.approx(evaluation["figures"]["model"][found["primary"]]["value"], rel=0.15)
    assert set(found) - {"folds", "repeats", "of"} == set(evaluation)
    for key in ("figures", "differences", "reliability", *(["interval"] if "interval" in evaluation else [])):
        assert set(found[key]) == set(evaluation[key])
    ece, gain = found["reliability"]["ece"], found["reliability"]["brier_gain"]
    assert ece["low"] <= ece["value"] <= ece["high"]
    assert gain["low"] < gain["value"] < gain["high"]
    names = [{one["name"] for one in told["segments"]} for told in (found, evaluation)]
    assert names[0] == names[1] and found["figures"]["mean"].keys() == found["figures"]["model"].keys()


def test_a_cross_validation_takes_no_more_rows_than_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossval, "MOST_ROWS", 300)
    found = fit.train(reader(planted(700)), spec(folds=2)).card["cross_validation"]
    assert (found["intervals"]["rows"], found["of"]) == (300, 700)


def test_a_cross_validation_changes_nothing_of_the_model(trained: Trained) -> None:
    task = trained.model.spec.task
    rows = planted(700, classes=0 if task == "regression" else 3)
    assert fit.train(reader(rows), spec(task=task, segments=("group", "noisiness"))).digest == trained.digest


def test_figures_without_an_interval_are_not_shown() -> None:
    assert not shown({"value": 1.0, "low": None, "high": None})
