"""The publication gate: new results become current only if they resemble the last ones.

Before the pointer moves, the new results are compared with the last current ones, of this period or else of the
period before: rows, share of defaults, mean and spread of predictions and of confidence, shares of classes. A change
beyond the limits of the recipe's [publication] keeps the old results current. The new ones stand beside them, so
that publishing them anyway costs no computation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from agecli.engines import Engine
from agecli.engines.base import Table
from agecli.errors import AgecliError, ConfigError, GateRefused
from agecli.models.registry_folder import user_name
from agecli.pipeline.frozen import FrozenRun
from agecli.recipe import Publication, Recipe, as_of
from agecli.workspace import Workspace

LEAST_ROWS = 50
"""Predictions needed on both sides before their distributions are compared: fewer differ by chance."""
MOST_CLASSES = 100


@dataclass(frozen=True)
class Published:
    """Results that are current: their period, fingerprint and facts."""

    period: str
    fingerprint: str
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.period}/results/{self.fingerprint}"


def moments(recipe: Recipe) -> list[str]:
    """What `profile` wants to know of the predicted rows, as columns of a SELECT over the results."""
    wanted = []
    for name in _numbers(recipe):
        number = f"CAST({name} AS double)"
        wanted += [f"avg({number}) AS {name}_mean", f"stddev_pop({number}) AS {name}_spread"]
    return wanted


def profile(engine: Engine, results: Table, recipe: Recipe, rows: int, found: Mapping[str, Any]) -> dict[str, Any]:
    """What the gate compares, of the predicted rows: `rows` of them, whose `moments` are `found` (if there are any)."""
    told: dict[str, Any] = {"task": recipe.task, "label": recipe.label, "tolerance": recipe.tolerance, "rows": rows}
    words = {"confidence": "confidence", "value": "prediction"}
    for name in _numbers(recipe):
        told[words[name]] = {key: found.get(f"{name}_{key}") for key in ("mean", "spread")}
    if recipe.task == "regression":
        return told
    sql = (
        "SELECT value, count(*) AS n FROM results WHERE source = 'PREDICTED'"
        f" GROUP BY value ORDER BY n DESC, value LIMIT {MOST_CLASSES}"
    )
    counts = [row for batch in engine.read(sql, {"results": results}) for row in batch.to_pylist()]
    return {**told, "shares": {row["value"]: row["n"] / rows for row in counts}}


def _numbers(recipe: Recipe) -> list[str]:
    return ["confidence", "value"] if recipe.task == "regression" else ["confidence"]


def last_published(workspace: Workspace) -> Published | None:
    """The current results of this period, else of the latest period before it that has any."""
    here = as_of(workspace.period)
    periods: list[tuple[date, str]] = []
    for pointer in (workspace.root / workspace.recipe).glob("*/results/_current.json"):
        name = pointer.parents[1].name
        try:
            periods.append((as_of(name), name))
        except ConfigError:  # a folder that is no period
            continue
    earlier = [name for when, name in sorted(periods, reverse=True) if when < here and name != workspace.period]
    for period in [workspace.period, *earlier]:
        try:
            found = _published(Workspace(workspace.root, workspace.recipe, period))
        except (AgecliError, KeyError, TypeError):
            if period == workspace.period:
                raise
            continue  # what is broken elsewhere does not stop this period
        if found is not None:
            return found
    return None


def _published(workspace: Workspace) -> Published | None:
    fingerprint = workspace.current("results")
    facts = workspace.facts("results", fingerprint) if fingerprint else None
    return Published(workspace.period, fingerprint, facts) if fingerprint and facts is not None else None


def changes(last: Mapping[str, Any], new: Mapping[str, Any], limits: Publication) -> Iterator[str]:
    """What changed beyond the limits between the facts of two results, each with its figures."""
    yield from _rows_changed(last["rows_out"], new["rows_out"], limits)
    before, now = (facts["defaulted"] / max(facts["rows_out"], 1) for facts in (last, new))
    if now - before > limits.defaults:
        yield f"the share of defaults is {now:.1%}, was {before:.1%} (limit +{limits.defaults:.1%})"
    old, fresh = last.get("profile") or {}, new.get("profile") or {}
    if min(old.get("rows", 0), fresh.get("rows", 0)) < LEAST_ROWS:
        return
    if any(old.get(key) != fresh.get(key) for key in ("task", "label")):
        return  # another question: its answers are not comparable
    if "prediction" in old and "prediction" in fresh:
        yield from _predictions_changed(old["prediction"], fresh["prediction"], limits)
    yield from _shares_changed(old.get("shares", {}), fresh.get("shares", {}), limits)
    if old.get("tolerance") == fresh.get("tolerance"):  # else confidence means something else now
        yield from _confidence_changed(old["confidence"], fresh["confidence"], limits)


def _rows_changed(before: int, now: int, limits: Publication) -> Iterator[str]:
    counted = f"there are {now:,} rows, were {before:,}"
    if now < before * (1 - limits.rows_lost):
        yield f"{counted} (limit {-limits.rows_lost:.1%})"
    if limits.rows_gained is not None and now > before * (1 + limits.rows_gained):
        yield f"{counted} (limit {limits.rows_gained:+.1%})"


def _predictions_changed(old: Mapping[str, float], new: Mapping[str, float], limits: Publication) -> Iterator[str]:
    if abs(new["mean"] - old["mean"]) > limits.mean * old["spread"]:
        moved = f"{abs(new['mean'] - old['mean']) / old['spread']:.2f}" if old["spread"] else "many"
        yield (
            f"the mean prediction is {new['mean']:.4g}, was {old['mean']:.4g}"
            f" ({moved} standard deviations, limit {limits.mean:g})"
        )
    low, high = sorted((old["spread"], new["spread"]))
    if high > limits.spread * low:
        yield (
            f"the standard deviation of the predictions is {new['spread']:.4g}, was {old['spread']:.4g}"
            f" (limit: {limits.spread:g} times)"
        )


def _shares_changed(old: Mapping[str, float], new: Mapping[str, float], limits: Publication) -> Iterator[str]:
    for name in sorted({*old, *new}):
        before, now = old.get(name, 0.0), new.get(name, 0.0)
        if abs(now - before) > limits.shares:
            yield f"the share of predictions {name!r} is {now:.1%}, was {before:.1%} (limit {limits.shares:.1%})"


def _confidence_changed(old: Mapping[str, float], new: Mapping[str, float], limits: Publication) -> Iterator[str]:
    for key, word in (("mean", "mean"), ("spread", "standard deviation of the")):
        if abs(new[key] - old[key]) > limits.confidence:
            yield f"the {word} confidence is {new[key]:.3f}, was {old[key]:.3f} (limit {limits.confidence:g})"


def publish(run: FrozenRun, fingerprint: str, facts: Mapping[str, Any], anyway: str) -> dict[str, Any]:
    """Makes whole results current; gives what is to be said of it.

    `anyway` is the reason for doing so whatever changed; it is recorded with the pointer. Raises GateRefused where
    something changed beyond the limits and there is no reason; the old results stay current then.
    """
    workspace = run.workspace
    last = last_published(workspace)
    if last is None or last.name == f"{workspace.period}/results/{fingerprint}":
        workspace.set_current("results", fingerprint)
        return {}
    found = list(changes(last.facts, facts, run.recipe.publication))
    if found and not anyway:
        raise GateRefused(
            "the new results are not published",
            f"compared with {last.name}, {'; '.join(found)}. Those stay current; the new ones stand in"
            f" {workspace.table('results', fingerprint)}",
            "look at the cause; `agecli run --publish-anyway --reason TEXT` publishes them, and [publication] in"
            " recipe.toml sets the limits",
        )
    if not found:
        workspace.set_current("results", fingerprint)
        return {}
    record = {"against": last.name, "changes": found, "reason": anyway, "by": user_name(), "run_id": run.run_id}
    workspace.set_current("results", fingerprint, {"publication": record})
    return {"publication": record, "warnings": [f"published anyway ({anyway}): {text}" for text in found]}
