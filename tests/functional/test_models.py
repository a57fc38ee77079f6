"""The life of a model at the command line: train, approve, promote, refuse, override, roll back, and what was when.

One small project is trained twice and walked through; what publishes results has projects of its own.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli.models import gates
from tests.functional.conftest import agecli, bytes_below, ok, results_of
from tests.functional.scales import ask, rows, settle, told

PARAMETERS = ("--param", "rounds=60", "--param", "max_depth=4")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A project with results of v1, and v2 trained with a single tree. Tests that change it take `own`."""
    place = settle(tmp_path_factory.mktemp("models") / "scales")
    ok("-C", place, "run", "--all", *PARAMETERS)
    ok("-C", place, "train", "--param", "rounds=1", "--param", "eta=0.05")
    return place


@pytest.fixture
def own(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "own"))


def versions(place: Path, *arguments: str) -> dict[str, dict]:
    return {row["version"]: row for row in told("-C", place, "models", "list", *arguments, "--output", "json").json}


def current(place: Path) -> Path:
    """The folder of the results that are live."""
    results = place / "workspace/scales/2026Q3/results"
    return results / json.loads((results / "_current.json").read_text())["fingerprint"]


def models(place: Path, *arguments: str):
    return ask("-C", place, "models", *arguments)


def test_the_walk_from_training_to_production_and_back(own):
    assert [row["approval"] for row in versions(own).values()] == ["PendingManualApproval"] * 2

    unapproved = models(own, "promote", "v1")
    assert unapproved.code == 8
    assert "v1 is PendingManualApproval" in unapproved.err and "models approve v1" in unapproved.err
    told("-C", own, "models", "approve", "v1", "--reason", "looked at the report")
    told("-C", own, "models", "approve", "v2")
    first = json.loads(told("-C", own, "models", "promote", "v1", "--output", "json").out)
    assert {check["check"] for check in first} == {"approval", "coverage", "confidence"}

    worse = models(own, "promote", "v2", "--to", "production")
    assert worse.code == 8
    assert "v2 is worse: MAE" in worse.err and "of v1 on the same" in worse.err and "95% between" in worse.err
    assert versions(own)["v1"]["stage"] == "production"

    assert models(own, "promote", "v2", "--override").code == 2
    told("-C", own, "models", "promote", "v2", "--override", "--reason", "a trial")
    assert [row["stage"] for row in versions(own).values()] == ["archived", "production"]
    entry = told("-C", own, "models", "show", "v2", "--output", "json").json["history"][-1]
    assert (entry["kind"], entry["reason"], entry["to"]) == ("promote", "a trial", "production")
    assert entry["detail"]["overridden"] and entry["detail"]["instead_of"] == "v1"
    assert {check["check"]: check["passed"] for check in entry["detail"]["checks"]}["comparison"] is False

    back = told("-C", own, "models", "rollback", "--reason", "the trial is over")
    assert "v1" in back.out and "production" in back.out
    assert [row["stage"] for row in versions(own).values()] == ["production", "archived"]
    assert models(own, "rollback").code == 2

    assert (
        told("-C", own, "models", "show", "production", "--at", entry["at"], "--output", "json").json["version"] == "v2"
    )
    assert told("-C", own, "models", "show", "production", "--at", "2126-03-03").out.splitlines()[2].split()[1] == "v1"
    before = models(own, "show", "production", "--at", "2026-03-03")
    assert before.code == 2 and "nothing is in production at 2026-03-03" in before.err


def test_a_worse_model_gets_no_empty_production(own):
    for version in ("v1", "v2"):
        told("-C", own, "models", "approve", version)
    told("-C", own, "models", "promote", "v1")
    taken_out = models(own, "promote", "v1", "--to", "staging")
    assert taken_out.code == 8 and "v1 is in production" in taken_out.err and "--to staging --override" in taken_out.err
    assert versions(own)["v1"]["stage"] == "production"
    told("-C", own, "models", "promote", "v1", "--to", "staging", "--override", "--reason", "a trial")
    worse = models(own, "promote", "v2")
    assert worse.code == 8 and "v2 is worse: MAE" in worse.err and "of v1 on the same" in worse.err


def test_promoting_again_changes_nothing(own):
    told("-C", own, "models", "promote", "v1", "--to", "staging")
    count = len(list((own / "workspace/scales/models/registry").iterdir()))
    assert "already" in told("-C", own, "models", "promote", "v1", "--to", "staging").err
    assert len(list((own / "workspace/scales/models/registry").iterdir())) == count


