"""Finds a stranger's files and says what they are: their format, their delimiter, their columns.

Nothing is read here but names, footers and the first bytes; what the rows hold is for `sampling` and `profile`.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from agecli.engines.arrow_types import from_arrow
from agecli.engines.base import Format
from agecli.engines.files import ENDINGS, find_files, partitions
from agecli.errors import ConfigError, DataError
from agecli.scaffold import names

_FIX = "give the path of your data to --from"
_HEAD = 1 << 18
_TWICE = "its name is there twice"
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Found:
    """Files of one format.

    `columns` maps names to types in Athena's words, None for one that cannot be read, and `unreadable` says why not.
    """

    path: str
    files: tuple[str, ...]
    format: Format
    delimiter: str
    columns: dict[str, str | None]
    partitions: tuple[str, ...] = ()
    root: str = ""
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(Path(file).stat().st_size for file in self.files)


def find(path: str) -> Found:
    """What lies at a path: a file, a folder (with Hive partitions), or a glob.

    Raises ConfigError where nothing is there or formats are mixed, DataError for files that cannot be read.
    The columns of JSON Lines are left to sampling, since they are known from the rows alone.
    """
    if not path:
        raise ConfigError("no source", "the path after --from is empty", _FIX)
    found = find_files(Path(path).expanduser(), fix=_FIX)
    kind = _only_format(path, found.paths)
    filled = [file for file in found.paths if file.stat().st_size]
    if not filled:
        why = f"{len(found.paths)} files of 0 bytes"
        raise DataError(f"the source {path} is empty", why, "give a source that has rows")
    folders = tuple(partitions(str(filled[0]), str(found.root)))
    delimiter, columns, unreadable = ",", dict[str, str | None](), dict[str, str]()
    if kind == "parquet":
        columns, unreadable = _parquet_columns(filled)
    elif kind == "csv":
        delimiter, columns = _csv_columns(filled)
        unreadable = {name: _TWICE for name, word in columns.items() if word is None}
    there = {name.lower() for name in columns}
    columns |= {key: "varchar" for key in folders if key.lower() not in there}
    return Found(
        path, tuple(str(file) for file in filled), kind, delimiter, columns, folders, str(found.root), unreadable
    )


def _only_format(path: str, files: Sequence[Path]) -> Format:
    kinds = Counter(_format_of(file) for file in files)
    if len(kinds) > 1:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        raise ConfigError(f"{path} holds several formats", counts, "give a glob: --from 'DIR/*.csv'")
    return next(iter(kinds))


def _format_of(path: Path) -> Format:
    name = path.name.lower()
    for kind, endings in ENDINGS.items():
        if name.endswith(endings) and not name.endswith(".txt"):
            return kind
    with path.open("rb") as stream:
        if stream.read(4) == b"PAR1":
            return "parquet"
    return "jsonl" if _head(path).lstrip().startswith("{") else "csv"


def _head(path: Path) -> str:
    """The first quarter of a megabyte as text, cut after its last whole line."""
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            raw = stream.read(_HEAD)
    except (OSError, EOFError) as error:
        raise DataError(f"cannot read {path}", str(error), "copy it again, or take it out") from None
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} is UTF-16", "text is read as UTF-8", f"iconv -f utf-16 -t utf-8 {path} > utf8.csv")
    if len(raw) == _HEAD:
        raw = raw[: raw.rfind(b"\n") + 1] or raw
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8", f"byte {error.start} is {raw[error.start]:#04x}",
            f"iconv -f latin1 -t utf-8 {path} > utf8.csv",
        ) from None  # fmt: skip


def _parquet_columns(files: list[Path]) -> tuple[dict[str, str | None], dict[str, str]]:
    """The columns of the first file and of up to 20 more, spread over the rest; and why some cannot be read."""
    schemas = []
    step = max(1, len(files) // 20)
    for file in [files[0], *files[step::step]]:
        try:
            schemas.append(pq.read_schema(file))
        except (pa.ArrowException, OSError) as error:
            why = str(error).splitlines()[0]
            raise DataError(f"cannot read {file}", f"it is no Parquet file or was cut short ({why})",
                            "copy it again, or take it out") from None  # fmt: skip
    types = {column.name: column.type for schema in reversed(schemas) for column in schema}
    everywhere = set(schemas[0].names).intersection(*(schema.names for schema in schemas))
    twice = {name for schema in schemas for name in schema.names if schema.names.count(name) > 1}
    columns, reasons = dict[str, str | None](), dict[str, str]()
    for name in dict.fromkeys(name for schema in schemas for name in schema.names):
        columns[name] = type_word(types[name])
        if name in twice:
            reasons[name] = _TWICE
        elif name not in everywhere:
            reasons[name] = "not every file has it"
        elif pa.types.is_null(types[name]):
            reasons[name] = "always empty"
        elif columns[name] is None:
            reasons[name] = f"Athena has no type for its {types[name]}"
    return {name: None if name in reasons else word for name, word in columns.items()}, reasons


def type_word(kind: pa.DataType) -> str | None:
    """Athena's word for an Arrow type, None for what no recipe can use (binary, times, unsigned 64 bits, ...)."""
    if pa.types.is_timestamp(kind):
        return "timestamp(3)"
    found = from_arrow(kind)
    word = "" if found is None else str(found)
    return None if not word or re.search(r"varbinary|unknown|map\(", word) else word


def _csv_columns(files: list[Path]) -> tuple[str, dict[str, str | None]]:
    head = _head(files[0])
    delimiter = sniff_delimiter(head)
    columns: dict[str, str | None] = {}
    for number, file in enumerate(files[:50]):
        text = head if number == 0 else _head(file)
        header = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
        _check_header(header, file)
        for name in header:
            readable = name.strip() and header.count(name) == 1
            columns[name] = "varchar" if readable and columns.get(name, "varchar") else None
    return delimiter, columns


def _check_header(header: list[str], file: Path) -> None:
    if not any(cell.strip() for cell in header):
        raise DataError(f"{file} has no header", "its first line is blank", "put the column names in the first line")
    if any("\n" in cell or "\r" in cell for cell in header):
        raise DataError(f"{file} has a name over several lines", "a column name holds a line break",
                        "write the names of the columns in one line")  # fmt: skip
    numbers = sum(_is_number(cell) and not re.fullmatch(r"(1[5-9]|20)\d\d", cell) for cell in header)
    if numbers and numbers >= len(header) / 2:
        raise DataError(
            f"{file} has no header", f"its first line looks like data ({names.comment(', '.join(header), 60)})",
            "put the column names in the first line",
        )  # fmt: skip


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def sniff_delimiter(head: str) -> str:
    """The delimiter that cuts the first lines into the most equal rows of more than one cell; a comma if none does."""
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(head), delimiter=delimiter)
        try:
            widths = [len(row) for _, row in zip(range(200), reader, strict=False) if row]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        score = sum(width == widths[0] for width in widths) / len(widths) * 1000 + min(widths[0], 500)
        if score > best_score:
            best, best_score = delimiter, score
    return best
