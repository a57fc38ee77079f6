"""Worker processes of this machine, as the local executor drives them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import agecli
from agecli.errors import AgecliError
from agecli.executors.tasks import Task

# Libraries that would start a thread per core in every worker. Sums of linear algebra have other last bits with other
# threads, so these get one, and a model is the same with any number of workers; XGBoost's do not depend on it.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# glibc would give the memory of each chunk of rows back, and have the kernel clear it again for the next one. Arrow's
# own allocator keeps some 30 MiB more of what was freed in each process, and is no faster.
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
                "ARROW_DEFAULT_MEMORY_POOL": "system"}  # fmt: skip

# The working folder (-P) is no place for modules: a file `json.py` beside the data is not to be run. Where this
# package is not installed it is found all the same, behind everything else.
_PACKAGE = str(Path(agecli.__file__).parents[1])
_START = "import sys; sys.path.append(sys.argv.pop()); from agecli.executors.worker import main; main()"


def environment(threads: int) -> dict[str, str]:
    """What a worker with so many threads finds in its environment."""
    return {**_KEEP_MEMORY, **os.environ, "OMP_NUM_THREADS": str(threads), **dict.fromkeys(_ONE_THREAD, "1"),
            "PYTHONUNBUFFERED": "1"}  # fmt: skip


class Worker:
    """One worker process. `report` is called, on a thread of its own, with each message and once with None.

    What the process has to say besides goes into the file `log`, which may be another one for each task.
    """

    def __init__(self, log: Path, report: Callable[[dict[str, Any] | None], None], lock: int, threads: int) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            # the lock's descriptor goes along: a worker that outlives its parent for a moment still holds it
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, _PACKAGE],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                env=environment(threads), pass_fds=(lock,), start_new_session=False,
            )  # fmt: skip
        self.thread = threading.Thread(target=self._listen, args=(report,), daemon=True)
        self.thread.start()

    def send(self, task: Task) -> None:
        """Hands the worker a task; one that has died is noticed by its last message, None."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps({"log": str(self.log), "task": task.to_json()}).encode() + b"\n")
            self.process.stdin.flush()

    def _listen(self, report: Callable[[dict[str, Any] | None], None]) -> None:
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                report(json.loads(line))
        except ValueError:
            self.process.kill()  # half a line: the worker died while it wrote, or the pipe was closed
        finally:
            report(None)

    def alive(self) -> bool:
        """Whether the process is still there to take a task."""
        return self.process.poll() is None

    def death(self) -> AgecliError:
        """Why the process ended without an answer."""
        code = self.process.wait()
        if code == -signal.SIGKILL:
            why = "it was killed, as happens when memory runs out"
        elif code < 0:
            why = f"it ended by signal {signal.Signals(-code).name}"
        else:
            why = f"it ended with code {code}"
        return AgecliError(
            "a worker process died", why, f"see {self.log}; raise --memory or lower --workers, then run again"
        )

    def stop(self) -> None:
        """Ends the process at once; what it was writing has a temporary name."""
        self.process.kill()
        self.process.wait()
        self.thread.join(timeout=5)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
