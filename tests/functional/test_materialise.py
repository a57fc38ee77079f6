"""Staging on disk or computed within the features: the same bytes, the same facts, the same errors."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agecli import config
from agecli import recipe as recipes
from agecli.errors import AgecliError
from agecli.pipeline import source as sources
from agecli.pipeline.features import COMPILED, features
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import fingerprints
from agecli.pipeline.staging import stage
from agecli.synth.chunk import chunk
from agecli.workspace import Workspace
from tests.functional.conftest import bytes_below, ok, results_of
from tests.functional.test_bad_input import Heights, rows

WAYS = ("ephemeral", "table")
FROM = "FROM ${staging}"


@dataclass(frozen=True)
class Made:
    """What staging and features came to: the feature table's bytes and facts, or the error, and all that was said."""

    files: dict[str, bytes]
    facts: dict[str, Any]
    error: dict[str, Any] | None
    said: str
    stored: bool


def make(recipe: Path, path: Path, workspace: Path, way: str) -> Made:
    """The first two stages of a run."""
    loaded = recipes.load(recipe)
    deciding = config.resolve(workspace.parent, {"period": "2026Q3"}, {}).deciding()
    place = Workspace(workspace / way, loaded.name, "2026Q3")
    found = sources.find(loaded, path)
    run = FrozenRun("r1", place, loaded, deciding, found, 2, 1 << 30, materialise=way)
    said: list[str] = []
    facts: dict[str, Any] = {}
    error = None
    try:
        facts |= stage(run, {"stage", "features"}, said.append, lambda *_: None)
        facts |= features(run, lambda *_: None, said.append)
    except AgecliError as failed:
        error = failed.to_json()
    finally:
        facts.pop("staging", None)
    stored = any(place.base.glob("staging/*/*.parquet"))
    folder = place.table("features", fingerprints(run).features)
    return Made(bytes_below(folder), facts, error, "\n".join(said), stored)


def both(recipe: Path, path: Path, workspace: Path) -> tuple[Made, Made]:
    """Both ways, which must agree; where the rows were fine, only one has the table on disk."""
    computed, stored = (make(recipe, path, workspace, way) for way in WAYS)
    assert computed.error == stored.error
    assert computed.facts == stored.facts or computed.error
    assert computed.files == stored.files
    return computed, stored


def every_way(recipe: Path, path: Path, workspace: Path) -> tuple[Made, Made]:
    """Both ways, with compiled code and without it."""
    fast = both(recipe, path, workspace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGECLI_FAST", "off")
        plain = both(recipe, path, workspace / "plain")
    for one, other in zip(fast, plain, strict=True):
        assert (one.files, one.facts, one.error, one.stored) == (other.files, other.facts, other.error, other.stored)
    return fast


@pytest.fixture
def heights(tmp_path) -> Heights:
    return Heights(tmp_path / "project")


@pytest.fixture(scope="module")
def clean_rows() -> pa.Table:
    return chunk(seed=5, number=0, rows=150).table


VALUES = (
    st.none()
    | st.text(max_size=12)
    | st.sampled_from(
        ["[]", "{}", "[{}]", "[null]", '[{"degree": 3}]', '[{"end_date": "1999-13-45"}]', "[1, 2", '{"a":', "null",
         '""', '[{"start_date": "2001-02", "end_date": null}]', '[{"degree": "BSc", "end_date": "2009"}]', "500+",
         "-1", "1e400", "NaN", "2020-02-30", "2020-02", "Infinity", "\\u0000", " 12 "]
    )
)  # fmt: skip


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_dirty_profiles_come_out_the_same(clean_rows, tmp_path_factory, data):
    """Any text in the columns that hold text, in rows that were generated; ids stay as they are."""
    place = tmp_path_factory.mktemp("dirty")
    table = clean_rows
    texts = [f.name for f in table.schema if pa.types.is_string(f.type) and f.name != "id"]
    for name in data.draw(st.lists(st.sampled_from(texts), min_size=1, max_size=6, unique=True)):
        dirt = data.draw(st.lists(VALUES, min_size=1, max_size=40))
        values = [*dirt, *table.column(name).to_pylist()[len(dirt) :]]
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.string()))
    pq.write_table(table, place / "rows.parquet", row_group_size=128)
    computed, stored = every_way(recipes.shipped() / "profiles", place / "rows.parquet", place)
    assert computed.error is None
    assert COMPILED in computed.said
    assert computed.facts["rows_in"] == computed.facts["rows"] == 150
    assert (computed.stored, stored.stored) == (False, True)


def test_legislators_come_out_the_same(real_data, tmp_path):
    computed, _ = every_way(recipes.shipped() / "legislators", real_data / "legislators" / "*.parquet", tmp_path)
    assert (computed.error, computed.stored) == (None, False)


def test_what_groups_rows_is_stored_since_their_order_would_differ(real_data, tmp_path):
    computed, _ = every_way(recipes.shipped() / "titanic", real_data / "titanic" / "*.csv", tmp_path)
    assert (computed.error, computed.stored) == (None, True)
    assert "the staging table is stored: rows are put together by window" in computed.said


