"""Which stages must run: fingerprints of what each would make, held against what is there.

A fingerprint is the digest of all that decides a result: the source's content, SQL after substitution, the
settings that change results, the numbers of the stage's contract and of the dialect. Neither paths nor times nor
worker counts are in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agecli import recipe as recipes
from agecli.engines.base import DIALECT
from agecli.errors import AgecliError, DataError
from agecli.models.spec import FORMAT
from agecli.pipeline import source
from agecli.pipeline.frozen import FrozenRun
from agecli.pipeline.registration import version_of
from agecli.pipeline.source import digest_of
from agecli.workspace import Workspace, is_plain_name, read_json, read_object, write_json

# Raised when a stage changes what it writes for the same inputs.
CONTRACT = {"staging": 1, "features": 3, "train": 3, "plan": 1, "predict": 2, "results": 2}

ROW_GROUP_ROWS = 51_200  # 25 vectors of the embedded engine: a batch is made of whole row groups


@dataclass(frozen=True)
class Fingerprints:
    """What each stage of a run would make. `model` is the digest of the trained model once that is known."""

    staging: str
    features: str
    training: str
    plan: str
    reasons: int = 0

    def batch(self, number: int, model: str) -> str:
        """Of one batch's predictions."""
        return digest_of([CONTRACT["predict"], self.plan, model, number, *self._reasons])

    def results(self, run: FrozenRun, model: str, failed: tuple[int, ...]) -> str:
        """Of the results, given the model and the batches that failed."""
        recipe = run.recipe
        rules = [recipe.sql["results"], recipe.default, *self._reasons]
        return digest_of([CONTRACT["results"], DIALECT, self.plan, model, *rules, list(failed)])

    @property
    def _reasons(self) -> list[str]:
        return [f"reasons: {self.reasons}"] if self.reasons else []


def fingerprints(run: FrozenRun) -> Fingerprints:
    """The fingerprints of a run, from what was frozen at its start."""
    recipe, deciding = run.recipe, run.deciding
    rules = recipe.deciding()
    staging = digest_of(
        [
            CONTRACT["staging"],
            DIALECT,
            run.source.fingerprint,
            recipes.render(recipe.sql["staging"], {"source": "source", "as_of": run.as_of}),
            [rules[key] for key in ("task", "format", "id", "delimiter", "columns", "bounds")],
        ]
    )
    sql = recipes.render(recipe.sql["features"], {"staging": "staging", "source": "source", "as_of": run.as_of})
    features = digest_of(
        [CONTRACT["features"], DIALECT, staging, sql, list(recipe.features.items()), row_group_rows(run)]
    )
    training = digest_of(
        [
            [CONTRACT["train"], FORMAT],
            features,
            [rules[key] for key in ("task", "tolerance", "level", "segments", "monotone", "inputs", "model")],
            [deciding[key] for key in ("max_train_rows", "few_labels", "seed", "folds", "repeats")],
        ]
    )
    plan = digest_of([CONTRACT["plan"], features, deciding["batch_rows"]])
    return Fingerprints(staging, features, training, plan, reasons=deciding.get("reasons", 0))


def row_group_rows(run: FrozenRun) -> int:
    """Rows of a row group of the features: a batch cannot be smaller than one."""
    wanted = int(run.deciding["batch_rows"])
    return min(ROW_GROUP_ROWS, wanted) if wanted else ROW_GROUP_ROWS


def trained(workspace: Workspace, training: str) -> str | None:
    """The digest of the model that a training with this fingerprint gave, if it is still there."""
    found = read_object(_training_record(workspace, training))
    digest = found.get("digest") if found is not None and isinstance(found.get("card"), dict) else None
    if not is_plain_name(digest) or not (workspace.models / str(digest) / "card.json").is_file():
        return None
    return str(digest)


def _training_record(workspace: Workspace, training: str) -> Path:
    return workspace.models / "_trained" / f"{training}.json"


def model_of(run: FrozenRun) -> str | None:
    """The digest of the model that this run predicts with: the registered one it names, else the one it trained."""
    return run.model or trained(run.workspace, fingerprints(run).training)


def record_training(workspace: Workspace, training: str, card: dict[str, Any]) -> None:
    """Remembers which model a training gave, so that it need not be repeated, and what it found out about it: the
    same model may come of other segments, folds or unlabelled rows."""
    write_json(_training_record(workspace, training), {"digest": card["digest"], "card": card})


def card_of(workspace: Workspace, digest: str, training: str | None = None) -> dict[str, Any]:
    """The card of a saved model, as this training wrote it where it is one that gave it; empty where there is none."""
    record = read_object(_training_record(workspace, training)) if training else None
    if record is not None and record.get("digest") == digest and isinstance(record.get("card"), dict):
        return dict(record["card"])
    return read_object(workspace.models / digest / "card.json") or {}


