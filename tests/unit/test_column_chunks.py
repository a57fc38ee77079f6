"""Columns of few values, encoded in compiled code: every reader gives them back bit for bit."""

import contextlib

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agecli.engines import column_chunks, pages
from agecli.engines.base import Layout
from agecli.engines.parquet_writer import by_arrow, writer_of

LAYOUT = Layout(distinct=("id",), quick=True)

compiled = pytest.mark.skipif(pages._pages is None, reason="there was no compiler at installation")


def write(path, groups):
    with_footer = writer_of(path, groups[0].schema, LAYOUT)
    for group in groups:
        with_footer.write_table(group, row_group_size=max(1, group.num_rows))
    with_footer.close()
    return pq.ParquetFile(path)


def bits(table):
    """The table with numbers as their bits: NaN is NaN of the same bits, and 0 is not -0."""
    wholes = {pa.float32(): pa.int32(), pa.float64(): pa.int64()}
    columns = [pa.concat_arrays(column.chunks) for column in table.columns]
    return [column.view(wholes.get(column.type, column.type)) for column in columns]


def encoded_here(file, column, group=0):
    return "RLE_DICTIONARY" in file.metadata.row_group(group).column(column).encodings


numbers = st.sampled_from([None, 0.0, -0.0, 1.0, -2.5, float("nan"), float("inf"), float("-inf"), 1e-45, 3.4e38])
texts = st.sampled_from([None, "", "a", "ä", "seven c", "eight ch", "eight cj", "nine char", "long " * 9, "long " * 8])
rows = st.lists(st.tuples(numbers, numbers, texts), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(kinds=rows, order=st.lists(st.integers(0, 39), min_size=1, max_size=300), cut=st.integers(0, 70))
def test_rows_come_back_bit_for_bit(tmp_path_factory, kinds, order, cut):
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    chosen = [kinds[place % len(kinds)] for place in order]
    table = pa.table(
        {
            "single": pa.array([row[0] for row in chosen], pa.float32()),
            "double": pa.array([row[1] for row in chosen], pa.float64()),
            "text": pa.array([row[2] for row in chosen], pa.string()),
            "id": pa.array(range(len(chosen)), pa.int64()),
        }
    )
    groups = [part for part in (table.slice(0, cut), table.slice(cut)) if part.num_rows]
    file = write(path, groups)
    assert file.schema_arrow.equals(table.schema)
    assert bits(file.read()) == bits(table)
    assert bits(duckdb.read_parquet(str(path)).to_arrow_table()) == bits(table)
    words = pq.read_table(path, read_dictionary=["text"]).column("text")
    assert words.cast(pa.string()).combine_chunks() == table.column("text").combine_chunks()


@compiled
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(numbers, numbers, texts), max_size=200), st.integers(0, 70), st.integers(0, 200))
def test_compiled_or_not_the_bytes_are_the_same(chosen, start, count):
    for kind, values in zip(pages.KINDS, zip(*chosen, strict=True), strict=False):
        column = pa.array(list(values), kind).slice(start, count)
        assert pages.encode(column) == (pages._encode(column) if column.null_count < len(column) else None)


def as_texts(column):
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


@compiled
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(numbers, texts), max_size=300), st.integers(0, 70))
def test_what_was_encoded_is_decoded_bit_for_bit(chosen, start):
    for kind, values in zip((pa.float32(), pa.string()), zip(*chosen, strict=True), strict=False):
        column = pa.array(list(values), kind).slice(start)
        made = pages.encode(column)
        if made is not None:
            found = pages.decode(made, kind, len(column))
            assert bits(pa.table([as_texts(found)], ["a"])) == bits(pa.table([column], ["a"]))


@compiled
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_pages_of_another_make_are_left_alone_or_refused(data):
    column = pa.array(data.draw(st.lists(numbers, min_size=1, max_size=200)), pa.float32())
    made = pages.encode(column)
    if made is None:
        return
    page = bytearray(made.rows)
    for place in data.draw(st.lists(st.integers(0, len(page) - 1), min_size=1, max_size=3)):
        page[place] = data.draw(st.integers(0, 255))
    cut = bytes(page[: data.draw(st.integers(0, len(page)))]) + data.draw(st.binary(max_size=2))
    with contextlib.suppress(ValueError):
        found = pages.decode(pages.Pages(made.values, made.entries, cut), pa.float32(), len(column))
        assert found is None or (len(found) == len(column) and found.validate(full=True) is None)


