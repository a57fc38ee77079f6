"""Scoring: the same row gives the same bytes, alone or in company, now and after a save and a load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agecli.models import artifact, fit
from agecli.models.fit import Trained
from agecli.models.score import Model, Scored

from .models_rows import planted, reader, replaced, spec

KINDS = {"regression": 0, "binary": 2, "classes": 5}


def train(classes: int) -> Trained:
    task = "classification" if classes else "regression"
    return fit.train(reader(planted(1_500, classes=classes)), spec(task=task))


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest) -> Trained:
    return train(KINDS[request.param])


MODELS = {kind: train(classes).model for kind, classes in KINDS.items()}
NEW = planted(300, seed=11)


def whole(scored: Scored) -> list[pa.Array]:
    return [c for c in (scored.prediction, scored.confidence, scored.lower, scored.upper) if c is not None]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(start=st.integers(0, 299), length=st.integers(1, 300))
def test_a_row_scores_the_same_in_any_batch(kind: str, start: int, length: int) -> None:
    model = MODELS[kind]
    together = whole(model.score(NEW))
    for alone, column in zip(whole(model.score(NEW.slice(start, length))), together, strict=True):
        assert alone.equals(column.slice(start, length))


def test_scores_have_the_types_that_were_agreed(trained: Trained) -> None:
    scored = trained.model.score(NEW)
    regression = trained.model.spec.task == "regression"
    assert scored.prediction.type == (pa.float64() if regression else pa.string())
    assert scored.confidence.type == pa.float32()
    assert (scored.lower is None) == (scored.upper is None) == (not regression)
    confidence = scored.confidence.to_numpy()
    assert confidence.min() >= 0 and confidence.max() <= 1
    assert sum(column.null_count for column in whole(scored)) == 0


def test_rows_of_nulls_and_unseen_words_are_scored_too(trained: Trained) -> None:
    strange = replaced(
        NEW,
        strong=pa.nulls(300, pa.float64()),
        noisiness=pa.array([float("inf")] * 300),
        useless=pa.nulls(300, pa.float64()),
        group=pa.array(["never seen", None] * 150),
    )
    scored = trained.model.score(strange)
    assert len(scored.prediction) == 300 and scored.prediction.null_count == 0


def test_no_rows_give_no_scores(trained: Trained) -> None:
    assert all(len(column) == 0 for column in whole(trained.model.score(NEW.slice(0, 0))))


def test_intervals_contain_their_point() -> None:
    scored = MODELS["regression"].score(NEW)
    lower, point, upper = (c.to_numpy() for c in (scored.lower, scored.prediction, scored.upper))
    assert (lower <= point).all() and (point <= upper).all() and (lower < upper).any()


def test_the_confidence_of_a_class_is_that_of_the_likeliest() -> None:
    assert MODELS["classes"].score(NEW).confidence.to_numpy().min() >= 1 / 5
    assert MODELS["binary"].score(NEW).confidence.to_numpy().min() >= 1 / 2


def test_a_model_scores_the_same_after_a_save_and_a_load(trained: Trained, tmp_path: Path) -> None:
    artifact.save(trained, tmp_path / "model")
    loaded = artifact.load(tmp_path / "model", threads=2)
    assert isinstance(loaded, Model) and loaded.digest == trained.digest
    for before, after in zip(whole(trained.model.score(NEW)), whole(loaded.score(NEW)), strict=True):
        assert before.equals(after)


def test_another_process_scores_to_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    artifact.save(trained, tmp_path / "model")
    code = (
        "import sys, pathlib, hashlib; from agecli.models import artifact; from tests.unit.models_rows import *;"
        "s = artifact.load(pathlib.Path(sys.argv[1])).score(planted(300, seed=11));"
        "print(repr((s.prediction.to_pylist(), s.confidence.to_pylist())));"
        "assert 'sklearn' not in sys.modules, 'scoring must not pay for scikit-learn'"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    scored = trained.model.score(NEW)
    assert done.stdout.strip() == repr((scored.prediction.to_pylist(), scored.confidence.to_pylist()))


def test_a_point_is_what_the_trees_say() -> None:
    model = MODELS["regression"]
    told = model.point.inplace_predict(model.encoder.encode(NEW), missing=np.nan)
    assert model.score(NEW).prediction.to_numpy().tolist() == told.astype(np.float64).tolist()
