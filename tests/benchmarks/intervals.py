"""Which interval, and which confidence? Ways to get them, side by side on the same rows and the same point model.

    python tests/benchmarks/intervals.py --rows 300000 --json intervals.json
    python tests/benchmarks/intervals.py --recipe legislators --source legislators.parquet
    python tests/benchmarks/intervals.py --diabetes

Rows with a known label are divided as in a training; what the point trees have not seen is divided anew in each
repeat into rows that calibrate and rows that test. Of each interval: the interval score (Gneiting and Raftery 2007;
less is better), coverage, mean width, and how far the worst segment of `--least` test rows is off the level: by any
feature, or by as many bands of the prediction as have so many rows. By chance alone 1,000 rows stray by 1.3 points, and
the worst of 100 such segments by 3.5. Of each confidence: log loss, calibration error, and the gain in Brier score over
the best constant.

    constant      split conformal: one width for all (Vovk et al. 2005; Lei et al. 2018)
    spread        divided by a spread model of a part of its own (Papadopoulos et al. 2008)
    cross         the same, spread trees cross-fitted over all rows left
    product       that, evened out by the prediction (agecli.models.calibrate)
    cqr           conformalised quantile trees (Romano, Patterson and Candes 2019)
    mondrian      `spread` with a factor of its own in each of five bands of the prediction (Vovk et al. 2005)

With few labels (`--few 500,2000`), of so many rows: `out of fold`, the product's way, against `cv+` (Barber, Candes,
Ramdas and Tibshirani 2021), which asks the trees of all folds for every row, and `split`; tested on all other rows.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from labelled import labelled_rows

from agecli import recipe as recipes
from agecli.models import calibrate, fit, measures, metrics, segments, trees
from agecli.models.calibrate import conformal_quantile, spread_floor
from agecli.models.held import SPREAD_FOLDS
from agecli.models.learn import Lesson, of
from agecli.models.parts import hash_ids, part_of
from agecli.models.spec import ModelSpec
from agecli.models.survey import survey

LEVEL = 0.8
Interval = tuple[np.ndarray, np.ndarray]


class Rows:
    """Encoded rows, the labels, and a lesson to train by."""

    def __init__(self, table: pa.Table, spec: ModelSpec) -> None:
        self.table, self.spec = table, spec
        found = survey(lambda: iter(table.to_batches()), spec)
        self.encoder = found.encoder()
        batch = table.combine_chunks().to_batches()[0]
        self.x, self.y = self.encoder.encode(batch), batch.column("known_label").cast("double").to_numpy()
        self.part = part_of(hash_ids(batch.column("id")), spec.seed)
        self.lesson = Lesson(spec, (), self.encoder.kinds, lambda step, share: None)

    def point(self, fitted: np.ndarray, stop: np.ndarray) -> Any:
        lesson = self.lesson
        rows = lesson.matrix(of(self.x[fitted], self.y[fitted]))
        watched = lesson.matrix(of(self.x[stop], self.y[stop]), rows)
        return trees.fit(lesson.params(int(fitted.sum())), rows, watched)

    def quantile(self, alpha: float, fitted: np.ndarray, stop: np.ndarray) -> np.ndarray:
        params = self.lesson.params(int(fitted.sum()))
        params |= {"objective": "reg:quantileerror", "quantile_alpha": alpha, "eval_metric": "quantile"}
        rows = self.lesson.matrix(of(self.x[fitted], self.y[fitted]))
        watched = self.lesson.matrix(of(self.x[stop], self.y[stop]), rows)
        return self.lesson.raw(trees.fit(params, rows, watched), self.x)

    def segments(self, test: np.ndarray, told: np.ndarray, least: int) -> Iterator[np.ndarray]:
        for words in segments.of_features(self.spec.names, self.encoder, self.x[test]).values():
            codes = words.indices.to_numpy()
            yield from (codes == code for code in np.flatnonzero(np.bincount(codes) >= least))
        bands = np.array_split(np.argsort(told[test], kind="stable"), max(1, len(test) // least))
        yield from (np.isin(np.arange(len(test)), band) for band in bands)


def plenty(rows: Rows, repeats: int, least: int) -> dict[str, dict[str, float]]:
    """All ways on parts of their own."""
    fitted, stop = rows.part == 0, rows.part == 1
    told = rows.lesson.raw(rows.point(fitted, stop), rows.x)
    low, high = (rows.quantile(alpha, fitted, stop) for alpha in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    left, random = np.flatnonzero(rows.part >= 2), np.random.default_rng(0)
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(repeats):
        shuffled = random.permutation(left)
        test, rest = np.sort(shuffled[: len(left) * 3 // 8]), np.sort(shuffled[len(left) * 3 // 8 :])
        parts = list(rows.segments(test, told, least))
        for name, (lower, upper) in intervals(rows, told, (low, high), np.flatnonzero(stop), rest, test).items():
            found[name].append(of_interval(rows.y[test], lower, upper, parts))
        for name, sure in confidences(rows, told, np.flatnonzero(stop), rest, test).items():
            found[name].append(of_confidence(np.abs(rows.y - told)[test] <= rows.spec.tolerance, sure))
    return {name: means(each) for name, each in found.items()}


def intervals(
    rows: Rows, told: np.ndarray, bounds: Interval, stop: np.ndarray, rest: np.ndarray, test: np.ndarray
) -> dict[str, Interval]:
    """Each way's interval for the rows of `test`, learned from `rest`; half of that is a part for the spread."""
    size, (low, high) = np.abs(rows.y - told), bounds
    half = conformal_quantile(size[rest], LEVEL)
    ways = {"constant": (told[test] - half, told[test] + half)}
    spread, held = rest[::2], rest[1::2]
    width = widths(rows, told, spread)
    score = size[held] / width[held]
    half = conformal_quantile(score, LEVEL) * width[test]
    ways["spread"] = (told[test] - half, told[test] + half)
    edges = np.quantile(told[held], np.linspace(0, 1, 6)[1:-1])
    band, of_test = np.searchsorted(edges, told[held]), np.searchsorted(edges, told[test])
    half = np.array([conformal_quantile(score[band == k], LEVEL) for k in range(5)])[of_test] * width[test]
    ways["mondrian"] = (told[test] - half, told[test] + half)
    crossed, wide = cross(rows, told, stop, rest, test)
    half = conformal_quantile(size[rest] / crossed, LEVEL) * wide
    ways["cross"] = (told[test] - half, told[test] + half)
    ways["product"] = product(rows, told, crossed, rest).interval(told[test], wide)
    beyond = conformal_quantile(np.maximum(low - rows.y, rows.y - high)[rest], LEVEL)
    ends = np.sort(np.column_stack([low - beyond, high + beyond])[test], axis=1)
    ways["cqr"] = (ends[:, 0], ends[:, 1])
    return ways


