"""A run tells how it ended whatever ended it, and a first error is never hidden by a second."""

import pytest

from agecli import config, events
from agecli.errors import AgecliError, DataError
from agecli.executors import local
from agecli.executors.base import RunRequest
from agecli.workspace import EventLog, Workspace, manifest


@pytest.fixture
def request_of(tmp_path):
    (tmp_path / "rows.csv").write_text("PassengerId\n1\n")
    flags = {"recipe": "titanic", "source": str(tmp_path / "rows.csv"), "period": "2026Q3"}
    return RunRequest(config.resolve(tmp_path, {**flags, "workspace": str(tmp_path / "workspace")}, {}))


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
    monkeypatch.setattr(local._Run, "work", lambda *_: (_ for _ in ()).throw(first))
    ends(request_of, first)
