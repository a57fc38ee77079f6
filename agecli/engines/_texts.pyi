"""Compiled: texts out of Parquet's pages (text_columns.py). Buffers are Arrow's, or have its layout; whatever does not
fit them is a ValueError."""

from typing import Any

def header(piece: Any, /) -> tuple[int, tuple[int, ...]] | None: ...
def whole(codec: str, page: Any, /) -> int: ...
def levels(page: Any, rows: int, /) -> tuple[bytes, int]: ...
def places(page: Any, count: int, entries: int, /) -> bytes: ...
def dictionary(page: Any, entries: int, /) -> tuple[bytes, bytes, int]: ...
def append(
    values: tuple[Any, bytes | None, bytes | None],
    at: int,
    bits: bytes | None,
    row: int,
    rows: int,
    offsets: Any,
    valid: Any,
    data: Any,
    first: int,
    used: int,
    /,
) -> tuple[int, int, int, int] | int: ...
