"""A spec that no model can be trained from is refused with the setting that is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agecli.errors import ConfigError
from agecli.models.spec import ModelSpec

from .models_rows import spec


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"task": "ranking"}, "neither regression nor classification"),
        ({"features": ()}, "no features"),
        ({"features": (("a", "numeric"), ("a", "numeric"))}, "listed twice"),
        ({"features": (("a", "text"),)}, r"a \(text\)"),
        ({"tolerance": None}, "tolerance"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"level": 1.0}, "level"),
        ({"max_train_rows": 3}, "max_train_rows"),
        ({"params": {"max_deph": 3}}, "did you mean max_depth"),
        ({"params": {"frobnicate": 3}}, "known are"),
        ({"params": {"max_depth": 2.5}}, "max_depth = 2.5"),
        ({"params": {"eta": 7}}, "must lie between"),
        ({"params": {"eta": "fast"}}, "not a number"),
        ({"params": {"eta": float("nan")}}, "must lie between"),
        ({"params": {"eta": 0.1, "learning_rate": 0.1}}, "the same setting"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        spec(**changes).check()


def test_settings_go_by_one_name_as_numbers() -> None:
    given = {"learning_rate": "0.05", "n_estimators": 30.0, "reg_lambda": 2}
    assert spec(params=given).settings == {"eta": 0.05, "rounds": 30, "lambda": 2.0}


def test_a_spec_survives_json_except_for_its_threads() -> None:
    whole = spec(threads=3, params={"eta": 0.1})
    again = ModelSpec.from_json(json.loads(json.dumps(whole.to_json())))
    assert again == spec(threads=1, params={"eta": 0.1})
