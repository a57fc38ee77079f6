"""Makes projects: a folder with `agecli.toml` and the recipe it names."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from pathlib import Path

from agecli import recipe as recipes
from agecli.cli.session import PROJECT_FILE
from agecli.errors import AgecliError, ConfigError
from agecli.workspace import new_folder, write_bytes

GENERATED_PERIOD = "2026Q3"  # the quarter in which generated profiles were last updated

_TEMPLATE = """\
# This project's settings; `agecli config` shows all of them, and where each value comes from.

# queries/{recipe}/ says what the data means: edit its SQL and recipe.toml freely.
recipe = {recipe_text}

# The rows: a file, a folder, a glob, or Hive-style partitions.
{source}

# "How long ago" refers to the last day of this period, so that a rerun gives the same answer.
period = {period}

# The folder that holds everything a run makes.
workspace = "workspace"
"""


def check_free(folder: Path) -> None:
    """Raises ConfigError where a project is already, so that nothing of it is overwritten; AgecliError where nothing
    can be written."""
    if (folder / PROJECT_FILE).exists():
        raise ConfigError(
            f"cannot make a project in {folder}",
            f"{PROJECT_FILE} is there already",
            f"edit that file, or name another folder: agecli init {folder}-2",
        )
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"cannot make a project in {folder}", "it is a file", "name a folder")
    place = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    if not os.access(place, os.W_OK):
        why = f"nothing can be written to {place}"
        raise AgecliError(f"cannot make a project in {folder}", why, "name another folder, or make that one writable")


def copy_recipe(name: str, folder: Path) -> recipes.Recipe:
    """The project's own copy of a recipe, to be edited; one that is there already stays as it is."""
    found = recipes.locate(name, folder)
    target = folder / "queries" / name
    if found != target:
        with new_folder(target) as temporary:
            for file in sorted(found.iterdir()):
                if file.suffix in (".sql", ".toml", ".md"):
                    shutil.copyfile(file, temporary / file.name)
    return recipes.load(target)


def write_settings(folder: Path, recipe: str, source: str | None, generated: bool, today: date) -> None:
    """Writes agecli.toml, which makes the folder a project."""
    period = GENERATED_PERIOD if generated else recipes.last_complete_quarter(today)
    line = f"source = {_quoted(stored_path(source, folder))}" if source else _absent(generated)
    text = _TEMPLATE.format(recipe=recipe, recipe_text=_quoted(recipe), source=line, period=_quoted(period))
    write_bytes(folder / PROJECT_FILE, text.encode())


def stored_path(source: str, folder: Path) -> str:
    """A path as agecli.toml keeps it: relative to the project when inside it, absolute otherwise."""
    path = Path(os.path.abspath(Path(source).expanduser()))  # noqa: PTH100 (resolve() would follow links)
    try:
        return path.relative_to(folder.absolute()).as_posix()
    except ValueError:
        return str(path)


def _absent(generated: bool) -> str:
    if generated:
        return (
            '# Without one, synth_rows (100000) profiles are generated at the first run.\n# source = "data/*.parquet"'
        )
    return '# source = "data/*.parquet"'


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's, surrogates apart, which ensure_ascii would make."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
