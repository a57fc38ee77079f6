"""Writes chunks to Parquet files: whole files only, the same bytes for the same request, memory that stays flat.

Chunks are made by two threads, a few ahead of the writer (NumPy and Arrow do their work outside the interpreter's
lock). Each file carries its own counts in its key-value metadata, so the report is a fold over footers, and a
run that was killed goes on with the files it lacks.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from agecli.errors import AgecliError, ConfigError
from agecli.synth.chunk import CHUNK_ROWS, SCHEMA, Chunk, chunk
from agecli.synth.report import SynthReport, report

# Raised whenever the same request would give other rows.
GENERATOR_VERSION = 1
ROW_GROUP_ROWS = 4 * CHUNK_ROWS
PLAN = "_synth.json"
_TALLY = b"agecli.synth"
_THREADS = 2
_DISTINCT = (
    "id",
    "facebook_url",
    "twitter_url",
    "work_email",
    "personal_email",
    "education",
    "work_experience",
    "skills",
)


@dataclass(frozen=True)
class Plan:
    """What decides every byte, versions of libraries apart."""

    rows: int
    seed: int
    rows_per_file: int
    version: int = GENERATOR_VERSION

    def files(self) -> list[tuple[str, int, int]]:
        """Name, first row and end row of each file."""
        starts = range(0, self.rows, self.rows_per_file)
        return [(f"profiles-{i:05d}.parquet", s, min(s + self.rows_per_file, self.rows)) for i, s in enumerate(starts)]


def generate(
    rows: int,
    seed: int,
    out: Path,
    *,
    rows_per_file: int = 1_000_000,
    progress: Callable[[int], None] | None = None,
) -> SynthReport:
    """Writes `rows` profiles of `seed` below `out` and reports what is in them.

    `progress` is told how many rows are done, whenever more are. Files of the same request that are there already
    are kept. Raises ConfigError for a request that makes no sense and for a folder that holds something else,
    AgecliError where the disk refuses.
    """
    plan = _checked(rows, seed, rows_per_file)
    try:
        _claim(out, plan)
        done = 0
        for name, start, end in plan.files():
            if not (out / name).is_file():
                for written in _write(out / name, plan.seed, start, end):
                    if progress:
                        progress(done + written)
            done += end - start
            if progress:
                progress(done)
        return _report(out, plan)
    except OSError as error:
        raise AgecliError(
            f"cannot write profiles to {out}", error.strerror or str(error), "free space there or name another folder"
        ) from error


def _checked(rows: int, seed: int, rows_per_file: int) -> Plan:
    for name, value, least in (("rows", rows, 1), ("seed", seed, 0), ("rows per file", rows_per_file, 1)):
        if value < least:
            raise ConfigError(f"cannot generate profiles with {name} {value}", f"the least is {least}", "give another")
    return Plan(rows, seed, rows_per_file)


def _claim(out: Path, plan: Plan) -> None:
    """Makes the folder this plan's, or finds that it is already; clears what a killed run left half-written."""
    out.mkdir(parents=True, exist_ok=True)
    names = {path.name for path in out.iterdir()}
    if PLAN in names:
        with contextlib.suppress(ValueError, TypeError):
            if Plan(**json.loads((out / PLAN).read_text(encoding="utf-8"))) == plan:
                for name in names:
                    if name.startswith("_tmp-"):
                        (out / name).unlink(missing_ok=True)
                return
        raise _occupied(out, "it holds profiles of another request")
    if any(not name.startswith("_tmp-") for name in names):
        raise _occupied(out, "the folder is not empty")
    temporary = out / f"_tmp-{os.getpid()}-{PLAN}"
    temporary.write_text(json.dumps(asdict(plan)) + "\n", encoding="utf-8")
    temporary.replace(out / PLAN)


def _occupied(out: Path, why: str) -> ConfigError:
    return ConfigError(f"no profiles are written to {out}", why, "name an empty folder, or remove this one")


def _write(path: Path, seed: int, start: int, end: int) -> Iterator[int]:
    """Writes rows [start, end) of a seed to one file that appears when it is whole; yields rows written so far."""
    tally: Counter[str] = Counter()
    temporary = path.with_name(f"_tmp-{os.getpid()}-{path.name}")
    dictionary = [name for name in SCHEMA.names if name not in _DISTINCT]
    try:
        with pq.ParquetWriter(
            temporary, SCHEMA, compression="zstd", use_dictionary=dictionary, store_schema=False
        ) as writer:
            held: list[pa.Table] = []
            for part, counts in _parts(seed, start, end):
                tally.update(counts)
                held.append(part)
                if sum(table.num_rows for table in held) >= ROW_GROUP_ROWS:
                    yield _flush(writer, held)
            if held:
                yield _flush(writer, held)
            writer.add_key_value_metadata({_TALLY: json.dumps(tally, sort_keys=True)})
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(writer: pq.ParquetWriter, held: list[pa.Table]) -> int:
    """Writes what is held as one row group; gives its rows."""
    table = pa.concat_tables(held)
    held.clear()
    writer.write_table(table, row_group_size=table.num_rows)
    return int(table.num_rows)


def _parts(seed: int, start: int, end: int) -> Iterator[tuple[pa.Table, dict[str, float]]]:
    """The chunks of rows [start, end) in order, with their counts; at most a few are in memory."""
    numbers = iter(range(start // CHUNK_ROWS, -(-end // CHUNK_ROWS)))
    pending: deque[Future[tuple[pa.Table, dict[str, float]]]] = deque()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="synth") as pool:
        try:
            while True:
                while len(pending) <= _THREADS and (number := next(numbers, None)) is not None:
                    pending.append(pool.submit(_part, seed, number, start, end))
                if not pending:
                    return
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _part(seed: int, number: int, start: int, end: int) -> tuple[pa.Table, dict[str, float]]:
    """What a chunk has of rows [start, end)."""
    base = number * CHUNK_ROWS
    skipped, wanted = max(start - base, 0), min(end - base, CHUNK_ROWS)
    made: Chunk = chunk(seed, number, wanted)
    tally = Counter(made.tally)
    if skipped:
        tally.subtract(chunk(seed, number, skipped).tally)
    return made.table.slice(skipped), dict(tally)


def _report(out: Path, plan: Plan) -> SynthReport:
    """Adds up what the files say of themselves."""
    tally: Counter[str] = Counter()
    names = [name for name, _, _ in plan.files()]
    for name in names:
        metadata = pq.read_metadata(out / name).metadata or {}
        tally.update(json.loads(metadata[_TALLY]))
    size = sum((out / name).stat().st_size for name in names)
    return report(tally, files=len(names), size=size, seed=plan.seed)