def test_training_twice_on_the_same_rows_registers_one_version(own):
    ok("-C", own, "train", "--force", *PARAMETERS)
    assert list(versions(own)) == ["v1", "v2"]


def test_a_version_tells_its_figures_parameters_and_schemas(trained):
    told_of = told("-C", trained, "models", "show", "v2", "--output", "json").json
    assert told_of["overrides"] == {"model.rounds": 1, "model.eta": 0.05}
    assert told_of["parameters"]["rounds"] == 1
    assert told_of["metrics"]["model"]["mae"] > 0
    assert told_of["inputs"] == [
        {"name": "height", "kind": "numeric", "type": "real"},
        {"name": "colour", "kind": "categorical", "type": "varchar"},
    ]
    assert [output["name"] for output in told_of["outputs"]] == ["prediction", "confidence", "lower", "upper"]
    assert told_of["history"][0]["kind"] == "register" and told_of["history"][0]["by"]


def test_two_versions_side_by_side(trained):
    compared = told("-C", trained, "models", "compare", "v1", "v2", "--output", "json").json
    assert compared["paired"]["rows"] > 500
    assert compared["paired"]["high"] < 0  # v1 errs less
    assert compared["parameters"]["rounds"] == [60, 1]
    assert "v1 is better" in told("-C", trained, "models", "compare", "v1", "v2").err


def test_versions_whose_rows_are_not_as_they_should_be_are_no_fault_of_agecli(trained, monkeypatch):
    monkeypatch.setattr(gates, "numbers", lambda table: table.column("no such column"))
    refused = models(trained, "compare", "v1", "v2")
    assert refused.code == 3 and "cannot compare v1 with v2" in refused.err


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_every_listing_has_every_form(trained, form):
    for typed in (["list"], ["show", "v1"], ["compare", "v1", "v2"]):
        out = told("-C", trained, "models", *typed, "--output", form).out
        assert out.strip()
        if form == "json":
            json.loads(out)


def test_without_a_command_the_versions_are_listed_and_a_typing_error_is_told(trained):
    assert models(trained).out == models(trained, "list").out
    refused = models(trained, "aprove", "v1")
    assert refused.code == 2 and "did you mean approve?" in refused.err


def test_an_unknown_version_names_the_nearest(trained):
    refused = models(trained, "show", "v7")
    assert refused.code == 2 and "did you mean v2?" in refused.err


@pytest.mark.parametrize("name", ["list", "show", "approve", "reject", "promote", "rollback", "compare"])
def test_every_command_has_help_with_an_example(name):
    answer = told("models", name, "--help")
    assert f"agecli models {name}" in answer.out.partition("Example:")[2]
    assert "--output" in answer.out


def test_a_torn_entry_is_warned_of_and_no_traceback(own):
    (own / "workspace/scales/models/registry/00000002.json").write_text('{"number": 2, "ki')
    assert list(versions(own)) == ["v1"]
    answer = models(own, "approve", "v1")
    assert answer.code == 3 and "00000002.json cannot be read" in answer.err
    run = ok("-C", own, "train", "--force", *PARAMETERS)
    assert "the model is not registered" in run.err


@pytest.mark.parametrize(
    ("file", "code", "said"),
    [("model.ubj", 3, "model.ubj"), ("evaluation.parquet", 8, "cannot be read")],
    ids=["another model", "no evidence"],
)
def test_a_model_whose_files_were_changed_is_not_promoted(own, file, code, said):
    told("-C", own, "models", "approve", "v1")
    folder = own / "workspace/scales/models" / versions(own)["v1"]["digest"]
    (folder / file).write_bytes(b"PAR1")
    answer = models(own, "promote", "v1")
    assert answer.code == code and said in answer.err


def test_a_folder_that_holds_another_version_is_not_taken_for_this_one(own):
    first, second = (own / "workspace/scales/models" / version["digest"] for version in versions(own).values())
    shutil.rmtree(first)
    shutil.copytree(second, first)
    told("-C", own, "models", "approve", "v1")
    for answer in (models(own, "promote", "v1"), models(own, "compare", "v1", "v2")):
        assert answer.code == 3 and f"it is another one, {second.name[:16]}" in answer.err
    assert "holds another model" in ask("-C", own, "run", "--all", "--model", "v1").err


