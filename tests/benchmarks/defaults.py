"""What settings of the trees are worth: error and price of scoring, for the shipped recipes.

    python tests/benchmarks/defaults.py --rows 100000
    python tests/benchmarks/defaults.py --recipe legislators --source legislators.parquet
    python tests/benchmarks/defaults.py --recipe titanic --source 'titanic/*.csv'

Each line is a training with one thing changed from the recipe: the mean error (regression) or log loss (classes) on
held-out rows over `--seeds` splits, its difference from the recipe's with twice its standard error, the number of
trees, and the microseconds that one core takes to score a row.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from labelled import labelled_rows

from agecli import recipe as recipes
from agecli.models import fit
from agecli.models.spec import ModelSpec

CHANGES: tuple[dict[str, float], ...] = (
    {},
    {"max_depth": 8, "rounds": 40, "eta": 0.15},
    {"max_depth": 4, "rounds": 200},
    {"max_depth": 6, "rounds": 200},
    {"max_depth": 6, "rounds": 300, "eta": 0.05},
    {"min_child_weight": 10},
    {"min_child_weight": 100},
    {"colsample_bytree": 0.4},
    {"max_cat_to_onehot": 40},
    {"lambda": 10},
)


def measure(table: pa.Table, spec: ModelSpec) -> tuple[float, int, float]:
    """Error on held-out rows, trees, and seconds to score a row."""
    trained = fit.train(lambda: iter(table.to_batches(20_000)), spec)
    figures = trained.card["metrics"]["model"]
    batch = table.slice(0, 20_000).combine_chunks().to_batches()[0]
    trained.model.score(batch)
    began = time.process_time()
    trained.model.score(batch)
    seconds = (time.process_time() - began) / batch.num_rows
    return figures.get("mae", figures.get("log_loss")), trained.card["rounds"]["point"], seconds


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--recipe", default="profiles")
    options.add_argument("--source", type=Path)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--seeds", type=int, default=3)
    given = options.parse_args()
    recipe, table = recipes.load(recipes.locate(given.recipe)), labelled_rows(given.recipe, given.source, given.rows)
    print(f"{given.recipe}: {len(table):,} labelled rows, {given.seeds} seeds")
    usual = np.empty(0)
    for change in CHANGES:
        params = {name: value for name, value in recipe.model.items() if recipes.ALIASES.get(name, name) not in change}
        found = [
            measure(
                table,
                ModelSpec(
                    recipe.task,
                    tuple(recipe.features.items()),
                    recipe.tolerance,
                    recipe.level,
                    {**params, **change},
                    few_labels=20_000,
                    seed=seed,
                ),
            )
            for seed in range(given.seeds)
        ]
        error = np.array([one[0] for one in found])
        usual = usual if len(usual) else error
        gap = error - usual
        noise = 2 * gap.std(ddof=1) / math.sqrt(len(gap)) if len(gap) > 1 else math.nan
        told = ", ".join(f"{name} {value:g}" for name, value in change.items()) or "the recipe"
        print(
            f"{told:40s} error {error.mean():.4f} ({gap.mean():+.4f} +- {noise:.4f})"
            f"  trees {np.mean([one[1] for one in found]):.0f}  {1e6 * np.mean([one[2] for one in found]):.1f} us/row",
            flush=True,
        )


if __name__ == "__main__":
    main()
