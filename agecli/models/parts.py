"""Which labelled row plays which part, decided by a hash of its id alone.

So the split does not depend on the order of rows or on how they are batched, and a row keeps its part when
rows are added. Three independent draws are taken from one hash: whether a row is sampled at all, its part,
and its fold (where labels are few).

Shares. `fit` gets most, since the error falls slowly with more rows. `stop` only has to find the number of
trees, `spread` trains a small model, and `calibrate` and `test` each need about 10,000 rows for a standard
error of 0.4 points on 80 % coverage, which they have from 100,000 labelled rows on.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]

SHARES: Final = {"fit": 0.60, "stop": 0.08, "spread": 0.10, "calibrate": 0.10, "test": 0.12}
PARTS: Final = tuple(SHARES)
TEST: Final = "test"

_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SALTS: Final = {"sample": 0x53414D50, "part": 0x50415254, "fold": 0x464F4C44, "profile": 0x50524F46}


def hash_ids(ids: pa.Array) -> Hashes:
    """A stable 64-bit hash of each id's text; 7 and '7' are the same id. Never depends on other rows.

    Eight bytes of UTF-8 at a time go through SplitMix64's finaliser (Steele, Lea and Flood 2014), last the
    length. Not cryptographic: it only has to spread ids evenly.
    """
    text = pc.cast(ids, pa.large_string())
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    count = len(text)
    if count == 0:
        return np.empty(0, np.uint64)
    _, offset_buffer, data_buffer = text.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[text.offset : text.offset + count + 1]
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer else np.empty(0, np.uint8)
    data = np.concatenate([data[offsets[0] : offsets[-1]], np.zeros(8, np.uint8)])
    starts, lengths = offsets[:-1] - offsets[0], np.diff(offsets)
    windows = np.lib.stride_tricks.sliding_window_view(data, 8)
    hashes = np.full(count, _GOLDEN)
    rows = np.arange(count)
    for position in range(0, int(lengths.max()), 8):
        rows = rows[lengths[rows] > position]
        words = np.ascontiguousarray(windows[starts[rows] + position]).view("<u8").ravel()
        left = np.minimum(lengths[rows] - position, 8).astype(np.uint64)
        words = words & (_FULL >> (np.uint64(64) - np.uint64(8) * left))
        hashes[rows] = _mix(hashes[rows] ^ words)
    return _mix(hashes ^ lengths.astype(np.uint64))


def draw(hashes: Hashes, purpose: str, seed: int) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each row; draws for different purposes are independent of each other."""
    salt = _mix(np.array([_SALTS[purpose] ^ (seed & 0xFFFFFFFF) << 32], np.uint64))
    return (_mix(hashes ^ salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def part_of(hashes: Hashes, seed: int) -> npt.NDArray[np.int64]:
    """The index into `PARTS` for each row."""
    edges = np.cumsum(list(SHARES.values()))[:-1]
    return np.searchsorted(edges, draw(hashes, "part", seed), side="right")


def fold_of(hashes: Hashes, folds: int, seed: int) -> npt.NDArray[np.int64]:
    """The fold, 0 to folds - 1, for each row."""
    return (draw(hashes, "fold", seed) * folds).astype(np.int64)


def _mix(values: Hashes) -> Hashes:
    """SplitMix64's finaliser: every bit of the input moves half the bits of the output."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
