"""Compiled: values of rows, from columns (rows.py)."""

from typing import Any

def run(
    rows: int, columns: tuple[tuple[Any, Any, int, int], ...], steps: bytes, constants: bytes, outputs: bytes, /
) -> tuple[tuple[tuple[bytes | None, bytes, int], ...], bytes]: ...
