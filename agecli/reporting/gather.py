"""Reads what a report shows: the run's manifest, the model's card, its held-out rows, the results.

Each part may be absent (a run of one stage, a model from before a part was written): it is None then, and the page
says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from agecli.engines import open_engine
from agecli.engines.base import Table
from agecli.events import Manifest
from agecli.models import artifact
from agecli.pipeline.graph import card_of
from agecli.recipe import Recipe
from agecli.workspace import Workspace, manifest

BINS = 20
MOST_DOTS = 200_000


@dataclass(frozen=True)
class Findings:
    """All that a report shows. `confidence` counts predicted rows in `BINS` bins of equal width over 0 to 1."""

    manifest: Manifest
    recipe: Recipe | None
    facts: Mapping[str, Any]
    card: Mapping[str, Any] | None
    held_out: pa.Table | None
    confidence: tuple[int, ...] | None

    @property
    def unit(self) -> str:
        """The label's unit as a word behind a number, empty where the recipe names none."""
        return self.recipe.unit if self.recipe is not None else ""

    @property
    def label(self) -> str:
        return self.recipe.label if self.recipe is not None else "label"


def gather(workspace: Workspace, run_id: str, recipe: Recipe | None) -> Findings:
    """What there is to say of a run. Raises DataError for a model or results that cannot be read."""
    told = manifest(workspace, run_id)
    facts = told.facts()
    digest = facts.get("model")
    return Findings(
        manifest=told,
        recipe=recipe,
        facts=facts,
        card=_card(workspace, str(digest), told) if digest else None,
        held_out=_held_out(workspace, str(digest)) if digest else None,
        confidence=_confidence(workspace, facts),
    )


def _card(workspace: Workspace, digest: str, told: Manifest) -> dict[str, Any] | None:
    """The card that the run's own training wrote: another may have made the same model."""
    if not (workspace.models / digest / "card.json").is_file():
        return None
    artifact.load(workspace.models / digest)  # nothing is said of a model that is not what it was
    trained = next((record.facts for record in told.stages if record.name == "train"), {})
    return card_of(workspace, digest, trained.get("training"))


def _held_out(workspace: Workspace, digest: str) -> pa.Table | None:
    folder = workspace.models / digest
    return artifact.evaluation(folder).slice(0, MOST_DOTS) if (folder / "card.json").is_file() else None


def _confidence(workspace: Workspace, facts: Mapping[str, Any]) -> tuple[int, ...] | None:
    """The confidence of predicted rows, from the results that this run made; None where they are gone."""
    fingerprint = str(facts.get("results") or "").rsplit("/", 1)[-1]
    marker = workspace.facts("results", fingerprint) if fingerprint else None
    if marker is None:
        return None
    folder = workspace.table("results", fingerprint)
    table = Table(tuple(str(folder / name) for name in marker["files"]))
    sql = (
        f"SELECT least(CAST(floor(confidence * {BINS}e0) AS integer), {BINS - 1}) AS bin, count(*) AS n"
        " FROM results WHERE source = 'PREDICTED' AND confidence IS NOT NULL GROUP BY 1"
    )
    counts = [0] * BINS
    for batch in open_engine("duckdb").read(sql, {"results": table}):
        for row in batch.to_pylist():
            counts[row["bin"]] = row["n"]
    return tuple(counts)
