"""Contributions add up to what the trees say, and point at what was planted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agecli.models import explain, fit, trees
from agecli.models.fit import Trained

from .models_rows import FEATURES, planted, reader, spec

CLASSES = [0, 2, 3]


@pytest.fixture(scope="module")
def trained() -> dict[int, Trained]:
    def one(classes: int) -> Trained:
        changes = {"task": "classification"} if classes else {}
        return fit.train(reader(planted(1_500, classes=classes)), spec(**changes))

    return {classes: one(classes) for classes in CLASSES}


@pytest.mark.parametrize("classes", CLASSES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 40))
def test_contributions_add_up_to_the_margin(trained: dict[int, Trained], classes: int, seed: int, rows: int) -> None:
    model = trained[classes].model
    x = model.encoder.encode(planted(rows, seed=seed))
    said = trees.predict(model.point, x).astype(np.float64)
    told = said.argmax(axis=1) if classes > 2 else (said > 0.5).astype(np.int64) if classes else None
    found = explain.explain(model.point, x, model.encoder.kinds, told)
    assert found.features.shape == (rows, len(FEATURES))
    if classes == 0:
        assert found.total == pytest.approx(said, rel=1e-5, abs=1e-4)
    elif classes == 2:
        of_told = np.maximum(said, 1 - said)
        assert 1 / (1 + np.exp(-found.total)) == pytest.approx(of_told, abs=1e-4)
    else:
        logs = np.log(said)
        assert found.total == pytest.approx(logs.max(axis=1) - logs.mean(axis=1), abs=1e-3)


@pytest.mark.parametrize("classes", CLASSES)
def test_importance_ranks_what_was_planted(trained: dict[int, Trained], classes: int) -> None:
    model = trained[classes].model
    found = explain.importance(model.point, model.encoder.encode(planted(500, seed=1)), model.encoder)
    assert [one["feature"] for one in found][:2] == ["strong", "group"]
    values = [one["mean_abs_shap"] for one in found]
    assert values == sorted(values, reverse=True)
    assert len(found) == len(FEATURES)


def test_importance_is_the_mean_of_the_absolute_contributions(trained: dict[int, Trained]) -> None:
    model = trained[0].model
    x = model.encoder.encode(planted(300, seed=2))
    alone = np.abs(explain.explain(model.point, x, model.encoder.kinds).features).mean(axis=0)
    found = {one["feature"]: one["mean_abs_shap"] for one in explain.importance(model.point, x, model.encoder)}
    assert [found[name] for name, _ in FEATURES] == pytest.approx(alone)


def test_a_row_is_explained_alike_in_any_company(trained: dict[int, Trained], monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained[3].model
    x = model.encoder.encode(planted(200, seed=3))
    told = np.arange(200) % 3
    whole = explain.explain(model.point, x, model.encoder.kinds, told)
    monkeypatch.setattr(explain, "_CELLS", 100)
    pieces = explain.explain(model.point, x, model.encoder.kinds, told)
    assert np.array_equal(whole.features, pieces.features)
    assert np.array_equal(whole.base, pieces.base)


def test_no_rows_are_explained_by_nothing(trained: dict[int, Trained]) -> None:
    model = trained[0].model
    assert explain.explain(model.point, model.encoder.encode(planted(1))[:0], model.encoder.kinds).features.shape == (
        0,
        4,
    )


def test_reasons_name_the_strongest_first_and_leave_out_what_adds_nothing() -> None:
    contributions = np.array([[0.5, -3.14, 0.0], [0.0, 0.0, 0.0]])
    first, second, third, fourth = explain.reasons(["a", "b", "c"], contributions, 4)
    assert first == ["b -3.1", None]
    assert second == ["a +0.50", None]
    assert third == fourth == [None, None]


@pytest.mark.parametrize(
    ("amount", "text"),
    [(3.14, "+3.1"), (-0.0421, "-0.042"), (12.6, "+13"), (1250.4, "+1250"), (9.96, "+10.0"), (1e-9, "+0.0000000010")],
)
def test_amounts_show_two_digits_that_count(amount: float, text: str) -> None:
    assert explain.signed(amount) == text
