"""How a table lies in its files changes nothing of its rows; rows are counted as they pass."""

import errno

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.engines import open_engine, parquet_writer
from agecli.engines.base import Layout, Table, View
from agecli.engines.ids import checksum
from agecli.engines.parquet_writer import Writer
from agecli.engines.tally import Tally, hash_sum

SCHEMA = pa.schema([("id", pa.int64()), ("word", pa.string())])


def batch(start: int, rows: int) -> pa.RecordBatch:
    numbers = range(start, start + rows)
    return pa.record_batch([pa.array(numbers, pa.int64()), pa.array([f"w{n % 3}" for n in numbers])], schema=SCHEMA)


@pytest.mark.parametrize("sizes", [[], [1], [10, 10], [7, 26, 1, 21], [55]])
def test_rows_come_back_in_order_from_groups_and_files_of_one_size(tmp_path, sizes):
    with Writer(tmp_path, SCHEMA, 10, Layout(distinct=("id",), file_groups=2)) as writer:
        for number, rows in enumerate(sizes):
            writer.add(batch(sum(sizes[:number]), rows))
    files = [pq.ParquetFile(tmp_path / name) for name in writer.names]
    groups = [file.metadata.row_group(index).num_rows for file in files for index in range(file.num_row_groups)]
    assert writer.rows == sum(groups) == sum(sizes)
    assert all(rows == 10 for rows in groups[:-1])
    assert len(files) == max(1, -(-sum(sizes) // 20))
    assert pa.concat_tables([file.read() for file in files]).column("id").to_pylist() == list(range(sum(sizes)))


def test_columns_that_hardly_repeat_get_no_dictionary(tmp_path):
    with Writer(tmp_path, SCHEMA, 10, Layout(distinct=("id",))) as writer:
        writer.add(batch(0, 10))
    group = pq.ParquetFile(tmp_path / writer.names[0]).metadata.row_group(0)
    assert [group.column(index).has_dictionary_page for index in range(2)] == [False, True]


QUICK = Layout(distinct=("id",), file_groups=3, quick=True)


def many_columns(rows: int) -> pa.Table:
    """Each of the last four is what only a look at later rows would tell."""
    numbers = np.random.default_rng(0).random(rows)
    late = np.arange(rows) >= rows - 5
    return pa.table(
        {
            "id": pa.array([f"{n * 7919:032x}" for n in range(rows)]),
            "word": pa.array([f"w{n % 5}" for n in range(rows)], mask=np.arange(rows) % 3 == 0),
            "any": pa.array(numbers, pa.float32(), mask=np.arange(rows) % 7 == 0),
            "few": pa.array(np.arange(rows) % 11, pa.float32()),
            "one": pa.array(np.ones(rows), pa.float32()),
            "none": pa.nulls(rows, pa.float32()),
            "late_null": pa.array(np.arange(rows) % 3, pa.float64(), mask=late),
            "late_infinity": pa.array(np.where(late, -np.inf, 1), pa.float32()),
            "late_many": pa.array(np.where(np.arange(rows) < rows / 2, 0, numbers), pa.float32()),
            "late_words": pa.array([f"w{n}" if n > rows / 2 else "w" for n in range(rows)]),
        }
    )


def written(folder, table, sizes, layout=QUICK):
    folder.mkdir()
    with Writer(folder, table.schema, 100, layout) as writer:
        start = 0
        while start < table.num_rows:
            for size in sizes:
                for piece in table.slice(start, size).to_batches():
                    writer.add(piece)
                start += size
    return writer, [(folder / name).read_bytes() for name in writer.names]


@pytest.mark.parametrize("sizes", [[100], [1000], [7, 64, 130], [99, 1]])
def test_a_table_has_the_same_rows_and_bytes_however_its_batches_are_cut(tmp_path, sizes):
    table = many_columns(950)
    writer, files = written(tmp_path / "a", table, sizes)
    assert files == written(tmp_path / "b", table, [950])[1]
    back = pa.concat_tables([pq.read_table(tmp_path / "a" / name) for name in writer.names])
    assert back.equals(table)
    assert writer.nulls == {name: table.column(name).null_count for name in table.column_names}
    assert writer.infinite == {"late_infinity"}


def test_a_quick_table_has_dictionaries_where_they_pay_and_quick_codecs(tmp_path):
    written(tmp_path / "a", many_columns(950), [950])
    group = pq.ParquetFile(tmp_path / "a" / "part-00000.parquet").metadata.row_group(0)
    columns = [group.column(index) for index in range(group.num_columns)]
    assert {column.path_in_schema for column in columns if column.has_dictionary_page} >= {"word", "few", "one"}
    assert {column.path_in_schema for column in columns if column.compression != "LZ4"} == {"id"}


def test_what_lies_under_a_null_is_not_infinite(tmp_path):
    hidden = pa.Array.from_buffers(pa.float32(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.float32([1, np.inf]))])
    table = pa.table({"id": ["a", "b"], "number": hidden, "nan": pa.array([np.nan, 1.0])})
    assert written(tmp_path / "a", table, [2])[0].infinite == set()


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50))
def test_hashes_are_summed_without_running_over(hashes):
    assert hash_sum(np.array(hashes, np.uint64)) == sum(hashes)


def test_a_view_counts_the_rows_that_a_query_reads(tmp_path):
    pq.write_table(pa.table({"id": [1, 2, 3, None], "a": [True, None, False, True], "n": [None, 1, 2, 3]}),
                   tmp_path / "rows.parquet")  # fmt: skip
    table = Table((str(tmp_path / "rows.parquet"),))
    tally = Tally(("id",), ("a", "n"))
    view = View("SELECT id, a, n, n + 1 AS more FROM t", (("t", table),), tally)
    found = open_engine().query("SELECT more FROM v WHERE id IS NULL OR id > 0", {"v": view})
    assert found.column("more").to_pylist() == [None, 2, 3, 4]
    assert (tally.rows, tally.counts) == (4, {"a": 2, "n": 3})
    assert tally.checksum == checksum(table, ["id"])


def test_a_disk_that_fills_up_at_the_end_of_a_file_is_told_as_that(tmp_path, monkeypatch):
    class Full:
        closed = False

        def write_table(self, group: pa.Table, row_group_size: int) -> None:
            pass

        def close(self) -> None:
            if self.closed:
                raise ValueError("I/O operation on closed file")
            self.closed = True
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(parquet_writer, "writer_of", lambda *_: Full())
    with pytest.raises(OSError, match="No space"), Writer(tmp_path, SCHEMA, 10, Layout(file_groups=1)) as writer:
        writer.add(batch(0, 20))
