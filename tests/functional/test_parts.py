"""Features made in parts: the same files as in one piece, the same errors, and nothing half-done left behind."""

from __future__ import annotations

import datetime
import queue
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agecli import config
from agecli import recipe as recipes
from agecli.cost.reconcile import FOOTER, OPENED, _read_twice
from agecli.cost.scan import open_table
from agecli.errors import AgecliError
from agecli.events import LOG, PROGRESS, STAGE_FINISHED, Event
from agecli.executors.base import RunRequest
from agecli.executors.local import LocalExecutor
from agecli.executors.processes import Worker
from agecli.executors.tasks import FeaturesPart, FeaturesWhole, Task
from agecli.pipeline import parts, tables
from agecli.pipeline import source as sources
from agecli.pipeline.features import features, features_part, features_whole
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.graph import fingerprints, row_group_rows
from agecli.pipeline.parts import NotInParts, divided, file_groups, parts_of
from agecli.pipeline.staging import stage
from agecli.workspace import Workspace, new_folder
from tests.functional.conftest import bytes_below
from tests.functional.test_bad_input import Heights, rows

GROUP = 10  # rows of a row group of the features
TOWNS = ("Rome", "Oslo", "Bern", None)


@pytest.fixture
def heights(tmp_path) -> Heights:
    return Heights(tmp_path / "project")


def table(first: int, last: int) -> pa.Table:
    """Rows of which each is known by its number."""
    columns = rows(last)
    return pa.table({name: values[first:last] for name, values in columns.items()})


def run_of(heights: Heights, source: Path, workspace: Path, workers: int = 1) -> FrozenRun:
    recipe = recipes.load(heights.queries)
    deciding = config.resolve(workspace, {"period": "2026Q3", "batch_rows": GROUP}, {}).deciding()
    place = Workspace(workspace, recipe.name, "2026Q3")
    return FrozenRun("r1", place, recipe, deciding, sources.find(recipe, source), workers, 8 << 30)


def in_one_piece(run: FrozenRun) -> dict[str, bytes]:
    """The files of a feature table that one process makes."""
    silent: Any = lambda *_: None  # noqa: E731
    stage(run, {"stage", "features"}, silent, silent)
    assert features(run, silent, silent)["staging"] == "ephemeral"
    return bytes_below(run.workspace.table("features", fingerprints(run).features))


def in_parts(run: FrozenRun, count: int) -> dict[str, bytes]:
    """The same, made in so many parts at most."""
    target = run.workspace.table("features", fingerprints(run).features)
    rows_in = sum(pq.read_metadata(file).num_rows for file in run.source.table.files)
    with new_folder(target) as folder:
        cut = divided(rows_in, row_group_rows(run), count)
        silent: Any = lambda *_: None  # noqa: E731
        features_whole(run, folder, [features_part(run, part, rows_in, folder, silent) for part in cut], silent)
    return bytes_below(target)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(st.tuples(st.integers(1, 120), st.integers(1, 40)), min_size=1, max_size=5),
    count=st.integers(2, 5),
)
def test_parts_begin_anywhere_in_files_and_row_groups(heights, tmp_path_factory, files, count):
    """Files of any size, with row groups of any size."""
    place, first = tmp_path_factory.mktemp("uneven"), 0
    for number, (size, group) in enumerate(files):
        pq.write_table(table(first, first + size), place / f"rows [{number}]'s.parquet", row_group_size=group)
        first += size
    run = run_of(heights, place, place / "workspace")
    assert in_parts(run, count) == in_one_piece(run)


def other_types(number: int, found: pa.Table) -> pa.Table:
    """The same rows in columns of other types, in another order, with one more column."""
    kinds = [pa.float64(), pa.float32(), pa.int16()][number % 3]
    shoe = found.column("shoe").cast(pa.int16(), safe=False).cast(kinds)
    found = found.set_column(found.schema.get_field_index("shoe"), "shoe", shoe)
    towns = found.column("town").dictionary_encode() if number % 2 else found.column("town").cast(pa.large_string())
    found = found.set_column(found.schema.get_field_index("town"), "town", towns)
    names = found.column_names[::-1] if number % 2 else found.column_names
    return found.select(names).append_column(f"more{number}", pa.nulls(len(found), pa.int8()))


@pytest.mark.parametrize("count", [2, 3])
def test_files_of_other_schemas_are_read_as_all_of_them_say(heights, tmp_path, count):
    place = tmp_path / "source"
    place.mkdir()
    for number in range(6):
        first = 50 * number
        pq.write_table(other_types(number, table(first, first + 50)), place / f"{number}.parquet", row_group_size=17)
    run = run_of(heights, place, tmp_path / "workspace")
    assert in_parts(run, count) == in_one_piece(run)


