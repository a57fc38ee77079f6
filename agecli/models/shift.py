"""Are the rows without a label like those with one? All figures come from labelled rows, the predictions do not.

A classifier two-sample test (Lopez-Paz and Oquab 2017): small trees try to tell labelled from unlabelled rows by the
features, each row judged by trees that have not seen it. Where they do no better than chance, the figures carry over
as far as the features go; no test can see a difference in what no feature tells.

The AUC is the mean over the folds, its interval DeLong's (1988). `differs` says that the lower end exceeds `LEAST_AUC`:
beyond chance, and beyond what matters. tests/benchmarks/shift.py measures both: never without a shift, and how far
figures go wrong by AUC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from agecli.models import parts, trees
from agecli.models.encode import Encoder, as_float32, feature_column
from agecli.models.spec import ModelSpec
from agecli.models.survey import Read, Words
from agecli.models.trees import Matrix, Vector

Flags = npt.NDArray[np.bool_]

MOST_ROWS: Final = 20_000
"""Rows of either kind that are compared at most; with so many the AUC is known to 0.006."""
LEAST_ROWS: Final = 50
"""Rows of either kind without which nothing is said."""
LEAST_AUC: Final = 0.6
"""The lower end of the AUC's interval from which on the rows are said to differ."""

_FOLDS = 3
_BINS = 12
_SHOWN = 10
_NAMED = 3
_PLAIN = 0.55  # a feature that tells the rows apart so well by itself is worth naming
_Z = 1.959963984540054  # 95 %
_PARAMS: Final[trees.Params] = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "max_depth": 3,
    "eta": 0.15,
    "rounds": 30,
    "early_stopping_rounds": 30,
    "lambda": 10.0,
    "max_bin": 64,
    "max_cat_to_onehot": 4,
}


@dataclass(frozen=True)
class Area:
    """An area under the ROC curve, and its variance."""

    value: float
    variance: float


class Sampled:
    """The rows with the smallest draws of a stream: a random sample that neither order nor batches can change."""

    def __init__(self, most: int) -> None:
        self.seen = 0
        self._most, self._limit = most, 1.0
        self._draws: list[Vector] = []
        self._batches: list[pa.RecordBatch] = []

    def add(self, draws: Vector, batch: pa.RecordBatch) -> None:
        """Takes in a batch with the draw of each row, in [0, 1)."""
        self.seen += len(draws)
        low = draws < self._limit
        if not low.any():
            return
        self._draws.append(draws[low])
        self._batches.append(batch if low.all() else batch.filter(pa.array(low)))
        if sum(map(len, self._draws)) > 2 * self._most:
            self._trim()

    def rows(self) -> pa.RecordBatch | None:
        """The sample in the order of its draws, None where no row was seen."""
        if not self._batches:
            return None
        self._trim()
        return self._batches[0]

    def _trim(self) -> None:
        draws = np.concatenate(self._draws)
        kept = np.argsort(draws, kind="stable")[: self._most]
        chosen = pa.Table.from_batches(self._batches).take(pa.array(kept)).combine_chunks()
        self._draws, self._batches = [draws[kept]], chosen.to_batches()
        if len(kept) == self._most:
            self._limit = float(draws[kept[-1]])


@dataclass(frozen=True)
class Compared:
    """The sampled rows side by side: encoded features, whether each row has a label, and its fold."""

    encoder: Encoder
    rows: Matrix
    labelled: Flags
    fold: npt.NDArray[np.int64]
    labels: int
    others: int


def compare(sampled: Mapping[str, Sampled], spec: ModelSpec) -> dict[str, Any]:
    """The card's part `shift`, from what `sample` gave.

    `auc` (0.5 is chance), `low` and `high` (95 %), `differs`, `rows` (seen and compared of either kind) and
    `features`, the most telling first: share of the trees' gain, AUC by itself, and how it differs in words.
    Where either kind has fewer than `LEAST_ROWS` rows, figures are None and `reason` says why.
    """
    seen = {name: some.seen for name, some in sampled.items()}
    few = [f"{count} rows have {word}" for count, word in zip(seen.values(), _WORDS, strict=True) if count < LEAST_ROWS]
    if few:
        reason = f"{' and '.join(few)}, at least {LEAST_ROWS} of either kind are compared"
        none: dict[str, Any] = dict.fromkeys(("auc", "low", "high", "differs"))
        return {**none, "features": [], "rows": {**seen, "compared": 0}, "reason": reason}
    compared = side_by_side(sampled, spec)
    scores, gains = tell_apart(compared, spec)
    area = area_over_folds(compared, scores)
    margin = _Z * float(np.sqrt(area.variance))
    low, high = max(0.0, area.value - margin), min(1.0, area.value + margin)
    return {
        "auc": area.value,
        "low": low,
        "high": high,
        "differs": low > LEAST_AUC,
        "features": _features(compared, sampled, gains),
        "rows": {**seen, "compared": len(compared.labelled)},
        "reason": None,
    }


