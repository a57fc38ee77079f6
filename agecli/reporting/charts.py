"""The pictures of a report, drawn with Matplotlib as SVG text that stands inside the page.

Each function takes plain numbers and gives one `<svg>` element with a description for those who cannot see it.
Colours are Okabe and Ito's, which people with any kind of colour vision tell apart.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

Vector = npt.NDArray[np.float64]
Entry = Mapping[str, Any]

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#7A7A7A"
TIER_COLOURS = {"excellent": GREEN, "good": BLUE, "fair": ORANGE, "poor": RED}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, sharp
    "text.parse_math": False,  # a dollar sign in the data is one
    "svg.hashsalt": "agecli",  # the same page for the same run
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "axes.edgecolor": "#888888",
}
_styled = matplotlib.rc_context(_STYLE)
_BANDS = 10
_MOST_BARS = 15


@_styled
def predicted_against_actual(truth: Vector, told: Vector, label: str) -> str:
    """Density of held-out rows over (prediction, truth), with the line where both agree."""
    figure, axes = _axes(5.2, 4.6)
    both = np.concatenate([truth, told])
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    drawn = axes.hexbin(told, truth, gridsize=36, bins="log", mincnt=1, cmap="viridis_r", linewidths=0.1)
    axes.plot([low, high], [low, high], color=RED, linewidth=1.2, linestyle="--", label="prediction = truth")
    axes.set(xlabel=f"predicted {label}", ylabel=f"true {label}")
    axes.legend(loc="upper left", frameon=False)
    plain = LogFormatter()  # the usual one writes powers as mathematics, which is switched off here
    figure.colorbar(drawn, ax=axes, label="rows (logarithmic)", shrink=0.8, format=plain).minorformatter = plain
    return _svg(figure, f"Predicted against true {label} of {len(truth):,} held-out rows")


@_styled
def residuals(truth: Vector, told: Vector, label: str) -> str:
    """Truth minus prediction in bands of the prediction: median, middle half, and the 5th to the 95th of 100."""
    figure, axes = _axes(5.2, 4.0)
    for at, (name, rows) in enumerate(_bands(told)):
        five, quarter, middle, three, most = np.quantile(truth[rows] - told[rows], [0.05, 0.25, 0.5, 0.75, 0.95])
        axes.plot([at, at], [five, most], color=GREY, linewidth=1.2)
        axes.plot([at, at], [quarter, three], color=BLUE, linewidth=9, solid_capstyle="butt", alpha=0.75)
        axes.plot([at - 0.3, at + 0.3], [middle, middle], color="black", linewidth=1.5)
        axes.text(at, 1.01, name, rotation=35, ha="left", va="bottom", fontsize=8, transform=axes.get_xaxis_transform())
    axes.axhline(0, color=RED, linewidth=1, linestyle="--")
    axes.set_xticks([])
    axes.set(xlabel=f"bands of the predicted {label}, a tenth of the rows each", ylabel="truth minus prediction")
    return _svg(figure, "Residuals by band of the prediction: median, quartiles, 5th and 95th percentile")


@_styled
def coverage(segments: Sequence[Entry], level: float) -> str:
    """Share of truths inside the interval by segment, with its own uncertainty, against the promised level."""
    kept = list(segments)[:40]
    figure, axes = _axes(5.2, max(2.2, 0.24 * len(kept) + 0.9))
    for at, entry in enumerate(kept):
        share = entry["interval"]["coverage"]
        axes.plot([share["low"], share["high"]], [at, at], color=GREY, linewidth=2)
        axes.plot(share["value"], at, "o", color=BLUE, markersize=5)
    axes.axvline(level, color=RED, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(kept)), [f"{e['name']}: {_short(str(e['value']), 24)}" for e in kept], fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel=f"share of true values inside the {level:.0%} interval")
    return _svg(figure, f"Coverage of the {level:.0%} interval by segment")


@_styled
def reliability(bins: Sequence[Entry]) -> str:
    """What was said against what came true, with the rows in each bin below."""
    told = [entry for entry in bins if entry["rows"]]
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=[3, 1], sharex=True)
    upper.plot([0, 1], [0, 1], color=RED, linewidth=1, linestyle="--", label="exactly as said")
    sure, right = [e["confidence"] for e in told], [e["right"] for e in told]
    half = [[max(0.0, e["right"] - e["low"]) for e in told], [max(0.0, e["high"] - e["right"]) for e in told]]
    rows = [e["rows"] for e in told]
    upper.errorbar(sure, right, yerr=half, fmt="o-", color=BLUE, linewidth=1.2, markersize=5, ecolor=GREY)
    upper.set(ylabel="share that was right", ylim=(0, 1.02))
    upper.legend(loc="upper left", frameon=False)
    lower.bar([(e["from"] + e["to"]) / 2 for e in told], rows, width=0.09, color=BLUE, alpha=0.75)
    lower.set(xlabel="confidence", ylabel="rows", xlim=(0, 1))
    return _svg(figure, "Reliability diagram: confidence against the share of predictions that were right")


@_styled
def confidences(counts: Sequence[int], tiers: Mapping[str, float]) -> str:
    """How many predicted rows of the results have which confidence, coloured by tier."""
    figure, axes = _axes(5.2, 3.4)
    width = 1 / len(counts)
    for at, count in enumerate(counts):
        word = next(name for name, edge in tiers.items() if at * width + 1e-9 >= edge)
        axes.bar(at * width + width / 2, count, width * 0.92, color=TIER_COLOURS[word])
    for word in tiers:
        axes.bar(0, 0, color=TIER_COLOURS[word], label=word)
    axes.legend(frameon=False, loc="upper left")
    axes.set(xlabel="confidence", ylabel="predicted rows", xlim=(0, 1))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    return _svg(figure, "Confidence of the predicted rows in the results")


@_styled
def importance(listed: Sequence[Entry], unit: str) -> str:
    """Mean absolute SHAP value of the features that matter most."""
    kept = list(listed)[:_MOST_BARS]
    values = [next(v for k, v in entry.items() if k != "feature" and isinstance(v, int | float)) for entry in kept]
    what = f"mean absolute contribution{f', {unit}' if unit else ''}"
    return _bars([str(entry["feature"]) for entry in kept], values, what, "Importance of features (SHAP)")


@_styled
def seconds(names: Sequence[str], values: Sequence[float]) -> str:
    """Where the time went."""
    return _bars(names, values, "seconds", "Seconds by stage")


@_styled
def confusion(truth: Sequence[str], told: Sequence[str], classes: Sequence[str]) -> str:
    """Rows by true and predicted class, shaded by the share of the true class."""
    place = {name: at for at, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, ([place[t] for t in truth], [place[t] for t in told]), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _axes(5.2, 4.6)
    axes.grid(False)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= 12:
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour, fontsize=9)
    words = [_short(name, 14) for name in classes]
    axes.set_xticks(range(len(classes)), words, rotation=40, ha="right")
    axes.set_yticks(range(len(classes)), words)
    axes.set(xlabel="predicted", ylabel="true")
    return _svg(figure, "Confusion matrix of held-out rows")


def _bars(names: Sequence[str], values: Sequence[float], what: str, description: str) -> str:
    figure, axes = _axes(5.2, max(1.6, 0.28 * len(names) + 0.8))
    axes.barh(range(len(names)), values, color=BLUE, alpha=0.85, height=0.7)
    axes.set_yticks(range(len(names)), [_short(name, 28) for name in names])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(what)
    for at, value in enumerate(values):
        axes.text(value, at, f" {value:,.3g}", va="center", fontsize=8)
    axes.margins(x=0.12)
    return _svg(figure, description)


def _bands(values: Vector) -> list[tuple[str, npt.NDArray[np.int64]]]:
    """Rows by tenths of a value; fewer where values repeat."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BANDS + 1))) if len(values) else np.empty(0)
    if len(edges) < 2:
        return [("all", np.arange(len(values)))] if len(values) else []
    which = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    bands = [(f"{edges[k]:.3g} to {edges[k + 1]:.3g}", np.flatnonzero(which == k)) for k in range(len(edges) - 1)]
    return [(name, rows) for name, rows in bands if len(rows)]


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _svg(figure: Figure, description: str) -> str:
    """The drawing as an element, without what only a file needs (declaration, doctype, date, fixed size)."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawn, count=1)
    drawn = re.sub(r'(<svg[^>]*?) width="[^"]*"', r'\1 width="100%"', drawn, count=1)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{html.escape(description)}" ', 1)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
