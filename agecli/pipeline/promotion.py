"""Moves versions into staging and production: what must hold first, and the figures when it does not.

Two models are compared on held-out rows that both were measured on. Where these are too few (new ids, another way of
splitting), what is in production is asked again, from the feature table, about those of the candidate's held-out rows
that it was not fitted to either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from agecli.engines import open_engine
from agecli.errors import AgecliError, ConfigError, DataError, GateRefused
from agecli.models import artifact, gates, parts
from agecli.models.gates import Check, Measured
from agecli.models.learn import raw_output
from agecli.models.registry import Alias, Note, State, Version, fold
from agecli.models.registry_folder import user_name
from agecli.models.score import Model
from agecli.pipeline.registration import open_registry
from agecli.pipeline.tables import table_at
from agecli.workspace import Workspace

_DAMAGED = (pa.ArrowException, KeyError, TypeError, ValueError)  # what reading files as they should not be ends in


@dataclass(frozen=True)
class Promotion:
    """How a promotion ended: the version, what the gates found, and the refusal where there is one."""

    version: Version
    checks: tuple[Check, ...] = ()
    refusal: GateRefused | None = None
    instead_of: str | None = None
    moved: bool = True


@dataclass(frozen=True)
class Comparison:
    """Two versions side by side. `paired` holds their losses on the same rows, the difference and its bounds."""

    first: Version
    second: Version
    metric: str
    paired: dict[str, Any]
    metrics: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    parameters: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    features: dict[str, tuple[Any, Any]] = field(default_factory=dict)


def promote(workspace: Workspace, wanted: str, alias: Alias, reason: str, override: bool) -> Promotion:
    """Promotes a version, unless a gate before production refuses and `override` is not given.

    What the gates found is recorded with the entry. Raises ConfigError for a version that is not there and DataError
    for one whose files are damaged.
    """
    registry = open_registry(workspace)
    state = fold(registry.entries())
    version = state.find(wanted)
    holder = state.holder(alias)
    if holder == version.name:
        return Promotion(version, moved=False)
    artifact.load(workspace.models / version.digest)
    checks = tuple(_checks(workspace, state, version) if alias == "production" else _out_of_production(version))
    failed = [check for check in checks if not check.passed]
    if failed and not override:
        return Promotion(version, checks, _refusal(version, alias, failed), holder, moved=False)
    detail = {"checks": [check.to_json() for check in checks], "overridden": override and bool(failed)}
    moved = registry.promote(version.name, alias, Note(user_name(), reason, detail), holder)
    return Promotion(moved, checks, None, holder)


def _refusal(version: Version, alias: Alias, failed: list[Check]) -> GateRefused:
    approve = f"agecli models approve {version.name}"
    override = f"agecli models promote {version.name} --to {alias} --override --reason TEXT"
    fix = approve if [check.check for check in failed] == ["approval"] else override
    return GateRefused(f"{version.name} is not promoted to {alias}", "; ".join(c.said for c in failed), fix)


def _out_of_production(version: Version) -> Iterator[Check]:
    """Before staging: production must not be left without a version by the way."""
    if version.stage == "production":
        yield Check("production", False, f"{version.name} is in production, which would be left without a version", {})


def rollback(workspace: Workspace, alias: Alias, reason: str) -> Version:
    """Gives the alias back to the version that held it before; DataError if that one's files are damaged."""
    registry = open_registry(workspace)
    state = fold(registry.entries())
    before = state.before(alias)
    if before is not None:
        artifact.load(workspace.models / state.versions[before].digest)
    return registry.rollback(alias, Note(user_name(), reason))


def _checks(workspace: Workspace, state: State, version: Version) -> Iterator[Check]:
    """All that must hold before a version goes into production, also where the last one has left it."""
    yield gates.approval(version)
    holder = state.measure("production")
    if holder is not None:
        yield _compared(workspace, version, state.versions[holder])
    try:
        table, card = _evaluation(workspace, version)
        rows = int(card.get("calibrated_on", table.num_rows))
        if version.model["task"] == "regression":
            yield gates.coverage(table, float(card["interval"]["level"]), rows)
        told = table.column("confidence").to_numpy().astype(np.float64)
        yield gates.confidence(gates.hits(table, card["decides"]["tolerance"]), told, rows)
    except (AgecliError, *_DAMAGED) as error:
        yield Check("evaluation", False, f"how good {version.name} is cannot be read: {error}", {})


def _compared(workspace: Workspace, version: Version, holder: Version) -> Check:
    if version.model["task"] != holder.model["task"]:
        said = f"{version.name} does a {version.model['task']}, {holder.name} of production a {holder.model['task']}"
        return Check("comparison", False, said, {})
    try:
        figures = paired(workspace, version, holder)
    except (AgecliError, *_DAMAGED) as error:
        return Check("comparison", False, f"{version.name} cannot be compared with {holder.name}: {error}", {})
    return _comparison(version, holder, figures)


def _comparison(first: Version, second: Version, figures: Mapping[str, Any]) -> Check:
    found = gates.comparison(first.name, second.name, figures, first.model["task"])
    if not figures["scored_again"]:
        return found
    return replace(found, said=f"{found.said}; {second.name} was scored again on {figures['scored_again']:,} of them")


