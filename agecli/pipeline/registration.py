"""Where runs and the registry meet: a training registers its model, a run may predict with a registered one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agecli.errors import AgecliError, ConfigError, DataError, GateRefused
from agecli.models.registry import REJECTED, Note, Registry, fold
from agecli.models.registry_folder import FolderRegistry, user_name
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.source import digest_of
from agecli.recipe import Recipe
from agecli.workspace import Workspace, read_object

FACTS = ("task", "labelled", "metrics", "test_rows", "interval", "confidence", "evaluation", "parameters", "versions")


@dataclass(frozen=True)
class Chosen:
    """A registered model to predict with: what was asked for, which version that is, its digest."""

    wanted: str
    version: str
    digest: str
    warnings: tuple[str, ...] = ()


def open_registry(workspace: Workspace) -> Registry:
    """The registry of a workspace's recipe; all its periods share it."""
    return FolderRegistry(workspace.models / "registry")


def register(run: FrozenRun, card: Mapping[str, Any], training: str) -> list[str]:
    """Registers a trained model; gives a warning where the registry takes no entry.

    A registry that cannot be written must not cost the training.
    """
    detail = {**facts_of(card, run.recipe), "training": training, "period": run.workspace.period, "run_id": run.run_id,
              "overrides": dict(run.overrides), "sql": sql_digest(run.recipe)}  # fmt: skip
    try:
        open_registry(run.workspace).register(detail, Note(user_name()))
    except AgecliError as error:
        return [f"the model is not registered: {error}"]
    return []


def facts_of(card: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """What the registry keeps of a model: digest, figures, parameters, and the schemas of what goes in and out."""
    regression = card["task"] == "regression"
    label = "double" if regression else "varchar"
    outputs = [("prediction", label), ("confidence", "double")]
    outputs += [("lower", "double"), ("upper", "double")] if regression else []
    return {
        "digest": card["digest"],
        "recipe": recipe.name,
        "label": recipe.label,
        **{key: card[key] for key in FACTS if key in card},
        "inputs": [
            {"name": name, "kind": kind, "type": "real" if kind == "numeric" else "varchar"}
            for name, kind in card["spec"]["features"]
        ],
        "outputs": [{"name": name, "type": kind} for name, kind in outputs],
    }


def version_of(workspace: Workspace, digest: str) -> dict[str, str]:
    """The fact `model_version` of a registered model; nothing for one that is not registered."""
    try:
        version = fold(open_registry(workspace).entries()).by_digest(digest)
    except AgecliError:
        return {}
    return {"model_version": version.name} if version else {}


def check_not_rejected(workspace: Workspace, digest: str) -> None:
    """Raises GateRefused for a model whose version was rejected; one that is not registered may predict."""
    try:
        version = fold(open_registry(workspace).entries()).by_digest(digest)
    except AgecliError:  # said where the registry is read for its own sake
        return
    if version is not None and version.approval == REJECTED:
        raise GateRefused(
            "nothing is predicted", f"these inputs train {version.name}, and {version.name} was rejected",
            f"agecli run --all --model V predicts with another; agecli models approve {version.name} allows this one",
        )  # fmt: skip


def sql_digest(recipe: Recipe) -> str:
    """Of all that defines the features: a model trained under another one may see other values."""
    return digest_of([recipe.sql["staging"], recipe.sql["features"], dict(recipe.source_columns)])


def choose(workspace: Workspace, recipe: Recipe, wanted: str) -> Chosen:
    """The model to predict with: `production`, `staging` or a version.

    Raises ConfigError when there is none or it does not fit the recipe, GateRefused when it was rejected, DataError
    when its card cannot be read.
    """
    registry = open_registry(workspace)
    state = fold(registry.entries())
    warnings = [*registry.warnings(), *state.warnings]
    version = state.find(wanted)
    if version.approval == REJECTED:
        raise GateRefused(f"cannot predict with {version.name}", "it was rejected", "agecli models list shows others")
    card = read_object(workspace.models / version.digest / "card.json")
    if card is None:
        raise ConfigError(
            f"cannot predict with {version.name}", f"its files are not in {workspace.models}", "agecli models list"
        )
    if not isinstance(card.get("spec"), dict):
        raise DataError(f"cannot predict with {version.name}", "its card.json is damaged", "choose another version")
    if card.get("digest") != version.digest:
        why = f"its folder {workspace.models / version.digest} holds another model"
        raise DataError(f"cannot predict with {version.name}", why, "choose another version")
    check_fits(version.name, card["spec"], recipe)
    if version.model.get("sql") not in (None, sql_digest(recipe)):
        warnings.append(f"{version.name} was trained with other SQL of the features: its figures may not hold")
    return Chosen(wanted, version.name, version.digest, tuple(warnings))


def check_fits(name: str, spec: Mapping[str, Any], recipe: Recipe) -> None:
    """Raises ConfigError unless the recipe gives what the model wants, and wants what the model gives.

    The recipe may list more features than the model knows.
    """
    try:
        wanted = {str(feature): str(kind) for feature, kind in spec["features"]}
        rules = {"task": spec["task"], "tolerance": spec["tolerance"], "level": spec["level"]}
    except (KeyError, TypeError, ValueError):
        raise DataError(f"model {name} cannot be used", "its card is damaged", "train again") from None
    here = {"task": recipe.task, "tolerance": recipe.tolerance, "level": recipe.level}
    wrong = [f"its {key} is {rules[key]}, the recipe's {here[key]}" for key in here if rules[key] != here[key]]
    absent = [feature for feature in wanted if feature not in recipe.features]
    if absent:
        wrong.append(f"the recipe has no {', '.join(absent[:5])}" + (" ..." if len(absent) > 5 else ""))
    shared = {feature: kind for feature, kind in wanted.items() if feature in recipe.features}
    wrong += [f"{feature} is {kind} in the model, {recipe.features[feature]} in the recipe"
              for feature, kind in shared.items() if recipe.features[feature] != kind]  # fmt: skip
    if wrong:
        raise ConfigError(
            f"model {name} does not fit this recipe", "; ".join(wrong),
            "train one that does (agecli run without --model), or choose another version: agecli models list",
        )  # fmt: skip
