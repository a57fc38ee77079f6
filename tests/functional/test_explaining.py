"""Why rows got their values, and whether figures carry over, from the command line over small planted projects."""

from __future__ import annotations

import csv
import html
import io
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli.models import shift
from agecli.models.spec import ModelSpec
from agecli.pipeline import source as sources
from tests.functional.conftest import agecli, ok
from tests.functional.scales import RECIPE, ROWS, damage, rows, settle
from tests.functional.test_real_recipes import load, tables

MODEL = """
[model]
rounds = 30
eta = 0.3
"""


def known_with_a_shift(number: int, height: float) -> bool:
    """Four of five low things were weighed, and one of five high ones."""
    return number * 11 % 5 < (4 if height < 5 else 1)


def made(place: Path, text_ids: bool, shifted: bool, settings: str = "") -> Path:
    """A project that has run once; its weights are in kg."""
    toml = RECIPE.replace("default = 10", 'unit = "kg"') + MODEL
    table = rows(known_with_a_shift, gaps=False) if shifted else rows(gaps=False)
    if text_ids:
        toml = toml.replace('id = "bigint"', 'id = "varchar"')
        table = table.set_column(0, "id", pa.array([f"thing 'n' {number}" for number in range(ROWS)]))
    settle(place, toml, table, f"workers = 1\n{settings}")
    ok("-C", place, "run", "--all")
    return place


@pytest.fixture(scope="module")
def alike(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("alike"), text_ids=False, shifted=False)


@pytest.fixture(scope="module")
def shifted(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("shifted"), text_ids=True, shifted=True)


def run_id(run: dict) -> str:
    return run["run_id"]


def report_of(project: Path, *run: str) -> str:
    """The text of the report of the last run, or of another one."""
    return Path(ok("-C", project, "report", *run).out.strip()).read_text()


def card_of(project: Path) -> dict:
    (path,) = project.glob("workspace/scales/models/*/card.json")
    return json.loads(path.read_text())


def test_a_shift_is_said_in_card_summary_and_status_of_every_later_run(shifted):
    card = card_of(shifted)
    assert card["shift"]["differs"] is True
    assert card["shift"]["features"][0]["feature"] == "height"
    (warning,) = [text for text in card["warnings"] if "may not carry over" in text]
    again = ok("-C", shifted, "run", "--all")  # all is fresh
    for said in (again.err, ok("-C", shifted, "status").out):
        assert "rows with and without a label differ (AUC 0." in said
        assert "warning     the rows without a label are not like those with one" in said
    assert warning.split(" (AUC")[0] in html.unescape(report_of(shifted))
    status = ok("-C", shifted, "status", "--output", "json").json
    assert status["shift"] == card["shift"]
    assert warning in status["warnings"]


def test_without_a_shift_nothing_warns(alike):
    status = ok("-C", alike, "status", "--output", "json").json
    assert status["shift"]["differs"] is False
    assert status["warnings"] == []
    assert "alike as far as the features tell" in ok("-C", alike, "status").out
    assert "may not carry over" not in report_of(alike)


def test_other_unlabelled_rows_are_judged_anew_although_the_model_stays_the_same(alike, tmp_path):
    """The labelled rows are those of `alike`; the others are all of one colour now."""
    project = made(tmp_path / "own", text_ids=False, shifted=False)
    before = ok("-C", project, "status", "--output", "json").json
    table = rows(gaps=False)
    known = table["weight"].is_valid().to_pylist()
    colours = [c if k else "blue" for c, k in zip(table["colour"].to_pylist(), known, strict=True)]
    pq.write_table(table.set_column(3, "colour", pa.array(colours)), project / "rows.parquet")
    ok("-C", project, "run", "--to", "predict")  # not published: the gate might find the change too great
    after = ok("-C", project, "status", "--output", "json").json
    assert after["model"] == before["model"]
    assert (before["shift"]["differs"], after["shift"]["differs"]) == (False, True)
    assert any("colour ('blue' in 100%" in text for text in after["warnings"])
    first, last = (run["run_id"] for run in sorted(ok("-C", project, "runs", "--output", "json").json, key=run_id))
    assert "may not carry over" not in report_of(project, first)
    assert "may not carry over" in report_of(project, last)