def compare(workspace: Workspace, first: str, second: str) -> Comparison:
    """Two versions side by side; ConfigError for one that is not there, DataError for one whose files are damaged."""
    state = fold(open_registry(workspace).entries())
    one, two = state.find(first), state.find(second)
    regression = one.model["task"] == "regression"
    if one.model["task"] != two.model["task"]:
        raise ConfigError(f"cannot compare {one.name} with {two.name}", "their tasks differ", "compare two of one task")
    measured = [dict((version.model.get("metrics") or {}).get("model") or {}) for version in (one, two)]
    settings = [dict(version.model.get("parameters") or {}) for version in (one, two)]
    features = [{item["name"]: item["type"] for item in version.model.get("inputs", ())} for version in (one, two)]
    try:
        figures = paired(workspace, one, two)
    except _DAMAGED as error:
        why = f"a card or an evaluation does not hold what it should ({type(error).__name__}: {error})"
        raise DataError(f"cannot compare {one.name} with {two.name}", why, "train again: agecli train") from None
    return Comparison(
        one,
        two,
        "MAE" if regression else "log loss",
        figures,
        _beside(*measured),
        {name: pair for name, pair in _beside(*settings).items() if pair[0] != pair[1]},
        {name: pair for name, pair in _beside(*features).items() if pair[0] != pair[1]},
    )


def _beside(first: dict[str, Any], second: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (first.get(name), second.get(name)) for name in {**first, **second}}


def paired(workspace: Workspace, version: Version, holder: Version) -> dict[str, Any]:
    """The losses of both on rows that neither was fitted to.

    These are held-out rows in common; where they are too few, also held-out rows of `version` that `holder` has not
    seen are scored again. `scored_again` says how many of those there are.
    """
    mine, (theirs, card) = _measured(workspace, version)[0], _measured(workspace, holder)
    figures = gates.paired(mine, theirs)
    if figures["low"] is not None:
        return {**figures, "scored_again": 0}
    again = _score_again(workspace, holder, unseen(mine.ids, card, theirs.ids))
    if again is None:
        return {**figures, "scored_again": 0}
    both = Measured(pa.concat_arrays([theirs.ids, again.ids]), np.concatenate([theirs.loss, again.loss]))
    return {**gates.paired(mine, both), "scored_again": len(again.ids)}


def unseen(ids: pa.Array, card: Mapping[str, Any], measured: pa.Array) -> pa.Array:
    """Of these ids those that a model with this card was surely not fitted to, beside those it was `measured` on.

    Out of fold it was measured on every row that it was fitted to in the end; else the hash of an id says whether
    the row is held out. A row that was left out by a sample, or had no label then, is not known to be unseen.
    """
    ids = ids.filter(pc.invert(pc.is_in(ids, value_set=measured)))
    if card["split"] == "out-of-fold":
        return ids
    held_out = parts.part_of(parts.hash_ids(ids), int(card["spec"]["seed"])) == parts.PARTS.index(parts.TEST)
    return ids.filter(pa.array(held_out))


def _evaluation(workspace: Workspace, version: Version) -> tuple[pa.Table, dict[str, Any]]:
    folder = workspace.models / version.digest
    return artifact.evaluation(folder), artifact.load(folder).card


def _measured(workspace: Workspace, version: Version) -> tuple[Measured, dict[str, Any]]:
    """What the card's figures rest on, and the card."""
    table, card = _evaluation(workspace, version)
    regression = card["task"] == "regression"
    return (gates.numbers(table) if regression else gates.classes(table, card["decides"]["classes"])), card


def _score_again(workspace: Workspace, version: Version, ids: pa.Array) -> Measured | None:
    """What a model says of these rows of the current feature table; None where that is not there."""
    current = workspace.current("features")
    if current is None or workspace.facts("features", current) is None:
        return None
    model = artifact.load(workspace.models / version.digest)
    scored = []
    tables = {"features": table_at(workspace, "features", current)}
    names = ", ".join(f'"{name}"' for name in model.spec.names)  # a feature may be named like a word of SQL
    with_label = f"SELECT id, known_label, {names} FROM features WHERE known_label IS NOT NULL"
    try:
        for batch in open_engine("duckdb", threads=1).read(with_label, tables):
            batch = batch.filter(pc.is_in(pc.cast(batch.column("id"), pa.string()), value_set=ids))
            scored.append(_told(model, batch))
    except (ConfigError, DataError):  # the table lacks a feature of this model
        return None
    table = pa.concat_tables(scored) if scored else None
    if table is None:
        return None
    return gates.numbers(table) if model.spec.task == "regression" else gates.classes(table, model.classes)


def _told(model: Model, batch: pa.RecordBatch) -> pa.Table:
    """id, truth, and what the model says: the prediction of a regression, else the probabilities."""
    known = {"id": pc.cast(batch.column("id"), pa.string())}
    if model.spec.task == "regression":
        truth = pc.cast(batch.column("known_label"), pa.float64())
        return pa.table({**known, "truth": truth, "prediction": model.score(batch).prediction})
    rows = model.encoder.encode(batch)
    told = model.calibration(raw_output(model.point, rows, len(model.classes)))  # type: ignore[operator]
    listed = pa.array(list(told), pa.list_(pa.float64()))
    return pa.table({**known, "truth": pc.cast(batch.column("known_label"), pa.string()), "probabilities": listed})


def verdict(found: Comparison) -> str:
    """Which of two versions is better, said only where the rows show it."""
    return _comparison(found.first, found.second, found.paired).said
