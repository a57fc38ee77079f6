"""What `agecli models` shows: versions as rows, one version as a page, two of them side by side."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from agecli.cli import output
from agecli.cli.output import tabular
from agecli.config import Settings
from agecli.errors import ConfigError
from agecli.models.registry import ALIASES, Alias, Approval, Note, Registry, State, Version, fold, moment
from agecli.models.registry_folder import user_name
from agecli.pipeline.registration import open_registry
from agecli.pipeline.tables import open_workspace
from agecli.workspace import Workspace

COLUMNS = ("version", "approval", "stage", "registered", "by", "error", "rows", "model")
ALL = ("version", "approval", "stage", "registered_at", "registered_by", "digest", "metrics", "test_rows", "parameters")
CHECKS = ("check", "passed", "said")
COMPARED = ("what", "first", "second", "difference", "low", "high")


def look(settings: Settings, at: str | None = None) -> tuple[State, Registry]:
    """The registry's state, now or then. What is wrong with its files is said on stderr."""
    registry = open_registry(_workspace(settings))
    state = fold(registry.entries(), moment(at) if at else None)
    for text in (*registry.warnings(), *state.warnings):
        print(f"warning: {text}", file=sys.stderr)
    return state, registry


def _workspace(settings: Settings) -> Workspace:
    return open_workspace(settings)[0]


def find(state: State, wanted: str, at: str | None) -> Version:
    """A version; the error says when it was looked for."""
    try:
        return state.find(wanted)
    except ConfigError as error:
        if at is None:
            raise
        raise ConfigError(f"{error.what} at {at}", error.why, f"agecli models list --at {at}") from None


def columns(form: str) -> tuple[str, ...]:
    return ALL if form == "json" else COLUMNS


def row(version: Version, form: str) -> dict[str, Any]:
    """A version in a listing; JSON has the whole of its figures."""
    if form == "json":
        return version.to_json()
    figures = _figures(version)
    name = next((key for key in ("mae", "log_loss") if key in figures), None)
    return {
        "version": version.name,
        "approval": version.approval,
        "stage": version.stage,
        "registered": f"{version.registered_at:%Y-%m-%d %H:%M}",
        "by": version.registered_by,
        "error": f"{_SHORT[name]} {_number(figures[name])}" if name else "",
        "rows": version.model.get("test_rows"),
        "model": version.digest[:16],
    }


_SHORT = {"mae": "MAE", "log_loss": "log loss"}


def _figures(version: Version) -> dict[str, Any]:
    """The figures of the model itself, as it was registered; nothing where the entry holds none."""
    metrics = version.model.get("metrics")
    model = metrics.get("model") if isinstance(metrics, Mapping) else None
    return {key: value for key, value in model.items() if value is not None} if isinstance(model, Mapping) else {}


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def show(version: Version, form: str) -> None:
    """One version: JSON has all of it; for people its facts, and then what was done to it."""
    if form == "json":
        output.emit_object(version.to_json())
        return
    facts = [{"fact": name, "value": value} for name, value in _facts(version)]
    output.emit(_wrapped(facts) if form == "table" else facts, ("fact", "value"), form)
    if form == "table":
        print("\n" + tabular([_done(entry.to_json()) for entry in version.entries], ("at", "by", "what", "reason")))