_WORDS = ("a label", "none")


def warning(found: Mapping[str, Any]) -> str | None:
    """What a person should know when the rows differ, on one line; None where they do not, or nobody can say."""
    if not found.get("differs"):
        return None
    named = [feature for feature in found["features"] if feature["auc"] >= _PLAIN]
    named = sorted(named, key=lambda feature: -feature["auc"])[:_NAMED] or found["features"][:2]
    how = "; ".join(f"{feature['feature']} ({feature['how']})" for feature in named)
    return (
        f"the rows without a label are not like those with one (AUC {found['auc']:.2f} where 0.50 is alike),"
        f" so the figures may not carry over to them: {how}"
    )


def sample(read: Read, spec: ModelSpec) -> dict[str, Sampled]:
    """At most `MOST_ROWS` rows of either kind, by hash of id, from one pass over all rows: ids and features.

    `read()` streams batches with `id`, `known_label` and the features.
    """
    found = {"labelled": Sampled(MOST_ROWS), "unlabelled": Sampled(MOST_ROWS)}
    for batch in read():
        known = batch.column("known_label").is_valid().to_numpy(zero_copy_only=False)
        draws = parts.draw(parts.hash_ids(batch.column("id")), "profile", spec.seed)
        features = batch.select(["id", *spec.names])
        for some, rows in zip(found.values(), (known, ~known), strict=True):
            if rows.any():
                some.add(draws[rows], features if rows.all() else features.filter(pa.array(rows)))
    return found


def side_by_side(sampled: Mapping[str, Sampled], spec: ModelSpec) -> Compared:
    """The samples encoded alike: the vocabulary is that of both together, so that neither kind has more "other"."""
    batches = [batch for some in sampled.values() if (batch := some.rows()) is not None]
    words = {name: Words() for name, kind in spec.features if kind == "categorical"}
    for batch in batches:
        for name, counted in words.items():
            counted.add(feature_column(batch, name, "categorical"))
    encoder = Encoder(spec.features, {name: counted.vocabulary() for name, counted in words.items()})
    counts = [batch.num_rows for batch in batches]
    return Compared(
        encoder=encoder,
        rows=np.concatenate([encoder.encode(batch) for batch in batches]),
        labelled=np.repeat([True, False], counts),
        fold=np.concatenate([np.arange(count) % _FOLDS for count in counts]),  # the samples are in random order
        labels=sampled["labelled"].seen,
        others=sampled["unlabelled"].seen,
    )


def tell_apart(compared: Compared, spec: ModelSpec) -> tuple[Vector, Vector]:
    """Each row's probability of having no label, by trees that have not seen it, and the gain of each feature."""
    scores, gains = np.empty(len(compared.rows)), np.zeros(len(spec.features))
    for k in range(_FOLDS):
        inside = compared.fold == k
        booster = classifier(compared, ~inside, spec)
        scores[inside] = trees.predict(booster, compared.rows[inside])
        for name, gain in booster.get_score(importance_type="total_gain").items():
            gains[int(name.removeprefix("f"))] += gain
    return scores, gains / max(float(gains.sum()), 1e-12)


def classifier(compared: Compared, chosen: Flags, spec: ModelSpec) -> Any:
    """Small trees that tell rows without a label (1) from rows with one (0)."""
    rows, labels = compared.rows[chosen], (~compared.labelled[chosen]).astype(np.float64)
    leaf = max(5.0, len(rows) / 800)
    params = {**_PARAMS, "min_child_weight": leaf, "seed": spec.seed, "nthread": spec.threads}
    matrix = trees.matrix(lambda: iter([(rows, labels)]), compared.encoder.kinds, 64, spec.threads)
    return trees.fit(params, matrix)


