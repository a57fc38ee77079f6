"""What a worker is asked to do: the executor writes each task as one line of JSON, the worker reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Task:
    """One stage of a run, whose frozen settings are in the folder `run`. Features, train and batches need no more, nor
    does `load`, by which a worker gets ready for features and does nothing else."""

    stage: str
    run: str

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Generate(Task):
    """Makes the rows of a recipe that comes with a generator, in the folder `out`; `run` is where errors belong."""

    rows: int
    seed: int
    out: str


@dataclass(frozen=True)
class Stage(Task):
    """Stages the source; `stages` are all that this run does."""

    stages: tuple[str, ...]


@dataclass(frozen=True)
class FeaturesPart(Task):
    """Writes into `folder` the files from number `file` on of a feature table of so many `rows`: those of the source's
    rows from `first` to before `last`."""

    folder: str
    rows: int
    first: int
    last: int
    file: int


@dataclass(frozen=True)
class FeaturesWhole(Task):
    """Looks at the feature table in `folder`, by what its `parts` told in their order."""

    folder: str
    parts: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Predict(Task):
    """Predicts one batch, an item of the plan, with the model of this digest."""

    item: dict[str, Any]
    model: str


@dataclass(frozen=True)
class Aggregate(Task):
    """Makes the results of all batches but those that failed.

    `publish_anyway` is the reason to make results current that the publication gate refuses, or empty; `again` makes
    them anew where they are there.
    """

    model: str
    batches: int
    failed: tuple[int, ...]
    publish_anyway: str
    again: bool


_KINDS: Mapping[str, type[Task]] = {
    "generate": Generate,
    "stage": Stage,
    "load": Task,
    "features": Task,
    "features part": FeaturesPart,
    "features whole": FeaturesWhole,
    "train": Task,
    "batches": Task,
    "predict": Predict,
    "aggregate": Aggregate,
}


def from_json(value: Mapping[str, Any]) -> Task:
    """The task that `to_json` wrote. Raises KeyError for an unknown stage, TypeError for a key missing or too many."""
    given: dict[str, Any] = {key: tuple(entry) if isinstance(entry, list) else entry for key, entry in value.items()}
    return _KINDS[value["stage"]](**given)