@compiled
def test_columns_are_read_here_where_they_were_encoded_here(tmp_path):
    table = pa.table({"number": pa.array([1, None, 3, 1] * 9, pa.float32()), "word": ["a", None, "b", "a"] * 9,
                      "wide": [1.0, None, 3.0, 1.0] * 9})  # fmt: skip
    file = write(tmp_path / "a.parquet", [table.slice(0, 20), table])
    found = column_chunks.columns_of(tmp_path / "a.parquet", file, 1, table.column_names)
    assert {name: as_texts(column) for name, column in found.items()} == {
        name: table.column(name).combine_chunks() for name in ("number", "word")
    }
    pq.write_table(table, tmp_path / "b.parquet", compression="lz4", data_page_size=1)
    file = pq.ParquetFile(tmp_path / "b.parquet")
    found = column_chunks.columns_of(tmp_path / "b.parquet", file, 0, table.column_names)
    assert all(as_texts(column).equals(table.column(name).combine_chunks()) for name, column in found.items())


@compiled
@pytest.mark.parametrize("distinct", [1, 3, 511, 512, 513, 4_096, 30_000, 32_768, 32_769])
@pytest.mark.parametrize("repeated", [2, 3, 9])
@pytest.mark.parametrize("kind", pages.KINDS)
def test_compiled_or_not_a_dictionary_pays_for_the_same_columns(distinct, repeated, kind):
    numbers = np.random.default_rng(distinct).integers(0, distinct, distinct * repeated)
    column = pa.array(numbers, mask=numbers % 7 == 4).cast(pa.int32()).cast(kind)
    assert pages.encode(column) == pages._encode(column)


@pytest.mark.parametrize("distinct", [1, 2, 3, 255, 256, 257, 4_096, 4_097, 30_000])
@pytest.mark.parametrize("kind", [pa.float32(), pa.float64(), pa.string()])
def test_places_of_every_width_come_back(tmp_path, distinct, kind):
    count = 8 * distinct + 5
    numbers = np.random.default_rng(distinct).integers(0, distinct, count)
    column = pa.array(numbers, mask=numbers % 5 == 4).cast(pa.int32()).cast(kind)
    table = pa.table({"column": column})
    file = write(tmp_path / "a.parquet", [table])
    assert encoded_here(file, 0)
    assert file.read().equals(table)
    assert duckdb.read_parquet(str(tmp_path / "a.parquet")).to_arrow_table().equals(table)


@pytest.mark.parametrize("distinct", [32_768, 40_000])
def test_values_that_are_too_many_are_left_to_arrow(tmp_path, distinct):
    table = pa.table({"column": pa.array(np.arange(distinct * 8) % distinct, pa.float32())})
    file = write(tmp_path / "a.parquet", [table])
    assert encoded_here(file, 0) == (distinct <= 32_768)
    assert file.read().equals(table)


def test_each_row_group_has_the_encoding_that_pays(tmp_path):
    few, many = np.ones(1_000), np.random.default_rng(0).random(1_000)
    tables = [pa.table({"column": pa.array(values, pa.float32())}) for values in (few, many, few)]
    file = write(tmp_path / "a.parquet", tables)
    assert [encoded_here(file, 0, group) for group in range(3)] == [True, False, True]
    assert file.read().equals(pa.concat_tables(tables))


def test_a_table_without_rows_has_its_columns(tmp_path):
    schema = pa.schema([("id", pa.string()), ("number", pa.float32())])
    file = write(tmp_path / "a.parquet", [schema.empty_table()])
    assert file.read().equals(schema.empty_table())
    assert duckdb.read_parquet(str(tmp_path / "a.parquet")).fetchall() == []


