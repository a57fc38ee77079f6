"""Texts of Parquet files against Arrow's: the same cells and errors, whoever wrote the file, and whatever broke it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agecli.engines import table_batches, text_columns
from agecli.engines.base import Table
from agecli.engines.text_columns import Blocks, Strange, TextChunk
from agecli.errors import DataError

compiled = pytest.mark.skipif(text_columns._texts is None, reason="there was no compiler at installation")
_texts: Any = text_columns._texts

CODECS = ("NONE", "SNAPPY", "GZIP", "ZSTD", "LZ4", "BROTLI")


@dataclass
class Watched:
    """How often Arrow was asked for columns, and which; and what was strange of those that it had to read instead."""

    by_arrow: list[list[str]] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


@contextmanager
def watching(batch_rows: int = 16_384, read_bytes: int = 1 << 18) -> Iterator[Watched]:
    watched = Watched()
    asked, known = table_batches._Reader._by_arrow, text_columns._known

    def by_arrow(self: Any, group: int, names: Any, begin: int, end: int) -> Any:
        watched.by_arrow.append(list(names))
        return asked(self, group, names, begin, end)

    @contextmanager
    def noting() -> Iterator[None]:
        try:
            with known():
                yield
        except Strange as error:
            watched.strange.append(str(error))
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_batches, "_BATCH_ROWS", batch_rows)
        patch.setattr(table_batches, "_LEAST_ROWS", min(256, batch_rows))
        patch.setattr(table_batches, "_READ_BYTES", read_bytes)
        patch.setattr(table_batches._Reader, "_by_arrow", by_arrow)
        patch.setattr(text_columns, "_known", noting)
        patch.setattr(text_columns, "_PASSED", 50)
        yield watched


def read(path: Path, names: list[str], rows: tuple[int, int] | None = None, words: tuple[str, ...] = ()) -> pa.Table:
    """The rows as batches give them, all of which are sound."""
    found = []
    for columns, count in table_batches.batches(Table((str(path),), rows=rows), names, words):
        assert list(map(len, columns.values())) == [count] * len(names)
        for column in columns.values():
            column.validate(full=True)
        plain = [c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in map(columns.get, names)]
        # a copy: the memory is for the next batch
        found.append(pa.table(dict(zip(names, plain, strict=True))).take(pa.array(range(count))))
    return pa.concat_tables(found) if found else pa.table({name: [] for name in names})


def cells(table: pa.Table) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = table.to_pydict()
    return found


text = (
    st.none()
    | st.text(max_size=3)
    | st.sampled_from(["", "a", "word", "é" * 9, "日本語", "🙂" * 5, "x" * 40, "y" * 700])
)
layouts = st.fixed_dictionaries(
    {
        "compression": st.sampled_from(CODECS),
        "data_page_version": st.sampled_from(["1.0", "2.0"]),
        "use_dictionary": st.booleans(),
        "dictionary_pagesize_limit": st.sampled_from([1, 30, 1 << 20]),
        "data_page_size": st.sampled_from([1, 50, 2_000, 1 << 20]),
        "write_batch_size": st.sampled_from([1, 7, 64]),
        "row_group_size": st.sampled_from([1, 33, 10_000]),
        "write_page_checksum": st.booleans(),
    }
)
small = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@small
@given(st.data(), layouts, st.integers(0, 3), st.sampled_from([3, 16, 5_000]), st.sampled_from([1, 100, 1 << 18]))
def test_cells_are_those_of_arrow(
    tmp_path: Path, data: st.DataObject, layout: dict[str, Any], repeated: int, batch: int, piece: int
) -> None:
    rows = data.draw(st.lists(st.tuples(text, text), min_size=1, max_size=60)) * 3**repeated
    mostly_null = [b if i % 9 == 0 else None for i, (_, b) in enumerate(rows)]
    table = pa.table(
        [pa.array(list(range(len(rows)))), pa.array([a for a, _ in rows]), pa.array([b or "" for _, b in rows]),
         pa.array(mostly_null, pa.string()), pa.nulls(len(rows), pa.string())],
        pa.schema([("n", pa.int64()), ("a", pa.string()), pa.field("b", pa.string(), nullable=False),
                   ("c", pa.string()), ("d", pa.string())]),
    )  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet", **layout)
    first = data.draw(st.integers(0, len(rows) - 1))
    part = data.draw(st.none() | st.tuples(st.just(first), st.integers(first + 1, len(rows))))
    names = data.draw(st.sampled_from([["a"], ["b", "a"], ["a", "n", "c"], ["d", "b", "c", "a"], ["n"]]))
    with watching(batch, piece) as watched:
        found = read(tmp_path / "t.parquet", names, part)
    wanted = pq.read_table(tmp_path / "t.parquet", columns=names)
    begin, end = part or (0, len(rows))
    assert cells(found) == cells(wanted.slice(begin, end - begin).select(names))
    if _texts is not None:
        assert not watched.strange and all(asked == ["n"] for asked in watched.by_arrow)


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip", "zstd", "lz4_raw"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_files_of_duckdb(tmp_path: Path, codec: str, version: str) -> None:
    path, names = tmp_path / "t.parquet", ["few", "many"]
    duckdb.sql(
        "COPY (SELECT CASE WHEN i % 7 > 0 THEN 'text ' || (i * 37 % 1000) END AS few, repeat('long ', (i % 50)::INT) "
        f"|| i AS many FROM range(5000) AS t(i)) TO '{path}' (FORMAT parquet, COMPRESSION {codec}, "
        f"PARQUET_VERSION {version}, ROW_GROUP_SIZE 2048)"
    )
    with watching(1000) as watched:
        found = read(path, names)
    assert cells(found) == cells(pq.read_table(path, columns=names))
    if version == "v1" and _texts is not None:
        assert watched == Watched()


def outcome(path: Path, names: list[str]) -> dict[str, list[Any]] | str:
    try:
        return cells(read(path, names))
    except DataError as error:
        return error.what


def by_arrow_alone(path: Path, names: list[str]) -> dict[str, list[Any]] | str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_batches, "columns_of", lambda *_: {})
        return outcome(path, names)


BREAKABLE = pa.table(
    {
        "few": ["one", "two", None, "drei", "vier é"] * 40,
        "many": [None if i % 11 == 3 else f"{i} is the text of this row{'!' * (i % 5)}" for i in range(200)],
        "same": [f"{i:036}" for i in range(200)],
        "nothing": pa.nulls(200, pa.string()),
    }
)


@small
@given(layouts, st.integers(0, 1 << 30), st.integers(1, 255))
def test_a_broken_byte_is_an_error_or_what_arrow_makes_of_it(
    tmp_path: Path, layout: dict[str, Any], place: int, bits: int
) -> None:
    pq.write_table(BREAKABLE, tmp_path / "t.parquet", **layout | {"row_group_size": 150, "write_batch_size": 64})
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")  # the footer is Arrow's in any case
    content[4 + place % (end - 4)] ^= bits
    (tmp_path / "t.parquet").write_bytes(content)
    with watching(64):
        found = outcome(tmp_path / "t.parquet", BREAKABLE.column_names)
        wanted = by_arrow_alone(tmp_path / "t.parquet", BREAKABLE.column_names)
    # Arrow refuses a file also for bytes that are not needed here, such as a page's statistics
    assert found in (wanted, "the data cannot be read", cells(BREAKABLE))


@compiled
@pytest.mark.parametrize("codec", ["zstd", "brotli"])
def test_pages_that_do_not_tell_their_size(tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of zstd that were compressed as a stream, as Spark does it, and all of Brotli."""
    monkeypatch.setattr(_texts, "whole", lambda *_: -1)
    for layout in ({"use_dictionary": True}, {"use_dictionary": False, "data_page_version": "2.0"}):
        pq.write_table(BREAKABLE, tmp_path / "t.parquet", compression=codec, **layout)
        with watching() as watched:
            assert cells(read(tmp_path / "t.parquet", BREAKABLE.column_names)) == cells(BREAKABLE)
        assert watched == Watched()
    page, size = pa.compress(b"a text" * 50, codec, asbytes=True), 300
    assert bytes(text_columns._streamed(memoryview(page), size, codec)) == b"a text" * 50
    for wrong in (0, 299, 301):
        with pytest.raises(ValueError, match="size"):
            text_columns._streamed(memoryview(page), wrong, codec)


