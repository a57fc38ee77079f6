"""Advice that pays is computed from the files at hand; where nothing pays, nothing is said."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli import config
from agecli.cost import advice, prices, services, work

ROWS = 20_000
HUGE = 2_000_000_000

_RECIPE = """
task = "regression"
label = "y"
[source]
format = "{form}"
id = "id"
[source.columns]
id = "varchar"
mail = "varchar"
y = "{kind}"
[confidence]
tolerance = 1
[features]
has_mail = "numeric"
"""
_STAGING = """
SELECT id, {label} AS known_label, 'told' AS label_source, mail IS NOT NULL AS has_mail{more} FROM ${{source}}
"""
_FEATURES = "SELECT id, known_label, label_source, CAST(has_mail AS double) AS has_mail FROM ${staging}"


@pytest.fixture
def advised(tmp_path):
    """What is advised for 20,000 rows written in some way, were they two billion."""

    def given(write, form="parquet", more="", rows=HUGE):
        folder = tmp_path / "queries" / "small"
        folder.mkdir(parents=True)
        kind, label = ("varchar", "TRY_CAST(y AS double)") if form == "csv" else ("double", "y")
        (folder / "recipe.toml").write_text(_RECIPE.format(form=form, kind=kind))
        (folder / "staging.sql").write_text(_STAGING.format(label=label, more=more))
        (folder / "features.sql").write_text(_FEATURES)
        source = tmp_path / "rows"
        source.mkdir()
        write(source)
        toml = f'recipe = "small"\nsource = "rows"\nperiod = "2026Q3"\nworkspace = "{tmp_path}/workspace"\n'
        (tmp_path / "agecli.toml").write_text(toml)
        settings = config.resolve(tmp_path, environ={})
        found = services.estimate(work.work_of(settings, rows), prices.load().region("us-east-1"))
        return {one.kind: one for one in advice.advise(found)}

    return given


def table(start=0, rows=ROWS):
    ids = [f"{number:032d}" for number in range(start, start + rows)]
    mails = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(start, start + rows)]
    return pa.table({"id": ids, "mail": mails, "y": [float(number % 50) for number in range(start, start + rows)]})


def zstd(folder):
    pq.write_table(table(), folder / "rows.parquet", compression="zstd")


def test_a_column_asked_only_for_its_presence_is_named_with_what_it_costs(advised):
    found = advised(zstd)["columns"]
    assert found.text.startswith("mail: ")
    assert found.usd_per_run > 0


def test_a_column_whose_value_is_used_as_well_is_not(advised):
    assert "columns" not in advised(zstd, more=", length(mail) AS mail_length")


def test_another_codec_is_advised_by_writing_a_row_group_again(advised):
    plain = advised(lambda folder: pq.write_table(table(), folder / "rows.parquet", compression="none"))
    assert "instead of UNCOMPRESSED" in plain["compression"].text
    assert plain["compression"].usd_per_run > 0


def test_what_is_compressed_already_is_left_alone(advised):
    assert "compression" not in advised(zstd)


def test_csv_is_told_what_parquet_would_save(advised):
    def csv(folder):
        lines = [f"{row['id']},{row['mail']},{row['y']}" for row in table().to_pylist()]
        (folder / "rows.csv").write_text("\n".join(["id,mail,y", *lines]) + "\n")

    found = advised(csv, form="csv")["format"]
    assert "the source as Parquet" in found.text
    assert found.usd_per_run > 0


def test_many_small_files_are_told_what_few_would_save(advised):
    def small(folder):
        for part in range(40):
            pq.write_table(table(part * 500, 500), folder / f"{part:02d}.parquet", compression="zstd")

    found = advised(small)["row groups"]
    assert "instead of 40" in found.text
    assert found.usd_per_run > 0


def test_nothing_is_said_of_what_saves_nothing(advised):
    found = advised(zstd, rows=ROWS)
    assert set(found) <= {"standing"}  # endpoints stand whatever the rows


def test_advice_comes_with_the_most_first(advised):
    found = list(advised(lambda folder: pq.write_table(table(), folder / "rows.parquet", compression="none")).values())
    worth = [max(one.usd_per_run, one.usd_per_month) for one in found]
    assert worth == sorted(worth, reverse=True)
