"""The recipe `profiles` reads from generated rows exactly what the generator left legible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli import recipe as recipes
from agecli.engines import open_engine
from agecli.engines.base import Column, Table
from agecli.synth.chunk import Chunk, chunk
from agecli.synth.words import EDUCATION_LEVELS

ROWS = 8_000
AS_OF = "DATE '2026-09-30'"


@pytest.fixture(scope="module")
def made() -> Chunk:
    return chunk(seed=21, number=0, rows=ROWS)


@pytest.fixture(scope="module")
def recipe() -> recipes.Recipe:
    return recipes.load(recipes.locate("profiles"))


@pytest.fixture(scope="module")
def staging(made: Chunk, recipe: recipes.Recipe, tmp_path_factory: pytest.TempPathFactory) -> Table:
    source = tmp_path_factory.mktemp("source") / "profiles.parquet"
    pq.write_table(made.table, source)
    columns = tuple(Column(name, type_) for name, type_ in recipe.source_columns.items())
    folder = tmp_path_factory.mktemp("staging")
    sql = recipe.sql["staging"].replace("${source}", "source").replace("${as_of}", AS_OF)
    written = open_engine("duckdb").create(sql, {"source": Table((str(source),), columns=columns)}, folder)
    return Table(tuple(str(folder / name) for name in written.files))


@pytest.fixture(scope="module")
def features(staging: Table, recipe: recipes.Recipe) -> pa.Table:
    sql = recipe.sql["features"].replace("${staging}", "staging").replace("${as_of}", AS_OF)
    return open_engine("duckdb").query(sql, {"staging": staging})


def numbers(table: pa.Table, column: str) -> np.ndarray:
    return table[column].cast("double").to_numpy()


def test_every_profile_is_there_once_and_in_order(made: Chunk, features: pa.Table) -> None:
    assert features["id"].to_pylist() == made.table["id"].to_pylist()


def test_the_features_are_those_of_the_recipe(features: pa.Table, recipe: recipes.Recipe) -> None:
    assert features.column_names == [*recipes.BASE_COLUMNS, *recipe.features]
    kinds = {name: "numeric" if pa.types.is_float64(features[name].type) else "categorical" for name in recipe.features}
    assert kinds == dict(recipe.features)


def test_malformed_json_is_found_wherever_it_is(made: Chunk, staging: Table) -> None:
    table = pa.concat_tables([pq.read_table(Path(path)) for path in staging.files])
    for column in ("education", "work_experience", "skills"):
        assert sum(table[f"bad_{column}"].to_pylist()) == made.tally[f"malformed {column}"]


def test_labels_are_the_ages_of_the_labelled(made: Chunk, features: pa.Table) -> None:
    label = numbers(features, "known_label")
    inside = (label >= 16) & (label <= 90)
    assert (inside == made.labelled).all()
    assert (label[inside] == made.age[inside]).all()


def test_what_is_legible_is_read_and_nothing_else(made: Chunk, features: pa.Table) -> None:
    seen = made.seen
    expected = {
        "career_years": seen.years_since_first_job,
        "jobs": seen.jobs,
        "tenure_years": seen.tenure,
        "connections": seen.connections,
        "skills": seen.skills,
        "graduation_year": 2026 - seen.years_since_degree,
        "title_seniority": np.where(seen.seniority < 0, np.nan, seen.seniority),
        "has_personal_email": seen.has_personal_email,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(numbers(features, name), value.astype(float), atol=1e-9, err_msg=name)
    level = [EDUCATION_LEVELS[top] if top >= 0 else None for top in seen.top_degree]
    assert features["education_level"].to_pylist() == level
