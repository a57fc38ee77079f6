"""Planted rows for the tests of the models room: what can be learned from them is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from agecli.models.spec import Kind, ModelSpec

FEATURES: tuple[tuple[str, Kind], ...] = (
    ("strong", "numeric"),
    ("noisiness", "numeric"),
    ("useless", "numeric"),
    ("group", "categorical"),
)
QUICK: dict[str, int | float | str] = {"rounds": 15, "eta": 0.3, "max_depth": 3}


def planted(rows: int, seed: int = 0, classes: int = 0) -> pa.RecordBatch:
    """Rows whose label is 10 * strong + 2 * group + noise of size 1 + noisiness; a tenth of each feature is NULL.

    With `classes`, the label is the name of the quantile it falls into: k0, k1, ...
    """
    random = np.random.default_rng(seed)
    strong, useless = random.normal(size=rows), random.normal(size=rows)
    noisiness, group = random.uniform(0, 4, rows), random.integers(0, 6, rows)
    value = 10 * strong + 2 * group + random.normal(size=rows) * (1 + noisiness)
    label = pa.array(value)
    if classes:
        edges = np.quantile(value, np.linspace(0, 1, classes + 1)[1:-1])
        label = pa.array([f"k{code}" for code in np.searchsorted(edges, value)])
    gaps = random.random((4, rows)) < 0.1
    columns = {
        "id": pa.array([f"person-{seed}-{n}" for n in range(rows)]),
        "known_label": label,
        "strong": pa.array(strong, mask=gaps[0]),
        "noisiness": pa.array(noisiness, mask=gaps[1]),
        "useless": pa.array(useless, mask=gaps[2]),
        "group": pa.array([f"g{code}" for code in group], mask=gaps[3]),
    }
    return pa.RecordBatch.from_pydict(columns)


def spec(**changes: Any) -> ModelSpec:
    """A spec for planted rows that trains in well under a second."""
    settings: dict[str, Any] = {"task": "regression", "features": FEATURES, "tolerance": 3.0, "params": QUICK}
    settings |= {"few_labels": 1_000, "seed": 7, "threads": 1}
    if changes.get("task") == "classification":
        settings["tolerance"] = None
    return ModelSpec(**{**settings, **changes})


def reader(rows: pa.RecordBatch, size: int = 500) -> Callable[[], Iterator[pa.RecordBatch]]:
    """`read` over the rows, in batches of a size."""
    return lambda: iter(pa.Table.from_batches([rows]).to_batches(size))


def replaced(rows: pa.RecordBatch, **columns: pa.Array) -> pa.RecordBatch:
    """The rows with other columns in place."""
    return pa.RecordBatch.from_pydict({name: columns.get(name, rows.column(name)) for name in rows.schema.names})