def model_facts(workspace: Workspace, digest: str, training: str | None = None) -> dict[str, Any]:
    """The figures of a saved model, from its card."""
    card = card_of(workspace, digest, training)
    wanted = ("metrics", "test_rows", "interval", "labelled", "warnings", "shift", "importance", "cross_validation")
    facts = {key: card[key] for key in wanted if key in card}
    for key in ("evaluation", "cross_validation"):  # the segments stay in the card: they are many
        if key in card:
            facts[key] = {name: told for name, told in card[key].items() if name != "segments"}
    return {"model": digest, "training": training, **version_of(workspace, digest), **facts}


def read_plan(workspace: Workspace, plan: str) -> list[dict[str, Any]] | None:
    """The batches of a plan, or None when it is not made yet."""
    path = workspace.plan(plan) / "batches.json"
    found = read_json(path)
    if found is None:
        return None
    if not isinstance(found, list) or not all(map(_is_batch, found)):
        raise AgecliError(f"{path} is not as agecli wrote it", "it lists no batches", f"delete {path} and run again")
    return found


def _is_batch(item: object) -> bool:
    if not isinstance(item, dict) or not all(isinstance(item.get(key), int) for key in ("batch", "rows")):
        return False
    pieces = item.get("pieces")
    return isinstance(pieces, list) and all(
        isinstance(piece, dict) and is_plain_name(piece.get("file")) and isinstance(piece.get("row_groups"), list)
        for piece in pieces
    )


BATCH_KEY = "agecli.batch"  # in a prediction file's key-value metadata: fingerprint:rows scored


def fresh_batch(path: Path, fingerprint: str) -> int | None:
    """The rows that were scored in a prediction file made from the same inputs; None when missing or stale."""
    try:
        footer = source.parquet_footer(path)
    except (OSError, DataError):
        return None
    match = re.search(re.escape(fingerprint).encode() + rb":(\d+);", footer)
    return int(match[1]) if match else None


def fresh_batches(run: FrozenRun, model: str) -> dict[int, dict[str, Any]]:
    """The batches of this run's plan that need not be predicted again, with their facts."""
    prints = fingerprints(run)
    fresh = {}
    for item in read_plan(run.workspace, prints.plan) or ():
        number = item["batch"]
        scored = fresh_batch(run.workspace.batch(prints.plan, number), prints.batch(number, model))
        if scored is not None:
            fresh[number] = {"rows": item["rows"], "scored": scored}
    return fresh


def keeps_staging(run: FrozenRun, stages: Iterable[str]) -> bool:
    """Is the staging table wanted on disk? Where features follow, the setting decides; by itself it is what is made."""
    return run.materialise == "table" or set(stages) == {"stage"}


def staged(run: FrozenRun, stored: bool) -> dict[str, Any] | None:
    """What the stage `stage` wrote down, if that is whole; only of a table on disk, if it has to be `stored`."""
    facts = run.workspace.facts("staging", fingerprints(run).staging)
    return facts if facts is not None and (facts["files"] or not stored) else None


def stale(run: FrozenRun, stages: tuple[str, ...], force: bool) -> dict[str, str]:
    """The stages that must run to reach the last of `stages`, each with the reason.

    A stage whose product is whole is skipped, and so is everything that only it would have needed.
    """
    prints, workspace = fingerprints(run), run.workspace
    model = model_of(run)
    plan = read_plan(workspace, prints.plan)
    goal = [stage for stage in stages if stage != "cleanup"][-1:]
    whole = {
        "stage": staged(run, stored=keeps_staging(run, goal)) is not None,
        "features": workspace.facts("features", prints.features) is not None,
        "train": model is not None,
        "batches": plan is not None,
        "predict": plan is not None and model is not None and len(fresh_batches(run, model)) == len(plan),
        "aggregate": model is not None
        and workspace.facts("results", prints.results(run, model, ())) is not None
        and workspace.current("results") == prints.results(run, model, ()),
    }
    needs = {
        "aggregate": ("features", "train", "batches", "predict"),
        "predict": ("features", "train", "batches"),
        "batches": ("features",),
        "train": ("features",),
        "features": ("stage",),
        "stage": (),
    }
    reasons: dict[str, str] = {}
    pending = [(stage, "asked for") for stage in goal if not whole[stage]]
    if force:
        needless = ("cleanup", "train") if run.model else ("cleanup",)  # a registered model is not trained
        pending = [(stage, "--force") for stage in stages if stage not in needless]
    while pending:
        stage, why = pending.pop(0)
        if stage in reasons:
            continue
        reasons[stage] = why if why == "--force" else _reason(run, stage)
        pending += [(need, "needed") for need in needs[stage] if not whole[need]]
    return reasons


def _reason(run: FrozenRun, stage: str) -> str:
    if stage == "stage" and staged(run, stored=False) is not None:
        return "checked, but not stored as a table"
    table = {"stage": "staging", "features": "features", "aggregate": "results"}.get(stage)
    if table is None:
        return "not done yet for these inputs"
    return "the source, its SQL or a setting changed" if run.workspace.current(table) else "not there yet"
