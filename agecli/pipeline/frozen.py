"""A run as frozen at its start: the recipe, the resolved settings and the source's files.

They are written to `runs/<run_id>/`, and stages, wherever they run, read nothing else.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agecli import config
from agecli import recipe as recipes
from agecli.pipeline.source import Source
from agecli.recipe import Recipe
from agecli.workspace import Workspace, guard_writes, new_folder, read_json, write_json


@dataclass(frozen=True)
class FrozenRun:
    """What a stage may know. `memory` is in bytes; `workers` also bounds an engine's threads.

    `overrides` are the recipe's settings that were given for this run alone, already part of `recipe`. `model` is
    the digest of the registered model to predict with; None stands for the one that this run trains. `materialise`
    says whether staging becomes a "table" on disk or is "ephemeral"; the rows are the same.
    """

    run_id: str
    workspace: Workspace
    recipe: Recipe
    deciding: dict[str, Any]
    source: Source
    workers: int
    memory: int
    overrides: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    materialise: str = "ephemeral"

    @property
    def folder(self) -> Path:
        return self.workspace.run(self.run_id)

    @property
    def as_of(self) -> str:
        """The period's last day, as SQL."""
        return as_of_sql(self.workspace.period)


def as_of_sql(period: str) -> str:
    """A period's last day, as SQL."""
    return f"DATE '{recipes.as_of(period).isoformat()}'"


def freeze(
    run_id: str,
    workspace: Workspace,
    settings: config.Settings,
    recipe: Recipe,
    source: Source,
    model: str | None = None,
) -> FrozenRun:
    """Writes down what decides this run and returns it as the stages will read it."""
    folder = workspace.run(run_id)
    with new_folder(folder) as temporary, guard_writes(folder):
        (temporary / "recipe").mkdir()
        for name in ("recipe.toml", *recipes.SQL_FILES):
            if (recipe.folder / name).is_file():
                shutil.copyfile(recipe.folder / name, temporary / "recipe" / name)
        write_json(
            temporary / "settings.json",
            {
                "root": str(workspace.root),
                "recipe": workspace.recipe,
                "period": workspace.period,
                "settings": settings.to_json(),
                "deciding": settings.deciding(),
                "overrides": settings.recipe_values(),
                "model": model,
                "source": source.to_json(),
                "workers": config.worker_count(settings),
                "memory": config.memory_bytes(settings),
                "materialise": settings["materialise"],
            },
        )
    return thaw(folder)


def thaw(folder: Path) -> FrozenRun:
    """Reads a frozen run back."""
    fields = read_json(folder / "settings.json")
    workspace = Workspace(folder.parents[3], fields["recipe"], fields["period"])
    return FrozenRun(
        run_id=folder.name,
        workspace=workspace,
        recipe=recipes.load(folder / "recipe", fields.get("overrides"), fields["recipe"]),
        deciding=fields["deciding"],
        source=Source.from_json(fields["source"]),
        workers=fields["workers"],
        memory=fields["memory"],
        overrides=fields.get("overrides") or {},
        model=fields.get("model"),
        materialise=fields.get("materialise", "table"),
    )