@pytest.mark.parametrize("differ", [False, True])
def test_folders_name_the_value_of_a_column_in_every_part(heights, tmp_path, differ):
    heights.edit("recipe.toml", 'town = "varchar"', 'town = "varchar"\nyear = "varchar"')
    heights.edit("recipe.toml", 'town = "categorical"', 'town = "categorical"\nyear = "categorical"')
    heights.edit("staging.sql", " town", " town, year")
    heights.edit("features.sql", " town", " town, year")
    place = tmp_path / "source"
    for number in range(4):
        folder = place / f"year={2020 + number}"
        folder.mkdir(parents=True)
        found = table(45 * number, 45 * number + 45)
        found = found.append_column(f"more{number}", pa.nulls(45, pa.int8())) if differ else found
        pq.write_table(found, folder / "rows.parquet", row_group_size=8)
    run = run_of(heights, place, tmp_path / "workspace")
    made = in_parts(run, 3)
    assert made == in_one_piece(run)
    folder = run.workspace.table("features", fingerprints(run).features)
    years = pa.concat_tables([pq.read_table(file, partitioning=None) for file in sorted(folder.glob("part-*"))])
    assert years.column("year").to_pylist() == [str(2020 + number // 45) for number in range(180)]


def test_times_of_several_units_are_the_same_moments(heights, tmp_path):
    heights.edit("recipe.toml", 'town = "varchar"', 'town = "varchar"\nseen = "timestamp"')
    heights.edit("staging.sql", " town", " town, seen")
    heights.edit("features.sql", " shoe", " hour(seen) AS shoe")
    place = tmp_path / "source"
    place.mkdir()
    for number, unit in enumerate(["us", "ns", "ms"]):
        moments = [datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=7 * n) for n in range(60)]
        found = table(60 * number, 60 * number + 60).append_column("seen", pa.array(moments, pa.timestamp(unit)))
        pq.write_table(found, place / f"{number}.parquet")
    run = run_of(heights, place, tmp_path / "workspace")
    assert in_parts(run, 2) == in_one_piece(run)


def test_a_column_that_counts_rows_is_no_number_of_a_row(heights, tmp_path):
    found = table(0, 100)
    pq.write_table(found.append_column("File_Row_Number", pa.array([5] * 100)), tmp_path / "rows.parquet")
    with pytest.raises(NotInParts, match="it has a column file_row_number"):
        in_parts(run_of(heights, tmp_path / "rows.parquet", tmp_path / "workspace"), 2)


@given(st.integers(0, 50_000), st.integers(1, 60), st.integers(1, 40))
def test_parts_are_whole_files_of_about_the_same_rows(rows_in, group_rows, count):
    cut, file_rows = divided(rows_in, group_rows, count), file_groups(rows_in, group_rows) * group_rows
    assert [part.first for part in cut] == [0, *(part.last for part in cut[:-1])]
    assert cut[-1].last == rows_in
    assert all(part.first == part.file * file_rows for part in cut)
    assert len(cut) <= count
    if len(cut) > 1:
        assert all(abs(part.last - part.first - rows_in / len(cut)) <= file_rows for part in cut)
        assert all(part.last > part.first for part in cut)


def test_one_worker_or_little_memory_or_text_or_a_stored_table_make_one_part(heights, tmp_path, monkeypatch):
    run = run_of(heights, heights.source, tmp_path / "workspace", workers=3)
    monkeypatch.setattr(parts, "LEAST_ROWS", 300)
    assert parts_of(run) == ()  # not staged yet
    silent: Any = lambda *_: None  # noqa: E731
    stage(run, {"stage", "features"}, silent, silent)
    assert len(parts_of(run)) == 3
    assert len(parts_of(replace(run, memory=1 << 30))) == 2
    assert len(parts_of(replace(run, memory=100 << 20))) == 1
    assert len(parts_of(replace(run, workers=1))) == 1
    monkeypatch.setattr(parts, "LEAST_ROWS", 301)
    assert len(parts_of(run)) == 2
    text = replace(run.source, table=replace(run.source.table, format="csv"))
    assert parts_of(replace(run, source=text)) == ()
    stage(replace(run, materialise="table"), {"stage", "features"}, silent, silent)
    assert parts_of(run) == ()


@pytest.mark.parametrize(("group", "shared"), [(100, 0), (250, 500), (900, 1800)])
def test_what_two_parts_read_is_expected_of_them(heights, tmp_path, group, shared):
    """Three parts begin at rows 0, 300 and 600; so many rows are read again, with the row groups that they share."""
    pq.write_table(table(0, 900), heights.source, row_group_size=group)
    run = run_of(heights, heights.source, tmp_path / "workspace")
    told = Event(STAGE_FINISHED, "r1", "features", None, {"parts": 3})
    footers = 2 * OPENED * min(FOOTER, heights.source.stat().st_size)
    assert _read_twice(run, [told], open_table(run.source.table), 90_000) == 100 * shared + footers
    assert _read_twice(run, [], open_table(run.source.table), 90_000) == 0


# ---- as runs, with worker processes


@dataclass
class Ran:
    """A run of stage and features: the files it made, its events, the kinds of its tasks, how it ended."""

    files: dict[str, bytes]
    events: list[Event]
    tasks: list[str]
    error: dict[str, Any] | None

    def said(self) -> list[str]:
        told = [event.data["message"] for event in self.events if event.kind == LOG]
        return [message for message in told if "of disk" not in message]


def run(heights: Heights, workers: int, **more: Any) -> Ran:
    flags = {"workers": workers, "batch_rows": 50, "memory": "8GiB", "workspace": str(heights.place / f"w{workers}")}
    asked = config.resolve(heights.place, {**flags, **more}, {})
    told: list[Event] = []
    sent: list[str] = []
    error = None
    with pytest.MonkeyPatch.context() as patch:
        send = Worker.send

        def noting(worker: Worker, task: Task) -> None:
            sent.append(task.stage)
            send(worker, task)

        patch.setattr(Worker, "send", noting)
        patch.setattr(parts, "LEAST_ROWS", 100)
        try:
            told.extend(LocalExecutor().run(RunRequest(asked, ("stage", "features"))))
        except AgecliError as failed:
            error = failed.to_json()
    (base,) = Path(asked["workspace"]).glob("*/2026Q3")
    assert not list(base.rglob("_tmp-*")), "something half-done was left"
    folders = [folder for folder in base.glob("features/*") if folder.is_dir()]
    return Ran(bytes_below(folders[0]) if folders else {}, told, sent, error)


IN_PARTS = ["stage", "features part", "features part", "features part", "features whole"]


def test_any_number_of_workers_makes_the_same_files(heights):
    one, two, three = (run(heights, workers) for workers in (1, 2, 3))
    assert one.tasks == ["stage", "features"]
    assert three.tasks == IN_PARTS
    assert one.files == two.files == three.files
    assert len(one.files) == 900 // 50 + 1
    facts = [next(e.data for e in told.events if e.kind == STAGE_FINISHED and e.stage == "features")
             for told in (one, three)]  # fmt: skip
    for told in facts:
        assert told.pop("used")["cpu_seconds"] > 0
        del told["seconds"]
    assert facts[1].pop("parts") == 3
    assert facts[0] == facts[1]
    progress = [event.data for event in three.events if event.kind == PROGRESS and event.stage == "features"]
    assert progress[-1] == {"done": 900, "total": 900, "unit": "rows"}


def test_workers_get_ready_while_a_large_source_is_staged(heights, monkeypatch):
    monkeypatch.setattr(parts, "LEAST_BYTES", heights.source.stat().st_size)
    assert run(heights, 3).tasks == ["stage", "load", "load", *IN_PARTS[1:]]
    stored = run(heights, 3, materialise="table", workspace=str(heights.place / "table"))
    assert stored.tasks == ["stage", "features"]
    assert run(heights, 2, memory="600MiB").tasks == ["stage", "features"]
    monkeypatch.setattr(parts, "LEAST_BYTES", heights.source.stat().st_size + 1)
    assert run(heights, 3, workspace=str(heights.place / "small")).tasks == IN_PARTS


def spoil(column: str, places: list[int], value: Any) -> dict[str, list[Any]]:
    columns = rows()
    for place in places:
        columns[column][place] = value
    return columns


@pytest.mark.parametrize(
    ("columns", "file", "old", "new", "words"),
    [
        (spoil("id", [3, 880], "twin"), "staging.sql", "SELECT", "SELECT", "rows with the same id"),
        (spoil("id", [880], None), "staging.sql", "SELECT", "SELECT", "rows without an id"),
        (spoil("height", list(range(0, 900, 2)), 999.0), "staging.sql", "SELECT", "SELECT", "too many labels"),
        (spoil("town", list(range(900)), None), "staging.sql", "SELECT", "SELECT", "no value in feature town"),
        (rows(), "staging.sql", "${source}", "${source} WHERE id <> 'p700'", "staging.sql drops rows"),
        (rows(), "features.sql", "${staging}", "${staging} WHERE id <> 'p700'", "features.sql drops rows"),
        (spoil("town", [870], "x"), "staging.sql", " shoe", " CASE WHEN town = 'x' THEN CAST(town AS double) END AS"
         " shoe", "staging.sql: the query failed on its data"),
        (rows(), "features.sql", "SELECT id", "SELECT 'x' || id AS id", "features.sql changes the ids"),
        (rows(), "features.sql", " town", " town AS city", "features.sql and [features] of recipe.toml differ"),
        (rows(), "features.sql", " shoe", " random() AS shoe", "features.sql: random is refused in a table"),
    ],
    ids=["repeated", "null", "bounds", "empty", "dropped", "dropped late", "failed", "ids", "columns", "random"],
)  # fmt: skip
def test_what_is_wrong_in_one_part_is_told_as_by_one_worker(heights, columns, file, old, new, words):
    heights.write(columns)
    heights.edit(file, old, new)
    one, two = run(heights, 1), run(heights, 2)
    assert two.error is not None
    assert words in two.error["what"]
    assert one.error == two.error
    assert one.said() == two.said()
    assert two.tasks[:3] == IN_PARTS[:3]
    assert not one.files
    assert not two.files


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" shoe", " sum(shoe) OVER (PARTITION BY town) AS shoe"),
        ("town\nFROM ${source}", "named AS town\nFROM ${source} CROSS JOIN UNNEST(ARRAY[town]) AS t(named)"),
    ],
    ids=["window", "unnest"],
)
def test_rows_that_depend_on_more_than_one_are_made_in_one_piece(heights, old, new):
    heights.edit("staging.sql", old, new)
    one, two = run(heights, 1), run(heights, 2)
    assert (one.error, two.error) == (None, None)
    assert two.tasks == [*IN_PARTS[:3], "features"]
    assert one.files == two.files
    assert one.said() == two.said()


