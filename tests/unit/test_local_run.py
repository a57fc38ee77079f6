"""A run tells how it ended whatever ended it, and a first error is never hidden by a second."""

import pytest

from agecli import config, events
from agecli.errors import AgecliError, ConfigError, DataError
from agecli.executors import local
from agecli.executors.base import RunRequest
from agecli.workspace import EventLog, Workspace, manifest


@pytest.fixture
def request_with(tmp_path):
    (tmp_path / "rows.csv").write_text("PassengerId\n1\n")
    flags = {"recipe": "titanic", "source": str(tmp_path / "rows.csv"), "period": "2026Q3"}
    flags["workspace"] = str(tmp_path / "workspace")

    def asking(**more):
        return RunRequest(config.resolve(tmp_path, {**flags, **more}, {}))

    return asking


@pytest.fixture
def request_of(request_with):
    return request_with()


def ends(request, error):
    told = []
    with pytest.raises(type(error)) as raised:
        told.extend(local.LocalExecutor().run(request))
    assert raised.value is error
    workspace = Workspace(request.settings["workspace"], "titanic", "2026Q3")
    return manifest(workspace, workspace.run_ids()[-1])


def test_a_fault_of_agecli_itself_is_told_too(request_of, monkeypatch):
    fault = ZeroDivisionError("division by zero")
    monkeypatch.setattr(local._Run, "_prepare", lambda *_: (_ for _ in ()).throw(fault))
    found = ends(request_of, fault)
    assert found.state == "failed"
    assert found.error is not None
    assert "ZeroDivisionError" in found.error["what"]


def test_a_full_disk_does_not_hide_why_a_stage_failed(request_of, monkeypatch):
    first, append = DataError("the source is empty", "it has no rows"), EventLog.append

    def full(log, event):
        if event.kind in (events.STAGE_FAILED, events.RUN_FAILED):
            raise AgecliError("cannot write", "the disk is full")
        append(log, event)

    monkeypatch.setattr(EventLog, "append", full)
    monkeypatch.setattr(local._Run, "work_together", lambda *_: (_ for _ in ()).throw(first))
    ends(request_of, first)


@pytest.mark.parametrize(
    ("asked", "what", "fix"),
    [
        ({"reasons": 99}, "reasons = 99 (--reasons)", "--reasons 18 at most"),
        ({"reasons": 3, "features": "sex,age"}, "reasons = 3 (--reasons)", "--reasons 2 at most"),
        ({"repeats": 3}, "repeats = 3 (--repeats)", "--folds 5 --repeats 3"),
        ({"repeats": 3, "folds": 0}, "repeats = 3 (--repeats)", "--folds 5 --repeats 3"),
    ],
)
def test_what_the_recipe_cannot_give_is_refused_before_anything_runs(request_with, asked, what, fix):
    request = request_with(**asked)
    for ask in (local.LocalExecutor().preview, lambda request: list(local.LocalExecutor().run(request))):
        with pytest.raises(ConfigError) as refused:
            ask(request)
        assert refused.value.what == what and fix in refused.value.fix
    assert not Workspace(request.settings["workspace"], "titanic", "2026Q3").run_ids()


@pytest.mark.parametrize("asked", [{"reasons": 18}, {"repeats": 3, "folds": 5}, {"repeats": 1}])
def test_what_it_can_give_is_planned(request_with, asked):
    assert local.LocalExecutor().preview(request_with(**asked))
