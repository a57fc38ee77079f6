"""Compiled: values of the members of arrays (program.py)."""

from typing import Any

def run(
    offsets: Any,
    valid: Any,
    fields: tuple[tuple[Any, Any, int], ...],
    tables: tuple[tuple[Any, Any, Any], ...],
    steps: bytes,
    conditions: bytes,
    constants: bytes,
    outputs: bytes,
    /,
) -> tuple[tuple[tuple[bytes | None, ...], ...], bytes]: ...
