"""The error that no model can beat: proved on the law of the noise, then seen in what is drawn."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agecli.synth.chunk import CHUNK_ROWS, Chunk, chunk
from agecli.synth.truth import OLDEST, YOUNGEST, Reading, exact_error, student4_cdf, student4_quantile

YEARS = np.arange(YOUNGEST, OLDEST + 1)


@pytest.fixture(scope="module")
def drawn() -> Chunk:
    return chunk(seed=5, number=3)


def law_of_age(reading: float, scale: float) -> np.ndarray:
    """P(age = year) for each year from 18 to 85, from the distribution function alone."""
    upper = student4_cdf((YEARS + 0.5 - reading) / scale)
    upper[-1] = 1.0
    return np.diff(upper, prepend=0.0)


@given(st.floats(1e-9, 1 - 1e-9))
def test_the_quantile_is_the_inverse_of_the_distribution_function(p: float) -> None:
    assert student4_cdf(student4_quantile(np.array([p])))[0] == pytest.approx(p, abs=1e-9)


def test_the_noise_has_median_zero_and_mean_absolute_value_one() -> None:
    uniform = (np.arange(2_000_000) + 0.5) / 2_000_000
    noise = student4_quantile(uniform)
    assert np.median(noise) == pytest.approx(0.0, abs=1e-6)
    assert np.abs(noise).mean() == pytest.approx(1.0, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.floats(15.0, 90.0), st.floats(2.0, 9.5))
def test_no_guess_whatever_has_a_smaller_expected_error(reading: float, scale: float) -> None:
    law = law_of_age(reading, scale)
    error_of_guess = np.array([(law * np.abs(YEARS - guess)).sum() for guess in np.arange(15, 91, 0.25)])
    stated = exact_error(np.array([reading]), np.array([scale]))[0]
    assert stated == pytest.approx(error_of_guess.min(), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.floats(15.0, 90.0), st.floats(2.0, 9.5))
def test_the_best_guess_has_that_error(reading: float, scale: float) -> None:
    one = Reading(np.array([reading]), np.array([scale]))
    error = (law_of_age(reading, scale) * np.abs(YEARS - one.best_guess()[0])).sum()
    assert error == pytest.approx(exact_error(one.age, one.scale)[0], abs=1e-9)
    assert error == pytest.approx(one.expected_error()[0], abs=2e-3)


def test_ages_are_drawn_from_that_law() -> None:
    uniform = (np.arange(400_000) + 0.5) / 400_000
    ages = Reading(np.full(400_000, 41.3), np.full(400_000, 3.4)).draw(uniform)
    shares = np.bincount(ages, minlength=OLDEST + 1)[YOUNGEST:] / len(ages)
    assert shares == pytest.approx(law_of_age(41.3, 3.4), abs=1e-5)


def test_the_best_guess_reaches_the_bound_and_disturbed_guesses_miss_it(drawn: Chunk) -> None:
    reading = drawn.reading
    expected = reading.expected_error()
    best = np.abs(drawn.age - reading.best_guess())
    four_standard_errors = 4 * best.std() / np.sqrt(CHUNK_ROWS)
    assert abs(best.mean() - expected.mean()) < four_standard_errors

    noise = np.random.default_rng(1).normal(size=CHUNK_ROWS)
    middle = np.median(reading.age)
    for disturbed in (
        reading.age + 1.0,
        reading.age - 1.0,
        middle + 0.9 * (reading.age - middle),
        middle + 1.1 * (reading.age - middle),
        reading.age + noise,
    ):
        worse = np.abs(drawn.age - disturbed) - best
        assert worse.mean() > 3 * worse.std() / np.sqrt(CHUNK_ROWS)


def test_what_the_reading_leaves_over_has_nothing_to_do_with_any_column(drawn: Chunk) -> None:
    """A column that told something of the noise would let a model beat the bound."""
    inside = (drawn.reading.age > 22) & (drawn.reading.age < 80)
    left_over = np.sign(drawn.age - drawn.reading.age)[inside]
    for name in drawn.table.drop_columns(["birth_year", "approximate_age"]).column_names:
        text = drawn.table[name].cast("string")
        missing = text.is_null().to_numpy()
        length = pc.fill_null(pc.utf8_length(text), 0).to_numpy()
        for fact in (missing[inside], length[inside]):
            if fact.std() > 0:
                assert abs(np.corrcoef(fact, left_over)[0, 1]) < 4 / np.sqrt(inside.sum()), name


def test_labels_are_known_by_chance_alone(drawn: Chunk) -> None:
    known, other = drawn.reading.age[drawn.labelled], drawn.reading.age[~drawn.labelled]
    assert drawn.labelled.mean() == pytest.approx(0.375, abs=0.015)
    error = np.hypot(known.std() / np.sqrt(len(known)), other.std() / np.sqrt(len(other)))
    assert abs(known.mean() - other.mean()) < 4 * error
