"""The `train` stage: a model from the labelled rows of the feature table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from agecli.events import now
from agecli.models import artifact, fit
from agecli.models.fit import Trained
from agecli.models.spec import ModelSpec
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import fingerprints, model_facts, record_training
from agecli.pipeline.insights import insights
from agecli.pipeline.registration import register
from agecli.pipeline.tables import Facts, engine_of, features_table
from agecli.recipe import Recipe

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[str, float], None]


def train(run: FrozenRun, progress: Progress | None = None) -> Facts:
    """Trains and saves a model; returns its digest and its figures on rows that no model saw."""
    engine = engine_of(run, threads=1)
    tables = {"features": features_table(run)}
    names = ", ".join(f'"{name}"' for name in ("id", "known_label", *run.recipe.model_features))

    def read() -> Iterator[pa.RecordBatch]:
        return engine.read(f"SELECT {names} FROM features WHERE known_label IS NOT NULL", tables)

    trained = fit.train(read, model_spec(run), progress, run.folder)
    trained = trained.with_card_parts(card_parts(run, trained))
    artifact.save(trained, run.workspace.models / trained.digest)
    training = fingerprints(run).training
    # registered before the training is remembered: what is cut off in between is trained, and registered, again
    unregistered = register(run, trained.card, training)
    record_training(run.workspace, training, trained.card)
    facts = model_facts(run.workspace, trained.digest, training)
    return {**facts, "warnings": [*facts.get("warnings", ()), *unregistered]}


def card_parts(run: FrozenRun, trained: Trained) -> dict[str, Any]:
    """What the card says beyond the training itself, by key; decides no prediction and is not in the digest."""
    prints, recipe = fingerprints(run), run.recipe
    return {
        "about": {
            "recipe": recipe.name,
            "description": recipe.description,
            "label": recipe.label,
            "unit": recipe.unit,
            "period": run.workspace.period,
            "run": run.run_id,
            "trained_at": now(),
        },
        "data": {"source": run.source.fingerprint, "features": prints.features, "training": prints.training},
        "limits": limits(recipe, trained.card),
        "overrides": dict(run.overrides),
        **insights(run, trained),
    }


def limits(recipe: Recipe, card: Mapping[str, Any]) -> list[str]:
    """What the figures of a card do not say, in sentences."""
    told = [
        f"it predicts {recipe.label} for rows of recipe {recipe.name}, for many rows at once; nothing was measured that"
        " would speak for a decision about a single one",
        f"its figures are of {card['test_rows']:,} labelled rows; `shift` says how like them the others are",
    ]
    if recipe.task == "regression":
        told += [
            f"trees tell no value beyond those of the labels that they were fitted to; bounds are {recipe.bounds.lower}"
            f" to {recipe.bounds.upper}",
            f"the interval holds {recipe.level:.0%} of all rows and about as many of each band of predictions, not of"
            " each band of true values",
        ]
    else:
        told.append("a class that no labelled row has is never predicted")
    return told


def model_spec(run: FrozenRun) -> ModelSpec:
    """What the recipe and the settings say about the model."""
    recipe, deciding = run.recipe, run.deciding
    return ModelSpec(
        task=recipe.task,
        features=tuple(recipe.model_features.items()),
        tolerance=recipe.tolerance,
        level=recipe.level,
        params=dict(recipe.model),
        # of the features that this run learns from
        segments=tuple(name for name in recipe.segments if name in recipe.inputs),
        monotone={name: sign for name, sign in recipe.monotone.items() if name in recipe.inputs},
        folds=deciding["folds"],
        repeats=deciding["repeats"],
        max_train_rows=deciding["max_train_rows"],
        few_labels=deciding["few_labels"],
        seed=deciding["seed"],
        threads=run.workers,
    )
