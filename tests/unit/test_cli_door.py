"""The one door: which exit code and which words every way of ending has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agecli.cli import main
from agecli.cli import status as status_module
from agecli.errors import (
    AgecliError,
    AwsError,
    BatchesFailed,
    ConfigError,
    CostRefused,
    DataError,
    GateRefused,
    Interrupted,
    WorkspaceLocked,
)

FULL = Path("/dev/full")


@pytest.fixture
def status_raises(monkeypatch, tmp_path):
    """Makes `agecli status` in an empty project raise what the test wants."""
    (tmp_path / "agecli.toml").write_text('recipe = "profiles"\n')
    monkeypatch.chdir(tmp_path)

    def arrange(error):
        def fail(*_):
            raise error

        monkeypatch.setattr(status_module, "find_run", fail)

    return arrange


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (AgecliError, 1),
        (ConfigError, 2),
        (DataError, 3),
        (AwsError, 4),
        (CostRefused, 5),
        (BatchesFailed, 6),
        (WorkspaceLocked, 7),
        (GateRefused, 8),
        (Interrupted, 130),
    ],
)
def test_an_error_is_told_once_with_its_fix_and_code(status_raises, capsys, kind, code):
    status_raises(kind("cannot read x", "it is cut short", "copy it again"))
    assert main(["status"]) == code
    told = capsys.readouterr()
    assert told.err == "error: cannot read x: it is cut short\nfix: copy it again\n"
    assert told.out == ""


def test_with_json_logs_an_error_is_a_json_line(status_raises, capsys):
    status_raises(DataError("cannot read x", "it is cut short", "copy it again"))
    assert main(["status", "--log-format", "json"]) == 3
    assert json.loads(capsys.readouterr().err) == {
        "error": "DataError",
        "what": "cannot read x",
        "why": "it is cut short",
        "fix": "copy it again",
        "exit_code": 3,
    }


def test_an_error_is_one_line_whatever_its_cause_said(status_raises, capsys):
    status_raises(DataError("cannot read x", "deserializing failed:\n  page\n", "copy it\nagain"))
    assert main(["status"]) == 3
    assert capsys.readouterr().err == "error: cannot read x: deserializing failed: page\nfix: copy it again\n"


def test_no_id_of_the_data_steers_the_terminal_from_an_error(status_raises, capsys):
    status_raises(DataError("ids repeat", "such as \x1b[2J\x9b31m\u202e7"))
    assert main(["status"]) == 3
    assert capsys.readouterr().err == "error: ids repeat: such as \\u001b[2J\\u009b31m\\u202e7\n"


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
def test_an_output_that_finds_no_room_is_told_so():
    with FULL.open("w") as full:
        typed = [sys.executable, "-m", "agecli", "--help"]
        ended = subprocess.run(typed, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: the disk is full: ") and ended.stderr.count("\n") == 2


def test_an_unexpected_error_is_one_line_that_says_what_to_report(status_raises, capsys):
    status_raises(KeyError("rows"))
    assert main(["status"]) == 1
    error, fix = capsys.readouterr().err.splitlines()
    assert error == "error: unexpected KeyError: 'rows'"
    assert "report" in fix and "-v" in fix


@pytest.mark.parametrize("typed", [["-v", "status"], ["status", "-v"]], ids=" ".join)
def test_verbose_shows_the_traceback_of_an_unexpected_error(status_raises, capsys, typed):
    status_raises(KeyError("rows"))
    assert main(typed) == 1
    assert "Traceback" in capsys.readouterr().err


def test_verbose_shows_no_traceback_of_an_expected_error(status_raises, capsys):
    status_raises(DataError("cannot read x", "it is cut short"))
    assert main(["-v", "status"]) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_ctrl_c_ends_with_130(status_raises, capsys):
    status_raises(KeyboardInterrupt())
    assert main(["status"]) == 130
    assert capsys.readouterr().err == "error: stopped: Ctrl-C\n"


def test_sigterm_ends_with_143(status_raises, monkeypatch, capsys):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(status_module, "find_run", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    assert main(["status"]) == 143
    assert "SIGTERM" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_executor_that_tells_of_sigterm_as_interrupted_ends_with_143_too(status_raises, monkeypatch):
    def stopped(*_):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise Interrupted("the run was interrupted", "by the user") from None

    monkeypatch.setattr(status_module, "find_run", stopped)
    assert main(["status"]) == 143


def test_a_reader_that_goes_away_is_no_error(status_raises, capsys):
    status_raises(BrokenPipeError())
    assert main(["status"]) == 141
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["statsu"], "did you mean status?"),
        (["status", "--outptu", "json"], "--output"),
        (["status", "--output", "yaml"], "'yaml'"),
        (["run", "--all", "--from", "train"], "contradict"),
        (["run", "--from", "predict", "--to", "train"], "predict comes after train"),
        (["predict", "--batch", "1", "--failed"], "contradict"),
        (["init", "x", "--from", "y.csv"], "--id"),
        (["synth"], "--rows"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_2_and_names_the_help(status_raises, capsys, typed, hint):
    assert main(typed) == 2
    told = capsys.readouterr()
    assert told.err.startswith("error: agecli")
    assert hint in told.err
    assert told.err.splitlines()[-1].endswith("--help")
    assert told.out == ""


def test_an_unknown_setting_in_agecli_toml_names_the_nearest(tmp_path, capsys):
    (tmp_path / "agecli.toml").write_text("worker = 2\n")
    assert main(["-C", str(tmp_path), "config"]) == 2
    assert "did you mean workers?" in capsys.readouterr().err


def test_a_folder_that_is_no_project_is_told_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--all"]) == 2
    assert "agecli init" in capsys.readouterr().err


def test_a_project_is_found_from_the_folders_below_it(tmp_path, monkeypatch, capsys):
    (tmp_path / "agecli.toml").write_text('period = "2025Q1"\n')
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert main(["config", "--output", "json"]) == 0
    values = {row["setting"]: row for row in json.loads(capsys.readouterr().out)}
    assert values["period"]["value"] == "2025Q1"
    assert values["workspace"]["value"] == str(tmp_path / "workspace")


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "agecli.toml").write_text("workers = 1\nseed = 1\nfew_labels = 1\n")
    monkeypatch.setenv("AGECLI_WORKERS", "2")
    monkeypatch.setenv("AGECLI_SEED", "2")
    assert main(["-C", str(tmp_path), "config", "--workers", "3", "--output", "json"]) == 0
    values = {row["setting"]: (row["value"], row["origin"]) for row in json.loads(capsys.readouterr().out)}
    assert values["workers"] == (3, "--workers")
    assert values["seed"] == (2, "AGECLI_SEED")
    assert values["few_labels"] == (1, "agecli.toml")
    assert values["synth_seed"] == (42, "default")


@pytest.mark.parametrize("imported", ["click", "agecli.cli.session"])
def test_ctrl_c_while_the_command_line_is_imported_leaves_no_traceback(tmp_path, imported):
    """An importer that looks for modules before all others presses Ctrl-C when it comes to this one."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {imported!r}:\n"
        "            signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Impatient())\n"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"}
    done = subprocess.run(
        [sys.executable, "-m", "agecli", "--help"], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: stopped: Ctrl-C\n")