def area_over_folds(compared: Compared, scores: Vector) -> Area:
    """Mean AUC over the folds, since scores of different trees do not compare."""
    found = []
    for k in range(_FOLDS):
        inside = compared.fold == k
        found.append(area(scores[inside], ~compared.labelled[inside]))
    value = float(np.mean([one.value for one in found]))
    return Area(value, float(np.sum([one.variance for one in found])) / _FOLDS**2)


def area(scores: Vector, positive: Flags) -> Area:
    """AUC, ties counted half, with DeLong's variance by mid-ranks (Sun and Xu 2014); two or more of either kind."""
    hits, misses = scores[positive], scores[~positive]
    everywhere = _midranks(np.concatenate([hits, misses]))
    above = (everywhere[: len(hits)] - _midranks(hits)) / len(misses)
    below = 1 - (everywhere[len(hits) :] - _midranks(misses)) / len(hits)
    variance = above.var(ddof=1) / len(hits) + below.var(ddof=1) / len(misses)
    return Area(float(above.mean()), float(variance))


def _midranks(values: Vector) -> Vector:
    """Ranks from 1; equal values share the mean of theirs."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Vector = (last - (counts - 1) / 2)[index]
    return ranks


def _features(compared: Compared, sampled: Mapping[str, Sampled], gains: Vector) -> list[dict[str, Any]]:
    """The features that the trees used, by gain, with what each tells alone."""
    rows = {name: some.rows() for name, some in sampled.items()}
    found = []
    for position in sorted(range(len(gains)), key=lambda i: -gains[i])[:_SHOWN]:
        name, kind = compared.encoder.features[position]
        if gains[position] <= 0:
            continue
        columns = [feature_column(rows[which], name, kind) for which in ("labelled", "unlabelled")]
        alone = area_over_folds(compared, _by_bin(compared, position)).value
        how = _numbers_differ(*columns) if kind == "numeric" else _words_differ(*columns)
        found.append({"feature": name, "gain": float(gains[position]), "auc": alone, "how": how})
    return found


def _by_bin(compared: Compared, position: int) -> Vector:
    """The share without a label among other folds' rows of the same bin of one feature (missing is a bin)."""
    values = compared.rows[:, position].astype(np.float64)
    present = values[~np.isnan(values)]
    if compared.encoder.kinds[position] == "q":
        edges = np.unique(np.quantile(present, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(present) else np.empty(0)
        bins = np.searchsorted(edges, values, side="right")
    else:
        bins = np.nan_to_num(values).astype(np.int64)
    bins = np.where(np.isnan(values), 0, bins + 1)
    most, overall = int(bins.max()) + 1, float((~compared.labelled).mean())
    told = np.empty(len(values))
    for k in range(_FOLDS):
        inside = compared.fold == k
        rows = np.bincount(bins[~inside], minlength=most)
        others = np.bincount(bins[~inside], ~compared.labelled[~inside], minlength=most)
        told[inside] = ((others + overall) / (rows + 1))[bins[inside]]
    return told


def _numbers_differ(labelled: pa.Array, others: pa.Array) -> str:
    """How a number differs: by its median, or by how often it is missing, whichever tells more."""
    seen = [as_float32(column) for column in (labelled, others)]  # as the models see them
    missing = [float(np.isnan(values).mean()) for values in seen]
    present = [values[~np.isnan(values)].astype(np.float64) for values in seen]
    apart = 0.0
    if all(len(values) > 1 for values in present):
        both = area(np.concatenate(present), np.repeat([False, True], [len(present[0]), len(present[1])]))
        apart = abs(both.value - 0.5)
    if abs(missing[0] - missing[1]) / 2 > apart:
        return f"missing in {missing[1]:.0%}, {missing[0]:.0%} of the labelled"
    return f"median {float(np.median(present[1])):.4g}, {float(np.median(present[0])):.4g} among the labelled"


def _words_differ(labelled: pa.Array, others: pa.Array) -> str:
    """How a category differs: the word, or its absence, whose share differs most."""
    counted = []
    for column in (labelled, others):
        words = Words()
        words.add(column)
        counted.append({word: count / len(column) for word, count in [*words.counts.items(), (None, words.missing)]})
    gap = {word: counted[1].get(word, 0.0) - counted[0].get(word, 0.0) for one in counted for word in one}
    word = max(gap, key=lambda one: (round(abs(gap[one]), 6), one is not None, gap[one] > 0, one or ""))
    shares = f"in {counted[1].get(word, 0.0):.0%}, {counted[0].get(word, 0.0):.0%} of the labelled"
    return f"missing {shares}" if word is None else f"{word!r} {shares}"
