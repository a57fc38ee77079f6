"""Parts of the held-out rows that figures are given for: values of features, bands of predictions, bands of labels.

What a feature or a prediction says is known before the truth is, so such a part is one that a promise can be made for.
Bands of the true label are not: rows of a high label are those that were predicted too low, whatever the model.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from agecli.models.encode import Encoder, Vocabulary
from agecli.models.metrics import Vector
from agecli.models.trees import Matrix

BANDS = 5
MOST_VALUES = 12
MISSING, OTHER = "missing", "other"

Codes = npt.NDArray[np.int64]


def of_features(names: Sequence[str], encoder: Encoder, rows: Matrix) -> dict[str, pa.DictionaryArray]:
    """For each feature the segment of every row: its word, its value where it has few, else its band.

    Segments are named by text, no two alike, and stand in the dictionary in their order: numbers by size, words by
    the alphabet, what is missing last.
    """
    position = {name: at for at, (name, _) in enumerate(encoder.features)}
    found = {}
    for name in names:
        column = rows[:, position[name]]
        vocabulary = encoder.vocabularies.get(name)
        found[name] = numeric(column) if vocabulary is None else _words(column, vocabulary)
    return found


def numeric(column: npt.NDArray[np.float32] | Vector) -> pa.DictionaryArray:
    """Values of a number where they are few, else bands of about as many rows each; NaN is `missing`."""
    present = np.isfinite(column)
    values = np.unique(column[present])
    if len(values) <= MOST_VALUES:
        return _named(np.where(present, np.searchsorted(values, column), len(values)), [*_told(values, 6), MISSING])
    edges = np.unique(np.quantile(column[present].astype(np.float64), np.linspace(0, 1, BANDS + 1)))
    whole = bool((values == np.floor(values)).all())
    codes = np.searchsorted(edges[1:-1], column, side="right")
    return _named(np.where(present, codes, len(edges) - 1), [*(_whole(edges) if whole else _bands(edges)), MISSING])


def _bands(edges: Vector) -> list[str]:
    """`a to b`: from a on, up to and without b, rounded as far as they stay apart."""
    return [f"{low} to {high}" for low, high in itertools.pairwise(_told(edges, 3))]


def _whole(edges: Vector) -> list[str]:
    """Bands of whole numbers, by the first and the last number in each."""
    first = [*np.ceil(edges[:-1]), np.floor(edges[-1]) + 1]
    pairs = [(f"{low:.0f}", f"{high - 1:.0f}") for low, high in itertools.pairwise(first)]
    return [low if low == high else f"{low} to {high}" for low, high in pairs]


def of_classes(codes: Codes, words: Sequence[str]) -> pa.DictionaryArray:
    """A segment for each class, by its word."""
    return _named(codes, words)


def _told(values: npt.NDArray[Any], digits: int) -> list[str]:
    """Distinct numbers as text, rounded to so many digits where they stay apart, else to as many as keep them so."""
    for kept in range(digits, 18):
        told = [f"{float(f'{value:.{kept}g}'):.15g}" if kept < 16 else repr(float(value)) for value in values]
        if len(set(told)) == len(told):
            break
    return told


def _words(column: npt.NDArray[np.float32], vocabulary: Vocabulary) -> pa.DictionaryArray:
    words = sorted(vocabulary.words)
    place = {word: at for at, word in enumerate(words)}
    others = len(words)
    names = [*words, *([_free(OTHER, words)] if vocabulary.others else []), _free(MISSING, words)]
    order = np.array([*(place[word] for word in vocabulary.words), others], np.int64)
    present = np.isfinite(column)
    return _named(np.where(present, order[np.where(present, column, 0).astype(np.int64)], len(names) - 1), names)


def _free(name: str, words: Sequence[str]) -> str:
    """A name that none of the words has: in as many brackets as that takes."""
    while name in words:
        name = f"({name})"
    return name


def _named(codes: Codes, names: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names, pa.string()))
