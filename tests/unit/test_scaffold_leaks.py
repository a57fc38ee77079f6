"""Columns that give the label away are found; strong but honest ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from agecli.scaffold.leaks import Floats, Tried, find

ROWS = 600


@pytest.fixture
def price() -> Floats:
    return np.random.default_rng(1).lognormal(3, 1, ROWS)


@pytest.fixture
def died() -> Floats:
    return (np.random.default_rng(2).random(ROWS) < 0.38).astype(float)


def number(values: Floats) -> Tried:
    return Tried(values.astype(float), False)


def reasons(feature: Tried, label: Floats, classes: bool = False) -> str:
    return find({"x": feature}, label, classes).get("x", "")


@pytest.mark.parametrize(
    "copy",
    [
        lambda y: y,
        lambda y: 3 - 0.45 * y,
        lambda y: np.log(y),
        lambda y: np.round(y),
        lambda y: y * np.random.default_rng(3).normal(1, 0.02, len(y)),
        lambda y: np.where(np.arange(len(y)) % 5 == 0, np.nan, y),
    ],
    ids=["itself", "other units", "logarithm", "rounded", "nearly", "not always there"],
)
def test_copies_of_a_number_are_found(copy, price: Floats) -> None:
    assert "alone it explains" in reasons(number(copy(price)), price)


def test_buckets_of_a_number_are_found(price: Floats) -> None:
    bucket = np.digitize(price, [10, 30, 80]).astype(float)
    names = np.array([2, 0, 3, 1], float)[bucket.astype(int)]
    assert reasons(Tried(names, True), price)
    assert reasons(number((price > 20) * 1.0), price) == "it cuts the label into ranges that do not overlap"


def test_strong_features_of_a_number_stay(price: Floats) -> None:
    rng = np.random.default_rng(4)
    assert not reasons(number(price * rng.normal(1, 0.25, ROWS)), price)
    assert not reasons(number((price * rng.normal(1, 0.2, ROWS) > 20) * 1.0), price)
    assert not reasons(Tried(rng.integers(0, 50, ROWS).astype(float), True), price)


def test_a_name_of_the_class_is_found(died: Floats) -> None:
    assert "names the class" in reasons(Tried(1 - died, True), died, classes=True)
    assert "names the class" in reasons(number(died * 10 + 3), died, classes=True)


@pytest.mark.parametrize("categorical", [False, True])
def test_columns_that_each_mark_one_of_three_classes_are_found(categorical: bool) -> None:
    plan = np.random.default_rng(10).integers(0, 3, ROWS).astype(float)
    marks = {str(one): Tried((plan == one) * 1.0, categorical) for one in range(3)}
    assert set(find(marks, plan, True)) == {"0", "1", "2"}
    wrong = np.random.default_rng(11).random(ROWS) < 0.05
    assert not reasons(Tried(np.where(wrong, 1.0, plan == 1), categorical), plan, classes=True)
    assert not reasons(number(plan + np.random.default_rng(12).normal(0, 0.6, ROWS)), plan, classes=True)


@pytest.mark.parametrize("classes", [False, True])
def test_numbers_beyond_any_sense_are_tried_too(classes: bool, price: Floats, died: Floats) -> None:
    label = died if classes else price
    assert reasons(number((label - 0.5) * 1e300), label, classes)
    assert not reasons(number(np.random.default_rng(13).normal(size=ROWS) * 1e300), label, classes)


def test_a_feature_like_sex_on_the_titanic_stays(died: Floats) -> None:
    wrong = np.random.default_rng(5).random(ROWS) < 0.21
    sex = np.where(wrong, 1 - died, died)
    assert not reasons(Tried(sex, True), died, classes=True)


def test_what_is_filled_for_one_class_alone_is_found(died: Floats) -> None:
    rng = np.random.default_rng(6)
    boat = np.where((died == 0) & (rng.random(ROWS) < 0.9), rng.integers(1, 20, ROWS), np.nan)
    assert reasons(number(boat), died, classes=True) == "it is filled for one class alone"
    body = np.where((died == 1) & (rng.random(ROWS) < 0.3), 1.0, 0.0)
    assert "class" in reasons(Tried(body, False, presence=True), died, classes=True)


def test_what_is_filled_at_random_stays(died: Floats) -> None:
    rng = np.random.default_rng(7)
    cabin = np.where(rng.random(ROWS) < 0.2, 1.0, np.nan)
    assert not reasons(number(cabin), died, classes=True)


@pytest.mark.parametrize("classes", [False, True])
def test_what_is_filled_only_where_the_label_is_known_is_found(classes: bool, died: Floats) -> None:
    rng = np.random.default_rng(8)
    label = np.where(np.arange(ROWS) % 3 == 0, np.nan, died if classes else rng.normal(size=ROWS))
    outcome = np.where(np.isnan(label), np.nan, rng.normal(size=ROWS))
    assert reasons(number(outcome), label, classes) == "it is filled only where the label is known"
    assert not reasons(number(rng.normal(size=ROWS)), label, classes)


def test_of_few_rows_nothing_is_said() -> None:
    label = np.arange(20, dtype=float)
    assert find({"copy": number(label)}, label, False) == {}


def test_a_rare_class_named_by_chance_is_no_leak() -> None:
    label = np.zeros(ROWS)
    label[:6] = 1
    feature = np.zeros(ROWS)
    feature[:6] = 1
    assert find({"x": number(feature)}, label, True) == {}


def test_noise_is_rarely_called_a_leak() -> None:
    rng = np.random.default_rng(9)
    features = {str(i): number(rng.normal(size=60)) for i in range(200)}
    assert find(features, rng.normal(size=60), False) == {}
    assert find(features, (rng.random(60) < 0.5).astype(float), True) == {}
