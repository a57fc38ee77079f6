"""A row's part is decided by its id alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.models import parts

ids = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=1, max_size=30)


@given(ids, st.integers(0, 29), st.integers(0, 29))
def test_a_hash_depends_on_its_id_and_on_no_other_row(texts: list[str], start: int, length: int) -> None:
    column = pa.array(texts, pa.string())
    whole = parts.hash_ids(column)
    assert parts.hash_ids(column.slice(start, length)).tolist() == whole[start : start + length].tolist()
    assert parts.hash_ids(pa.array(texts[::-1])).tolist() == whole[::-1].tolist()
    assert [int(parts.hash_ids(pa.array([text]))[0]) for text in texts] == whole.tolist()


@given(st.sets(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=50))
def test_different_ids_have_different_hashes(texts: set[str]) -> None:
    assert len(set(parts.hash_ids(pa.array(sorted(texts), pa.string())).tolist())) == len(texts)


def test_hashes_stay_what_they_were_so_that_rows_keep_their_part_from_version_to_version() -> None:
    hashes = parts.hash_ids(pa.array(["", "a", "12345678", "person-000000001", "Zoë"]))
    assert [f"{h:016x}" for h in hashes.tolist()] == PINNED
    assert parts.part_of(hashes, 0).tolist() == PINNED_PARTS


PINNED = ["e220a8397b1dcdaf", "2971c9ebfb09c2ca", "8a5883d990a7fbae", "a761a199727d9fa3", "04cb128a3b1e378f"]
PINNED_PARTS = [1, 2, 0, 3, 3]


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.string(), pa.large_string()])
def test_a_number_and_its_text_are_the_same_id(kind: pa.DataType) -> None:
    numbers = pa.array([1, 20, 300], pa.int64())
    assert parts.hash_ids(numbers.cast(kind)).tolist() == parts.hash_ids(numbers.cast(pa.string())).tolist()


def test_parts_have_their_shares_and_do_not_follow_the_order_of_ids() -> None:
    hashes = parts.hash_ids(pa.array(range(100_000)))
    part = parts.part_of(hashes, seed=3)
    for index, share in enumerate(parts.SHARES.values()):
        assert (part == index).mean() == pytest.approx(share, abs=0.006)
        assert (part[:10_000] == index).mean() == pytest.approx(share, abs=0.02)


def test_draws_for_different_purposes_and_seeds_are_independent() -> None:
    hashes = parts.hash_ids(pa.array(range(50_000)))
    draws = [parts.draw(hashes, purpose, 0) for purpose in ("sample", "part", "fold", "profile")]
    draws.append(parts.draw(hashes, "part", 1))
    correlation = np.corrcoef(draws) - np.eye(len(draws))
    assert np.abs(correlation).max() < 0.02
    assert all(draw.min() >= 0 and draw.max() < 1 for draw in draws)


def test_folds_are_of_about_equal_size() -> None:
    fold = parts.fold_of(parts.hash_ids(pa.array(range(50_000))), 5, seed=0)
    assert np.bincount(fold).min() > 9_500


def test_no_ids_have_no_hashes() -> None:
    assert len(parts.hash_ids(pa.array([], pa.string()))) == 0
