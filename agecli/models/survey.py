"""The first look at the labelled rows: one streaming pass that finds out what all later steps rely on.

Counts labels and checks them, gathers vocabularies and the training distribution of every feature (the
card's, against which drift is measured), and the threshold for sampling when there are more rows than
`max_train_rows`. Memory is bounded whatever the number of rows. Nothing here depends on how rows are batched.

Vocabularies and distributions look at features only, never at labels, so taking them over all labelled rows
gives no answer away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from agecli.errors import DataError
from agecli.models import parts
from agecli.models.encode import Encoder, Vocabulary, as_float32, feature_column
from agecli.models.spec import ModelSpec

Read = Callable[[], Iterator[pa.RecordBatch]]

MIN_LABELS = 20
MAX_CLASSES = 200
MAX_WORDS = 250
SAMPLE_ROWS = 20_000
_DISTINCT_LIMIT = 100_000
_LABEL_LIMIT = 1e15  # sums of squares beyond 1e38 are infinite in XGBoost
_QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_TOP_WORDS = 50


@dataclass
class Words:
    """Counts of a text column, in order of first appearance; beyond a limit of distinct words, just a count."""

    counts: dict[str, int] = field(default_factory=dict)
    uncounted: int = 0
    missing: int = 0

    def add(self, column: pa.Array) -> None:
        self.missing += column.null_count
        counted = pc.value_counts(column.drop_null())
        pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        for word, count in pairs:
            if word in self.counts or len(self.counts) < _DISTINCT_LIMIT:
                self.counts[word] = self.counts.get(word, 0) + count
            else:
                self.uncounted += count

    def ranked(self) -> list[tuple[str, int]]:
        """Most frequent first, ties by the word."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))

    def vocabulary(self) -> Vocabulary:
        """The words frequent enough to learn about, in alphabetical order."""
        rows = sum(self.counts.values()) + self.uncounted
        least = 2 if rows < 10_000 else 10
        kept = [word for word, count in self.ranked()[:MAX_WORDS] if count >= least]
        others = self.uncounted > 0 or len(kept) < len(self.counts)
        return Vocabulary(tuple(sorted(kept)), others)


class Sample:
    """At most `SAMPLE_ROWS` rows with the smallest draws: a random sample that no order of rows can change."""

    def __init__(self, columns: int) -> None:
        self.share = 1.0
        self._draws: list[npt.NDArray[np.float64]] = []
        self._rows: list[npt.NDArray[np.float32]] = [np.empty((0, columns), np.float32)]
        self._count = 0

    def add(self, draws: npt.NDArray[np.float64], rows: npt.NDArray[np.float32]) -> None:
        keep = draws < self.share
        self._draws.append(draws[keep])
        self._rows.append(rows[keep])
        self._count += int(keep.sum())
        while self._count > SAMPLE_ROWS:
            self.share /= 2
            draws, rows = np.concatenate(self._draws), np.concatenate(self._rows)
            keep = draws < self.share
            self._draws, self._rows, self._count = [draws[keep]], [rows[keep]], int(keep.sum())

    def rows(self) -> npt.NDArray[np.float32]:
        return np.concatenate(self._rows)