def death(heights: Heights, monkeypatch: pytest.MonkeyPatch, kind: type[Task], end: Any) -> None:
    send = Worker.send

    def ending(worker: Worker, task: Task) -> None:
        if isinstance(task, kind) and getattr(task, "first", 1):
            end(worker)
        send(worker, task)

    monkeypatch.setattr(Worker, "send", ending)


@pytest.mark.parametrize("kind", [FeaturesPart, FeaturesWhole])
def test_a_killed_worker_ends_the_stage_and_another_run_makes_it(heights, monkeypatch, kind):
    with monkeypatch.context() as patch:
        death(heights, patch, kind, lambda worker: worker.process.kill())
        told = run(heights, 3)
    assert told.error is not None
    assert told.error["what"] == "a worker process died"
    assert "it was killed" in told.error["why"]
    assert "/logs/features.log" in told.error["fix"]  # although the worker began with another stage
    assert not told.files
    assert run(heights, 3).files == run(heights, 1).files


def test_a_worker_prints_into_the_log_of_its_task(tmp_path):
    reports: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with (tmp_path / "lock").open("w") as lock:
        worker = Worker(tmp_path / "first.log", reports.put, lock.fileno(), 1)
        worker.log = tmp_path / "second.log"
        worker.send(Task("no such stage", str(tmp_path)))
        assert reports.get(timeout=60) is None
        worker.stop()
    assert not (tmp_path / "first.log").read_text()
    assert "KeyError: 'no such stage'" in (tmp_path / "second.log").read_text()


