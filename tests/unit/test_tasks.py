"""What the executor asks of a worker arrives as it was meant, with all its parts."""

from __future__ import annotations

import json

import pytest

from agecli.executors import tasks

TASKS = (
    tasks.Generate("generate", "/w", 1_000, 42, "/w/generated"),
    tasks.Stage("stage", "/w/runs/r1", ("features", "stage")),
    tasks.Task("load", "/w/runs/r1"),
    tasks.Task("features", "/w/runs/r1"),
    tasks.FeaturesPart("features part", "/w/runs/r1", "/w/features/_tmp-1", 900, 300, 600, 6),
    tasks.FeaturesWhole("features whole", "/w/runs/r1", "/w/features/_tmp-1", ({"rows": 300}, {"rows": 600})),
    tasks.Task("train", "/w/runs/r1"),
    tasks.Task("batches", "/w/runs/r1"),
    tasks.Predict("predict", "/w/runs/r1", {"batch": 3, "rows": 500, "groups": [["part.parquet", 0]]}, "abc"),
    tasks.Aggregate("aggregate", "/w/runs/r1", "abc", 4, (2, 3), "known to differ", False),
    tasks.Aggregate("aggregate", "/w/runs/r1", "abc", 4, (), "", True),
)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.stage)
def test_a_task_is_read_as_it_was_written(task):
    assert tasks.from_json(json.loads(json.dumps(task.to_json()))) == task


@pytest.mark.parametrize("key", ["again", "publish_anyway", "failed", "batches", "model", "run"])
def test_no_part_has_a_silent_default(key):
    written = TASKS[-1].to_json()
    del written[key]
    with pytest.raises(TypeError, match=key):
        tasks.from_json(written)


def test_a_part_that_nobody_knows_is_refused():
    with pytest.raises(TypeError, match="agian"):
        tasks.from_json({**TASKS[2].to_json(), "agian": True})
    with pytest.raises(KeyError, match="tidy"):
        tasks.from_json({"stage": "tidy", "run": "/w/runs/r1"})