@pytest.mark.parametrize("ours", [True, False])
def test_a_column_that_ends_early_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: bool) -> None:
    """Arrow makes an end of the rows of it."""
    path, table = tmp_path / "t.parquet", pa.table({"n": range(100), "u": [f"{i:03}" for i in range(100)]})
    pq.write_table(table, path, use_dictionary=False, compression="NONE", data_page_size=1, write_batch_size=64)
    content = path.read_bytes()
    begin = pq.read_metadata(path).row_group(0).column(1).data_page_offset
    place = content.index(b"\x15\x80\x01\x15", begin)  # so many values has the first page: 64, doubled
    path.write_bytes(content[:place] + b"\x15\x80\x00\x15" + content[place + 4 :])
    with pq.ParquetFile(path) as file:
        assert sum(batch.num_rows for batch in file.iter_batches(columns=["u"])) < 100
    if not ours:
        monkeypatch.setattr(table_batches, "columns_of", lambda *_: {})
    for names in (["u"], ["n", "u"]):
        assert outcome(path, names) == "the data cannot be read"


def test_files_without_rows_are_passed_over(tmp_path: Path) -> None:
    paths = []
    for i, rows in enumerate((3, 0, 2)):
        paths.append(str(tmp_path / f"{i}.parquet"))
        pq.write_table(pa.table({"n": pa.array(range(rows)), "u": pa.array(["u"] * rows, pa.string())}), paths[-1])
    for names in (["n"], ["u"], ["u", "n"]):
        counts = [count for _, count in table_batches.batches(Table(tuple(paths)), names, [])]
        assert counts == [3, 2]


