"""Compiled: Parquet's dictionary and data page of a column of few values (pages.py). Buffers are Arrow's."""

from typing import Any

def encode(
    valid: Any, data: Any, offsets: Any, first: int, rows: int, width: int, /
) -> tuple[bytes, int, bytes] | None: ...
def decode(page: Any, values: Any, entries: int, rows: int, /) -> tuple[bytes | None, bytes] | None: ...
