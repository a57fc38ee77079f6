"""The manifest of a run is the fold of its events."""

import pytest

from agecli.events import (
    BATCH_FAILED,
    BATCH_FINISHED,
    RUN_FINISHED,
    RUN_STARTED,
    STAGE_FINISHED,
    STAGE_SKIPPED,
    STAGE_STARTED,
    WARNING,
    Event,
    fold,
)


def told(kind, stage=None, batch=None, **data):
    return Event(kind, "r1", stage, batch, data)


def test_a_run_with_a_failed_batch_folds_to_what_scripts_read():
    manifest = fold(
        [
            told(RUN_STARTED, recipe="profiles", task="regression", stages=["stage", "predict", "aggregate"]),
            told(STAGE_SKIPPED, "stage", rows=10, rows_in=10),
            told(STAGE_STARTED, "predict"),
            told(BATCH_FINISHED, "predict", 0, rows=5),
            told(BATCH_FAILED, "predict", 1, rows=5),
            told(STAGE_FINISHED, "predict", rows=5, seconds=1.5),
            told(WARNING, message="look"),
            told(STAGE_FINISHED, "aggregate", rows=10, rows_out=10, known=4, predicted=3, defaulted=3, results="/r"),
            told(RUN_FINISHED, state="partial", seconds=2),
        ]
    ).to_json()
    assert manifest["state"] == "partial"
    assert [manifest[k] for k in ("rows_in", "rows_out", "known", "predicted", "defaulted", "results")] == [
        10,
        10,
        4,
        3,
        3,
        "/r",
    ]
    assert [(s["name"], s["state"], s["skipped"]) for s in manifest["stages"]] == [
        ("stage", "done", True), ("predict", "done", False), ("aggregate", "done", False),
    ]  # fmt: skip
    assert manifest["stages"][1]["batches_failed"] == [1]
    assert manifest["warnings"] == ["look"]


def test_an_event_survives_its_json_form():
    event = told(BATCH_FINISHED, "predict", 3, rows=1)
    assert Event.from_json(event.to_json()) == event


def test_an_event_of_a_newer_agecli_is_read():
    event = told(BATCH_FINISHED, "predict", 3, rows=1)
    assert Event.from_json(event.to_json()[:-1] + ', "colour": "blue"}') == event


@pytest.mark.parametrize("line", ["[]", "{}", "3", '"run_started"', "{"])
def test_what_is_no_event_is_a_value_error(line):
    with pytest.raises(ValueError):
        Event.from_json(line)