def test_importance_is_in_card_summary_and_status(alike):
    importance = card_of(alike)["importance"]
    assert [one["feature"] for one in importance] == ["height", "colour"]
    assert importance[0]["mean_abs_shap"] == pytest.approx(5, rel=0.2)  # 2 * the mean distance of heights from 5
    assert ok("-C", alike, "status", "--output", "json").json["importance"] == importance
    assert "importance  height " in ok("-C", alike, "status").out


def test_a_row_is_explained_and_its_contributions_add_up_to_the_prediction(alike):
    low, high = ok("-C", alike, "explain", "--id", 0, "--id", "27", "--output", "json").json
    assert (low["id"], high["id"]) == (0, 27)  # 0 has height 0 and is red, 27 has height 9.99 and is red and weighed
    for one in (low, high):
        contributions = [reason["contribution"] for reason in one["reasons"]]
        assert one["base"] + sum(contributions) + one["others"] == pytest.approx(one["prediction"], abs=1e-4)
        assert one["scale"] == "kg"
    assert (low["source"], high["source"]) == ("PREDICTED", "KNOWN")
    assert low["value"] == low["prediction"]
    assert low["lower"] < low["value"] < low["upper"]
    assert low["reasons"][0] == {"feature": "height", "value": 0.0, "contribution": low["reasons"][0]["contribution"]}
    assert low["reasons"][0]["contribution"] < -7
    assert high["reasons"][0]["contribution"] > 7
    assert high["value"] != high["prediction"]


def test_all_forms_of_an_explanation_add_up(shifted):
    name = "thing 'n' 1001"
    lines = list(
        csv.DictReader(io.StringIO(ok("-C", shifted, "explain", "--id", name, "--top", 1, "--output", "csv").out))
    )
    assert [line["feature"] for line in lines] == ["(base value)", "height", "(all others)"]
    (row,) = ok("-C", shifted, "explain", "--id", name, "--output", "json").json
    assert sum(float(line["contribution"]) for line in lines) == pytest.approx(row["prediction"], abs=1e-4)
    shown = ok("-C", shifted, "explain", "--id", name).out
    assert shown.startswith(f"{name}: ")
    assert "(base value)" in shown
    assert "together" in shown
    assert "| (base value) |" in ok("-C", shifted, "explain", "--id", name, "--output", "markdown").out


def test_a_row_named_twice_is_explained_once(alike):
    assert len(ok("-C", alike, "explain", "--id", 3, "--id", "03", "--output", "json").json) == 1


@pytest.mark.parametrize(("name", "why"), [("2000", "none of the 2,000 rows"), ("x", "whole numbers"), ("", "whole")])
def test_an_id_that_is_not_there_is_said(alike, name, why):
    answer = agecli("-C", alike, "explain", "--id", "1", "--id", name)
    assert answer.code == 2
    assert f"no row with id {name!r}" in answer.err
    assert why in answer.err


def test_without_results_there_is_nothing_to_explain(tmp_path):
    ok("init", tmp_path / "new")
    answer = agecli("-C", tmp_path / "new", "explain", "--id", "1")
    assert answer.code == 2
    assert "there are no results yet" in answer.err


def reasons_of(project: Path) -> list[dict]:
    query = "SELECT id, source, value, reason_1, reason_2 FROM results ORDER BY id"
    return ok("-C", project, "sql", query, "--output", "json").json


