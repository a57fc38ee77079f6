"""The commands as a user meets them, over a small project of its own that has run once."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pyarrow.parquet as pq
import pytest

from agecli.cli import main
from tests.functional.conftest import agecli, command, environment, ok
from tests.functional.scales import FEATURES, ROWS, ask, damage, rows, settle, told


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A project that has run once. Tests that change it take `own`."""
    place = settle(tmp_path_factory.mktemp("cli") / "scales")
    ok("-C", place, "run", "--all")
    return place


@pytest.fixture
def own(finished, tmp_path) -> Path:
    """A copy of the finished project, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "own"))


def test_status_as_json_has_what_scripts_rely_on(finished):
    answer = told("-C", finished, "status", "--output", "json")
    status = answer.json
    assert answer.err == ""
    assert status["state"] == "done"
    assert (status["recipe"], status["task"]) == ("scales", "regression")
    assert status["rows_in"] == status["rows_out"] == ROWS
    assert status["known"] + status["predicted"] + status["defaulted"] == ROWS
    assert Path(status["results"]).is_dir()
    assert set(status["metrics"]) >= {"model", "baseline", "mean"}
    assert set(status["metrics"]["model"]) >= {"mae", "rmse", "r2"}
    assert (status["metrics"]["test_rows"], status["metrics"]["interval"]) == (status["test_rows"], status["interval"])
    assert status["test_rows"] > 0
    assert set(status["interval"]) >= {"level", "coverage", "mean_width"}
    assert [stage["name"] for stage in status["stages"]] == [
        "stage", "features", "train", "batches", "predict", "aggregate", "cleanup",
    ]  # fmt: skip
    assert all({"name", "state", "seconds", "rows", "skipped"} <= set(stage) for stage in status["stages"])


def test_status_for_people_is_the_closing_summary(finished):
    text = told("-C", finished, "status").out
    assert f"{ROWS:,} in, {ROWS:,} out" in text
    assert "80% interval" in text
    assert "40 height (read as missing)" in text


def test_status_finds_a_run_by_the_beginning_of_its_id(finished):
    (run,) = told("-C", finished, "runs", "--output", "json").json
    assert told("-C", finished, "status", run["run_id"][:12], "--output", "json").json["run_id"] == run["run_id"]
    refused = ask("-C", finished, "status", "nothing")
    assert refused.code == 2
    assert f"`agecli -C {finished} runs` lists them" in refused.err


@pytest.mark.parametrize("name", ["status", "runs", "config", "logs", "doctor"])
@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_every_listing_has_every_form(finished, name, form):
    out = told("-C", finished, name, "--output", form).out
    if form == "json":
        json.loads(out)
    elif form == "csv":
        lines = list(csv.reader(io.StringIO(out)))
        assert len(lines) > 1
        assert len({len(line) for line in lines}) == 1
    elif form == "markdown":
        assert all(line.startswith("|") for line in out.splitlines())


def test_logs_tell_the_run_and_can_be_cut_to_a_stage(finished):
    assert "of scales 2026Q3" in told("-C", finished, "logs").out
    only = told("-C", finished, "logs", "--stage", "predict", "--output", "json").json
    assert {row["stage"] for row in only} == {"predict"}
    assert sum(row["kind"] == "batch_finished" for row in only) == 4


def test_following_a_run_that_is_over_ends(finished):
    assert "run finished" in told("-C", finished, "logs", "--follow").out


@pytest.mark.parametrize("table", ["source", "staging", "features", "predictions", "results"])
def test_sql_knows_the_workspaces_tables(finished, table):
    assert told("-C", finished, "sql", f"SELECT COUNT(*) AS n FROM {table}", "--output", "json").json == [{"n": ROWS}]


def test_sql_sees_the_same_staging_whether_it_is_stored_or_not(own):
    query = ("-C", own, "sql", "SELECT * FROM Staging ORDER BY id", "--output", "json")
    computed = told(*query).json
    told("-C", own, "stage")
    assert told(*query).json == computed
    assert set(computed[0]) >= {"id", "known_label", "label_source", "label_outside"}


@pytest.mark.parametrize("source", ["*.parquet", "."], ids=["glob", "folder"])
def test_sql_knows_a_source_of_several_files(own, source):
    shutil.rmtree(own / "workspace")
    place = own / "rows"
    place.mkdir()
    (own / "rows.parquet").rename(place / "rows.parquet")
    query = "SELECT COUNT(*) AS n FROM source"
    assert told("-C", own, "sql", query, "--source", place / source, "--output", "json").json == [{"n": ROWS}]


def test_a_source_that_is_gone_leaves_the_results_to_be_asked(own):
    (own / "rows.parquet").unlink()
    assert told("-C", own, "sql", "SELECT COUNT(*) AS n FROM results", "--output", "json").json == [{"n": ROWS}]


def test_sql_prints_csv_that_reads_back(finished):
    query = "SELECT id, value, source FROM results WHERE source = 'KNOWN'"
    out = told("-C", finished, "sql", query, "--output", "csv").out
    assert len(list(csv.DictReader(io.StringIO(out)))) == ROWS // 2


def test_sql_as_a_table_is_cut_and_says_so(finished):
    answer = told("-C", finished, "sql", "SELECT id FROM results")
    assert len(answer.out.splitlines()) == 102
    assert "--limit 0" in answer.err
    assert len(told("-C", finished, "sql", "SELECT id FROM results", "--limit", 7).out.splitlines()) == 9


def test_sql_needs_no_project(tmp_path):
    done = subprocess.run(
        command("sql", "SELECT 7 / 2 AS q", "--output", "json"),
        capture_output=True, text=True, cwd=tmp_path, env=environment(), check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [{"q": 3}]


@pytest.mark.parametrize(
    "query", ["SELECT median(id) FROM results", "SELECT no_such FROM results", "SELEC 1", "", "DROP TABLE results"]
)
def test_sql_that_cannot_be_run_is_refused_with_2(finished, query):
    refused = ask("-C", finished, "sql", query)
    assert refused.code == 2
    assert refused.err.startswith("error: ")
    assert refused.out == ""


def test_a_second_run_skips_what_is_fresh_and_a_dry_run_says_so(finished, own):
    planned = told("-C", own, "run", "--all", "--dry-run", "--output", "json").json
    assert {row["stage"] for row in planned if row["action"] == "skip"} >= {"stage", "train", "predict", "aggregate"}
    answer = told("-C", own, "run", "--all")
    assert answer.out == ""
    assert answer.err.count("skipped: fresh") == 6
    assert answer.err.splitlines()[-1].startswith("next: agecli -C ")


def test_a_run_tells_scripts_on_stdout_what_status_tells_them(own):
    answer = told("-C", own, "run", "--all", "--output", "json")
    assert answer.json == told("-C", own, "status", "--output", "json").json
    assert "skipped: fresh" in answer.err
    stages = list(csv.DictReader(io.StringIO(told("-C", own, "batches", "--output", "csv").out)))
    assert [row["name"] for row in stages] == ["batches"]


def test_sql_over_what_no_run_has_made_yet_says_what_makes_it(finished):
    refused = ask("-C", finished, "sql", "SELECT * FROM Results", "--period", "2025Q1")
    assert refused.code == 2
    assert "error: no results yet: no run has made this table for 2025Q1" in refused.err
    assert f"fix: agecli -C {finished} run --all" in refused.err


def test_sql_answers_from_what_the_last_run_took_for_fresh(own):
    asked = ("-C", own, "sql", "SELECT SUM(height) AS s FROM features", "--output", "json")
    before = told(*asked).json
    sql = next(own.glob("queries/*/features.sql"))
    sql.write_text(FEATURES.replace(" height,", " height * 2 AS height,"))
    told("-C", own, "features")
    assert told(*asked).json != before
    sql.write_text(FEATURES)
    assert "fresh" in told("-C", own, "features").err
    assert told(*asked).json == before


def test_a_module_beside_the_data_is_not_run(own):
    (own / "queue.py").write_text("raise SystemExit('not mine')")
    entry = [sys.executable, "-c", "from agecli.cli import main; main()"]
    again = [*entry, "batches", "--force"]
    environs = environment() | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONSAFEPATH": ""}
    done = subprocess.run([again[0], "-P", *again[1:]], cwd=own, env=environs, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_dry_run_writes_nothing(own):
    before = sorted(own.rglob("*"))
    told("-C", own, "run", "--all", "--force", "--dry-run")
    assert sorted(own.rglob("*")) == before


def test_the_stage_command_stores_the_staging_table(own):
    first, second = told("-C", own, "stage"), told("-C", own, "stage")
    assert "checked, but not stored as a table" in first.err
    assert "skipped: fresh" in second.err
    assert len(list(own.glob("workspace/*/*/staging/*/*.parquet"))) == 1


@pytest.mark.parametrize("stage", ["features", "train", "batches", "predict", "aggregate"])
def test_each_stage_is_a_command_of_its_own(own, stage):
    answer = told("-C", own, stage)
    assert f"{stage:<9}  skipped: fresh" in answer.err


def test_single_batches_are_predicted_again(own):
    answer = ok("-C", own, "predict", "--batch", 1, "--batch", 3)
    assert "2 batches" in answer.err
    none = ask("-C", own, "predict", "--batch", 99)
    assert none.code == 2
    assert "no batch 99" in none.err


def test_batches_that_fail_end_with_6_and_get_the_default(own):
    places = own / "workspace" / "scales" / "2026Q3"
    damage(places / "features", row_group=2)
    shutil.rmtree(places / "predictions")
    shutil.rmtree(places / "results")
    answer = agecli("-C", own, "run", "--all")
    assert answer.code == 6
    assert "batch 2 failed" in answer.err
    assert "agecli -C" in answer.err and "predict --failed" in answer.err
    status = told("-C", own, "status", "--output", "json").json
    assert status["state"] == "partial"
    failed = next(stage for stage in status["stages"] if stage["name"] == "predict")["batches_failed"]
    assert failed == [2]
    again = agecli("-C", own, "predict", "--failed")
    assert again.code == 6
    assert "batch 2 failed" in again.err


def test_a_stage_whose_input_is_missing_names_the_command_that_makes_it(own):
    shutil.rmtree(own / "workspace")
    refused = ask("-C", own, "predict")
    assert refused.code == 2
    assert f"fix: agecli -C {own} run --to predict" in refused.err


@pytest.mark.parametrize(("answer", "said"), [(False, "nothing is removed"), (True, "results and models are kept")])
def test_whoever_says_no_to_cleanup_has_pressed_no_ctrl_c(own, monkeypatch, capsys, answer, said):
    def confirm(text, abort=False, **_):
        if abort and not answer:
            raise click.Abort
        return answer

    monkeypatch.setattr(click, "confirm", confirm)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    before = set(own.rglob("*"))
    assert main(["-C", str(own), "cleanup"]) == 0
    assert said in capsys.readouterr().err
    assert (set(own.rglob("*")) == before) is not answer


def test_cleanup_shows_what_goes_and_keeps_results_and_models(own):
    listed = told("-C", own, "cleanup", "--dry-run", "--output", "json").json
    assert listed
    assert all(Path(item["path"]).exists() for item in listed)
    told("-C", own, "cleanup", "--yes")
    assert not any(Path(item["path"]).exists() for item in listed)
    assert Path(told("-C", own, "status", "--output", "json").json["results"] or own).exists()
    assert told("-C", own, "sql", "SELECT COUNT(*) AS n FROM results", "--output", "json").json == [{"n": ROWS}]
    assert list((own / "workspace" / "scales" / "models").iterdir())


def test_with_json_logs_stderr_is_json_lines_to_the_last(own):
    answer = ok("-C", own, "--log-format", "json", "run", "--from", "predict", "--force")
    kinds = [json.loads(line)["kind"] for line in answer.err.splitlines()]
    assert kinds[-1] == "run_finished"
    assert "progress" in kinds
    failed = agecli("-C", own, "run", "--all", "--log-format", "json", "--source", own / "missing.parquet")
    assert failed.code == 2
    assert json.loads(failed.err.splitlines()[-1])["exit_code"] == 2


def hears_ctrl_c() -> None:
    """A shell's background jobs, and what they start, ignore Ctrl-C: the tests may be such a job."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_says_how_to_go_on_and_goes_on(own, number, code):
    process = subprocess.Popen(
        command("-C", own, "run", "--all", "--force"), stderr=subprocess.PIPE, text=True, env=environment(),
        preexec_fn=hears_ctrl_c,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "train      started" in line:
            break
    process.send_signal(number)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == code
    assert "Traceback" not in rest
    assert f"agecli -C {own} run --all" in rest
    assert told("-C", own, "status", "--output", "json").json["state"] == "interrupted"
    ok("-C", own, "run", "--all")
    assert told("-C", own, "status", "--output", "json").json["state"] == "done"


def test_a_reader_that_goes_away_is_quiet(finished):
    process = subprocess.Popen(
        command("-C", finished, "sql", "SELECT a.id FROM results a CROSS JOIN results b", "--output", "csv"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == b"id\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


def test_on_a_terminal_there_is_a_live_table_and_no_escape_codes_elsewhere(own):
    pty = pytest.importorskip("pty", reason="no pseudo-terminals on this platform")
    main_side, side = pty.openpty()
    env = {**environment(), "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(command("-C", own, "run", "--from", "aggregate", "--force"), stderr=side, env=env)
    os.close(side)
    seen = b""
    while chunk := _read(main_side):
        seen += chunk
    os.close(main_side)
    assert process.wait(timeout=60) == 0
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen).decode()
    assert b"\x1b[2K" in seen
    assert "> aggregate" in text
    assert "next: agecli" in text.splitlines()[-1]
    assert "\x1b" not in told("-C", own, "run", "--all").err


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # how Linux says that the other side has closed
        return b""


def test_doctor_finds_this_machine_fit(finished):
    found = {row["check"]: row for row in told("-C", finished, "doctor", "--output", "json").json}
    assert {row["state"] for row in found.values()} == {"ok"}
    assert found["project"]["found"] == str(finished)
    assert {"python", "memory", "cores", "disk", "engine", "duckdb"} <= set(found)


def test_synth_reports_the_best_possible_error(tmp_path):
    report = ok("synth", "--rows", 2_000, "--seed", 1, "--out", tmp_path / "p", "--output", "json").json
    assert report["rows"] == 2_000
    assert report["best_mae"] > 0
    assert report["rates"]
    table = ok("synth", "--rows", 2_000, "--seed", 1, "--out", tmp_path / "p").out
    assert "best_mae" in table


def test_init_writes_a_recipe_for_a_strangers_file_that_runs(tmp_path):
    place = tmp_path / "mine"
    pq.write_table(rows(), tmp_path / "rows.parquet")
    made = ok("init", place, "--from", tmp_path / "rows.parquet", "--id", "id", "--label", "weight")
    assert made.err.splitlines()[-1] == f"next: agecli -C {place} run --all"
    ok("-C", place, "run", "--all")
    status = ok("-C", place, "status", "--output", "json").json
    assert status["rows_out"] == ROWS
    assert status["metrics"]["model"]["mae"] < status["metrics"]["mean"]["mae"]


def test_logs_pass_over_an_event_that_a_power_cut_left_half_written(own):
    found = own.glob("workspace/*/*/runs/*/events/*.json")
    (event,) = [path for path in found if '"run_finished"' in path.read_text()]
    event.write_text(event.read_text()[:20])
    answer = told("-C", own, "logs")
    assert "aggregate  done" in answer.out and f"{event} is passed over" in answer.err


def test_logs_follow_a_run_to_its_end(own):
    before = len(told("-C", own, "runs", "--output", "json").json)
    running = subprocess.Popen(
        command("-C", own, "run", "--from", "aggregate", "--force"), stderr=subprocess.DEVNULL, env=environment()
    )
    deadline = time.monotonic() + 30
    while len(told("-C", own, "runs", "--output", "json").json) == before and time.monotonic() < deadline:
        time.sleep(0.1)
    followed = told("-C", own, "logs", "--follow").out
    assert running.wait(timeout=60) == 0
    assert "run finished (done)" in followed
