"""What the figures of a training show, in sentences: "better" is said only where the interval excludes zero."""

from __future__ import annotations

from typing import Any

_NAMES = {"mae": "MAE", "rmse": "RMSE", "r2": "R2", "roc_auc": "ROC AUC", "log_loss": "log loss"}


def sentences(facts: dict[str, Any]) -> list[str]:
    """Model against baseline, whether the confidence comes true, and the cross-validation where there was one."""
    told = facts.get("evaluation")
    lines = _compared(told) if isinstance(told, dict) else []
    if isinstance(told, dict) and isinstance(told.get("reliability"), dict):
        lines.append(_reliability(told["reliability"]))
    crossed = facts.get("cross_validation")
    if isinstance(crossed, dict):
        lines += _crossed(crossed)
    return lines


def difference(name: str, found: dict[str, Any], other: str) -> str:
    """One difference between two models, above zero where the first is better."""
    value, low, high = (found[key] for key in ("value", "low", "high"))
    if value is None or low is None:
        return f"no difference from {other} shown"
    if not found["shown"]:
        return f"no difference from {other} shown ({named(name)} {value:+.3g}, {low:+.3g} to {high:+.3g})"
    if value > 0:
        return f"better than {other} by {value:.3g} {named(name)} ({low:.3g} to {high:.3g})"
    return f"worse than {other} by {-value:.3g} {named(name)} ({-high:.3g} to {-low:.3g})"


def named(name: str) -> str:
    """A figure's name as people write it."""
    return _NAMES.get(name, name.replace("_", " "))


def _compared(told: dict[str, Any]) -> list[str]:
    """By the figure that decides, and for classes also by log loss, which sees all of the probabilities."""
    by = [told["primary"], *(["log_loss"] if told["primary"] == "accuracy" else [])]
    found = told["differences"]["baseline"]
    said = [difference(name, found[name], "the baseline") for name in by if name in found]
    return ["; ".join(said)] if said else []


def _reliability(found: dict[str, Any]) -> str:
    error, gain = found["ece"], found["brier_gain"]
    line = f"confidence: calibration error {error['value']:.3f} ({error['low']:.3f} to {error['high']:.3f}), "
    if gain["shown"]:
        return line + (
            f"Brier score better than any constant's by {gain['value']:.4f} ({gain['low']:.4f} to {gain['high']:.4f})"
        )
    return line + "no better than a constant as far as the Brier score shows"


def _crossed(found: dict[str, Any]) -> list[str]:
    name, times = found["primary"], len(found["repeats"])
    figure = found["figures"]["model"][name]
    again = "" if times == 1 else f", {times} times"
    rows = found["intervals"]["rows"]
    line = f"cross-validation of {found['folds']} folds{again} over {rows:,} rows: {named(name)} {figure['value']:.3f}"
    line += f" ({figure['low']:.3f} to {figure['high']:.3f})"
    return [line, *_compared(found)]