@pytest.mark.parametrize("cut", [1, 40, 700, 5_000])
@pytest.mark.parametrize("dictionary", [True, False])
def test_files_that_lack_bytes_are_an_error(tmp_path: Path, cut: int, dictionary: bool) -> None:
    pq.write_table(BREAKABLE, tmp_path / "t.parquet", use_dictionary=dictionary, compression="NONE")
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(content[:100] + content[100 + cut :])
    assert outcome(tmp_path / "t.parquet", BREAKABLE.column_names) == "the data cannot be read"


BAD = [
    b"\xff",
    b"\xc3",
    b"a" * 40 + b"\x80",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82" + b"x" * 50,
]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("dictionary", [True, False])
def test_texts_that_are_no_utf8_are_the_same_error(tmp_path: Path, bad: bytes, dictionary: bool) -> None:
    texts = pa.array([b"good"] * 30 + [bad, b"\xbf"] + [b"\xc3\xa9"] * 30).view(pa.string())
    pq.write_table(pa.table({"u": texts}), tmp_path / "t.parquet", use_dictionary=dictionary)
    with watching(10) as watched:
        with pytest.raises(DataError) as found:
            read(tmp_path / "t.parquet", ["u"])
        first, last = (read(tmp_path / "t.parquet", ["u"], rows) for rows in ((0, 30), (32, 62)))
    assert "UTF8" in found.value.why
    assert (cells(first), cells(last)) == ({"u": ["good"] * 30}, {"u": ["é"] * 30})
    assert _texts is None or watched == Watched()
    with pytest.MonkeyPatch.context() as patch, watching(10):
        patch.setattr(table_batches, "columns_of", lambda *_: {})
        with pytest.raises(DataError) as wanted:
            read(tmp_path / "t.parquet", ["u"])
    assert found.value.why == wanted.value.why


def is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


@compiled
@settings(max_examples=1000)
@given(
    st.one_of(
        st.binary(max_size=12),
        st.lists(st.sampled_from([*BAD, b"a", b"\0", b"\x7f", b"z" * 17, *(c.encode() for c in "éࠀ퟿𐀀􏿿")])).map(
            b"".join
        ),
    ),
    st.integers(0, 40),
)
def test_what_is_utf8_is_known(content: bytes, behind: int) -> None:
    def page(content: bytes) -> bytes:
        return len(content).to_bytes(4, "little") + content

    begins, words, sure = _texts.dictionary(page(content) + page(b"x" * behind), 2)
    assert np.frombuffer(begins, np.int32).tolist() == [0, len(content), len(content) + behind]
    assert words.startswith(content + b"x" * behind)
    assert bool(sure) == is_utf8(content)


