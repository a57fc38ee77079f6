"""The `batches` stage: the plan of the shards, from Parquet footers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import fingerprints, row_group_rows
from agecli.pipeline.tables import Facts, features_table
from agecli.workspace import write_json

MOST_BATCHES = 1000


@dataclass(frozen=True)
class RowGroup:
    """One row group of a file of the feature table."""

    file: str
    index: int
    rows: int


def plan_batches(groups: Sequence[RowGroup], batch_rows: int) -> list[dict[str, Any]]:
    """Cuts row groups, in order, into batches of about `batch_rows` rows, balanced to within one row group.

    Each item names its batch, its rows and its pieces: file and row groups. Every group is in one batch.
    """
    total = sum(group.rows for group in groups)
    count = max(1, min(len(groups), round(total / batch_rows)))
    batches: list[list[RowGroup]] = [[] for _ in range(count)]
    done = 0
    for group in groups:
        middle = done + group.rows / 2
        batches[min(count - 1, int(middle * count / total)) if total else 0].append(group)
        done += group.rows
    return [
        {"batch": number, "rows": sum(g.rows for g in batch), "pieces": _pieces(batch)}
        for number, batch in enumerate(filter(None, batches))
    ]


def _pieces(groups: Sequence[RowGroup]) -> list[dict[str, Any]]:
    pieces: dict[str, list[int]] = {}
    for group in groups:
        pieces.setdefault(group.file, []).append(group.index)
    return [{"file": file, "row_groups": indices} for file, indices in pieces.items()]


def batches(run: FrozenRun) -> Facts:
    """Writes the plan: `batches.json`, a top-level array with one item per batch."""
    groups = []
    for path in features_table(run).files:
        footer = pq.read_metadata(path)
        groups += [
            RowGroup(Path(path).name, index, footer.row_group(index).num_rows) for index in range(footer.num_row_groups)
        ]
    rows = sum(group.rows for group in groups)
    wanted = int(run.deciding["batch_rows"]) or max(row_group_rows(run), rows // MOST_BATCHES)
    plan = plan_batches(groups, wanted)
    write_json(run.workspace.plan(fingerprints(run).plan) / "batches.json", plan)
    return {"rows": rows, "batches": len(plan)}
