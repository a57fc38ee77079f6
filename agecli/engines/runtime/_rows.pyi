"""Compiled: values of rows, from columns (rows.py), and of texts by their numbers (texts.py)."""

from typing import Any

def run(
    rows: int, columns: tuple[tuple[Any, Any, int, int], ...], steps: bytes, constants: bytes, outputs: bytes, /
) -> tuple[tuple[tuple[bytes | None, bytes, int], ...], bytes]: ...
def take(numbers: Any, values: Any, width: int, valid: Any, /) -> tuple[bytes | None, bytes]: ...
