"""The publication gate: which changes between two results are told, and which are left alone."""

from __future__ import annotations

import copy

import pytest

from agecli.pipeline.publication import changes, last_published
from agecli.recipe import Publication
from agecli.workspace import MARKER, Workspace, write_json

LIMITS = Publication()
NUMBERS = {
    "rows_out": 1_000,
    "defaulted": 10,
    "profile": {
        "task": "regression", "label": "age", "tolerance": 5.0, "rows": 600,
        "prediction": {"mean": 40.0, "spread": 10.0}, "confidence": {"mean": 0.8, "spread": 0.1},
    },
}  # fmt: skip
CLASSES = {
    "rows_out": 1_000,
    "defaulted": 0,
    "profile": {
        "task": "classification", "label": "survived", "tolerance": None, "rows": 400,
        "shares": {"0": 0.6, "1": 0.4}, "confidence": {"mean": 0.8, "spread": 0.1},
    },
}  # fmt: skip


def changed(facts: dict, **by: object) -> dict:
    """A copy with some facts changed: rows_out=..., profile__prediction__mean=..."""
    found = copy.deepcopy(facts)
    for name, value in by.items():
        *parents, last = name.split("__")
        place = found
        for parent in parents:
            place = place[parent]
        place[last] = value
    return found


@pytest.mark.parametrize("facts", [NUMBERS, CLASSES], ids=["numbers", "classes"])
def test_the_same_again_changes_nothing(facts):
    assert list(changes(facts, facts, LIMITS)) == []


@pytest.mark.parametrize(
    ("facts", "change", "said"),
    [
        (NUMBERS, {"rows_out": 400}, "there are 400 rows, were 1,000"),
        (NUMBERS, {"defaulted": 300}, "the share of defaults is 30.0%, was 1.0%"),
        (NUMBERS, {"profile__prediction__mean": 46.0}, "the mean prediction is 46, was 40 (0.60 standard deviations"),
        (NUMBERS, {"profile__prediction__spread": 2.0}, "the standard deviation of the predictions is 2, was 10"),
        (NUMBERS, {"profile__prediction__spread": 31.0}, "the standard deviation of the predictions is 31, was 10"),
        (NUMBERS, {"profile__confidence__mean": 0.4}, "the mean confidence is 0.400, was 0.800"),
        (NUMBERS, {"profile__confidence__spread": 0.45}, "the standard deviation of the confidence is 0.450"),
        (CLASSES, {"profile__shares": {"0": 0.95, "1": 0.05}}, "the share of predictions '0' is 95.0%, was 60.0%"),
        (CLASSES, {"profile__shares": {"0": 0.6, "2": 0.4}}, "the share of predictions '1' is 0.0%, was 40.0%"),
    ],
)
def test_a_change_beyond_its_limit_is_told_with_figures(facts, change, said):
    assert said in "; ".join(changes(facts, changed(facts, **change), LIMITS))


@pytest.mark.parametrize(
    "change",
    [
        {"rows_out": 100_000, "defaulted": 1_000},  # from a sample to the whole
        {"rows_out": 600},
        {"defaulted": 0},
        {"profile__prediction__mean": 44.0},
        {"profile__tolerance": 2.0, "profile__confidence__mean": 0.3},  # another question
        {"profile__label": "height", "profile__prediction__mean": 170.0},
        {"profile__rows": 30, "profile__prediction__mean": 60.0},  # too few to tell
    ],
    ids=str,
)
def test_a_change_that_may_be_meant_or_be_chance_is_left_alone(change):
    assert list(changes(NUMBERS, changed(NUMBERS, **change), LIMITS)) == []


def test_the_recipe_sets_the_limits():
    strict = Publication(rows_gained=0.1, mean=0.05)
    found = changed(NUMBERS, rows_out=1_200, profile__prediction__mean=41.0)
    assert len(list(changes(NUMBERS, found, strict))) == 2


def test_results_without_a_profile_are_compared_by_their_rows():
    assert list(changes({"rows_out": 1_000, "defaulted": 0}, NUMBERS, LIMITS)) == []
    assert list(changes({"rows_out": 5_000, "defaulted": 0}, NUMBERS, LIMITS)) != []


def published(workspace: Workspace, fingerprint: str) -> None:
    write_json(workspace.table("results", fingerprint) / MARKER, {"rows_out": 1, "files": []})
    workspace.set_current("results", fingerprint)


def test_the_last_results_are_this_periods_else_the_latest_earlier_ones(tmp_path):
    place = {period: Workspace(tmp_path, "profiles", period) for period in ("2025Q4", "2026Q1", "2026Q2", "2026Q3")}
    assert last_published(place["2026Q2"]) is None
    for period in ("2025Q4", "2026Q1", "2026Q3"):
        published(place[period], f"of{period}")
    (tmp_path / "profiles" / "notes" / "results").mkdir(parents=True)
    (tmp_path / "profiles" / "notes" / "results" / "_current.json").write_text("{}")
    (tmp_path / "profiles" / "2026-04" / "results").mkdir(parents=True)
    (tmp_path / "profiles" / "2026-04" / "results" / "_current.json").write_text("{}")
    found = last_published(place["2026Q2"])
    assert found is not None and (found.period, found.fingerprint) == ("2026Q1", "of2026Q1")
    published(place["2026Q2"], "own")
    found = last_published(place["2026Q2"])
    assert found is not None and found.name == "2026Q2/results/own"
