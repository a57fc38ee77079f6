"""The only door to XGBoost: importing it lightly, building matrices from chunks, training and predicting.

XGBoost imports scikit-learn (and pandas, where installed) for an interface that is not used here, and SciPy for a type
that is looked for seldom. `lean` says what the import then takes.

Histogram training gives the same trees with any number of threads (measured for 1, 2, 3; a test holds it), but
not with the same rows cut into other chunks, so whoever calls must cut them the same way.

OpenMP's threads spin while they wait for each other. Where other processes want the cores too, that costs 25 times
the time of training (measured: two threads, load 4, 2 cores); sleeping costs nothing measurable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from agecli import lean
from agecli.errors import DataError
from agecli.models import forest, kernel

if TYPE_CHECKING:
    import xgboost as xgb
else:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when XGBoost loads libgomp

    with lean.without("sklearn", "pandas"), lean.later("scipy", "sparse"):
        import xgboost as xgb

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]
Chunks = Callable[[], Iterator[tuple[Matrix, Vector]]]
Params = Mapping[str, int | float | str]
VERSION: str = xgb.__version__

_COMMON = {"lambda": 1.0, "max_bin": 256, "max_cat_to_onehot": 4, "max_cat_threshold": 64}
_SMALL = {"max_depth": 4, "eta": 0.05, "rounds": 300, "subsample": 0.7, "colsample_bytree": 0.5}
_MIDDLE = {"max_depth": 6, "eta": 0.05, "rounds": 300, "subsample": 0.7, "colsample_bytree": 0.5}
_LARGE = {"max_depth": 7, "eta": 0.15, "rounds": 100, "subsample": 0.8, "colsample_bytree": 0.7}


def defaults(rows: int, regression: bool = True) -> dict[str, int | float | str]:
    """Settings by the number of rows to fit: fewer, deeper trees where there are rows enough to fill them.

    Measured on titanic (891 rows), legislators (12,000) and generated profiles (150,000). A leaf of a
    classification weighs a quarter at most of what its rows weigh in a regression.
    """
    chosen = _SMALL if rows < 3_000 else _MIDDLE if rows < 20_000 else _LARGE
    weight = 3.0 if rows < 3_000 else min(100.0, max(20.0, rows / 1_000))
    patience = round(1.5 / float(chosen["eta"]))
    leaf = weight if regression else weight / 4
    return {**_COMMON, **chosen, "early_stopping_rounds": patience, "min_child_weight": leaf}


class _Feed(xgb.DataIter):
    """Hands chunks of encoded rows to XGBoost, which keeps one byte or so per value, not the floats."""

    def __init__(self, chunks: Chunks, kinds: list[str]) -> None:
        super().__init__(release_data=True)
        self._chunks, self._kinds = chunks, kinds
        self._open: Iterator[tuple[Matrix, Vector]] | None = None

    def reset(self) -> None:
        self._open = None

    def next(self, input_data: Callable[..., Any]) -> bool:
        self._open = self._open or self._chunks()
        chunk = next(self._open, None)
        if chunk is None:
            return False
        input_data(data=chunk[0], label=chunk[1].astype(np.float32), feature_types=self._kinds)
        return True


def matrix(chunks: Chunks, kinds: list[str], max_bin: int, threads: int, ref: Any = None) -> Any:
    """Quantised matrix of all chunks (read about four times); `ref` gives the bins of an earlier matrix."""
    feed = _Feed(chunks, kinds)
    return xgb.QuantileDMatrix(feed, max_bin=max_bin, nthread=threads, enable_categorical=True, missing=np.nan, ref=ref)


def fit(params: Params, rows: Any, stop: Any = None, each_round: Callable[[int], None] | None = None) -> Any:
    """Trains until `rounds`, or until `stop` has not improved for `early_stopping_rounds`.

    Returns a booster that holds the trees up to the best round only.
    """
    settings, rounds, patience = _settings(params)
    booster = xgb.train(
        settings,
        rows,
        num_boost_round=rounds,
        evals=[(stop, "stop")] if stop is not None else [],
        early_stopping_rounds=patience if stop is not None else None,
        verbose_eval=False,
        callbacks=[_Report(each_round)] if each_round else None,
    )
    return booster[: booster.best_iteration + 1] if stop is not None else booster


def fit_folds(
    params: Params, folds: list[tuple[Any, Any]], each_round: Callable[[int], None]
) -> tuple[list[Any], list[int], int]:
    """Trains on each (rows, held-out rows) side by side, round by round.

    Returns the boosters, with all their rounds; for each the number of rounds that is best by the losses of all
    *other* folds; and the number that is best by all. Stops when none of these has moved for
    `early_stopping_rounds`.
    """
    settings, rounds, patience = _settings(params)
    boosters = [xgb.Booster(settings, list(pair)) for pair in folds]
    weights = np.array([held.num_row() for _, held in folds], np.float64)
    losses = np.empty((rounds, len(folds)))
    done = 0
    while done < rounds:
        for k, (fitted, held) in enumerate(folds):
            boosters[k].update(fitted, done)
            losses[done, k] = float(boosters[k].eval(held, iteration=done).rsplit(":", 1)[1]) * weights[k]
        done += 1
        each_round(done)
        total = losses[:done].sum(axis=1)
        others = (total[:, None] - losses[:done]).argmin(axis=0) + 1
        if done - max(int(others.max()), int(total.argmin()) + 1) >= patience:
            break
    return boosters, others.tolist(), int(total.argmin()) + 1


def _settings(params: Params) -> tuple[dict[str, Any], int, int]:
    settings: dict[str, Any] = {**params, "tree_method": "hist", "verbosity": 0}
    return settings, int(settings.pop("rounds")), int(settings.pop("early_stopping_rounds"))


class _Report(xgb.callback.TrainingCallback):
    """Tells how many rounds are done."""

    def __init__(self, each_round: Callable[[int], None]) -> None:
        super().__init__()
        self._each_round = each_round

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self._each_round(epoch + 1)
        return False


class Loaded(xgb.Booster):
    """A booster read from a file, with the compiled walk over its trees where there is one."""

    kernel: kernel.Kernel | None = None


def predict(booster: Any, rows: Matrix, upto: int = 0) -> Matrix:
    """What the booster says of encoded rows, with the first `upto` rounds (0: all). Shape (n,) or (n, classes)."""
    if len(rows) == 0:
        return np.empty(0, np.float32)
    if isinstance(booster, Loaded) and booster.kernel is not None and upto == 0:
        return booster.kernel.predict(rows)
    told: Matrix = booster.inplace_predict(np.ascontiguousarray(rows), iteration_range=(0, upto), missing=np.nan)
    return told


def outputs(booster: Any) -> int:
    """How many margins a row has: one, or one for each of three classes or more."""
    model = json.loads(booster.save_config())["learner"]["learner_model_param"]
    return max(1, int(model["num_class"]))


def contributions(booster: Any, rows: Matrix, kinds: list[str], threads: int = 1) -> Vector:
    """Shapley values of each row's margin (TreeSHAP, Lundberg et al. 2020), the base value last.

    Shape (n, outputs, features + 1), each output's sum being its margin: label units for regression (one output),
    log odds of the second class for two classes (one output), log weights of each class for more.
    """
    if len(rows) == 0:
        return np.empty((0, outputs(booster), rows.shape[1] + 1))
    matrix = xgb.DMatrix(rows, feature_types=kinds, enable_categorical=True, missing=np.nan, nthread=threads)
    told = booster.predict(matrix, pred_contribs=True, strict_shape=True)
    return np.asarray(told, np.float64)


def dump(booster: Any) -> bytes:
    """The booster in XGBoost's own binary JSON."""
    return bytes(booster.save_raw("ubj"))


def parse(data: bytes, name: str, threads: int, features: int, classes: int) -> Any:
    """The booster in `data`; DataError if it is not a sound forest over so many features and classes."""
    try:
        forest.check(data, features, classes)
        booster = Loaded()
        booster.load_model(bytearray(data))
        booster.set_param({"nthread": threads})
        booster.kernel = kernel.compiled(data, booster)
    except (xgb.core.XGBoostError, ValueError) as error:
        why = (str(error).strip().splitlines() or ["XGBoost cannot read it"])[0][:120]
        raise DataError(f"the model file {name} is damaged", why, "run `agecli run --from train --force`") from None
    return booster
