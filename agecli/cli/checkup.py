"""The checks of `agecli doctor`: each looks at one thing and says what it found."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import agecli
from agecli import recipe as recipes
from agecli.cli.board import size
from agecli.cli.session import Session
from agecli.config import Settings, memory_bytes, memory_limit, worker_count
from agecli.errors import AgecliError

LIBRARIES = ("click", "rich", "tabulate", "duckdb", "pyarrow", "numpy", "scikit-learn")
BOOSTERS = ("xgboost-cpu", "xgboost")


@dataclass(frozen=True)
class Finding:
    """What a check found; `ok` is False where agecli cannot work like this, and `fix` says what to do."""

    check: str
    value: str
    ok: bool = True
    fix: str = ""


def check_all(session: Session) -> Iterator[Finding]:
    """All findings, in the order in which to read them."""
    yield Finding("agecli", f"{agecli.__version__} in {Path(agecli.__file__).parent}")
    yield Finding("python", f"{platform.python_version()} at {sys.executable}", sys.version_info >= (3, 11), "use 3.11")
    if sys.flags.optimize > 1:
        yield Finding("python -OO", "libraries that read their own docstrings fail", False, "unset PYTHONOPTIMIZE")
    yield Finding("platform", f"{platform.system()} {platform.release()} {platform.machine()}")
    yield from map(_library, LIBRARIES)
    yield _booster()
    yield _recipes()
    yield from _project(session)
    yield _guarded("engine", _engine)


def _library(name: str) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "missing", False, f"pip install {name}")


def _booster() -> Finding:
    found = [finding for finding in map(_library, BOOSTERS) if finding.ok]
    return found[0] if found else Finding("xgboost", "missing", False, "pip install xgboost-cpu (xgboost on macOS)")


def _recipes() -> Finding:
    names = recipes.packaged()
    return Finding("recipes", ", ".join(names) or "none", bool(names), "install agecli again: pip install .")


def _project(session: Session) -> Iterator[Finding]:
    try:
        settings = session.settings(need_project=False)
        project = session.project()
    except AgecliError as error:
        yield Finding("project", str(error), False, error.fix)
        return
    yield Finding("project", str(project) if project else "none here (agecli init DIR makes one)")
    yield Finding("cores", f"{os.cpu_count()}, workers {worker_count(settings)}")
    yield Finding("memory", f"{size(memory_limit())} to be had, a run uses at most {size(memory_bytes(settings))}")
    yield _guarded("disk", lambda: _disk(settings))
    if project:
        yield _guarded("recipe", lambda: _recipe(settings))


def _disk(settings: Settings) -> str:
    folder = Path(settings["workspace"])
    folder = next(place for place in (folder, *folder.parents) if place.is_dir())
    if not os.access(folder, os.W_OK):
        raise AgecliError(f"cannot write {folder}", "permission denied", "set workspace elsewhere")
    return f"{size(shutil.disk_usage(folder).free)} free in {folder}"


def _recipe(settings: Settings) -> str:
    recipe = recipes.load(recipes.locate(settings["recipe"], settings.project))
    return f"{recipe.name}: {recipe.task} of {recipe.label}, {len(recipe.features)} features"


def _engine() -> str:
    """Runs a query whose answer is known and differs on a plain DuckDB: Athena divides whole numbers to whole."""
    from agecli.engines import open_engine

    answer = open_engine("duckdb").query("SELECT 7 / 2 AS quotient").to_pylist()
    if answer != [{"quotient": 3}]:
        raise AgecliError("the SQL engine is wrong", f"7 / 2 is {answer}", "report this and the versions above")
    return "SQL in Athena's dialect works"


def _guarded(check: str, look: Callable[[], str]) -> Finding:
    """A check's finding; whatever it raises is a finding too, since a doctor must not fall ill himself."""
    try:
        return Finding(check, look())
    except AgecliError as error:
        return Finding(check, str(error), False, error.fix)
    except Exception as error:
        return Finding(check, f"{type(error).__name__}: {error}", False, "install agecli again: pip install .")
