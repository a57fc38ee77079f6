"""Finds columns that give the label away.

A column that follows from the label (a copy, a rounded copy, a bucket of it, something filled in afterwards) makes
a model look perfect on known rows and useless on those it is for. Each feature is tried alone, on labelled rows,
with care for chance: nothing is said below 30 rows, and a class or bucket counts only with 10 rows or more.

Number as label
  * alone it explains 97 % of the variance of the label's ranks, out of fold (a tree of one variable, or the means of
    categories). Ranks, so that a copy in other units or on a logarithmic scale is found, and outliers count little;
  * or it cuts the label's range into pieces that do not overlap: a bucket, a flag at a threshold, a rounded copy.

Class as label
  * alone it names 99 % of the classes out of fold, and 95 % of what the most frequent class leaves open. A column
    that tells women from men, and so survivors from the dead in four of five cases, stays far below;
  * or it has two values, and one of them marks a class of three or more: nearly all of its rows, and nearly no others,
    20 or more of them. So found are the columns is_basic, is_plus, is_pro of somebody who was to predict the plan;
  * or it is filled for one class alone: of 20 rows or more where it is filled (or missing) 98 % have one class,
    and the share of the other classes there is under a twentieth of their share everywhere. So found are the
    lifeboat of the rescued and the reason of a refusal.

Either
  * it is filled only where the label is known: of the rows without a label at most a twentieth as many have it as
    the labelled ones lead one to expect, where that is 10 or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

_LEAST_ROWS = 30
_MOST_ROWS = 20_000
_FOLDS = 3
_EXPLAINED = 0.97
_NAMED = 0.99
_SUPPORT = 10

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Tried:
    """A feature as numbers: categories are codes from 0, NULL is NaN. `presence` says that 1 means filled."""

    values: Floats
    categorical: bool
    presence: bool = False

    @property
    def filled(self) -> Flags:
        return self.values == 1 if self.presence else ~np.isnan(self.values)


def find(features: Mapping[str, Tried], label: Floats, classes: bool) -> dict[str, str]:
    """The features that give the label away, each with the reason, in words.

    `label` has NaN where it is not known; with `classes` it holds codes from 0.
    """
    known = ~np.isnan(label)
    found = {}
    for name, feature in features.items():
        why = _only_where_known(feature.filled, known)
        if not why:
            rows = np.flatnonzero(known)[:_MOST_ROWS]
            part = Tried(feature.values[rows], feature.categorical, feature.presence)
            why = _of_class(part, label[rows].astype(np.int64)) if classes else _of_number(part, label[rows])
        if why:
            found[name] = why
    return found


def _only_where_known(filled: Flags, known: Flags) -> str:
    unknown = ~known
    if known.sum() < _LEAST_ROWS or unknown.sum() < _SUPPORT:
        return ""
    expected = filled[known].mean() * unknown.sum()
    if expected >= _SUPPORT and filled[unknown].sum() <= expected / 20:
        return "it is filled only where the label is known"
    return ""


def _of_number(feature: Tried, label: Floats) -> str:
    there = ~np.isnan(feature.values)
    values, label = feature.values[there], label[there]
    if len(label) < _LEAST_ROWS or len(np.unique(values)) < 2 or len(np.unique(label)) < 3:
        return ""
    ranks = _ranks(label)
    share = _explained(values, ranks, feature.categorical)
    if not feature.categorical:
        share = max(share, float(np.corrcoef(_ranks(values), ranks)[0, 1]) ** 2)
    if share >= _EXPLAINED:
        return f"alone it explains {_percent(share)} of the label"
    if _cuts(values, label):
        return "it cuts the label into ranges that do not overlap"
    return ""


def _of_class(feature: Tried, label: Ints) -> str:
    if len(label) < _LEAST_ROWS:
        return ""
    why = _filled_for_one(feature.filled, label)
    there = ~np.isnan(feature.values)
    values, label = feature.values[there], label[there]
    counts = np.bincount(label) if len(label) else np.zeros(1, np.int64)
    if why or (counts >= _SUPPORT).sum() < 2 or len(label) < 2 * _LEAST_ROWS:
        return why
    named = _named(values, label, feature.categorical)
    base = counts.max() / len(label)
    if named >= _NAMED and (1 - named) <= 0.05 * (1 - base):
        return f"alone it names the class of {_percent(named)} of the rows"
    if _marks_one(values, label, counts):
        return "it marks one class: nearly all of its rows, and no others"
    return ""


def _marks_one(values: Floats, label: Ints, counts: Ints) -> bool:
    """Whether one of the feature's two values stands where one class is, and nowhere else."""
    both = np.unique(values)
    if len(both) != 2:
        return False
    for value in both:
        inside = np.bincount(label[values == value], minlength=len(counts))
        most = int(inside.argmax())
        if inside[most] >= 2 * _SUPPORT and inside[most] >= _NAMED * max(inside.sum(), counts[most]):
            return True
    return False


