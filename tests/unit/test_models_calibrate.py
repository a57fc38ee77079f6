"""Intervals cover what they promise; probabilities come true."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression

from agecli.models import calibrate, metrics
from agecli.models.calibrate import ClassCalibration, NumberCalibration, Table

finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, min_size=1, max_size=60), st.floats(0.05, 0.99))
def test_the_conformal_quantile_is_the_score_at_its_rank(scores: list[float], level: float) -> None:
    rank = min(math.ceil((len(scores) + 1) * level), len(scores))
    assert calibrate.conformal_quantile(np.array(scores), level) == sorted(scores)[rank - 1]


def test_the_conformal_quantile_covers_a_new_row_as_often_as_promised() -> None:
    random = np.random.default_rng(0)
    covered = [
        scores[-1] <= calibrate.conformal_quantile(scores[:-1], 0.8) for scores in random.exponential(size=(4_000, 20))
    ]
    assert np.mean(covered) == pytest.approx(0.81, abs=0.02)  # ceil(20 * .8) / 20 = .8, at most .8 + 1 / 20


@pytest.fixture(scope="module")
def noisy() -> tuple[np.ndarray, np.ndarray]:
    """Residuals whose size is known from the spread, except for a factor."""
    random = np.random.default_rng(5)
    spread = random.uniform(0.5, 6, 20_000)
    return random.laplace(size=20_000) * spread, spread


def test_interval_and_confidence_hold_on_other_rows_at_every_spread(noisy: tuple[np.ndarray, np.ndarray]) -> None:
    residuals, spread = noisy
    found = calibrate.calibrate_numbers(np.zeros(10_000), residuals[::2], spread[::2], 0.8, 3.0, floor=0.1)
    new, wide = residuals[1::2], spread[1::2]
    lower, upper = found.interval(np.zeros(len(new)), wide)
    for part in (wide < 2, (wide >= 2) & (wide < 4), wide >= 4):
        assert metrics.coverage(new[part], lower[part], upper[part]) == pytest.approx(0.8, abs=0.03)
        confidence = found.confident(np.zeros(part.sum()), wide[part], 3.0)
        assert confidence.mean() == pytest.approx((np.abs(new[part]) <= 3).mean(), abs=0.03)


def test_what_the_spread_misses_is_made_up_for_where_predictions_are_high() -> None:
    random = np.random.default_rng(7)
    point = random.uniform(0, 100, 40_000)
    residuals = random.normal(size=40_000) * (1 + point / 25)  # five times as large at 100 as at 0
    spread = np.ones(40_000)
    found = calibrate.calibrate_numbers(point[::2], residuals[::2], spread[::2], 0.8, 3.0, floor=0.1)
    new, told = residuals[1::2], point[1::2]
    lower, upper = found.interval(told, spread[1::2])
    confidence = found.confident(told, spread[1::2], 3.0)
    for low in (0, 20, 40, 60, 80):
        part = (told >= low) & (told < low + 20)
        assert metrics.coverage((told + new)[part], lower[part], upper[part]) == pytest.approx(0.8, abs=0.03)
        assert confidence[part].mean() == pytest.approx((np.abs(new[part]) <= 3).mean(), abs=0.03)


def test_what_changes_quickly_at_the_edge_is_evened_out_there() -> None:
    """Errors as of generated profiles: small at the lowest predictions, large just above, all alike from there on."""
    random = np.random.default_rng(3)

    def drawn(rows: int) -> tuple[np.ndarray, np.ndarray]:
        point = np.sort(random.uniform(0, 100, rows))
        return point, random.laplace(size=rows) * np.interp(point, [2, 3, 6, 9], [0.4, 0.4, 1.3, 1.0])

    point, residuals = drawn(20_000)
    found = calibrate.calibrate_numbers(point, residuals, np.ones(20_000), 0.8, 3.0, floor=0.1)
    told, new = drawn(200_000)
    lower, upper = found.interval(told, np.ones(200_000))
    inside = (lower <= told + new) & (told + new <= upper)
    assert [share.mean() for share in np.array_split(inside, 50)] == pytest.approx([0.8] * 50, abs=0.05)


def test_where_all_errors_are_alike_there_is_nothing_to_even_out() -> None:
    found = []
    for seed in range(10):
        point, residuals = np.random.default_rng(seed).normal(size=(2, 20_000))
        found.append(calibrate.calibrate_numbers(point, residuals, np.ones(20_000), 0.8, 1.0, 0.1).level_out(point))
    assert np.abs(np.concatenate(found) - 1).mean() < 0.01


def test_a_spread_that_tells_nothing_is_not_followed() -> None:
    random = np.random.default_rng(1)
    residuals, spread = random.normal(size=3_000), random.lognormal(size=3_000)
    assert calibrate.calibrate_numbers(np.zeros(3_000), residuals, spread, 0.8, 1.0, 0.1).power == 0
    assert calibrate.calibrate_numbers(np.zeros(3_000), residuals * spread, spread, 0.8, 1.0, 0.1).power == 1


def test_few_rows_are_not_divided_into_bands() -> None:
    random = np.random.default_rng(7)
    found = calibrate.calibrate_numbers(*random.normal(size=(2, 900)), np.ones(900), 0.8, 1.0, 0.1)
    assert found.level_out.y == (1.0,)


def test_the_quantile_is_the_one_of_mapie() -> None:
    """Split conformal intervals of MAPIE, which reads the same papers, have the same width to the bit."""
    mapie = pytest.importorskip("mapie.regression", reason="MAPIE is not installed: pip install -e '.[test]'")
    random = np.random.default_rng(0)
    x = random.normal(size=(151, 2))
    y = x @ [1.0, 2.0] + random.normal(size=151)
    line = LinearRegression().fit(x[:60], y[:60])
    for level in (0.5, 0.8, 0.9):
        theirs = mapie.SplitConformalRegressor(line, confidence_level=level, prefit=True)
        told, ends = theirs.conformalize(x[60:], y[60:]).predict_interval(x[:60])
        half = calibrate.conformal_quantile(np.abs(y[60:] - line.predict(x[60:])), level)
        np.testing.assert_array_equal(ends[:, 0, 0], told - half)
        np.testing.assert_array_equal(ends[:, 1, 0], told + half)


def test_confidence_falls_as_the_spread_grows(noisy: tuple[np.ndarray, np.ndarray]) -> None:
    found = calibrate.calibrate_numbers(np.zeros(20_000), *noisy, 0.8, 3.0, floor=0.1)
    confidence = found.confident(np.zeros(500), np.linspace(0, 20, 500), 3.0)
    assert (np.diff(confidence) <= 0).all()
    assert confidence.min() >= 0 and confidence.max() <= 1


@given(
    st.lists(st.tuples(finite, st.floats(-10, 1e4)), min_size=1, max_size=20),
    st.floats(0, 50),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_an_interval_contains_its_point_and_never_crosses(
    rows: list[tuple[float, float]], factor: float, power: float
) -> None:
    point = np.array([p for p, _ in rows]).astype(np.float32).astype(np.float64)
    found = NumberCalibration(1e-3, power, Table((-5.0, 5.0), (0.5, 2.0)), factor, Table((0.0,), (0.5,)), "scaled")
    lower, upper = found.interval(point, np.array([s for _, s in rows]))
    assert (lower <= point).all() and (point <= upper).all()


def test_errors_of_zero_give_intervals_of_no_width_and_full_confidence() -> None:
    zeros = np.zeros(200)
    found = calibrate.calibrate_numbers(zeros, zeros, zeros, 0.8, 1.0, calibrate.spread_floor(zeros, zeros))
    lower, upper = found.interval(np.array([5.0]), np.array([0.0]))
    assert lower[0] == upper[0] == 5.0
    assert found.confident(np.array([5.0]), np.array([0.0]), 1.0)[0] > 0.95


def test_isotonic_is_near_scikit_learns_and_never_falls() -> None:
    random = np.random.default_rng(3)
    score = random.random(8_000)
    hit = random.random(8_000) < score**2
    table = calibrate.isotonic(score, hit)
    grid = np.linspace(0.02, 0.98, 50)
    reference = IsotonicRegression(out_of_bounds="clip").fit(score, hit).predict(grid)
    assert np.abs(table(grid) - reference).max() < 0.1
    assert np.abs(table(grid) - grid**2).mean() < 0.02
    assert (np.diff(table.y) >= 0).all() and min(table.y) > 0 and max(table.y) < 1


def test_beta_calibration_finds_the_probabilities_that_were_bent() -> None:
    random = np.random.default_rng(4)
    truth = random.random(20_000)
    hit = random.random(20_000) < truth
    bent = truth**3 / (truth**3 + (1 - truth) ** 3)
    assert np.abs(calibrate.beta(bent, hit)(bent) - truth).mean() < 0.02


@pytest.mark.parametrize("classes", [2, 4])
def test_overconfident_probabilities_are_corrected(classes: int) -> None:
    random = np.random.default_rng(6)
    logits = random.normal(size=(12_000, classes))
    right = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (right.cumsum(axis=1) < random.random((12_000, 1))).sum(axis=1).clip(max=classes - 1)
    raw = np.exp(3 * logits) / np.exp(3 * logits).sum(axis=1, keepdims=True)
    found = calibrate.calibrate_classes(raw[::2], truth[::2])
    told = found(raw[1::2])
    assert found.method != "none"
    assert told.sum(axis=1) == pytest.approx(1)
    best = metrics.log_loss(truth[1::2], right[1::2])
    assert best < metrics.log_loss(truth[1::2], told) < best + 0.02 < metrics.log_loss(truth[1::2], raw[1::2])


def test_good_probabilities_are_left_alone() -> None:
    random = np.random.default_rng(8)
    p = random.random(5_000)
    truth = (random.random(5_000) < p).astype(np.int64)
    assert calibrate.calibrate_classes(np.column_stack([1 - p, p]), truth).method == "none"


def test_a_class_without_rows_still_has_a_probability() -> None:
    raw = np.random.default_rng(0).dirichlet([1, 1, 1], 400)
    truth = np.arange(400) % 2
    told = calibrate.calibrate_classes(raw, truth)(raw)
    assert np.isfinite(told).all() and (told > 0).all()


@given(st.lists(finite, min_size=2, max_size=30, unique=True), st.lists(finite, min_size=1, max_size=50))
def test_a_table_tells_each_value_by_itself_and_stays_in_its_range(knots: list[float], values: list[float]) -> None:
    table = Table(tuple(sorted(knots)), tuple(np.linspace(0, 1, len(knots))))
    together = table(np.array(values))
    assert together.tolist() == [float(table(np.array([value]))[0]) for value in values]
    assert together.min() >= 0 and together.max() <= 1


def test_calibrations_survive_json_to_the_bit() -> None:
    random = np.random.default_rng(9)
    numbers = calibrate.calibrate_numbers(*random.normal(size=(2, 1_900)), random.random(1_900), 0.8, 1.0, 0.01)
    assert NumberCalibration.from_json(json.loads(json.dumps(numbers.to_json()))) == numbers
    classes = calibrate.calibrate_classes(random.dirichlet([1, 2], 900), random.integers(0, 2, 900))
    assert ClassCalibration.from_json(json.loads(json.dumps(classes.to_json()))) == classes


@pytest.mark.parametrize("broken", [{"x": [], "y": []}, {"x": [0, 0], "y": [1, 2]}, {"x": [0, 1], "y": [1, math.nan]}])
def test_a_table_that_is_none_is_refused(broken: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match="calibration table"):
        Table.from_json(broken)
