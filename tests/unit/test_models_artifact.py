"""A model's files: whole or not there, checked before use, and nothing in them is ever run."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agecli.errors import ConfigError, DataError
from agecli.models import artifact, card, fit
from agecli.models.fit import Trained

from .models_rows import planted, reader, spec


@pytest.fixture(scope="module")
def trained() -> Trained:
    return fit.train(reader(planted(400)), spec())


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    artifact.save(trained, tmp_path / "model")
    return tmp_path / "model"


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the card and makes its digest match again, as someone would who means harm."""
    content = json.loads((folder / "card.json").read_text())
    change(content)
    files = {name: (folder / name).read_bytes() for name in ("model.ubj", "spread.ubj")}
    content["digest"] = card.digest_of(content["decides"], files)
    (folder / "card.json").write_text(json.dumps(content))


def test_a_saved_model_is_five_files_and_nothing_else(folder: Path) -> None:
    names = ["baseline.json", "card.json", "evaluation.parquet", "model.ubj", "spread.ubj"]
    assert sorted(p.name for p in folder.iterdir()) == names
    assert [p.name for p in folder.parent.iterdir()] == ["model"]


def test_a_classifier_has_no_spread(tmp_path: Path) -> None:
    artifact.save(fit.train(reader(planted(200, classes=2)), spec(task="classification")), tmp_path / "m")
    names = ["baseline.json", "card.json", "evaluation.parquet", "model.ubj"]
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == names


def test_saving_again_changes_no_file(trained: Trained, folder: Path) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    artifact.save(trained, folder)
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before


def test_saving_mends_a_damaged_model(trained: Trained, folder: Path) -> None:
    (folder / "model.ubj").write_bytes(b"")
    artifact.save(trained, folder)
    assert artifact.load(folder).digest == trained.digest


def test_the_card_has_no_times_and_no_paths(folder: Path) -> None:
    text = (folder / "card.json").read_text()
    assert str(folder.parent) not in text
    assert "threads" not in text and "nthread" not in text


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such model"):
        artifact.load(tmp_path)


@pytest.mark.parametrize("name", ["model.ubj", "spread.ubj", "baseline.json"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "absent", "empty"])
def test_a_damaged_file_is_named(folder: Path, name: str, damage: str) -> None:
    path = folder / name
    content = path.read_bytes()
    middle = len(content) // 2
    if damage == "absent":
        path.unlink()
    elif damage == "flipped":
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        path.write_bytes(content[:middle] if damage == "truncated" else b"")
    with pytest.raises(DataError, match=name):
        artifact.load(folder)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "absent", "unlisted", "no Parquet"])
def test_evaluation_that_is_not_the_saved_one_is_refused(folder: Path, damage: str) -> None:
    path, card = folder / "evaluation.parquet", folder / "card.json"
    content, told = path.read_bytes(), json.loads(card.read_text())
    middle = len(content) // 2
    if damage == "truncated":
        path.write_bytes(content[:middle])
    elif damage == "flipped":
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif damage == "absent":
        path.unlink()
    elif damage == "unlisted":
        card.write_text(json.dumps({**told, "files": []}))
    else:
        path.write_bytes(b"PAR1 and nothing behind")
        told["files"]["evaluation.parquet"] = hashlib.sha256(path.read_bytes()).hexdigest()
        card.write_text(json.dumps(told))
    with pytest.raises(DataError, match=r"evaluation\.parquet"):
        artifact.evaluation(folder)


