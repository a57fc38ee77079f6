"""Finds the source's files and says what they are, from names, sizes and footers alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agecli.engines.base import Column, Table
from agecli.errors import ConfigError, DataError
from agecli.recipe import Recipe

_ENDINGS = {
    "parquet": (".parquet", ".parq", ".pq"),
    "csv": (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt"),
    "jsonl": (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".json", ".json.gz"),
}
_MAGIC = b"PAR1"


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
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Source:
        columns = tuple(Column(name, kind) for name, kind in fields["columns"])
        table = Table(tuple(fields["files"]), fields["format"], columns, fields["delimiter"])
        return cls(table, fields["fingerprint"], fields["bytes"])


def find(recipe: Recipe, path: Path) -> Source:
    """The files behind a source path: a file, a folder (with its Hive-style partitions), or a glob.

    Raises ConfigError when nothing is there and DataError when the files hold nothing or are cut short.
    """
    files = _files(path, recipe.source_format)
    sizes = [file.stat().st_size for file in files]
    if not any(sizes):
        raise DataError(f"the source {path} is empty", f"{len(files)} files of 0 bytes", "give a source that has rows")
    parts = [
        [size, _digest(file, size, recipe.source_format), _partition(file)]
        for file, size in zip(files, sizes, strict=True)
        if size
    ]
    names = tuple(str(file) for file, size in zip(files, sizes, strict=True) if size)
    columns = tuple(Column(name, kind) for name, kind in recipe.source_columns.items())
    table = Table(names, recipe.source_format, columns, recipe.source_delimiter)
    return Source(table, digest_of(parts), sum(sizes))


def digest_of(value: Any) -> str:
    """A short digest of a JSON value (the first 16 hex digits of SHA-256)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _files(path: Path, kind: str) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        found = _visible(path, (p for p in path.rglob("*") if p.is_file() and p.name.lower().endswith(_ENDINGS[kind])))
        if not found:
            raise DataError(
                f"the source {path} is empty",
                f"no {' or '.join(_ENDINGS[kind])} file below it",
                "give a source with rows",
            )
        return found
    if any(letter in str(path) for letter in "*?["):
        found = sorted(p for p in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if p.is_file())
        if found:
            return found
    raise ConfigError(
        f"no source at {path}", "there is no such file or folder", "set --source, or source in agecli.toml"
    )


def _visible(root: Path, paths: Iterable[Path]) -> list[Path]:
    """Without the names that Athena, Hive and Spark do not see either."""
    return sorted(p for p in paths if not any(part.startswith(("_", ".")) for part in p.relative_to(root).parts))


def _partition(file: Path) -> list[str]:
    return [part for part in file.parts[:-1] if "=" in part]


def _digest(file: Path, size: int, kind: str) -> str:
    """Of a Parquet file its footer (statistics and offsets of every column chunk), of text all of it."""
    if kind == "parquet":
        return hashlib.sha256(parquet_footer(file)).hexdigest()
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
