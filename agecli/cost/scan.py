"""How many bytes a query will scan, from Parquet footers and sizes of files alone: nothing is run.

    Scan        one query: the bytes of all its tables, what is billed, the label, what the figure rests on
    TableScan   one mention of a table in the query (a table named twice is read twice)
    Planned     a table that does not exist yet: the output of a stage that has not run

`bytes.expected` is the best single figure. Labels:

    exact         the reader reads just this (low = expected = high)
    upper bound   no more than `bytes.high`; filters, joins and LIMIT may leave part of it unread
    estimate      a table in it is not there yet, so there is no file to look at
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from agecli.cost import columns, fallback, footers, pruning, reading, texts, usage
from agecli.cost.objects import Object, objects_of, table_at
from agecli.cost.usage import Mention, covered
from agecli.engines.base import Column, Table
from agecli.engines.dialect.types import VARCHAR, Type, parse_type
from agecli.engines.files import partitions
from agecli.errors import DataError, SqlInvalid, SqlRefused

Label = Literal["exact", "upper bound", "estimate"]

BILLED_MINIMUM = 10_000_000
BILLED_UNIT = 1_000_000
_FOOTERS_OF_SMALL_FILES = 256  # read to know the columns; the bytes of small files are their sizes

READER = (
    "bytes are what a reader of Trino's family fetches, on which Athena's engine 3 is built: column chunks of the"
    " columns needed, ranges at most 1 MiB apart together, 48 KiB of footer for each split, files up to 3 MiB whole,"
    " nothing for parts of which no row group is left; Athena bills by its own count"
)
BILLING = "billed in whole megabytes of 10^6 bytes, at least 10 for a query"


@dataclass(frozen=True)
class Range:
    """Bytes: the least, the likely, and the most."""

    low: int
    expected: int
    high: int


@dataclass(frozen=True)
class Planned:
    """A table that is not there yet: its columns, rows, and bytes per row of each column as stored in Parquet.

    `basis` says in words what the figures come from.
    """

    columns: tuple[Column, ...]
    rows: int
    column_bytes: Mapping[str, float]
    basis: str

    @property
    def bytes(self) -> int:
        return int(self.rows * sum(self.column_bytes.values()))


@dataclass(frozen=True)
class TableScan:
    """One mention of a table. `columns` are the compressed bytes of the column chunks that are needed, by leaf
    (`address.city`), in the row groups that are read; `total_bytes` is the size of all its files. `as_parquet` is
    what a CSV or JSON source would scan as Parquet (an estimate from a sample), None for others."""

    name: str
    files: int
    row_groups_read: int
    row_groups: int
    columns: Mapping[str, int]
    bytes: Range
    total_bytes: int
    rows: int
    label: Label
    notes: tuple[str, ...] = ()
    as_parquet: int | None = None


@dataclass(frozen=True)
class Scan:
    """One query. `billed` is `bytes` rounded up as Athena bills: whole megabytes, at least ten."""

    sql: str
    tables: tuple[TableScan, ...]
    bytes: Range
    billed: Range
    label: Label
    assumptions: tuple[str, ...] = field(default=())


def estimate(sql: str, tables: Mapping[str, Table | Planned]) -> Scan:
    """The bytes that this SELECT scans. `tables` maps each name that it may mention; files may be `s3://` URIs.

    Raises SqlInvalid for SQL that does not parse or names a table or column that is not there, and DataError for a
    footer that cannot be read. SQL that parses elsewhere but not here is bounded by the full size of its tables.
    """
    opened = {name.lower(): open_table(table) for name, table in tables.items()}
    return estimate_opened(sql, opened)


def planned(sql: str, tables: Mapping[str, Table | Planned], rows: int | None = None) -> Planned:
    """The table that this SELECT would write: `rows` of it, or as many as its largest input has."""
    from agecli.cost import plans  # it builds on this module

    return plans.planned(sql, tables, rows)


def estimate_opened(sql: str, opened: Mapping[str, Opened]) -> Scan:
    """As `estimate`, over tables whose sizes and footers are at hand."""
    assumptions = [READER, BILLING]
    try:
        mentions = _mentions(sql, opened)
        scans = tuple(_scan(mention, opened[mention.table]) for mention in mentions)
    except (SqlRefused, SqlInvalid) as error:
        counted = fallback.mentioned(sql, list(opened), error)
        assumptions.append(f"the SQL cannot be followed ({error.what}: {error.why}): the full size of its tables")
        scans = tuple(_full(name, opened[name], times) for name, times in counted.items())
    total = _sum([scan.bytes for scan in scans])
    billed = Range(*(_billed(b) for b in (total.low, total.expected, total.high)))
    return Scan(sql, scans, total, billed, _worst([s.label for s in scans]), tuple(assumptions))


def _mentions(sql: str, opened: Mapping[str, Opened]) -> list[Mention]:
    try:
        return columns.mentions(sql, {name: table.columns for name, table in opened.items()})
    except RecursionError:
        raise SqlRefused("it is too deep", "its expressions are nested deeper than can be followed") from None


@dataclass(frozen=True)
class Opened:
    """A table with what is known of its files: sizes of all, footers of all but a great many small ones.

    `as_parquet` is what the columns of CSV and JSON would weigh as Parquet.
    """

    columns: columns.Columns
    table: Table | Planned
    objects: tuple[Object, ...] = ()
    footers: Mapping[str, footers.Footer | None] = field(default_factory=dict)
    as_parquet: Mapping[str, int] = field(default_factory=dict)

    @property
    def total_bytes(self) -> int:
        return self.table.bytes if isinstance(self.table, Planned) else sum(o.size for o in self.objects)

    @property
    def types(self) -> dict[str, Type]:
        return {name.lower(): kind for name, kind in self.columns if kind is not None}


def open_table(table: Table | Planned) -> Opened:
    """Sizes and footers of a table's files. Raises DataError for files that are missing or unreadable."""
    if isinstance(table, Planned):
        return Opened(tuple((c.name, _type(c.type)) for c in table.columns), table)
    objects = tuple(objects_of(table))
    if not objects:
        raise DataError("the table has no files", "nothing matches the source", "check the path of the source")
    parts = tuple((name, VARCHAR) for name in partitions(objects[0].path, table.root))
    if table.format != "parquet":
        first = next((o for o in objects if o.size), objects[0])
        names = [c.name for c in table.columns] or texts.columns(table, first)
        declared: columns.Columns = tuple((name, VARCHAR) for name in names)
        weights = texts.as_parquet(table, first, sum(o.size for o in objects)) if first.size else {}
        return Opened(_with(declared, parts), table, objects, as_parquet=weights)
    wanted = _worth_reading(objects)
    known = dict(zip((o.path for o in wanted), footers.read(wanted), strict=True))
    listed = table.columns or footers.columns_of(known.values())
    return Opened(_with(tuple((c.name, _type(c.type)) for c in listed), parts), table, objects, known)


