"""The bytes that a reader of Trino's family fetches from one Parquet file, by the habits that its documentation names.

    a file of at most 3 MiB (parquet.small-file-threshold) is read whole, whatever is asked
    else each split reads the last 48 KiB for the footer, and a longer footer again
    column chunks of at most 8 MiB (parquet.max-buffer-size) that lie at most 1 MiB apart
    (parquet.max-merge-distance) are fetched together with what lies between them, up to 8 MiB at once
    with a condition, also dictionary pages, page indexes and Bloom filters of its columns, and maybe fewer row groups

Sizes of splits: hive.max-initial-split-size (32 MiB, the first 200) and hive.max-split-size (64 MiB).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from agecli.cost.footers import Chunk, Footer, RowGroup

SMALL_FILE = 3 << 20
_FOOTER_READ = 48 << 10
_MERGE_DISTANCE = 1 << 20
_BUFFER = 8 << 20
_SPLIT = 32 << 20
_LEAST_SPLIT = int(0.05 * (64 << 20))
_BLOOM_HEADER = 64
_MOST_STATES = 2000  # open ranges that are followed at once


class Reading(NamedTuple):
    """Bytes of one file: `planned` if nothing more is left out on the way, `most` at most."""

    planned: int
    most: int


def whole(size: int) -> Reading:
    """A file that is read whole as soon as it is opened."""
    return Reading(size, size)


def read(
    footer: Footer, groups: Sequence[RowGroup], leaves: Collection[str], looked_at: Collection[str], may_skip: bool,
    may_drop: bool = False,
) -> Reading:  # fmt: skip
    """The bytes of one file for some of its row groups and leaves.

    `may_skip`: conditions on the leaves in `looked_at` may make the reader leave out more row groups and pages. A
    part of the file of which no row group is left counts nothing: Trino's reader closes it before it counts.
    `may_drop`: some of the leaves may not be read at all.
    """
    filled = [g for g in groups if g.rows]
    if footer.size <= SMALL_FILE:
        return whole(footer.size if filled else 0)
    once = _FOOTER_READ + (footer.length if footer.length > _FOOTER_READ else 0)
    indexed = any(c.indexed for g in footer.groups for c in g.chunks)
    planned = most = 0
    for begin, end in _splits(footer.size):
        chosen = [[c for c in g.chunks if c.leaf in leaves] for g in filled if begin <= g.start < end]
        if not chosen:
            continue
        plan = once + sum(_merged([c for chunks in chosen for c in chunks]))
        planned += plan
        most += max(plan, once + _most_merged(chosen, indexed or may_drop)) if may_skip else plan
    if may_skip and planned:
        most += _looked_up(footer, filled, leaves, looked_at, indexed)
    return Reading(planned, most)


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


def _merged(chunks: Sequence[Chunk]) -> list[int]:
    """The lengths of the ranges that are fetched for these chunks together."""
    lengths = [c.length for c in chunks if c.length > _BUFFER]
    begin, end = -1, -1
    for start, stop in sorted((c.start, c.start + c.length) for c in chunks if c.length <= _BUFFER):
        if begin >= 0 and _joins(begin, end, start, stop):
            end = max(end, stop)
            continue
        if begin >= 0:
            lengths.append(end - begin)
        begin, end = start, stop
    return [*lengths, end - begin] if begin >= 0 else lengths


def _joins(begin: int, end: int, start: int, stop: int) -> bool:
    return max(stop, end) - begin <= _BUFFER and end + _MERGE_DISTANCE >= start


def _most_merged(groups: Sequence[Sequence[Chunk]], parts: bool) -> int:
    """The most that is fetched for any of these row groups; with `parts`, for any chunks or pages of them.

    Leaving a row group out moves the borders of the ranges, and can so bridge a gap that was not bridged before. The
    most is found row group by row group, keeping for each open range the most that was fetched before it.
    """
    if parts:
        return _loosely_merged([c for group in groups for c in group])
    large = sum(c.length for group in groups for c in group if c.length > _BUFFER)
    states = {(-1, -1): 0}
    for group in groups:
        ranges = sorted((c.start, c.start + c.length) for c in group if c.length <= _BUFFER)
        for (first, last), before in list(states.items()):
            begin, end, done = first, last, before
            for start, stop in ranges:
                if begin >= 0 and _joins(begin, end, start, stop):
                    end = max(end, stop)
                    continue
                done += end - begin if begin >= 0 else 0
                begin, end = start, stop
            states[begin, end] = max(states.get((begin, end), 0), done)
        if len(states) > _MOST_STATES:
            return _loosely_merged([c for group in groups for c in group])
    return large + max(done + (end - begin if begin >= 0 else 0) for (begin, end), done in states.items())


def _loosely_merged(chunks: Sequence[Chunk]) -> int:
    """No less than what is fetched for any part of these chunks: all of them, and every gap that may be bridged."""
    total = end = 0
    for chunk in sorted(chunks, key=lambda c: c.start):
        gap = chunk.start - end
        total += chunk.length + (gap if end and 0 < gap <= _MERGE_DISTANCE else 0)
        end = max(end, chunk.start + chunk.length)
    return total


def _looked_up(
    footer: Footer, groups: Sequence[RowGroup], leaves: Collection[str], looked_at: Collection[str], indexed: bool
) -> int:
    """At most this is read besides, to find out whether row groups and pages can be left out."""
    chunks = [c for g in groups for c in g.chunks if c.leaf in leaves and c.leaf in looked_at]
    found = sum(c.dictionary for c in chunks) + sum(c.bloom + _BLOOM_HEADER for c in chunks if c.bloom)
    if indexed and chunks:  # page indexes lie between the data and the footer
        data = max(c.start + c.length for g in footer.groups for c in g.chunks)
        found += max(0, footer.size - footer.length - data)
    return found
