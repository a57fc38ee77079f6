"""Worker processes: what a task leaves behind."""

from __future__ import annotations

import gc
import weakref

import pytest

from agecli.executors.tasks import Predict, Task
from agecli.executors.worker import let_go


class Held:
    """An object that holds itself, as a Parquet footer's metadata and its schema hold each other."""

    def __init__(self) -> None:
        self.other = self


@pytest.mark.parametrize("task", [Predict("predict", "run", {}, "model"), Task("features", "run")])
def test_what_a_task_leaves_in_a_circle_is_freed_before_the_next_one(task: Task) -> None:
    left = Held()
    there = weakref.ref(left)
    del left
    assert there() is not None
    try:
        let_go(task)
        assert there() is None
    finally:
        gc.unfreeze()
