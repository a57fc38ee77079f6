"""Recipes are read strictly: an unknown key or a value out of place is an error that names the remedy."""

from datetime import date

import pytest

from agecli import recipe
from agecli.errors import ConfigError

from .recipe_folder import recipe_folder

TOML = """
name = "heights"
task = "regression"
label = "height"
default = 170

[source]
format = "csv"
id = "id"
[source.columns]
id = "varchar"

[bounds]
lower = 50
upper = 250

[confidence]
tolerance = 5

[features]
weight = "numeric"
"""


@pytest.fixture
def folder(tmp_path):
    return recipe_folder(tmp_path, TOML)


def test_a_recipe_is_read_with_the_shared_results(folder):
    found = recipe.load(folder)
    assert found.features == {"weight": "numeric"}
    assert found.level == 0.8
    assert "${predictions}" in found.sql["results"]


def test_an_unknown_key_names_the_nearest_known_one(folder):
    (folder / "recipe.toml").write_text(TOML.replace("lower", "lowr"))
    with pytest.raises(ConfigError) as caught:
        recipe.load(folder)
    assert "bounds.lower" in caught.value.fix


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"regression"', '"ranking"', "task"),
        ('weight = "numeric"', 'weight = "number"', "weight"),
        ('weight = "numeric"', '"Weight kg" = "numeric"', "Weight kg"),
        ("tolerance = 5", "tolerance = 0", "tolerance"),
        ("lower = 50", 'lower = "fifty"', "bounds.lower"),
        ("upper = 250", "upper = inf", "bounds.upper"),
        ("upper = 250", "upper = 40", "bounds"),
        ('id = "id"', 'id = "number"', "source.id"),
        ('id = "varchar"', 'id = "bigint"', "every column of csv is text"),
        ('id = "varchar"', "id = 7", "source.columns.id"),
        ('name = "heights"', 'name = "../up"', "name"),
        ("[features]", "[feature", "TOML"),
    ],
)
def test_a_value_out_of_place_is_named(folder, old, new, named):
    (folder / "recipe.toml").write_text(TOML.replace(old, new))
    with pytest.raises(ConfigError, match=named):
        recipe.load(folder)


def test_an_unknown_placeholder_is_refused_before_anything_runs(folder):
    (folder / "features.sql").write_text("SELECT id FROM ${stagin}")
    with pytest.raises(ConfigError) as caught:
        recipe.load(folder)
    assert "staging" in caught.value.fix


def test_segments_and_monotone_features_are_read(folder):
    (folder / "recipe.toml").write_text(
        TOML.replace("default = 170", 'default = 170\nsegments = ["weight"]') + "\n[monotone]\nweight = 1\n"
    )
    found = recipe.load(folder)
    assert found.segments == ("weight",) and found.monotone == {"weight": 1}
    assert found.deciding() != recipe.load(folder, {"monotone.weight": -1}).deciding()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("default = 170", 'default = 170\nsegments = ["wait"]', "did you mean weight"),
        ("default = 170", 'default = 170\nsegments = [["weight"]]', "did you mean weight"),
        ("default = 170", 'default = 170\nsegments = "weight"', "correct"),
        ("[features]", "[monotone]\nwait = 1\n[features]", "did you mean weight"),
        ("[features]", "[monotone]\nweight = 2\n[features]", "correct"),
        ("[features]", "[monotone]\nweight = true\n[features]", "correct"),
        ('weight = "numeric"', 'weight = "numeric"\nsex = "categorical"\n[monotone]\nsex = 1', "known: weight"),
    ],
)
def test_segments_and_monotone_name_features_that_are_there(folder, old, new, named):
    (folder / "recipe.toml").write_text(TOML.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        recipe.load(folder)
    assert named in caught.value.fix


def test_overrides_count_as_if_they_were_written(folder):
    assert recipe.load(folder, {"bounds.upper": 200}).bounds.upper == 200


def test_render_substitutes_placeholders_and_nothing_else():
    sql = "SELECT '$5', '$${', ${as_of} FROM ${source}"
    assert (
        recipe.render(sql, {"source": "s", "as_of": "DATE '2026-09-30'"})
        == "SELECT '$5', '$${', DATE '2026-09-30' FROM s"
    )


@pytest.mark.parametrize(
    ("period", "last"),
    [
        ("2026Q3", date(2026, 9, 30)),
        ("2026Q4", date(2026, 12, 31)),
        ("2024-02", date(2024, 2, 29)),
        ("2025", date(2025, 12, 31)),
    ],
)
def test_a_period_stands_for_its_last_day(period, last):
    assert recipe.as_of(period) == last


@pytest.mark.parametrize("period", ["2026Q5", "2026-13", "26Q1", "", "0000Q1", "2026Q3 "])
def test_a_period_of_another_form_is_refused(period):
    with pytest.raises(ConfigError):
        recipe.as_of(period)


def test_the_last_complete_quarter():
    assert recipe.last_complete_quarter(date(2026, 11, 21)) == "2026Q3"
    assert recipe.last_complete_quarter(date(2026, 1, 1)) == "2025Q4"


@pytest.mark.parametrize("name", ["recipe.toml", "staging.sql", "features.sql"])
def test_a_file_that_is_not_utf8_is_named(folder, name):
    (folder / name).write_bytes((folder / name).read_text().encode("utf-16"))
    with pytest.raises(ConfigError, match=f"{name} is not UTF-8: byte 0 is 0xff"):
        recipe.load(folder)


def test_the_mark_that_some_editors_write_first_is_passed_over(folder):
    for path in folder.iterdir():
        path.write_text(path.read_text(), encoding="utf-8-sig")
    assert not recipe.load(folder).sql["staging"].startswith("\ufeff")
