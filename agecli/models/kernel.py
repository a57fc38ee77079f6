"""Scoring with the compiled walk over trees, `_forest.c`: the same bits as XGBoost, several times faster.

XGBoost stays the oracle. A forest is taken over only when the extension was built (it is left out where there is no
C compiler) and the kernel gives XGBoost's own bits on probing rows around the forest's thresholds; in every other
case `compiled` gives None and XGBoost scores.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from agecli.models import forest, wide
from agecli.models.wide import Wide

try:
    from agecli.models import _forest
except ImportError:  # no compiler where it was installed
    _forest = None  # type: ignore[assignment]

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]
Indices = npt.NDArray[np.uint32]

_NODE = np.dtype([("left", "<u4"), ("set", "<u4"), ("column", "<u2"), ("rank", "<u2"), ("leaf", "<f4")])
_NEVER = 0xFFFF  # a rank that no row's is above
_MOST_RANKS = 0xFFF0
_MOST_FEATURES = 0x7FFF
_PROBES = 96


@dataclass(frozen=True)
class Walk:
    """A forest as `add` of `_forest.c` wants it: arrays of fixed width, each index inside them."""

    nodes: npt.NDArray[Any]
    sets: Indices
    roots: Indices
    depths: Indices
    plain: Indices

    def add(self, kernel: Kernel, rows: Matrix, told: Matrix) -> None:
        """Adds what the trees say of rows (rows, features) to sums (rows, outputs)."""
        _forest.add(
            self.nodes, self.sets, self.roots, self.depths, self.plain, len(kernel.base),
            kernel.thresholds, kernel.starts, kernel.codes, np.ascontiguousarray(rows), told,
        )  # fmt: skip


@dataclass(frozen=True)
class Kernel:
    """A forest ready to score: the way through its trees, and the thresholds and categories that they ask for."""

    way: Walk | Wide
    thresholds: Matrix
    starts: Indices
    codes: Indices
    base: Matrix
    probability: bool

    def predict(self, rows: Matrix) -> Matrix:
        """What the forest says of every row of an encoded matrix (rows, features), float32.

        Numbers or probabilities of the second class, (rows,); probabilities of several classes, (rows, classes).
        """
        rows = np.asarray(rows, np.float32)
        if rows.ndim != 2 or rows.shape[1] != len(self.codes):
            raise ValueError(f"{rows.shape} is no matrix of {len(self.codes)} features")
        outputs = len(self.base)
        told = np.tile(self.base, (len(rows), 1))
        if len(rows):
            if isinstance(self.way, Walk):
                self.way.add(self, rows, told)
            else:
                _forest.add_wide(*self.way.arrays, self.way.places, self.way.slots, outputs, rows, told)
            if self.probability:
                _forest.probabilities(told, outputs)
        return told if outputs > 1 else told[:, 0]


def available() -> bool:
    """Whether the compiled part is there and not switched off by AGECLI_KERNEL=xgboost."""
    return _forest is not None and os.environ.get("AGECLI_KERNEL", "") != "xgboost"


def _wide() -> bool:
    """Whether the machine can ask nodes about many rows at once; AGECLI_KERNEL=walk does without."""
    return _forest.wide() and os.environ.get("AGECLI_KERNEL", "") != "walk"


def compiled(data: bytes, booster: Any) -> Kernel | None:
    """The kernel for a checked UBJ file and the booster that XGBoost made of it; None where XGBoost must score."""
    if not available():
        return None
    kernel = _build(forest.read(data)["learner"])
    return kernel if kernel is not None and _agrees(kernel, booster) else None


def interpolate(x: Vector, y: Vector, limits: Vector, values: Vector) -> Vector | None:
    """The line through two points (x, y) or more, of growing x, at each value, held within `limits`; None where the
    compiled part is not at hand."""
    if not available():
        return None
    told = np.empty(len(values))
    _forest.interpolate(x, y, limits, np.ascontiguousarray(values, np.float64), told)
    return told


def pick(column: pa.Array, words: Matrix | None, rows: npt.NDArray[np.int64], out: Matrix) -> bool:
    """Puts into `out` (rows,) the values at `rows` of a float32 column, NaN for what is missing or infinite; with
    `words`, of a column of indices (int32) into them. False where the compiled part is not at hand."""
    valid, data = column.buffers()
    if data is None or not available():
        return False
    _forest.pick(valid, data, words, column.offset, rows, out)
    return True


def _build(learner: Mapping[str, Any]) -> Kernel | None:
    trees = [Tree.of(tree) for tree in learner["gradient_booster"]["model"]["trees"]]
    features = int(learner["learner_model_param"]["num_feature"])
    if not trees or not 0 < features <= _MOST_FEATURES:
        return None
    thresholds, codes = _thresholds(trees, features), _codes(trees, features)
    mixed = any(len(found) and count for found, count in zip(thresholds, codes, strict=True))
    longest = max(max((len(found) for found in thresholds), default=0), int(codes.max(initial=0)))
    if mixed or longest > _MOST_RANKS:
        return None
    program = wide.build(trees, thresholds, codes) if _wide() else None
    return Kernel(
        way=_walk(trees, thresholds, codes, longest) if program is None else program,
        thresholds=np.concatenate([*thresholds, np.empty(0, np.float32)]).astype(np.float32),
        starts=np.cumsum([0, *map(len, thresholds)]).astype(np.uint32),
        codes=codes,
        base=_base(learner),
        probability=learner["objective"]["name"] != "reg:squarederror",
    )


def _walk(trees: list[Tree], thresholds: list[Matrix], codes: Indices, longest: int) -> Walk:
    sets = _Sets(longest + 2)
    return Walk(
        nodes=np.concatenate([_nodes(tree, thresholds, codes, sets) for tree in trees]),
        sets=np.concatenate(sets.words),
        roots=np.cumsum([0, *(len(tree.left) for tree in trees[:-1])]).astype(np.uint32),
        depths=np.array([tree.depth() for tree in trees], np.uint32),
        plain=np.array([not tree.sets for tree in trees], np.uint32),
    )


def _base(learner: Mapping[str, Any]) -> Matrix:
    """What every sum begins with, per output; the file has it as a probability for the logistic objective."""
    param = learner["learner_model_param"]
    told = np.array([float(part) for part in param["base_score"].strip("[]").split(",")], np.float32)
    if learner["objective"]["name"] == "binary:logistic":
        told = -np.log(np.float32(1) / told - np.float32(1))
    return np.resize(told, max(1, int(param["num_class"]))).astype(np.float32)


@dataclass(frozen=True)
class Tree:
    """A tree of the file, columns by node; `sets` has the categories that lead right, by node."""

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    feature: npt.NDArray[np.int64]
    default_left: npt.NDArray[np.bool_]
    condition: Matrix
    sets: Mapping[int, npt.NDArray[np.int64]]

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Tree:
        def whole(name: str) -> npt.NDArray[np.int64]:
            return np.asarray(tree[name]).astype(np.int64)

        nodes, begin, size = (whole(f"categories_{part}") for part in ("nodes", "segments", "sizes"))
        codes = whole("categories")
        return cls(
            left=whole("left_children"),
            right=whole("right_children"),
            feature=whole("split_indices"),
            default_left=whole("default_left").astype(bool),
            condition=np.asarray(tree["split_conditions"]).astype(np.float32),
            sets={int(n): codes[b : b + s] for n, b, s in zip(nodes, begin, size, strict=True)},
        )

    def by_number(self) -> npt.NDArray[np.int64]:
        """The inner nodes that hold a number against a threshold."""
        inner = self.left >= 0
        inner[list(self.sets)] = False
        found: npt.NDArray[np.int64] = np.flatnonzero(inner)
        return found

    def depth(self) -> int:
        """Steps from the root to the deepest leaf; children come after their parents in the file."""
        depths = np.zeros(len(self.left), np.int64)
        for node in np.flatnonzero(self.left >= 0):
            depths[self.left[node]] = depths[self.right[node]] = depths[node] + 1
        return int(depths.max())


class _Sets:
    """Sets of ranks as bits, one behind the other; at the beginning a run of zeros for splits by number."""

    def __init__(self, ranks: int) -> None:
        self.words: list[Indices] = [np.zeros(ranks // 32 + 1, np.uint32)]
        self.used = len(self.words[0])

    def add(self, ranks: npt.NDArray[np.int64], size: int) -> int:
        bits = np.zeros((size // 32 + 1) * 32, np.uint8)
        bits[ranks] = 1
        words = np.packbits(bits, bitorder="little").view("<u4").astype(np.uint32)
        self.words.append(words)
        self.used += len(words)
        return self.used - len(words)


def _thresholds(trees: list[Tree], features: int) -> list[Matrix]:
    """Per feature, ascending, what its splits by number compare with."""
    asked = [tree.by_number() for tree in trees]
    feature = np.concatenate([tree.feature[nodes] for tree, nodes in zip(trees, asked, strict=True)])
    condition = np.concatenate([tree.condition[nodes] for tree, nodes in zip(trees, asked, strict=True)])
    order = np.argsort(feature, kind="stable")
    parts = np.split(condition[order], np.searchsorted(feature[order], np.arange(1, features)))
    return [np.unique(part) for part in parts]


def _codes(trees: list[Tree], features: int) -> Indices:
    """Per feature, one more than the highest category in any of its sets; 0 where it is a number."""
    told = np.zeros(features, np.uint32)
    for tree in trees:
        for node, codes in tree.sets.items():
            feature = tree.feature[node]
            told[feature] = max(int(told[feature]), int(codes.max(initial=0)) + 1)
    return told


def _nodes(tree: Tree, thresholds: list[Matrix], codes: Indices, sets: _Sets) -> npt.NDArray[Any]:
    """The nodes in breadth-first order, siblings side by side, each leaf leading to itself."""
    order, place = [0], {0: 0}
    for node in order:
        if tree.left[node] >= 0:
            for child in (int(tree.left[node]), int(tree.right[node])):
                place[child] = len(order)
                order.append(child)
    made = np.zeros(len(order), _NODE)
    for at, node in enumerate(order):
        if tree.left[node] < 0:
            made[at] = (at, 0, 0, _NEVER, tree.condition[node])
            continue
        feature = int(tree.feature[node])
        column = 2 * feature + (not tree.default_left[node])
        if node in tree.sets:
            missing = int(codes[feature]) + 1
            begin = sets.add(np.append(tree.sets[node], missing), missing)
            made[at] = (place[int(tree.left[node])], begin, column, _NEVER, 0)
        else:
            rank = int(np.searchsorted(thresholds[feature], tree.condition[node]))
            made[at] = (place[int(tree.left[node])], 0, column, rank, 0)
    return made


def _agrees(kernel: Kernel, booster: Any) -> bool:
    """Whether the kernel gives XGBoost's bits for rows on, just below and above thresholds, and for missing values."""
    draw = np.random.default_rng(0)
    rows = np.empty((_PROBES, len(kernel.codes)), np.float32)
    for feature, codes in enumerate(kernel.codes):
        known = kernel.thresholds[kernel.starts[feature] : kernel.starts[feature + 1]]
        if codes:
            column = draw.integers(0, int(codes) + 2, _PROBES).astype(np.float32)
        elif len(known):
            column = draw.choice(known, _PROBES)
            column = np.nextafter(column, draw.choice(np.array([-np.inf, np.inf], np.float32), _PROBES))
            column = np.where(draw.random(_PROBES) < 0.3, draw.choice(known, _PROBES), column)
        else:
            column = np.zeros(_PROBES, np.float32)
        rows[:, feature] = np.where(draw.random(_PROBES) < 0.1, np.nan, column)
    told = np.ascontiguousarray(booster.inplace_predict(rows, missing=np.nan), np.float32)
    return np.array_equal(np.ascontiguousarray(kernel.predict(rows)).view(np.uint32), told.view(np.uint32))
