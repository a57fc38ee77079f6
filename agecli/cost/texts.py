"""CSV and JSON Lines as sources: their columns, and, from a sample of lines, what they would weigh as Parquet."""

from __future__ import annotations

import csv
import io
import json
import zlib
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from agecli.cost.footers import summary
from agecli.cost.objects import Object, error_of, filesystem_of
from agecli.engines.base import Table
from agecli.errors import DataError

_SAMPLE = 4 << 20


class Sample(NamedTuple):
    """The whole lines at the beginning of a file, and how many of its bytes hold them."""

    lines: list[str]
    consumed: int


def sample(file: Object) -> Sample:
    """The first lines of a file, unpacked where it is gzipped. Raises DataError where it cannot be read."""
    filesystem, path = filesystem_of(file.path)
    try:
        with filesystem.open_input_file(path) as stream:
            raw = stream.read(_SAMPLE)
    except (pa.ArrowException, OSError) as error:
        why = f"{file.path}: {str(error).splitlines()[0]}"
        raise error_of(file.path, error) or DataError("a file cannot be read", why, "check the source") from None
    text = raw
    if file.path.lower().endswith(".gz"):
        try:
            text = zlib.decompressobj(31).decompress(raw)
        except zlib.error as error:
            raise DataError("a file cannot be read", f"{file.path}: {error}", "pack it again") from None
    lines = text.decode("utf-8", "replace").splitlines(keepends=True)
    if len(raw) == _SAMPLE and len(lines) > 1:
        lines.pop()
    used = sum(len(line.encode()) for line in lines)
    return Sample(lines, max(1, round(len(raw) * used / max(1, len(text)))))


def columns(table: Table, file: Object) -> list[str]:
    """Names of the columns, from the header or the keys of the first lines."""
    lines = sample(file).lines
    if table.format == "csv":
        return next(csv.reader(lines, delimiter=table.csv_delimiter), [])
    return list(dict.fromkeys(key for line in lines[:1000] for key in _object(line)))


def as_parquet(table: Table, file: Object, total: int) -> dict[str, int]:
    """What each column of `total` bytes of text would weigh as Parquet with ZSTD, all as text; names in lower case."""
    found = sample(file)
    rows = _rows(table, found.lines)
    names = list(dict.fromkeys(name for row in rows for name in row))
    stored = io.BytesIO()
    data = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    pq.write_table(pa.table(data), stored, compression="zstd")
    footer = summary(pq.ParquetFile(stored).metadata, stored.tell())
    scale = total / found.consumed
    return {c.leaf.lower(): round(c.length * scale) for g in footer.groups for c in g.chunks}


def _rows(table: Table, lines: list[str]) -> list[dict[str, str | None]]:
    if table.format == "csv":
        reader = csv.DictReader(lines, delimiter=table.csv_delimiter, restkey="")
        return [{k: v for k, v in row.items() if k and isinstance(v, str)} for row in reader]
    return [
        {k: v if v is None or isinstance(v, str) else json.dumps(v) for k, v in _object(line).items()} for line in lines
    ]


def _object(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
