"""Training: what it finds, what it refuses, and that only the rows and the spec decide the result."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.errors import DataError
from agecli.models import artifact, fit
from agecli.models.fit import Trained
from agecli.models.learn import Lesson
from agecli.models.spec import PARAMETERS
from agecli.models.spool import evenly

from .models_rows import FEATURES, planted, reader, replaced, spec


def train(rows: pa.RecordBatch, **changes: Any) -> Trained:
    return fit.train(reader(rows), spec(**changes))


@pytest.fixture(scope="module")
def held_out() -> Trained:
    return train(planted(12_000))


@pytest.fixture(scope="module")
def out_of_fold() -> Trained:
    return train(planted(900))


@pytest.mark.parametrize("way", ["held_out", "out_of_fold"])
def test_a_regression_beats_the_mean_and_covers_what_it_promises(way: str, request: pytest.FixtureRequest) -> None:
    card = request.getfixturevalue(way).card
    figures, rows = card["metrics"], card["test_rows"]
    assert figures["model"]["mae"] < 0.6 * figures["mean"]["mae"]
    assert figures["mean"]["r2"] == pytest.approx(0, abs=0.05)
    noise = 3 * math.sqrt(0.8 * 0.2 / rows)
    assert card["interval"]["coverage"] == pytest.approx(0.8, abs=noise + 0.01)
    assert card["confidence"]["mean"] == pytest.approx(card["confidence"]["right"], abs=0.06)


def test_every_labelled_row_has_one_part(held_out: Trained, out_of_fold: Trained) -> None:
    assert list(held_out.card["parts"]) == ["fit", "stop", "spread", "calibrate", "test"]
    assert sum(held_out.card["parts"].values()) == held_out.card["labelled"] == 12_000
    assert held_out.card["test_rows"] == held_out.card["parts"]["test"]
    assert len(out_of_fold.card["parts"]) == 10
    assert sum(out_of_fold.card["parts"].values()) == out_of_fold.card["test_rows"] == 900


def test_the_interval_is_wider_where_the_noise_is(held_out: Trained) -> None:
    rows = pc.drop_null(planted(4_000, seed=1))
    scored = held_out.model.score(rows)
    width = scored.upper.to_numpy() - scored.lower.to_numpy()
    noisiness = rows.column("noisiness").to_numpy()
    assert width[noisiness > 3].mean() > 1.4 * width[noisiness < 1].mean()
    confidence = scored.confidence.to_numpy()
    assert confidence[noisiness < 1].mean() > confidence[noisiness > 3].mean() + 0.1


def test_figures_of_the_card_hold_on_rows_from_elsewhere(held_out: Trained) -> None:
    rows = planted(6_000, seed=2)
    scored = held_out.model.score(rows)
    truth = rows.column("known_label").to_numpy()
    assert np.abs(truth - scored.prediction.to_numpy()).mean() == pytest.approx(
        held_out.card["metrics"]["model"]["mae"], rel=0.1
    )
    inside = (scored.lower.to_numpy() <= truth) & (truth <= scored.upper.to_numpy())
    assert inside.mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(("rows", "classes"), [(900, 2), (900, 4), (4_000, 2), (4_000, 4)])
def test_a_classification_beats_the_base_rate(rows: int, classes: int) -> None:
    trained = train(planted(rows, classes=classes), task="classification")
    figures = trained.card["metrics"]
    assert figures["model"]["log_loss"] < 0.8 * figures["mean"]["log_loss"]
    assert figures["model"]["accuracy"] > figures["mean"]["accuracy"] + 0.2
    assert figures["model"]["roc_auc"] > 0.8
    assert trained.card["interval"] is None
    assert trained.card["decides"]["classes"] == [f"k{code}" for code in range(classes)]


@pytest.mark.parametrize("changes", [{"few_labels": 0}, {}, {"task": "classification"}])
def test_threads_and_batches_change_nothing(changes: dict[str, Any]) -> None:
    rows = planted(2_500 if changes else 800, classes=3 if "task" in changes else 0)
    one = fit.train(reader(rows, 97), spec(**changes, threads=1))
    other = fit.train(reader(rows, 5_000), spec(**changes, threads=3))
    assert one.digest == other.digest
    assert one.card == other.card


def test_another_process_trains_the_same_model(held_out: Trained, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    code = (
        "from agecli.models import fit; from tests.unit.models_rows import *;"
        "told = fit.train(reader(planted(12_000), 1_000), spec(threads=2));"
        "import hashlib, json; print(told.digest, hashlib.sha256(told.evaluation()).hexdigest(),"
        "hashlib.sha256(json.dumps(told.card).encode()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    said = [held_out.evaluation(), json.dumps(held_out.card).encode()]
    assert done.stdout.split() == [held_out.digest, *(hashlib.sha256(content).hexdigest() for content in said)]


def test_what_decides_predictions_changes_the_digest_and_threads_do_not() -> None:
    rows = planted(400)
    digest = train(rows).digest
    assert train(rows, threads=2).digest == digest
    assert len({digest, *(train(rows, **c).digest for c in ({"seed": 8}, {"level": 0.9}, {"tolerance": 2.0}))}) == 4


@pytest.mark.parametrize("rows", [900, 4_000])
def test_a_prediction_never_falls_where_it_must_not(rows: int) -> None:
    batch = planted(rows)
    free, bound = (train(batch, monotone=ways) for ways in ({}, {"useless": 1, "strong": 1, "group": -1}))
    grid = planted(200, seed=3)
    other = pa.array(np.linspace(-3, 3, 50))

    def falls(trained: Trained, name: str) -> int:
        told = []
        for value in other:
            same = pa.array([value.as_py()] * grid.num_rows)
            told.append(trained.model.score(replaced(grid, **{name: same})).prediction.to_numpy())
        return int((np.diff(np.array(told), axis=0) < 0).sum())

    assert falls(bound, "useless") == falls(bound, "strong") == 0 < falls(free, "useless")
    assert free.digest != bound.digest


def test_rows_keep_their_parts_when_rows_are_added() -> None:
    few, many = train(planted(2_000)).card["parts"], train(planted(3_000)).card["parts"]
    assert all(many[name] > 0 for name in few)
    assert sum(many.values()) == 3_000


def test_no_more_rows_are_used_than_allowed_and_the_order_of_rows_does_not_choose_them() -> None:
    rows = planted(3_000)
    card = train(rows, max_train_rows=1_200).card
    assert card["sample"] == {"rows": 1_200, "of": 3_000, "chosen": "hash of id"}
    assert sum(card["parts"].values()) == 1_200
    assert any("1200 of 3000 labelled rows" in warning for warning in card["warnings"])
    turned = rows.take(pa.array(np.arange(3_000)[::-1]))
    assert train(turned, max_train_rows=1_200).card["parts"] == card["parts"]


def test_rows_without_a_label_are_not_learned_from() -> None:
    rows = planted(900)
    mixed = pa.Table.from_batches([rows, replaced(rows, known_label=pa.nulls(900, pa.float64()))])
    trained = fit.train(lambda: iter(mixed.to_batches(200)), spec())
    assert trained.digest == train(rows).digest


def test_the_card_describes_the_rows_it_learned_from(held_out: Trained) -> None:
    described = held_out.card["distribution"]
    assert list(described) == [name for name, _ in FEATURES]
    assert described["strong"]["missing"] == pytest.approx(0.1, abs=0.01)
    assert dict(described["strong"]["quantiles"])[0.5] == pytest.approx(0, abs=0.05)
    assert [word for word, _ in described["group"]["top"]] != []
    assert sum(share for _, share in described["group"]["top"]) == pytest.approx(1)
    assert held_out.card["decides"]["vocabularies"]["group"]["words"] == [f"g{code}" for code in range(6)]
    assert {"xgboost", "agecli", "python", "numpy"} <= held_out.card["versions"].keys()
    assert held_out.card["parameters"]["max_depth"] == 3


def test_progress_is_told_in_shares() -> None:
    heard: list[tuple[str, float]] = []
    fit.train(reader(planted(300)), spec(), lambda step, share: heard.append((step, share)))
    assert {step for step, _ in heard} == {"read", "trees", "calibrate"}
    assert all(0 <= share <= 1 for _, share in heard)


def label(rows: int, values: Any) -> pa.RecordBatch:
    return replaced(planted(rows), known_label=pa.array(values))


@pytest.mark.parametrize(
    ("rows", "task", "why"),
    [
        (planted(0), "regression", "no row has a known label"),
        (label(30, [None] * 29 + [4.0]), "regression", "all 1 labels are 4"),
        (planted(19), "regression", "19 rows have a known label, at least 20 are needed"),
        (label(50, [7.0] * 50), "regression", "all 50 labels are 7"),
        (label(50, [math.nan] * 2 + [1.0] * 48), "regression", "2 labels are NaN, infinite"),
        (label(50, [math.inf, *range(49)]), "regression", "1 labels are NaN, infinite"),
        (label(50, [2e15, *range(49)]), "regression", "1 labels are NaN, infinite or beyond 1e"),
        (label(50, ["abc"] * 50), "regression", "known_label is string"),
        (label(50, ["yes"] * 50), "classification", "all 50 labels are 'yes'"),
        (label(300, [str(n) for n in range(300)]), "classification", "300 different values"),
        (planted(50).drop_columns(["id"]), "regression", "no column id"),
        (planted(50).drop_columns(["group"]), "regression", "the feature group is not among"),
        (
            replaced(planted(50), **{name: pa.nulls(50, pa.float64()) for name, _ in FEATURES[:3]}, group=pa.nulls(50)),
            "regression",
            "every feature is NULL",
        ),
    ],
)
def test_rows_that_nothing_can_be_learned_from(rows: pa.RecordBatch, task: str, why: str) -> None:
    with pytest.raises(DataError, match=why) as refused:
        train(rows, task=task)
    assert refused.value.fix


@pytest.mark.parametrize("rows", [900, 2_500])
def test_labels_as_large_as_they_may_be_are_learned(rows: int, tmp_path: Path) -> None:
    large = planted(rows)
    values = large.column("known_label").to_numpy()
    trained = train(replaced(large, known_label=pa.array(values / np.abs(values).max() * 1e15)), tolerance=1e14)
    assert trained.card["metrics"]["model"]["r2"] > 0.3
    artifact.save(trained, tmp_path / "model")
    assert artifact.load(tmp_path / "model").digest == trained.digest


@pytest.mark.parametrize("rows", [60, 2_500])
def test_a_feature_that_is_all_null_is_a_warning(rows: int) -> None:
    empty = replaced(planted(rows), useless=pa.nulls(rows, pa.float64()), group=pa.nulls(rows, pa.string()))
    warnings = train(empty).card["warnings"]
    assert warnings == [f"the feature {n} is NULL in all labelled rows" for n in ("useless", "group")]


@pytest.mark.parametrize("rows", [60, 1_500])
@pytest.mark.parametrize("rare", [1, 2])
@pytest.mark.parametrize("classes", [1, 3])
def test_a_class_of_one_or_two_rows_is_a_warning(rows: int, rare: int, classes: int) -> None:
    common = [f"k{n % classes}" for n in range(rows - rare)]
    trained = train(label(rows, common + ["rare"] * rare), task="classification")
    assert any("'rare'" in warning for warning in trained.card["warnings"])
    assert set(trained.model.score(planted(50, seed=3)).prediction.to_pylist()) <= {"k0", "k1", "k2", "rare"}


def test_twenty_labels_are_enough_to_run() -> None:
    card = train(planted(20)).card
    assert card["test_rows"] == 20
    assert 0 <= card["interval"]["coverage"] <= 1


def test_many_words_are_kept_to_the_frequent_ones() -> None:
    words = pa.array([f"w{n % 700}" for n in range(2_000)])
    trained = train(replaced(planted(2_000), group=words))
    vocabulary = trained.card["decides"]["vocabularies"]["group"]
    assert len(vocabulary["words"]) == 250 and vocabulary["others"]
    assert trained.card["distribution"]["group"]["distinct"] == 700


def test_small_steps_get_more_rounds_but_no_more_than_a_recipe_may_ask_for() -> None:
    def params(eta: float) -> dict[str, Any]:
        return Lesson(spec(params={"eta": eta}), (), [], lambda step, share: None).params(2_000)

    assert params(0.01)["rounds"] > params(0.3)["rounds"]
    assert all(params(1e-4)[name] == PARAMETERS[name][1] for name in ("rounds", "early_stopping_rounds"))


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_all_rows_that_the_trees_have_not_seen_calibrate(task: str) -> None:
    rows = planted(1_500, classes=0 if task == "regression" else 2)
    card = fit.train(reader(rows), spec(task=task, few_labels=1_000)).card
    assert card["calibrated_on"] == card["parts"]["spread"] + card["parts"]["calibrate"]
    few = fit.train(reader(rows.slice(0, 900)), spec(task=task)).card
    assert few["calibrated_on"] == 900


@given(st.integers(0, 3_000), st.integers(1, 3_000))
def test_rows_that_stand_for_others_are_as_many_as_asked_and_evenly_spaced(rows: int, most: int) -> None:
    kept = np.flatnonzero(evenly(rows, most))
    assert len(kept) == min(rows, most)
    assert len(kept) < 3 or set(np.diff(kept)) <= {rows // len(kept), rows // len(kept) + 1}
