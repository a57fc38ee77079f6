"""What decides a result is in its fingerprint, and nothing else."""

import pytest

from agecli import config, recipe
from agecli.engines.base import Table
from agecli.pipeline import graph, space
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.source import Source
from agecli.workspace import Workspace


@pytest.fixture
def run(tmp_path):
    settings = config.resolve(tmp_path, {}, {})
    titanic = recipe.load(recipe.shipped() / "titanic")
    workspace = Workspace(tmp_path / "workspace", "titanic", "2026Q3")
    (tmp_path / "rows.csv.gz").write_bytes(b"0" * 1000)
    source = Source(Table((str(tmp_path / "rows.csv.gz"),), "csv"), "digest", 1000)
    return FrozenRun("r1", workspace, titanic, settings.deciding(), source, 2, 1 << 30)


def test_a_corrected_dialect_makes_all_again_that_its_sql_made(run, monkeypatch):
    before, results = graph.fingerprints(run), graph.fingerprints(run).results(run, "m", ())
    monkeypatch.setattr(graph, "DIALECT", graph.DIALECT + 1)
    after = graph.fingerprints(run)
    assert not {before.staging, before.features, results} & {after.staging, after.features, after.results(run, "m", ())}
    monkeypatch.setattr(graph, "fingerprints", lambda _: before)
    assert before.results(run, "m", ()) != results  # also where only results.sql is concerned


def test_training_needs_disk_for_its_rows_and_packed_text_grows(run):
    nothing = space.expected_bytes(run, 1000, set())
    assert space.expected_bytes(run, 1000, {"train"}) == nothing + 4 * 1000 * len(run.recipe.features)
    assert space.expected_bytes(run, 1000, {"stage"}) > nothing + 1000