def test_evaluation_has_a_row_for_each_held_out_row(folder: Path, trained: Trained) -> None:
    table = artifact.evaluation(folder)
    assert table.num_rows == trained.card["test_rows"]
    assert table.column_names[:7] == ["id", "truth", "prediction", "confidence", "baseline", "lower", "upper"]
    truth, told, lower, upper = (table[name].to_numpy() for name in ("truth", "prediction", "lower", "upper"))
    assert np.abs(truth - told).mean() == pytest.approx(trained.card["metrics"]["model"]["mae"])
    assert (lower <= told).all() and (told <= upper).all()
    assert len(set(table["id"].to_pylist())) == table.num_rows


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "null", '{"decides": {}}', "[" * 100_000, "\udcff"])
def test_a_card_that_is_none(folder: Path, content: str) -> None:
    (folder / "card.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match="damaged"):
        artifact.load(folder)


def test_a_card_that_was_changed_is_not_trusted(folder: Path) -> None:
    content = json.loads((folder / "card.json").read_text())
    content["decides"]["calibration"]["factor"] = 0.1
    (folder / "card.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="digest does not match"):
        artifact.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["decides"].update(tolerance=99.0),
        lambda c: c["decides"]["features"].pop(),
        lambda c: c["decides"]["features"][0].append("numeric"),
        lambda c: c["decides"]["calibration"].update(floor=-1),
        lambda c: c["decides"]["calibration"].update(factor="wide"),
        lambda c: c["decides"]["calibration"].update(factor=1e308),
        lambda c: c["decides"]["calibration"]["level_out"].update(x=[0.0], y=[1e308]),
        lambda c: c["decides"]["calibration"]["confidence"].update(x=[3, 2, 1]),
        lambda c: c["decides"]["calibration"]["confidence"].update(x=[0, 1], y=[0.5, 1e308]),
        lambda c: c["decides"]["calibration"]["confidence"].update(x=[0, 1], y=[-0.5, 0.5]),
        lambda c: c["decides"].update(classes=["a", "b"]),
        lambda c: c["decides"].update(vocabularies={}),
        lambda c: c["decides"].update(format=99),
        lambda c: c["spec"].pop("task"),
        lambda c: c["spec"].update(features=[["other", "numeric"]]),
        lambda c: c.update(files={}),
    ],
)
def test_a_card_that_makes_no_sense_is_refused_even_with_a_digest_that_matches(
    folder: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    rewrite(folder, change)
    with pytest.raises(DataError):
        artifact.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["calibration"].update(tables=[]),
        lambda d: d["calibration"].update(tables=d["calibration"]["tables"] * 3),
        lambda d: d["calibration"]["tables"][0].update(y=[1e308] * len(d["calibration"]["tables"][0]["y"])),
        lambda d: d["calibration"]["tables"][0].update(y=[0.0] * len(d["calibration"]["tables"][0]["y"])),
        lambda d: d.update(classes=["k0"]),
        lambda d: d.update(classes=["k0", "k0"]),
        lambda d: d.update(classes=["k0", "k1", "k2"]),
    ],
)
def test_classes_that_their_tables_do_not_fit_are_refused_before_a_row_is_scored(
    change: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    artifact.save(fit.train(reader(planted(200, classes=2)), spec(task="classification")), tmp_path / "m")
    told = json.loads((tmp_path / "m" / "card.json").read_text())
    change(told["decides"])
    told["digest"] = card.digest_of(told["decides"], {"model.ubj": (tmp_path / "m" / "model.ubj").read_bytes()})
    (tmp_path / "m" / "card.json").write_text(json.dumps(told))
    with pytest.raises(DataError, match="damaged"):
        artifact.load(tmp_path / "m")


def test_trees_over_other_features_do_not_fit(folder: Path) -> None:
    def drop(content: dict[str, Any]) -> None:
        content["decides"]["features"].pop()
        content["spec"]["features"].pop()

    rewrite(folder, drop)
    with pytest.raises(DataError, match=r"model\.ubj is damaged: its kinds of features are others"):
        artifact.load(folder)


def test_trees_that_are_no_trees_are_refused_even_with_digests_that_match(folder: Path) -> None:
    import hashlib

    for content in (b"\x80\x04cos\nsystem\n", b"{", b"{}", b'{"learner": {}}'):
        (folder / "model.ubj").write_bytes(content)
        rewrite(folder, lambda c, b=content: c["files"].update({"model.ubj": hashlib.sha256(b).hexdigest()}))
        with pytest.raises(DataError, match=r"model\.ubj"):
            artifact.load(folder)


def test_a_copy_is_the_same_model(folder: Path, trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert artifact.load(tmp_path / "elsewhere").digest == trained.digest
