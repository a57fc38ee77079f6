"""The compiled scanner of JSON columns; json_scan.py says what it is asked. Buffers are Arrow's."""

from typing import Any

_Column = tuple[bytes, bytes, bytes]

def read(
    offsets: Any,
    data: Any,
    valid: Any,
    first: int,
    rows: int,
    names: tuple[str, ...],
    kinds: str,
    many: bool,
    bare: bool,
    quiet: bool,
    /,
) -> tuple[_Column, bytes, tuple[_Column, ...], bytes]: ...
def lengths(offsets: Any, data: Any, valid: Any, first: int, rows: int, /) -> tuple[_Column, bytes]: ...