def test_results_are_the_same_bytes_and_the_summary_says_the_same(heights, tmp_path):
    told = {}
    for way in WAYS:
        ok("-C", heights.place, "run", "--all", "--materialise", way, "--workspace", tmp_path / way)
        status = ok("-C", heights.place, "status", "--workspace", tmp_path / way, "--output", "json").json
        facts = [json.loads(path.read_text()) for path in sorted(tmp_path.glob(f"{way}/*/*/runs/*/events/*-stage_f*"))]
        counted = {
            key: event["data"][key] for event in facts for key in ("bad", "labels_outside") if key in event["data"]
        }
        told[way] = (
            bytes_below(Path(status["results"])),
            counted,
            status["rows_in"],
            status["known"],
            status["metrics"],
        )
    assert told["ephemeral"] == told["table"]
    assert not list(tmp_path.glob("ephemeral/*/*/staging/*/*.parquet"))
    assert list(tmp_path.glob("table/*/*/staging/*/*.parquet"))


def spoil(column: str, values: list[Any]) -> dict[str, list[Any]]:
    """The rows with some values of a column replaced."""
    columns = rows()
    columns[column][: len(values)] = values
    return columns


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("id", ["p7"], "rows with the same id"),
        ("id", [None, None], "rows without an id"),
        ("height", [999.0] * 100, "too many labels out of bounds"),
        ("shoe", [None] * 900, "no value in feature shoe"),
    ],
    ids=["repeated", "null", "bounds", "empty"],
)
def test_rows_that_break_the_contract_are_told_in_the_same_words(heights, tmp_path, column, values, words):
    heights.write(spoil(column, values))
    computed, _ = both(heights.queries, heights.source, tmp_path)
    assert computed.error is not None
    assert words in computed.error["what"]


@pytest.mark.parametrize("value", [1e39, -1e39, math.inf, -math.inf])
def test_features_with_values_that_no_model_can_hold_are_warned_of(heights, tmp_path, value):
    heights.write(spoil("shoe", [value]))
    computed, _ = both(heights.queries, heights.source, tmp_path)
    (warning,) = computed.facts["warnings"]
    assert "feature shoe has values" in warning and "they count as missing" in warning


def test_features_with_large_or_missing_values_are_not_warned_of(heights, tmp_path):
    heights.write(spoil("shoe", [3.4e38, -3.4e38, math.nan, None]))
    computed, _ = both(heights.queries, heights.source, tmp_path)
    assert computed.facts["warnings"] == []


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("staging.sql", "${source}", "${source} WHERE shoe > 42", "staging.sql drops rows"),
        ("staging.sql", "${source}", "${source} CROSS JOIN (VALUES 1, 2) AS twice(n)", "staging.sql multiplies rows"),
        ("staging.sql", "SELECT id", "SELECT substr(id, 1, 2) AS id", "rows with the same id"),
        ("staging.sql", " shoe", " CAST(town AS double) AS shoe", "staging.sql: the query failed on its data"),
        ("features.sql", "${staging}", "${staging} WHERE shoe > 42", "features.sql drops rows"),
        ("features.sql", "${staging}", "${staging} CROSS JOIN (VALUES 1, 2) AS t(n)", "features.sql multiplies rows"),
        ("features.sql", "SELECT id", "SELECT 'x' || id AS id", "features.sql changes the ids"),
        ("features.sql", " shoe", " 1 / CAST(shoe * 0 AS integer) AS shoe", "features.sql: the query failed"),
        ("staging.sql", " shoe", " random() AS shoe", "staging.sql: random is refused in a table"),
        ("features.sql", " shoe", " random() AS shoe", "features.sql: random is refused in a table"),
        ("staging.sql", " shoe", " shoe, now() AS read_at", ""),
    ],
)
def test_sql_that_breaks_the_contract_is_told_in_the_same_words(heights, tmp_path, file, old, new, words):
    heights.edit(file, old, new)
    computed, _ = both(heights.queries, heights.source, tmp_path)
    if words:
        assert computed.error is not None
        assert words in computed.error["what"]


def test_a_staging_table_that_is_read_twice_is_stored(heights, tmp_path):
    heights.edit("features.sql", FROM, f"{FROM} WHERE shoe <= (SELECT max(shoe) FROM ${{staging}})")
    computed, _ = both(heights.queries, heights.source, tmp_path)
    assert computed.error is None
    assert computed.stored
    assert "the staging table is stored: it is read more than once" in computed.said


def test_a_staging_table_that_a_file_would_change_is_stored(heights, tmp_path):
    heights.edit(
        "staging.sql", " shoe", " shoe, at_timezone(TIMESTAMP '2020-01-01 00:00:00 UTC', 'Asia/Tokyo') AS seen"
    )
    heights.edit("features.sql", " shoe", " shoe + hour(seen) AS shoe")
    computed, _ = both(heights.queries, heights.source, tmp_path)
    assert computed.error is None
    assert computed.stored
    assert "which a file gives back as timestamp(6)" in computed.said


def test_a_stored_staging_table_serves_the_features(heights):
    ok("-C", heights.place, "stage")
    ok("-C", heights.place, "run", "--all", "--materialise", "ephemeral")
    status = ok("-C", heights.place, "status", "--output", "json").json
    assert [stage["name"] for stage in status["stages"] if stage["skipped"]] == ["stage"]
    assert results_of(heights.place).is_dir()
