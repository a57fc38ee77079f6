"""The recipes' own SQL on a real Trino and on the embedded engine, over the same rows, cell by cell.

Where a Trino runs already, AGECLI_TRINO_URL names it and AGECLI_TRINO_FOLDER the folder behind its Hive catalog. With
AGECLI_TRINO=1 the test starts one itself (see trino_server): the first time that fetches some 400 MB, so it is not done
unasked.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import trino_server
from cells import arrow_type_agrees, from_arrow, from_trino, same
from trino_client import Answer, Trino

from agecli import config, synth
from agecli import recipe as recipes
from agecli.engines import Engine, open_engine
from agecli.engines.base import Table
from agecli.pipeline import aggregation, features, source, staging
from agecli.pipeline.frozen import FrozenRun
from agecli.workspace import Workspace

PROFILES = int(os.environ.get("AGECLI_TRINO_ROWS", "20000"))
HERE = Path(__file__).parent
ROOT = HERE.parents[1]

pytestmark = pytest.mark.xdist_group("trino")


@dataclass(frozen=True)
class Referee:
    """A Trino, and the folder whose files it sees as local:///."""

    url: str
    folder: Path

    def table(self, schema: Trino, name: str, files: pa.Table) -> None:
        """Lays an Arrow table down as Parquet and declares it to Trino, columns in lower case."""
        place = self.folder / f"{schema.schema}_{name}"
        place.mkdir()
        pq.write_table(files.rename_columns([column.lower() for column in files.column_names]), place / "part.parquet")
        columns = ", ".join(f'"{field.name.lower()}" {_hive_type(field.type)}' for field in files.schema)
        where = f"external_location = 'local:///{place.name}', format = 'PARQUET'"
        schema.ask(f"CREATE TABLE {name} ({columns}) WITH ({where})")


def _hive_type(kind: pa.DataType) -> str:
    names = {pa.string(): "varchar", pa.bool_(): "boolean", pa.int32(): "integer", pa.int64(): "bigint"}
    return {**names, pa.float32(): "real", pa.float64(): "double"}[kind]


@pytest.fixture(scope="module")
def referee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Referee]:
    if url := os.environ.get("AGECLI_TRINO_URL"):
        if "AGECLI_TRINO_FOLDER" not in os.environ:
            pytest.skip("AGECLI_TRINO_URL is set, AGECLI_TRINO_FOLDER (the folder behind its Hive catalog) is not")
        yield Referee(url, Path(os.environ["AGECLI_TRINO_FOLDER"]))
    elif os.environ.get("AGECLI_TRINO") == "1":
        folder = tmp_path_factory.mktemp("trino")
        try:
            with trino_server.running(folder) as url:
                yield Referee(url, folder)
        except trino_server.CannotStart as reason:
            pytest.skip(f"Trino cannot start here: {reason}")
    else:
        pytest.skip("needs a Trino: AGECLI_TRINO=1 starts one (JDK 24+, Maven, 400 MB of jars), or AGECLI_TRINO_URL")


@pytest.fixture
def schema(referee: Referee) -> Iterator[Trino]:
    """A schema of its own, taken away again with its files."""
    name = f"agecli_{uuid.uuid4().hex[:12]}"
    Trino(referee.url).ask(f"CREATE SCHEMA {name}")
    yield Trino(referee.url, name)
    Trino(referee.url).ask(f"DROP SCHEMA {name} CASCADE")
    for left in referee.folder.glob(f"{name}*"):
        shutil.rmtree(left, ignore_errors=True)


