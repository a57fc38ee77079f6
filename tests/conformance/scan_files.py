"""The files behind the corpus of scans: several writers, compressions and layouts, made again from fixed seeds.

Each recipe writes one table's files below a folder. Those of Trino are written by Trino itself (`scan_referee`).
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Recipe = Callable[[Path], None]
RECIPES: dict[str, Recipe] = {}
WORDS = ("amber", "basalt", "cedar", "delta", "ember", "fjord", "grove", "heath")
DAY = datetime.date(2020, 1, 1)


def recipe(make: Recipe) -> Recipe:
    RECIPES[make.__name__] = make
    return make


def rows(count: int, seed: int = 1) -> pa.Table:
    """Rows whose `id`, `day` and `at` rise, with random numbers and texts, few categories, and NULLs."""
    random = np.random.default_rng(seed)
    ids = np.arange(count, dtype=np.int64)
    number = random.integers(0, 1_000_000, count)
    text = np.char.add("t", random.integers(0, 10**12, count).astype(str))
    days = (np.datetime64("2020-01-01") + ids // max(1, count // 1000)).astype("datetime64[D]")
    moments = (np.datetime64("2020-01-01T00:00:00.000") + ids * 1000).astype("datetime64[ms]")
    share = random.random(count)
    return pa.table(
        {
            "id": ids,
            "number": pa.array(number.astype(np.int32)),
            "value": share,
            "text": pa.array(text),
            "day": pa.array(days, pa.date32()),
            "flag": pa.array(share < 0.3),
            "cat": pa.array([WORDS[i] for i in random.integers(0, len(WORDS), count)]),
            "at": pa.array(moments, pa.timestamp("ms")),
            "price": pa.array(number.astype("float64").round(2), pa.float64()).cast(pa.decimal128(12, 2)),
            "rare": pa.array(number.astype(np.int64), mask=share < 0.9),
            "nothing": pa.nulls(count, pa.int64()),
        }
    )


@recipe
def wide(folder: Path) -> None:
    pq.write_table(rows(600_000), folder / "wide.parquet", row_group_size=50_000, compression="snappy")


@recipe
def zstd(folder: Path) -> None:
    pq.write_table(rows(400_000, 2), folder / "z.parquet", row_group_size=20_000, compression="zstd")


@recipe
def gzipped(folder: Path) -> None:
    table = rows(300_000, 3)
    for number in range(2):
        part = table.slice(number * 150_000, 150_000)
        pq.write_table(part, folder / f"g{number}.parquet", row_group_size=75_000, compression="gzip")


@recipe
def plain(folder: Path) -> None:
    """Chunks of more than 8 MiB: one row group, nothing packed, no dictionaries."""
    chosen = rows(1_300_000, 4).select(["id", "number", "value", "cat"])
    pq.write_table(chosen, folder / "p.parquet", row_group_size=2_000_000, compression="none", use_dictionary=False)


@recipe
def big(folder: Path) -> None:
    """A file of more than 64 MiB, which is read in several splits."""
    random = np.random.default_rng(5)
    count = 5_000_000
    table = pa.table({"id": np.arange(count), "a": random.integers(0, 2**60, count), "b": random.random(count)})
    pq.write_table(table, folder / "b.parquet", row_group_size=500_000, compression="none", use_dictionary=False)


@recipe
def nested(folder: Path) -> None:
    random = np.random.default_rng(6)
    count = 120_000
    text = [f"n{i}" for i in random.integers(0, 10**9, count)]
    zips = random.integers(10_000, 99_999, count)
    people = [
        {"name": t, "address": {"city": WORDS[int(z) % 8], "zip": int(z)}} for t, z in zip(text, zips, strict=True)
    ]
    address = pa.struct([("city", pa.string()), ("zip", pa.int32())])
    table = pa.table(
        {
            "id": np.arange(count),
            "person": pa.array(people, pa.struct([("name", pa.string()), ("address", address)])),
            "tags": pa.array([[t, t[::-1]] for t in text], pa.list_(pa.string())),
            "props": pa.array([[("k", t)] for t in text], pa.map_(pa.string(), pa.string())),
            "items": pa.array(
                [[{"a": int(z), "b": t}] for t, z in zip(text, zips, strict=True)],
                pa.list_(pa.struct([("a", pa.int64()), ("b", pa.string())])),
            ),
        }
    )
    pq.write_table(table, folder / "n.parquet", row_group_size=30_000, compression="snappy")


@recipe
def ducks(folder: Path) -> None:
    """Written by DuckDB: its own order of pages, Bloom filters, truncated bounds."""
    with duckdb.connect() as base:
        base.execute("SET threads = 1")
        base.execute(
            "COPY (SELECT i AS id, CAST(hash(i) % 1000 AS INTEGER) AS few, hash(i) / 2.0e19 AS value,"
            " 'a rather long beginning that is the same for all ' || hash(i) AS text, i % 5 = 0 AS flag"
            f" FROM range(400000) t(i)) TO '{folder / 'd.parquet'}' (FORMAT parquet, CODEC zstd, ROW_GROUP_SIZE 50000)"
        )


@recipe
def indexed(folder: Path) -> None:
    """Page indexes and pages of 8 KiB, sorted by id."""
    pq.write_table(
        rows(400_000, 7), folder / "i.parquet", row_group_size=100_000, compression="snappy",
        write_page_index=True, data_page_size=8192, write_batch_size=512,
    )  # fmt: skip


@recipe
def categories(folder: Path) -> None:
    """Columns of dictionaries alone, each value in one of two thousand."""
    random = np.random.default_rng(8)
    count = 700_000
    names = np.array([f"category number {i}" for i in range(2000)])
    data = {f"c{i}": pa.array(names[random.integers(0, 2000, count)]) for i in range(6)}
    data["part"] = pa.array([WORDS[i * 8 // count] for i in range(count)])
    pq.write_table(pa.table(data), folder / "c.parquet", row_group_size=100_000, compression="snappy")


@recipe
def many(folder: Path) -> None:
    """Small files, each read whole."""
    table = rows(20_000, 9)
    for number in range(40):
        pq.write_table(table.slice(number * 500, 500), folder / f"m{number:02d}.parquet")


@recipe
def hollow(folder: Path) -> None:
    """A file without rows, one of 0 bytes, one without row groups, and one with rows."""
    table = rows(1000, 10)
    pq.write_table(table, folder / "full.parquet")
    pq.write_table(table.slice(0, 0), folder / "none.parquet")
    (folder / "zero.parquet").write_bytes(b"")
    with pq.ParquetWriter(folder / "groupless.parquet", table.schema):
        pass


@recipe
def parts(folder: Path) -> None:
    """Hive-style partitions."""
    for year in (2021, 2022, 2023, 2024):
        place = folder / f"year={year}"
        place.mkdir(parents=True)
        pq.write_table(rows(130_000, year), place / "p.parquet", row_group_size=65_000, compression="snappy")


@recipe
def odd(folder: Path) -> None:
    """NaN among doubles, texts that are not ASCII, names in mixed case, negative and long decimals."""
    random = np.random.default_rng(11)
    count = 200_000
    value = random.random(count)
    value[::1000] = np.nan
    steps = np.arange(count)
    table = pa.table(
        {
            "Id": steps,
            "Value": value,
            "Sorted": steps / 10.0,
            "Text": pa.array([f"ü{i:07d} äöß" for i in steps]),
            "Small": pa.array((steps // 1000).astype(np.int16)),
            "Money": pa.array([Decimal(int(i) - 100_000) for i in steps], pa.decimal128(30, 3)),
            "Stamp": pa.array(steps * 1_000_000, pa.timestamp("us")),
            "Real": pa.array((steps / 7).astype(np.float32)),
        }
    )
    pq.write_table(table, folder / "o.parquet", row_group_size=20_000, compression="snappy")


@recipe
def lines(folder: Path) -> None:
    """JSON Lines of some 6 MB."""
    random = np.random.default_rng(12)
    with (folder / "l.jsonl").open("w") as out:
        for number in range(60_000):
            row = {"id": number, "word": WORDS[number % 8], "text": f"{random.integers(0, 10**18):060d}"}
            out.write(json.dumps(row) + "\n")


@recipe
def sheet(folder: Path) -> None:
    """CSV of some 5 MB, with a header."""
    random = np.random.default_rng(13)
    with (folder / "s.csv").open("w") as out:
        out.write("id,word,text\n")
        for number in range(60_000):
            out.write(f"{number},{WORDS[number % 8]},{random.integers(0, 10**18):060d}\n")


def build(name: str, folder: Path) -> None:
    """Makes the files of one table in a folder that is not there yet."""
    folder.mkdir(parents=True)
    RECIPES[name](folder)
