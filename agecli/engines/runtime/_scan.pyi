"""The compiled scanner of columns of text; json_scan.py and memo.py say what it is asked. Buffers are Arrow's."""

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
    tables: tuple[Any, ...],
    /,
) -> tuple[_Column, bytes, tuple[_Column, ...], bytes]: ...
def lengths(offsets: Any, data: Any, valid: Any, first: int, rows: int, /) -> tuple[_Column, bytes]: ...
def table(most: int, longest: int, /) -> Any: ...
def texts(table: Any, known: int, /) -> tuple[bytes, bytes]: ...
def numbers(
    table: Any, offsets: Any, data: Any, valid: Any, first: int, rows: int, learn: bool, /
) -> tuple[bytes, bytes]: ...
