"""From record batches to the float32 matrix that the trees see: the same way in training and in scoring.

Numbers: NULL, NaN and infinity become NaN, values beyond float32 become its largest. Categories: the code of
the word in the vocabulary; NULL becomes NaN; a word outside becomes the code of "other", or NaN where
training met no others. Each row is encoded by itself, whatever batch it is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from agecli.errors import DataError
from agecli.models import kernel
from agecli.models.spec import Kind
from agecli.models.trees import Matrix

Places = npt.NDArray[np.int64]

_LIMIT = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Vocabulary:
    """The words of a categorical feature, code by position; `others` says that training met words outside."""

    words: tuple[str, ...]
    others: bool

    @property
    def codes(self) -> int:
        """How many codes there are, "other" included."""
        return len(self.words) + self.others


class Encoder:
    """Encodes the features of a batch; `kinds` is XGBoost's own list of feature types."""

    def __init__(self, features: tuple[tuple[str, Kind], ...], vocabularies: Mapping[str, Vocabulary]) -> None:
        self.features = features
        self.vocabularies = {name: vocabularies[name] for name, kind in features if kind == "categorical"}
        self.kinds = ["q" if kind == "numeric" else "c" for _, kind in features]
        self._words = {name: pa.array(v.words, pa.string()) for name, v in self.vocabularies.items()}

    def encode(self, batch: pa.RecordBatch, rows: Places | None = None) -> Matrix:
        """Matrix of shape (rows, features); DataError names a column that is absent or of another type.

        Of all rows, or of those at the places `rows`: that matrix has its columns, not its rows, in one piece of
        memory each, as scoring wants them.
        """
        rows = None if rows is None else np.ascontiguousarray(rows, np.int64)
        count = batch.num_rows if rows is None else len(rows)
        shape = (count, len(self.features))
        matrix: Matrix = np.empty(shape, np.float32, "C" if rows is None else "F")
        for position, (name, kind) in enumerate(self.features):
            index = batch.schema.get_field_index(name)
            column = batch.column(index) if index >= 0 else feature_column(batch, name, kind)
            if rows is None or not self._picked(name, kind, column, rows, matrix[:, position]):
                values = self._values(batch, name, kind, column)
                matrix[:, position] = values if rows is None else values.take(rows)
        return matrix

    def _picked(self, name: str, kind: Kind, column: pa.Array, rows: Places, out: Matrix) -> bool:
        """Writes the values at `rows` in compiled code, if it is at hand and the column as the feature table has it."""
        if kind == "numeric":
            return pa.types.is_float32(column.type) and kernel.pick(column, None, rows, out)
        if not is_dictionary_of_strings(column.type):
            return False
        return kernel.pick(column.indices, self._coded(name, column.dictionary), rows, out)

    def _values(self, batch: pa.RecordBatch, name: str, kind: Kind, column: pa.Array) -> Matrix:
        if kind == "numeric":
            return _number(batch, name, column)
        if is_dictionary_of_strings(column.type):  # each word is looked up once
            codes = np.append(self._coded(name, column.dictionary), np.float32(np.nan))
            told: Matrix = codes.take(column.indices.fill_null(len(codes) - 1).to_numpy())
            return told
        return self._coded(name, feature_column(batch, name, kind))

    def _coded(self, name: str, words: pa.Array) -> Matrix:
        found = pc.index_in(words, value_set=self._words[name])
        if self.vocabularies[name].others:
            other = pa.scalar(len(self._words[name]), pa.int32())
            found = pc.if_else(pc.is_valid(words), pc.fill_null(found, other), found)
        codes: Matrix = pc.cast(found, pa.float32()).to_numpy(zero_copy_only=False)
        return codes


def is_dictionary_of_strings(kind: pa.DataType) -> bool:
    """Whether a column holds each of its words once, and an index of 32 bits per row."""
    return bool(kind.equals(pa.dictionary(pa.int32(), pa.string())))


def feature_column(batch: pa.RecordBatch, name: str, kind: Kind) -> pa.Array:
    """The column as float64 (numeric) or string (categorical)."""
    wanted = pa.float64() if kind == "numeric" else pa.string()
    index = batch.schema.get_field_index(name)
    if index < 0:
        why = f"the feature {name} is not among the columns ({', '.join(batch.schema.names)})"
        raise DataError("the rows do not fit the model", why, "let features.sql give it, or train again")
    column = batch.column(index)
    if column.type.equals(wanted):
        return column
    try:
        return pc.cast(column, wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        why = f"the feature {name} is {column.type}, not {kind} ({error})"
        raise DataError("the rows do not fit the model", why, "correct its kind in recipe.toml") from None


def _number(batch: pa.RecordBatch, name: str, column: pa.Array) -> Matrix:
    """A numeric column as float32. The feature table has it so already: then only infinity is left to be made NaN."""
    if not pa.types.is_float32(column.type):
        return as_float32(feature_column(batch, name, "numeric"))
    values: Matrix = column.to_numpy(zero_copy_only=False)
    infinite = np.isinf(values)
    return np.where(infinite, np.float32(np.nan), values) if infinite.any() else values


def as_float32(column: pa.Array) -> npt.NDArray[np.float32]:
    """float64 column to float32 with NaN for what is missing or not finite."""
    values: npt.NDArray[np.float64] = column.to_numpy(zero_copy_only=False)
    limited = np.clip(values, -_LIMIT, _LIMIT)
    limited[~np.isfinite(values)] = np.nan
    return limited.astype(np.float32)
