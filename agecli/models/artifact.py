"""A model as files, and back: XGBoost's own UBJ and plain JSON, never anything that can run code.

    model.ubj       the point trees
    spread.ubj      the spread trees (regression)
    baseline.json   the linear model
    evaluation.parquet   what was told of each row that no model saw, beside its truth
    card.json       all else: what decides predictions (`decides`), the spec, figures, and each file's SHA-256

The folder appears whole or not at all. What is loaded is checked against the digests in the card before XGBoost
sees it.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from agecli.errors import AgecliError, ConfigError, DataError
from agecli.models import card as cards
from agecli.models import trees
from agecli.models.baseline import Baseline
from agecli.models.calibrate import ClassCalibration, NumberCalibration
from agecli.models.encode import Encoder, Vocabulary
from agecli.models.fit import Trained
from agecli.models.score import Model
from agecli.models.spec import FORMAT, ModelSpec
from agecli.workspace import new_folder

_FIX = "train again: `agecli run --from train --force`"
_MOST_BYTES = 2**30
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


def save(trained: Trained, folder: Path) -> None:
    """Writes the model to `folder`; does nothing where the same model is there already, whole.

    So a version's card stays as it was registered, whatever later trainings that give the same model say.
    """
    if _is_whole(folder):
        return
    files = dict(trained.files)
    files["baseline.json"] = _dump(trained.model.baseline.to_json())
    files["evaluation.parquet"] = trained.evaluation()
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files["card.json"] = _dump({**trained.card, "files": sums})
    with new_folder(folder) as temporary:
        for name, content in files.items():
            (temporary / name).write_bytes(content)


def load(folder: Path, threads: int = 1) -> Model:
    """The model in `folder`; one that is named like a digest holds the model with that digest and no other.

    ConfigError if none is there, DataError if its files are damaged or do not fit.
    """
    if not (folder / "card.json").is_file():
        raise ConfigError("no such model", f"there is no card.json in {folder}", "run `agecli train`")
    card = _json(folder, "card.json")
    try:
        return _build(folder, card, threads)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        why = f"card.json or baseline.json do not hold what they should ({type(error).__name__}: {error})"
        raise DataError(f"the model in {folder} is damaged", why, _FIX) from None


def evaluation(folder: Path) -> pa.Table:
    """`evaluation.parquet` of the model in `folder`; DataError where it is not the file that was saved."""
    sums = _json(folder, "card.json").get("files")
    content = _checked(folder, "evaluation.parquet", sums if isinstance(sums, dict) else {})
    try:
        return pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError):
        why = "evaluation.parquet is no Parquet file"
        raise DataError(f"the model in {folder} is damaged", why, _FIX) from None


def _build(folder: Path, card: dict[str, Any], threads: int) -> Model:
    decides, sums = card["decides"], card["files"]
    if decides["format"] != FORMAT:
        why = f"it has format {decides['format']}, this agecli reads {FORMAT}"
        raise DataError(f"the model in {folder} cannot be read", why, _FIX)
    regression = decides["task"] == "regression"
    wanted = ["model.ubj", "spread.ubj"] if regression else ["model.ubj"]
    files = {name: _checked(folder, name, sums) for name in [*wanted, "baseline.json"]}
    forest = {name: files[name] for name in wanted}
    digest = cards.digest_of(decides, forest)
    if digest != card["digest"]:
        why = "its digest does not match its files: something was changed after training"
        raise DataError(f"the model in {folder} is not to be trusted", why, _FIX)
    if _DIGEST.match(folder.name) and folder.name != digest:
        raise DataError(f"the model in {folder} is not to be trusted", f"it is another one, {digest[:16]}", _FIX)
    spec = ModelSpec.from_json({**card["spec"], "threads": threads})
    features = tuple((name, kind) for name, kind in decides["features"])
    if (spec.task, spec.features, spec.tolerance, spec.level) != (
        decides["task"],
        features,
        decides["tolerance"],
        decides["level"],
    ):
        raise ValueError("spec and decides differ")
    words = {n: Vocabulary(tuple(v["words"]), bool(v["others"])) for n, v in decides["vocabularies"].items()}
    encoder = Encoder(features, words)
    classes = tuple(str(word) for word in decides["classes"])
    point = trees.parse(forest["model.ubj"], "model.ubj", threads, len(features), len(classes))
    spread = trees.parse(forest["spread.ubj"], "spread.ubj", threads, len(features), 0) if regression else None
    calibration = (NumberCalibration if regression else ClassCalibration).from_json(decides["calibration"])
    baseline = Baseline.from_json(_parse(files["baseline.json"], folder / "baseline.json"))
    _fit(encoder, classes, calibration, baseline)
    return Model(
        spec=spec,
        encoder=encoder,
        classes=classes,
        point=point,
        spread=spread,
        calibration=calibration,
        baseline=baseline,
        card=card,
        digest=digest,
    )


def _fit(
    encoder: Encoder, classes: tuple[str, ...], calibration: NumberCalibration | ClassCalibration, baseline: Baseline
) -> None:
    """Raises ValueError where the parts of a model are not made for each other."""
    if isinstance(calibration, NumberCalibration):
        fits, outputs = not classes, 1
    else:
        fits, outputs = len(classes) == len(set(classes)) >= 2 and calibration.fits(len(classes)), len(classes)
    if not fits:
        raise ValueError("calibration and classes differ")
    if list(baseline.design.kinds) != encoder.kinds or len(baseline.intercept) != outputs:
        raise ValueError("the baseline is for other features or classes")


def _checked(folder: Path, name: str, sums: dict[str, str]) -> bytes:
    """The bytes of a file whose SHA-256 is the one in the card."""
    content = _read(folder / name)
    if hashlib.sha256(content).hexdigest() != sums.get(name):
        why = f"{name} is not the file that was saved (its SHA-256 differs from the card's)"
        raise DataError(f"the model in {folder} is damaged", why, _FIX)
    return content


def _json(folder: Path, name: str) -> dict[str, Any]:
    found = _parse(_read(folder / name), folder / name)
    if not isinstance(found, dict):
        raise DataError(f"the model in {folder} is damaged", f"{name} holds no JSON object", _FIX)
    return found


def _parse(content: bytes, path: Path) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise DataError(f"the model in {path.parent} is damaged", f"{path.name} is not JSON", _FIX) from None


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"the model in {path.parent} is damaged", f"{path.name} is larger than any model", _FIX)
        return path.read_bytes()
    except OSError as error:
        why = f"{path.name} cannot be read ({error.strerror})"
        raise DataError(f"the model in {path.parent} is damaged", why, _FIX) from None


def _is_whole(folder: Path) -> bool:
    try:
        load(folder)
        evaluation(folder)
    except AgecliError:
        return False
    return True


def _dump(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
