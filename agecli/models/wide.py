"""A forest as `add_wide` of `_forest.c` wants it: what each node asks a block of rows, and how answers become leaves.

Features become columns of bytes. Of a number: the rank among the forest's thresholds, 255 of them to a column (two
where more are met); of a category: two columns for 128 codes, so that a look-up of 16 bytes tells whether a code is
in a set. A feature has columns for missing values that go left and for those that go right, if any node wants them.

Leaves are numbered from left to right. A node that has two of them below gives the number of the leaf at once; one
that has two nodes below chooses between what these gave; a leaf beside a node gives its number to all rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from agecli.models.kernel import Tree

MOST_LEAVES = 256
_RANKS = 255  # in a column of bytes
_CODES = 128

_MOST_STEPS = 40

_FEATURE = np.dtype([("start", "<u4"), ("size", "<u4"), ("step", "<u4"), ("codes", "<u4")])
_COLUMN = np.dtype([("feature", "<u2"), ("place", "<u2"), ("right", "u1"), ("page", "u1")])
_NUMBER = np.dtype([("column", "<u2"), ("slot", "<u2"), ("limit", "i1"), ("leaf", "u1")])
_CHOICE = np.dtype([("set", "<u4"), ("column", "<u2"), ("slot", "<u2"), ("pages", "<u2"), ("leaf", "<u2")])
_LONE = np.dtype([("slot", "<u2"), ("leaf", "<u2")])
_FOLD = np.dtype([("slot", "<u2"), ("left", "<u2"), ("right", "<u2")])
_TREE = np.dtype([(name, "<u2") for name in (
    "low_numbers", "numbers", "choices", "lones", "folds", "leaves",
)])  # fmt: skip

Records = npt.NDArray[Any]


@dataclass(frozen=True)
class Wide:
    """The arrays in the order of `add_wide`, then how many columns and slots it needs room for."""

    arrays: tuple[Records, ...]
    places: int
    slots: int


def build(trees: list[Tree], thresholds: list[npt.NDArray[np.float32]], codes: npt.NDArray[np.uint32]) -> Wide | None:
    """The program of a forest; None where a tree has too many leaves, or the features too many columns."""
    if any(len(tree.left) // 2 + 1 > MOST_LEAVES for tree in trees):
        return None
    program = _Program(thresholds, codes)
    for tree in trees:
        program.add(tree)
    if program.places > 0xFFFF or len(program.sets) // 16 > 0xFFFFFFFF:
        return None
    return program.done()


@dataclass
class _Program:
    thresholds: list[npt.NDArray[np.float32]]
    codes: npt.NDArray[np.uint32]
    trees: list[tuple[int, ...]] = field(default_factory=list)
    numbers: list[tuple[int, ...]] = field(default_factory=list)
    choices: list[tuple[int, ...]] = field(default_factory=list)
    lones: list[tuple[int, ...]] = field(default_factory=list)
    folds: list[tuple[int, ...]] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)
    sets: bytearray = field(default_factory=bytearray)
    columns: dict[tuple[int, bool, int], int] = field(default_factory=dict)
    places: int = 0
    slots: int = 1

    def __post_init__(self) -> None:
        self.ranks = [{value: rank for rank, value in enumerate(known.tolist())} for known in self.thresholds]

    def add(self, tree: Tree) -> None:
        """Appends a tree: leaves are numbered from left to right, slots in the order of the nodes in the file."""
        left, right = tree.left.tolist(), tree.right.tolist()
        leaf, slot = _leaves(left, right), _slots(left, right)
        low: list[tuple[int, ...]] = []
        high: list[tuple[int, ...]] = []
        before = len(self.choices), len(self.lones)
        folds = []
        asked = zip(tree.feature.tolist(), tree.condition.tolist(), tree.default_left.tolist(), strict=True)
        for node, (feature, condition, default_left) in enumerate(asked):
            if node not in slot:
                continue
            if left[node] < 0:
                self.lones.append((slot[node], leaf[node]))
                continue
            inner = left[node] in slot
            number = 0 if inner else leaf[right[node]]
            if node in tree.sets:
                column = self._choice(feature, not default_left, tree.sets[node].tolist())
                self.choices.append((*column, slot[node], self._pages(feature), number))
            else:
                page, rank = divmod(self.ranks[feature][condition], _RANKS)
                column = (self._column(feature, not default_left, page, 1), slot[node])
                (high if inner else low).append((*column, rank - 127, number))
            if inner:
                folds.append((slot[node], slot[left[node]], slot[right[node]]))
        self.numbers += low + high
        self.folds += reversed(folds)  # children come after their parents in the file
        self.leaves += tree.condition[list(leaf)].tolist()
        self.slots = max(self.slots, len(slot))
        choices, lones = len(self.choices) - before[0], len(self.lones) - before[1]
        self.trees.append((len(low), len(low) + len(high), choices, lones, len(folds), len(leaf)))

    def _pages(self, feature: int) -> int:
        """One for 128 codes: those of the sets, one for others and one for what is missing and goes right."""
        return (int(self.codes[feature]) + 1) // _CODES + 1

    def _choice(self, feature: int, right: bool, found: list[int]) -> tuple[int, int]:
        """Where the set and its columns begin. Missing values that go right have a code that is in all sets."""
        column, *_ = [self._column(feature, right, page, 2) for page in range(self._pages(feature))]
        bits = bytearray(16 * self._pages(feature))
        for code in (*found, int(self.codes[feature]) + 1):
            bits[16 * (code // _CODES) + code % 16] |= 1 << code % _CODES // 16
        self.sets += bits
        return (len(self.sets) - len(bits)) // 16, column

    def _column(self, feature: int, right: bool, page: int, width: int) -> int:
        key = (feature, bool(right), page)
        if key not in self.columns:
            self.columns[key] = self.places
            self.places += width
        return self.columns[key]

    def done(self) -> Wide:
        columns = sorted((feature, place, right, page) for (feature, right, page), place in self.columns.items())
        padded = [_padded(known) for known in self.thresholds]
        starts = np.cumsum([0, *map(len, padded)])[:-1].tolist()
        features = [
            (start, len(known), _step(len(known)), int(codes))
            for start, known, codes in zip(starts, self.thresholds, self.codes, strict=True)
        ]
        arrays = (
            np.array(self.trees, _TREE),
            np.array(self.numbers, _NUMBER),
            np.array(self.choices, _CHOICE),
            np.array(self.lones, _LONE),
            np.array(self.folds, _FOLD),
            np.array(self.leaves, np.float32),
            np.array(self.sets, np.uint8),
            np.array(columns, _COLUMN),
            np.array(features, _FEATURE),
            np.concatenate(padded).astype(np.float32),
        )
        return Wide(arrays, self.places, self.slots)


def _step(size: int) -> int:
    """How far apart the thresholds are that are held against every value, a power of two: measured, 1 up to 40."""
    step = 1 if size <= _MOST_STEPS else 8
    while step > 1 and size > 10 * step:
        step *= 2
    return step


def _padded(known: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Thresholds with NaN behind them, so that a search by halves meets only them, wherever it starts."""
    return np.append(known, np.full(_step(len(known)), np.nan, np.float32))


def _leaves(left: list[int], right: list[int]) -> dict[int, int]:
    """The numbers of the leaves from left to right, by node."""
    found: dict[int, int] = {}
    waiting = [0]
    while waiting:
        node = waiting.pop()
        if left[node] < 0:
            found[node] = len(found)
        else:
            waiting += [right[node], left[node]]
    return found


def _slots(left: list[int], right: list[int]) -> dict[int, int]:
    """A number for each node but those leaves that have a leaf beside them; the root's is 0."""
    pairs = [node for node, child in enumerate(left) if child >= 0 and max(left[child], left[right[node]]) < 0]
    leaves = {child for node in pairs for child in (left[node], right[node])}
    return {node: slot for slot, node in enumerate(n for n in range(len(left)) if n not in leaves)}
