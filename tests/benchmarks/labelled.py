"""The rows that benchmarks of the models train on: a recipe's feature table, made by agecli itself."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def labelled_rows(recipe: str, source: Path | None, rows: int, seed: int = 42) -> pa.Table:
    """The features of the rows whose label is known, of a source or of so many generated profiles."""
    with tempfile.TemporaryDirectory() as place:
        project = Path(place) / "project"
        given = ["--source", str(source.absolute())] if source else []
        wanted = [] if source else ["--synth-rows", str(rows), "--synth-seed", str(seed)]
        for command in (
            ["init", str(project), "--recipe", recipe, *given],
            ["-C", str(project), "run", "--to", "features", *wanted],
        ):
            subprocess.run([sys.executable, "-m", "agecli", *command], check=True, capture_output=True)
        (folder,) = (path for path in project.glob(f"workspace/{recipe}/*/features/*") if path.is_dir())
        table = pq.read_table(folder)
    return table.filter(table["known_label"].is_valid())
