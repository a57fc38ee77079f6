"""A source is known by its content: neither by its path nor by its times."""

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli import recipe
from agecli.errors import ConfigError, DataError
from agecli.pipeline import source
from agecli.scaffold import sources

from .recipe_folder import recipe_folder


@pytest.fixture
def recipe_of(tmp_path):
    def make(kind):
        folder = tmp_path / "recipe"
        folder.mkdir(exist_ok=True)
        toml = (
            f'task = "classification"\nlabel = "y"\n[source]\nformat = "{kind}"\nid = "id"\n'
            '[source.columns]\nid = "varchar"\n[features]\nx = "numeric"\n'
        )
        return recipe.load(recipe_folder(folder, toml))

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


@pytest.mark.parametrize("compression", ["none", "snappy"])
def test_a_value_changed_in_place_is_another_source_although_the_footer_is_the_same(tmp_path, recipe_of, compression):
    values = [float(number**0.5) for number in range(500)]
    prints, footers = [], []
    for middle in (7.25, 7.5):
        values[250] = middle
        pq.write_table(pa.table({"id": values}), tmp_path / "x.parquet", compression=compression, use_dictionary=False)
        prints.append(source.find(recipe_of("parquet"), tmp_path / "x.parquet").fingerprint)
        footers.append(source.parquet_footer(tmp_path / "x.parquet"))
    assert footers[0] == footers[1]
    assert prints[0] != prints[1]


def test_a_folders_name_with_an_equals_sign_above_the_source_says_nothing(tmp_path, recipe_of):
    for place in ("run=1", "run=2"):
        write(tmp_path / place / "t" / "1.parquet", ["x"])
    first, second = (source.find(recipe_of("parquet"), tmp_path / place / "t") for place in ("run=1", "run=2"))
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("pattern", ["t", "t/*", "t/**/*.csv", "t/**"])
def test_a_recipe_and_its_proposal_see_the_same_files(tmp_path, recipe_of, pattern):
    for name in ("a.csv", "sub/b.csv", "_c.csv", ".d.csv", "_tmp/e.csv"):
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).write_text("id,x\n1,2\n")
    files = source.find_table(recipe_of("csv"), tmp_path / pattern).files
    assert files == sources.find(str(tmp_path / pattern)).files
    assert [Path(file).name for file in files] == (["a.csv"] if pattern == "t/*" else ["a.csv", "b.csv"])


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