def test_results_can_carry_the_reasons_of_each_prediction(tmp_path):
    project = made(tmp_path / "own", text_ids=False, shifted=False)
    before = ok("-C", project, "status", "--output", "json").json
    without = ok("-C", project, "sql", "SELECT * FROM results", "--output", "json").json
    ok("-C", project, "run", "--all", "--reasons", 2)
    after = ok("-C", project, "status", "--output", "json").json
    assert after["model"] == before["model"]
    assert [stage["name"] for stage in after["stages"] if not stage["skipped"]] == ["predict", "aggregate", "cleanup"]
    rows = ok("-C", project, "sql", "SELECT * FROM results", "--output", "json").json
    assert [{name: row[name] for name in without[0]} for row in rows] == without
    for row in reasons_of(project):
        assert (row["source"] == "KNOWN") == (row["reason_1"] is None)
        assert row["reason_1"] or not row["reason_2"]
    (one,) = ok("-C", project, "explain", "--id", 0, "--output", "json").json
    said = reasons_of(project)[0]["reason_1"]
    assert said == f"height {one['reasons'][0]['contribution']:+.1f}"


def test_more_reasons_than_features_are_refused(alike):
    answer = agecli("-C", alike, "predict", "--reasons", 3)
    assert answer.code == 2
    assert "the model of scales goes by 2 features" in answer.err and "fix: --reasons 2 at most" in answer.err


def test_reasons_are_a_setting_that_decides_results(alike):
    planned = ok("-C", alike, "run", "--all", "--dry-run", "--reasons", 1, "--output", "json").json
    assert [stage["stage"] for stage in planned if stage["action"] == "run"] == ["predict", "aggregate", "cleanup"]


def test_a_results_sql_of_its_own_must_say_where_the_reasons_go(tmp_path):
    project = made(tmp_path / "own", text_ids=False, shifted=False)
    shared = (Path(__file__).parents[2] / "queries" / "results.sql").read_text()
    own = project / "queries" / "scales" / "results.sql"
    own.write_text(shared.replace("${reasons}", ""))
    answer = agecli("-C", project, "run", "--all", "--reasons", 1)
    assert answer.code == 2
    assert "results.sql gives no reason_1" in answer.err
    assert "${reasons} behind the last column" in answer.err
    own.write_text(shared)
    ok("-C", project, "run", "--all", "--reasons", 1)
    assert "reason_1" in ok("-C", project, "sql", "SELECT * FROM results LIMIT 1", "--output", "json").json[0]


def test_rows_of_failed_batches_have_no_reasons(tmp_path):
    project = made(tmp_path / "own", text_ids=False, shifted=False, settings="batch_rows = 500\nreasons = 1\n")
    places = project / "workspace" / "scales" / "2026Q3"
    damage(places / "features", row_group=2)
    shutil.rmtree(places / "predictions")
    shutil.rmtree(places / "results")
    assert agecli("-C", project, "run", "--all").code == 6
    query = "SELECT source, COUNT(*) AS n, COUNT(reason_1) AS reasons FROM results GROUP BY source ORDER BY source"
    found = {row["source"]: row for row in ok("-C", project, "sql", query, "--output", "json").json}
    assert found["PREDICTED"]["reasons"] == found["PREDICTED"]["n"] > 0
    assert found["DEFAULT"]["n"] > 0
    assert found["DEFAULT"]["reasons"] == 0


def real_shift(name: str, path: Path) -> dict:
    recipe = load(name)
    _, features = tables(recipe, sources.find(recipe, path).table)
    spec = ModelSpec(recipe.task, tuple(recipe.features.items()), tolerance=recipe.tolerance, seed=42)
    return shift.compare(shift.sample(features.to_batches, spec), spec)


def test_legislators_without_a_birthday_are_said_to_be_of_another_time(real_data):
    found = real_shift("legislators", real_data / "legislators" / "legislators.parquet")
    assert found["low"] > 0.85
    assert "last_year (median 18" in (shift.warning(found) or "")


def test_passengers_who_were_drawn_for_the_test_are_like_the_others(real_data):
    found = real_shift("titanic", real_data / "titanic" / "*.csv")
    assert found["rows"] == {"labelled": 891, "unlabelled": 418, "compared": 1_309}
    assert found["differs"] is False
    assert found["low"] < 0.55
