"""Generating profiles into a folder: what a user finds there, and what happens when they ask again."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli.errors import AgecliError, ConfigError
from agecli.synth import SynthReport, generate
from agecli.synth.chunk import SCHEMA, chunk

ROWS = 60_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profiles") / "made" / "here"


@pytest.fixture(scope="module")
def made(folder: Path) -> SynthReport:
    return generate(ROWS, 42, folder)


def rows_in(folder: Path) -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_folder_holds_the_rows_asked_for(made: SynthReport, folder: Path) -> None:
    table = rows_in(folder)
    assert table.num_rows == made.rows == ROWS
    assert len(table["id"].unique()) == ROWS
    assert table.schema.equals(SCHEMA)


def test_the_report_says_what_is_there(made: SynthReport, folder: Path) -> None:
    table = rows_in(folder)
    assert made.files == len(list(folder.glob("*.parquet"))) == 1
    assert made.bytes == sum(path.stat().st_size for path in folder.glob("*.parquet"))
    assert made.rates["missing skills"] == pytest.approx(table["skills"].null_count / ROWS, abs=1e-5)
    assert made.known == pytest.approx(0.375, abs=0.01)
    assert 2 < made.best_mae < 4
    assert json.loads(json.dumps(made.to_json()))["best_mae"] == made.best_mae


def test_rows_are_as_heavy_as_real_ones(made: SynthReport) -> None:
    assert made.bytes_per_row >= 250


def test_best_mae_is_the_mean_over_the_labelled_rows(made: SynthReport) -> None:
    parts = [chunk(42, number, min(25_000, ROWS - number * 25_000)) for number in range(3)]
    errors = [part.reading.expected_error()[part.labelled] for part in parts]
    assert made.best_mae == pytest.approx(sum(e.sum() for e in errors) / sum(len(e) for e in errors), abs=1e-4)


def test_the_same_request_gives_the_same_bytes(made: SynthReport, folder: Path, tmp_path: Path) -> None:
    again = generate(ROWS, 42, tmp_path / "again")
    assert again == made
    assert contents(tmp_path / "again") == contents(folder)


def test_rows_do_not_depend_on_the_number_of_rows_or_files(made: SynthReport, folder: Path, tmp_path: Path) -> None:
    few = generate(3_000, 42, tmp_path, rows_per_file=1_300)
    assert few.files == 3
    assert rows_in(tmp_path).equals(rows_in(folder).slice(0, 3_000))
    whole = generate(3_000, 42, tmp_path / "whole")
    assert few.rates == whole.rates and few.best_mae == whole.best_mae


def test_asking_again_keeps_what_is_there_and_makes_what_is_missing(tmp_path: Path) -> None:
    report = generate(2_000, 1, tmp_path, rows_per_file=500)
    before = contents(tmp_path)
    (tmp_path / "profiles-00002.parquet").unlink()
    (tmp_path / "_tmp-99-profiles-00002.parquet").write_bytes(b"half a file, left by a killed run")
    kept = (tmp_path / "profiles-00001.parquet").stat().st_mtime_ns

    assert generate(2_000, 1, tmp_path, rows_per_file=500) == report
    assert contents(tmp_path) == before
    assert (tmp_path / "profiles-00001.parquet").stat().st_mtime_ns == kept


def test_a_folder_with_anything_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="the folder is not empty") as refusal:
        generate(100, 1, tmp_path)
    assert refusal.value.exit_code == 2
    assert contents(tmp_path) == {"thesis.txt": b"mine"}


@pytest.mark.parametrize(("rows", "seed"), [(101, 1), (100, 2)])
def test_a_folder_with_other_profiles_is_refused(tmp_path: Path, rows: int, seed: int) -> None:
    generate(100, 1, tmp_path)
    with pytest.raises(ConfigError, match="another request"):
        generate(rows, seed, tmp_path)


@pytest.mark.parametrize(("rows", "seed", "per_file"), [(0, 1, 10), (10, -1, 10), (10, 1, 0)])
def test_requests_without_sense_are_refused(tmp_path: Path, rows: int, seed: int, per_file: int) -> None:
    with pytest.raises(ConfigError, match="the least is"):
        generate(rows, seed, tmp_path, rows_per_file=per_file)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(AgecliError, match="cannot write profiles to") as refusal:
        generate(100, 1, tmp_path / "file")
    assert refusal.value.exit_code == 1


def test_progress_counts_up_to_all_rows(tmp_path: Path) -> None:
    seen: list[int] = []
    generate(2_500, 1, tmp_path, rows_per_file=1_000, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 2_500


def test_nothing_half_written_is_left_when_a_run_is_interrupted(tmp_path: Path) -> None:
    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(2_000, 1, tmp_path, rows_per_file=1_000, progress=interrupt)
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith("_tmp-")]
    assert generate(2_000, 1, tmp_path, rows_per_file=1_000).rows == 2_000
