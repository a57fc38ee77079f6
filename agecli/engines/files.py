"""Which files a path means: a file, a folder, a glob, Hive-style partitions. One answer for all who read a source.

Names that begin with `_` or `.` below the path are left out, as Athena, Hive and Spark leave them out; a file that is
named outright is taken whatever its name. Only folders below the path count as partitions (`year=2024/`): where the
data happen to lie says nothing about them.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agecli.engines.base import Format
from agecli.errors import ConfigError, DataError

ENDINGS: dict[Format, tuple[str, ...]] = {
    "parquet": (".parquet", ".parq", ".pq"),
    "csv": (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt"),
    "jsonl": (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".json", ".json.gz"),
}
_WORDS: dict[Format, str] = {"parquet": "Parquet", "csv": "CSV", "jsonl": "JSON Lines"}
_WILD = frozenset("*?[")


@dataclass(frozen=True)
class Files:
    """The files behind a path in the order of their names, and the folder below which partitions count."""

    root: Path
    paths: tuple[Path, ...]


def find_files(path: Path, formats: Iterable[Format] = tuple(ENDINGS), fix: str = "") -> Files:
    """The files that a path means; of a folder those with an ending of these formats, of a glob all that match.

    Raises ConfigError when nothing is there (`fix` says what to type instead), DataError for a folder without
    any such file.
    """
    if path.is_file():
        return Files(path.parent, (path,))
    if path.is_dir():
        wanted = tuple(formats)
        endings = tuple(ending for kind in wanted for ending in ENDINGS[kind])
        found = _visible(path, (p for p in path.rglob("*") if p.is_file() and p.name.lower().endswith(endings)))
        if not found:
            named = ", ".join(_WORDS[kind] for kind in wanted)
            raise DataError(
                f"the source {path} is empty",
                f"no {named} file ({' '.join(endings)}) is below it",
                "give a source that has rows",
            )
        return Files(path, found)
    if any(_WILD & set(part) for part in path.parts):
        root = _fixed(path)
        matches = map(Path, glob.glob(str(path), recursive=True))  # noqa: PTH207 (Path.glob's ** finds folders alone)
        found = _visible(root, (p for p in matches if p.is_file()))
        if found:
            return Files(root, found)
        raise ConfigError(f"no source at {path}", "no file matches", fix)
    raise ConfigError(f"no source at {path}", "there is no such file or folder", fix)


def partitions(path: str, root: str) -> dict[str, str]:
    """The Hive-style folders between a root and a file: {"year": "2024"} for year=2024/x.parquet below the root."""
    try:
        folders = Path(path).relative_to(root).parts[:-1] if root else ()
    except ValueError:
        return {}
    pairs = [part.split("=", 1) for part in folders if "=" in part]
    return {name: value for name, value in pairs if name}


def _fixed(pattern: Path) -> Path:
    """The folder before the first part of a glob that is one."""
    wild = next(number for number, part in enumerate(pattern.parts) if _WILD & set(part))
    return Path(*pattern.parts[:wild])


def _visible(root: Path, paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(sorted(p for p in paths if not any(w.startswith(("_", ".")) for w in p.relative_to(root).parts)))
