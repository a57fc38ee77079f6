"""The compiled walk over trees; kernel.py says what the arrays hold."""

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
def probabilities(out: Array, outputs: int, /) -> None: ...
