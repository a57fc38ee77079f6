"""Files and tables appear whole or not at all; a dead run neither blocks nor misleads the next."""

import errno
import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agecli import events, workspace
from agecli.errors import AgecliError, WorkspaceLocked, from_json


@pytest.fixture
def place(tmp_path):
    return workspace.Workspace(tmp_path, "profiles", "2026Q3")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


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


@pytest.mark.parametrize(
    "content", ["[]", '{"files": "x"}', '{"files": ["/etc/passwd"]}', '{"files": ["../x"]}', '{"files": [".."]}']
)
def test_a_marker_that_agecli_did_not_write_is_refused(place, content):
    folder = place.table("staging", "f1")
    folder.mkdir(parents=True)
    (folder / workspace.MARKER).write_text(content)
    with pytest.raises(AgecliError, match="not as agecli wrote it"):
        place.facts("staging", "f1")


def test_a_table_whose_file_was_cut_off_is_not_whole(place):
    folder = place.table("results", "f1")
    folder.mkdir(parents=True)
    (folder / "part-00000.parquet").write_bytes(b"rows" * 10)
    workspace.mark_whole(folder, {"files": ["part-00000.parquet"], "rows": 3})
    assert place.facts("results", "f1")["rows"] == 3
    os.truncate(folder / "part-00000.parquet", 20)
    assert place.facts("results", "f1") is None


@pytest.mark.parametrize("content", ["{}", "[]", '{"fingerprint": "../other"}', '{"fingerprint": 3}'])
def test_a_pointer_that_agecli_did_not_write_is_refused(place, content):
    (place.base / "staging").mkdir(parents=True)
    (place.base / "staging" / "_current.json").write_text(content)
    with pytest.raises(AgecliError, match="not as agecli wrote it"):
        place.current("staging")


def test_a_folder_made_again_replaces_the_old_one(tmp_path):
    for content in ("old", "new"):
        with workspace.new_folder(tmp_path / "table") as folder:
            (folder / "file").write_text(content)
    assert (tmp_path / "table" / "file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["table"]


@pytest.mark.parametrize("name", ["_flush", "_swap"])
def test_a_version_stays_when_the_same_made_again_fails(tmp_path, monkeypatch, name):
    with workspace.new_folder(tmp_path / "table") as folder:
        (folder / "file").write_text("good")

    def full(*_: Path) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(workspace, name, full)
    with pytest.raises(AgecliError, match="disk is full"), workspace.new_folder(tmp_path / "table") as folder:
        (folder / "file").write_text("better")
    assert (tmp_path / "table" / "file").read_text() == "good"
    assert [path.name for path in tmp_path.iterdir()] == ["table"]


@pytest.mark.parametrize("system", [sys.platform, "other"])
def test_names_are_exchanged_on_every_system(tmp_path, monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    workspace._swap(tmp_path / "new", tmp_path / "old")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "new",
        "new/old",
        "old",
        "old/new",
    ]


def test_what_a_folder_holds_is_on_disk_before_its_name_is(tmp_path, monkeypatch):
    told = []
    flush, rename = os.fsync, Path.replace
    monkeypatch.setattr(
        os, "fsync", lambda fd: (told.append(str(Path(f"/proc/self/fd/{fd}").readlink())), flush(fd))[1]
    )
    monkeypatch.setattr(Path, "replace", lambda old, new: (told.append("renamed"), rename(old, new))[1])
    with workspace.new_folder(tmp_path / "table") as folder:
        (folder / "part.parquet").write_bytes(b"rows")
    assert told == [str(folder / "part.parquet"), str(folder), "renamed", str(tmp_path)]


def test_who_asks_for_the_holder_does_not_keep_a_run_from_starting(place):
    lock = workspace.Lock(place.root)
    lock.acquire("run-1")
    lock.release()
    descriptor = os.open(lock.path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # what held_by does, for as long as the machine is busy
    assert workspace.Lock(place.root).held_by() is None
    timer = threading.Timer(0.1, os.close, [descriptor])
    timer.start()
    lock.acquire("run-2")
    lock.release()
    timer.join()


def test_a_refused_lock_leaves_no_descriptor_and_a_given_back_one_no_name(place):
    first, second = workspace.Lock(place.root), workspace.Lock(place.root)
    first.acquire("run-1")
    before = open_files()
    with pytest.raises(WorkspaceLocked):
        second.acquire("run-2", wait=0)
    assert open_files() == before
    first.release()
    assert first.path.read_bytes() == b""


def test_a_lock_that_cannot_be_written_is_an_error_for_people(place, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    before = open_files()
    with pytest.raises(AgecliError, match="disk is full"):
        workspace.Lock(place.root).acquire("run-1")
    assert open_files() == before


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


def test_a_clock_that_is_set_back_does_not_reorder_events(place, monkeypatch):
    log, clock = workspace.EventLog(place.run("r1")), iter([3000, 2000, 1000])
    monkeypatch.setattr(time, "time_ns", lambda: next(clock))
    kinds = [events.RUN_STARTED, events.STAGE_STARTED, events.RUN_FINISHED]
    for kind in kinds:
        log.append(events.Event(kind, "r1", stage="stage"))
    assert [event.kind for event in log.read()] == kinds


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
