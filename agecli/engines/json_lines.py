"""The keys of JSON Lines files, from their first lines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import IO

from agecli.errors import DataError

_LINES = 1000


def open_bytes(path: str) -> IO[bytes]:
    """A file's bytes, unpacked where it is packed with gzip."""
    if path.lower().endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return Path(path).open("rb")


def open_text(path: str) -> IO[str]:
    """A text file, packed with gzip or not, with its line ends as they are and without a byte order mark."""
    if path.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return Path(path).open(encoding="utf-8-sig", newline="")


def keys(files: Sequence[str]) -> list[str]:
    """Keys of the objects in the first lines of these files, in the order they appear."""
    found: dict[str, None] = {}
    for path in files:
        try:
            with open_text(path) as lines:
                for number, line in enumerate(islice(lines, _LINES), 1):
                    if line.strip():
                        found.update(dict.fromkeys(_object(path, number, line)))
        except FileNotFoundError:
            raise DataError("a data file is missing", f"{path} is not there", "check the source") from None
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise DataError("a JSON Lines file cannot be read", f"{path}: {error}", "save it as UTF-8 text") from None
    return list(found)


def _object(path: str, number: int, line: str) -> dict[str, object]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise DataError(
            "a JSON Lines file cannot be read", f"{path}, line {number}: {error}", "one object a line"
        ) from None
    if not isinstance(value, dict):
        raise DataError("a JSON Lines file cannot be read", f"{path}, line {number} is no object", "one object a line")
    return value
