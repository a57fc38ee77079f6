"""Compiled: values of the members of arrays (program.py), and of texts by their numbers (texts.py)."""

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
def take(numbers: Any, values: Any, width: int, valid: Any, /) -> tuple[bytes | None, bytes]: ...