def _wrapped(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A long value goes on in the lines below it."""
    return [
        {"fact": "" if number else fact["fact"], "value": line}
        for fact in facts
        for number, line in enumerate(textwrap.wrap(str(fact["value"]), 100, break_on_hyphens=False) or [""])
    ]


def _facts(version: Version) -> list[tuple[str, Any]]:
    model = version.model
    interval = model.get("interval")
    told = [(name, _number(value)) for name, value in _figures(version).items()]
    if isinstance(interval, Mapping):
        told += [(f"interval {name}", _number(value)) for name, value in interval.items()]
    listed = [f"{item.get('name')} ({item.get('type')})" for item in model.get("inputs") or ()]
    outputs = [f"{item.get('name')} ({item.get('type')})" for item in model.get("outputs") or ()]
    return [
        ("version", version.name),
        ("approval", version.approval),
        ("stage", version.stage),
        ("model", version.digest),
        *((key, model[key]) for key in ("task", "label", "period", "run_id", "labelled", "test_rows") if key in model),
        *told,
        ("parameters", _pairs(model.get("parameters"))),
        ("for this run", _pairs(model.get("overrides"))),
        ("inputs", ", ".join(listed)),
        ("outputs", ", ".join(outputs)),
    ]


def _pairs(value: Any) -> str:
    return ", ".join(f"{key}={item}" for key, item in value.items()) if isinstance(value, Mapping) else ""


def _done(entry: Mapping[str, Any]) -> dict[str, str]:
    places = f" from {entry['from']} to {entry['to']}" if entry["from"] else ""
    overridden = ", a gate overridden" if entry["detail"].get("overridden") else ""
    what = f"{entry['kind']}{places}{overridden}"
    return {"at": entry["at"][:19].replace("T", " "), "by": entry["by"], "what": what, "reason": entry["reason"]}


def decide(settings: Settings, wanted: str, approval: Approval, reason: str, form: str) -> None:
    """Approves or rejects, and shows the version as it stands now."""
    _, registry = look(settings)
    version = registry.decide(wanted, approval, Note(user_name(), reason))
    _tell(version, form)
    workspace = _workspace(settings)
    if approval == "Rejected" and _made_with(workspace) == version.digest:
        said = (
            f"the current results of {workspace.period} were made with {version.name}, and stay until others are made"
        )
        print(f"warning: {said}", file=sys.stderr)


def _made_with(workspace: Workspace) -> str | None:
    """The digest of the model behind the current results."""
    fingerprint = workspace.current("results")
    facts = workspace.facts("results", fingerprint) if fingerprint else None
    return str(facts.get("model")) if facts else None


def promote(settings: Settings, wanted: str, alias: str, reason: str, override: bool, form: str) -> None:
    """Promotes; what the gates found goes to stdout, also where they refuse."""
    from agecli.pipeline import promotion

    look(settings)
    ended = promotion.promote(_workspace(settings), wanted, _alias(alias), reason, override)
    if ended.checks:
        rows = [{**check.to_json(), "passed": "yes" if check.passed else "no"} for check in ended.checks]
        if form == "json":
            rows = [check.to_json() for check in ended.checks]
        output.emit(rows, (*CHECKS, "figures") if form == "json" else CHECKS, form)
    else:
        output.emit([row(ended.version, form)], columns(form), form)
    if ended.refusal is not None:
        raise ended.refusal
    instead = f" instead of {ended.instead_of}" if ended.instead_of and ended.moved else ""
    already = "" if ended.moved else " already"
    print(f"{ended.version.name} is in {alias}{already}{instead}", file=sys.stderr)


def roll_back(settings: Settings, alias: str, reason: str, form: str) -> None:
    """Rolls an alias back, and shows the version that holds it now."""
    from agecli.pipeline import promotion

    look(settings)
    _tell(promotion.rollback(_workspace(settings), _alias(alias), reason), form)


def _alias(name: str) -> Alias:
    return next(alias for alias in ALIASES if alias == name)


def _tell(version: Version, form: str) -> None:
    output.emit([row(version, form)], columns(form), form)


def compare(settings: Settings, first: str, second: str, form: str) -> None:
    """Two versions: the paired difference first, then figures, parameters and features that differ."""
    from agecli.pipeline import promotion

    look(settings)
    found = promotion.compare(_workspace(settings), first, second)
    one, two = found.first.name, found.second.name
    rows: list[dict[str, Any]] = [
        {"what": f"{found.metric} on {found.paired['rows']} rows of both", **found.paired},
        *_different("", found.metrics),
        *_different("parameter ", found.parameters),
        *_different("feature ", found.features),
    ]
    if form == "json":
        shown = {"metrics": found.metrics, "parameters": found.parameters, "features": found.features}
        output.emit_object({"first": one, "second": two, "metric": found.metric, "paired": found.paired, **shown})
        return
    named = {"first": one, "second": two}
    lines = [{named.get(key, key): _cell(value) for key, value in line.items()} for line in rows]
    output.emit(lines, [named.get(key, key) for key in COMPARED], form)
    print(promotion.verdict(found), file=sys.stderr)


def _different(prefix: str, pairs: Mapping[str, tuple[Any, Any]]) -> list[dict[str, Any]]:
    return [{"what": prefix + name, "first": first, "second": second} for name, (first, second) in pairs.items()]


def _cell(value: Any) -> Any:
    return _number(value) if isinstance(value, float) else value
