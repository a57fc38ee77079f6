"""Advice that pays: what would cost less, computed from this workspace's own files and rates, dollars with each.

Nothing is said of what saves less than half a hundredth of the run, or less than half a cent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agecli.cost.compute import GB, athena_usd
from agecli.cost.services import Estimate, estimate, query_usd, size
from agecli.cost.work import Work
from agecli.engines.base import Table

WORTH, LEAST = 0.005, 0.005  # of the run's dollars, and dollars
GOOD_FILE = 128 << 20  # bytes of a file that is neither too small to be worth its footer nor too large to share out
MOST_SAMPLE = 64 << 20  # compressed bytes of a row group that is written again to measure another codec
_PRESENCE = r"\b{name}\b\s+is\s+(?:not\s+)?null"


@dataclass(frozen=True)
class Advice:
    """What to do, and what it saves at this number of rows."""

    kind: str
    text: str
    usd_per_run: float
    usd_per_month: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "text": self.text,
            "usd_per_run": self.usd_per_run,
            "usd_per_month": self.usd_per_month,
        }


def advise(found: Estimate) -> list[Advice]:
    """What pays, the most first; nothing where nothing does."""
    rules = (_presence, _text_source, _codec, _small_files, _filtering, _batches, _standing)
    given = [advice for rule in rules for advice in rule(found)]
    least = max(LEAST, WORTH * found.total.expected)
    paying = [one for one in given if max(one.usd_per_run, one.usd_per_month) > least]
    return sorted(paying, key=lambda one: -max(one.usd_per_run, one.usd_per_month))


def _scanned(found: Estimate, table: str) -> dict[str, float]:
    """Bytes of each column that the run's queries read of a table, scaled."""
    summed: dict[str, float] = {}
    for query in found.work.queries:
        for scan in query.scan.tables:
            if scan.name == table:
                for column, count in scan.columns.items():
                    summed[column] = summed.get(column, 0.0) + count * query.factor
    return summed


def _saving(found: Estimate, saved: float) -> float:
    """Dollars that so many bytes less in a query of the source save; the minimum of 10 MB stays."""
    scans = [query for query in found.work.queries for table in query.scan.tables if table.name == "source"]
    now = sum(query.bytes.expected for query in scans)
    per_tb = found.prices.usd("athena_tb")
    return athena_usd(round(now), per_tb) - athena_usd(max(0, round(now - saved)), per_tb)


def _presence(found: Estimate) -> Iterator[Advice]:
    """Columns read in full only to learn whether they are there."""
    sql = found.work.recipe.sql["staging"].lower()
    read = _scanned(found, "source")
    only = {
        name: count
        for name, count in read.items()
        if (mentions := len(re.findall(rf"\b{re.escape(name)}\b", sql)))
        and mentions == len(re.findall(_PRESENCE.format(name=re.escape(name)), sql))
    }
    saved = sum(only.values())
    if only:
        named = ", ".join(sorted(only, key=lambda name: -only[name]))
        share = saved / sum(read.values())
        text = f"{named}: {size(saved)} ({share:.0%} of the source's scan) are read only to see whether they are there;"
        yield Advice("columns", f"{text} have the source carry booleans instead", _saving(found, saved))


def _text_source(found: Estimate) -> Iterator[Advice]:
    """CSV and JSON cost their full size in every query."""
    for query in found.work.queries:
        for table in query.scan.tables:
            if table.as_parquet is not None:
                saved = (table.bytes.expected - table.as_parquet) * query.factor
                text = f"the source as Parquet: a query reads {size(table.as_parquet * query.factor)} instead of"
                yield Advice("format", f"{text} {size(table.bytes.expected * query.factor)}", _saving(found, saved))


