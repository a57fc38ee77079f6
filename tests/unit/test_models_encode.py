"""Each row is encoded by itself, the same in training and in scoring."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from agecli.errors import DataError
from agecli.models.encode import Encoder, Vocabulary

FEATURES = (("size", "numeric"), ("colour", "categorical"))


def encode(others: bool = False, **columns: pa.Array) -> list[list[float]]:
    rows = {"size": pa.array([1.0]), "colour": pa.array(["blue"]), **columns}
    longest = max(len(column) for column in rows.values())
    filled = {n: c if len(c) == longest else pa.concat_arrays([c] * longest) for n, c in rows.items()}
    encoder = Encoder(FEATURES, {"colour": Vocabulary(("blue", "red"), others)})
    return encoder.encode(pa.RecordBatch.from_pydict(filled)).tolist()


def test_numbers_that_are_missing_or_not_finite_become_nan() -> None:
    sizes = [row[0] for row in encode(size=pa.array([2.5, None, math.nan, math.inf, -math.inf, 1e300]))]
    assert sizes[0] == 2.5
    assert all(math.isnan(size) for size in sizes[1:5])
    assert sizes[5] == float(np.finfo(np.float32).max)


def test_words_become_codes_and_an_unknown_word_counts_as_missing() -> None:
    codes = [row[1] for row in encode(colour=pa.array(["red", "blue", None, "green"]))]
    assert codes[:2] == [1.0, 0.0]
    assert math.isnan(codes[2]) and math.isnan(codes[3])


def test_an_unknown_word_is_an_other_where_training_met_others() -> None:
    codes = [row[1] for row in encode(others=True, colour=pa.array(["red", None, "green"]))]
    assert (codes[0], codes[2]) == (1.0, 2.0)
    assert math.isnan(codes[1])


@pytest.mark.parametrize("kind", [pa.int64(), pa.float32(), pa.decimal128(25, 2), pa.string()])
def test_numbers_of_any_type_are_numbers(kind: pa.DataType) -> None:
    assert encode(size=pa.array([3]).cast(kind))[0][0] == 3.0


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()])
def test_words_of_any_text_type_are_words(kind: pa.DataType) -> None:
    assert encode(colour=pa.array(["red"]).cast(kind))[0][1] == 1.0


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize("way", ["", "xgboost"], ids=["compiled", "not"])
@pytest.mark.parametrize("words", [pa.string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
@pytest.mark.parametrize("numbers", [pa.float32(), pa.float64()], ids=str)
def test_some_rows_are_encoded_as_among_all(numbers, words, way, others, monkeypatch) -> None:
    monkeypatch.setenv("AGECLI_KERNEL", way)
    encoder = Encoder(FEATURES, {"colour": Vocabulary(("blue", "red"), others)})
    sizes = pa.array([9.0, 2.5, None, math.nan, math.inf, -math.inf, 3.5, None, -0.0] * 3).cast(numbers)
    colours = pa.array(["red", None, "green", "blue", "red", None, "pink", "blue", "red"] * 3).cast(words)
    whole = pa.RecordBatch.from_pydict({"size": sizes, "colour": colours})
    for batch in (whole, whole.slice(5, 17), whole.slice(3, 0), whole.slice(9).filter(pa.array([True] * 18))):
        every = encoder.encode(batch)
        for rows in (np.arange(len(batch)), np.arange(len(batch))[::3], np.arange(0)):
            assert np.array_equal(encoder.encode(batch, rows), every[rows], equal_nan=True)


def test_a_feature_that_is_absent_is_named() -> None:
    encoder = Encoder(FEATURES, {"colour": Vocabulary((), False)})
    with pytest.raises(DataError, match="the feature colour is not among the columns"):
        encoder.encode(pa.RecordBatch.from_pydict({"size": [1.0]}))


def test_a_feature_that_cannot_be_a_number_is_named() -> None:
    with pytest.raises(DataError, match="the feature size is string, not numeric"):
        encode(size=pa.array(["tall"]))
