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
def void(folder: Path) -> None:
    """A table without any row."""
    pq.write_table(rows(100).slice(0, 0), folder / "v.parquet")


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
def paged(folder: Path) -> None:
    """Data pages of version 2, encodings of differences, checksums of pages, ZSTD."""
    chosen = rows(350_000, 14).select(["id", "number", "value", "text", "cat", "day", "rare"])
    pq.write_table(
        chosen, folder / "v2.parquet", row_group_size=40_000, compression="zstd", data_page_version="2.0",
        use_dictionary=["cat"], write_page_checksum=True,
        column_encoding={"id": "DELTA_BINARY_PACKED", "text": "DELTA_LENGTH_BYTE_ARRAY", "value": "BYTE_STREAM_SPLIT"},
    )  # fmt: skip


@recipe
def shreds(folder: Path) -> None:
    """Row groups so small that the footer is longer than the reader's first look at it."""
    chosen = rows(300_000, 15).select(["id", "text", "value"])
    pq.write_table(chosen, folder / "s.parquet", row_group_size=1500, compression="snappy")


@recipe
def lump(folder: Path) -> None:
    """One row group: chunks of more than 8 MiB with small ones between them."""
    table = rows(1_200_000, 16)
    order = ["flag", "value", "cat", "text", "number", "nothing", "id", "day"]
    pq.write_table(table.select(order), folder / "l.parquet", row_group_size=5_000_000, compression="snappy")


@recipe
def drifted(folder: Path) -> None:
    """The same table over the years: a column came, one went, and their order changed."""
    table = rows(360_000, 17)
    columns = (["id", "value", "text", "cat", "number"], ["number", "id", "text", "value"], ["text", "id", "cat"])
    for year, kept in enumerate(columns):
        part = table.slice(year * 120_000, 120_000).select(kept)
        pq.write_table(part, folder / f"d{year}.parquet", row_group_size=30_000, compression="snappy")


@recipe
def deep(folder: Path) -> None:
    """Rows in lists in rows, a map of rows, some of them NULL or empty; gzip."""
    random = np.random.default_rng(18)
    texts = [f"{n:012d}" for n in random.integers(0, 10**12, 80_000)]
    line = pa.struct([("sku", pa.string()), ("price", pa.float64()), ("notes", pa.list_(pa.string()))])
    order = pa.struct([("number", pa.int64()), ("lines", pa.list_(line))])
    orders = [
        None if i % 11 == 0 else {"number": i, "lines": [{"sku": t, "price": i / 7, "notes": [t[::-1]]}] * (i % 3)}
        for i, t in enumerate(texts)
    ]
    place = pa.struct([("x", pa.float64()), ("label", pa.string())])
    places = [[(WORDS[i % 8], {"x": i / 3, "label": t})] for i, t in enumerate(texts)]
    table = pa.table(
        {
            "id": np.arange(len(texts)),
            "ord": pa.array(orders, order),
            "places": pa.array(places, pa.map_(pa.string(), place)),
            "outer": pa.array([{"mid": {"core": {"leaf": i, "other": t}, "side": t}} for i, t in enumerate(texts)]),
        }
    )
    pq.write_table(table, folder / "d.parquet", row_group_size=10_000, compression="gzip")


@recipe
def typed(folder: Path) -> None:
    """Types whose bounds are easily mistaken: decimals as integers, small integers, times of three units, binary."""
    steps = np.arange(260_000)
    money = pa.array(steps - 130_000, pa.int64()).cast(pa.decimal128(19, 0))
    table = pa.table(
        {
            "id": steps.astype(np.int32),
            "short": pa.array([Decimal(int(i) - 100) / 100 for i in steps], pa.decimal128(9, 2)),
            "middle": pa.array([Decimal(int(i)) / 10 for i in steps], pa.decimal128(18, 4)),
            "long": money.cast(pa.decimal128(38, 10)),
            "tiny": pa.array((steps // 1100).astype(np.int16) - 120, pa.int16()).cast(pa.int8()),
            "seconds": pa.array(steps * 1000, pa.timestamp("ms")),
            "nanos": pa.array(steps * 10**9 + 1, pa.timestamp("ns")),
            "raw": pa.array([f"{i:09d}".encode() for i in steps], pa.binary()),
            "born": pa.array((steps // 20 - 6000).astype(np.int32), pa.date32()),
        }
    )
    pq.write_table(table, folder / "t.parquet", row_group_size=13_000, store_decimal_as_integer=True, version="2.6")


@recipe
def blank(folder: Path) -> None:
    """Whole row groups of NULL, others without one, and a file without any statistics."""
    count = 240_000
    table = rows(count, 19).select(["id", "value", "text", "cat"])
    steps = np.arange(count)
    table = table.append_column("some", pa.array(steps, mask=(steps // 20_000) % 3 == 0))
    table = table.append_column("late", pa.array([None if i < 120_000 else WORDS[i % 8] for i in steps], pa.string()))
    table = table.append_column("yes", pa.array(steps >= 0, mask=(steps // 20_000) % 4 == 1))
    pq.write_table(table, folder / "a.parquet", row_group_size=20_000, compression="snappy")
    pq.write_table(table, folder / "b.parquet", row_group_size=20_000, compression="snappy", write_statistics=False)


@recipe
def quacks(folder: Path) -> None:
    """DuckDB's second version of Parquet, gzip, several files, sorted texts, nested and short rows."""
    with duckdb.connect() as base:
        base.execute("SET threads = 1")
        for number in range(3):
            span = f"{number * 200_000}, {200_000 * (number + 1)}"
            base.execute(
                "COPY (SELECT i AS id, {'a': i % 77, 'b': md5(i::VARCHAR)} AS s, printf('%09d', i) AS word,"
                " CASE WHEN i % 50 = 0 THEN i % 100 END AS seldom, (i / 3)::DECIMAL(15, 3) AS amount,"
                f" TIMESTAMP '2024-01-01' + to_seconds(i) AS at FROM range({span}) t(i))"
                f" TO '{folder / f'q{number}.parquet'}' (FORMAT parquet, PARQUET_VERSION v2, CODEC gzip,"
                " ROW_GROUP_SIZE 40960)"
            )


@recipe
def gaps(folder: Path) -> None:
    """Needed chunks with a megabyte, a bit less, and much more between them."""
    random = np.random.default_rng(20)
    data = {}
    for number, width in enumerate((200, 130_000, 200, 132_000, 200, 300_000, 200)):
        times = max(1, width // 8192)
        values = random.integers(0, 2**62, 8192)
        fill = np.frombuffer(random.bytes(8192 * times * 8), dtype="S" + str(8 * times))
        data[f"c{number}"] = pa.array(values) if times == 1 else pa.array(fill.tolist(), pa.binary())
    pq.write_table(pa.table(data), folder / "g.parquet", compression="none", use_dictionary=False)


@recipe
def ledger(folder: Path) -> None:
    """Partitions of a date and of none, two files in each, of which one is small."""
    for seed, day in enumerate(("2024-02-28", "2024-02-29", "2024-03-01", "__HIVE_DEFAULT_PARTITION__"), 21):
        place = folder / f"booked={day}"
        place.mkdir(parents=True)
        table = rows(130_000, seed)
        pq.write_table(table.slice(0, 120_000), place / "a.parquet", row_group_size=30_000, compression="snappy")
        pq.write_table(table.slice(120_000), place / "b.parquet", compression="zstd")


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
