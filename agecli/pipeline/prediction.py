"""The `predict` stage: scores the rows of one batch whose label is unknown and writes all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from agecli.engines.base import Layout
from agecli.engines.column_chunks import Chunk, ChunkFile, carried, chunks_of, columns_of
from agecli.engines.parquet_writer import writer_of
from agecli.errors import AgecliError, DataError
from agecli.models import artifact, explain
from agecli.models.encode import Places
from agecli.models.score import Model
from agecli.models.spec import ModelSpec
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import BATCH_KEY, ROW_GROUP_ROWS, Fingerprints, fingerprints
from agecli.pipeline.registration import check_fits
from agecli.pipeline.tables import Facts, reason_columns
from agecli.workspace import TEMPORARY, guard_writes, publish

VALUES_AT_ONCE = 2_000_000  # a row group of 39 columns; fewer rows of more columns
_FLOATS = ["prediction", "confidence", "lower_bound", "upper_bound"]
_WORDS = pa.dictionary(pa.int32(), pa.string())


def predict(run: FrozenRun, item: dict[str, Any], digest: str, load: Callable[[], Model]) -> Facts:
    """Predicts one batch. `item` is a batch of the plan; `load` gives the model.

    Raises DataError when the feature table cannot be read, AgecliError when the model cannot.
    """
    prints = fingerprints(run)
    fingerprint = prints.batch(item["batch"], digest)
    target = run.workspace.batch(prints.plan, item["batch"])
    try:
        model = load()
    except DataError as error:  # not of this batch's rows: no batch can do without it
        raise AgecliError(error.what, error.why, error.fix) from error
    pieces = list(_pieces(run, item, prints, model.spec))
    schema = pieces[0].schema
    scored = rows = 0
    temporary = target.parent / f"{TEMPORARY}{target.name}-{run.run_id}"
    with guard_writes(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with writer_of(temporary, schema, _layout(schema)) as writer:
                for piece in pieces:
                    done = [_score(batch, model, piece.made) for batch in piece.rows()]
                    table = pa.Table.from_batches([batch for batch, _ in done], piece.made)
                    if isinstance(writer, ChunkFile):
                        writer.write_table(table, ready=piece.chunks())
                    else:
                        writer.write_table(table)
                    rows += sum(batch.num_rows for batch, _ in done)
                    scored += sum(count for _, count in done)
                writer.add_key_value_metadata({BATCH_KEY: f"{fingerprint}:{scored};"})
            if rows != item["rows"]:
                raise DataError(
                    f"batch {item['batch']} has {rows:,} rows", f"the plan says {item['rows']:,}", "agecli run --force"
                )
            publish(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    return {"rows": rows, "scored": scored}


def _schema(regression: bool, id_type: pa.DataType, reasons: int) -> pa.Schema:
    label = pa.float64() if regression else _WORDS
    return pa.schema(
        [
            ("id", id_type),
            ("known_label", label),
            ("label_source", _WORDS),
            ("prediction", label),
            ("confidence", pa.float64()),
            ("lower_bound", pa.float64()),
            ("upper_bound", pa.float64()),
            ("model", _WORDS),
            *((name, pa.string()) for name in reason_columns(reasons)),
        ]
    )


def _layout(schema: pa.Schema) -> Layout:
    """All but the words and the known labels hardly repeat."""
    distinct = tuple(field.name for field in schema if field.name != "known_label" and field.type != _WORDS)
    return Layout(distinct, quick=True)


@dataclass(frozen=True)
class _Piece:
    """A row group of the features that belongs to the batch, and the columns that are wanted of it.

    Those that are `carried` go into the predictions, which have this `schema`, as the bytes that they are.
    """

    path: Path
    file: pq.ParquetFile
    group: int
    columns: list[str]
    schema: pa.Schema
    carried: list[str]

    @property
    def made(self) -> pa.Schema:
        """What is left to be made of the schema."""
        return pa.schema([field for field in self.schema if field.name not in self.carried])

    def rows(self) -> Iterator[pa.RecordBatch]:
        at_once = min(ROW_GROUP_ROWS, VALUES_AT_ONCE // len(self.columns) + 1)
        count = self.file.metadata.row_group(self.group).num_rows
        try:
            found = {}
            if count <= at_once:
                found = columns_of(self.path, self.file, self.group, set(self.columns) - {"known_label"})
            rest = [name for name in self.columns if name not in found]
            for batch in self.file.iter_batches(at_once, [self.group], rest, use_threads=False):
                if found and batch.num_rows != count:
                    raise IndexError(f"row group {self.group} has other rows in some of its columns")
                columns = [found[name] if name in found else batch.column(name) for name in self.columns]
                yield pa.RecordBatch.from_arrays(columns, self.columns)
        except (OSError, ValueError, IndexError) as error:
            raise _unreadable(self.path, error) from None

    def chunks(self) -> dict[str, Chunk]:
        try:
            return chunks_of(self.path, self.file, self.group, self.carried)
        except OSError as error:
            raise _unreadable(self.path, error) from None


def _pieces(run: FrozenRun, item: dict[str, Any], prints: Fingerprints, spec: ModelSpec) -> Iterator[_Piece]:
    kept = ("id", "known_label", "label_source")
    words = [*kept[1:], *(name for name, kind in spec.features if kind == "categorical")]
    folder = run.workspace.table("features", prints.features)
    for piece in item["pieces"]:
        path = folder / piece["file"]
        try:
            file = pq.ParquetFile(path, read_dictionary=words)
        except (OSError, pa.ArrowInvalid) as error:
            raise _unreadable(path, error) from None
        names = file.schema_arrow.names
        schema = _schema(run.recipe.task == "regression", file.schema_arrow.field("id").type, prints.reasons)
        as_they_are = carried(file, schema, kept)
        wanted = {*kept, *spec.names} - set(as_they_are) | {"known_label"}
        for group in piece["row_groups"]:
            yield _Piece(path, file, group, [name for name in names if name in wanted], schema, as_they_are)


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"cannot read {path}", str(error), "agecli run --from features --force")


def _score(batch: pa.RecordBatch, model: Model, schema: pa.Schema) -> tuple[pa.RecordBatch, int]:
    """The columns of this schema for all rows of a batch, with predictions where the label is unknown, and how many
    those are."""
    blank = batch.column("known_label").is_null()
    told = blank.to_numpy(zero_copy_only=False)
    unknown = np.flatnonzero(told)
    values: dict[str, pa.Array | None] = dict.fromkeys(schema.names)
    if len(unknown):
        scored = model.score(batch, unknown)
        values |= zip(_FLOATS, (scored.prediction, scored.confidence, scored.lower, scored.upper), strict=True)
        reasons = [name for name in schema.names if name.startswith("reason_")]
        if reasons:
            rows = batch.select([n for n in model.spec.names if n in batch.schema.names]).take(pa.array(unknown))
            values |= zip(reasons, explain.reasons_of(model, rows, scored.prediction, len(reasons)), strict=True)
    columns = []
    for field in schema:
        if field.name in ("id", "known_label", "label_source"):
            columns.append(_as(batch.column(field.name), field.type))
        elif field.name == "model":
            indices = pa.array(np.zeros(batch.num_rows, np.int32), mask=~told)
            columns.append(pa.DictionaryArray.from_arrays(indices, [model.digest]))
        else:
            columns.append(_placed(values[field.name], field.type, unknown, blank))
    return pa.RecordBatch.from_arrays(columns, schema=schema), len(unknown)


def _placed(values: pa.Array | None, kind: pa.DataType, places: Places, blank: pa.Array) -> pa.Array:
    """The values at their places, NULL where `blank` is false."""
    if values is None:
        return pa.nulls(len(blank), kind)
    if pa.types.is_floating(kind):
        whole = np.zeros(len(blank), np.float64)
        whole[places] = values.to_numpy()
        return pa.Array.from_buffers(kind, len(blank), [blank.buffers()[1], pa.py_buffer(whole)])
    index = np.zeros(len(blank), np.int32)
    index[places] = np.arange(len(places))
    return _as(values.take(pa.array(index, mask=~blank.to_numpy(zero_copy_only=False))), kind)


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type.equals(kind):
        return column
    return column.cast(kind.value_type).dictionary_encode() if kind == _WORDS else column.cast(kind)


def lazily(run: FrozenRun, digest: str) -> Callable[[], Model]:
    """A loader that reads the model once, when the first batch needs it."""
    held: list[Model] = []

    def load() -> Model:
        if not held:
            model = artifact.load(run.workspace.models / digest)
            check_fits(digest[:12], model.spec.to_json(), run.recipe)
            held.append(model)
        return held[0]

    return load