def test_models_of_different_people_are_compared_on_the_candidates(own):
    told("-C", own, "models", "approve", "v2")
    told("-C", own, "models", "promote", "v2")
    others = rows()
    others = others.set_column(0, "id", pa.compute.add(others.column("id"), 10_000))
    pq.write_table(others, own / "rows.parquet", row_group_size=500)
    ok("-C", own, "run", "--to", "train", *PARAMETERS, "--seed", 7)
    told("-C", own, "models", "approve", "v3")
    checks = {check["check"]: check for check in told("-C", own, "models", "promote", "v3", "--output", "json").json}
    assert checks["comparison"]["figures"]["scored_again"] and checks["comparison"]["figures"]["rows"] == 1_000
    ok("-C", own, "cleanup", "--yes")  # with the feature table goes what could be asked
    told("-C", own, "models", "approve", "v1")
    refused = models(own, "promote", "v1")
    assert refused.code == 8 and "0 held-out rows in common, 50 are needed" in refused.err


def test_a_run_predicts_with_a_registered_model_and_trains_none(own):
    assert ask("-C", own, "run", "--all", "--model", "production", "--dry-run").code == 2
    told("-C", own, "models", "promote", "v2", "--to", "staging")
    answer = ok("-C", own, "run", "--all", "--model", "staging", "--publish-anyway", "--reason", "a test")
    assert "train" in answer.err and "staging of the registry" in answer.err
    status = told("-C", own, "status", "--output", "json").json
    assert status["model"] == versions(own)["v2"]["digest"] and status["model_version"] == "v2"
    used = pa.compute.unique(pq.read_table(results_of(own)).column("model")).drop_null().to_pylist()
    assert used == [status["model"]]
    assert list(versions(own)) == ["v1", "v2"]
    ok("-C", own, "run", "--from", "predict", "--model", "v2")
    assert "model       v2, " in ok("-C", own, "status").out
    ok("-C", own, "cleanup", "--yes")  # models stay, whoever made room
    # the other alias is another model: what it made is stale, and comes back whole without being made again
    ok("-C", own, "run", "--all", "--model", "v1", "--publish-anyway", "--reason", "back")
    assert told("-C", own, "status", "--output", "json").json["model_version"] == "v1"


def test_a_run_does_not_predict_with_what_was_rejected(own):
    last = current(own)
    told("-C", own, "models", "reject", "v2")
    refused = agecli("-C", own, "run", "--all", "--param", "rounds=1", "--param", "eta=0.05")
    assert refused.code == 8 and "these inputs train v2, and v2 was rejected" in refused.err
    assert current(own) == last
    assert ask("-C", own, "run", "--all", "--model", "v2").code == 8
    rejected = models(own, "reject", "v1")  # fresh results of it are not told to be good either
    assert "the current results of 2026Q3 were made with v1" in rejected.err
    refused = agecli("-C", own, "run", "--all", *PARAMETERS)
    assert refused.code == 8 and "v1 was rejected" in refused.err and "models approve v1" in refused.err
    told("-C", own, "models", "approve", "v1")
    ok("-C", own, "run", "--all", *PARAMETERS)


def test_a_model_in_the_settings_file_is_for_predicting_and_train_still_trains(own):
    with (own / "agecli.toml").open("a") as file:
        file.write('model = "v2"\n')
    planned = told("-C", own, "run", "--all", "--dry-run", "--param", "rounds=7", "--output", "json").json
    assert [stage["stage"] for stage in planned if stage["action"] == "run"] == ["predict", "aggregate", "cleanup"]
    (training,) = told("-C", own, "train", "--dry-run", "--param", "rounds=7", "--output", "json").json
    assert training["action"] == "run"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('colour = "categorical"\n', "", "the recipe has no colour"),
        ("tolerance = 2", "tolerance = 3", "its tolerance is 2.0, the recipe's 3.0"),
    ],
)
def test_a_model_that_does_not_fit_the_recipe_is_refused_before_anything_runs(own, old, new, said):
    path = own / "queries/scales/recipe.toml"
    head, _, features = path.read_text().rpartition("[features]")
    path.write_text(head.replace(old, new) + "[features]" + features.replace(old, new))
    answer = ask("-C", own, "run", "--all", "--model", "v1")
    assert answer.code == 2
    assert "model v1 does not fit this recipe" in answer.err and said in answer.err


