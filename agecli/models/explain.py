"""Why a row got its prediction: what each feature adds to it, by Shapley values of the point trees.

Contributions and base value add up to the prediction: in units of the label for a regression, in log odds (before
calibration) for a class. Of three classes or more a contribution speaks for one class against the mean of all: what is
added to the log weights of all classes alike changes no probability.

Exact TreeSHAP costs 0.46 ms a row of one core for 75 trees of depth 6, where scoring takes 0.002 ms (measured on
profiles, Zen 3), so importance is measured on a sample, and reasons for every row are an option.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from agecli.models import trees
from agecli.models.encode import Encoder
from agecli.models.score import Model
from agecli.models.trees import Matrix, Vector

MOST_ROWS: Final = 2_000
"""Rows that importance is measured on at most; with 1,000 it is known to about 3 %."""
MOST_TREE_ROWS: Final = 200_000
"""Rows times trees for importance at most, so that many classes do not take minutes."""
_CELLS = 2_000_000


@dataclass(frozen=True)
class Contributions:
    """What each feature adds for each row, (n, features), and the base value of each, (n,)."""

    features: Vector
    base: Vector

    @property
    def total(self) -> Vector:
        """The margin that contributions and base add up to."""
        total: Vector = self.features.sum(axis=1) + self.base
        return total


def explain(booster: Any, rows: Matrix, kinds: list[str], told: npt.NDArray[np.int64] | None = None) -> Contributions:
    """Contributions to the point (regression), or to the class with the code in `told` of each row."""
    found = np.concatenate([np.empty((0, rows.shape[1] + 1)), *_speaking(booster, rows, kinds, told)])
    return Contributions(found[:, :-1], found[:, -1])


def _speaking(
    booster: Any, rows: Matrix, kinds: list[str], told: npt.NDArray[np.int64] | None
) -> Iterator[npt.NDArray[np.float64]]:
    for start, piece in _pieces(booster, rows, kinds):
        if told is None:
            yield piece[:, 0]
            continue
        codes = told[start : start + len(piece)]
        if piece.shape[1] == 1:  # two classes: log odds of the second one
            yield piece[:, 0] * np.where(codes == 1, 1.0, -1.0)[:, None]
        else:
            yield piece[np.arange(len(piece)), codes] - piece.mean(axis=1)


def _pieces(booster: Any, rows: Matrix, kinds: list[str]) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """Contributions of some rows at a time, so that many classes do not fill the memory."""
    outputs = trees.outputs(booster)
    size = max(1, _CELLS // (outputs * (rows.shape[1] + 1)))
    for start in range(0, len(rows), size):
        yield start, trees.contributions(booster, rows[start : start + size], kinds)


def importance(booster: Any, rows: Matrix, encoder: Encoder) -> list[dict[str, Any]]:
    """The card's part `importance`: mean absolute Shapley value of each feature, greatest first.

    In units of the label for a regression; for classes in log odds, the mean over all of them. `rows` (encoded) are
    thinned evenly to what time allows.
    """
    most = min(MOST_ROWS, max(100, MOST_TREE_ROWS // max(1, booster.num_boosted_rounds() * trees.outputs(booster))))
    thinned = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)]
    total = np.zeros(rows.shape[1])
    for _, piece in _pieces(booster, thinned, encoder.kinds):
        total += np.abs(piece[:, :, :-1]).mean(axis=1).sum(axis=0)
    mean = total / max(1, len(thinned))
    names = [name for name, _ in encoder.features]
    order = sorted(range(len(names)), key=lambda i: (-mean[i], i))
    return [{"feature": names[i], "mean_abs_shap": float(mean[i])} for i in order]


def reasons_of(model: Model, batch: pa.RecordBatch, prediction: pa.Array, top: int) -> list[pa.Array]:
    """`top` columns of texts with the strongest reasons of each row's prediction, as `reasons` gives them."""
    found = explain(model.point, model.encoder.encode(batch), model.encoder.kinds, codes_of(model, prediction))
    return [pa.array(column, pa.string()) for column in reasons(model.spec.names, found.features, top)]


def codes_of(model: Model, prediction: pa.Array) -> npt.NDArray[np.int64] | None:
    """The code of each predicted class; None for a regression."""
    if not model.classes:
        return None
    codes: npt.NDArray[np.int64] = pc.index_in(prediction, value_set=pa.array(model.classes)).to_numpy()
    return codes.astype(np.int64)


def strongest(contributions: Vector, top: int) -> npt.NDArray[np.int64]:
    """Positions of the `top` contributions of each row, greatest first by size, ties in the order of features."""
    return np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :top]


def reasons(names: Sequence[str], contributions: Vector, top: int) -> list[list[str | None]]:
    """`top` columns of texts such as `seniority +3.1`, one text a row; None where nothing (more) was added."""
    columns: list[list[str | None]] = []
    best = strongest(contributions, top)
    rows = np.arange(len(contributions))
    for place in range(top):
        if place >= best.shape[1]:
            columns.append([None] * len(rows))
            continue
        position = best[:, place]
        amounts = contributions[rows, position].tolist()
        pairs = zip(position.tolist(), amounts, strict=True)
        columns.append([f"{names[i]} {signed(amount)}" if amount else None for i, amount in pairs])
    return columns


def signed(amount: float) -> str:
    """Two digits that count, and the sign: +3.1, -0.042, +1250."""
    if amount == 0 or not np.isfinite(amount):
        return f"{amount:+g}"
    digits = min(12, max(0, 1 - int(np.floor(np.log10(abs(amount))))))
    return f"{amount:+.{digits}f}"
