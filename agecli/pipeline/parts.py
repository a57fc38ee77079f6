"""The feature table in parts: which rows of the source each of several processes turns into which of its files.

One row comes of each row, so the files of the table are known before any of them is written. Nothing heavy is
imported: the executor decides with this.
"""

from __future__ import annotations

from dataclasses import dataclass

from agecli.errors import AgecliError
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import row_group_rows, staged

# A batch reads the footers of its files: in files of some millions of rows these stay small
_MOST_GROUPS = 64
_FILES = 32  # at least, where there are row groups enough: so parts of whole files have about the same rows
_LEAST_FILES = 2  # of a part, so that no part has twice the rows of another
LEAST_ROWS = 150_000  # of a part: for fewer, a process is not worth the second that its start takes
LEAST_BYTES = 64 << 20  # of a source that will have parts, as far as can be told before its rows are counted
_PROCESS_BYTES = 512 << 20  # what one takes at most, with the recipes that come with agecli


class NotInParts(AgecliError):
    """The features cannot be made in parts, or something is wrong with one; made in one piece, they tell what."""


@dataclass(frozen=True)
class Part:
    """Rows of the source from `first` to before `last`; `file` is the number of the first file that they fill."""

    first: int
    last: int
    file: int


def file_groups(rows: int, group_rows: int) -> int:
    """Row groups of each file of a feature table of so many rows, but the last: the same for any number of workers."""
    return min(max(-(-rows // group_rows) // _FILES, 1), _MOST_GROUPS)


def divided(rows: int, group_rows: int, count: int) -> tuple[Part, ...]:
    """At most `count` parts of whole files, about the same rows each; one where there are too few rows for more."""
    file_rows = file_groups(rows, group_rows) * group_rows
    count = max(1, min(count, -(-rows // file_rows) // _LEAST_FILES))
    files = [round(rows * number / count / file_rows) for number in range(count)]
    ends = [file * file_rows for file in files[1:]] + [rows]
    return tuple(Part(file * file_rows, end, file) for file, end in zip(files, ends, strict=True))


def likely_parts(run: FrozenRun) -> int:
    """How many parts there will be, to judge by the size of a source whose rows are not counted yet."""
    wanted = run.source.table.format == "parquet" and run.source.bytes >= LEAST_BYTES and run.materialise != "table"
    return min(run.workers, run.memory // _PROCESS_BYTES) if wanted else 1


def parts_of(run: FrozenRun) -> tuple[Part, ...]:
    """The parts of this run's feature table: one for each worker that fits in memory. None where the source is text,
    of which no part can be read alone, or staging is a table on disk."""
    known = staged(run, stored=False)
    if known is None or known["files"] or run.source.table.format != "parquet":
        return ()
    rows, fit = known["rows_in"], run.memory // _PROCESS_BYTES
    return divided(rows, row_group_rows(run), min(run.workers, fit, rows // LEAST_ROWS))
