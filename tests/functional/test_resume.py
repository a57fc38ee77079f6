"""A run that is killed at any moment is continued by typing the same command again."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.functional.conftest import bytes_below, command, environment, ok, results_of

KILLS_ANYWHERE = 7
KILLS_INSIDE_PREDICT = 3


def start(project: Path) -> subprocess.Popen:
    return subprocess.Popen(
        command("-C", project, "run", "--all"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
    )


def kill(running: subprocess.Popen) -> None:
    """kill -9 of the parent alone; its workers must end by themselves."""
    children = psutil.Process(running.pid).children(recursive=True)
    running.kill()
    running.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive, "a worker outlived its parent"


def batch_files(project: Path) -> dict[str, int]:
    """Finished batches with the inode each lies in: a file written again has another one."""
    return {path.name: path.stat().st_ino for path in project.glob("workspace/*/*/predictions/*/batch-*.parquet")}


def wait_for(running: subprocess.Popen, condition) -> bool:
    while running.poll() is None:
        if condition():
            return True
        time.sleep(0.01)
    return False


def kill_after(project: Path, seconds: float) -> None:
    running = start(project)
    end = time.monotonic() + seconds
    if wait_for(running, lambda: time.monotonic() > end):
        kill(running)


def kill_inside_predict(project: Path, batches: int) -> None:
    """Kills a run as soon as it has finished so many batches more than there were."""
    enough = len(batch_files(project)) + batches
    running = start(project)
    if wait_for(running, lambda: len(batch_files(project)) >= enough):
        kill(running)


@pytest.fixture
def twin(tmp_path, project):
    """A second project over the same source, where the run is left in peace."""
    place = tmp_path / "twin"
    ok("init", place, "--recipe", "profiles", "--source", tmp_path / "unused")
    (place / "agecli.toml").write_text((project / "agecli.toml").read_text())
    return place


def test_a_run_killed_ten_times_ends_in_the_same_bytes(project, twin):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    began = time.monotonic()
    ok("-C", twin, "run", "--all")
    whole = time.monotonic() - began
    for _ in range(KILLS_ANYWHERE):
        kill_after(project, seconds=rng.uniform(0.2, whole * 0.7))
    for _ in range(KILLS_INSIDE_PREDICT):
        kill_inside_predict(project, batches=rng.randint(1, 3))
    finished = batch_files(project)
    ok("-C", project, "run", "--all")
    assert len(batch_files(project)) >= 20
    assert finished.items() <= batch_files(project).items(), "a finished batch was predicted again"
    assert bytes_below(results_of(project)) == bytes_below(results_of(twin))


def test_a_second_run_skips_all_that_is_fresh(project):
    ok("-C", project, "run", "--all")
    before = bytes_below(results_of(project))
    ok("-C", project, "run", "--all")
    status = ok("-C", project, "status", "--output", "json").json
    assert [stage["name"] for stage in status["stages"] if not stage["skipped"]] == ["cleanup"]
    assert status["metrics"]["model"]["mae"] < status["metrics"]["mean"]["mae"]
    assert bytes_below(results_of(project)) == before


def test_a_changed_sql_file_reruns_its_stage_and_all_below(project):
    ok("-C", project, "run", "--all")
    sql = project / "queries" / "profiles" / "features.sql"
    sql.write_text(sql.read_text() + "\n-- looked at\n")
    ok("-C", project, "run", "--all")
    stages = ok("-C", project, "status", "--output", "json").json["stages"]
    assert [stage["name"] for stage in stages if stage["skipped"]] == ["stage"]
