"""The recipes legislators and titanic over their real data: every row once, and no label in any feature."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from agecli import recipe as recipes
from agecli.engines import open_engine
from agecli.engines.base import Table
from agecli.pipeline import source as sources

AS_OF = "DATE '2026-09-30'"


def load(name: str) -> recipes.Recipe:
    return recipes.load(recipes.locate(name))


def tables(recipe: recipes.Recipe, source: Table) -> tuple[pa.Table, pa.Table]:
    """The rows of staging and of features, in the order of their ids."""
    staging = recipes.render(recipe.sql["staging"], {"source": "source", "as_of": AS_OF})
    features = recipes.render(recipe.sql["features"], {"staging": f"({staging})", "as_of": AS_OF})
    engine = open_engine("duckdb")
    found = [engine.query(sql, {"source": source}).sort_by("id") for sql in (staging, features)]
    assert found[1].column_names == ["id", "known_label", "label_source", *recipe.features]
    assert found[1].column("id").to_pylist() == sorted({*found[1].column("id").to_pylist()})
    return found[0], found[1]


def malformed(staging: pa.Table) -> dict[str, int]:
    return {n: pc.sum(staging.column(n)).as_py() for n in staging.column_names if n.startswith("bad_")}


@pytest.fixture(scope="module")
def legislators(real_data) -> Path:
    return real_data / "legislators" / "legislators.parquet"


def test_every_legislator_comes_out_once(legislators) -> None:
    recipe = load("legislators")
    staging, features = tables(recipe, sources.find(recipe, legislators).table)
    ages = features.column("known_label")
    inside = pc.and_(pc.greater_equal(ages, recipe.bounds.lower), pc.less_equal(ages, recipe.bounds.upper))

    assert features.num_rows == 12_767
    assert malformed(staging) == {"bad_terms": 0, "bad_birthday": 0}
    assert pc.sum(inside).as_py() == 12_219
    assert len(ages) - ages.null_count - pc.sum(inside).as_py() == 3


def test_no_feature_of_a_legislator_knows_the_birthday(legislators, tmp_path) -> None:
    table = pq.read_table(legislators)
    hidden = pa.nulls(table.num_rows, pa.string())
    at = table.column_names.index("bio_birthday")
    pq.write_table(table.set_column(at, "bio_birthday", hidden), tmp_path / "hidden.parquet")
    recipe = load("legislators")

    _, known = tables(recipe, sources.find(recipe, legislators).table)
    _, unknown = tables(recipe, sources.find(recipe, tmp_path / "hidden.parquet").table)

    assert unknown.column("known_label").null_count == unknown.num_rows
    assert known.select([*recipe.features]).equals(unknown.select([*recipe.features]))


def test_malformed_terms_are_counted(legislators, tmp_path) -> None:
    table = pq.read_table(legislators).slice(0, 3)
    terms = pa.array(["{not json", None, "[]"])
    pq.write_table(table.set_column(table.column_names.index("terms"), "terms", terms), tmp_path / "t.parquet")
    recipe = load("legislators")

    staging, features = tables(recipe, sources.find(recipe, tmp_path / "t.parquet").table)

    assert malformed(staging)["bad_terms"] == 1
    assert features.column("career_years").null_count == features.column("known_label").null_count == 3


def test_every_passenger_of_the_titanic_comes_out_once(real_data) -> None:
    recipe = load("titanic")
    staging, features = tables(recipe, sources.find(recipe, real_data / "titanic" / "*.csv").table)

    assert features.num_rows == 1_309
    assert pc.value_counts(features.column("known_label")).to_pylist() == [
        {"values": "0", "counts": 549},
        {"values": "1", "counts": 342},
        {"values": None, "counts": 418},
    ]
    assert {*malformed(staging).values()} == {0}
    assert {*features.column("title").to_pylist()} == {"Mr", "Mrs", "Miss", "Master", "Rare"}
