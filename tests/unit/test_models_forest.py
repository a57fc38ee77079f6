"""No bytes reach XGBoost unless they are sound trees: it would crash on others."""

from __future__ import annotations

import random

import pytest

from agecli.models import fit, forest

from .models_rows import planted, reader, spec

KINDS = {"regression": 0, "binary": 2, "classes": 3}


def trained(classes: int) -> bytes:
    task = "classification" if classes else "regression"
    return fit.train(reader(planted(400, classes=classes)), spec(task=task, params={"rounds": 4})).files["model.ubj"]


FILES = {kind: trained(classes) for kind, classes in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_what_training_writes_is_sound(kind: str) -> None:
    forest.check(FILES[kind], 4, KINDS[kind])


@pytest.mark.parametrize(("features", "classes"), [(5, 0), (4, 3)])
def test_a_forest_for_other_columns_or_classes_is_refused(features: int, classes: int) -> None:
    with pytest.raises(ValueError, match=r"features|classes"):
        forest.check(FILES["regression"], features, classes)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_short_is_refused_at_every_length(kind: str) -> None:
    for length in range(0, len(FILES[kind]), 7):
        with pytest.raises(ValueError):
            forest.check(FILES[kind][:length], 4, KINDS[kind])


def test_bytes_behind_the_model_are_refused() -> None:
    with pytest.raises(ValueError, match="left over"):
        forest.check(FILES["regression"] + b"}", 4, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_changed_bytes_are_refused_with_a_reason_or_harmless(kind: str) -> None:
    chance = random.Random(kind)
    refused = 0
    for _ in range(1_500):
        changed = bytearray(FILES[kind])
        for _ in range(chance.choice([1, 1, 4])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            forest.check(bytes(changed), 4, KINDS[kind])
        except ValueError as error:
            assert str(error)
            refused += 1
    assert refused > 500


def number(name: str, position: int, value: int) -> bytes:
    """The regression's file with one int32 of the first array of that name changed."""
    data = bytearray(FILES["regression"])
    start = data.index(name.encode() + b"[$l#L") + len(name) + 5 + 8 + 4 * position
    data[start : start + 4] = value.to_bytes(4, "big", signed=True)
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("left_children", 10_000, "each node once"),
        ("left_children", 0, "each node once"),
        ("right_children", -1, "one child only"),
        ("parents", 3, "root has a parent"),
        ("split_indices", 4, "feature that is not there"),
        ("split_indices", -1, "feature that is not there"),
    ],
)
def test_a_tree_that_is_none_is_refused(name: str, value: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        forest.check(number(name, 0, value), 4, 0)
