"""What a task really used, as the operating system counted it: bytes read and written, CPU seconds, memory.

Bytes are those that the process and the children it waited for asked the system to read (`rchar` of
/proc/self/io), from disk or from the page cache alike: what a reader on another machine would have to fetch. The
libraries of the task are loaded before counting begins. Where the system does not count (macOS), bytes are None.
"""

from __future__ import annotations

import importlib
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COUNTERS = Path("/proc/self/io")
_MODULES = {
    "generate": "agecli.synth",
    "stage": "agecli.pipeline.staging",
    "features": "agecli.pipeline.features",
    "train": "agecli.pipeline.training",
    "batches": "agecli.pipeline.sharding",
    "predict": "agecli.pipeline.prediction",
    "aggregate": "agecli.pipeline.aggregation",
}


@dataclass(frozen=True)
class Meter:
    """The counters as they stood when a task began."""

    began: float
    cpu: float
    io: tuple[int, int] | None

    @classmethod
    def start(cls, stage: str) -> Meter:
        """Loads what the stage needs, then notes the counters."""
        if stage in _MODULES:
            importlib.import_module(_MODULES[stage])
        return cls(time.monotonic(), _cpu_seconds(), _bytes())

    def used(self) -> dict[str, Any]:
        """What was used since: bytes_read, bytes_written (None where not counted), cpu_seconds, wall_seconds, and
        peak_memory in bytes, which is the whole process's."""
        now = _bytes()
        moved = (None, None) if now is None or self.io is None else (now[0] - self.io[0], now[1] - self.io[1])
        return {
            "bytes_read": moved[0],
            "bytes_written": moved[1],
            "cpu_seconds": round(_cpu_seconds() - self.cpu, 3),
            "wall_seconds": round(time.monotonic() - self.began, 3),
            "peak_memory": _peak_memory(),
        }


def _bytes() -> tuple[int, int] | None:
    """Bytes read and written by this process since it began; None where the system does not say."""
    try:
        lines = _COUNTERS.read_text(encoding="ascii").splitlines()
        counted = dict(line.split(": ") for line in lines)
        return int(counted["rchar"]), int(counted["wchar"])
    except (OSError, ValueError, KeyError):
        return None


def _cpu_seconds() -> float:
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
