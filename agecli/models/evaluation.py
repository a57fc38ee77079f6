"""How far a model may be trusted: its figures on rows that it never saw, each with an interval.

Everything comes from the evidence alone. Figures are functions of sums over rows, so the bootstrap draws them all at
once; two models are compared on the same draws. "Better" is said where the interval of the difference excludes zero,
and nowhere else (`shown`).

    figures       of model, baseline and mean: {name: {value, low, high}}
    differences   model against baseline and against mean, above zero where the model is better, with `shown`
    reliability   ten bins of the confidence, expected calibration error, Brier score against the best constant
    segments      rows, error, coverage, confidence by values of features and bands of the prediction;
                  by bands of the true label too, marked as no promise
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from agecli.models import measures, segments
from agecli.models.bootstrap import LEVEL, RESAMPLES, Bootstrap, bounded, shown
from agecli.models.evidence import Evidence, NumberEvidence
from agecli.models.measures import Measure
from agecli.models.metrics import Vector

ROLES: Final = ("model", "baseline", "mean")
BINS: Final = 10
LEAST_ROWS: Final = 30
MOST_SEGMENTS: Final = 12


def measure(
    evidence: Evidence, classes: tuple[str, ...], words: Mapping[str, pa.Array], level: float, seed: int
) -> dict[str, Any]:
    """The card's `evaluation`. `words` is the segment of each row by feature, `level` that of the interval."""
    draws = Bootstrap(len(evidence.truth), seed)
    listed = measures.listed(evidence, classes)
    promised = {"by": "bootstrap", "level": LEVEL, "resamples": RESAMPLES, "rows": len(evidence.truth)}
    found = {
        "intervals": promised,
        "primary": listed[0].name,
        **compared(draws, listed),
        "reliability": reliability(draws, evidence.hit, evidence.confidence),
        "segments": _segments(evidence, words),
    }
    if isinstance(evidence, NumberEvidence):
        found["interval"] = _interval(draws, evidence, level)
    return found


def compared(draws: Bootstrap, listed: list[Measure]) -> dict[str, Any]:
    """`figures` of each role and `differences` between them, drawn in pairs."""
    figures: dict[str, dict[str, Any]] = {role: {} for role in ROLES}
    differences: dict[str, dict[str, Any]] = {role: {} for role in ROLES[1:]}
    for one in listed:
        values = {}
        for role in one.columns:
            here, drawn = draws.sums(one.columns[role])
            values[role] = (one.figure(here[None, :])[0], one.figure(drawn))
            figures[role][one.name] = bounded(*values[role])
        for role in differences:
            if role in values and one.compared:
                sign = 1.0 if one.higher_is_better else -1.0
                gap = [sign * (model - other) for model, other in zip(values["model"], values[role], strict=True)]
                told = bounded(float(gap[0]), gap[1])
                differences[role][one.name] = {**told, "shown": shown(told)}
    return {"figures": figures, "differences": differences}


def reliability(draws: Bootstrap, hit: npt.NDArray[np.bool_], confidence: Vector) -> dict[str, Any]:
    """Does what was said with a confidence of 0.7 come true in 70 of 100? In ten bins, and in one number."""
    right = hit.astype(np.float64)
    which = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    inside = which[:, None] == np.arange(BINS)
    gaps, sure = inside * (right - confidence)[:, None], inside * confidence[:, None]
    every = np.ones(len(right))
    count, told, gap = inside.sum(axis=0), sure.sum(axis=0), gaps.sum(axis=0)
    bins = [
        {
            "from": k / BINS,
            "to": (k + 1) / BINS,
            "rows": int(count[k]),
            "confidence": float(told[k] / count[k]) if count[k] else None,
            "right": float((told[k] + gap[k]) / count[k]) if count[k] else None,
        }
        for k in range(BINS)
    ]
    scored = np.column_stack([np.square(right - confidence), right, every])
    gain = draws.interval(scored, lambda s: _constant(s) - s[:, 0] / s[:, 2])
    return {
        "bins": bins,
        "ece": draws.interval(np.column_stack([gaps, every]), lambda s: np.abs(s[:, :BINS]).sum(axis=1) / s[:, BINS]),
        "brier": draws.interval(scored, lambda s: s[:, 0] / s[:, 2]),
        "brier_constant": draws.interval(scored, _constant),
        "brier_gain": {**gain, "shown": shown(gain) and gain["low"] > 0},
    }


def _constant(sums: Vector) -> Vector:
    """The Brier score of always saying the rate of hits: the best that a constant can do."""
    rate = sums[:, 1] / sums[:, 2]
    scores: Vector = rate * (1 - rate)
    return scores


def _interval(draws: Bootstrap, evidence: NumberEvidence, level: float) -> dict[str, Any]:
    """Coverage, width, and the interval score (Gneiting and Raftery 2007): less for narrow intervals that cover."""
    listed = measures.of_interval(evidence, level)
    return {"level": level, **{one.name: draws.interval(one.columns["model"], one.figure) for one in listed}}


def _segments(evidence: Evidence, words: Mapping[str, pa.Array]) -> list[dict[str, Any]]:
    listed = [("feature", name, column) for name, column in words.items()]
    if isinstance(evidence, NumberEvidence):
        listed.append(("prediction", "prediction", segments.numeric(evidence.told)))
        listed.append(("label", "label", segments.numeric(evidence.truth)))
    else:
        listed.append(("prediction", "confidence", segments.numeric(evidence.confidence)))
    return [entry for by, name, column in listed for entry in _by(evidence, by, name, column)]


def _by(evidence: Evidence, by: str, name: str, column: pa.Array) -> list[dict[str, Any]]:
    """The figures of each value of a column, the most frequent `MOST_SEGMENTS`; nothing of a handful of rows."""
    coded = column.dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    names, count = coded.dictionary.to_pylist(), np.bincount(codes, minlength=len(coded.dictionary))
    kept = sorted(range(len(names)), key=lambda k: (-count[k], names[k]))[:MOST_SEGMENTS]
    return [
        {
            "by": by,
            "name": name,
            "value": names[k],
            "rows": int(count[k]),
            "promised": by != "label",
            **measures.of_segment(evidence, np.flatnonzero(codes == k)),
        }
        for k in sorted(kept, key=lambda k: _order(names[k]))
        if count[k] >= LEAST_ROWS
    ]


def _order(name: str) -> tuple[int, float, str]:
    """Bands and numbers by their size, words by the alphabet, what is missing last."""
    try:
        return (0, float(name.split(" to ")[0]), "")
    except ValueError:
        return (2 if name == segments.MISSING else 1, 0.0, name)
