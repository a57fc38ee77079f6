"""The closing summary of a run, made from its manifest alone; `agecli status` prints the same."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path
from typing import Any

from agecli.cli import output, verdict
from agecli.cli.board import duration, plural, size
from agecli.cli.output import one_line, tabular
from agecli.cli.session import Session
from agecli.events import Manifest, StageRecord

_METRICS = {
    "mae": ("MAE", ".3f"),
    "rmse": ("RMSE", ".3f"),
    "r2": ("R2", ".3f"),
    "accuracy": ("accuracy", ".3f"),
    "roc_auc": ("ROC AUC", ".3f"),
    "log_loss": ("log loss", ".4f"),
}
_TOP = 5  # features whose importance is shown
_TOO_GOOD = 0.995  # share of the variance, or of the errors that the most frequent class makes
_COLUMNS = ("name", "state", "seconds", "rows", "skipped")
_ROLES = {"model": "model", "baseline": "baseline", "mean": "mean"}
_STATES = {
    "done": "done",
    "partial": "finished, but some batches failed",
    "failed": "failed",
    "refused": "a gate refused",
    "interrupted": "interrupted",
    "running": "running",
}


def show(manifest: Manifest, session: Session) -> None:
    """Prints the summary to stderr, the hint what to type next as the last line."""
    print("\n" + text(manifest, session, closing=True), file=sys.stderr)
    hint = next_step(manifest, session)
    if hint:
        print(f"\nnext: {hint}", file=sys.stderr)


def emit(manifest: Manifest, form: str) -> None:
    """Prints a run to stdout for scripts: JSON has the whole manifest, CSV and Markdown have the stages."""
    if form == "json":
        output.emit_object(manifest.to_json())
    else:
        output.emit(manifest.to_json()["stages"], _COLUMNS, form)


def text(manifest: Manifest, session: Session, closing: bool = False) -> str:
    """The summary: paragraphs that the run has facts for, and no others.

    A closing summary leaves out what is about to be said at the door: the error, and how to go on after Ctrl-C.
    """
    facts = manifest.facts()
    paragraphs = [
        _headline(manifest),
        _rows(manifest, facts),
        _quality(manifest, facts),
        _stages(manifest),
        _places(manifest, facts),
        _trouble(manifest, session, closing),
    ]
    return "\n\n".join(part for part in paragraphs if part)


def next_step(manifest: Manifest, session: Session) -> str:
    """The command that a user wants next; errors bring their own."""
    if manifest.state == "done" and manifest.facts().get("results"):
        return session.hint('sql "SELECT * FROM results LIMIT 10"')
    if manifest.state == "done" and manifest.stages:
        return session.hint("run --all")
    return ""


def _headline(manifest: Manifest) -> str:
    took = f" in {duration(manifest.seconds)}" if manifest.seconds is not None else ""
    what = " ".join(part for part in (manifest.recipe, manifest.period) if part)
    return f"run {manifest.run_id} of {what}: {_STATES.get(manifest.state, manifest.state)}{took}"


def _rows(manifest: Manifest, facts: dict[str, Any]) -> str:
    rows_in, rows_out = facts.get("rows_in"), facts.get("rows_out")
    lines = []
    if rows_in is not None and rows_out is not None:
        lines.append(f"rows        {rows_in:,} in, {rows_out:,} out")
        parts = [(facts.get(key), word) for key, word in _SOURCES.items()]
        counted = [f"{count:,} {word}{_share(count, rows_out)}" for count, word in parts if count is not None]
        lines.append("values      " + ", ".join(counted))
    elif rows_in is not None:
        lines.append(f"rows        {rows_in:,} in")
    tiers = facts.get("tiers")
    if isinstance(tiers, dict) and any(tiers.values()):
        lines.append("confidence  " + ", ".join(f"{tiers[word]:,} {word}" for word in _TIERS if word in tiers))
    lines += _dirt(facts)
    return "\n".join(lines)


_TIERS = ("excellent", "good", "fair", "poor")
_SOURCES = {"known": "known", "predicted": "predicted", "defaulted": "default"}


def _share(count: int, whole: int) -> str:
    return f" ({count / whole:.1%})" if whole else ""


def _dirt(facts: dict[str, Any]) -> list[str]:
    bad = {name: count for name, count in sorted((facts.get("bad") or {}).items()) if count}
    lines = []
    if bad:
        named = ", ".join(f"{count:,} {name.removeprefix('bad_').replace('_', ' ')}" for name, count in bad.items())
        lines.append(_wrapped(f"malformed   {named} (read as missing)"))
    if facts.get("labels_outside"):
        lines.append(f"labels      {facts['labels_outside']:,} out of bounds (taken as unknown)")
    return lines


def _wrapped(line: str) -> str:
    """A long line in several, each under the text of the first."""
    return textwrap.fill(line, 100, subsequent_indent=" " * 12, break_long_words=False, break_on_hyphens=False)


def _quality(manifest: Manifest, facts: dict[str, Any]) -> str:
    metrics = facts.get("metrics")
    if not isinstance(metrics, dict):
        return ""
    columns = [key for key in _METRICS if any(key in (metrics.get(role) or {}) for role in _ROLES)]
    rows = []
    for role in _ROLES:
        measured = metrics.get(role)
        if measured:
            cells = {_METRICS[k][0]: _number(measured.get(k), _METRICS[k][1]) for k in columns}
            rows.append({"": "base rate" if role == "mean" and "log_loss" in measured else role, **cells})
    count, named = facts.get("test_rows"), [_METRICS[key][0] for key in columns]
    lines = [f"measured on {count:,} rows that no model saw" if count is not None else "measured"]
    lines.append(tabular(rows, ["", *named], right=named))
    interval = facts.get("interval")
    if isinstance(interval, dict) and interval.get("coverage") is not None:
        lines.append(
            f"{interval['level']:.0%} interval: {interval['coverage']:.1%} of the true values lie inside,"
            f" mean width {interval['mean_width']:.2f}"
        )
    return "\n".join([*lines, *map(_wrapped, verdict.sentences(facts)), *_insights(facts)])


def _insights(facts: dict[str, Any]) -> list[str]:
    """Do the figures carry over, and what does the model go by?"""
    lines = []
    found = facts.get("shift")
    if isinstance(found, dict) and found.get("auc") is not None:
        alike = "differ little" if found["low"] > 0.5 else "are alike as far as the features tell"
        word = "differ" if found["differs"] else alike
        low, high = (f"{found[end]:.2f}" for end in ("low", "high"))
        lines.append(f"rows with and without a label {word} (AUC {found['auc']:.2f}, {low} to {high}; 0.50 is alike)")
    elif isinstance(found, dict):
        lines.append(f"rows with and without a label were not compared: {found.get('reason')}")
    top = [one for one in facts.get("importance") or () if one["mean_abs_shap"] > 0][:_TOP]
    if top:
        named = ", ".join(f"{one['feature']} {_short(one['mean_abs_shap'])}" for one in top)
        lines.append(_wrapped(f"importance  {named} (mean absolute SHAP value)"))
    if _too_good(facts["metrics"]):
        what = "nearly perfect: does a feature give the label away, or is it filled in after the label is known?"
        lines.append(_wrapped(what + (f" {top[0]['feature']} is the strongest" if top else "")))
    return lines


def _too_good(metrics: dict[str, Any]) -> bool:
    """Is there hardly any error? Few labels worth predicting are as plain as that."""
    model, mean = metrics.get("model") or {}, metrics.get("mean") or {}
    missed, missed_by_mean = (1 - (told.get("accuracy") or 0.0) for told in (model, mean))
    return (model.get("r2") or 0.0) > _TOO_GOOD or ("accuracy" in model and missed < (1 - _TOO_GOOD) * missed_by_mean)


def _short(value: float) -> str:
    return f"{value:,.1f}" if value >= 1 else f"{value:.2g}"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _stages(manifest: Manifest) -> str:
    rows = []
    for record in manifest.stages:
        cut_short = record.state == "running" and manifest.state != "running"
        state = "fresh" if record.skipped else "stopped" if cut_short else record.state
        note = f"{plural(len(record.batches_failed), 'batch')} failed" if record.batches_failed else ""
        if "removed" in record.facts:
            note = f"{plural(record.facts['removed'], 'item')}, {size(record.facts.get('bytes', 0))}"
        count = "" if record.rows is None else f"{record.rows:,}"
        seconds = "" if record.skipped or record.seconds is None else f"{record.seconds:.1f}"
        rate = _rate(record)
        rows.append({"stage": record.name, "state": state, "seconds": seconds, "rows": count, "rows/s": rate, "": note})
    columns = ("stage", "state", "seconds", "rows", "rows/s", "")
    return tabular(rows, columns, right=("seconds", "rows", "rows/s")) if rows else ""


def _rate(record: StageRecord) -> str:
    """Rows a second, where the stage did all its rows in this run."""
    whole = record.state == "done" and not record.skipped and not record.facts.get("batches_skipped")
    if not whole or not record.rows or not record.seconds or record.name in ("train", "batches"):
        return ""
    return f"{record.rows / record.seconds:,.0f}"


def _places(manifest: Manifest, facts: dict[str, Any]) -> str:
    lines = [f"results     {_near(facts['results'])}"] if facts.get("results") else []
    if facts.get("model"):
        version = f"{facts['model_version']}, " if facts.get("model_version") else ""
        lines.append(f"model       {version}{facts['model'][:16]}")
    lines += [_wrapped(f"warning     {one_line(message)}") for message in manifest.warnings]
    return "\n".join(lines)


def _near(path: str) -> str:
    """A path as seen from here, where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return relative if len(relative) < len(path) and not relative.startswith(str(Path("..", ".."))) else path


