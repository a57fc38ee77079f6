"""Footers that were read before, in the user's cache folder, by path, size and time of the last change.

The cache only saves time: where it cannot be read or written, footers are read again.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agecli.cost.objects import Object

_FORM = 2  # of what is kept; another form is another file
_MOST_BYTES = 256 << 20


def location() -> Path:
    """The file of the cache, below XDG_CACHE_HOME or ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "agecli" / f"footers-{_FORM}.sqlite"


def find(files: Sequence[Object]) -> dict[str, dict[str, Any]]:
    """What is known of these files, by path."""
    found: dict[str, dict[str, Any]] = {}
    with contextlib.suppress(sqlite3.Error, OSError, ValueError, zlib.error), _opened() as store:
        for file in files:
            row = store.execute("SELECT version, footer FROM footers WHERE path = ?", (file.path,)).fetchone()
            if row is not None and row[0] == file.version and file.version:
                found[file.path] = json.loads(zlib.decompress(row[1]))
    return found


def keep(files: Sequence[Object], footers: Mapping[str, Any]) -> None:
    """Remembers the footers of these files; a cache that has grown too large is begun anew."""
    with contextlib.suppress(sqlite3.Error, OSError):
        where = location()
        if where.is_file() and where.stat().st_size > _MOST_BYTES:
            where.unlink()
        rows = ((f.path, f.version, zlib.compress(json.dumps(footers[f.path]).encode(), 1)) for f in files if f.version)
        with _opened() as store:
            store.executemany("INSERT OR REPLACE INTO footers VALUES (?, ?, ?)", rows)


@contextlib.contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    where = location()
    where.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(where, timeout=2)) as store, store:
        store.execute("PRAGMA synchronous = OFF")
        store.execute("CREATE TABLE IF NOT EXISTS footers (path TEXT PRIMARY KEY, version TEXT, footer BLOB)")
        yield store
