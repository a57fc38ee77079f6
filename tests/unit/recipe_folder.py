"""The folder of a recipe, for tests of how recipe.toml is read: its SQL is none to be run."""

from __future__ import annotations

from pathlib import Path


def recipe_folder(folder: Path, toml: str) -> Path:
    """Writes recipe.toml, and the two SQL files that must stand beside it."""
    (folder / "recipe.toml").write_text(toml)
    (folder / "staging.sql").write_text("SELECT id FROM ${source}")
    (folder / "features.sql").write_text("SELECT id FROM ${staging}")
    return folder