def _with(declared: columns.Columns, parts: columns.Columns) -> columns.Columns:
    names = {name.lower() for name, _ in declared}
    return (*declared, *(p for p in parts if p[0].lower() not in names))


def _type(text: str) -> Type | None:
    try:
        return parse_type(text)
    except ValueError:
        return None


def _worth_reading(objects: Sequence[Object]) -> list[Object]:
    """All files above the size that is read whole; of a great many small ones an even sample."""
    small = [o for o in objects if o.size <= reading.SMALL_FILE]
    large = [o for o in objects if o.size > reading.SMALL_FILE]
    step = max(1, -(-len(small) // _FOOTERS_OF_SMALL_FILES))
    return large + small[::step]


def _scan(mention: Mention, opened: Opened) -> TableScan:
    if isinstance(opened.table, Planned):
        return _scan_planned(mention, opened.table)
    kept = [o for o in opened.objects if _kept(o, mention, opened)]
    cuts = list(mention.cuts)
    if usage.FILTER in cuts and (opened.table.format != "parquet" or _settled(mention, opened)):
        cuts.remove(usage.FILTER)
    if opened.table.format != "parquet":
        return _scan_text(mention, opened, kept, cuts)
    top = {c.name.lower() for f in opened.footers.values() if f is not None for c in f.columns}
    parts = {name.lower() for name in partitions(opened.objects[0].path, opened.table.root)}
    for path in mention.paths if top else ():
        if path[0] not in top | parts:
            there = ", ".join(sorted(top)[:30])
            raise DataError("a column is missing", f"no file of {mention.table} has {path[0]}; they have {there}",
                            "correct the source, or the columns in recipe.toml")  # fmt: skip
    return _scan_parquet(mention, opened, kept, cuts)


def _kept(file: Object, mention: Mention, opened: Opened) -> bool:
    assert isinstance(opened.table, Table)
    values = partitions(file.path, opened.table.root)
    return not values or pruning.partition_survives(values, mention.predicates, opened.types)


def _settled(mention: Mention, opened: Opened) -> bool:
    """Whether all conditions are about partitions alone, and so leave out whole files, which are known."""
    assert isinstance(opened.table, Table)
    values = partitions(opened.objects[0].path, opened.table.root)
    return pruning.decided(values, mention.predicates, opened.types) == mention.conditions


def _scan_parquet(mention: Mention, opened: Opened, kept: Sequence[Object], cuts: list[str]) -> TableScan:
    needed, looked_at = covered(mention.paths), covered(mention.filtered)
    may_skip = any(why != usage.LIMIT for why in cuts)
    may_drop = any(why in (usage.SIMPLER, usage.FIELDS) for why in cuts)
    found: dict[str, int] = {}
    likely = most = groups_read = groups = rows = sampled = 0
    for file in kept:
        footer = opened.footers.get(file.path)
        if footer is None:
            one = reading.whole(file.size)
        else:
            leaves = _leaves(footer, needed)
            left = [g for g in footer.groups if pruning.survives(g, mention.predicates, opened.types)]
            one = reading.read(footer, left, leaves, _leaves(footer, looked_at), may_skip, may_drop)
            groups_read, groups, rows = groups_read + len(left), groups + len(footer.groups), rows + footer.rows
            sampled += file.size
            for chunk in (c for g in left for c in g.chunks if c.leaf in leaves):
                found[chunk.leaf.lower()] = found.get(chunk.leaf.lower(), 0) + chunk.length
        likely, most = likely + one.planned, most + one.most
    notes = [*cuts]
    size = sum(o.size for o in kept)
    if sampled and sampled < size:
        found = {leaf: round(length * size / sampled) for leaf, length in found.items()}
        rows = round(rows * size / sampled)
        notes.append(f"columns and rows from a sample of {sum(f.path in opened.footers for f in kept)} footers")
    notes += _pruned(len(opened.objects) - len(kept), groups - groups_read)
    span = Range(0 if cuts else likely, likely, most if cuts else likely)
    span = _times(span, mention.times)
    label: Label = "upper bound" if cuts else "exact"
    ordered = dict(sorted(found.items(), key=lambda item: -item[1]))
    return TableScan(
        mention.table, len(kept), groups_read, groups, ordered, span, opened.total_bytes, rows, label, tuple(notes)
    )


def _pruned(files: int, groups: int) -> list[str]:
    notes = [f"{files} files left out by their partitions"] if files else []
    return [*notes, f"{groups} row groups left out by their statistics"] if groups else notes


def _leaves(footer: footers.Footer, names: set[str]) -> frozenset[str]:
    """The leaves of a file that are one of these paths, or below it."""
    found = {c.leaf: c.leaf.lower() for g in footer.groups[:1] for c in g.chunks}
    return frozenset(
        leaf for leaf, low in found.items() if low in names or any(low.startswith(name + ".") for name in names)
    )


def _scan_text(mention: Mention, opened: Opened, kept: Sequence[Object], cuts: list[str]) -> TableScan:
    assert isinstance(opened.table, Table)
    size = sum(o.size for o in kept)
    used = {path[0] for path in mention.paths}
    share = size / max(1, opened.total_bytes)
    needed = round(share * sum(length for leaf, length in opened.as_parquet.items() if leaf in used))
    full = round(share * sum(opened.as_parquet.values()))
    notes = [f"{opened.table.format} is read whole, whatever the columns", *cuts]
    notes.append(f"as Parquet with ZSTD some {needed:,} bytes (an estimate from a sample; all columns {full:,})")
    span = _times(Range(0 if cuts else size, size, size), mention.times)
    label: Label = "upper bound" if cuts else "exact"
    return TableScan(
        mention.table, len(kept), 0, 0, {}, span, opened.total_bytes, 0, label, tuple(notes), as_parquet=needed
    )


def _scan_planned(mention: Mention, table: Planned) -> TableScan:
    needed = {p[0] for p in mention.paths}
    found = {n: int(b * table.rows) for n, b in table.column_bytes.items() if n.lower() in needed}
    likely = sum(found.values())
    # the codec's luck with rows that no one has seen: half as much or twice as much
    span = _times(Range(0 if mention.cuts else likely // 2, likely, likely * 2), mention.times)
    notes = ("not there yet: " + table.basis, *mention.cuts)
    return TableScan(mention.table, 0, 0, 0, found, span, table.bytes, table.rows, "estimate", notes)


def _full(name: str, opened: Opened, times: int) -> TableScan:
    """A table read whole, as often as it may be, for SQL that cannot be followed."""
    planned = isinstance(opened.table, Planned)
    extra = sum(reading.read(f, f.groups, (), (), False).planned for f in opened.footers.values() if f is not None)
    most = times * (opened.total_bytes * (2 if planned else 1) + extra)
    label: Label = "estimate" if planned else "upper bound"
    note = f"the full size, {times} times" if times > 1 else "the full size"
    rows = sum(f.rows for f in opened.footers.values() if f is not None)
    files = len(opened.objects)
    return TableScan(
        name, files, 0, 0, {}, Range(0, min(most, opened.total_bytes), most), opened.total_bytes, rows, label, (note,)
    )


def _times(span: Range, times: int) -> Range:
    return replace(span, expected=span.expected * times, high=span.high * times)


def _sum(spans: Sequence[Range]) -> Range:
    return Range(sum(s.low for s in spans), sum(s.expected for s in spans), sum(s.high for s in spans))


def _worst(labels: Sequence[Label]) -> Label:
    order: tuple[Label, ...] = ("exact", "upper bound", "estimate")
    return max(labels, key=order.index, default="exact")


def _billed(count: int) -> int:
    return max(BILLED_MINIMUM, -(-count // BILLED_UNIT) * BILLED_UNIT)


__all__ = ["Label", "Opened", "Planned", "Range", "Scan", "TableScan", "estimate", "open_table", "planned", "table_at"]