@pytest.mark.parametrize("kind", [FeaturesPart, FeaturesWhole])
def test_an_interrupted_run_leaves_nothing(heights, monkeypatch, kind):
    def interrupt(_: Worker) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        death(heights, patch, kind, interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(heights, 3)
    (base,) = heights.place.glob("w3/*/2026Q3")
    assert not list(base.rglob("_tmp-*"))
    assert not list(base.glob("features/*"))
    assert run(heights, 3).error is None


def test_what_a_killed_run_wrote_in_parts_is_cleared_away(heights):
    whole = run(heights, 3)
    (folder,) = (path for path in heights.place.glob("w3/*/2026Q3/features/*") if path.is_dir())
    half = folder.with_name("_tmp-half")
    shutil.copytree(folder, half)
    (half / "_agecli.json").unlink()
    assert run(heights, 3, period="2026Q3").files == whole.files
    assert not half.exists()


def test_an_engine_has_room_for_the_row_groups_of_the_source_within_the_memory_of_the_run(
    heights, tmp_path, monkeypatch
):
    pq.write_table(table(0, 10), tmp_path / "rows.parquet")
    run = replace(run_of(heights, tmp_path / "rows.parquet", tmp_path / "workspace", workers=2), memory=4 << 30)
    limits: list[int] = []
    monkeypatch.setattr(tables, "open_engine", lambda _, *, memory_mb, **more: limits.append(memory_mb))
    for size in (0, 100 << 20, 3 << 30):
        monkeypatch.setattr("agecli.engines.tables.largest_row_group", lambda _, size=size: size)
        tables.engine_of(run, 1, "-0", run.source.table)
        tables.engine_of(run, source=run.source.table)
    assert limits == [128, 256, 128 + 200, 256 + 400, 2048, 4096]
