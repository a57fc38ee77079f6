"""Labelled against unlabelled rows: a planted difference is found and named, and without one nothing is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from agecli.models import shift

from .models_rows import planted, reader, replaced, spec

SEEDS = range(20)


def unlabel(rows: pa.RecordBatch, chance: np.ndarray, seed: int) -> pa.RecordBatch:
    """The rows without the labels that chance takes."""
    lost = np.random.default_rng(1_000 + seed).random(rows.num_rows) < chance
    return replaced(rows, known_label=pa.array(rows.column("known_label").to_pylist(), pa.float64(), mask=lost))


def at_random(seed: int, rows: int = 1_200) -> pa.RecordBatch:
    return unlabel(planted(rows, seed=seed), np.full(rows, 0.6), seed)


def by_feature(seed: int, rows: int = 1_200) -> pa.RecordBatch:
    """Labels are lost where `strong` is high: four of five above its median, one of five below."""
    whole = planted(rows, seed=seed)
    strong = np.array([value or 0.0 for value in whole.column("strong").to_pylist()])
    return unlabel(whole, np.where(strong > 0, 0.8, 0.2), seed)


def compare(rows: pa.RecordBatch, size: int = 500, **changes: Any) -> dict[str, Any]:
    given = spec(**changes)
    return shift.compare(shift.sample(reader(rows, size), given), given)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_shift_nothing_is_said(seed: int) -> None:
    found = compare(at_random(seed), seed=seed)
    assert found["differs"] is False
    assert found["low"] < 0.55
    assert shift.warning(found) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_planted_shift_is_found_and_named(seed: int) -> None:
    found = compare(by_feature(seed), seed=seed)
    assert found["differs"] is True
    assert found["features"][0]["feature"] == "strong"
    said = shift.warning(found)
    assert said is not None
    assert "strong (median" in said
    assert "useless" not in said


def test_a_category_that_only_the_unlabelled_have_is_named() -> None:
    rows = planted(2_000)
    lost = np.arange(2_000) % 2 == 0
    words = ["elsewhere" if gone and n % 4 else "here" for n, gone in enumerate(lost)]
    chosen = replaced(
        rows, group=pa.array(words), known_label=pa.array(rows.column("known_label").to_numpy(), mask=lost)
    )
    found = compare(chosen)
    assert found["differs"]
    assert found["features"][0]["feature"] == "group"
    assert "'elsewhere' in 50%, 0% of the labelled" in found["features"][0]["how"]


@pytest.mark.parametrize("gap", [None, float("nan")], ids=["null", "no number"])
def test_what_is_missing_in_one_kind_only_is_named(gap: float | None) -> None:
    rows = planted(2_000)
    lost = np.arange(2_000) % 2 == 0
    absent = lost & (np.arange(2_000) % 4 == 0)
    values = rows.column("useless").to_pylist()
    gaps = pa.array([gap if none else value for value, none in zip(values, absent, strict=True)], pa.float64())
    chosen = replaced(rows, useless=gaps, known_label=pa.array(rows.column("known_label").to_numpy(), mask=lost))
    found = compare(chosen)
    assert found["differs"]
    assert "useless (missing in 5" in (shift.warning(found) or "")


@pytest.mark.parametrize("lost", [0.0, 0.01, 0.99, 1.0])
def test_too_few_rows_of_either_kind_are_not_compared(lost: float) -> None:
    rows = planted(1_000)
    found = compare(unlabel(rows, np.full(1_000, lost), 0))
    assert found["auc"] is found["differs"] is None
    assert "at least 50" in found["reason"]
    assert shift.warning(found) is None
    assert found["rows"]["labelled"] + found["rows"]["unlabelled"] == 1_000


def test_order_and_batches_of_rows_change_nothing() -> None:
    rows = by_feature(3)
    turned = rows.take(pa.array(np.arange(rows.num_rows)[::-1]))
    assert compare(rows, 97) == compare(rows, 5_000, threads=2) == compare(turned, 300)


def test_more_rows_than_the_sample_holds_are_chosen_by_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shift, "MOST_ROWS", 100)
    rows = by_feature(0, 3_000)
    found = compare(rows, 64)
    assert found["rows"]["compared"] == 200
    assert found["rows"]["labelled"] + found["rows"]["unlabelled"] == 3_000
    assert found == compare(rows.take(pa.array(np.random.default_rng(0).permutation(3_000))), 1_000)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=4, max_size=60))
def test_the_area_is_that_of_scikit_learn(pairs: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([s for s, _ in pairs], np.float64), np.array([p for _, p in pairs])
    if min(positive.sum(), (~positive).sum()) < 2:
        return
    found = shift.area(scores, positive)
    assert found.value == pytest.approx(roc_auc_score(positive, scores))
    assert found.variance >= 0


def test_the_interval_of_the_area_covers_the_truth() -> None:
    """Scores whose true area is Phi(1 / sqrt 2) = 0.7602; 95 % of the intervals should hold it."""
    random, inside = np.random.default_rng(5), 0
    positive = np.repeat([True, False], [150, 250])
    for _ in range(300):
        found = shift.area(random.normal(size=400) + positive, positive)
        inside += abs(found.value - 0.76025) < 1.96 * np.sqrt(found.variance)
    assert 0.91 < inside / 300 < 0.985
