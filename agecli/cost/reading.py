"""The bytes that a reader of Trino's family fetches from one Parquet file, by the habits that its documentation names.

    a file of at most 3 MiB (parquet.small-file-threshold) is read whole, whatever is asked
    else each split reads the last 48 KiB for the footer, and a longer footer again
    column chunks of at most 8 MiB (parquet.max-buffer-size) that lie at most 1 MiB apart
    (parquet.max-merge-distance) are fetched together with what lies between them, up to 8 MiB at once
    with a condition, also dictionary pages, page indexes and Bloom filters of its columns

Sizes of splits: hive.max-initial-split-size (32 MiB, the first 200) and hive.max-split-size (64 MiB).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agecli.cost.footers import Chunk, Footer, RowGroup

SMALL_FILE = 3 << 20
_FOOTER_READ = 48 << 10
_MERGE_DISTANCE = 1 << 20
_BUFFER = 8 << 20
_SPLIT = 32 << 20
_LEAST_SPLIT = int(0.05 * (64 << 20))
_BLOOM_HEADER = 64


class Reading(NamedTuple):
    """Bytes of one file: `footers` in any case, `planned` if nothing is left out on the way, `most` at most."""

    footers: int
    planned: int
    most: int


def whole(size: int) -> Reading:
    """A file that is read whole as soon as it is opened."""
    return Reading(size, size, size)


def read(footer: Footer, groups: Sequence[RowGroup], leaves: frozenset[str], conditions: bool) -> Reading:
    """The bytes of one file for some of its row groups and leaves; `conditions`: some may reach the reader."""
    if footer.size <= SMALL_FILE:
        return whole(footer.size)
    splits = list(_splits(footer.size))
    once = _FOOTER_READ + (footer.length if footer.length > _FOOTER_READ else 0)
    footers = once * len(splits)
    wanted = [[c for c in g.chunks if c.leaf in leaves] for g in groups if g.rows]
    planned = footers + sum(
        _merged([c for g, chunks in zip((g for g in groups if g.rows), wanted, strict=True) if a <= g.start < b
                 for c in chunks])
        for a, b in splits
    )  # fmt: skip
    chunks = [c for group in wanted for c in group]
    if not conditions:
        return Reading(footers, planned, planned)
    most = max(planned, footers + _loosely_merged(chunks)) + _looked_up(footer, chunks)
    return Reading(footers, planned, most)


def _splits(size: int) -> Iterator[tuple[int, int]]:
    """The parts in which a file is read, as Trino's HiveSplitSource cuts it."""
    start = 0
    while start < size:
        rest = size - start
        length = rest // 2 if rest <= 2 * _SPLIT else _SPLIT
        if size <= _LEAST_SPLIT or rest <= _SPLIT:
            length = rest
        yield start, start + length
        start += length


def _merged(chunks: Sequence[Chunk]) -> int:
    """The length of the ranges that are fetched for these chunks together."""
    ranges = sorted((c.start, c.start + c.length) for c in chunks if c.length <= _BUFFER)
    total = sum(c.length for c in chunks if c.length > _BUFFER)
    begin = end = None
    for start, stop in ranges:
        if (
            begin is not None
            and end is not None
            and max(stop, end) - begin <= _BUFFER
            and end + _MERGE_DISTANCE >= start
        ):
            end = max(end, stop)
            continue
        if begin is not None and end is not None:
            total += end - begin
        begin, end = start, stop
    return total + (end - begin if begin is not None and end is not None else 0)


def _loosely_merged(chunks: Sequence[Chunk]) -> int:
    """No less than what is fetched for any part of these chunks: all of them, and every gap that may be bridged."""
    total = end = 0
    for chunk in sorted(chunks, key=lambda c: c.start):
        gap = chunk.start - end
        total += chunk.length + (gap if end and 0 < gap <= _MERGE_DISTANCE else 0)
        end = max(end, chunk.start + chunk.length)
    return total


def _looked_up(footer: Footer, chunks: Sequence[Chunk]) -> int:
    """At most this is read besides, to find out whether row groups and pages can be left out."""
    found = sum(c.dictionary for c in chunks) + sum(c.bloom + _BLOOM_HEADER for c in chunks if c.bloom)
    if any(c.indexed for g in footer.groups for c in g.chunks):  # page indexes lie between the data and the footer
        data = max(c.start + c.length for g in footer.groups for c in g.chunks)
        found += max(0, footer.size - footer.length - data)
    return found
