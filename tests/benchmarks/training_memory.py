"""How much memory a training takes, by the number of labelled rows that it uses.

    python tests/benchmarks/training_memory.py --rows 10000000 --use 2000000,10000000

The rows are generated while they are read (30 features, 8 of them categorical, a label of known law), so that nothing
but the training itself is measured. Each size runs in a process of its own; printed are its peak memory, its seconds
and its error.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from agecli.models import fit
from agecli.models.spec import Kind, ModelSpec

NUMBERS, WORDS, PIECE = 22, 8, 50_000
FEATURES: tuple[tuple[str, Kind], ...] = (
    *((f"n{k}", "numeric") for k in range(NUMBERS)),
    *((f"c{k}", "categorical") for k in range(WORDS)),
)


def rows(count: int) -> Iterator[pa.RecordBatch]:
    """The same rows each time, a piece at a time."""
    for start in range(0, count, PIECE):
        size = min(PIECE, count - start)
        random = np.random.default_rng(start)
        x = random.normal(size=(size, NUMBERS)).astype(np.float32).astype(np.float64)
        codes = random.integers(0, 40, (size, WORDS))
        label = 40 + 5 * x[:, 0] + 3 * np.abs(x[:, 1]) + x[:, 2] * (codes[:, 0] % 3) + codes[:, 1] / 10
        label += random.standard_t(4, size) * (1 + np.abs(x[:, 3]))
        words = pa.array([f"word-{code}" for code in range(40)])
        columns = {"id": pa.array(np.arange(start, start + size)), "known_label": pa.array(label)}
        columns |= {f"n{k}": pa.array(x[:, k]) for k in range(NUMBERS)}
        columns |= {f"c{k}": words.take(pa.array(codes[:, k])) for k in range(WORDS)}
        yield pa.RecordBatch.from_pydict(columns)


def one(count: int, use: int, threads: int) -> None:
    """Trains once and prints what it took."""
    spec = ModelSpec("regression", FEATURES, 2.0, max_train_rows=use, threads=threads)
    began = time.monotonic()
    card = fit.train(lambda: rows(count), spec).card
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found = {"used": card["sample"]["rows"], "of": count, "peak_gib": round(peak, 2)}
    found |= {"seconds": round(time.monotonic() - began), "mae": round(card["metrics"]["model"]["mae"], 4)}
    print(json.dumps({**found, "coverage": round(card["interval"]["coverage"], 4)}))


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--use", default="2000000,10000000")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--one", type=int)
    given = options.parse_args()
    if given.one:
        one(given.rows, given.one, given.threads)
        return
    for use in given.use.split(","):
        again = [sys.executable, __file__, "--rows", str(given.rows), "--one", use, "--threads", str(given.threads)]
        subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
