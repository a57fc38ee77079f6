"""How a table lies in its files changes nothing of its rows; rows are counted as they pass."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.engines import open_engine
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
