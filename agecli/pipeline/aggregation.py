"""The `aggregate` stage: one finished row per source row: the known label, else the prediction, else the default."""

from __future__ import annotations

from agecli.engines import Engine
from agecli.engines.base import Layout, Table
from agecli.engines.ids import checksum
from agecli.errors import ConfigError, DataError
from agecli.models.metrics import TIERS
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import ROW_GROUP_ROWS, fingerprints
from agecli.pipeline.publication import moments, profile, publish
from agecli.pipeline.registration import version_of
from agecli.pipeline.staging import check_rows, in_file
from agecli.pipeline.tables import Facts, Progress, engine_memory, engine_of, features_table, reason_columns
from agecli.recipe import Recipe, render
from agecli.workspace import mark_whole, new_folder

COLUMNS = ("id", "value", "source", "confidence", "lower", "upper", "model")
LAYOUT = Layout(distinct=("id", "value", "confidence", "lower", "upper"))


def aggregate(
    run: FrozenRun,
    digest: str,
    batches: int,
    failed: tuple[int, ...],
    progress: Progress,
    publish_anyway: str = "",
    again: bool = False,
) -> Facts:
    """Writes the results and makes them current. Rows of `failed` batches get the recipe's default.

    Results that stand already, refused or superseded, are not written `again`. Raises ConfigError when results.sql
    does not give the columns of the contract, DataError when rows are lost, GateRefused when they differ too much
    from the last ones and `publish_anyway` gives no reason.
    """
    workspace, fingerprint = run.workspace, fingerprints(run).results(run, digest, failed)
    facts = None if again else workspace.facts("results", fingerprint)
    if facts is None:
        _write(run, digest, batches, failed, progress)
        facts = workspace.facts("results", fingerprint) or {}
    told = {key: value for key, value in facts.items() if key not in ("fingerprint", "files")}
    told |= version_of(workspace, digest)
    published = publish(run, fingerprint, facts, publish_anyway)
    return {**told, "results": str(workspace.table("results", fingerprint)), **published}


def _write(run: FrozenRun, digest: str, batches: int, failed: tuple[int, ...], progress: Progress) -> None:
    workspace, prints = run.workspace, fingerprints(run)
    engine = engine_of(run)
    features = features_table(run)
    files = tuple(str(workspace.batch(prints.plan, n)) for n in range(batches) if n not in failed)
    tables = {"features": features, "predictions": Table(files)}
    sql = results_sql(run, bool(failed))
    with in_file("results.sql"):
        _check_columns(engine, sql, tables, reason_columns(prints.reasons))
    fingerprint = prints.results(run, digest, failed)
    about = workspace.facts("features", prints.features) or {}
    with new_folder(workspace.table("results", fingerprint)) as folder, in_file("results.sql"):
        written = engine.create(
            sql, tables, folder, ROW_GROUP_ROWS * 2, lambda done: progress(done, about["rows"]), LAYOUT
        )
        check_rows("results.sql", about["rows"], written.rows)
        table = Table(tuple(str(folder / name) for name in written.files))
        memory = engine_memory(run, run.workers)
        ids = checksum(table, ["id"], memory)  # noted when the features were made, perhaps by another engine
        if ids != about.get("ids") and ids != checksum(features, ["id"], memory):
            raise DataError(
                "results.sql changes the ids", "they differ from those of the features", "SELECT id unchanged"
            )
        facts: Facts = {
            "rows_out": written.rows,
            "rows_in": about.get("rows_in", about["rows"]),
            "plan": prints.plan,
            "feature_table": prints.features,
            "model": digest,
            "failed": list(failed),
            **_told(engine_of(run, threads=1), table, run.recipe),
        }
        mark_whole(folder, {"fingerprint": fingerprint, "rows": written.rows, "files": written.files, **facts})


def results_sql(run: FrozenRun, some_failed: bool) -> str:
    """results.sql; when batches failed, `${predictions}` also brings their rows, from the feature table."""
    recipe = run.recipe
    kind = "double" if recipe.task == "regression" else "varchar"
    default = "NULL"
    if recipe.default is not None:
        default = repr(float(recipe.default)) if recipe.task == "regression" else _text(str(recipe.default))
    columns = "id, known_label, label_source, prediction, confidence, lower_bound, upper_bound, model"
    names = reason_columns(fingerprints(run).reasons)
    reasons = "".join(f", {name}" for name in names)
    missing = (
        f"SELECT f.id, f.known_label, f.label_source, CAST(NULL AS {kind}) AS prediction,"
        " CAST(NULL AS double) AS confidence, CAST(NULL AS double) AS lower_bound,"
        " CAST(NULL AS double) AS upper_bound, CAST(NULL AS varchar) AS model"
        + "".join(f", CAST(NULL AS varchar) AS {name}" for name in names)
        + " FROM features AS f LEFT JOIN predictions AS p ON f.id = p.id WHERE p.id IS NULL"
    )
    predictions = "predictions"
    if some_failed:
        predictions = f"(SELECT {columns}{reasons} FROM predictions UNION ALL {missing}) AS predictions"
    return render(recipe.sql["results"], {"predictions": predictions, "features": "features", "as_of": run.as_of,
                                          "default": f"CAST({default} AS {kind})", "reasons": reasons})  # fmt: skip


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _check_columns(engine: Engine, sql: str, tables: dict[str, Table], reasons: list[str]) -> None:
    found = [column.name for column in engine.describe(sql, tables)]
    if not set(reasons) <= set(found):
        raise ConfigError(
            f"results.sql gives no {reasons[0]}",
            "the setting `reasons` asks for it",
            "write ${reasons} behind the last column of results.sql, or --reasons 0",
        )
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise ConfigError(
            f"results.sql gives no {', '.join(missing)}", f"it gives {', '.join(found)}", "add the columns"
        )


def _told(engine: Engine, table: Table, recipe: Recipe) -> Facts:
    """Counts of the results, and their profile. `engine` has one thread, so that sums are the same each time."""
    limits = list(TIERS.values())
    tiers = [f"count_if(confidence >= {low:.1f}e0" + (f" AND confidence < {high:.1f}e0)" if high else ")")
             for low, high in zip(limits, [None, *limits[:-1]], strict=True)]  # fmt: skip
    wanted = ["source", "count(*) AS n", *(f"{e} AS t{i}" for i, e in enumerate(tiers)), *moments(recipe)]
    sql = f"SELECT {', '.join(wanted)} FROM results GROUP BY source"
    rows = [row for batch in engine.read(sql, {"results": table}) for row in batch.to_pylist()]
    by_source = {row["source"]: row for row in rows}
    predicted = by_source.get("PREDICTED", {"n": 0})
    return {
        "known": by_source.get("KNOWN", {}).get("n", 0),
        "predicted": predicted["n"],
        "defaulted": by_source.get("DEFAULT", {}).get("n", 0),
        "tiers": {name: predicted.get(f"t{i}", 0) for i, name in enumerate(TIERS)},
        "profile": profile(engine, table, recipe, predicted["n"], predicted),
    }
