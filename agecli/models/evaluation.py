"""How far a model may be trusted: its figures on rows that it never saw, each with an interval.

Everything comes from the evidence alone. Figures are functions of sums over rows, so the bootstrap draws them all at
once; two models are compared on the same draws. "Better" is said where the interval of the difference excludes zero,
and nowhere else (`shown`). Each interval is for its figure alone: of twenty without a difference, one is shown.

    figures       of model, baseline and mean: {name: {value, low, high}}
    differences   model against baseline and against mean, above zero where the model is better, with `shown`
    interval      coverage, width and score, of the model alone: the others tell a value
    reliability   ten bins of the confidence, expected calibration error, Brier score against the best constant
    notes         why a figure is null
    segments      all of that by values of features, by bands of the prediction (classes and confidence, where classes
                  are predicted), and by bands of the true label (classes), which are marked as no promise
    left_out      segments of few rows, and values that are not among the most frequent
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from agecli.models import measures, segments
from agecli.models.bootstrap import LEVEL, RESAMPLES, Bootstrap, bounded, shown, without_noise
from agecli.models.evidence import Evidence, NumberEvidence, some
from agecli.models.measures import Measure
from agecli.models.metrics import BINS, Vector

ROLES: Final = ("model", "baseline", "mean")
LEAST_ROWS: Final = 30
MOST_SEGMENTS: Final = 12
SEGMENT_GROUPS: Final = 100
LEAST_GROUPS: Final = 50
_CELLS: Final = 2_000
_Drawn = list[tuple[Measure, dict[str, tuple[Vector, Vector]]]]


def measure(
    told: Sequence[Evidence], classes: Sequence[str], words: Mapping[str, pa.Array], level: float, seed: int
) -> dict[str, Any]:
    """The card's `evaluation`. `words` is the segment of each row by feature, `level` that of the interval.

    `told` has one evidence or, where rows were predicted several times, one for each time.
    """
    rows = len(told[0].truth)
    promised = {"by": "bootstrap", "level": LEVEL, "resamples": RESAMPLES, "rows": rows}
    whole = _figures(told, classes, level, Bootstrap(rows, seed))
    listed, left_out = _segments(told, classes, words, level, seed)
    primary = next(iter(whole["figures"]["model"]))
    return {"intervals": promised, "primary": primary, **whole, "segments": listed, "left_out": left_out}


def primary(evidence: Evidence) -> float:
    """The figure that models are compared by in a sentence, of the model."""
    draws = Bootstrap(len(evidence.truth), 0, 1)
    one = measures.listed(evidence, draws)[0]
    return float(one.figure(one.sums["model"])[0])


def _figures(told: Sequence[Evidence], named: Sequence[str], level: float, draws: Bootstrap) -> dict[str, Any]:
    """All figures of some rows."""
    listed = _drawn(draws, [measures.listed(one, draws, named) for one in told])
    sure = _drawn(draws, [measures.of_confidence(one, draws) for one in told])
    found = {**_compared(listed), "reliability": _reliability(sure)}
    numbers = [one for one in told if isinstance(one, NumberEvidence)]
    if numbers:
        measured = _drawn(draws, [measures.of_interval(one, draws, level) for one in numbers])
        found["interval"] = {"level": level, **{name: told["model"] for name, told in _bounds(measured).items()}}
    return found


def _drawn(draws: Bootstrap, every: Sequence[Sequence[Measure]]) -> _Drawn:
    """Each measure with the sums of its roles, as they are and in all draws; the same measures over several times."""
    listed = [measures.merged(same) if len(same) > 1 else same[0] for same in zip(*every, strict=True)]
    distinct = {id(sums): sums for one in listed for sums in one.sums.values()}
    here, drawn = draws.draw(np.hstack(list(distinct.values())))
    ends = np.cumsum([sums.shape[1] for sums in distinct.values()])
    parts = {key: slice(end - s.shape[1], end) for (key, s), end in zip(distinct.items(), ends, strict=True)}
    found = []
    for one in listed:
        at = {role: parts[id(sums)] for role, sums in one.sums.items()}
        values = {role: (one.figure(here[:, p]), one.figure(drawn[:, p])) for role, p in at.items()}
        if one.noisy:
            values = {role: (value, without_noise(value, many)) for role, (value, many) in values.items()}
        found.append((one, values))
    return found


def _bounds(drawn: _Drawn) -> dict[str, dict[str, Any]]:
    """The figures by name and role, with their bounds."""
    pairs = [(one.name, role, *told) for one, roles in drawn for role, told in roles.items()]
    bounds = bounded(np.concatenate([here for *_, here, _ in pairs]), np.column_stack([many for *_, many in pairs]))
    found: dict[str, dict[str, Any]] = {}
    for (name, role, *_), bound in zip(pairs, bounds, strict=True):
        found.setdefault(name, {})[role] = bound
    for bound in (bound for one, _ in drawn if one.noisy for bound in found[one.name].values()):
        bound["low"], bound["high"] = min(bound["low"], bound["value"]), max(bound["high"], bound["value"])
    return found


def _compared(drawn: _Drawn) -> dict[str, Any]:
    """`figures` of each role, `differences` between them, drawn in pairs, and `notes` on what is null."""
    bounds = _bounds(drawn)
    figures = {role: {name: told[role] for name, told in bounds.items() if role in told} for role in ROLES}
    differences: dict[str, dict[str, Any]] = {}
    for role in ROLES[1:]:
        gaps = {}
        for one, told in drawn:
            if one.compared and role in told:
                sign = 1.0 if one.higher_is_better else -1.0
                gaps[one.name] = [sign * (ours - other) for ours, other in zip(told["model"], told[role], strict=True)]
        values, many = (np.column_stack([gap[at].reshape(-1, 1) for gap in gaps.values()]) for at in (0, 1))
        told_apart = zip(gaps, bounded(values[0], many), strict=True)
        differences[role] = {name: {**bound, "shown": shown(bound)} for name, bound in told_apart}
    notes = {one.name: one.why for one, _ in drawn if one.why and figures["model"][one.name]["value"] is None}
    return {"figures": figures, "differences": differences, **({"notes": notes} if notes else {})}


def _reliability(drawn: _Drawn) -> dict[str, Any]:
    """The figures of the confidence, and its bins with the share that came true in each."""
    bounds = {name: told["model"] for name, told in _bounds(drawn).items()}
    _, sure, rows = drawn[0][0].sums["model"].sum(axis=0).reshape(3, BINS).tolist()
    bins = [
        {
            **{"from": k / BINS, "to": (k + 1) / BINS, "rows": round(rows[k])},
            "confidence": sure[k] / rows[k] if rows[k] else None,
            **{"right" if key == "value" else key: bound for key, bound in bounds.pop(f"bin_{k}").items()},
        }
        for k in range(BINS)
    ]
    gain = bounds["brier_gain"]
    return {"bins": bins, **bounds, "brier_gain": {**gain, "shown": shown(gain) and gain["low"] > 0}}


def _segments(
    told: Sequence[Evidence], classes: Sequence[str], words: Mapping[str, pa.Array], level: float, seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The figures of each segment, the most frequent `MOST_SEGMENTS` of a kind; and what was left out."""
    groups = int(np.clip(_CELLS // max(1, len(classes)), LEAST_GROUPS, SEGMENT_GROUPS))
    listed: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    for by, name, column in _columns(told, classes, words):
        coded = column.dictionary_encode()
        codes, values = coded.indices.to_numpy(zero_copy_only=False), coded.dictionary.to_pylist()
        count = np.bincount(codes, minlength=len(values))
        enough = [k for k in range(len(values)) if count[k] >= LEAST_ROWS]
        kept = sorted(sorted(enough, key=lambda k: -count[k])[:MOST_SEGMENTS])
        for k in kept:
            at = np.flatnonzero(codes == k)
            draws = Bootstrap(len(at), seed, groups)
            head = {"by": by, "name": name, "value": values[k], "rows": len(at), "promised": by != "label"}
            listed.append({**head, **_figures([some(one, at) for one in told], (), level, draws)})
        few = [k for k in range(len(values)) if 0 < count[k] < LEAST_ROWS]
        for why, gone in (
            (f"fewer than {LEAST_ROWS} rows each", few),
            (f"not among the {MOST_SEGMENTS} most frequent", [k for k in enough if k not in kept]),
        ):
            if gone:
                left_out.append(
                    {"by": by, "name": name, "segments": len(gone), "rows": int(count[gone].sum()), "why": why}
                )
    return listed, left_out


def _columns(
    told: Sequence[Evidence], classes: Sequence[str], words: Mapping[str, pa.Array]
) -> list[tuple[str, str, pa.Array]]:
    """What rows are divided by: kind, name, and the segment of each row. Of several predictions, by their mean."""
    listed: list[tuple[str, str, pa.Array]] = [("feature", name, column) for name, column in words.items()]
    first, mean = told[0], np.mean([one.told for one in told], axis=0)
    if isinstance(first, NumberEvidence):
        listed.append(("prediction", "prediction", segments.numeric(mean)))
        listed.append(("label", "label", segments.numeric(first.truth)))
    else:
        listed.append(("prediction", "prediction", segments.of_classes(mean.argmax(axis=1), classes)))
        listed.append(("prediction", "confidence", segments.numeric(mean.max(axis=1))))
        listed.append(("label", "label", segments.of_classes(first.truth, classes)))
    return listed