def test_files_written_here_and_by_arrow_are_one_table(tmp_path):
    table = pa.table({"id": ["a", "b", "c"], "number": pa.array([1, 1, None], pa.float32()), "word": ["x", "x", "x"]})
    here = write(tmp_path / "a.parquet", [table])
    pq.write_table(table, tmp_path / "b.parquet")
    there = pq.ParquetFile(tmp_path / "b.parquet")
    assert here.schema_arrow.equals(there.schema_arrow)
    assert pq.read_table(tmp_path).equals(pa.concat_tables([table, table]))
    assert duckdb.read_parquet(str(tmp_path / "*.parquet")).to_arrow_table().num_rows == 6


@pytest.mark.parametrize("here", [True, False])
def test_chunks_go_from_one_file_into_another_as_they_are(tmp_path, here):
    table = pa.table({"id": ["a", "b", None], "word": ["x", "x", None], "number": pa.array([1, None, 3], pa.float32())})
    if here:
        file = write(tmp_path / "a.parquet", [table.slice(1), table])
    else:
        pq.write_table(table, tmp_path / "a.parquet", row_group_size=2, compression="zstd")
        file = pq.ParquetFile(tmp_path / "a.parquet")
    words = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([("id", pa.string()), ("new", words), ("word", words), ("number", pa.float64())])
    names = column_chunks.carried(file, schema, ["id", "word", "number"])
    assert names == ["id", "word"]  # a number of another width has to be read
    made = pa.table({"new": pa.array(["n", None] * 3).dictionary_encode(), "number": pa.array([1.0, None, 3.0] * 2)})
    with writer_of(tmp_path / "b.parquet", schema, LAYOUT) as writer:
        start = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            ready = column_chunks.chunks_of(tmp_path / "a.parquet", file, group, names)
            writer.write_table(made.slice(start, rows), ready=ready)
            start += rows
        with pytest.raises(ValueError, match="rows"):
            writer.write_table(made, ready=ready)
        writer.add_key_value_metadata({"key": "text"})
    found = pq.ParquetFile(tmp_path / "b.parquet")
    assert found.schema_arrow.names == schema.names
    assert found.read(["id", "word"]).equals(file.read(["id", "word"]))
    assert found.metadata.metadata == {b"key": b"text"}
    assert duckdb.read_parquet(str(tmp_path / "b.parquet")).to_arrow_table().equals(found.read())


def test_types_that_are_not_known_here_are_written_by_arrow(tmp_path):
    schema = pa.schema([("id", pa.date32()), ("number", pa.float32())])
    assert not column_chunks.takes(schema)
    writer = writer_of(tmp_path / "a.parquet", schema, LAYOUT)
    writer.close()
    assert isinstance(writer, pq.ParquetWriter)


def test_numbers_that_hardly_repeat_are_split_by_arrow_too(tmp_path):
    with by_arrow(tmp_path / "a.parquet", pa.schema([("number", pa.float64())]), Layout(("number",))) as writer:
        writer.write_table(pa.table({"number": [1.0, 2.0]}))
    assert "BYTE_STREAM_SPLIT" in pq.read_metadata(tmp_path / "a.parquet").row_group(0).column(0).encodings


@compiled
@pytest.mark.parametrize(
    "arguments",
    [
        (None, b"\0" * 8, None, 0, 3, 4),  # fewer values than rows
        (None, b"\0" * 8, None, 1, 2, 4),
        (b"", b"\0" * 8, None, 0, 2, 4),  # fewer bits than rows
        (None, b"\0" * 8, None, -1, 1, 4),
        (None, b"\0" * 8, None, 0, 1, 3),
        (None, b"abc", np.array([0, 2], np.int32).tobytes(), 0, 2, 4),  # fewer offsets than rows
        (None, b"abc", np.array([0, 9, 3], np.int32).tobytes(), 0, 2, 4),  # a text beyond the data
        (None, b"abc", np.array([0, 3, 9], np.int32).tobytes(), 0, 2, 4),
        (None, b"abc", np.array([3, 0, 3], np.int32).tobytes(), 0, 2, 4),
    ],
)
def test_columns_that_do_not_fit_their_buffers_are_refused(arguments):
    with pytest.raises(ValueError, match=r"(do|does) not"):
        pages._pages.encode(*arguments)
