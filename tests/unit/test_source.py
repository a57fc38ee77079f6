"""A source is known by its content: neither by its path nor by its times."""

import os
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli.errors import ConfigError, DataError
from agecli.pipeline import source
from agecli.recipe import Bounds, Recipe


@pytest.fixture
def recipe_of(tmp_path):
    def make(kind):
        columns, features = {"id": "varchar"}, {"x": "numeric"}
        shape = ("r", "", "regression", "y", "", None, kind, "id", ",", None, columns, Bounds(), 1.0, 0.8)
        return Recipe(*shape, features=features, model={}, sql={}, folder=tmp_path)

    return make


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": values}), path)


def test_a_copy_elsewhere_has_the_same_fingerprint_and_other_rows_another(tmp_path, recipe_of):
    write(tmp_path / "a" / "1.parquet", ["x", "y"])
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    os.utime(tmp_path / "b" / "1.parquet", (0, 0))
    write(tmp_path / "c" / "1.parquet", ["x", "z"])
    prints = [source.find(recipe_of("parquet"), tmp_path / name).fingerprint for name in "abc"]
    assert prints[0] == prints[1] != prints[2]


def test_partitions_count_and_hidden_files_do_not(tmp_path, recipe_of):
    write(tmp_path / "t" / "year=2024" / "1.parquet", ["x"])
    write(tmp_path / "t" / "_tmp-1" / "1.parquet", ["x"])
    write(tmp_path / "u" / "year=2025" / "1.parquet", ["x"])
    first, second = (source.find(recipe_of("parquet"), tmp_path / name) for name in "tu")
    assert len(first.table.files) == 1
    assert first.fingerprint != second.fingerprint


def test_a_glob_names_files_in_order(tmp_path, recipe_of):
    for name in ("b", "a"):
        (tmp_path / f"{name}.csv").write_text("id\n1\n")
    assert [f[-5:] for f in source.find(recipe_of("csv"), tmp_path / "*.csv").table.files] == ["a.csv", "b.csv"]


def test_nothing_there_nothing_in_it_and_cut_short_are_three_errors(tmp_path, recipe_of):
    with pytest.raises(ConfigError, match="no source"):
        source.find(recipe_of("csv"), tmp_path / "gone.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(DataError, match="empty"):
        source.find(recipe_of("csv"), tmp_path / "empty.csv")
    write(tmp_path / "cut.parquet", ["x"])
    content = (tmp_path / "cut.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(content[:-20])
    with pytest.raises(DataError, match="cut short"):
        source.find(recipe_of("parquet"), tmp_path / "cut.parquet")


def test_a_source_survives_its_json_form(tmp_path, recipe_of):
    write(tmp_path / "1.parquet", ["x"])
    found = source.find(recipe_of("parquet"), tmp_path / "1.parquet")
    assert source.Source.from_json(found.to_json()) == found