def widths(rows: Rows, told: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """What spread trees of some rows say of all."""
    residuals = (rows.y - told)[chosen]
    raw = rows.lesson.raw(rows.lesson.spread(rows.x[chosen], residuals), rows.x)
    return np.maximum(raw, spread_floor(raw[chosen], residuals))


def cross(
    rows: Rows, told: np.ndarray, stop: np.ndarray, rest: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The cross-fitted spread of `rest`, and that of `test` by all of it."""
    crossed, fold = np.empty(len(rest)), np.arange(len(rest)) % SPREAD_FOLDS
    for k in range(SPREAD_FOLDS):
        crossed[fold == k] = widths(rows, told, np.concatenate([stop, rest[fold != k]]))[rest[fold == k]]
    return crossed, widths(rows, told, np.concatenate([stop, rest]))[test]


def product(rows: Rows, told: np.ndarray, crossed: np.ndarray, rest: np.ndarray) -> calibrate.NumberCalibration:
    residuals = (rows.y - told)[rest]
    floor = spread_floor(crossed, residuals)
    return calibrate.calibrate_numbers(told[rest], residuals, crossed, LEVEL, float(rows.spec.tolerance or 0), floor)


def confidences(
    rows: Rows, told: np.ndarray, stop: np.ndarray, rest: np.ndarray, test: np.ndarray
) -> dict[str, np.ndarray]:
    """Ways to the probability of being within the tolerance, all by the product's scale but the classifier."""
    crossed, wide = cross(rows, told, stop, rest, test)
    found, tolerance = product(rows, told, crossed, rest), float(rows.spec.tolerance or 0)
    hit = np.abs(rows.y - told)[rest] <= tolerance
    scale, of_test = found.scale(told[rest], crossed), found.scale(told[test], wide)
    raw, raw_test = (np.exp(-np.square(s / tolerance)) for s in (scale, of_test))
    return {
        "confidence: product": found.confident(told[test], wide, tolerance).astype(np.float64),
        "confidence: isotonic": calibrate.isotonic(tolerance / scale, hit)(tolerance / of_test),
        "confidence: beta": calibrate.beta(raw, hit)(raw_test),
        "confidence: constant": np.full(len(test), hit.mean()),
    }


def few(rows: Rows, count: int, repeats: int, least: int) -> dict[str, dict[str, float]]:
    """Out of fold, CV+ and split conformal from `count` rows, on all other rows."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for repeat in range(repeats):
        chosen = np.random.default_rng(repeat).permutation(len(rows.y))
        own, test = np.sort(chosen[:count]), np.sort(chosen[count:])
        mine = rows.table.take(pa.array(own))
        trained = fit.train(lambda: iter(mine.to_batches()), rows.spec)  # noqa: B023 (used at once)
        scored = trained.model.score(rows.table.take(pa.array(test)).combine_chunks().to_batches()[0])
        told = np.empty(len(rows.y))
        told[test] = scored.prediction.to_numpy()
        parts = list(rows.segments(test, told, least))
        ways = {"out of fold": tuple(end.to_numpy().astype(np.float64) for end in (scored.lower, scored.upper))}
        ways["cv+"] = cv_plus(rows, own, test)
        cut = count * 3 // 4
        seen, held = chosen[:cut], chosen[cut:count]
        booster = boosted(rows, seen)
        half = conformal_quantile(np.abs(rows.y[held] - rows.lesson.raw(booster, rows.x[held])), LEVEL)
        point = rows.lesson.raw(booster, rows.x[test])
        ways["split"] = (point - half, point + half)
        for name, (lower, upper) in ways.items():
            found[name].append(of_interval(rows.y[test], lower, upper, parts))
    return {f"{name} ({count} rows)": means(each) for name, each in found.items()}


def boosted(rows: Rows, chosen: np.ndarray) -> Any:
    """Trees of some rows, with a tenth of them to stop by."""
    mask = np.zeros(len(rows.y), np.bool_)
    mask[chosen[len(chosen) // 10 :]] = True
    stop = np.zeros(len(rows.y), np.bool_)
    stop[chosen[: len(chosen) // 10]] = True
    return rows.point(mask, stop)


def cv_plus(rows: Rows, own: np.ndarray, test: np.ndarray, folds: int = 5) -> Interval:
    """Barber et al. 2021, section 2.2: quantiles over all rows of what trees without their fold say, -/+ the error."""
    fold = np.random.default_rng(0).permutation(len(own)) % folds
    said, size = np.empty((folds, len(test))), np.empty(len(own))
    for k in range(folds):
        booster = boosted(rows, np.random.default_rng(k).permutation(own[fold != k]))
        said[k] = rows.lesson.raw(booster, rows.x[test])
        size[fold == k] = np.abs(rows.y - rows.lesson.raw(booster, rows.x))[own[fold == k]]
    below, above = math.floor((1 - LEVEL) * (len(own) + 1)) - 1, math.ceil(LEVEL * (len(own) + 1)) - 1
    ends = np.empty((2, len(test)))
    for start in range(0, len(test), 2_000):
        piece = slice(start, start + 2_000)
        around = said[fold][:, piece]
        ends[0, piece] = np.partition(around - size[:, None], below, axis=0)[below]
        ends[1, piece] = np.partition(around + size[:, None], above, axis=0)[above]
    return ends[0], ends[1]


def of_interval(truth: np.ndarray, lower: np.ndarray, upper: np.ndarray, parts: list[np.ndarray]) -> dict[str, float]:
    lower, upper = lower.astype(np.float64), upper.astype(np.float64)
    inside = (lower <= truth) & (truth <= upper)
    return {
        "score": float(measures.interval_scores(truth, lower, upper, LEVEL).mean()),
        "coverage": float(inside.mean()),
        "width": float((upper - lower).mean()),
        "worst": max((abs(float(inside[part].mean()) - LEVEL) for part in parts), default=math.nan),
    }


def of_confidence(hit: np.ndarray, sure: np.ndarray) -> dict[str, float]:
    p = np.clip(sure, 1e-6, 1 - 1e-6)
    rate = hit.mean()
    return {
        "log loss": float(-np.log(np.where(hit, p, 1 - p)).mean()),
        "ece": metrics.calibration_error(hit, sure),
        "gain": float(rate * (1 - rate)) - metrics.brier(hit, sure),
    }


def means(each: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([one[key] for one in each])) for key in each[0]}


def diabetes() -> tuple[pa.Table, ModelSpec]:
    """Scikit-learn's 442 patients."""
    from sklearn.datasets import load_diabetes

    found = load_diabetes(scaled=False)
    columns = {
        name: pa.array(column.astype(np.float64))
        for name, column in zip(found.feature_names, found.data.T, strict=True)
    }
    table = pa.table({"id": pa.array(range(len(found.target))), "known_label": pa.array(found.target), **columns})
    return table, ModelSpec("regression", tuple((name, "numeric") for name in columns), tolerance=50.0)


def of_recipe(name: str, source: Path | None, rows: int) -> tuple[pa.Table, ModelSpec]:
    """The feature table of a recipe, without rows whose label is unknown."""
    recipe = recipes.load(recipes.locate(name))
    return labelled_rows(name, source, rows), ModelSpec(
        "regression", tuple(recipe.features.items()), recipe.tolerance, recipe.level, dict(recipe.model), threads=2
    )


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--recipe", default="profiles")
    options.add_argument("--source", type=Path)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--diabetes", action="store_true")
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--few", default="", help="numbers of rows, by commas")
    options.add_argument("--least", type=int, default=1_000)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    table, spec = diabetes() if given.diabetes else of_recipe(given.recipe, given.source, given.rows)
    rows = Rows(table, spec)
    counts = [int(count) for count in given.few.split(",") if count] or ([300] if given.diabetes else [])
    found = {} if counts else plenty(rows, given.repeats, given.least)
    for count in counts:
        found |= few(rows, count, given.repeats, given.least)
    print(f"{len(rows.y):,} labelled rows, level {LEVEL}, means over {given.repeats} repeats")
    for name, figures in found.items():
        print(f"{name:28s}" + "".join(f"  {key} {value:8.4f}" for key, value in figures.items()))
    if given.json:
        given.json.write_text(json.dumps({"rows": len(rows.y), "level": LEVEL, "found": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