def _trouble(manifest: Manifest, session: Session, closing: bool) -> str:
    """What ended the run, what is kept, and what goes on from there."""
    if manifest.state not in ("failed", "refused", "interrupted", "partial"):
        return ""
    lines = []
    if manifest.state != "partial":
        record = next((record for record in manifest.stages if record.state in ("failed", "running")), None)
        where = record.name if record else "the run"
        ended = {"failed": "failed", "refused": "was refused"}.get(manifest.state, "was interrupted")
        lines.append(f"{where} {ended}")
        if manifest.error and manifest.state in ("failed", "refused") and not closing:
            lines[0] += ": " + one_line(f"{manifest.error.get('what')}: {manifest.error.get('why')}")
    for record in manifest.stages:
        if record.batches_failed:
            lines.append(f"batches failed: {', '.join(map(str, record.batches_failed[:20]))}")
    if closing and manifest.state == "interrupted":
        return "\n".join(lines)
    if manifest.state == "refused":  # the same command would be refused again; the error says what helps
        return "\n".join([*lines, "what was finished is kept, and so are the last good results"])
    resume = session.hint("predict --failed") if manifest.state == "partial" else _resume(session)
    lines.append(f"what was finished is kept, and so are the last good results; `{resume}` goes on from there")
    return "\n".join(lines)


def _resume(session: Session) -> str:
    return session.resume_line() if session.running else session.hint("run --all")
