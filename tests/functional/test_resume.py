"""A run that is killed at any moment is continued by typing the same command again."""

from __future__ import annotations

import json
import random
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.functional.conftest import bytes_below, command, environment, ok, results_of

KILLS_ANYWHERE = 7
KILLS_INSIDE_PREDICT = 3


def start(project: Path, *flags: str) -> subprocess.Popen:
    return subprocess.Popen(
        command("-C", project, "run", "--all", *flags),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
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


def kill_after(project: Path, seconds: float, *flags: str) -> None:
    running = start(project, *flags)
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


def test_ids_are_compared_by_one_engine_whatever_an_older_one_wrote_down(project):
    ok("-C", project, "run", "--all")
    (marker,) = project.glob("workspace/*/*/features/*/_agecli.json")
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"ids": "another version's sum"}))
    ok("-C", project, "aggregate", "--force")


def test_failed_batches_alone_are_predicted_again_also_when_forced(project):
    ok("-C", project, "run", "--all")
    before = batch_files(project)
    lost = next(project.glob("workspace/*/*/predictions/*/batch-00003.parquet"))
    lost.unlink()
    ok("-C", project, "predict", "--failed", "--force")
    kept = {name: inode for name, inode in before.items() if name != lost.name}
    assert kept.items() <= batch_files(project).items()
    assert lost.exists()


def test_one_worker_and_four_write_the_same_bytes(project, twin):
    ok("-C", project, "run", "--all", "--workers", 1)
    ok("-C", twin, "run", "--all", "--workers", 4)
    assert bytes_below(results_of(project)) == bytes_below(results_of(twin))


def test_a_forced_run_that_is_killed_leaves_the_last_good_results(project):
    ok("-C", project, "run", "--all")
    results = results_of(project)
    before, rng = bytes_below(results), random.Random(11)
    for _ in range(3):
        kill_after(project, rng.uniform(1, 5), "--force")
        assert bytes_below(results) == before
        answer = ok("-C", project, "sql", "SELECT count(*) AS n FROM results", "--output", "json")
        assert answer.json == [{"n": 45_000}]
    ok("-C", project, "run", "--all")
    assert bytes_below(results_of(project)) == before


def test_a_run_that_is_killed_while_it_makes_its_source_begins_anew(tmp_path):
    place = tmp_path / "generated"
    ok("init", place, "--recipe", "profiles")
    with (place / "agecli.toml").open("a") as file:
        file.write("\nsynth_rows = 30000\n")
    ok("-C", place, "run", "--all")
    before = bytes_below(results_of(place))
    with (place / "agecli.toml").open("a") as file:
        file.write("synth_seed = 5\n")
    running = start(place)
    assert wait_for(running, lambda: len(list(place.glob("workspace/*/generated/*"))) > 1)
    kill(running)
    assert bytes_below(results_of(place)) == before
    ok("-C", place, "run", "--all")
    assert bytes_below(results_of(place)) != before


def test_a_changed_sql_file_reruns_its_stage_and_all_below(project):
    ok("-C", project, "run", "--all")
    sql = project / "queries" / "profiles" / "features.sql"
    sql.write_text(sql.read_text() + "\n-- looked at\n")
    ok("-C", project, "run", "--all")
    stages = ok("-C", project, "status", "--output", "json").json["stages"]
    assert [stage["name"] for stage in stages if stage["skipped"]] == ["stage"]
