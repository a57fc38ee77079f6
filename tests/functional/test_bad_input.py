"""Bad input: each kind has an error of its own that says what happened, why, and what mends it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.functional.conftest import agecli, bytes_below, command, environment, ok, results_of

RECIPE = """
name = "heights"
task = "regression"
label = "height"
default = 170
[source]
format = "parquet"
id = "id"
[source.columns]
id = "varchar"
height = "double"
shoe = "double"
town = "varchar"
[bounds]
lower = 100
upper = 230
max_share_outside = 0.05
[confidence]
tolerance = 5
[features]
shoe = "numeric"
town = "categorical"
"""
STAGING = """
SELECT id, height AS known_label, CASE WHEN height IS NOT NULL THEN 'measured' END AS label_source, shoe, town
FROM ${source}
"""
FEATURES = "SELECT id, known_label, label_source, shoe, town FROM ${staging}"


def rows(count: int = 900) -> dict[str, list]:
    rng = np.random.default_rng(3)
    shoe = rng.normal(42, 3, count)
    height = 60 + 2.6 * shoe + rng.normal(0, 4, count)
    return {
        "id": [f"p{i}" for i in range(count)],
        "height": [float(h) if i % 3 else None for i, h in enumerate(height)],
        "shoe": [float(s) for s in shoe],
        "town": [["Rome", "Oslo", None][i % 3] for i in range(count)],
    }


class Heights:
    """A small project whose source, recipe and SQL a test may spoil before it runs."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.source = place / "rows.parquet"
        self.queries = place / "queries" / "heights"
        self.queries.mkdir(parents=True)
        (place / "agecli.toml").write_text('recipe = "heights"\nperiod = "2026Q3"\nsource = "rows.parquet"\n')
        (self.queries / "recipe.toml").write_text(RECIPE)
        (self.queries / "staging.sql").write_text(STAGING)
        (self.queries / "features.sql").write_text(FEATURES)
        self.write(rows())

    def write(self, columns: dict[str, list]) -> None:
        types = {"id": pa.string(), "height": pa.float64(), "shoe": pa.float64(), "town": pa.string()}
        pq.write_table(pa.table({k: pa.array(v, types.get(k)) for k, v in columns.items()}), self.source)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.queries / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def run(self, *flags: str):
        return agecli("-C", self.place, "run", "--all", *flags)


@pytest.fixture
def heights(tmp_path) -> Heights:
    return Heights(tmp_path / "project")


def refused(answer, code: int, *words: str) -> None:
    assert answer.code == code, answer.err
    for word in words:
        assert word in answer.err
    assert "fix:" in answer.err


def test_the_untouched_project_runs(heights):
    answer = heights.run()
    assert answer.code == 0, answer.err
    status = ok("-C", heights.place, "status", "--output", "json").json
    assert (status["rows_in"], status["rows_out"], status["known"], status["predicted"]) == (900, 900, 600, 300)


def test_a_source_that_is_not_there(heights):
    heights.source.unlink()
    refused(heights.run(), 2, "no source", "rows.parquet")


def test_a_name_with_brackets_means_itself(heights):
    other = heights.place / "rows1.parquet"
    heights.write({name: values[:300] for name, values in rows().items()})
    heights.source.rename(other)
    heights.write(rows())
    heights.source.rename(heights.place / "rows[1].parquet")
    assert heights.run("--source", str(heights.place / "rows[1].parquet")).code == 0
    assert ok("-C", heights.place, "status", "--output", "json").json["rows_in"] == 900


def test_a_source_without_rows(heights):
    heights.write({name: [] for name in rows()})
    refused(heights.run(), 3, "the source is empty")


def test_a_truncated_parquet_file(heights):
    heights.source.write_bytes(heights.source.read_bytes()[:-100])
    refused(heights.run(), 3, "rows.parquet", "cut short")


def test_a_damaged_parquet_file(heights):
    content = bytearray(heights.source.read_bytes())
    content[4:2000] = b"\xff" * 1996
    heights.source.write_bytes(bytes(content))
    refused(heights.run(), 3, "rows.parquet")


def test_a_column_of_the_wrong_type(heights):
    columns = rows()
    table = pa.table({"id": columns["id"], "height": columns["height"], "shoe": [[1.0]] * 900, "town": columns["town"]})
    pq.write_table(table, heights.source)
    refused(heights.run(), 3, "shoe")


def test_a_column_that_the_source_lacks(heights):
    heights.write({name: values for name, values in rows().items() if name != "shoe"})
    refused(heights.run(), 3, "shoe")


def test_a_column_that_only_the_sql_names(heights):
    heights.edit("staging.sql", "shoe, town", "shoe, town, weight")
    refused(heights.run(), 2, "weight")


def test_repeated_ids(heights):
    heights.write(rows() | {"id": ["p1", "p1", *rows()["id"][2:]]})
    refused(heights.run(), 3, "same id", "p1")


def test_null_ids(heights):
    heights.write(rows() | {"id": [None, *rows()["id"][1:]]})
    refused(heights.run(), 3, "without an id", "1 of 900")


@pytest.mark.parametrize("known", [0, 1])
def test_too_few_labels_to_learn_from(heights, known):
    heights.write(rows() | {"height": [170.0] * known + [None] * (900 - known)})
    refused(heights.run(), 3, "label")


def test_labels_that_are_all_the_same(heights):
    heights.write(rows() | {"height": [170.0] * 600 + [None] * 300})
    refused(heights.run(), 3, "label")


def test_too_many_labels_out_of_bounds(heights):
    heights.write(rows() | {"height": [999.0] * 60 + rows()["height"][60:]})
    refused(heights.run(), 3, "out of bounds", "60 of")


