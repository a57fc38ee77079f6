"""Settings of a recipe for one run: given as flags or in the environment, checked as the recipe is."""

from __future__ import annotations

import pytest

from agecli import config, recipe
from agecli.errors import ConfigError
from agecli.models import spec
from agecli.overrides import collect

from .recipe_folder import recipe_folder

TOML = """
task = "classification"
label = "kind"
default = "0"
[source]
format = "csv"
id = "id"
[source.columns]
id = "varchar"
[bounds]
upper = 90
[features]
weight = "numeric"
height = "numeric"
colour = "categorical"
[model]
learning_rate = 0.1
max_depth = 3
"""


@pytest.fixture
def folder(tmp_path):
    return recipe_folder(tmp_path, TOML)


def values(flags=None, environ=None):
    return {key: given.value for key, given in collect(flags or {}, environ or {}).items()}


def test_flags_become_dotted_keys_of_the_recipe():
    flags = {"param": ["max_depth=8", "eta=0.3"], "set": ["bounds.upper=80", "label=age"], "features": "a, b"}
    assert values(flags) == {
        "model.max_depth": 8, "model.eta": 0.3, "bounds.upper": 80, "label": "age", "inputs": ["a", "b"],
    }  # fmt: skip
    assert values({"categorical": "a,b"}) == {"features.a": "categorical", "features.b": "categorical"}


def test_the_environment_says_the_same_in_one_variable_or_one_a_parameter():
    environ = {"AGECLI_PARAM": "max_depth=8 eta=0.3", "AGECLI_SET": "label='two words' bounds.upper=80"}
    assert values({}, environ) == {"model.max_depth": 8, "model.eta": 0.3, "label": "two words", "bounds.upper": 80}
    assert values({}, {"AGECLI_PARAM_MAX_DEPTH": "8"}) == values({}, {"AGECLI_PARAM": "max_depth=8,"[:-1]})


def test_a_flag_wins_over_the_environment_key_by_key():
    found = collect({"param": ["eta=0.5"]}, {"AGECLI_PARAM": "eta=0.3 max_depth=8"})
    assert {key: (given.value, given.origin) for key, given in found.items()} == {
        "model.eta": (0.5, "--param"), "model.max_depth": (8, "AGECLI_PARAM"),
    }  # fmt: skip


def test_the_last_word_counts_under_whichever_name():
    assert values({"param": ["learning_rate=0.5", "eta=0.3"]}) == {"model.eta": 0.3}
    assert values({"param": ["eta=0.3"]}, {"AGECLI_PARAM_LEARNING_RATE": "0.5"}) == {"model.eta": 0.3}
    assert values({"set": ["model.eta=0.3"], "param": ["learning_rate=0.5"]}) == {"model.eta": 0.5}


@pytest.mark.parametrize(
    ("flags", "environ"),
    [
        ({"param": ["max_depth"]}, {}),
        ({"param": ["max_depth=deep"]}, {}),
        ({"param": ["max_depth=true"]}, {}),
        ({"param": ["=8"]}, {}),
        ({"set": ["bounds..upper=8"]}, {}),
        ({"features": " , "}, {}),
        ({"features": ""}, {}),
        ({}, {"AGECLI_SET": "label='half"}),
    ],
)
def test_what_is_no_setting_is_named(flags, environ):
    with pytest.raises(ConfigError):
        collect(flags, environ)


def test_the_recipe_is_as_if_its_file_said_so(folder):
    found = recipe.load(folder, {"model.max_depth": 8, "bounds.upper": 80, "inputs": ["colour", "weight"]})
    assert found.model["max_depth"] == 8
    assert found.bounds.upper == 80
    assert found.model_features == {"colour": "categorical", "weight": "numeric"}
    assert list(found.features) == ["weight", "height", "colour"]  # the feature table stays as it is
    assert found.deciding() != recipe.load(folder).deciding()


def test_a_parameter_replaces_the_same_one_by_its_other_name(folder):
    found = recipe.load(folder, {"model.eta": 0.3})
    assert found.model == {"max_depth": 3, "eta": 0.3}
    spec.check_params(found.model)


@pytest.mark.parametrize("typed", ["1", "1e3", "0x1F", "1_0", "true", "2026-01-01", "0.10", "nan", '"7"'])
def test_text_stays_as_it_was_typed_although_it_looks_like_something_else(folder, typed):
    assert recipe.load(folder, values({"set": [f"default={typed}"]})).default == typed.strip('"')


@pytest.mark.parametrize("typed", ["1e2", "1_00", "+100", "100.00", "0x64"])
def test_a_number_may_be_written_as_one_likes(folder, typed):
    assert recipe.load(folder, values({"set": [f"bounds.upper={typed}"]})).bounds.upper == 100


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"bounds.uper": 80}, "bounds.upper"),
        ({"features.colur": "categorical"}, "colour"),
        ({"inputs": ["weigth"]}, "weight"),
        ({"bounds": 80}, "bounds.KEY=VALUE"),
        ({"label.name": "x"}, "label=VALUE"),
        ({"bounds.upper": "high"}, "correct"),
        ({"confidence.level": 1.5}, "0.8"),
        ({"inputs": []}, "correct"),
        ({"inputs": [["weight"]]}, "weight"),
    ],
)
def test_a_setting_out_of_place_is_refused_as_in_the_file(folder, overrides, named):
    with pytest.raises(ConfigError) as caught:
        recipe.load(folder, overrides)
    assert named in caught.value.fix


def test_the_message_names_what_was_set_for_this_run(folder):
    with pytest.raises(ConfigError, match=r"with confidence\.level set for this run"):
        recipe.load(folder, {"confidence.level": 1.5})


def test_resolved_settings_carry_them(tmp_path):
    settings = config.resolve(tmp_path, {"param": ("max_depth=8",)}, {"AGECLI_FEATURES": "a,b"})
    assert settings.recipe_values() == {"inputs": ["a", "b"], "model.max_depth": 8}
    assert settings.overrides["inputs"].origin == "AGECLI_FEATURES"
