"""The `predict` stage: scores the rows of one batch whose label is unknown and writes all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from agecli.errors import AgecliError, DataError
from agecli.models import artifact, explain
from agecli.models.score import Model
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import BATCH_KEY, fingerprints
from agecli.pipeline.registration import check_fits
from agecli.pipeline.tables import Facts, reason_columns
from agecli.workspace import TEMPORARY, guard_writes, publish

ROWS_AT_ONCE = 16_384
_REPEATED = ["label_source", "model"]


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
    label = pa.float64() if run.recipe.task == "regression" else pa.string()
    schema = _schema(label, _id_type(run, item, prints.features), prints.reasons)
    scored = rows = 0
    temporary = target.parent / f"{TEMPORARY}{target.name}-{run.run_id}"
    with guard_writes(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with pq.ParquetWriter(
                temporary, schema, compression="zstd", use_dictionary=_REPEATED, write_statistics=False
            ) as writer:
                for batch in _read(run, item, prints.features):
                    done, count = _score(batch, model, digest, schema)
                    writer.write_batch(done)
                    rows, scored = rows + done.num_rows, scored + count
                writer.add_key_value_metadata({BATCH_KEY: f"{fingerprint}:{scored};"})
            if rows != item["rows"]:
                raise DataError(
                    f"batch {item['batch']} has {rows:,} rows", f"the plan says {item['rows']:,}", "agecli run --force"
                )
            publish(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    return {"rows": rows, "scored": scored}


def _schema(label: pa.DataType, id_type: pa.DataType, reasons: int) -> pa.Schema:
    return pa.schema(
        [
            ("id", id_type),
            ("known_label", label),
            ("label_source", pa.string()),
            ("prediction", label),
            ("confidence", pa.float64()),
            ("lower_bound", pa.float64()),
            ("upper_bound", pa.float64()),
            ("model", pa.string()),
            *((name, pa.string()) for name in reason_columns(reasons)),
        ]
    )


def _paths(run: FrozenRun, item: dict[str, Any], features: str) -> Iterator[tuple[Path, list[int]]]:
    folder = run.workspace.table("features", features)
    for piece in item["pieces"]:
        yield folder / piece["file"], piece["row_groups"]


def _id_type(run: FrozenRun, item: dict[str, Any], features: str) -> pa.DataType:
    path, _ = next(_paths(run, item, features))
    return _open(path).schema_arrow.field("id").type


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"cannot read {path}", str(error), "agecli run --from features --force") from None


def _read(run: FrozenRun, item: dict[str, Any], features: str) -> Iterator[pa.RecordBatch]:
    for path, groups in _paths(run, item, features):
        try:
            yield from _open(path).iter_batches(ROWS_AT_ONCE, row_groups=groups, use_threads=False)
        except (OSError, pa.ArrowInvalid, IndexError) as error:
            raise DataError(f"cannot read {path}", str(error), "agecli run --from features --force") from None


def _score(batch: pa.RecordBatch, model: Model, digest: str, schema: pa.Schema) -> tuple[pa.RecordBatch, int]:
    """All rows of a batch with predictions where the label is unknown, and how many those are."""
    told = ("prediction", "confidence", "lower_bound", "upper_bound")
    reasons = [name for name in schema.names if name.startswith("reason_")]
    known = batch.column("known_label")
    unknown = np.flatnonzero(known.is_null().to_numpy(zero_copy_only=False))
    columns: dict[str, pa.Array] = {name: batch.column(name) for name in ("id", "known_label", "label_source")}
    if len(unknown):
        rows = batch.select([n for n in model.spec.names if n in batch.schema.names]).take(pa.array(unknown))
        scored = model.score(rows)
        columns_told = (scored.prediction, scored.confidence, scored.lower, scored.upper)
        why = explain.reasons_of(model, rows, scored.prediction, len(reasons)) if reasons else []
        values = dict(zip((*told, *reasons), (*columns_told, *why), strict=True))
    else:
        values = dict.fromkeys((*told, *reasons))
    place = np.full(batch.num_rows, -1, np.int64)
    place[unknown] = np.arange(len(unknown))
    index = pa.array(place, mask=place < 0)
    for name, value in values.items():
        kind = schema.field(name).type
        columns[name] = pa.nulls(batch.num_rows, kind) if value is None else _placed(value, kind, unknown, index)
    columns["model"] = pa.array([digest]).take(pa.array(np.zeros(batch.num_rows, np.int64), mask=place < 0))
    arrays = [columns[field.name].cast(field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema), len(unknown)


def _placed(
    values: pa.Array | npt.NDArray[Any], kind: pa.DataType, unknown: npt.NDArray[np.int64], index: pa.Array
) -> pa.Array:
    """The values of the unknown rows at their places among all rows, NULL elsewhere."""
    if not pa.types.is_floating(kind):
        return pa.array(values).cast(kind).take(index)
    whole = np.zeros(len(index), np.float64)
    whole[unknown] = pa.array(values).to_numpy(zero_copy_only=False)
    return pa.array(whole, kind, mask=index.is_null().to_numpy(zero_copy_only=False), from_pandas=False)


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