def test_a_few_labels_out_of_bounds_are_unknown_and_counted(heights):
    heights.write(rows() | {"height": [999.0] * 4 + rows()["height"][4:]})
    assert heights.run().code == 0
    status = ok("-C", heights.place, "status", "--output", "json").json
    assert status["known"] == sum(h is not None for h in rows()["height"][4:])
    assert status["rows_out"] == 900


def test_a_feature_that_is_null_in_every_row(heights):
    heights.write(rows() | {"shoe": [None] * 900})
    refused(heights.run(), 3, "shoe", "NULL")


def test_sql_that_does_not_parse(heights):
    heights.edit("features.sql", "SELECT", "SELEKT")
    refused(heights.run(), 2, "features.sql")


def test_sql_that_is_refused_names_the_expression(heights):
    heights.edit("features.sql", "shoe,", "shoe * random() AS shoe,")
    refused(heights.run(), 2, "random")


def test_sql_that_drops_rows(heights):
    heights.edit("staging.sql", "${source}", "${source} WHERE shoe > 42")
    refused(heights.run(), 3, "staging.sql drops rows", "900 rows in")


def test_sql_that_multiplies_rows(heights):
    heights.edit("features.sql", "FROM ${staging}", "FROM ${staging} CROSS JOIN (VALUES 1, 2) AS twice(n)")
    refused(heights.run(), 3, "features.sql multiplies rows")


def test_sql_that_changes_ids(heights):
    heights.edit("features.sql", "SELECT id", "SELECT concat(id, 'x') AS id")
    refused(heights.run(), 3, "features.sql changes the ids")


@pytest.mark.parametrize(
    "changed", ["coalesce(known_label, 3e0) AS known_label, label_source", "known_label, 'guess' AS label_source"]
)
def test_sql_that_changes_labels(heights, changed):
    heights.edit("features.sql", "known_label, label_source", changed)
    refused(heights.run(), 3, "features.sql changes the labels")


def test_features_that_are_not_listed(heights):
    heights.edit("recipe.toml", 'town = "categorical"', "")
    refused(heights.run(), 2, "not listed town")


def test_a_feature_of_the_wrong_kind(heights):
    heights.edit("recipe.toml", 'town = "categorical"', 'town = "numeric"')
    refused(heights.run(), 2, "town", "numeric")


def test_a_feature_may_have_the_name_of_a_word_of_sql(heights):
    for name, column in (("staging.sql", "shoe, town"), ("features.sql", "shoe, town")):
        heights.edit(name, column, 'shoe AS "order", town' if name == "staging.sql" else '"order", town')
    heights.edit("recipe.toml", 'shoe = "numeric"', 'order = "numeric"')
    answer = heights.run()
    assert answer.code == 0, answer.err


def test_a_column_that_agecli_adds_itself(heights):
    heights.edit("staging.sql", "shoe, town", "shoe, town, true AS label_outside")
    refused(heights.run(), 2, "label_outside")


def test_an_unknown_setting(heights):
    with (heights.place / "agecli.toml").open("a") as file:
        file.write("worker = 2\n")
    refused(heights.run(), 2, "worker", "workers")


def test_two_runs_at_once(heights):
    ok("-C", heights.place, "run", "--all")
    running = subprocess.Popen(
        command("-C", heights.place, "run", "--all", "--force"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    try:
        while running.poll() is None and len(list(heights.place.glob("workspace/*/*/runs/*"))) < 2:
            time.sleep(0.005)
        refused(heights.run(), 7, "holds it")
    finally:
        running.wait()
    assert running.returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_disk_too_small_is_refused_before_the_start(heights, small_disk):
    refused(heights.run("--workspace", str(small_disk)), 1, "not enough disk", "needs about")


def test_rows_are_generated_only_where_they_find_room_and_lead_to_what_was_asked_for(tmp_path, small_disk):
    ok("init", tmp_path / "demo")
    full = agecli("-C", tmp_path / "demo", "run", "--all", "--workspace", small_disk)
    assert full.code == 1 and "not enough disk" in full.err
    early = agecli("-C", tmp_path / "demo", "predict", "--batch", 99)
    assert early.code == 2 and "stage must come first: the rows are not generated yet" in early.err
    assert not (tmp_path / "demo/workspace/profiles/generated").exists()


def test_a_disk_that_fills_up_loses_nothing(heights, tmp_path):
    heights.write(rows(60_000))
    place = tmp_path / "filling"
    place.mkdir()
    size = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(place)]
    if subprocess.run(size, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        free = shutil.disk_usage(place).free
        running = subprocess.Popen(
            command("-C", heights.place, "run", "--all", "--workspace", place),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip
        assert running.stderr is not None
        said = ""
        while running.poll() is None and "needs up to" not in said:  # the space was looked at and sufficed
            said += running.stderr.readline()
        with (place / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
            ballast.write(b"\0" * free)
        said += running.communicate()[1]
        assert running.returncode == 1, said
        assert "disk is full" in said or "No space left on device" in said  # by the stage that meets it
        (place / "ballast").unlink()
        ok("-C", heights.place, "run", "--all", "--workspace", place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a read-only file system needs root")
def test_a_read_only_workspace(heights, tmp_path):
    place = tmp_path / "frozen"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        refused(heights.run("--workspace", str(place)), 1, "cannot write", "ead-only")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_the_last_good_results_survive_a_failed_run(heights):
    ok("-C", heights.place, "run", "--all")
    good = results_of(heights.place)
    before = bytes_below(good)
    heights.write(rows() | {"id": ["p1", "p1", *rows()["id"][2:]]})
    assert heights.run().code == 3
    assert bytes_below(good) == before
    answer = ok("-C", heights.place, "sql", "SELECT count(*) AS n FROM results", "--output", "json")
    assert answer.json == [{"n": 900}]
