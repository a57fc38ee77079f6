"""The compiled ways through trees; kernel.py and wide.py say what the arrays hold."""

from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]

def add(
    nodes: Array,
    sets: Array,
    roots: Array,
    depths: Array,
    plain: Array,
    outputs: int,
    thresholds: Array,
    starts: Array,
    codes: Array,
    rows: Array,
    out: Array,
    /,
) -> None: ...
def wide() -> bool: ...
def add_wide(*arrays_then_places_slots_outputs_rows_out: Any) -> None: ...
def probabilities(out: Array, outputs: int, /) -> None: ...
def interpolate(x: Array, y: Array, limits: Array, values: Array, out: Array, /) -> None: ...
def pick(valid: Any, data: Any, words: Array | None, first: int, rows: Array, out: Array, /) -> None: ...
