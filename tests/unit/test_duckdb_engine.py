"""The embedded engine: files as tables, results with exact types, errors by name."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli.engines import SqlRefused, open_engine
from agecli.engines.base import Column, Table
from agecli.engines.duckdb import DuckDBEngine, explained
from agecli.engines.tables import largest_row_group, source
from agecli.errors import AgecliError, DataError, SqlFailed, SqlInvalid


@pytest.fixture(scope="module")
def engine() -> DuckDBEngine:
    return open_engine("duckdb", threads=2, memory_mb=500)


@pytest.fixture
def people(tmp_path: Path) -> Table:
    path = tmp_path / "people.parquet"
    pq.write_table(pa.table({"id": pa.array([1, 2, 3], pa.int32()), "Name": ["a", None, "é"]}), path)
    return Table((str(path),))


def test_a_result_has_the_types_of_the_select(engine: DuckDBEngine) -> None:
    found = engine.query("SELECT 1 AS a, 1.50 AS b, count(*) AS c, 'x' AS d, ARRAY[1e0] AS e, DATE '2024-01-01' AS f")
    assert found.schema == pa.schema(
        [
            ("a", pa.int32()),
            ("b", pa.decimal128(3, 2)),
            ("c", pa.int64()),
            ("d", pa.string()),
            ("e", pa.list_(pa.float64())),
            ("f", pa.date32()),
        ]
    )
    assert found.column("b").to_pylist() == [Decimal("1.50")]


def test_columns_without_a_name_are_named_as_on_athena(engine: DuckDBEngine) -> None:
    assert engine.query("SELECT 1, 2 AS b, 3").column_names == ["_col0", "b", "_col2"]


def test_names_are_compared_without_case(engine: DuckDBEngine, people: Table) -> None:
    assert engine.query("SELECT NAME FROM People ORDER BY ID", {"people": people}).to_pydict() == {
        "NAME": ["a", None, "é"]
    }


def test_a_declared_column_is_widened(engine: DuckDBEngine, people: Table) -> None:
    declared = Table(people.files, columns=(Column("id", "bigint"),))
    assert engine.query("SELECT * FROM t", {"t": declared}).schema.field("id").type == pa.int64()
    assert engine.describe("SELECT id / 2 AS half FROM t", {"t": declared}) == (Column("half", "bigint"),)


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (Column("nope", "varchar"), "no column nope; it has id, Name"),
        (Column("id", "varchar"), "id is integer, not varchar"),
    ],
)
def test_a_file_that_does_not_fit_is_named(engine: DuckDBEngine, people: Table, column: Column, why: str) -> None:
    with pytest.raises(DataError, match=why):
        engine.query("SELECT 1 AS x FROM t", {"t": Table(people.files, columns=(column,))})


def test_a_truncated_file_is_named(engine: DuckDBEngine, people: Table, tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(Path(people.files[0]).read_bytes()[:-30])
    for attempt in (
        lambda: engine.count(Table((str(broken),))),
        lambda: engine.query("SELECT * FROM t", {"t": Table((str(broken),))}),
    ):
        with pytest.raises(DataError, match=r"broken\.parquet"):
            attempt()


def test_a_folder_that_takes_no_spilled_rows_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder can be made below")
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"x": [f"{n * 7919 % 300_007:040d}" for n in range(300_000)]}), path)
    engine = open_engine("duckdb", threads=1, memory_mb=12, temp_directory=tmp_path / "file" / "spill")
    with pytest.raises(AgecliError, match="cannot spill to disk") as caught:
        engine.query("SELECT x, row_number() OVER (ORDER BY x) AS r FROM t", {"t": Table((str(path),))})
    assert not isinstance(caught.value, DataError) and str(tmp_path / "file" / "spill") in caught.value.fix


def test_each_user_spills_to_a_folder_of_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 4321)
    assert DuckDBEngine()._spill.endswith("agecli-duckdb-4321")


def test_a_file_that_went_away_is_told_as_that(engine: DuckDBEngine, people: Table) -> None:
    rows = engine.read("SELECT * FROM t", {"t": people})
    Path(people.files[0]).unlink()
    with pytest.raises(DataError, match="the data cannot be read"):
        list(rows)


def test_csv_is_text_and_columns_that_a_file_lacks_are_null(engine: DuckDBEngine, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text('id,Label,note\n1,yes,"a ""b"", c"\n2,,"two\nlines"\n', encoding="utf-8")
    (tmp_path / "two.csv").write_text("note,id\nx,3\n", encoding="utf-8")
    files = (str(tmp_path / "one.csv"), str(tmp_path / "two.csv"))
    table = Table(files, "csv", (Column("id", "varchar"), Column("label", "varchar"), Column("note", "varchar")))
    assert engine.query("SELECT * FROM t", {"t": table}).to_pylist() == [
        {"id": "1", "label": "yes", "note": 'a "b", c'},
        {"id": "2", "label": "", "note": "two\nlines"},
        {"id": "3", "label": None, "note": "x"},
    ]
    assert engine.count(table) == 3
    with pytest.raises(DataError, match="no column other"):
        engine.query("SELECT * FROM t", {"t": Table(files, "csv", (Column("other", "varchar"),))})


def test_json_lines_are_text(engine: DuckDBEngine, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a":1,"b":{"c":[1, 2]},"s":"x\\"é"}\n{"s":null,"a":"q"}\n', encoding="utf-8")
    found = engine.query(
        "SELECT a, json_extract_scalar(b, '$.c[1]') AS c, s FROM t", {"t": Table((str(path),), "jsonl")}
    )
    assert found.to_pylist() == [{"a": "1", "c": "2", "s": 'x"é'}, {"a": "q", "c": None, "s": None}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'id,"a\nb"\r\n1,2\r\n', "holds a line break"),
        (b"id,a\r\n1,2\r\n3,4\n", "line 3 ends in another way"),
        (b'id,a\n1,"x\r\ny"\n3,4\r\n', "line 4 ends in another way"),
    ],
)
def test_line_breaks_that_the_reader_would_take_wrongly_are_refused(engine, tmp_path, content, said) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as raised:
        engine.count(Table((str(path),), "csv"))
    assert str(path) in raised.value.why


def test_folders_of_partitions_are_columns(engine: DuckDBEngine, tmp_path: Path) -> None:
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        pq.write_table(pa.table({"a": [year % 10]}), tmp_path / f"year={year}" / "x.parquet")
    files = tuple(str(p) for p in sorted(tmp_path.glob("*/x.parquet")))
    table = Table(files, columns=(Column("a", "bigint"), Column("year", "integer")), root=str(tmp_path))
    assert engine.query("SELECT year + 1 AS y, a FROM t ORDER BY 1", {"t": table}).to_pylist() == [
        {"y": 2024, "a": 3},
        {"y": 2025, "a": 4},
    ]


@pytest.mark.parametrize(("kind", "content"), [("csv", "a\n1\n"), ("jsonl", '{"a": 1}\n')])
def test_folders_of_partitions_are_columns_of_texts_too(engine: DuckDBEngine, tmp_path: Path, kind, content) -> None:
    root = tmp_path / "y=ears [of] it"  # above the root a name is only a name
    for town in ("Köln", "a%20b", "__HIVE_DEFAULT_PARTITION__"):
        (root / "year=2024" / f"Town={town}").mkdir(parents=True)
        (root / "year=2024" / f"Town={town}" / f"x.{kind}").write_text(content)
    files = tuple(str(p) for p in sorted(root.rglob("x.*")))
    columns = tuple(Column(name, "varchar") for name in ("town", "a", "year"))
    table = {"t": Table(files, kind, columns, root=str(root))}
    found = engine.query("SELECT concat(year, a) AS ya, town FROM t ORDER BY town NULLS LAST", table).to_pylist()
    assert found == [{"ya": "20241", "town": town} for town in ("Köln", "a b", None)]
    assert "y" not in [name for name, _ in source(Table(files, kind, root=str(root))).columns]


def test_a_file_outside_the_partitions_of_the_others_is_refused(engine: DuckDBEngine, tmp_path: Path) -> None:
    (tmp_path / "year=2024").mkdir()
    for path in (tmp_path / "year=2024" / "x.csv", tmp_path / "x.csv"):
        path.write_text("a\n1\n")
    table = Table(tuple(map(str, sorted(tmp_path.rglob("*.csv")))), "csv", root=str(tmp_path))
    with pytest.raises(DataError, match="year="):
        engine.query("SELECT * FROM t", {"t": table})


def test_a_table_is_written_in_order_and_alike_each_time(engine: DuckDBEngine, tmp_path: Path) -> None:
    path = tmp_path / "many.parquet"
    pq.write_table(pa.table({"id": range(100_000)}), path, row_group_size=7_000)
    digests = set()
    for attempt in range(2):
        location = tmp_path / f"out{attempt}"
        written = engine.create(
            "SELECT id, id % 7 AS k FROM t WHERE id % 3 <> 1", {"t": Table((str(path),))}, location, 10_000
        )
        assert written.rows == 66_667
        assert written.columns == (Column("id", "bigint"), Column("k", "bigint"))
        content = (location / written.files[0]).read_bytes()
        digests.add(hashlib.sha256(content).hexdigest())
    assert len(digests) == 1
    file = pq.ParquetFile(location / written.files[0])
    assert file.metadata.row_group(0).num_rows == 10_000
    assert file.read().column("id").to_pylist() == [i for i in range(100_000) if i % 3 != 1]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, row_number() OVER (ORDER BY id % 7) AS n FROM t",
        "SELECT a.id, b.k FROM t a JOIN (SELECT id % 50 AS k, count(*) AS n FROM t GROUP BY 1) b ON a.id % 50 = b.k",
    ],
)
def test_threads_do_not_show_in_what_comes_in_any_order(tmp_path: Path, sql: str) -> None:
    """On one thread the order is that of the source; on two it would be another one at each run."""
    path = tmp_path / "many.parquet"
    pq.write_table(pa.table({"id": range(300_000)}), path, row_group_size=20_000)
    digests = set()
    for attempt, threads in enumerate((1, 2, 2)):
        engine = open_engine("duckdb", threads=threads, memory_mb=500)
        written = engine.create(sql, {"t": Table((str(path),))}, tmp_path / f"out{attempt}", 50_000)
        digests.add(hashlib.sha256((tmp_path / f"out{attempt}" / written.files[0]).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_an_empty_result_is_a_table_too(engine: DuckDBEngine, people: Table, tmp_path: Path) -> None:
    written = engine.create("SELECT id FROM t WHERE id > 9", {"t": people}, tmp_path / "none")
    assert written.rows == 0
    assert engine.count(Table((str(tmp_path / "none" / written.files[0]),))) == 0


@pytest.mark.parametrize(
    "sql", ["SELECT 1", "SELECT 1 AS a, 2 AS A", "SELECT NULL AS a", "SELECT INTERVAL '1' DAY AS a"]
)
def test_a_table_needs_columns_that_can_be_stored(engine: DuckDBEngine, tmp_path: Path, sql: str) -> None:
    with pytest.raises(SqlInvalid):
        engine.create(sql, {}, tmp_path / "x")


def test_rows_stream_in_order_while_other_queries_run(engine: DuckDBEngine, tmp_path: Path) -> None:
    path = tmp_path / "many.parquet"
    pq.write_table(pa.table({"id": range(200_000)}), path, row_group_size=20_000)
    table = {"t": Table((str(path),))}
    seen: list[int] = []
    for batch in engine.read("SELECT id FROM t", table):
        seen += batch.column(0).to_pylist()
        assert engine.query("SELECT 1 AS one").num_rows == 1
    assert seen == list(range(200_000))


def test_errors_are_told_apart(engine: DuckDBEngine) -> None:
    expected: list[tuple[str, type[AgecliError]]] = [
        ("SELEC 1", SqlInvalid),
        ("SELECT a", SqlInvalid),
        ("SELECT frob(1)", SqlRefused),
        ("SELECT 1 / 0", SqlFailed),
        ("SELECT json_parse(v) FROM (VALUES 'x') AS t(v)", SqlFailed),
    ]
    for sql, kind in expected:
        with pytest.raises(kind) as caught:
            engine.query(sql)
        assert type(caught.value) is kind
        assert "agecli-" not in str(caught.value)


def test_an_unknown_engine_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(AgecliError, match="spark") as caught:
        open_engine("spark")
    assert caught.value.exit_code == 2


def test_in_with_many_constants_leaves_the_rows_in_their_order(engine: DuckDBEngine, tmp_path: Path) -> None:
    """DuckDB would join them, and shuffle what several threads read."""
    ids = range(100_000)
    rows = pa.table({"id": pa.array(ids, pa.int32()), "s": [f"a{i % 20}" for i in ids]})
    pq.write_table(rows, tmp_path / "t.parquet", row_group_size=5_000)
    sql = "SELECT id, s IN ('a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7') AS named FROM t"
    read = pa.Table.from_batches(engine.read(sql, {"t": Table((str(tmp_path / "t.parquet"),))}))
    assert read.column("id").to_pylist() == list(ids)
    assert sum(read.column("named").to_pylist()) == 35_000


@pytest.mark.parametrize(
    "condition, told",
    [("-d >= nan()", [False, False, False, None]), ("-d <= nan()", [False, False, False, None]),
     ("NOT (-d BETWEEN nan() AND 5e0)", [True, True, True, None]), ("-d > -1e0", [False, True, False, None]),
     ("-CAST(d AS REAL) >= CAST(nan() AS REAL)", [False, False, False, None])],
)  # fmt: skip
def test_a_negated_double_is_not_beyond_nan(
    engine: DuckDBEngine, tmp_path: Path, condition: str, told: list[bool | None]
) -> None:
    pq.write_table(pa.table({"d": [1.0, -0.0, float("nan"), None]}), tmp_path / "d.parquet")
    found = engine.query(f"SELECT {condition} AS told FROM t", {"t": Table((str(tmp_path / "d.parquet"),))})
    assert found.column("told").to_pylist() == told


def test_a_negated_double_keeps_its_sign(engine: DuckDBEngine, tmp_path: Path) -> None:
    pq.write_table(pa.table({"d": [0.0, -0.0, 5e-324]}), tmp_path / "d.parquet")
    found = engine.query("SELECT -d AS n FROM t", {"t": Table((str(tmp_path / "d.parquet"),))})
    assert repr(found.column("n").to_pylist()) == "[-0.0, 0.0, -5e-324]"


def test_memory_that_runs_out_in_a_stream_is_told_as_that() -> None:
    error = explained(
        OSError("Out of Memory Error: failed to allocate data of size 2.0 MiB (242.6 MiB/244.1 MiB used)")
    )
    assert (type(error), error.what) == (AgecliError, "the query ran out of memory")


def test_the_largest_row_group_is_told_in_packed_bytes(tmp_path: Path) -> None:
    rows = pa.table({"id": [os.urandom(8) for _ in range(3_000)]})
    pq.write_table(rows, tmp_path / "a.parquet", row_group_size=1_000, use_dictionary=False)
    pq.write_table(rows, tmp_path / "b.parquet", row_group_size=2_000, use_dictionary=False)
    both = Table((str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")))
    assert 2_000 * 8 < largest_row_group(both) < 2_000 * 14
    assert largest_row_group(replace(both, format="csv")) == 0
    gone = str(tmp_path / "gone.parquet")
    with pytest.raises(DataError, match=f"a data file is missing: {gone} is not there"):
        largest_row_group(Table((gone,)))


def test_texts_without_the_mark_of_texts_are_read_as_utf8(tmp_path: Path) -> None:
    texts = ['josé "0"', "", None, "大\n"]
    packed = pa.array([None if text is None else text.encode() for text in texts], pa.binary())
    pq.write_table(pa.table({"id": packed}), tmp_path / "a.parquet")
    columns = (Column("id", "varchar"),)
    found = open_engine().query("SELECT id FROM t", {"t": Table((str(tmp_path / "a.parquet"),), columns=columns)})
    assert found.column("id").to_pylist() == texts
    pq.write_table(pa.table({"id": pa.array(texts)}), tmp_path / "b.parquet")
    both = Table((str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")), columns=columns)
    with pytest.raises(DataError, match="varbinary in some and varchar in others"):
        open_engine().query("SELECT id FROM t", {"t": both})
