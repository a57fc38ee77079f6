"""Checks that bytes are a forest of sound trees, before XGBoost sees them.

XGBoost trusts its model files: a changed byte in one can make it read outside its memory or never return. So a
file is first read here, by a strict reader of the part of UBJSON that XGBoost writes (https://ubjson.org, lengths
as int64, big-endian), and refused unless every node has its children inside the tree and below it, and every
split a feature that is there. What passes can say wrong things; it cannot do harm.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_TYPES = {"i": "i1", "U": "u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_DEEPEST = 12
_MOST_CODES = 1 << 16
_NO_PARENT = 2**31 - 1
_OBJECTIVES = {"reg:squarederror", "binary:logistic", "multi:softprob"}
_PER_NODE = (
    "base_weights",
    "default_left",
    "left_children",
    "loss_changes",
    "parents",
    "right_children",
    "split_conditions",
    "split_indices",
    "split_type",
    "sum_hessian",
)
_PER_SPLIT = ("categories_nodes", "categories_segments", "categories_sizes")
Numbers = npt.NDArray[Any]


def read(data: bytes) -> dict[str, Any]:
    """The parts of a model file, unchecked; ValueError where it is not UBJSON of a learner."""
    reader = _Reader(data)
    whole = reader.value(0)
    if reader.at != len(data):
        raise ValueError("bytes are left over behind the model")
    _need(isinstance(whole, dict) and set(whole) == {"learner", "version"}, "it is no model of XGBoost")
    return dict(whole)


def check(data: bytes, features: int, classes: int) -> None:
    """Raises ValueError unless `data` is a forest over so many features and classes (0 or 2: one output)."""
    whole = read(data)
    try:
        _learner(whole["learner"], features, classes if classes > 2 else 0)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"it lacks or misplaces {error}") from None


def _learner(learner: Mapping[str, Any], features: int, classes: int) -> None:
    known = {"attributes", "feature_names", "feature_types", "gradient_booster", "learner_model_param", "objective"}
    _need(set(learner) == known, "its parts are not those of a learner")
    _need(all(isinstance(v, str) for v in learner["attributes"].values()), "its attributes are not text")
    _need(learner["objective"]["name"] in _OBJECTIVES, "its objective is none that is used here")
    _need(len(learner["feature_names"]) == 0, "it names its columns")
    types = list(learner["feature_types"])
    _need(len(types) == features and set(types) <= {"q", "c"}, "its kinds of features are others")
    param = learner["learner_model_param"]
    _need(_count(param["num_feature"]) == features, f"it is for {param['num_feature']} features, not {features}")
    _need(_count(param["num_class"]) == classes, f"it is for {param['num_class']} classes, not {classes}")
    _need(_count(param.get("num_target", "1")) == 1, "it has more than one target")
    outputs = max(1, classes)
    base = [float(part) for part in param["base_score"].strip("[]").split(",")]
    _need(len(base) in (1, outputs) and bool(np.isfinite(base).all()), "its base score is none")
    booster = learner["gradient_booster"]
    _need(set(booster) == {"model", "name"} and booster["name"] == "gbtree", "it is no forest")
    _forest(booster["model"], features, outputs)


def _forest(model: Mapping[str, Any], features: int, outputs: int) -> None:
    known = {"cats", "gbtree_model_param", "iteration_indptr", "tree_info", "trees"}
    _need(set(model) <= known, "its forest has unknown parts")
    _need(all(len(part) == 0 for part in model.get("cats", {}).values()), "it brings its own categories")
    trees, param = model["trees"], model["gbtree_model_param"]
    _need(_count(param["num_trees"]) == len(trees), "its trees are not as many as it says")
    _need(_count(param["num_parallel_tree"]) == 1, "it grows trees in parallel")
    group = _ints(model["tree_info"])
    _need(group.tolist() == [k % outputs for k in range(len(trees))], "its trees belong to no class")
    rounds = _ints(model["iteration_indptr"])
    _need(rounds.tolist() == list(range(0, len(trees) + 1, outputs)), "its rounds do not fit its trees")
    for position, tree in enumerate(trees):
        try:
            _tree(tree, features)
        except ValueError as error:
            raise ValueError(f"tree {position}: {error}") from None


def _tree(tree: Mapping[str, Any], features: int) -> None:
    known = {*_PER_NODE, *_PER_SPLIT, "categories", "id", "tree_param"}
    _need(set(tree) == known, "its parts are not those of a tree")
    param = tree["tree_param"]
    nodes = _count(param["num_nodes"])
    _need(nodes >= 1 and _count(param["num_deleted"]) == 0, "it has no nodes, or deleted ones")
    _need(_count(param["num_feature"]) == features, "it is for other features")
    _need(_count(param["size_leaf_vector"]) in (0, 1), "its leaves are vectors")
    _need(all(len(tree[name]) == nodes for name in _PER_NODE), "its nodes are not as many as it says")
    left, right, parents = (_ints(tree[name]) for name in ("left_children", "right_children", "parents"))
    inner = np.flatnonzero(left != -1)
    _need(bool(((right == -1) == (left == -1)).all()), "a node has one child only")
    below = np.concatenate([left[inner], right[inner]])
    above = np.concatenate([inner, inner])
    _need(np.array_equal(np.sort(below), np.arange(1, nodes)), "its children are not each node once")
    _need(bool((below > above).all()) and np.array_equal(parents[below], above), "its nodes lead in a circle")
    _need(parents[0] == _NO_PARENT, "its root has a parent")
    column, kind, side = (_ints(tree[name]) for name in ("split_indices", "split_type", "default_left"))
    _need(bool(((column >= 0) & (column < features)).all()), "it splits by a feature that is not there")
    _need(bool(np.isin(kind, (0, 1)).all() and np.isin(side, (0, 1)).all()), "a split is of no known kind")
    _need(bool((kind[left == -1] == 0).all()), "a leaf splits")
    for name in ("split_conditions", "base_weights", "loss_changes", "sum_hessian"):
        values = _floats(tree[name])
        _need(bool(np.isfinite(values[inner] if name == "loss_changes" else values).all()), f"{name} is not finite")
    _categories(tree, kind)


def _categories(tree: Mapping[str, Any], kind: Numbers) -> None:
    """Every split by category has its slice of the list of codes, one behind the other."""
    nodes, starts, sizes = (_ints(tree[name]) for name in _PER_SPLIT)
    codes = _ints(tree["categories"])
    _need(np.array_equal(nodes, np.flatnonzero(kind == 1)), "its splits by category are others")
    _need(len(starts) == len(sizes) == len(nodes), "its splits by category have no codes")
    _need(bool((sizes >= 0).all() and (sizes <= len(codes)).all()), "a split has more codes than there are")
    _need(np.array_equal(starts, np.cumsum(sizes) - sizes) and sizes.sum() == len(codes), "its codes overlap")
    _need(bool(((codes >= 0) & (codes < _MOST_CODES)).all()), "a code is out of range")


class _Reader:
    """Reads values of UBJSON from bytes; ValueError where they end or are of an unknown type."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if count < 0 or count > len(self.data) - self.at:
            raise ValueError("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def mark(self) -> str:
        return self.take(1).decode("latin-1")

    def length(self) -> int:
        _need(self.mark() == "L", "a length is not an int64")
        return int(struct.unpack(">q", self.take(8))[0])

    def text(self) -> str:
        return self.take(self.length()).decode("utf-8")

    def value(self, depth: int) -> Any:
        _need(depth < _DEEPEST, "it is nested too deeply")
        mark = self.mark()
        if mark == "{":
            return self._object(depth)
        if mark == "[":
            return self._array(depth)
        if mark == "S":
            return self.text()
        if mark in _TYPES:
            kind = np.dtype(_TYPES[mark])
            return np.frombuffer(self.take(kind.itemsize), kind)[0].item()
        raise ValueError(f"it holds a value of unknown type {mark!r}")

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self.data[self.at : self.at + 1] != b"}":
            name = self.text()
            _need(name not in found, f"{name[:40]!r} is there twice")
            found[name] = self.value(depth + 1)
        self.take(1)
        return found

    def _array(self, depth: int) -> Any:
        mark = self.mark()
        if mark == "$":
            kind = np.dtype(_TYPES[self._typed()])
            count = self.length()
            _need(0 <= count <= len(self.data), "an array is longer than its file")
            return np.frombuffer(self.take(count * kind.itemsize), kind)
        _need(mark == "#", "an array has no length")
        count = self.length()
        _need(0 <= count <= len(self.data), "an array is longer than its file")
        return [self.value(depth + 1) for _ in range(count)]

    def _typed(self) -> str:
        kind = self.mark()
        _need(kind in _TYPES and self.mark() == "#", "an array is of unknown type")
        return kind


def _need(truth: bool, why: str) -> None:
    if not truth:
        raise ValueError(why)


def _count(text: str) -> int:
    _need(isinstance(text, str) and re.fullmatch(r"\d{1,9}", text) is not None, f"{str(text)[:40]!r} is no count")
    return int(text)


def _ints(values: Any) -> Numbers:
    """An array of integers as int64; the file may hold them typed or one by one."""
    found = np.asarray(values if len(values) else np.empty(0, np.int64))
    _need(found.ndim == 1 and found.dtype.kind in "iu", "numbers are not whole")
    return found.astype(np.int64)


def _floats(values: Any) -> Numbers:
    found = np.asarray(values)
    _need(found.ndim == 1 and found.dtype.kind == "f", "numbers are not floating-point")
    return found.astype(np.float64)
