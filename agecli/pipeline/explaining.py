"""Why rows got their values: finds them by id in the current results and in the features these were made from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from agecli.config import Settings
from agecli.engines import Engine, open_engine
from agecli.engines.base import Table
from agecli.errors import ConfigError
from agecli.models import artifact, explain
from agecli.models.score import Model
from agecli.pipeline.tables import open_workspace, table_at
from agecli.recipe import Recipe
from agecli.workspace import Workspace

_WHOLE = ("tinyint", "smallint", "integer", "bigint")
_KEY = "the id as text"  # no feature has a name like that
_COLUMNS = ("id", "value", "source", "confidence", "lower", "upper")


@dataclass(frozen=True)
class Reason:
    """What a feature adds to the base value, and the feature's own value."""

    feature: str
    value: float | str | None
    contribution: float


@dataclass(frozen=True)
class Explanation:
    """A row of the results with its reasons, strongest first; `base` and all contributions add up to `total`.

    `total` is the prediction for a regression; for a class the log odds (three classes or more: the log weight against
    the mean of all) of the predicted one, before calibration, which `scale` says in words. Rows whose label is known
    are explained too: `prediction` is what the model says of them.
    """

    id: Any
    value: Any
    source: str
    confidence: float | None
    lower: float | None
    upper: float | None
    level: float
    prediction: float | str
    scale: str
    base: float
    total: float
    reasons: tuple[Reason, ...]
    model: str


def explain_rows(settings: Settings, ids: Sequence[str]) -> list[Explanation]:
    """The explanation of each row, in the order of `ids`.

    Raises ConfigError where there are no results, or no row with an id.
    """
    workspace, recipe = open_workspace(settings)
    facts, tables = _tables(workspace)
    engine = open_engine("duckdb")
    kind = next(column.type for column in engine.describe("SELECT id FROM results", tables))
    keys = keys_of(engine, kind, ids)
    where = where_id(kind, [key for key in keys.values() if key is not None])
    rows = {row[_KEY]: row for row in read_rows(engine, "results", _COLUMNS, kind, where, tables)}
    missing = [name for name, key in keys.items() if key not in rows]
    if missing:
        why = f"none of the {facts['rows']:,} rows in the results of {recipe.name} {workspace.period} has it"
        raise ConfigError(f"no row with id {missing[0]!r}", why, 'agecli sql "SELECT id FROM results LIMIT 10"')
    model = artifact.load(workspace.models / facts["model"])
    features = read_rows(engine, "features", ("id", *model.spec.names), kind, where, tables)
    batch = pa.RecordBatch.from_pylist(features, _schema(features, model))
    made = dict(zip((row[_KEY] for row in features), _explained(model, batch, recipe), strict=True))
    return [_joined(rows[key], made[key], model) for key in dict.fromkeys(keys.values()) if key is not None]


def _tables(workspace: Workspace) -> tuple[dict[str, Any], dict[str, Table]]:
    """The current results with their facts, and the feature table behind them."""
    fingerprint = workspace.current("results")
    facts = workspace.facts("results", fingerprint) if fingerprint else None
    if fingerprint is None or facts is None:
        raise ConfigError("nothing to explain", "there are no results yet", "agecli run --all")
    features = facts.get("feature_table") or workspace.current("features")
    if features is None or workspace.facts("features", features) is None:
        why = "the features that the results were made from are no longer there"
        raise ConfigError("nothing to explain", why, "agecli run --all --force")
    return facts, {"results": table_at(workspace, "results", fingerprint),
                   "features": table_at(workspace, "features", features)}  # fmt: skip


def keys_of(engine: Engine, kind: str, ids: Sequence[str]) -> dict[str, str | None]:
    """The ids as the engine writes them, None where one is no value of the column's type: 1.5 is 1.5E0 there."""
    if kind.startswith("varchar"):
        return {name: name for name in ids}
    if kind == "varbinary":  # as hexadecimal digits, the form in which listings show them
        return {name: name.replace(" ", "").upper() for name in ids}
    wrong = next((name for name in ids if not re.fullmatch(r"-?\d{1,19}", name)), None)
    if wrong is not None and kind in _WHOLE:
        raise ConfigError(f"no row with id {wrong!r}", "ids are whole numbers here", "--id 17")
    read = ", ".join(
        f"CAST(TRY_CAST({_quoted(name)} AS {kind}) AS varchar) AS k{place}" for place, name in enumerate(ids)
    )
    (found,) = [row for batch in engine.read(f"SELECT {read}", {}) for row in batch.to_pylist()]
    return dict(zip(ids, found.values(), strict=True))


def where_id(kind: str, keys: Sequence[str]) -> str:
    """The condition that picks the ids; with literals of the column's type where these leave files unread."""
    if not keys:
        return "FALSE"
    if kind in _WHOLE:
        return f"id IN ({', '.join(keys)})"
    texts = ", ".join(map(_quoted, keys))
    return f"id IN ({texts})" if kind.startswith("varchar") else f"{_spelled(kind)} IN ({texts})"


def _spelled(kind: str) -> str:
    """The id as text, in the one spelling by which rows are found and told apart."""
    return "to_hex(id)" if kind == "varbinary" else "CAST(id AS varchar)"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def read_rows(
    engine: Engine, table: str, columns: Sequence[str], kind: str, where: str, tables: dict[str, Table]
) -> list[dict[str, Any]]:
    """The rows picked, each with the key of its id."""
    names = ", ".join(f'"{name}"' for name in columns)
    sql = f'SELECT {names}, {_spelled(kind)} AS "{_KEY}" FROM {table} WHERE {where}'
    return [row for batch in engine.read(sql, tables) for row in batch.to_pylist()]


def _schema(rows: list[dict[str, Any]], model: Model) -> pa.Schema:
    kinds = {"numeric": pa.float64(), "categorical": pa.string()}
    columns = [(name, kinds[kind]) for name, kind in model.spec.features]
    return pa.schema([("id", pa.array([row["id"] for row in rows]).type), *columns])


def _explained(model: Model, batch: pa.RecordBatch, recipe: Recipe) -> list[dict[str, Any]]:
    """Prediction, scale, base, total and reasons of each row of a batch."""
    scored = model.score(batch).prediction
    predicted, codes = scored.to_pylist(), explain.codes_of(model, scored)
    found = explain.explain(model.point, model.encoder.encode(batch), model.encoder.kinds, codes)
    order = explain.strongest(found.features, len(model.spec.names))
    told = []
    for row, values in enumerate(batch.to_pylist()):
        names = [model.spec.names[position] for position in order[row]]
        amounts = found.features[row, order[row]].tolist()
        reasons = tuple(Reason(name, _shown(values[name]), amount) for name, amount in zip(names, amounts, strict=True))
        told.append(
            {
                "prediction": predicted[row],
                "scale": _scale(model, recipe, predicted[row]),
                "base": float(found.base[row]),
                "total": float(found.total[row]),
                "reasons": reasons,
            }
        )
    return told


def _scale(model: Model, recipe: Recipe, predicted: float | str) -> str:
    """What contributions are measured in."""
    if not model.classes:
        return recipe.unit or f"units of {recipe.label}"
    if len(model.classes) == 2:
        return f"log odds of {predicted}"
    return f"log weight of {predicted} against the mean of all classes"


def _shown(value: float | str | None) -> float | str | None:
    """A number without the digits that float32 makes up."""
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _joined(row: dict[str, Any], made: dict[str, Any], model: Model) -> Explanation:
    return Explanation(
        **{name: row[name] for name in _COLUMNS}, **made, level=model.spec.level, model=model.digest
    )  # fmt: skip