def _filled_for_one(filled: Flags, label: Ints) -> str:
    overall = np.bincount(label) / len(label)
    for there, word in ((filled, "filled"), (~filled, "missing")):
        count = int(there.sum())
        if not 2 * _SUPPORT <= count <= len(label) - 2 * _SUPPORT:
            continue
        counts = np.bincount(label[there], minlength=len(overall))
        most = int(counts.argmax())
        others = 1 - counts[most] / count
        # at the overall rate at least 5 rows of the other classes were to be expected
        expected = (1 - overall[most]) * count
        if others <= 0.02 and others <= 0.05 * (1 - overall[most]) and expected >= 5:
            return f"it is {word} for one class alone"
    return ""


def _folds(rows: int) -> Ints:
    return np.random.default_rng(42).integers(0, _FOLDS, rows)


def _explained(values: Floats, label: Floats, categorical: bool) -> float:
    """The share of the variance that the feature alone explains on rows not used for fitting."""
    values = values if categorical else _ranks(values)  # trees take float32, where 1e300 is no number
    fold, predicted = _folds(len(label)), np.empty(len(label))
    for k in range(_FOLDS):
        fit, rest = fold != k, fold == k
        if not rest.any() or not fit.any():
            return 0.0
        if categorical:
            predicted[rest] = _means(values[fit], label[fit], values[rest])
        else:
            tree = DecisionTreeRegressor(min_samples_leaf=max(3, int(fit.sum()) // 200), random_state=0)
            predicted[rest] = tree.fit(values[fit, None], label[fit]).predict(values[rest, None])
    spread = float(((label - label.mean()) ** 2).sum())
    return 1 - float(((label - predicted) ** 2).sum()) / spread if spread > 0 else 0.0


def _means(codes: Floats, label: Floats, asked: Floats) -> Floats:
    size = int(max(codes.max(), asked.max())) + 1
    counts = np.bincount(codes.astype(np.int64), minlength=size)
    sums = np.bincount(codes.astype(np.int64), weights=label, minlength=size)
    means: Floats = np.where(counts > 0, sums / np.maximum(counts, 1), label.mean())
    return means[asked.astype(np.int64)]


def _named(values: Floats, label: Ints, categorical: bool) -> float:
    """The share of rows whose class the feature alone names, on rows not used for fitting."""
    values = values if categorical else _ranks(values)
    fold, right = _folds(len(label)), 0
    for k in range(_FOLDS):
        fit, rest = fold != k, fold == k
        if not rest.any() or not fit.any():
            return 0.0
        if categorical:
            size, classes = int(values.max()) + 1, int(label.max()) + 1
            table = np.zeros((size, classes))
            np.add.at(table, (values[fit].astype(np.int64), label[fit]), 1)
            best = table.argmax(axis=1)
            best[table.sum(axis=1) == 0] = np.bincount(label[fit]).argmax()
            guessed = best[values[rest].astype(np.int64)]
        else:
            tree = DecisionTreeClassifier(min_samples_leaf=3, max_leaf_nodes=200, random_state=0)
            guessed = tree.fit(values[fit, None], label[fit]).predict(values[rest, None])
        right += int((guessed == label[rest]).sum())
    return right / len(label)


def _cuts(values: Floats, label: Floats) -> bool:
    """Whether the groups of equal values hold ranges of the label that do not overlap.

    The rows, sorted by label, are dealt out to the groups in the order of their means; where the ranges do not
    overlap each row comes back to its own group. Equal labels in two groups speak against it.
    """
    groups, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    large = counts >= max(_SUPPORT, 0.05 * len(values))  # a dozen that are all at the top may be so in truth
    if not 2 <= len(groups) <= len(values) / _SUPPORT or large.sum() < 2:
        return False
    means = np.bincount(codes, weights=label) / counts
    place = np.argsort(np.argsort(means))
    dealt = np.repeat(np.arange(len(groups)), counts[np.argsort(means)])
    own = place[codes][np.argsort(label, kind="stable")]
    right = dealt == own
    shares = [right[own == group].mean() for group in range(len(groups)) if (own == group).sum() >= _SUPPORT]
    return bool(min(shares) >= 0.98)


def _ranks(values: Floats) -> Floats:
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: Floats = (ends - (counts - 1) / 2).astype(np.float64)
    return middle[codes]


def _percent(share: float) -> str:
    return "all" if share > 0.9995 else f"{share:.1%}"
