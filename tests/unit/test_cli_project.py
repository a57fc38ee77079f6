"""`agecli init` with a recipe: what it writes, and what it leaves alone."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.cli import main, project
from agecli.config import resolve
from agecli.errors import AgecliError
from agecli.recipe import load, packaged


@pytest.mark.parametrize("name", packaged())
def test_a_project_has_its_settings_and_its_own_copy_of_the_recipe(tmp_path, name, capsys):
    assert main(["init", str(tmp_path / "p"), "--recipe", name, "--source", str(tmp_path / "rows.parquet")]) == 0
    settings = resolve(tmp_path / "p", environ={})
    assert settings["recipe"] == name
    assert settings["source"] == tmp_path / "rows.parquet"
    assert load(tmp_path / "p" / "queries" / name).name == name
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1] == f"next: agecli -C {tmp_path / 'p'} run --all"


def test_profiles_without_a_source_have_the_generators_period(tmp_path):
    assert main(["init", str(tmp_path / "p")]) == 0
    settings = resolve(tmp_path / "p", environ={})
    assert (settings["recipe"], settings["period"], settings["source"]) == ("profiles", "2026Q3", None)


def test_a_recipe_that_needs_a_source_says_that_it_has_none(tmp_path, capsys):
    assert main(["init", str(tmp_path / "p"), "--recipe", "titanic"]) == 0
    assert "set source in" in capsys.readouterr().err.splitlines()[-1]


def test_a_project_that_is_there_is_not_overwritten(tmp_path, capsys):
    (tmp_path / "agecli.toml").write_text("# mine\n")
    assert main(["init", str(tmp_path)]) == 2
    assert "fix: " in capsys.readouterr().err
    assert (tmp_path / "agecli.toml").read_text() == "# mine\n"
    assert not (tmp_path / "queries").exists()


def test_a_recipe_that_was_edited_is_kept(tmp_path):
    assert main(["init", str(tmp_path)]) == 0
    edited = tmp_path / "queries" / "profiles" / "staging.sql"
    edited.write_text(edited.read_text() + "-- mine\n")
    (tmp_path / "agecli.toml").unlink()
    assert main(["init", str(tmp_path)]) == 0
    assert edited.read_text().endswith("-- mine\n")


def test_an_unknown_recipe_names_the_nearest_and_makes_nothing(tmp_path, capsys):
    assert main(["init", str(tmp_path / "p"), "--recipe", "profile"]) == 2
    assert "did you mean profiles?" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


def test_a_source_inside_the_project_moves_with_it(tmp_path):
    assert project.stored_path(str(tmp_path / "p" / "data" / "*.csv"), tmp_path / "p") == "data/*.csv"
    assert project.stored_path(str(tmp_path / "data"), tmp_path / "p") == str(tmp_path / "data")


def test_a_source_is_meant_from_where_the_user_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project.stored_path("rows.csv", Path("p")) == str(tmp_path / "rows.csv")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
def test_every_path_survives_being_written(name):
    line = f"source = {project._quoted(name)}"
    assert tomllib.loads(line)["source"] == name


def test_the_period_of_own_data_is_the_last_complete_quarter(tmp_path):
    project.write_settings(tmp_path, "mine", "x.csv", False, date(2026, 2, 1))
    assert resolve(tmp_path, environ={})["period"] == "2025Q4"


def test_a_place_that_takes_no_files_is_told_before_anything_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    with pytest.raises(AgecliError, match=f"nothing can be written to {tmp_path}") as caught:
        project.check_free(tmp_path / "new" / "deep")
    assert "--workspace" not in caught.value.fix
