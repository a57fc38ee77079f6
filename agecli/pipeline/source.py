"""Finds the source's files and says what they are: their names, and the digest of what they hold."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from agecli.engines.base import Column, Table
from agecli.engines.files import find_files, partitions
from agecli.errors import DataError
from agecli.recipe import Recipe

_MAGIC = b"PAR1"
_FIX = "set --source, or source in agecli.toml"


@dataclass(frozen=True)
class Source:
    """The source as found: its files as a table, the digest of their content, and their size in bytes."""

    table: Table
    fingerprint: str
    bytes: int

    def to_json(self) -> dict[str, Any]:
        return {
            "files": list(self.table.files),
            "format": self.table.format,
            "columns": [[column.name, column.type] for column in self.table.columns],
            "delimiter": self.table.csv_delimiter,
            "fingerprint": self.fingerprint,
            "bytes": self.bytes,
            "root": self.table.root,
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Source:
        columns = tuple(Column(name, kind) for name, kind in fields["columns"])
        table = Table(tuple(fields["files"]), fields["format"], columns, fields["delimiter"], fields["root"])
        return cls(table, fields["fingerprint"], fields["bytes"])


def find(recipe: Recipe, path: Path) -> Source:
    """The files behind a source path: a file, a folder (with its Hive-style partitions), or a glob.

    Every byte is read for the digest (at the speed of the disk, files side by side): neither times nor a Parquet
    file's footer tell of every change. Raises ConfigError when nothing is there and DataError when the
    files hold nothing or are cut short.
    """
    table = find_table(recipe, path)
    sizes = [Path(file).stat().st_size for file in table.files]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as readers:
        digests = list(readers.map(_digest, table.files))
    parts = [
        [size, digest, partitions(file, table.root)]
        for file, size, digest in zip(table.files, sizes, digests, strict=True)
    ]
    return Source(table, digest_of(parts), sum(sizes))


def find_table(recipe: Recipe, path: Path) -> Table:
    """The source as a table, for those who need not know whether it changed: names, sizes and footers are read."""
    found = find_files(path, (recipe.source_format,), _FIX)
    filled = [file for file in found.paths if file.stat().st_size]
    if not filled:
        why = f"{len(found.paths)} files of 0 bytes"
        raise DataError(f"the source {path} is empty", why, "give a source that has rows")
    for file in filled if recipe.source_format == "parquet" else ():
        parquet_footer(file)
    columns = tuple(Column(name, kind) for name, kind in recipe.source_columns.items())
    names = tuple(str(file) for file in filled)
    return Table(names, recipe.source_format, columns, recipe.source_delimiter, str(found.root))


def digest_of(value: Any) -> str:
    """A short digest of a JSON value (the first 16 hex digits of SHA-256)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _digest(file: str) -> str:
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, xxhash.xxh3_128).hexdigest()  # ten times as fast as SHA-256


def parquet_footer(file: Path) -> bytes:
    """The footer of a Parquet file as it lies there; raises DataError when the file has none."""
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        if size >= 12:
            stream.seek(size - 8)
            tail = stream.read(8)
            length = int.from_bytes(tail[:4], "little")
            if tail[4:] == _MAGIC and length + 12 <= size:
                stream.seek(size - 8 - length)
                return stream.read(length)
    raise DataError(f"cannot read {file}", "it is no Parquet file or was cut short", "copy it again, or take it out")
