"""The compiled walk over trees gives XGBoost's own bits, whatever the forest and whatever the rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agecli.models import kernel, trees
from agecli.models.calibrate import Table

needs_kernel = pytest.mark.skipif(not kernel.available(), reason="the compiled part was not built (no C compiler)")


@pytest.fixture(params=["", "walk"], ids=["wide", "walk"], autouse=True)
def way(request, monkeypatch) -> str:
    """All tests hold for both ways through the trees; a machine without AVX2 has one."""
    monkeypatch.setenv("AGECLI_KERNEL", request.param)
    return request.param


OBJECTIVES = {
    1: {"objective": "reg:squarederror", "eval_metric": "rmse"},
    2: {"objective": "binary:logistic", "eval_metric": "logloss"},
    4: {"objective": "multi:softprob", "eval_metric": "mlogloss", "num_class": 4},
}


def rows_of(draw: np.random.Generator, count: int, kinds: list[str], missing: float) -> np.ndarray:
    columns = [
        draw.integers(0, 40, count) if kind == "c" else draw.normal(size=count).round(int(draw.integers(0, 4)))
        for kind in kinds
    ]
    rows = np.stack(columns, axis=1).astype(np.float32)
    rows[draw.random(rows.shape) < missing] = np.nan
    return rows


def grown(seed: int, classes: int, kinds: list[str], depth: int, rounds: int, missing: float):
    """A forest as file and booster, grown on random rows with a signal in them."""
    draw = np.random.default_rng(seed)
    rows = rows_of(draw, 600, kinds, missing)
    signal = np.nan_to_num(rows).sum(axis=1) + draw.normal(size=len(rows))
    label = signal if classes == 1 else np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes))
    return fitted(rows, label, kinds, depth, rounds, seed, classes)


def fitted(rows, label, kinds: list[str], depth: int, rounds: int, seed: int = 0, classes: int = 1, bins: int = 64):
    params = {
        "max_depth": depth, "eta": 0.3, "rounds": rounds, "early_stopping_rounds": 5, "max_bin": bins,
        "max_cat_to_onehot": 4, "min_child_weight": 0.1, "seed": seed, "nthread": 1, **OBJECTIVES[classes],
    }  # fmt: skip
    matrix = trees.matrix(lambda: iter([(rows, np.asarray(label, np.float64))]), kinds, bins, 1)
    booster = trees.fit(params, matrix)
    return trees.dump(booster), booster


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


@needs_kernel
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**31),
    classes=st.sampled_from(sorted(OBJECTIVES)),
    kinds=st.lists(st.sampled_from("cq"), min_size=1, max_size=9),
    depth=st.integers(1, 9),
    rounds=st.integers(1, 12),
    missing=st.sampled_from([0.0, 0.2, 0.9]),
    count=st.integers(0, 150),
)
def test_any_forest_tells_the_bits_of_xgboost(seed, classes, kinds, depth, rounds, missing, count):
    data, booster = grown(seed, classes, kinds, depth, rounds, missing)
    fast = kernel.compiled(data, booster)
    assert fast is not None
    rows = rows_of(np.random.default_rng(seed + 1), count, kinds, 0.3)
    # values that no training saw: other categories, fractions of a category, the ends of float32
    odd = np.array([-1, 0.5, 39.9, 40, 1e6, 3e7, -3e38, 3e38, -0.0], np.float32)
    if count:
        draw = np.random.default_rng(seed + 2)
        rows[draw.random(rows.shape) < 0.1] = draw.choice(odd)
    told = trees.predict(booster, rows)
    assert count == 0 or same_bits(np.ascontiguousarray(fast.predict(rows)), np.ascontiguousarray(told))
    assert len(fast.predict(rows)) == count


@needs_kernel
@pytest.mark.parametrize("words", [125, 126, 127, 300])
def test_many_thresholds_and_categories_tell_the_bits_of_xgboost(words, way):
    """Ranks and codes beyond what a byte holds are spread over several columns of bytes."""
    rows, draw = np.empty((9_000, 3), np.float32), np.random.default_rng(13)
    rows[:, ::2] = draw.random((len(rows), 2))
    rows[:, 1] = draw.integers(0, words, len(rows))
    label = np.sin(90 * rows[:, 0]) + rows[:, 2] ** 2 + rows[:, 1] * 7919 % words / words
    rows[draw.random(rows.shape) < 0.1] = np.nan
    data, booster = fitted(rows[:6_000], label[:6_000], ["q", "c", "q"], 8, 40, bins=1_000)
    fast = kernel.compiled(data, booster)
    assert max(np.diff(fast.starts)) > 510
    assert fast.codes.tolist() == [0, words, 0]
    assert isinstance(fast.way, kernel.Walk) == (way == "walk" or not kernel._forest.wide())
    asked = rows[3_000:]
    asked[::9, 1] = draw.integers(-1, words + 99, len(asked[::9]))
    assert same_bits(fast.predict(asked), trees.predict(booster, asked))
    assert same_bits(fast.predict(np.asfortranarray(asked)), fast.predict(asked))


@needs_kernel
def test_trees_with_very_many_leaves_are_walked():
    draw = np.random.default_rng(15)
    rows = draw.random((3_000, 4)).astype(np.float32)
    data, booster = fitted(rows, np.sin(90 * rows).sum(axis=1), ["q"] * 4, 14, 3)
    fast = kernel.compiled(data, booster)
    assert isinstance(fast.way, kernel.Walk)
    assert same_bits(fast.predict(rows), trees.predict(booster, rows))


@needs_kernel
def test_a_row_tells_the_same_in_any_company():
    data, booster = grown(3, 1, ["q", "c", "q"], 6, 10, 0.2)
    fast = kernel.compiled(data, booster)
    rows = rows_of(np.random.default_rng(4), 131, ["q", "c", "q"], 0.2)
    alone = np.concatenate([fast.predict(rows[i : i + 1]) for i in range(len(rows))])
    assert same_bits(alone, fast.predict(rows))


@needs_kernel
def test_a_forest_that_does_not_agree_is_left_to_xgboost():
    data, _ = grown(5, 1, ["q", "q"], 4, 5, 0.1)
    _, other = grown(6, 1, ["q", "q"], 4, 5, 0.1)
    assert kernel.compiled(data, other) is None


@needs_kernel
def test_rows_of_another_width_are_refused():
    data, booster = grown(7, 1, ["q", "q"], 3, 3, 0.0)
    with pytest.raises(ValueError, match="no matrix of 2 features"):
        kernel.compiled(data, booster).predict(np.zeros((4, 3), np.float32))


@needs_kernel
def test_a_loaded_model_scores_with_it():
    data, booster = grown(9, 1, ["q", "c"], 4, 6, 0.1)
    loaded = trees.parse(data, "model.ubj", 1, 2, 0)
    rows = rows_of(np.random.default_rng(1), 50, ["q", "c"], 0.1)
    assert loaded.kernel is not None
    assert same_bits(trees.predict(loaded, rows), trees.predict(booster, rows))


@needs_kernel
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    knots=st.dictionaries(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), min_size=1, max_size=30),
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40),
)
def test_a_table_is_the_same_compiled_and_not(knots, values):
    x = sorted(knots)
    assume(all(after - before > 1e-9 for before, after in pairwise(x)))
    table = Table(tuple(x), tuple(knots[at] for at in x))
    asked = np.array([*values, *x])
    with pytest.MonkeyPatch.context() as patch:
        fast = table(asked)
        patch.setenv("AGECLI_KERNEL", "xgboost")
        assert np.array_equal(fast, table(asked), equal_nan=True)


def test_it_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("AGECLI_KERNEL", "xgboost")
    data, booster = grown(8, 1, ["q"], 2, 2, 0.0)
    assert kernel.compiled(data, booster) is None
