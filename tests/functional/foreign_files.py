"""Files as strangers have them, for the tests of `agecli init --from`, and what their recipes make of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa

from agecli import recipe as recipes
from agecli.engines import open_engine
from agecli.pipeline import source as sources
from agecli.scaffold import Proposal, write

AS_OF = "DATE '2024-12-31'"


def write_csv(
    path: Path, header: list[str], rows: list[list[object]], delimiter: str = ",", encoding: str = "utf-8"
) -> str:
    with path.open("w", newline="", encoding=encoding) as file:
        out = csv.writer(file, delimiter=delimiter)
        out.writerow(header)
        out.writerows(rows)
    return str(path)


def write_jsonl(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def simple(tmp_path: Path, **columns: list[object]) -> str:
    """60 rows of CSV that nothing is wrong with, but for the columns that are given."""
    base: dict[str, list[object]] = {
        "id": [*range(60)],
        "x": [n * 37 % 11 for n in range(60)],
        "y": [n % 3 / 7 for n in range(60)],
    }
    base |= columns
    return write_csv(tmp_path / "t.csv", [*base], [list(row) for row in zip(*base.values(), strict=True)])


def tables(proposal: Proposal, source: str, folder: Path) -> tuple[pa.Table, pa.Table]:
    """Writes the recipe and runs its SQL unedited: the rows of staging and of features."""
    write(proposal, folder / "queries" / proposal.name)
    recipe = recipes.load(folder / "queries" / proposal.name)
    table = sources.find(recipe, Path(source)).table
    staging_sql = recipes.render(recipe.sql["staging"], {"source": "source", "as_of": AS_OF})
    features_sql = recipes.render(recipe.sql["features"], {"staging": f"({staging_sql})", "as_of": AS_OF})
    engine = open_engine("duckdb")
    staging = engine.query(staging_sql, {"source": table})
    features = engine.query(features_sql, {"source": table})
    assert features.column_names == ["id", "known_label", "label_source", *recipe.features]
    for name, kind in recipe.features.items():
        assert features.schema.field(name).type == (pa.float64() if kind == "numeric" else pa.string()), name
    assert len(set(features.column("id").to_pylist())) == features.num_rows == staging.num_rows
    return staging, features
