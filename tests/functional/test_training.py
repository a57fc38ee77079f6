"""`agecli train` on real rows: cross-validation on demand, all of the card as JSON, one version for one model."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import agecli, ok


@pytest.fixture(scope="module")
def place(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("titanic") / "project"
    ok("init", folder, "--recipe", "titanic", "--source", real_data / "titanic" / "*.csv")
    ok("-C", folder, "run", "--to", "features")
    return folder


def test_a_cross_validation_is_added_to_the_card_of_the_same_model(place: Path) -> None:
    plain = ok("-C", place, "train", "--output", "json").json
    assert "cross_validation" not in plain
    crossed = ok("-C", place, "train", "--folds", 3, "--output", "json")
    assert crossed.json["digest"] == plain["digest"]
    assert crossed.json["cross_validation"]["folds"] == 3
    assert crossed.json["evaluation"] == plain["evaluation"]
    assert "cross-validation of 3 folds over 891 rows: accuracy 0.8" in crossed.err
    assert "the baseline" in crossed.err
    models = [path for path in (place / "workspace" / "titanic" / "models").iterdir() if (path / "card.json").is_file()]
    assert len(models) == 1
    listed = ok("-C", place, "train", "--folds", 3, "--output", "csv")  # fresh: nothing is trained
    assert listed.out.splitlines()[0] == "of,figure,value,low,high"
    assert "model,accuracy,0.8" in listed.out


def test_a_card_says_what_was_asked_of_its_own_training(place: Path) -> None:
    """Trainings that differ in folds or segments give the same model, and each has its card."""
    plain = ok("-C", place, "train", "--output", "json").json
    assert "cross_validation" not in plain
    (card,) = (place / "workspace" / "titanic" / "models").glob(f"{plain['digest']}/card.json")
    before = card.read_bytes()
    segments = ok("-C", place, "train", "--set", 'segments=["sex"]', "--output", "json").json
    assert 0 < len(segments["evaluation"]["segments"]) < len(plain["evaluation"]["segments"])
    crossed = ok("-C", place, "train", "--folds", 3, "--output", "json").json
    assert crossed["cross_validation"]["folds"] == 3
    assert crossed["about"]["recipe"] == "titanic" and crossed["about"]["trained_at"] > plain["about"]["trained_at"]
    assert crossed["data"]["features"] == plain["data"]["features"] and len(crossed["limits"]) >= 3
    assert crossed["evaluation"]["segments"] == plain["evaluation"]["segments"]
    assert card.read_bytes() == before, "the version that is registered keeps the card that was looked at"


def test_folds_that_are_none_are_refused(place: Path) -> None:
    answer = agecli("-C", place, "train", "--folds", 1)
    assert answer.code == 2
    assert "from 2 to 20 is wanted" in answer.err