@pytest.fixture(scope="module")
def source_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where the rows of a recipe are: generated, or real files that are not part of the project."""

    def find(name: str) -> Path:
        if name == "profiles":
            folder = tmp_path_factory.mktemp("profiles")
            synth.generate(PROFILES, 7, folder)
            return folder
        data = Path(os.environ.get("AGECLI_TEST_DATA", ROOT.parent / "shared" / "data")) / name
        if not data.exists():
            pytest.skip(f"no {data}; AGECLI_TEST_DATA names the folder of the real data")
        return data

    return find


def frozen(name: str, path: Path, root: Path) -> FrozenRun:
    recipe = recipes.load(recipes.locate(name))
    settings = config.resolve(root, {}, {}).deciding()
    return FrozenRun("run", Workspace(root, name, "2024Q3"), recipe, settings, source.find(recipe, path), 1, 1 << 30)


def rows_of(engine: Engine, sql: str, tables: Mapping[str, Table]) -> pa.Table:
    return pa.Table.from_batches(engine.read(sql, tables))


def differences(ours: pa.Table, theirs: Answer) -> list[tuple[Any, str, Any, Any]]:
    """Cells that differ: (id, column, ours, theirs). Both sides are put in the order of their ids first."""
    assert tuple(ours.column_names) == theirs.names
    for name, kind, field in zip(theirs.names, theirs.types, ours.schema, strict=True):
        assert arrow_type_agrees(field.type, kind), f"{name} is {field.type}, on Trino {kind}"
    columns = [from_arrow(column) for column in ours.columns]
    mine = sorted(zip(*columns, strict=True), key=lambda row: str(row[0]))
    yours = sorted(theirs.rows, key=lambda row: str(row[0]))
    assert len(mine) == len(yours)
    return [
        (theirs_row[0], name, our_cell, their_cell)
        for our_row, theirs_row in zip(mine, yours, strict=True)
        for name, our_cell, their_cell in zip(theirs.names, our_row, theirs_row, strict=True)
        if not same(our_cell, their_cell)
    ]


@pytest.mark.parametrize("name", ["profiles", "legislators", "titanic"])
def test_every_cell_of_a_recipe_is_the_same_on_trino(
    name: str,
    referee: Referee,
    schema: Trino,
    source_of: Callable[[str], Path],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    engine = open_engine("duckdb")
    run = frozen(name, source_of(name), tmp_path)
    tables = {"source": run.source.table}
    referee.table(schema, "source", rows_of(engine, "SELECT * FROM source", tables))

    staging_sql = staging.staging_sql(run, engine)
    (tmp_path / "staging").mkdir()
    written = engine.create(staging_sql, tables, tmp_path / "staging")
    tables["staging"] = Table(tuple(str(tmp_path / "staging" / file) for file in written.files))
    ours = rows_of(engine, "SELECT * FROM staging", tables)
    schema.ask(f"CREATE TABLE staging AS {staging_sql}")
    theirs = schema.ask("SELECT * FROM staging")
    assert differences(ours, theirs)[:10] == []
    cells = len(theirs.rows) * len(theirs.names)

    features_sql = features.features_sql(run, engine, tables)
    theirs = schema.ask(features_sql)
    assert differences(rows_of(engine, features_sql, tables), theirs)[:10] == []
    cells += len(theirs.rows) * len(theirs.names)
    record_property("conformance", f"recipe {name} on Trino: {cells:,} cells over {len(theirs.rows):,} rows agree")


@pytest.mark.parametrize("name", ["profiles", "titanic"])
def test_the_shared_results_sql_is_the_same_on_trino(
    name: str, referee: Referee, schema: Trino, source_of: Callable[[str], Path], tmp_path: Path
) -> None:
    engine = open_engine("duckdb")
    run = frozen(name, source_of(name), tmp_path)
    kind = pa.float64() if run.recipe.task == "regression" else pa.string()
    scored = _scored(kind, lambda x: x if kind == pa.float64() else str(x))
    tables = {}
    for table, rows in (("predictions", scored.slice(0, 3)), ("features", scored)):
        rows = rows if table == "predictions" else rows.select(["id", "known_label", "label_source"])
        pq.write_table(rows, tmp_path / f"{table}.parquet")
        tables[table] = Table((str(tmp_path / f"{table}.parquet"),))
        referee.table(schema, table, rows)
    for some_failed in (False, True):
        sql = aggregation.results_sql(run, some_failed)
        assert differences(rows_of(engine, sql, tables), schema.ask(sql)) == []


@pytest.mark.parametrize("kind", ["text", "json"])
def test_the_golden_values_are_what_trino_says(kind: str, referee: Referee, schema: Trino) -> None:
    golden = measure.load(HERE / "golden.json")
    inputs = pa.array(golden[kind], pa.string())
    referee.table(schema, "inputs", pa.table({"i": pa.array(range(len(inputs)), pa.int32()), "v": inputs}))
    for case in [case for case in golden["cases"] if case["kind"] == kind]:
        given = [i for i, value in enumerate(case["values"]) if not (isinstance(value, dict) and "error" in value)]
        where = f"i IN ({', '.join(map(str, given))})"
        answer = schema.ask(f"SELECT {case['expression']} FROM inputs WHERE {where} ORDER BY i")
        expected = [from_trino(case["values"][i], answer.types[0]) for i in given]
        assert same([cell for (cell,) in answer.rows], expected), case["expression"]


def _scored(kind: pa.DataType, label: Callable[[float], Any]) -> pa.Table:
    """A known row, a predicted one, an unscored one, and one whose batch failed."""
    return pa.table(
        {
            "id": pa.array(["known", "predicted", "unscored", "failed"]),
            "known_label": pa.array([label(41.5), None, None, None], kind),
            "label_source": pa.array(["birth_year", None, None, None], pa.string()),
            "prediction": pa.array([None, label(33.25), None, None], kind),
            "confidence": pa.array([None, 0.75, None, None], pa.float64()),
            "lower_bound": pa.array([None, 28.0, None, None], pa.float64()),
            "upper_bound": pa.array([None, 39.0, None, None], pa.float64()),
            "model": pa.array([None, "abc", None, None], pa.string()),
        }
    )
