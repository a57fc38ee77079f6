"""Files and tables appear whole or not at all; a dead run neither blocks nor misleads the next."""

import os
import subprocess
import sys
import time

import pytest

from agecli import events, workspace
from agecli.errors import AgecliError, WorkspaceLocked, from_json


@pytest.fixture
def place(tmp_path):
    return workspace.Workspace(tmp_path, "profiles", "2026Q3")


def test_a_folder_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), workspace.new_folder(tmp_path / "table") as folder:
        (folder / "part.parquet").write_bytes(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_whole_only_with_its_marker(place):
    folder = place.table("staging", "f1")
    folder.mkdir(parents=True)
    assert place.facts("staging", "f1") is None
    workspace.write_json(folder / workspace.MARKER, {"rows": 3})
    assert place.facts("staging", "f1") == {"rows": 3}


def test_a_table_that_lost_a_file_is_not_whole(place):
    folder = place.table("staging", "f1")
    workspace.write_json(folder / workspace.MARKER, {"rows": 3, "files": ["part-00000.parquet"]})
    assert place.facts("staging", "f1") is None
    (folder / "part-00000.parquet").touch()
    assert place.facts("staging", "f1") is not None


def test_a_folder_made_again_replaces_the_old_one(tmp_path):
    for content in ("old", "new"):
        with workspace.new_folder(tmp_path / "table") as folder:
            (folder / "file").write_text(content)
    assert (tmp_path / "table" / "file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["table"]


def test_a_second_run_is_refused_while_the_first_lives(place):
    first, second = workspace.Lock(place.root), workspace.Lock(place.root)
    first.acquire("run-1")
    with pytest.raises(WorkspaceLocked, match="run-1"):
        second.acquire("run-2", wait=0)
    first.release()
    second.acquire("run-2", wait=0)
    second.release()


def test_a_killed_holder_does_not_block_the_next_run(place):
    script = (
        "import sys, time, pathlib; from agecli.workspace import Lock\n"
        "Lock(pathlib.Path(sys.argv[1])).acquire('run-1'); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(place.root)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert workspace.Lock(place.root).held_by() == "run-1"
        holder.kill()
    lock = workspace.Lock(place.root)
    lock.acquire("run-2")
    lock.release()


def test_a_run_that_says_running_with_no_holder_was_interrupted(place):
    log = workspace.EventLog(place.run("r1"))
    log.append(events.Event(events.RUN_STARTED, "r1", data={"recipe": "profiles", "stages": ["stage"]}))
    assert workspace.manifest(place, "r1").state == "interrupted"
    lock = workspace.Lock(place.root)
    lock.acquire("r1")
    assert workspace.manifest(place, "r1").state == "running"
    lock.release()


def test_events_are_read_back_in_order_and_progress_is_not_kept(place):
    log = workspace.EventLog(place.run("r1"))
    for kind in (events.RUN_STARTED, events.PROGRESS, events.STAGE_STARTED, events.RUN_FINISHED):
        log.append(events.Event(kind, "r1", stage="stage" if kind == events.STAGE_STARTED else None))
        time.sleep(0.001)
    assert [event.kind for event in log.read()] == [events.RUN_STARTED, events.STAGE_STARTED, events.RUN_FINISHED]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_place_is_an_error_for_people(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(AgecliError, match="cannot write"):
        workspace.write_json(tmp_path / "x.json", {})


def test_errors_cross_processes_whole():
    error = WorkspaceLocked("what", "why", "fix")
    again = from_json(error.to_json())
    assert (type(again), str(again), again.fix, again.exit_code) == (WorkspaceLocked, "what: why", "fix", 7)