def test_settings_for_one_run_are_recorded_and_make_another_model(own):
    before = told("-C", own, "status", "--output", "json").json["model"]
    ok("-C", own, "train", "--features", "height", "--set", "confidence.level=0.9")
    status = told("-C", own, "status", "--output", "json").json
    assert status["model"] != before and status["interval"]["level"] == 0.9
    folder = own / "workspace/scales/2026Q3/runs" / status["run_id"]
    overrides = {"inputs": ["height"], "confidence.level": 0.9}
    assert json.loads((folder / "settings.json").read_text())["overrides"] == overrides
    card = json.loads((own / "workspace/scales/models" / status["model"] / "card.json").read_text())
    assert card["overrides"] == overrides and card["spec"]["features"] == [["height", "numeric"]]
    # the feature table serves both, and the same settings find the same model
    assert not ask("-C", own, "train", "--features", "height", "--set", "confidence.level=0.9", "--dry-run").out.count(
        "run "
    )


def test_a_number_may_be_a_category_for_one_run(own):
    ok("-C", own, "run", "--to", "train", "--categorical", "height")
    model = told("-C", own, "status", "--output", "json").json["model"]
    card = json.loads((own / "workspace/scales/models" / model / "card.json").read_text())
    assert card["spec"]["features"][0] == ["height", "categorical"]


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (["--param", "max_dept=8"], "max_depth"),
        (["--param", "max_depth=800"], "between 1 and 16"),
        (["--set", "bounds.uper=9"], "bounds.upper"),
        (["--features", "heigth"], "height"),
    ],
)
def test_a_setting_that_is_none_is_refused_before_anything_runs(trained, typed, named):
    answer = ask("-C", trained, "run", "--all", *typed)
    assert answer.code == 2 and named in answer.err


def test_config_shows_what_holds_for_this_run(trained):
    rows_of = told("-C", trained, "config", "--param", "eta=0.3", "--output", "json").json
    assert {"setting": "model.eta", "value": 0.3, "origin": "--param"}.items() <= rows_of[-1].items()


# ---- the publication gate


def test_results_unlike_the_last_ones_are_not_published_until_somebody_says_so(own):
    last = current(own)
    refused = agecli("-C", own, "run", "--all", "--model", "v2")
    assert refused.code == 8
    assert "the standard deviation of the predictions is" in refused.err
    status = told("-C", own, "status", "--output", "json").json
    assert status["state"] == "refused" and status["error"]["exit_code"] == 8
    pointer = json.loads((last.parent / "_current.json").read_text())
    assert pointer == {"fingerprint": last.name}
    (new,) = [path for path in last.parent.iterdir() if path.is_dir() and path != last]
    stamps = {path: path.stat().st_mtime_ns for path in new.iterdir()}

    assert agecli("-C", own, "run", "--all", "--model", "v2").code == 8
    assert ask("-C", own, "run", "--all", "--publish-anyway").code == 2
    ok("-C", own, "run", "--all", "--model", "v2", "--publish-anyway", "--reason", "so it is meant")
    assert {path: path.stat().st_mtime_ns for path in new.iterdir()} == stamps  # nothing was computed again
    record = json.loads((last.parent / "_current.json").read_text())
    assert record["fingerprint"] == new.name
    assert record["publication"]["reason"] == "so it is meant" and record["publication"]["changes"]
    assert told("-C", own, "status", "--output", "json").json["publication"] == record["publication"]


def test_half_of_the_rows_are_not_published_and_the_recipe_may_allow_it(own):
    last = bytes_below(current(own))
    pq.write_table(rows().slice(0, 900), own / "rows.parquet", row_group_size=500)
    refused = agecli("-C", own, "run", "--all", *PARAMETERS)
    assert refused.code == 8 and "there are 900 rows, were 2,000" in refused.err
    assert bytes_below(current(own)) == last
    assert told("-C", own, "sql", "SELECT COUNT(*) AS n FROM results", "--output", "json").json == [{"n": 2_000}]
    ok("-C", own, "run", "--all", *PARAMETERS, "--set", "publication.rows_lost=0.9")
    assert told("-C", own, "status", "--output", "json").json["rows_out"] == 900


def test_a_run_with_other_sql_and_parameters_is_published(own):
    path = own / "queries/scales/features.sql"
    path.write_text(path.read_text().replace("height, colour", "height + 1 AS height, colour"))
    ok("-C", own, "run", "--all", "--param", "rounds=30", "--set", "confidence.tolerance=4")
