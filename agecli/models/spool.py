"""The encoded rows of a training on disk, one nameless temporary file per part.

Reading and encoding happen once, and memory stays the same from a thousand rows to millions: XGBoost and the
baseline take their rows in chunks of a fixed size from here, so how the reader batches rows changes nothing.
The files have no name (they vanish with the process, also when it is killed) and take 4 bytes a value.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from agecli.errors import AgecliError
from agecli.models.trees import Matrix, Vector

CHUNK_ROWS = 32_768


class Spool:
    """Rows by part: encoded features on disk, labels (float64; class codes for classification) in memory.

    The parts in `named` keep the ids of their rows too.
    """

    def __init__(
        self, names: Sequence[str], columns: int, folder: Path | None = None, named: Sequence[str] = ()
    ) -> None:
        self.columns = columns
        self.counts = dict.fromkeys(names, 0)
        self._labels: dict[str, list[Vector]] = {name: [] for name in names}
        self._named = set(named)
        self._ids: dict[str, list[pa.Array]] = {name: [] for name in names}
        self._stack = ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        for name in names:
            file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 (the stack closes it)
            self._files[name] = self._stack.enter_context(file)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, ids: pa.Array, rows: Matrix, labels: Vector, where: npt.NDArray[np.int64]) -> None:
        """Appends each row to the part with the index in `where`."""
        for index, name in enumerate(self.counts):
            chosen = where == index
            count = int(chosen.sum())
            if not count:
                continue
            try:
                _write_all(self._files[name], rows[chosen].data.cast("B"))
            except OSError as error:
                why = f"the encoded rows do not fit into the temporary folder ({error.strerror})"
                raise AgecliError("training stopped", why, "free some disk, or set TMPDIR to a larger one") from error
            self._labels[name].append(labels[chosen])
            if name in self._named:
                self._ids[name].append(ids.filter(pa.array(chosen)))
            self.counts[name] += count

    def labels(self, *names: str) -> Vector:
        """All labels of the parts, in their order."""
        return np.concatenate([np.empty(0), *(piece for name in names for piece in self._labels[name])])

    def ids(self, *names: str) -> pa.Array:
        """The ids of the parts that keep them, in the order of the rows."""
        return pa.concat_arrays([piece for name in names for piece in self._ids[name]])

    def matrix(self, *names: str) -> Matrix:
        """All rows of the parts at once: for small parts."""
        return np.concatenate([np.empty((0, self.columns), np.float32), *(x for x, _ in self.stream(*names))])

    def chosen(self, most: int, *names: str) -> npt.NDArray[np.bool_]:
        """Which rows of the parts stand for them: `most` of them, evenly spaced; all where there are no more."""
        return evenly(sum(self.counts[name] for name in names), most)

    def spaced(self, most: int, *names: str) -> tuple[Matrix, Vector]:
        """The rows and labels that are `chosen`."""
        kept, passed = self.chosen(most, *names), 0
        pieces = [(np.empty((0, self.columns), np.float32), np.empty(0))]
        for rows, labels in self.stream(*names):
            here = kept[passed : passed + len(labels)]
            pieces.append((rows[here], labels[here]))
            passed += len(labels)
        return np.concatenate([x for x, _ in pieces]), np.concatenate([y for _, y in pieces])

    def chunks(self, *names: str) -> Callable[[], Iterator[tuple[Matrix, Vector]]]:
        """A function that streams the parts from their beginning, as often as it is called."""
        return lambda: self.stream(*names)

    def stream(self, *names: str) -> Iterator[tuple[Matrix, Vector]]:
        """Rows and labels of the parts in chunks of `CHUNK_ROWS`; a part ends its chunk."""
        width = 4 * self.columns
        for name in names:
            labels = self.labels(name)
            for start in range(0, self.counts[name], CHUNK_ROWS):
                count = min(CHUNK_ROWS, self.counts[name] - start)
                self._files[name].seek(start * width)
                rows = np.empty((count, self.columns), np.float32)
                _read_into(self._files[name], rows.data.cast("B"))
                yield rows, labels[start : start + count]


def evenly(rows: int, most: int) -> npt.NDArray[np.bool_]:
    """`most` of so many rows, evenly spaced: True where a row is one of them."""
    if rows <= most:
        return np.ones(rows, np.bool_)
    passed = np.arange(rows + 1) * most // rows
    return passed[1:] > passed[:-1]


def _read_into(file: IO[bytes], target: memoryview) -> None:
    while len(target):
        got = file.readinto(target)  # type: ignore[attr-defined]
        if not got:
            raise AgecliError("training stopped", "its temporary file ended early", "run again")
        target = target[got:]


def _write_all(file: IO[bytes], data: memoryview) -> None:
    while len(data):
        data = data[file.write(data) :]
