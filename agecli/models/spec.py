"""What a model is to learn: the one thing that the pipeline tells the models room. Imports nothing heavy.

A `ModelSpec` is made from a recipe, travels into `fit.train`, and is written into the card, from which a
loaded model knows which columns it wants.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agecli.errors import ConfigError
from agecli.recipe import ALIASES

Task = Literal["regression", "classification"]
Kind = Literal["numeric", "categorical"]
Params = Mapping[str, int | float | str]

FORMAT = 4
"""Of a model's files. Raised when they change: older models are refused, and a run trains its own anew."""

PARAMETERS: Mapping[str, tuple[float, float]] = {
    "rounds": (1, 10_000),
    "early_stopping_rounds": (1, 1_000),
    "max_depth": (1, 16),
    "eta": (1e-4, 1),
    "min_child_weight": (0, 1e9),
    "lambda": (0, 1e9),
    "alpha": (0, 1e9),
    "gamma": (0, 1e9),
    "subsample": (0.01, 1),
    "colsample_bytree": (0.01, 1),
    "max_bin": (2, 1_024),
    "max_cat_to_onehot": (1, 1_024),
    "max_cat_threshold": (1, 1_024),
    "max_delta_step": (0, 1e9),
}
"""The settings of XGBoost that a recipe may give, with the values that make sense."""

MOST_FOLDS, MOST_REPEATS = 20, 50
WHOLE = {"rounds", "early_stopping_rounds", "max_depth", "max_bin", "max_cat_to_onehot", "max_cat_threshold"}


@dataclass(frozen=True)
class ModelSpec:
    """Task, columns and settings of one training.

    `tolerance` (regression) is in units of the label: confidence is P(|truth - prediction| <= tolerance).
    `level` is the nominal coverage of the interval. `max_train_rows` labelled rows are used at most, chosen
    by hash of id. Below `few_labels` out-of-fold predictions take the place of held-out parts. `threads`
    changes the speed and nothing else. `segments` are features by whose values figures are given. `monotone`
    maps numeric features to 1 (the prediction never falls as they grow) or -1 (it never rises).
    Names of either that are no features of this model do not count. With `folds` a cross-validation of so many
    folds is added to the card, `repeats` times over.
    """

    task: Task
    features: tuple[tuple[str, Kind], ...]
    tolerance: float | None = None
    level: float = 0.8
    params: Params = field(default_factory=dict)
    max_train_rows: int = 2_000_000
    few_labels: int = 20_000
    seed: int = 0
    threads: int = 1
    segments: tuple[str, ...] = ()
    monotone: Mapping[str, int] = field(default_factory=dict)
    folds: int = 0
    repeats: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """The feature columns, in the order the model sees them."""
        return tuple(name for name, _ in self.features)

    @property
    def settings(self) -> dict[str, int | float]:
        """The settings of the recipe by their one name here, as numbers."""
        named = {ALIASES.get(name, name): float(value) for name, value in self.params.items()}
        return {name: int(value) if name in WHOLE else value for name, value in named.items()}

    def check(self) -> None:
        """Raises ConfigError for a spec that no model can be trained from."""
        if self.task not in ("regression", "classification"):
            raise _refuse(f"task {self.task!r} is neither regression nor classification", "task")
        if not self.features:
            raise _refuse("the recipe lists no features", "features")
        if len(set(self.names)) != len(self.names):
            raise _refuse("a feature is listed twice", "features")
        wrong = [f"{name} ({kind})" for name, kind in self.features if kind not in ("numeric", "categorical")]
        if wrong:
            raise _refuse(f"neither numeric nor categorical: {', '.join(wrong)}", "features")
        if self.task == "regression" and not (self.tolerance and 0 < self.tolerance < math.inf):
            raise _refuse(f"tolerance is {self.tolerance}, it must be above 0", "tolerance")
        if not 0 < self.level < 1:
            raise _refuse(f"the interval level is {self.level}, it must lie between 0 and 1", "level")
        if self.max_train_rows < 20:
            raise _refuse(f"max_train_rows is {self.max_train_rows}, at least 20 are needed", "max_train_rows")
        if self.folds == 1 or self.folds > MOST_FOLDS:
            raise ConfigError("no such cross-validation", f"folds is {self.folds}", f"--folds 2 to {MOST_FOLDS}, or 0")
        if not 1 <= self.repeats <= MOST_REPEATS:
            raise ConfigError(
                "no such cross-validation", f"repeats is {self.repeats}", f"--repeats 1 to {MOST_REPEATS}"
            )
        check_params(self.params)

    def to_json(self) -> dict[str, Any]:
        """The spec as plain values, without `threads`, which decides nothing."""
        fields = dataclasses.asdict(self)
        del fields["threads"]
        fields["features"] = [list(feature) for feature in self.features]
        fields["params"], fields["monotone"] = dict(self.params), dict(self.monotone)
        fields["segments"] = list(self.segments)
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> ModelSpec:
        """The spec that `to_json` wrote; KeyError, TypeError or ValueError if it is no spec."""
        known = {f.name for f in dataclasses.fields(cls)}
        values = {name: value for name, value in fields.items() if name in known}
        values["features"] = tuple((str(name), kind) for name, kind in fields["features"])
        values["params"], values["monotone"] = dict(fields["params"]), dict(fields["monotone"])
        values["segments"] = tuple(map(str, fields["segments"]))
        return cls(**values)


def check_params(params: Params) -> None:
    """Raises ConfigError for a setting that XGBoost would not know, or for a value out of its range."""
    for given, value in params.items():
        name = ALIASES.get(given, given)
        if name not in PARAMETERS:
            near = difflib.get_close_matches(given, [*PARAMETERS, *ALIASES], n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(PARAMETERS)}"
            raise _refuse(f"unknown setting {given!r}; {hint}", f"model.{given}")
        if name != given and name in params:
            raise _refuse(f"{given} and {name} are the same setting", f"model.{given}")
        low, high = PARAMETERS[name]
        number = _number(name, value)
        if not low <= number <= high or (name in WHOLE and number != int(number)):
            raise _refuse(f"{name} = {value}, it must lie between {low:g} and {high:g}", f"model.{name}")


def _number(name: str, value: int | float | str) -> float:
    try:
        return float(value)
    except ValueError:
        raise _refuse(f"{name} = {value!r} is not a number", f"model.{name}") from None


def _refuse(why: str, setting: str) -> ConfigError:
    return ConfigError("the model cannot be trained as the recipe asks", why, f"correct `{setting}` in recipe.toml")
