"""The gates before production: a fault that the rows show is refused, noise never is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from agecli.models import gates, parts
from agecli.models.gates import Measured
from agecli.pipeline.promotion import unseen


def rows(count: int, seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, count]))


def measured(loss: np.ndarray, first: int = 0) -> Measured:
    return Measured(pa.array([str(first + number) for number in range(len(loss))]), np.asarray(loss, np.float64))


def compared(candidate: Measured, holder: Measured, task: str = "regression") -> gates.Check:
    return gates.comparison("v2", "v1", gates.paired(candidate, holder), task)


def test_a_model_that_is_worse_is_refused_with_the_figures():
    noise = rows(500, 1).exponential(3, 500)
    check = compared(measured(noise + 0.5), measured(noise))
    assert not check.passed
    assert check.figures["difference"] == pytest.approx(0.5)
    assert "v2 is worse: MAE" in check.said and "500 rows" in check.said


def test_a_model_that_differs_by_chance_passes_and_is_not_called_better():
    random = rows(500, 2)
    check = compared(measured(random.exponential(3, 500)), measured(random.exponential(3, 500)))
    assert check.passed
    assert "no worse beyond noise" in check.said


def test_a_model_that_is_better_is_called_so():
    noise = rows(500, 3).exponential(3, 500)
    assert "v2 is better" in compared(measured(noise), measured(noise + 0.5)).said


def test_equal_models_are_refused_rarely():
    refused = 0
    for seed in range(80):
        random = rows(200, seed)
        refused += not compared(measured(random.exponential(3, 200)), measured(random.exponential(3, 200))).passed
    assert refused <= 9  # 2.5 % are expected, 2 of 80; 10 or more have a probability below 1e-4


def test_only_rows_in_common_are_compared_whatever_their_order():
    one, two = measured(np.arange(100.0)), measured(np.arange(100.0))
    shuffled = rows(100, 4).permutation(100)
    two = Measured(two.ids.take(pa.array(shuffled)), two.loss[shuffled])
    figures = gates.paired(one, two)
    assert (figures["rows"], figures["difference"], figures["low"], figures["high"]) == (100, 0, 0, 0)


def test_too_few_rows_in_common_are_told_and_refused():
    check = compared(measured(np.ones(100)), measured(np.ones(100), first=60))
    assert not check.passed
    assert "40 held-out rows in common" in check.said


def test_rows_that_a_model_was_fitted_to_are_no_evidence_against_another():
    ids = pa.array([str(number) for number in range(1_000)])
    known = pa.array(["3", "5"])  # what it was measured on counts as it was measured then
    held_out = unseen(ids, {"split": "held-out", "spec": {"seed": 7}}, known)
    assert 60 < len(held_out) < 190
    assert (parts.part_of(parts.hash_ids(held_out), 7) == parts.PARTS.index(parts.TEST)).all()
    assert not {"3", "5"} & set(held_out.to_pylist())
    few = unseen(ids, {"split": "out-of-fold", "spec": {"seed": 7}}, ids.slice(0, 900))
    assert few.to_pylist() == [str(number) for number in range(900, 1_000)]


def test_the_loss_of_classes_is_the_log_loss_of_the_true_class():
    table = pa.table({"id": [7, 8], "truth": ["b", "c"], "probabilities": [[0.25, 0.75], [0.5, 0.5]]})
    found = gates.classes(table, ["a", "b"])
    assert found.ids.to_pylist() == ["7", "8"]
    assert found.loss == pytest.approx([-np.log(0.75), -np.log(1e-15)])


def intervals(count: int, inside: float) -> pa.Table:
    hit = np.arange(count) < round(count * inside)
    return pa.table({"truth": np.where(hit, 0.0, 9.0), "lower": np.full(count, -1.0), "upper": np.full(count, 1.0)})


@pytest.mark.parametrize(
    ("count", "inside", "passed"),
    [
        (100, 0.80, True), (100, 0.72, True), (100, 0.60, False), (100, 0.99, False),
        (100_000, 0.815, True), (100_000, 0.775, False), (100_000, 0.825, False), (0, 0.0, False),
    ],
)  # fmt: skip
def test_coverage_is_held_to_the_level_within_noise_and_two_points(count, inside, passed):
    assert gates.coverage(intervals(count, inside), 0.8, max(count, 1)).passed == passed


@pytest.mark.parametrize(("count", "off", "passed"), [(300, 0.0, True), (50_000, 0.0, True), (50_000, 0.1, False)])
def test_confidence_is_held_to_what_comes_true(count, off, passed):
    random = rows(count, 5)
    told = random.uniform(0.3, 0.8, count)
    hit = random.uniform(size=count) < told + off
    assert gates.confidence(hit, told, count).passed == passed


def test_a_perfect_confidence_is_refused_rarely():
    refused = 0
    for seed in range(50):
        random = rows(400, seed)
        told = random.uniform(0, 1, 400)
        refused += not gates.confidence(random.uniform(size=400) < told, told, 10**9).passed
    assert refused <= 5  # 1 of 100 is expected


def test_hits_are_within_the_tolerance_or_the_same_class():
    numbers = pa.table({"truth": [1.0, 9.0], "prediction": [3.0, 3.0]})
    words = pa.table({"truth": ["a", "b"], "prediction": ["a", "a"]})
    assert gates.hits(numbers, 2.0).tolist() == gates.hits(words, None).tolist() == [True, False]