class Lowest:
    """The k-th smallest of a stream of draws, in memory for 2k of them at most."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._held: list[npt.NDArray[np.float64]] = []
        self._count = 0
        self._over = False

    def add(self, draws: npt.NDArray[np.float64]) -> None:
        self._held.append(draws)
        self._count += len(draws)
        self._over |= self._count > self._keep
        if self._count > 2 * self._keep:
            self._trim()

    def threshold(self) -> float:
        """Draws up to this value are the k smallest; 1.0 where there were no more than k."""
        if not self._over:
            return 1.0
        self._trim()
        return float(self._held[0].max())

    def _trim(self) -> None:
        everything = np.concatenate(self._held)
        self._held = [np.partition(everything, self._keep - 1)[: self._keep]]
        self._count = len(self._held[0])


class Survey:
    """What one pass over the labelled rows found."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.labelled = 0
        self.unlabelled = 0
        self.classes = Words()
        self.numeric = [name for name, kind in spec.features if kind == "numeric"]
        self.words = {name: Words() for name, kind in spec.features if kind == "categorical"}
        self.missing = dict.fromkeys(spec.names, 0)
        self.sample = Sample(len(self.numeric) + 1)
        self.threshold = 1.0  # rows whose sampling draw is at most this are used
        self._low, self._high = np.inf, -np.inf

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes in one batch of labelled rows."""
        hashes = parts.hash_ids(batch.column("id"))
        self.labelled += batch.num_rows
        labels = self._labels(batch)
        columns = [self._numbers(batch, name) for name in self.numeric]
        rows = np.column_stack([labels, *columns]).astype(np.float32)
        self.sample.add(parts.draw(hashes, "profile", self.spec.seed), rows)
        for name, words in self.words.items():
            words.add(feature_column(batch, name, "categorical"))
            self.missing[name] = words.missing

    def _numbers(self, batch: pa.RecordBatch, name: str) -> npt.NDArray[np.float32]:
        values = as_float32(feature_column(batch, name, "numeric"))
        self.missing[name] += int(np.isnan(values).sum())
        return values

    def _labels(self, batch: pa.RecordBatch) -> npt.NDArray[np.float64]:
        if self.spec.task == "classification":
            self.classes.add(label_column(batch, self.spec))
            return np.zeros(batch.num_rows)
        values = numeric_labels(batch, self.spec)
        if not np.isfinite(values).all() or np.abs(values).max(initial=0) > _LABEL_LIMIT:
            bad = int((~np.isfinite(values) | (np.abs(values) > _LABEL_LIMIT)).sum())
            why = f"{bad} labels are NaN, infinite or beyond {_LABEL_LIMIT:g}"
            raise DataError("the labels cannot be learned", why, "make them NULL in staging.sql")
        self._low = min(self._low, float(values.min(initial=np.inf)))
        self._high = max(self._high, float(values.max(initial=-np.inf)))
        return values

    def check(self) -> None:
        """Raises DataError when nothing can be learned from these rows."""
        what, fix = "nothing can be learned from the labels", "give more rows a label, or check staging.sql"
        if self.labelled == 0:
            raise DataError(what, "no row has a known label", fix)
        distinct = len(self.classes.counts) if self.spec.task == "classification" else self._low < self._high
        if self.spec.task == "classification" and distinct == 1:
            raise DataError(what, f"all {self.labelled} labels are {next(iter(self.classes.counts))!r}", fix)
        if self.spec.task == "regression" and not distinct:
            raise DataError(what, f"all {self.labelled} labels are {self._low:g}", fix)
        if self.labelled < MIN_LABELS:
            raise DataError(what, f"{self.labelled} rows have a known label, at least {MIN_LABELS} are needed", fix)
        if len(self.classes.counts) > MAX_CLASSES:
            why = f"the label has {len(self.classes.counts)} different values, at most {MAX_CLASSES} can be classes"
            raise DataError(what, why, "group them in staging.sql, or let the task be regression")
        if all(missing == self.labelled for missing in self.missing.values()):
            fix = "check features.sql: `agecli sql` shows what it gives"
            raise DataError(
                "nothing can be learned from the features", "every feature is NULL in all labelled rows", fix
            )

    @property
    def used(self) -> int:
        """How many labelled rows are used."""
        return min(self.labelled, self.spec.max_train_rows)

    @property
    def label_classes(self) -> tuple[str, ...]:
        """The classes in alphabetical order; empty for regression."""
        return tuple(sorted(self.classes.counts))

    def encoder(self) -> Encoder:
        """The encoding that all later steps use."""
        return Encoder(self.spec.features, {name: words.vocabulary() for name, words in self.words.items()})

    def frequent(self, most: int) -> dict[str, list[int]]:
        """The codes of the most frequent words of each categorical feature."""
        found = {}
        for name, words in self.words.items():
            code = {word: position for position, word in enumerate(words.vocabulary().words)}
            found[name] = [code[word] for word, _ in words.ranked() if word in code][:most]
        return found

    def medians(self) -> dict[str, float]:
        """Median of each numeric feature, 0 where all are missing."""
        rows = self.sample.rows()[:, 1:]
        found = {}
        for position, name in enumerate(self.numeric):
            values = rows[:, position][~np.isnan(rows[:, position])]
            found[name] = float(np.median(values)) if len(values) else 0.0
        return found

    def distribution(self) -> dict[str, dict[str, Any]]:
        """Per feature: share missing, and quantiles (from the sample) or the most frequent words."""
        described: dict[str, dict[str, Any]] = {}
        rows = self.sample.rows()[:, 1:]
        for name, kind in self.spec.features:
            share = self.missing[name] / self.labelled
            if kind == "numeric":
                described[name] = {"kind": kind, "missing": share, **_quantiles(rows[:, self.numeric.index(name)])}
            else:
                described[name] = {"kind": kind, "missing": share, **_top(self.words[name])}
        return described

    def warnings(self) -> list[str]:
        """What a person should know about the rows before trusting the model."""
        found = [f"the feature {n} is NULL in all labelled rows" for n, m in self.missing.items() if m == self.labelled]
        if self.used < self.labelled:
            found.append(f"{self.used} of {self.labelled} labelled rows are used, chosen by hash of id")
        rare = [f"{word!r} ({count})" for word, count in self.classes.ranked() if count < 10]
        if rare:
            found.append(f"classes with fewer than 10 rows cannot be learned well: {', '.join(rare[:10])}")
        return found


def survey(read: Read, spec: ModelSpec) -> Survey:
    """Reads all labelled rows once; DataError when they cannot be learned from."""
    found, lowest = Survey(spec), Lowest(spec.max_train_rows)
    for batch in labelled(read, spec):
        found.add(batch)
        lowest.add(parts.draw(parts.hash_ids(batch.column("id")), "sample", spec.seed))
    found.check()
    found.threshold = lowest.threshold()
    return found


def labelled(read: Read, spec: ModelSpec) -> Iterator[pa.RecordBatch]:
    """The batches of `read` without rows that have no label."""
    for batch in read():
        for column in ("id", "known_label"):
            if batch.schema.get_field_index(column) < 0:
                why = f"the rows to train on have no column {column}"
                raise DataError("the features break the contract", why, f"let features.sql give {column}")
        valid = batch.column("known_label").is_valid()
        chosen = batch if batch.column("known_label").null_count == 0 else batch.filter(valid)
        if chosen.num_rows:
            yield chosen


def numeric_labels(batch: pa.RecordBatch, spec: ModelSpec) -> npt.NDArray[np.float64]:
    """The labels of a regression as float64."""
    values: npt.NDArray[np.float64] = label_column(batch, spec).to_numpy(zero_copy_only=False)
    return values


def label_column(batch: pa.RecordBatch, spec: ModelSpec) -> pa.Array:
    """The labels as float64 (regression) or string (classification)."""
    wanted = pa.float64() if spec.task == "regression" else pa.string()
    try:
        return pc.cast(batch.column("known_label"), wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        why = f"known_label is {batch.schema.field('known_label').type}, which is no label for {spec.task} ({error})"
        raise DataError("the labels cannot be learned", why, "correct `task` in recipe.toml") from None


def _quantiles(values: npt.NDArray[np.float32]) -> dict[str, Any]:
    present = values[~np.isnan(values)].astype(np.float64)
    if not len(present):
        return {"quantiles": []}
    found = np.quantile(present, _QUANTILES)
    return {"quantiles": [[p, float(q)] for p, q in zip(_QUANTILES, found, strict=True)]}


def _top(words: Words) -> dict[str, Any]:
    rows = max(1, sum(words.counts.values()) + words.uncounted)
    top = words.ranked()[:_TOP_WORDS]
    return {"top": [[word, count / rows] for word, count in top], "distinct": len(words.counts)}
