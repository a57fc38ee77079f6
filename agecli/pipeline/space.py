"""How much disk a run will need, said before it starts."""

from __future__ import annotations

import shutil
from pathlib import Path

from agecli.errors import AgecliError
from agecli.pipeline.frozen import FrozenRun

# Bytes on disk per row and per source byte, as upper bounds of what the recipes that come with agecli were
# measured to need: staging holds the text columns that features still read, the others a few numbers a row.
STAGING_PER_SOURCE_BYTE = 1.0
GZIP_FACTOR = 4  # staging is packed too, only not as tightly
BYTES_PER_FEATURE = 4
BYTES_PER_PREDICTION = 96
BYTES_PER_PROFILE = 300  # of generated rows; 260 were measured
SLACK = 64 << 20


def expected_bytes(run: FrozenRun, rows: int, stages: set[str]) -> int:
    """An upper bound for the bytes that these stages will write."""
    need = SLACK
    if "stage" in stages:
        need += int(unpacked_bytes(run) * STAGING_PER_SOURCE_BYTE)
    if "features" in stages:
        need += rows * (BYTES_PER_FEATURE * len(run.recipe.features) + 32)
    if "train" in stages:  # the spool of encoded rows, gone when training ends
        need += min(rows, int(run.deciding["max_train_rows"])) * BYTES_PER_FEATURE * len(run.recipe.features)
    if "predict" in stages:
        need += rows * BYTES_PER_PREDICTION
    if "aggregate" in stages:
        need += rows * BYTES_PER_PREDICTION
    return need


def unpacked_bytes(run: FrozenRun) -> int:
    """Bytes of the source, those of gzip files counted as often as text packs into them."""
    packed = sum(Path(file).stat().st_size for file in run.source.table.files if file.lower().endswith(".gz"))
    return run.source.bytes + packed * (GZIP_FACTOR - 1)


def check_space(run: FrozenRun, rows: int, stages: set[str]) -> str:
    """Says what these stages will need and what is free; raises AgecliError when it is not there."""
    if not stages:
        return "writes nothing"
    return _check(run.workspace.root, expected_bytes(run, rows, stages))


def check_space_to_generate(root: Path, rows: int) -> None:
    """Raises AgecliError where the rows that a recipe generates find no room."""
    _check(root, rows * BYTES_PER_PROFILE + SLACK)


def _check(place: Path, need: int) -> str:
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < need:
        raise AgecliError(
            f"not enough disk at {place}",
            f"the run needs about {need / 2**20:,.0f} MiB, {free / 2**20:,.0f} MiB are free",
            "free space (`agecli cleanup` removes intermediates) or set --workspace elsewhere",
        )
    return f"needs up to {need / 2**20:,.0f} MiB of disk; {free / 2**20:,.0f} MiB are free"
