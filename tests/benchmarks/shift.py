"""Labelled against unlabelled rows: when is it said that they differ, does it matter, do weights help the interval?

    python tests/benchmarks/shift.py --rows 60000 --seeds 20
    python tests/benchmarks/shift.py --recipe legislators --source legislators.parquet --seeds 20

Of generated profiles, or of a source of another recipe (regression), only rows with a known label are used; then
labels are taken away by a feature, another one for each seed, so that the truth of the unlabelled rows is known. The
strength says how much: labels are lost with probability 1 / (1 + exp(-strength * z)), z being the standardised rank of
the feature. For each strength it prints, as means over seeds: the AUC and how often the card warns; the mean absolute
error on unlabelled rows against the one that the card promises; and for the interval coverage, its distance from the
level, mean width and interval score (Gneiting and Raftery 2007) on unlabelled rows. Three intervals are compared: the
product's, the same stretched by the quantile of its scores weighted by the odds of having no label, and stretched so
for each row by itself, as weighted conformal prediction would have it (Tibshirani, Barber, Candes and Ramdas 2019).
The last lines say what the weights change over all runs that warn, with 95 % intervals by bootstrap.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from labelled import labelled_rows

from agecli import recipe as recipes
from agecli.models import fit, parts, shift, trees
from agecli.models.spec import ModelSpec

STRENGTHS = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0)
WAYS = ("unweighted", "weighted", "by row")
MOST_ODDS = 50.0  # odds are cut at so many times their median, so that single rows do not carry a quantile


def candidates(table: pa.Table, recipe: recipes.Recipe) -> list[str]:
    """Numbers with some values and few gaps, by which labels can be taken away."""
    numbers = [name for name, kind in recipe.features.items() if kind == "numeric"]
    return [n for n in numbers if pc.count_distinct(table[n]).as_py() > 10 and table[n].null_count < 0.3 * len(table)]


def plant(table: pa.Table, feature: str, strength: float, seed: int) -> np.ndarray:
    """Which rows lose their label."""
    values = table[feature].to_numpy()
    rank = np.argsort(np.argsort(np.nan_to_num(values, nan=np.nanmedian(values)), kind="stable"), kind="stable")
    z = (rank / (len(rank) - 1) - 0.5) * np.sqrt(12)
    return np.random.default_rng(seed).random(len(z)) < 1 / (1 + np.exp(-strength * z))


def odds(chance: np.ndarray) -> np.ndarray:
    """The likelihood ratio up to a constant, from each row's probability of having no label."""
    p = np.clip(chance.astype(np.float64), 1e-4, 1 - 1e-4)
    ratio = p / (1 - p)
    return np.minimum(ratio, MOST_ODDS * np.median(ratio))


def weighted_quantile(scores: np.ndarray, weights: np.ndarray, level: float, own: np.ndarray) -> np.ndarray:
    """The smallest score at which the weights up to it reach `level` of all weight, each new row's own included.

    The largest score where a row's own weight leaves too little to the others (it should be infinite).
    """
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order])
    place = np.searchsorted(reached, level * (reached[-1] + own) * (1 - 1e-12), side="left")
    return scores[order][np.minimum(place, len(scores) - 1)]


def check_quantile() -> None:
    """With equal weights it is the score at rank ceil((n + 1) level)."""
    scores = np.random.default_rng(0).random(99)
    for level in (0.5, 0.8, 0.9):
        expected = np.sort(scores)[math.ceil(100 * level) - 1]
        assert weighted_quantile(scores, np.ones(99), level, np.ones(1))[0] == expected


