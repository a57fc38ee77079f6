"""How a command runs stages: what it asks of the executor, what it shows, and how it lets go."""

from __future__ import annotations

import pytest

from agecli import events
from agecli.cli import main, running
from agecli.errors import DataError
from agecli.events import STAGES, Event
from agecli.executors import PlannedStage

RUN = "20260930T120000000Z"


class FakeExecutor:
    """Tells the events it was given; notes the request, and whether it was closed before the end."""

    def __init__(self, told=(), ending=None):
        self.told, self.ending = told, ending
        self.request = None
        self.closed_early = False

    def run(self, request):
        self.request = request
        try:
            yield from self.told
            if self.ending:
                raise self.ending
        except GeneratorExit:
            self.closed_early = True
            raise

    def preview(self, request):
        self.request = request
        return tuple(PlannedStage(stage, stage == "stage", "because") for stage in request.stages)


@pytest.fixture
def executor(monkeypatch, tmp_path):
    (tmp_path / "agecli.toml").write_text('recipe = "profiles"\nperiod = "2026Q3"\n')
    monkeypatch.chdir(tmp_path)
    fake = FakeExecutor([Event(events.RUN_STARTED, RUN, data={"recipe": "profiles", "stages": list(STAGES)})])
    monkeypatch.setattr(running, "open_executor", lambda place: fake)
    return fake


@pytest.mark.parametrize(
    ("typed", "stages"),
    [
        (["run", "--all"], STAGES),
        (["run"], STAGES),
        (["run", "--from", "train", "--to", "predict"], ("train", "batches", "predict")),
        (["train"], ("train",)),
        (["aggregate"], ("aggregate",)),
    ],
    ids=lambda value: " ".join(value),
)
def test_the_executor_is_asked_for_these_stages(executor, typed, stages):
    assert main(typed) == 0
    assert executor.request.stages == stages
    assert executor.request.command == " ".join(["agecli", *typed])


def test_flags_reach_the_request(executor):
    assert main(["predict", "--batch", "3", "--batch", "1", "--batch", "3", "--workers", "2", "--memory", "1GiB"]) == 0
    assert executor.request.batches == (1, 3)
    assert executor.request.settings["workers"] == 2
    assert executor.request.settings["memory"] == 1 << 30
    assert main(["predict", "--failed", "--force"]) == 0
    assert executor.request.failed and executor.request.force


def test_a_dry_run_lists_the_stages_and_runs_none(executor, capsys):
    assert main(["run", "--all", "--dry-run", "--output", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["stage,action,why", "stage,skip,because", "features,run,because"]


def test_the_error_that_ended_the_run_leaves_by_the_door(executor, capsys):
    executor.ending = DataError("cannot read x", "it is cut short", "copy it again")
    assert main(["run", "--all"]) == 3
    assert capsys.readouterr().err.endswith("error: cannot read x: it is cut short\nfix: copy it again\n")


def test_an_error_before_the_run_began_has_no_summary(executor, capsys):
    executor.told, executor.ending = [], DataError("cannot read x", "it is cut short", "copy it again")
    assert main(["run", "--all"]) == 3
    assert capsys.readouterr().err == "error: cannot read x: it is cut short\nfix: copy it again\n"


def test_ctrl_c_while_the_screen_is_drawn_cancels_the_run(executor, monkeypatch, capsys):
    """The interrupt may fall into the renderer, and then the executor hears of it by being closed."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("agecli.cli.live.PlainLines.show", interrupted)
    assert main(["run", "--all", "--force"]) == 130
    assert executor.closed_early
    told = capsys.readouterr().err
    assert "interrupted" in told
    assert told.splitlines()[-1] == "fix: what was finished is kept; `agecli run --all` goes on from there"


@pytest.mark.parametrize("typed", [("--region", "mars"), ("--cadence", "never"), ("--prices", "nowhere.toml")])
def test_what_cost_would_refuse_is_refused_by_a_run_that_costs_nothing(executor, capsys, typed):
    assert main(["run", "--all", *typed]) == 2
    assert typed[1] in capsys.readouterr().err
    assert executor.request is None
