"""Parts of the held-out rows that figures are given for: values of features, bands of predictions, bands of labels.

What a feature or a prediction says is known before the truth is, so such a part is one that a promise can be made for.
Bands of the true label are not: rows of a high label are those that were predicted too low, whatever the model.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

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


def of_features(names: Sequence[str], encoder: Encoder, rows: Matrix) -> dict[str, pa.Array]:
    """For each feature the segment of every row, as text: its word, its value where it has few, else its band."""
    position = {name: at for at, (name, _) in enumerate(encoder.features)}
    found = {}
    for name in names:
        column = rows[:, position[name]]
        vocabulary = encoder.vocabularies.get(name)
        found[name] = numeric(column) if vocabulary is None else _words(column, vocabulary)
    return found


def numeric(column: npt.NDArray[np.float32] | Vector) -> pa.Array:
    """Values of a number as text where they are few, else bands of about as many rows each; NaN is `missing`."""
    present = np.isfinite(column)
    values = np.unique(column[present])
    if len(values) <= MOST_VALUES:
        codes, names = np.searchsorted(values, column), [f"{value:g}" for value in values]
    else:
        edges = np.unique(np.quantile(column[present].astype(np.float64), np.linspace(0, 1, BANDS + 1)))
        codes = np.searchsorted(edges[1:-1], column, side="right")
        names = _bands(edges)
    return _named(np.where(present, codes, len(names)), [*names, MISSING])


def _bands(edges: Vector) -> list[str]:
    """`a to b` between the edges, rounded as far as they stay apart."""
    for digits in range(3, 17):
        told = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(told)) == len(told):
            break
    return [f"{low} to {high}" for low, high in itertools.pairwise(told)]


def _words(column: npt.NDArray[np.float32], vocabulary: Vocabulary) -> pa.Array:
    names = [*vocabulary.words, *([OTHER] if vocabulary.others else [])]
    present = np.isfinite(column)
    return _named(np.where(present, np.where(present, column, 0).astype(np.int64), len(names)), [*names, MISSING])


def _named(codes: Codes, names: Sequence[str]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(codes))
