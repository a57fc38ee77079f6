"""What a query scans: the columns it needs, what its conditions leave out, and what cannot be told."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.cost import cache, columns, pruning, reading
from agecli.cost.footers import Chunk, Footer, RowGroup, summary
from agecli.cost.scan import Planned, estimate, planned, table_at
from agecli.cost.usage import Interval, Predicate, covered
from agecli.engines.base import Column, Table
from agecli.engines.dialect.types import BIGINT, parse_type
from agecli.errors import ConfigError, DataError, SqlInvalid, SqlRefused

ITEMS = parse_type("array(row(x integer, y varchar))")
PERSON = parse_type("row(a integer, b row(c varchar, d date))")
WORDS = parse_type("array(varchar)")
TABLES = {
    "t": (("id", BIGINT), ("Name", parse_type("varchar")), ("s", PERSON), ("tags", WORDS), ("items", ITEMS)),
    "u": (("id", BIGINT), ("v", parse_type("double"))),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def needed(sql: str) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for mention in columns.mentions(sql, TABLES):
        found.setdefault(mention.table, set()).update(covered(mention.paths))
    return {table: sorted(names) for table, names in found.items()}


@pytest.mark.parametrize(
    "sql, expected",
    [
        ("SELECT count(*) FROM t", {"t": []}),
        ("SELECT * FROM u", {"u": ["id", "v"]}),
        ("SELECT NAME FROM T x", {"t": ["name"]}),
        ("SELECT x.* FROM u x", {"u": ["id", "v"]}),
        ("SELECT s.a FROM t", {"t": ["s.a"]}),
        ("SELECT t.s.b.c FROM t", {"t": ["s.b.c"]}),
        ("SELECT s, s.a FROM t", {"t": ["s"]}),
        ("SELECT q.b.d FROM (SELECT s AS q FROM t)", {"t": ["s.b.d"]}),
        ("WITH a AS (SELECT * FROM t) SELECT id FROM a", {"t": ["id"]}),
        ("WITH a (x, y) AS (SELECT * FROM u) SELECT y FROM a", {"u": ["v"]}),
        ("SELECT id FROM (SELECT DISTINCT id, name FROM t)", {"t": ["id", "name"]}),
        ("SELECT n FROM (SELECT name, count(*) AS n FROM t GROUP BY name)", {"t": ["name"]}),
        ("SELECT k FROM (SELECT id AS k, max(name) AS m FROM t GROUP BY id)", {"t": ["id"]}),
        ("SELECT x FROM t CROSS JOIN UNNEST(tags) AS u (x)", {"t": ["tags"]}),
        ("SELECT y FROM t CROSS JOIN UNNEST(items)", {"t": ["items"]}),
        ("SELECT 1 FROM t JOIN u USING (id)", {"t": ["id"], "u": ["id"]}),
        ("SELECT u.v FROM t LEFT JOIN u ON t.id = u.id AND t.name = 'x'", {"t": ["id", "name"], "u": ["id", "v"]}),
        ("SELECT id FROM t WHERE EXISTS (SELECT v FROM u WHERE u.id = t.id)", {"t": ["id"], "u": ["id"]}),
        ("SELECT id FROM t WHERE name IN (SELECT CAST(v AS varchar) FROM u)", {"t": ["id", "name"], "u": ["v"]}),
        ("SELECT (SELECT max(v) FROM u) FROM t", {"t": [], "u": ["v"]}),
        ("SELECT id FROM t ORDER BY name", {"t": ["id", "name"]}),
        ("SELECT id FROM (SELECT id, row_number() OVER (ORDER BY name) AS r FROM t)", {"t": ["id"]}),
        ("SELECT id FROM t UNION ALL SELECT id FROM u", {"t": ["id"], "u": ["id"]}),
        ("SELECT a FROM (SELECT id AS a, name AS b FROM t UNION SELECT 1, 'x')", {"t": ["id", "name"]}),
        ("SELECT filter(tags, id -> id <> 'x') FROM t", {"t": ["tags"]}),
        ("SELECT sum(v) OVER w FROM u WINDOW w AS (PARTITION BY id)", {"u": ["id", "v"]}),
        ("SELECT unheard_of(name) FROM t", {"t": ["name"]}),
    ],
)
def test_columns_that_a_query_needs(sql, expected):
    assert needed(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT IF(true, v, id) FROM u",
        "SELECT CASE WHEN 1 = 1 THEN v ELSE id END FROM u",
        "SELECT IF(v > 1, id, id) FROM u",
        "SELECT coalesce(1, v) FROM u",
        "SELECT coalesce(coalesce(id, 1), v) FROM u",
        "SELECT v > 1 OR (v > 1 AND id = 2) FROM u",
        "SELECT id = 1 OR true FROM u",
        "SELECT id + CAST(NULL AS bigint) FROM u",
        "SELECT v BETWEEN id AND NULL, id IN (1, NULL) FROM u",
        "SELECT sum(v ORDER BY id) FROM u",
        "SELECT sum(v) FILTER (WHERE id < 5) FROM u",
        "SELECT count(*) FROM (SELECT max(v) FROM u)",
        "SELECT CAST(row(v, id) AS row(a double, b bigint)).a FROM u",
        "SELECT r.a FROM (SELECT CAST(row(v, id) AS row(a double, b bigint)) AS r FROM u)",
        "SELECT s[1] FROM t",
        "WITH a AS (SELECT count(*) AS n FROM u) SELECT 1 FROM a",
    ],
)
def test_what_may_be_simplified_away_is_not_exact(sql):
    assert any(mention.cuts for mention in columns.mentions(sql, TABLES))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT IF(v > 1, id, 0), coalesce(v, 0), v + 1 FROM u",
        "SELECT CASE WHEN v > 1 THEN id END, nullif(id, 0), date_add('day', 1, DATE '2024-01-01') FROM u",
        "SELECT array_agg(v ORDER BY id), sum(v), count(*) FILTER (WHERE id > 5) FROM u",
        "SELECT id, sum(v) FILTER (WHERE id > 5) FROM u GROUP BY id",
        "SELECT n FROM (SELECT count(*) AS n FROM u)",
        "SELECT transform(tags, i -> i), s.a FROM t",
    ],
)
def test_what_is_read_in_any_case_is_exact(sql):
    assert not any(mention.cuts for mention in columns.mentions(sql, TABLES))


def test_a_long_condition_is_followed_in_little_time():
    """Looking for repeated parts at each of its levels would take minutes."""
    sql = "SELECT id FROM u WHERE " + " OR ".join(f"v = {number}e0" for number in range(800))
    (mention,) = columns.mentions(sql, TABLES)
    assert len(mention.predicates[0].intervals) == 800


def test_a_with_query_is_read_as_often_as_it_is_used():
    assert len(columns.mentions("WITH a AS (SELECT id FROM t) SELECT 1 FROM a x JOIN a y ON x.id = y.id", TABLES)) == 2


def test_a_with_query_that_is_not_used_is_not_read():
    assert needed("WITH a AS (SELECT * FROM t) SELECT v FROM u") == {"u": ["v"]}


def test_a_recursive_query_counts_every_step():
    sql = "WITH RECURSIVE a (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a JOIN u ON u.id = n) SELECT n FROM a"
    (mention,) = columns.mentions(sql, TABLES)
    assert mention.times > 10


def test_with_queries_that_multiply_without_end_are_refused():
    steps = ", ".join(f"a{i} AS (SELECT x.id FROM a{i - 1} x JOIN a{i - 1} y ON x.id = y.id)" for i in range(1, 20))
    with pytest.raises(SqlInvalid, match="too large"):
        columns.mentions(f"WITH a0 AS (SELECT id FROM t), {steps} SELECT id FROM a19", TABLES)


@pytest.mark.parametrize(
    "sql, says",
    [
        ("SELECT nope FROM t", "nope is not among"),
        ("SELECT t.nope FROM t", "t has no column nope"),
        ("SELECT s.nope FROM t", "has no field nope"),
        ("SELECT 1 FROM nowhere", "nowhere is not among: t, u"),
        ("SELECT id FROM (SELECT upper(nope) AS x, id FROM t)", "nope is not among"),
        ("SELECT FROM WHERE", "expected"),
        ("SELECT id FROM t ORDER BY 7", "not in the SELECT list"),
    ],
)
def test_what_is_not_there_is_named(sql, says):
    with pytest.raises(SqlInvalid, match=says):
        columns.mentions(sql, TABLES)


def group(low: object, high: object, kind: str = "integer", rows: int = 10, nulls: int | None = 0) -> RowGroup:
    return RowGroup(rows, (Chunk("id", 4, 100, kind=kind, low=low, high=high, nulls=nulls),))


def survives(sql: str, found: RowGroup, kind: str = "bigint") -> bool:
    table = {"t": (("id", parse_type(kind)), ("o", BIGINT))}
    (mention,) = columns.mentions(f"SELECT id FROM t WHERE {sql}", table)
    return pruning.survives(found, mention.predicates, {"id": parse_type(kind), "o": BIGINT})


@pytest.mark.parametrize("sql", ["id = 9", "id < 10", "id > 20", "20 < id", "id BETWEEN 21 AND 30", "id IN (1, 50)",
                                 "id = 3 OR id > 90", "o > 0 AND id > 20", "id IS NULL", "NOT id <= 20",
                                 "NOT (id < 21 OR o = 1)", "id NOT BETWEEN 5 AND 25", "NOT (id >= 5 AND id < 99)",
                                 "id = 9 OR id IS NULL", "id IS NOT DISTINCT FROM 9", "NOT NOT id > 20"])  # fmt: skip
def test_row_groups_go_where_no_value_can_meet_the_condition(sql):
    assert not survives(sql, group(10, 20))


@pytest.mark.parametrize("sql", ["id = 10", "id <= 10", "id >= 20", "id IN (1, 15)", "id > 20 OR o = 1", "NOT id = 15",
                                 "id + 0 > 20", "CAST(id AS double) > 30", "id <> 15", "id > 20.5", "id > NULL",
                                 "abs(id) > 30", "id IS NOT NULL", "id > o", "id NOT IN (10, 15, 20)",
                                 "NOT (id > 20 AND o = 1)", "id IS DISTINCT FROM 15", "id NOT BETWEEN 10 AND 19",
                                 "id = 15 OR id IS NULL", "NOT (id > 20 OR id IS NULL)", "id LIKE '9%'"])  # fmt: skip
def test_row_groups_stay_where_there_is_doubt(sql):
    assert survives(sql, group(10, 20))


@pytest.mark.parametrize(
    "sql, low, high, kind, stays",
    [
        ("id <> 7", 7, 7, "bigint", False),
        ("id NOT IN (6, 7)", 7, 7, "bigint", False),
        ("id <> 7e0", 7.0, 7.0, "double", True),
        ("NOT id < 8e0", 7.0, 7.0, "double", True),
        ("id LIKE 'b%'", "c", "d", "varchar", False),
        ("id LIKE 'b_x%'", "c", "d", "varchar", False),
        ("id LIKE 'c_x%'", "c", "d", "varchar", True),
        ("id LIKE 'bc'", "bcd", "d", "varchar", False),
        ("id NOT LIKE 'b%'", "ba", "bz", "varchar", True),
        ("id LIKE '%b'", "c", "d", "varchar", True),
        ("id LIKE 'b!%' ESCAPE '!'", "c", "d", "varchar", True),
        ("id", 0, 0, "boolean", False),
        ("NOT id", 1, 1, "boolean", False),
        ("NOT id", 0, 1, "boolean", True),
        ("id BETWEEN 1 AND 2.5", 260, 300, "decimal(9,2)", False),
        ("id BETWEEN 1 AND 2.7", 260, 300, "decimal(9,2)", True),
        ("id IN (1, 2.5)", 260, 300, "decimal(9,2)", False),
    ],
)
def test_conditions_mean_ranges_of_the_columns_type(sql, low, high, kind, stays):
    assert survives(sql, group(low, high, kind.split("(")[0].replace("bigint", "integer")), kind) is stays


def test_a_row_group_of_nulls_alone_meets_no_comparison():
    assert not survives("id > 1", group(None, None, nulls=10))
    assert not survives("id IS NOT NULL", group(None, None, nulls=10))
    assert survives("id IS NULL", group(None, None, nulls=10))
    assert survives("id > 1", group(None, None, nulls=None))
    assert survives("id = 1 OR id IS NULL", group(None, None, nulls=10))
    assert survives("id IS DISTINCT FROM 1", group(None, None, nulls=10))
    assert not survives("id IS NOT DISTINCT FROM 1", group(None, None, nulls=10))


def test_null_may_be_among_booleans_of_both_values():
    assert survives("id IS NULL", group(0, 1, "boolean"), "boolean")
    assert not survives("id IS NULL", group(1, 1, "boolean"), "boolean")


def test_bounds_of_another_type_than_declared_leave_nothing_out():
    assert survives("id > 99", group(10, 20), "varchar")
    assert survives("id > 'x'", group("a", "b", "varchar"), "varchar(3)")


@pytest.mark.parametrize("below", ["GROUP BY id", "LIMIT 5", ""])
def test_conditions_do_not_pass_what_they_may_not(below):
    sql = f"SELECT id FROM (SELECT id FROM t {below}) WHERE id > 99"
    (mention,) = columns.mentions(sql, {"t": (("id", BIGINT),)})
    assert bool(mention.predicates) == (below == "")


def test_the_side_of_an_outer_join_that_may_be_missing_keeps_its_row_groups():
    sql = "SELECT 1 FROM t LEFT JOIN u ON t.id = u.id WHERE u.id > 5 AND t.id > 7"
    left, right = columns.mentions(sql, TABLES)
    assert [p.path for p in left.predicates] == [("id",)]
    assert right.predicates == []


def test_a_condition_in_a_subquery_leaves_nothing_out_around_it():
    sql = "SELECT id, (SELECT max(v) FROM u WHERE t.id > 99 AND u.id > 5) FROM t"
    found = {m.table: m.predicates for m in columns.mentions(sql, TABLES)}
    assert found["t"] == []
    assert len(found["u"]) == 1


def test_conditions_reach_both_sides_of_union_all_and_of_no_other_set_operation():
    for op, reached in (("UNION ALL", 1), ("UNION", 0), ("INTERSECT", 0)):
        sql = f"SELECT id FROM (SELECT id FROM t {op} SELECT id FROM u) WHERE id BETWEEN 3 AND 5"
        assert [len(m.predicates) for m in columns.mentions(sql, TABLES)] == [reached, reached]


bounds = st.integers(-5, 5)


@given(st.lists(st.tuples(bounds, bounds), min_size=1, max_size=3), st.lists(bounds, min_size=1))
def test_no_row_group_goes_that_holds_a_row_to_find(intervals, values):
    predicate = Predicate(("id",), "integer", tuple(Interval(a, False, b, True) for a, b in intervals))
    if any(a <= v < b for v in values for a, b in intervals):
        assert pruning.survives(group(min(values), max(values)), [predicate], {"id": BIGINT})


MB = 1 << 20


@st.composite
def layouts(draw):
    """Row groups of two columns, with gaps between the chunks, in a file above the size that is read whole."""
    at, groups = 4, []
    for _ in range(draw(st.integers(1, 5))):
        chunks = []
        for leaf in ("a", "b"):
            at += draw(st.sampled_from([0, 10, MB // 2, 2 * MB]))
            length = draw(st.sampled_from([100, MB, 3 * MB, 9 * MB]))
            chunks.append(Chunk(leaf, at, length))
            at += length
        groups.append(RowGroup(10, tuple(chunks)))
    return Footer(max(at + 100, 4 * MB), 100, 10 * len(groups), (), tuple(groups))


@given(layouts(), st.data())
def test_no_row_groups_left_out_make_more_bytes_than_the_most(footer, data):
    kept = data.draw(st.lists(st.sampled_from(footer.groups), unique=True))
    leaves = data.draw(st.sampled_from([("a",), ("b",), ("a", "b")]))
    most = reading.read(footer, footer.groups, leaves, (), True).most
    assert reading.read(footer, [g for g in footer.groups if g in kept], leaves, (), False).planned <= most


def test_small_files_are_read_whole_and_large_ones_by_chunk():
    chunks = (Chunk("a", 4, 1000), Chunk("b", 1004, 3 * MB))
    small = Footer(3 * MB, 100, 10, (), (RowGroup(10, chunks),))
    large = Footer(3 * MB + 1, 100, 10, (), (RowGroup(10, chunks),))
    assert reading.read(small, small.groups, ("a",), (), False).planned == 3 * MB
    assert reading.read(large, large.groups, ("a",), (), False).planned == 48 * 1024 + 1000


def write(path, rows=1000, **options):
    table = pa.table({"id": np.arange(rows), "text": [f"{i:050d}" for i in range(rows)]})
    pq.write_table(table, path, **options)
    return Table((str(path),))


def test_a_footer_survives_its_json(tmp_path):
    write(tmp_path / "a.parquet", row_group_size=100)
    found = summary(pq.read_metadata(tmp_path / "a.parquet"), 5)
    assert Footer.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_bounds_of_moments_are_whole_milliseconds_around_them(tmp_path, unit):
    fine = {"ms": 0, "us": 400, "ns": 400_000}[unit]
    values = [second * {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit] + fine for second in (5, 9)]
    pq.write_table(pa.table({"at": pa.array(values, pa.timestamp(unit))}), tmp_path / "a.parquet")
    (chunk,) = summary(pq.read_metadata(tmp_path / "a.parquet"), 1000).groups[0].chunks
    assert (chunk.kind, chunk.low, chunk.high) == ("timestamp", 5_000_000, 9_000_000 + (1000 if fine else 0))


def test_footers_are_remembered_until_the_file_changes(tmp_path, monkeypatch):
    table = write(tmp_path / "a.parquet")
    first = estimate("SELECT id FROM t", {"t": table})
    monkeypatch.setattr("agecli.cost.footers._read", lambda file: pytest.fail("read again"))
    assert estimate("SELECT id FROM t", {"t": table}) == first
    monkeypatch.undo()
    write(tmp_path / "a.parquet", rows=2000)
    assert estimate("SELECT id FROM t", {"t": table}).tables[0].rows == 2000


def test_a_broken_cache_only_costs_time(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache.location().parent.mkdir(parents=True)
    cache.location().write_text("no database")
    assert estimate("SELECT id FROM t", {"t": write(tmp_path / "a.parquet")}).label == "exact"


def test_bytes_are_billed_by_the_megabyte_ten_at_least(tmp_path):
    scan = estimate("SELECT id FROM t", {"t": write(tmp_path / "a.parquet")})
    assert scan.billed.high == 10_000_000
    table = write(tmp_path / "b.parquet", rows=250_000, compression="none", use_dictionary=False)
    scan = estimate("SELECT * FROM t", {"t": table})
    assert 14_000_000 < scan.bytes.high < scan.billed.high < scan.bytes.high + 1_000_000


@pytest.mark.parametrize("sql, label", [("SELECT id FROM t", "exact"), ("SELECT id FROM t WHERE id > 5", "upper bound"),
                                        ("SELECT id FROM t LIMIT 3", "upper bound"),
                                        ("SELECT count(*) FROM t LIMIT 3", "exact")])  # fmt: skip
def test_labels_say_what_is_sure(tmp_path, sql, label):
    assert estimate(sql, {"t": write(tmp_path / "a.parquet")}).label == label


def test_partitions_that_a_condition_leaves_out_cost_nothing(tmp_path):
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        write(tmp_path / f"year={year}" / "a.parquet")
    scan = estimate("SELECT id FROM t WHERE year = '2024'", {"t": table_at(str(tmp_path))})
    assert (scan.tables[0].files, scan.label) == (1, "exact")
    assert scan.bytes.high == (tmp_path / "year=2024" / "a.parquet").stat().st_size


def test_the_partition_of_null_goes_as_the_reader_drops_it(tmp_path):
    for value in ("1", "2", "__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / f"p={value}").mkdir()
        write(tmp_path / f"p={value}" / "a.parquet")
    table = table_at(str(tmp_path))
    for condition, files in (("p = '1'", 1), ("p IS NULL", 1), ("p IS NOT NULL", 2), ("p <> '1'", 1),
                             ("p = '1' OR p IS NULL", 2), ("p IS DISTINCT FROM '1'", 2), ("NOT p LIKE '1%'", 3),
                             ("p LIKE '1%'", 1), ("p > '0'", 2)):  # fmt: skip
        scan = estimate(f"SELECT id FROM t WHERE {condition}", {"t": table})
        assert (scan.tables[0].files, scan.label) == (files, "upper bound" if files == 3 else "exact"), condition


def test_a_file_of_no_bytes_or_no_rows_costs_nothing(tmp_path):
    write(tmp_path / "a.parquet", rows=0)
    (tmp_path / "b.parquet").write_bytes(b"")
    assert estimate("SELECT id FROM t", {"t": table_at(str(tmp_path))}).bytes.high == 0


@pytest.mark.parametrize("packed", [False, True])
def test_texts_cost_their_full_size_and_are_told_what_parquet_would_save(tmp_path, packed):
    text = "id,word\n" + "".join(f"{i},amber\n" for i in range(20_000))
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    scan = estimate("SELECT word FROM t", {"t": table_at(str(path))})
    assert scan.label == "exact"
    assert scan.bytes.high == path.stat().st_size
    assert scan.tables[0].as_parquet < scan.bytes.high / 5
    assert any("as Parquet" in note for note in scan.tables[0].notes)


def test_json_lines_cost_their_full_size(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"id": i, "x": {"y": 1}}) + "\n" for i in range(100)))
    assert estimate("SELECT id FROM t WHERE x <> ''", {"t": table_at(str(path))}).bytes.high == path.stat().st_size


def test_a_table_that_is_not_there_is_an_estimate():
    table = Planned((Column("id", "bigint"), Column("v", "double")), 1000, {"id": 2.0, "v": 8.0}, "a guess")
    scan = estimate("SELECT id FROM t", {"t": table})
    assert (scan.label, scan.bytes.expected) == ("estimate", 2000)
    assert "not there yet" in scan.tables[0].notes[0]


def test_an_output_is_planned_from_its_inputs(tmp_path):
    table = write(tmp_path / "a.parquet", rows=5000)
    made = planned("SELECT id, text AS t, id + 1 AS n FROM s", {"s": table})
    weights = {c.leaf: c.length for g in summary(pq.read_metadata(tmp_path / "a.parquet"), 0).groups for c in g.chunks}
    assert made.rows == 5000
    assert [c.name for c in made.columns] == ["id", "t", "n"]
    assert made.column_bytes["t"] == pytest.approx(weights["text"] / 5000)
    assert "2 of 3" in made.basis


@pytest.mark.parametrize(
    "sql",
    ["SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A) DEFINE A AS true)", "SELECT id FROM t NATURAL JOIN u",
     "SELECT * FROM t FOR TIMESTAMP AS OF TIMESTAMP '2024-01-01 00:00:00'",
     pytest.param("SELECT " + "(" * 5000 + "id" + ")" * 5000 + " FROM t", id="5000 parentheses")],
)  # fmt: skip
def test_sql_that_cannot_be_followed_is_bounded_by_the_full_size(tmp_path, sql):
    tables = {"t": write(tmp_path / "t.parquet"), "u": write(tmp_path / "u.parquet")}
    scan = estimate(sql, tables)
    assert scan.label == "upper bound"
    assert scan.bytes.high >= (tmp_path / "t.parquet").stat().st_size
    assert any("cannot be followed" in said for said in scan.assumptions)


@pytest.mark.parametrize("sql", ["DELETE FROM t", "DROP TABLE t", "CREATE TABLE x AS SELECT * FROM t"])
def test_other_statements_are_refused(tmp_path, sql):
    with pytest.raises(SqlRefused):
        estimate(sql, {"t": write(tmp_path / "a.parquet")})


@pytest.mark.parametrize(
    "content", [b"no parquet at all, but long enough", b"PAR1", b"PAR1\0\0\0\0\xff\xff\xff\x7fPAR1"]
)
def test_an_unreadable_footer_names_its_file(tmp_path, content):
    (tmp_path / "broken.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.parquet"):
        estimate("SELECT 1 FROM t", {"t": Table((str(tmp_path / "broken.parquet"),))})


def test_a_missing_file_and_a_missing_column_are_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.parquet is not there"):
        estimate("SELECT 1 FROM t", {"t": Table((str(tmp_path / "gone.parquet"),))})
    table = Table(write(tmp_path / "a.parquet").files, columns=(Column("id", "bigint"), Column("age", "double")))
    with pytest.raises(DataError, match="has age"):
        estimate("SELECT age FROM t", {"t": table})


def test_a_place_without_one_kind_of_data_is_no_table(tmp_path):
    with pytest.raises((ConfigError, DataError)):
        table_at(str(tmp_path / "nowhere"))
    write(tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("id\n1\n")
    with pytest.raises(ConfigError, match="not one table"):
        table_at(str(tmp_path))