def _codec(found: Estimate) -> Iterator[Advice]:
    """The source's first row group written again with ZSTD: is it smaller?"""
    table = found.work.tables["source"]
    if not isinstance(table, Table) or table.format != "parquet" or not Path(table.files[0]).is_file():
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(table.files[0])
    group = file.metadata.row_group(0) if file.metadata.num_row_groups else None
    if group is None or not group.num_rows:
        return
    chunks = [group.column(index) for index in range(group.num_columns)]
    before = sum(chunk.total_compressed_size for chunk in chunks)
    if before > MOST_SAMPLE or all(chunk.compression == "ZSTD" for chunk in chunks):
        return
    sink = pa.BufferOutputStream()
    pq.write_table(file.read_row_group(0), sink, compression="zstd", row_group_size=group.num_rows)
    after = sink.getvalue().size
    scanned = sum(_scanned(found, "source").values())
    if after < before:
        codecs = ", ".join(sorted({chunk.compression for chunk in chunks}))
        text = f"the source compressed with ZSTD instead of {codecs}: a row group shrinks from {size(before)} to"
        yield Advice("compression", f"{text} {size(after)}", _saving(found, scanned * (1 - after / before)))


def _small_files(found: Estimate) -> Iterator[Advice]:
    """Row groups and files so small that footers and requests cost more than need be."""
    table = found.work.tables["source"]
    files = getattr(table, "files", ())
    held = found.work.sizes["source"] / found.work.factor
    fewer = max(1, round(held / GOOD_FILE))
    if len(files) <= 2 * fewer:
        return
    scans = [scan for query in found.work.queries for scan in query.scan.tables if scan.name == "source"]
    extra = sum(max(0, scan.bytes.expected - sum(scan.columns.values())) for scan in scans if scan.columns)
    gone = 1 - fewer / len(files)
    requests = 2 * len(files) * gone * len(scans) * found.work.factor * found.prices.usd("s3_get")
    saved = _saving(found, extra * gone * found.work.factor) + requests
    text = f"write the source as {fewer} files of some {size(held / fewer)}, a row group or a few each, instead of"
    yield Advice("row groups", f"{text} {len(files)}: footers and requests go", saved)


def _filtering(found: Estimate) -> Iterator[Advice]:
    """Rows with a label beyond those that training takes are neither learned from nor predicted."""
    work = found.work
    idle = max(0.0, work.labelled - work.training_rows) / work.rows
    if idle <= 0:
        return
    scanned = sum(query_usd(query, found.prices).expected for query in work.queries if query.stage == "features")
    months = 12 / work.runs_a_year
    stored = (work.sizes["features"] + work.sizes["predictions"]) / GB * months * found.prices.usd("s3_gb_month")
    text = f"partition staging by whether the label is known, and leave out of features the {idle:.0%} of rows that"
    yield Advice("filtering", f"{text} are neither learned from nor predicted", idle * (scanned + stored))


def _batches(found: Estimate) -> Iterator[Advice]:
    """Fewer, larger batches pay for fewer downloads of the image."""
    work = found.work
    best: tuple[float, Work] | None = None
    for count in (10, 25, 50, 100, 250, 500):
        if count < work.batches:
            other = replace(work, batches=count)
            usd = estimate(other, found.prices, found.place).total.expected
            if best is None or usd < best[0]:
                best = (usd, other)
    if best is not None:
        saved = found.total.expected - best[0]
        minutes = estimate(best[1], found.prices, found.place).minutes.expected
        rows = -(-work.rows // best[1].batches)
        text = f"batch_rows = {rows}: {best[1].batches} batches instead of {work.batches}, some {minutes:,.0f} minutes"
        yield Advice("batches", f"{text} in all instead of {found.minutes.expected:,.0f}", saved)


def _standing(found: Estimate) -> Iterator[Advice]:
    """Endpoints that stand for a month while a run takes an hour."""
    month = found.standing_total.expected
    runs = found.work.runs_a_year / 12
    during = found.by("service")["VPC endpoints"].expected * runs
    if during < month:
        text = "take the network endpoints down between runs: they stand all month and are used for minutes"
        yield Advice("standing", text, 0.0, month - during)
