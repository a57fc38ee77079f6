"""A worker process: reads tasks as JSON lines on standard input, writes what happens as JSON lines on its output.

    python -m agecli.executors.worker
    {"log": "<file>", "task": {"stage": "features", "run": "<folder of the frozen run>"}}

One process does one task at a time. It dies with its parent: when standard input closes, wherever it is. What
libraries print goes into the log that comes with the task; until the first comes, to standard error.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from agecli.errors import AgecliError
from agecli.executors import tasks
from agecli.executors.tasks import Task
from agecli.executors.usage import Meter
from agecli.lean import leave_pandas_out

Emit = Callable[[str, dict[str, Any]], None]


def main() -> None:
    """Serves tasks until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    # fork children and libraries inherit descriptor 1: give them the log, and keep the pipe for ourselves
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    leave_pandas_out()
    gc.set_threshold(100_000)  # imports and plans make many objects, none of which can go
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    log = ""
    while True:
        given = json.loads(lines.get())
        if given["log"] != log:
            log = given["log"]
            _print_into(Path(log))
        task = tasks.from_json(given["task"])
        _serve(task, output)
        let_go(task)


def _print_into(log: Path) -> None:
    """Has what this process prints, by whichever library, go into a file; where it cannot, all stays as it was."""
    with contextlib.suppress(OSError), log.open("ab") as stream:
        os.dup2(stream.fileno(), 2)
        os.dup2(stream.fileno(), 1)


def let_go(task: Task) -> None:
    """Frees what the task has left, and gives it back to the system where the next task may be long in coming."""
    if task.stage == "predict":  # the next batch comes at once and wants the same memory again
        gc.collect(1)  # of a Parquet footer the metadata and its schema hold each other
        return
    gc.collect()
    gc.freeze()  # what is there now, modules and the like, stays: later collections need not look at it
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):  # only the GNU library has it
        ctypes.CDLL(None).malloc_trim(0)


def _listen(lines: queue.SimpleQueue[str]) -> None:
    try:
        with os.fdopen(os.dup(0), encoding="utf-8") as stream:
            for line in stream:
                if line.endswith("\n"):  # the parent may have died in the middle of a line
                    lines.put(line)
    finally:
        os._exit(0)


def _serve(task: Task, output: TextIO) -> None:
    def emit(kind: str, data: dict[str, Any]) -> None:
        output.write(json.dumps({"kind": kind, **data}, default=str) + "\n")
        output.flush()

    started = time.monotonic()
    try:
        meter = Meter.start(task.stage)
        facts = perform(task, emit)
        used = {} if isinstance(task, tasks.Generate) else {"used": meter.used()}  # generated rows say nothing of time
        emit("done", {"facts": {**facts, **used}, "seconds": time.monotonic() - started})
    except AgecliError as error:
        emit("error", error.to_json())
    except MemoryError:
        why = "it needed more memory than --memory allows"
        emit("error", AgecliError(f"{task.stage} failed", why, "raise --memory or lower --workers").to_json())
    except Exception as error:
        import traceback

        from agecli.workspace import write_error

        with contextlib.suppress(OSError):  # the log may be on the very disk that is full
            traceback.print_exc()

        if isinstance(error, OSError) and error.errno is not None:
            emit("error", write_error(Path(error.filename or task.run), error).to_json())
        else:
            why = f"{type(error).__name__}: {str(error) or 'no message'}".splitlines()[0]
            emit("error", AgecliError(f"{task.stage} failed", why, "agecli logs -v shows more").to_json())


def perform(task: Task, emit: Emit) -> dict[str, Any]:
    """Runs the stage that a task names and returns its facts."""
    if isinstance(task, tasks.Generate):
        return _generate(task, emit)
    from agecli.pipeline.frozen import thaw

    run = thaw(Path(task.run))

    def progress(done: int, total: int) -> None:
        emit("progress", {"done": done, "total": total, "unit": "rows"})

    def say(message: str) -> None:
        emit("log", {"message": message})

    if isinstance(task, tasks.Stage):
        from agecli.pipeline.staging import stage as do_stage

        return do_stage(run, set(task.stages), say, progress)
    if task.stage == "load":
        return {}
    if task.stage == "features":
        from agecli.pipeline.features import features

        return features(run, progress, say)
    if isinstance(task, tasks.FeaturesPart):
        from agecli.pipeline.features import features_part
        from agecli.pipeline.parts import Part

        return features_part(run, Part(task.first, task.last, task.file), task.rows, Path(task.folder), progress)
    if isinstance(task, tasks.FeaturesWhole):
        from agecli.pipeline.features import features_whole

        return features_whole(run, Path(task.folder), task.parts, say)
    if task.stage == "train":
        from agecli.pipeline.training import train

        return train(run, lambda what, share: emit("progress", {"done": round(share, 4), "total": 1, "unit": what}))
    if task.stage == "batches":
        from agecli.pipeline.sharding import batches

        return batches(run)
    if isinstance(task, tasks.Predict):
        return _predict(run, task)
    if isinstance(task, tasks.Aggregate):
        from agecli.pipeline.aggregation import aggregate

        return aggregate(run, task.model, task.batches, task.failed, progress, task.publish_anyway, task.again)
    raise ValueError(f"no stage {task.stage}")


_models: dict[tuple[str, str], Any] = {}


def _predict(run: Any, task: tasks.Predict) -> dict[str, Any]:
    from agecli.pipeline.prediction import lazily, predict

    key = (task.run, task.model)
    if key not in _models:
        _models[key] = lazily(run, task.model)
    return predict(run, task.item, task.model, _models[key])


def _generate(task: tasks.Generate, emit: Emit) -> dict[str, Any]:
    from agecli import synth

    report = synth.generate(
        task.rows,
        task.seed,
        Path(task.out),
        progress=lambda done: emit("progress", {"done": done, "total": task.rows, "unit": "rows"}),
    )
    return dict(report.to_json())


if __name__ == "__main__":
    main()
