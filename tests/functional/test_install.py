"""The wheel, installed elsewhere: recipes travel with it, and it works from any folder without the checkout."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IGNORED = (
    ".git",
    ".venv",
    "build",
    "dist",
    "*.egg-info",
    "__pycache__",
    ".*_cache",
    "workspace",
    "demo",
    ".hypothesis",
)


def run(*arguments: object, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(argument) for argument in arguments],
        capture_output=True, text=True, cwd=cwd, env={**os.environ, "PIP_NO_INDEX": "1", **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def build(command: str, source: Path, out: Path) -> Path:
    """Calls setuptools' own build hook, as pip does, and without a network."""
    if not _new_enough():
        pytest.skip("setuptools 77 is not installed: pip install -e '.[test]'")
    code = f"import sys; from setuptools import build_meta; print(build_meta.{command}(sys.argv[1]))"
    out.mkdir()
    printed = run(sys.executable, "-W", "ignore", "-c", code, out, cwd=source)
    return out / next(line for line in reversed(printed.splitlines()) if line.endswith((".whl", ".tar.gz")))


def _new_enough() -> bool:
    try:
        return int(importlib.metadata.version("setuptools").split(".")[0]) >= 77
    except importlib.metadata.PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A clean copy of the tracked kinds of files, so that building leaves nothing in the real one."""
    place = tmp_path_factory.mktemp("install") / "checkout"
    return Path(shutil.copytree(ROOT, place, ignore=shutil.ignore_patterns(*IGNORED)))


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory) -> Path:
    return build("build_wheel", checkout, tmp_path_factory.mktemp("wheel") / "out")


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The wheel's content in a folder of its own, as `pip install --target` leaves it."""
    place = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


def expected_files() -> set[str]:
    """Everything in the package's folders but sources in C and what was built in place."""
    files = {p for folder in ("agecli", "queries") for p in (ROOT / folder).rglob("*.*") if p.is_file()}
    kept = {p for p in files if p.suffix not in (".c", ".h", ".so", ".pyc")}
    names = {p.relative_to(ROOT).as_posix() for p in kept}
    return {name if name.startswith("agecli/") else f"agecli/{name}" for name in names}


def test_the_wheel_has_every_module_and_every_recipe_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    compiled = {name for name in names if name.endswith(".so")}  # none on a machine without a compiler
    assert names - compiled == expected_files()
    written = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "agecli").rglob("*.c")}
    assert {name.split(".")[0] for name in compiled} <= written


def test_the_source_archive_builds_the_same_wheel(checkout, wheel, tmp_path):
    archive = build("build_sdist", checkout, tmp_path / "sdist")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    again = build("build_wheel", unpacked, tmp_path / "again")
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(wheel) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
    assert (unpacked / "tests" / "functional" / "test_install.py").is_file()


def test_the_installed_package_works_from_another_folder(installed, tmp_path):
    def agecli(*arguments: object) -> str:
        # -P and the path: neither this folder nor the checkout is seen
        return run(sys.executable, "-P", "-m", "agecli", *arguments, cwd=tmp_path, PYTHONPATH=str(installed))

    assert str(installed) in agecli("doctor")
    assert "Usage: agecli" in agecli("--help")
    for path in sorted((ROOT / "queries").glob("*/recipe.toml")):
        name = path.parent.name
        agecli("init", name, "--recipe", name, "--source", "rows")
        assert (tmp_path / name / "queries" / name / "staging.sql").read_text() == (
            path.parent / "staging.sql"
        ).read_text()


def test_the_command_is_called_agecli(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "agecli = agecli.__main__:main" in archive.read(name).decode()
