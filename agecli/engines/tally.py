"""Counts rows while a query computes them: what a second pass over a table would find, without table or pass."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

MOST = 62  # columns whose answers fit as bits into one bigint, with none left to be its sign


class Tally:
    """Counts rows, and for each of `columns` those where it is true (a boolean) or not NULL (any other).

    It also sums the hashes of the columns `identity`, so that two tables can be told to have the same of these
    whatever their order; the first of them has to be read for a row to count. A query that reads its view twice is
    counted twice: compare `rows` with what is known. `proven` says that the other table is known to have the same of
    `identity` without the sum, which then lacks rows.
    """

    def __init__(self, identity: tuple[str, ...], columns: tuple[str, ...]) -> None:
        self.identity, self.columns = identity, columns
        self.rows = 0
        self.proven = False
        self._sum = 0
        self._counts = [0] * len(columns)
        self._lock = threading.Lock()

    def add(self, answers: Any, hashes: Any) -> pa.Array:
        """Notes a chunk of rows, an Arrow column of bits (bit i for column i) and one of hashes; true for each row."""
        bits, keys = (np.asarray(column.to_numpy()) for column in (answers, hashes))
        found = [int(np.count_nonzero(bits & (1 << place))) for place in range(len(self.columns))]
        total = hash_sum(keys)
        with self._lock:
            self.rows += len(bits)
            self._sum += total
            self._counts = [before + more for before, more in zip(self._counts, found, strict=True)]
        return pa.array(np.ones(len(bits), np.bool_))

    def count(self, rows: int, counts: Sequence[int]) -> None:
        """Notes so many rows, and in how many of them each column is true, or not NULL; their hashes are proven."""
        with self._lock:
            self.proven = True
            self.rows += rows
            self._counts = [before + more for before, more in zip(self._counts, counts, strict=True)]

    def told(self) -> dict[str, Any]:
        """What was counted, for `include` of a tally in another process."""
        return {"rows": self.rows, "counts": list(self._counts), "sum": f"{self._sum:x}", "proven": self.proven}

    def include(self, told: Mapping[str, Any]) -> None:
        """Adds what another tally of the same columns counted, of other rows."""
        self.rows += told["rows"]
        self._sum += int(told["sum"], 16)
        self.proven |= told["proven"]
        self._counts = [before + more for before, more in zip(self._counts, told["counts"], strict=True)]

    @property
    def counts(self) -> dict[str, int]:
        """Rows by column: where it is true, or not NULL."""
        return dict(zip(self.columns, self._counts, strict=True))

    @property
    def checksum(self) -> str:
        """The same as `checksum` of `agecli.engines.ids` gives for a table with the same rows."""
        return f"{self._sum:x}"


def hash_sum(hashes: np.ndarray[Any, np.dtype[np.uint64]]) -> int:
    """The exact sum of unsigned 64-bit numbers: their halves are summed apart, so that nothing runs over."""
    low = hashes & np.uint64(0xFFFFFFFF)
    return int(low.sum(dtype=np.uint64)) + (int((hashes >> np.uint64(32)).sum(dtype=np.uint64)) << 32)
