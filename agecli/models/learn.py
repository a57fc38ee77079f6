"""The learning steps that both ways of training share: settings, the point trees, the spread trees.

`held.py` uses them with parts held out, `folds.py` with out-of-fold predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from agecli.models import trees
from agecli.models.baseline import Baseline
from agecli.models.calibrate import ClassCalibration, NumberCalibration
from agecli.models.evidence import Evidence
from agecli.models.spec import PARAMETERS, ModelSpec
from agecli.models.trees import Matrix, Vector

Progress = Callable[[str, float], None]
Params = dict[str, int | float | str]


@dataclass(frozen=True)
class Lesson:
    """What a training works with: the spec, the classes ('' for regression), and how XGBoost is to see columns."""

    spec: ModelSpec
    classes: tuple[str, ...]
    kinds: list[str]
    progress: Progress

    @property
    def regression(self) -> bool:
        return self.spec.task == "regression"

    def params(self, rows: int) -> Params:
        """XGBoost's settings for the point model: the defaults for so many rows, then the recipe's.

        A recipe with smaller steps than the default gets more of them, unless it says how many.
        """
        usual = trees.defaults(rows, self.regression)
        chosen: Params = {**usual, **self.spec.settings}
        if "rounds" not in self.spec.settings:
            longer = max(1.0, float(usual["eta"]) / float(chosen["eta"]))
            chosen["rounds"] = _at_most("rounds", int(usual["rounds"]) * longer)
            if "early_stopping_rounds" not in self.spec.settings:
                chosen["early_stopping_rounds"] = _at_most(
                    "early_stopping_rounds", int(usual["early_stopping_rounds"]) * longer
                )
        chosen |= {"seed": self.spec.seed, "nthread": self.spec.threads}
        if any(name in self.spec.monotone for name in self.spec.names):
            ways = [str(self.spec.monotone.get(name, 0)) for name in self.spec.names]
            chosen["monotone_constraints"] = f"({','.join(ways)})"
        if self.regression:
            return chosen | {"objective": "reg:squarederror", "eval_metric": "rmse"}
        if len(self.classes) == 2:
            return chosen | {"objective": "binary:logistic", "eval_metric": "logloss"}
        return chosen | {
            "objective": "multi:softprob",
            "num_class": len(self.classes),
            "eval_metric": "mlogloss",
        }

    def matrix(self, chunks: trees.Chunks, ref: Any = None) -> Any:
        """Quantised rows for the point model."""
        bins = int(self.spec.settings.get("max_bin", 256))
        return trees.matrix(chunks, self.kinds, bins, self.spec.threads, ref)

    def spread_params(self, rows: int) -> Params:
        """Settings of the spread model: small trees over many rows, since absolute residuals are noise mostly."""
        return {
            "max_depth": 4,
            "eta": 0.15,
            "rounds": 30,
            "early_stopping_rounds": 5,
            "min_child_weight": max(20.0, rows / 200),
            "lambda": 10.0,
            "max_bin": 64,
            "max_cat_to_onehot": 4,
            "seed": self.spec.seed,
            "nthread": self.spec.threads,
            "objective": "reg:squarederror",
            "eval_metric": "rmse",
        }

    def spread(self, rows: Matrix, residuals: Vector) -> Any:
        """Trees that tell the mean absolute residual, from residuals of rows the point model has not seen."""
        params = self.spread_params(len(rows))
        return trees.fit(params, trees.matrix(of(rows, np.abs(residuals)), self.kinds, 64, self.spec.threads))

    def raw(self, booster: Any, rows: Matrix, upto: int = 0) -> Vector:
        """The point (n,) or raw class probabilities (n, classes) as float64."""
        return raw_output(booster, rows, len(self.classes), upto)

    def share_of_classes(self, truth: npt.NDArray[np.int64]) -> Vector:
        """The base rates, none of them zero."""
        counts = np.bincount(truth, minlength=len(self.classes)) + 0.5
        shares: Vector = counts / counts.sum()
        return shares


@dataclass(frozen=True)
class Lessons:
    """What a training gives: boosters, baseline, calibration, and what was told of rows not seen."""

    point: Any
    spread: Any | None
    baseline: Baseline
    calibration: NumberCalibration | ClassCalibration
    parts: dict[str, int]
    evidence: Evidence
    params: Params
    calibrated_on: int


def _at_most(name: str, value: float) -> int:
    return round(min(value, PARAMETERS[name][1]))


def of(rows: Matrix, labels: Vector) -> trees.Chunks:
    """Arrays in memory as one chunk."""
    return lambda: iter([(rows, labels)])


def raw_output(booster: Any, rows: Matrix, classes: int, upto: int = 0) -> Vector:
    """The point (n,) for regression (no classes), or raw class probabilities (n, classes), as float64."""
    told = trees.predict(booster, rows, upto).astype(np.float64)
    if classes == 2:
        return np.column_stack([1 - told, told])
    return told.reshape(len(rows), classes) if classes else told
