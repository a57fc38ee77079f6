"""`agecli explain`: why rows got their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agecli.cli import output
from agecli.cli.group import command
from agecli.cli.options import output_option, with_settings
from agecli.config import Settings

if TYPE_CHECKING:
    from agecli.pipeline.explaining import Explanation

COLUMNS = ("id", "value", "source", "confidence", "lower", "upper", "rank", "feature", "feature_value", "contribution")
BASE, OTHERS = "(base value)", "(all others)"


@command("explain")
@click.option("--id", "ids", multiple=True, required=True, metavar="ID", help="The row; may be given several times.")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, metavar="K", help="Reasons to show.")
@output_option
@with_settings("workspace", "recipe", "period")
def explain(settings: Settings, ids: tuple[str, ...], top: int, form: str) -> None:
    """Show why rows got their values.

    Starting from the base value, each feature adds its contribution (a Shapley value); together they make the
    prediction. For a class they are log odds, before calibration. Rows are looked up in the current results.

    \b
    Example:
      agecli explain --id person-17
      agecli explain --id 17 --id 23 --top 10 --output json
    """
    from agecli.pipeline.explaining import explain_rows

    found = explain_rows(settings, ids)
    if form == "json":
        output.emit((_object(one, top) for one in found), tuple(_object(found[0], top)), form)
    elif form == "table":
        print("\n\n".join(_paragraph(one, top) for one in found))
    else:
        output.emit((line for one in found for line in _lines(one, top)), COLUMNS, form)


def _object(one: Explanation, top: int) -> dict[str, Any]:
    from dataclasses import asdict

    fields = asdict(one)
    fields["reasons"] = fields["reasons"][:top]
    return {**fields, "others": _others(one, top)}


def _others(one: Explanation, top: int) -> float:
    """What the reasons that are not shown add up to."""
    return sum(reason.contribution for reason in one.reasons[top:])


def _lines(one: Explanation, top: int) -> list[dict[str, Any]]:
    """One line a reason; contributions of all lines of a row add up."""
    row = {name: getattr(one, name) for name in COLUMNS[:6]}
    lines: list[tuple[int, str, Any, float]] = [(0, BASE, None, one.base)]
    lines += [(n, r.feature, r.value, r.contribution) for n, r in enumerate(one.reasons[:top], start=1)]
    if len(one.reasons) > top:
        lines.append((top + 1, OTHERS, None, _others(one, top)))
    return [row | dict(zip(COLUMNS[6:], line, strict=True)) for line in lines]


def _paragraph(one: Explanation, top: int) -> str:
    from agecli.models.explain import signed

    rows = [{"": line["feature"], "value": line["feature_value"], one.scale: signed(line["contribution"])}
            for line in _lines(one, top)]  # fmt: skip
    rows[0][one.scale] = _number(one.base)
    for row, reason in zip(rows[1:], one.reasons[:top], strict=False):
        row["value"] = "NULL" if reason.value is None else _number(reason.value)
    rows.append({"": "together", "value": None, one.scale: _number(one.total)})
    return f"{_headline(one)}\n\n" + output.tabular(rows, ("", "value", one.scale), right=("value", one.scale))


def _headline(one: Explanation) -> str:
    """The row's result on a line; for a known label also what the model says."""
    from agecli.models.metrics import tier

    parts = [f"{one.id}: {_number(one.value)}, {one.source}"]
    if one.source != "PREDICTED":
        parts.append(f"the model says {_number(one.prediction)}")
    elif one.confidence is not None:
        parts.append(f"confidence {one.confidence:.2f} ({tier(one.confidence)})")
    if one.lower is not None and one.upper is not None:
        parts.append(f"{one.level:.0%} interval {_number(one.lower)} to {_number(one.upper)}")
    return ", ".join(parts)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) and abs(value) < 1e4 else str(value)
