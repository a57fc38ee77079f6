"""Fixtures that run agecli as a user does: its command line, in a process of its own, on real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def environment() -> dict[str, str]:
    """The environment without settings that a developer may have, so that tests see the defaults."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AGECLI_")} | {"NO_COLOR": "1"}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "agecli", *map(str, arguments)]


def agecli(*arguments: object, timeout: float = 300) -> Answer:
    """Runs agecli and waits for it."""
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, env=environment(), timeout=timeout, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


def ok(*arguments: object, timeout: float = 300) -> Answer:
    """Runs agecli and expects success."""
    answer = agecli(*arguments, timeout=timeout)
    assert answer.code == 0, answer.err
    return answer


def data_folder() -> Path | None:
    """The folder of real public data, where there is one."""
    named = os.environ.get("AGECLI_TEST_DATA")
    place = Path(named) if named else Path(__file__).parents[3] / "shared" / "data"
    return place if place.is_dir() else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    place = data_folder()
    if place is None:
        pytest.skip("no real data: neither ../shared/data nor AGECLI_TEST_DATA is there")
    return place


@pytest.fixture(scope="session")
def profiles(tmp_path_factory) -> Path:
    """A folder of 45,000 generated profiles, made once."""
    place = tmp_path_factory.mktemp("source") / "profiles"
    ok("synth", "--rows", 45_000, "--seed", 7, "--out", place)
    return place


@pytest.fixture
def project(tmp_path, profiles) -> Path:
    """A project of its own over the generated profiles, cut into batches of 2,048 rows."""
    place = tmp_path / "project"
    ok("init", place, "--recipe", "profiles", "--source", profiles)
    with (place / "agecli.toml").open("a") as file:
        file.write("\nbatch_rows = 2048\nworkers = 2\n")
    return place


def results_of(project: Path) -> Path:
    return Path(ok("-C", project, "status", "--output", "json").json["results"])


def bytes_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its name in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
