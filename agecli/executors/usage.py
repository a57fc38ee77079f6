"""What a task really used, as the operating system counted it: bytes read and written, CPU seconds, memory.

Bytes are those that the process and the children it waited for asked the system to read (`rchar` of
/proc/self/io), from disk or from the page cache alike: what a reader on another machine would have to fetch. A
stage's own modules are loaded before counting begins; the files of modules that libraries load later (DuckDB loads
pandas where it is installed) are told apart. Where the system does not count (macOS), bytes are None.
"""

from __future__ import annotations

import contextlib
import importlib
import resource
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COUNTERS = Path("/proc/self/io")
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_MODULES = {
    "generate": "agecli.synth",
    "stage": "agecli.pipeline.staging",
    "features": "agecli.pipeline.features",
    "load": "agecli.pipeline.features",
    "features part": "agecli.pipeline.features",
    "features whole": "agecli.pipeline.features",
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
    modules: frozenset[str]

    @classmethod
    def start(cls, stage: str) -> Meter:
        """Loads what the stage needs, then notes the counters."""
        if stage in _MODULES:
            importlib.import_module(_MODULES[stage])
        with contextlib.suppress(OSError):
            _CLEAR.write_text("5", encoding="ascii")  # forgets the peak of the tasks before
        return cls(time.monotonic(), _cpu_seconds(), _bytes(), frozenset(sys.modules))

    def used(self) -> dict[str, Any]:
        """What was used since: bytes_read of data, bytes_loaded of modules, bytes_written (None where the system does
        not count), cpu_seconds, wall_seconds, and peak_memory in bytes, that of the whole process during this task
        (since its start where the system does not tell)."""
        now, loaded = _bytes(), _size_of(set(sys.modules) - self.modules)
        moved = (None, None) if now is None or self.io is None else (now[0] - self.io[0], now[1] - self.io[1])
        return {
            "bytes_read": None if moved[0] is None else max(0, moved[0] - loaded),
            "bytes_loaded": loaded,
            "bytes_written": moved[1],
            "cpu_seconds": round(_cpu_seconds() - self.cpu, 3),
            "wall_seconds": round(time.monotonic() - self.began, 3),
            "peak_memory": _peak_memory(),
        }


def added(uses: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What several tasks used together; the peak memory is that of the process with the highest."""
    summed: dict[str, Any] = {}
    for key in uses[0]:
        values = [used[key] for used in uses]
        summed[key] = None if None in values else max(values) if key == "peak_memory" else round(sum(values), 3)
    return summed


def _bytes() -> tuple[int, int] | None:
    """Bytes read and written by this process since it began; None where the system does not say."""
    try:
        lines = _COUNTERS.read_text(encoding="ascii").splitlines()
        counted = dict(line.split(": ") for line in lines)
        return int(counted["rchar"]), int(counted["wchar"])
    except (OSError, ValueError, KeyError):
        return None


def _size_of(modules: Iterable[str]) -> int:
    """Bytes of the compiled files that Python read to load these modules."""
    size = 0
    for name in modules:
        cached = getattr(getattr(sys.modules.get(name), "__spec__", None), "cached", None)
        with contextlib.suppress(OSError, TypeError):
            size += Path(cached).stat().st_size  # type: ignore[arg-type]
    return size


def _cpu_seconds() -> float:
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _peak_memory() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_STATUS.read_text(encoding="ascii").split("VmHWM:")[1].split()[0]) << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