@compiled
def test_memory_is_used_again_unless_something_holds_it(tmp_path: Path) -> None:
    texts = [f"{i} {'long' * 50}" for i in range(10_000)]
    pq.write_table(pa.table({"u": texts}), tmp_path / "t.parquet", use_dictionary=False, row_group_size=4_000)
    table = Table((str(tmp_path / "t.parquet"),))
    with watching(500) as watched:
        held = [columns["u"] for columns, _ in table_batches.batches(table, ["u"], [])]
        assert pa.chunked_array(held).to_pylist() == texts
        places = []
        for columns, _ in table_batches.batches(table, ["u"], []):
            places.append(columns["u"].buffers()[2].address)
            del columns
    assert len({column.buffers()[2].address for column in held}) == len(places) == 20
    assert len(set(places)) <= 3  # the first are of a guessed size
    assert watched == Watched()


@compiled
@pytest.mark.parametrize("taken", [0, 1, 3])
@pytest.mark.parametrize("rows", [(0, 900), (130, 777)])
def test_arrow_goes_on_where_a_chunk_turns_out_to_be_strange(
    tmp_path: Path, taken: int, rows: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"n": range(900), "u": [f"text {i}" for i in range(900)]})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=400)
    left, take = [taken], TextChunk.take

    def strange(self: TextChunk, count: int) -> Any:
        if not left[0]:
            raise Strange("as it happens")
        left[0] -= 1
        return take(self, count)

    monkeypatch.setattr(TextChunk, "take", strange)
    with watching(100) as watched:
        found = read(tmp_path / "t.parquet", ["n", "u"], rows)
    assert cells(found) == cells(table.slice(rows[0], rows[1] - rows[0]))
    groups = len({row // 400 for row in range(*rows)})
    assert watched.by_arrow[-groups:] == [["n", "u"]] * groups


def test_other_columns_are_left_to_arrow(tmp_path: Path) -> None:
    rows = ["a", "b", None] * 5
    table = pa.table(
        {
            "plain": pa.array(rows),
            "large": pa.array(rows, pa.large_string()),
            "bytes": pa.array(rows).cast(pa.binary()),
            "words": pa.array(rows).dictionary_encode(),
            "view": pa.array(rows, pa.string_view()),
            "list": pa.array([["a"], None, [None]] * 5),
            "struct": pa.array([{"plain": "a"}] * 15),
            "struct.plain": pa.array(rows),
            "looked up": pa.array(rows),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    with pq.ParquetFile(tmp_path / "t.parquet", read_dictionary=["looked up"]) as file:
        found = text_columns.columns_of(file, [*table.column_names, "none"])
        assert found == ({} if _texts is None else {"plain": 0})
    twice = pa.table([pa.array(rows), pa.array(rows)], ["u", "u"])
    pq.write_table(twice, tmp_path / "twice.parquet")
    with pq.ParquetFile(tmp_path / "twice.parquet") as file:
        assert text_columns.columns_of(file, ["u"]) == {}


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_other_encodings_are_left_to_arrow(tmp_path: Path, encoding: str) -> None:
    table = pa.table({"u": [f"text {i}" for i in range(900)], "v": ["some", "more"] * 450})
    pq.write_table(table, tmp_path / "t.parquet", use_dictionary=["v"], column_encoding={"u": encoding})
    with watching() as watched:
        assert cells(read(tmp_path / "t.parquet", ["v", "u"])) == cells(table.select(["v", "u"]))
    assert watched.by_arrow == [["u"] if _texts is not None else ["v", "u"]] and not watched.strange


def test_the_lz4_of_hadoop_is_left_to_arrow(tmp_path: Path) -> None:
    """The number 5 in a footer, where Arrow writes 7."""
    pq.write_table(pa.table({"u": ["text"] * 9}), tmp_path / "t.parquet", compression="lz4", use_dictionary=False)
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    begin = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    told = []
    for place in range(begin, len(content) - 8):
        if content[place] == 14:
            other = content.copy()
            other[place] = 10
            (tmp_path / "other.parquet").write_bytes(other)
            try:
                told.append(pq.read_metadata(tmp_path / "other.parquet").row_group(0).column(0))
            except (OSError, pa.ArrowException):
                continue
    (hadoop,) = [about for about in told if about.compression != "LZ4"]
    assert hadoop.compression == "UNKNOWN" and not text_columns.knows(hadoop, 9)


@compiled
@pytest.mark.parametrize(
    "change",
    [
        {"at": -1}, {"at": 7}, {"row": -1}, {"row": 8}, {"rows": 9}, {"rows": -1}, {"rows": 1 << 40}, {"offsets": 8},
        {"valid": 0}, {"valid": None}, {"data": 3}, {"first": 2}, {"used": 60}, {"page": b"\5\0\0\0a"},
        {"page": b"\0\0\0\x80abc"}, {"page": b"\1\0"},
    ],
    ids=str,
)  # fmt: skip
def test_rows_that_do_not_fit_are_refused(change: dict[str, Any]) -> None:
    asked = {"page": b"\1\0\0\0a", "at": 0, "row": 0, "rows": 8, "offsets": 36, "valid": 1, "data": 64,
             "first": 0, "used": 0} | change  # fmt: skip
    valid = None if asked["valid"] is None else bytearray(asked["valid"])
    with pytest.raises(ValueError, match=r"fit|there"):
        _texts.append(
            (asked["page"], None, None), asked["at"], b"\1", asked["row"], asked["rows"], bytearray(asked["offsets"]),
            valid, bytearray(asked["data"]), asked["first"], asked["used"]
        )  # fmt: skip


@compiled
def test_places_beyond_a_dictionary_are_refused() -> None:
    begins, words, _ = _texts.dictionary(b"\1\0\0\0a\2\0\0\0bc", 2)
    room = bytearray(16), None, bytearray(64), 0, 0
    for places in ([2], [-1], [1 << 30]):
        with pytest.raises(ValueError, match="not there"):
            _texts.append((np.array(places, np.int32), begins, words), 0, None, 0, 1, *room)
    for end in (-1, 99, 0):
        wrong = np.array([0, 1, end], np.int32)
        with pytest.raises(ValueError, match="not there"):
            _texts.append((np.array([1], np.int32), wrong, words), 0, None, 0, 1, *room)
    with pytest.raises(ValueError, match="places"):
        _texts.places(b"\2\3\2\0", 4, 2)
    with pytest.raises(ValueError, match="places"):
        _texts.places(b"\x21\2\0", 1, 2)
    assert np.frombuffer(_texts.places(b"\1\3\2", 3, 2), np.int32).tolist() == [0, 1, 0]
    for page, entries in ((b"\1\0\0\0", 1), (b"\1\0\0\0a!", 1), (b"", 1), (b"", -1)):
        with pytest.raises(ValueError, match="dictionary"):
            _texts.dictionary(page, entries)


@compiled
@given(st.binary(max_size=60))
def test_any_bytes_are_a_header_or_none(content: bytes) -> None:
    try:
        found = _texts.header(content)
    except ValueError:
        return
    assert found is None or 0 < found[0] <= len(content)


@compiled
@settings(max_examples=300)
@given(st.sampled_from(["SNAPPY", "GZIP", "ZSTD", "LZ4"]), st.binary(max_size=400), st.integers(0, 60))
def test_the_size_of_what_was_compressed_is_known(packing: str, content: bytes, times: int) -> None:
    content *= times
    codec = pa.Codec(text_columns._CODECS[packing])
    assert _texts.whole(packing, codec.compress(content, asbytes=True)) == len(content)


def test_blocks_grow_with_what_is_needed() -> None:
    blocks = Blocks()
    first = blocks.free(10)
    first[:3] = 1, 2, 3
    larger = blocks.larger(first, 3, 1_000)
    assert larger[:3].tolist() == [1, 2, 3] and len(larger) >= 1_000
    blocks.filled(990)
    del larger
    again = blocks.free(10)
    assert len(again) >= 990 and blocks.free(10) is not again
