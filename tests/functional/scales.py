"""A small project that tests run whole: 2,000 things, of which half have been weighed."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from agecli.cli import main
from tests.functional.conftest import Answer

ROWS = 2_000
RECIPE = """
task = "regression"
label = "weight"
default = 10

[source]
format = "parquet"
id = "id"

[source.columns]
id = "bigint"
weight = "double"
height = "double"
colour = "varchar"

[confidence]
tolerance = 2

[features]
height = "numeric"
colour = "categorical"
"""
STAGING = """
SELECT id, weight AS known_label, CASE WHEN weight IS NOT NULL THEN 'scales' END AS label_source,
       height, colour, height IS NULL AS bad_height
FROM ${source}
"""
FEATURES = "SELECT id, known_label, label_source, height, colour FROM ${staging}"
HOW_TO_RUN = "batch_rows = 500\nworkers = 2\n"  # in four batches

Known = Callable[[int, float], bool]
"""Whether a thing was weighed, by its number and its height."""


def rows(known: Known = lambda number, height: number % 2 == 1, gaps: bool = True) -> pa.Table:
    """Weights are twice the height, with five more for what is red; half of them are known, 40 heights are missing."""
    heights = [(number * 37 % 1_000) / 100 for number in range(ROWS)]
    colours = ["red" if number * 7 % 3 == 0 else "blue" for number in range(ROWS)]
    noise = [((number * 7_919) % 200 - 100) / 100 for number in range(ROWS)]
    weights = [2 * h + 5 * (c == "red") + n for h, c, n in zip(heights, colours, noise, strict=True)]
    return pa.table(
        {
            "id": pa.array(range(ROWS), pa.int64()),
            "weight": [w if known(number, heights[number]) else None for number, w in enumerate(weights)],
            "height": [None if gaps and number % 50 == 0 else h for number, h in enumerate(heights)],
            "colour": colours,
        }
    )


def settle(place: Path, toml: str = RECIPE, table: pa.Table | None = None, settings: str = HOW_TO_RUN) -> Path:
    """Lays the project down, or one with another recipe.toml, other rows or other settings."""
    recipe = place / "queries" / "scales"
    recipe.mkdir(parents=True)
    (recipe / "recipe.toml").write_text(toml)
    (recipe / "staging.sql").write_text(STAGING)
    (recipe / "features.sql").write_text(FEATURES)
    (place / "agecli.toml").write_text(f'recipe = "scales"\nsource = "rows.parquet"\nperiod = "2026Q3"\n{settings}')
    pq.write_table(rows() if table is None else table, place / "rows.parquet", row_group_size=500)
    return place


def damage(features: Path, row_group: int) -> None:
    """Overwrites the heights of one row group of the feature table, and leaves its footer whole."""
    groups = [
        (file, group)
        for file in sorted(features.glob("*/*.parquet"))
        for group in range(pq.read_metadata(file).num_row_groups)
    ]
    file, number = groups[row_group]
    metadata = pq.read_metadata(file).row_group(number)
    heights = next(c for c in map(metadata.column, range(metadata.num_columns)) if c.path_in_schema == "height")
    with file.open("r+b") as stream:
        stream.seek(heights.data_page_offset)
        stream.write(b"\xff" * min(200, heights.total_compressed_size))


def ask(*arguments: object) -> Answer:
    """Runs a command that only looks in this process, which saves the start of another."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Answer(code, out.getvalue(), err.getvalue())


def told(*arguments: object) -> Answer:
    """The same, and it must succeed."""
    answer = ask(*arguments)
    assert answer.code == 0, answer.err
    return answer
