"""The model that the trees must beat: Ridge, or logistic regression with an L2 penalty; plain numbers in JSON.

Numeric features are imputed by the median and scaled, with a column that says "missing"; categories become one
column for each of the most frequent words. Ridge adds up its normal equations chunk by chunk, so all rows count
and none stays; logistic regression (scikit-learn) takes a bounded number of rows, evenly spaced, as the card states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agecli.models.encode import Encoder
from agecli.models.spool import evenly
from agecli.models.trees import Matrix, Vector

MAX_WORDS = 20
LOGISTIC_ROWS = 20_000
LOGISTIC_CELLS = 2_000_000
_PIECE = 4_096
_PENALTY = 1.0


@dataclass(frozen=True)
class Design:
    """The columns of the baseline, made from encoded rows."""

    kinds: tuple[str, ...]
    medians: tuple[float, ...]
    codes: tuple[tuple[int, ...], ...]

    def __call__(self, rows: Matrix) -> Vector:
        """(n, columns): per number its value and whether it is missing, per category one column a code."""
        columns: list[npt.NDArray[Any]] = []
        for position, (kind, median, codes) in enumerate(zip(self.kinds, self.medians, self.codes, strict=True)):
            values = rows[:, position].astype(np.float64)
            missing = np.isnan(values)
            if kind == "q":
                columns += [np.where(missing, median, values), missing]
            else:
                columns += [values == code for code in codes]
        return np.column_stack(columns).astype(np.float64)


@dataclass(frozen=True)
class Baseline:
    """A linear model over a design: `weights` is (outputs, columns), one output for regression."""

    design: Design
    centre: Vector
    scale: Vector
    weights: Vector
    intercept: Vector
    rows: int
    kind: str

    def values(self, rows: Matrix) -> Vector:
        """What the linear model says, (n, outputs)."""
        said = [((self.design(piece) - self.centre) / self.scale) @ self.weights.T for piece in _pieces(rows)]
        return np.concatenate([np.empty((0, len(self.intercept))), *said]) + self.intercept

    def probabilities(self, rows: Matrix) -> Vector:
        """Class probabilities, (n, classes), for a logistic regression."""
        z = self.values(rows)
        z = np.exp(z - z.max(axis=1, keepdims=True))
        shares: Vector = z / z.sum(axis=1, keepdims=True)
        return shares

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "rows": self.rows,
            "medians": list(self.design.medians),
            "codes": [list(codes) for codes in self.design.codes],
            "kinds": list(self.design.kinds),
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "weights": self.weights.tolist(),
            "intercept": self.intercept.tolist(),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Baseline:
        """The baseline that `to_json` wrote; KeyError or ValueError if it is none."""
        design = Design(
            tuple(fields["kinds"]), tuple(fields["medians"]), tuple(tuple(codes) for codes in fields["codes"])
        )
        arrays = [np.array(fields[name], np.float64) for name in ("centre", "scale", "weights", "intercept")]
        centre, scale, weights, intercept = arrays
        width = len(design(np.zeros((1, len(design.kinds)), np.float32))[0])
        if not centre.shape == scale.shape == (width,) or weights.shape != (len(intercept), width):
            raise ValueError("the baseline's weights are not those of its columns")
        return cls(design, centre, scale, weights, intercept, int(fields["rows"]), str(fields["kind"]))


def design_for(encoder: Encoder, medians: Mapping[str, float], frequent: Mapping[str, Sequence[int]]) -> Design:
    """The design over the encoder's columns; `frequent` gives the codes of a category that get a column."""
    names = [name for name, _ in encoder.features]
    return Design(
        tuple(encoder.kinds),
        tuple(float(medians.get(name, 0.0)) for name in names),
        tuple(tuple(frequent.get(name, ())) for name in names),
    )


def ridge(design: Design, chunks: Iterable[tuple[Matrix, Vector]]) -> Baseline:
    """Ridge regression (penalty 1 on scaled columns, intercept free) from one pass over the chunks."""
    sums = _Sums()
    for rows, labels in chunks:
        for some, told in zip(_pieces(rows), _pieces(labels), strict=True):
            sums.add(design(some), told)
    mean, label_mean = sums.first / sums.rows, sums.label / sums.rows
    covariance = sums.second - sums.rows * np.outer(mean, mean)
    scale = np.sqrt(np.maximum(np.diag(covariance) / sums.rows, 0))
    constant = scale < 1e-9 * (1 + np.abs(sums.shift))
    divisor = np.where(constant, np.inf, scale)
    scaled = covariance / np.outer(divisor, divisor) + _PENALTY * np.eye(len(scale))
    weights = np.linalg.solve(scaled, (sums.cross - sums.rows * mean * label_mean) / divisor)
    return Baseline(
        design=design,
        centre=mean + sums.shift,
        scale=np.where(constant, 1.0, scale),
        weights=weights[None, :],
        intercept=np.array([label_mean + sums.label_shift]),
        rows=sums.rows,
        kind="ridge",
    )


class _Sums:
    """Sums over rows that give means and covariances; shifted by the first rows' means, against cancellation."""

    def __init__(self) -> None:
        self.rows, self.label, self.label_shift = 0, 0.0, 0.0
        self.shift = self.first = self.cross = np.empty(0)
        self.second = np.empty((0, 0))

    def add(self, x: Vector, y: Vector) -> None:
        if not self.rows:
            self.shift, self.label_shift = x.mean(axis=0), float(y.mean())
            self.first, self.cross = np.zeros(x.shape[1]), np.zeros(x.shape[1])
            self.second = np.zeros((x.shape[1], x.shape[1]))
        x, y = x - self.shift, y - self.label_shift
        self.rows += len(y)
        self.label += float(y.sum())
        self.first += x.sum(axis=0)
        self.second += x.T @ x
        self.cross += x.T @ y


def most_rows(design: Design) -> int:
    """How many rows a logistic regression takes, fewer where the design is wide."""
    width = len(design(np.zeros((1, len(design.kinds)), np.float32))[0])
    return min(LOGISTIC_ROWS, LOGISTIC_CELLS // max(1, width))


def logistic(design: Design, rows: Matrix, truth: npt.NDArray[np.int64], classes: int) -> Baseline:
    """L2 logistic regression (C = 1) over at most `most_rows`; absent classes get the least intercept."""
    from sklearn.linear_model import LogisticRegression

    kept = evenly(len(rows), most_rows(design))
    rows, truth = rows[kept], truth[kept]
    x = design(rows)
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9 * (1 + np.abs(centre)), scale, 1.0)
    present = np.unique(truth)
    weights, intercept = np.zeros((classes, x.shape[1])), np.full(classes, -30.0)
    if len(present) == 1:
        intercept[present] = 0.0
    else:
        fitted = LogisticRegression(C=_PENALTY, max_iter=1_000).fit((x - centre) / scale, truth)
        if len(present) == 2:
            weights[present[1]], intercept[present] = fitted.coef_[0], [0.0, fitted.intercept_[0]]
        else:
            weights[present], intercept[present] = fitted.coef_, fitted.intercept_
    return Baseline(design, centre, scale, weights, intercept, len(rows), "logistic")


def _pieces(rows: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """The rows a few thousand at a time, since the design is several times as wide as they are."""
    return (rows[start : start + _PIECE] for start in range(0, len(rows), _PIECE))