def interval_score(truth: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> float:
    below, above = np.maximum(low - truth, 0), np.maximum(truth - high, 0)
    return float((high - low + 2 / (1 - level) * (below + above)).mean())


def chances(sampled: dict[str, Any], spec: ModelSpec, *batches: pa.RecordBatch) -> list[np.ndarray]:
    """Each row's probability of having no label, by trees that saw none of the rows used to calibrate."""
    compared = shift.side_by_side(sampled, spec)
    ids = pa.concat_arrays([sampled[kind].rows().column("id") for kind in ("labelled", "unlabelled")])
    part = parts.part_of(parts.hash_ids(ids), spec.seed)
    chosen = ~compared.labelled | (part < parts.PARTS.index("calibrate"))
    booster = shift.classifier(compared, chosen, spec)
    return [trees.predict(booster, compared.encoder.encode(batch)) for batch in batches]


def whole(table: pa.Table, rows: np.ndarray) -> pa.RecordBatch:
    return table.filter(pa.array(rows)).combine_chunks().to_batches()[0]


def measure(table: pa.Table, feature: str, strength: float, seed: int, recipe: recipes.Recipe) -> dict[str, float]:
    """One planted shift: what the card says, and what is true of the unlabelled rows."""
    lost = plant(table, feature, strength, seed)
    spec = ModelSpec(task="regression", features=tuple(recipe.features.items()), tolerance=recipe.tolerance,
                     level=recipe.level, params=dict(recipe.model), few_labels=1_000, seed=seed, threads=2)  # fmt: skip
    label = pa.array(table["known_label"].to_numpy(), mask=lost)
    given = table.set_column(table.schema.get_field_index("known_label"), "known_label", label)
    trained = fit.train(lambda: iter(given.filter(pa.array(~lost)).to_batches(20_000)), spec)
    sampled = shift.sample(lambda: iter(given.to_batches(20_000)), spec)
    found = shift.compare(sampled, spec)
    others, mine = whole(table, lost), whole(table, ~lost)
    part = parts.part_of(parts.hash_ids(mine.column("id")), seed)
    calibrate = mine.filter(pa.array(part == parts.PARTS.index("calibrate")))
    of_calibrate, of_others = (odds(chance) for chance in chances(sampled, spec, calibrate, others))

    def ends(batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scored = trained.model.score(batch)
        low, high = (np.asarray(end.to_numpy(), np.float64) for end in (scored.lower, scored.upper))
        return batch.column("known_label").to_numpy().astype(np.float64), (low + high) / 2, (high - low) / 2

    truth, centre, half = ends(calibrate)
    scores = np.abs(truth - centre) / half
    truth, centre, half = ends(others)
    stretches = (
        np.ones(1),
        weighted_quantile(scores, of_calibrate, spec.level, np.zeros(1)),
        weighted_quantile(scores, of_calibrate, spec.level, of_others),
    )
    card_mae = trained.card["metrics"]["model"]["mae"]
    mae = np.abs(truth - trained.model.score(others).prediction.to_numpy()).mean()
    told: dict[str, float] = {"auc": found["auc"], "warns": float(found["differs"])}
    told["named"] = float(feature in (shift.warning(found) or ""))
    told |= {"card mae": card_mae, "true mae": mae, "off by": abs(mae / card_mae - 1)}
    told["effective"] = of_calibrate.sum() ** 2 / np.square(of_calibrate).sum() / len(of_calibrate)
    for name, stretch in zip(WAYS, stretches, strict=True):
        low, high = centre - stretch * half, centre + stretch * half
        covered = float(((low <= truth) & (truth <= high)).mean())
        told |= {f"{name} coverage": covered, f"{name} gap": abs(covered - spec.level)}
        told |= {f"{name} width": float((high - low).mean())}
        told |= {f"{name} score": interval_score(truth, low, high, spec.level)}
    return told


def show(strength: float, runs: list[dict[str, float]]) -> None:
    """The means over the seeds of one strength."""
    mean = {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}
    aucs, most = [run["auc"] for run in runs], max(run["off by"] for run in runs)
    print(f"\nstrength {strength:g}: AUC {mean['auc']:.3f} ({min(aucs):.3f} to {max(aucs):.3f})", end="")
    print(f", warns in {mean['warns']:.0%}, names the feature in {mean['named']:.0%}", end="")
    print(f"; MAE promised {mean['card mae']:.3f}, true {mean['true mae']:.3f}", end="")
    print(f", off by {mean['off by']:.1%} (at most {most:.1%}); effective rows {mean['effective']:.0%}")
    for name in WAYS:
        shown = ", ".join(f"{key} {mean[f'{name} {key}']:.4f}" for key in ("coverage", "gap", "width", "score"))
        print(f"  {name:<10}  {shown}", flush=True)


def verdict(runs: list[dict[str, float]]) -> None:
    """What the weights change over these runs: below zero is better."""
    random = np.random.default_rng(0)
    print(f"\nover the {len(runs)} runs that warn, weights change")
    for name in WAYS[1:]:
        for key in ("gap", "score"):
            change = np.array([run[f"{name} {key}"] - run[f"unweighted {key}"] for run in runs])
            means = random.choice(change, (5_000, len(change))).mean(axis=1)
            low, high = np.quantile(means, [0.025, 0.975])
            print(f"  {name:<10}  {key:<5} by {change.mean():+.4f} ({low:+.4f} to {high:+.4f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="profiles")
    parser.add_argument("--source", type=Path)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--strength", type=float, action="append")
    arguments = parser.parse_args()
    check_quantile()
    recipe = recipes.load(recipes.locate(arguments.recipe))
    table = labelled_rows(arguments.recipe, arguments.source, arguments.rows, seed=11)
    features = candidates(table, recipe)
    print(f"{table.num_rows:,} rows with a known label; level {recipe.level}; labels go by {', '.join(features)}")
    gathered = defaultdict(list)
    for strength in arguments.strength or STRENGTHS:
        for seed in range(arguments.seeds):
            run = measure(table, features[seed % len(features)], strength, seed, recipe)
            gathered[strength].append(run)
        show(strength, gathered[strength])
    warned = [run for runs in gathered.values() for run in runs if run["warns"]]
    if warned:
        verdict(warned)


if __name__ == "__main__":
    main()
