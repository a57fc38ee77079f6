"""The one renderer of listings: rows of plain values to stdout as table, JSON, CSV or Markdown.

JSON and CSV stream; a table needs all its rows, to know its widths.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
# also what turns the direction of writing around, and so shows another text than is there
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_EXACT_DIGITS = 15


def emit(rows: Iterable[Row], columns: Sequence[str], form: str, missing: str = "") -> None:
    """Prints a listing. `missing` stands for None in tables and Markdown; CSV leaves it empty, JSON says null."""
    if form in ("json", "csv"):
        _in_utf8()
    if form == "json":
        _emit_json(rows, columns)
    elif form == "csv":
        _emit_csv(rows, columns)
    else:
        print(tabular(rows, columns, form, missing))


def emit_object(value: Mapping[str, Any]) -> None:
    """Prints one JSON object."""
    _in_utf8()
    print(json.dumps(plain(value), ensure_ascii=False, indent=2))


def _in_utf8() -> None:
    """What other programs read is UTF-8, whatever the terminal's encoding is: an escape would be other data."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def one_line(text: object) -> str:
    """Text as one line that cannot steer the terminal: it may name ids and files of the data."""
    return _without_control(" ".join(str(text).split()))


def tabular(
    rows: Iterable[Row], columns: Sequence[str], form: str = "table", missing: str = "", right: Sequence[str] = ()
) -> str:
    """A table for people, or the same in Markdown. Numbers stand at the right, and so do the columns in `right`."""
    from tabulate import tabulate

    listed = list(rows)
    cells = [[_cell(row.get(name), missing, form) for name in columns] for row in listed]
    return str(
        tabulate(
            cells,
            [_cell(name, missing, form) for name in columns],
            tablefmt="simple" if form == "table" else "pipe",
            disable_numparse=True,
            colalign=_alignment(listed, columns, right) if listed else None,
        )
    )


def plain(value: Any) -> Any:
    """A value as JSON knows it: no NaN, dates as ISO text, decimals beyond 15 digits as text, bytes as hex."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return plain(float(value)) if len(value.as_tuple().digits) <= _EXACT_DIGITS else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str | int | None):
        return value
    return _text(value)


def named(value: Any) -> Any:
    """A value of the data, with the names that Trino has for numbers that JSON lacks: Infinity, -Infinity, NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: named(item) for key, item in value.items()}
    return [named(item) for item in value] if isinstance(value, list | tuple) else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(named(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, list | tuple | Mapping):
        return json.dumps(plain(named(value)), ensure_ascii=False)
    return str(value)


def _cell(value: Any, missing: str, form: str) -> str:
    """One line without control characters, so that no row's text can steer the terminal."""
    if value is None:
        return missing
    text = _without_control(_text(value))
    return text.replace("|", "\\|") if form == "markdown" else text


def _without_control(text: str) -> str:
    return _CONTROL.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _alignment(rows: Sequence[Row], columns: Sequence[str], right: Sequence[str]) -> list[str]:
    def numeric(name: str) -> bool:
        values = [row.get(name) for row in rows if row.get(name) is not None]
        return bool(values) and all(isinstance(v, int | float | Decimal) and not isinstance(v, bool) for v in values)

    return ["right" if name in right or numeric(name) else "left" for name in columns]


def _emit_json(rows: Iterable[Row], columns: Sequence[str]) -> None:
    items: Iterator[str] = (json.dumps(plain({c: row.get(c) for c in columns}), ensure_ascii=False) for row in rows)
    first = next(items, None)
    if first is None:
        print("[]")
        return
    sys.stdout.write("[\n " + first)
    for item in items:
        sys.stdout.write(",\n " + item)
    sys.stdout.write("\n]\n")


def _emit_csv(rows: Iterable[Row], columns: Sequence[str]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    lines = (["" if row.get(c) is None else _text(row[c]) for c in columns] for row in rows)
    writer.writerows(itertools.chain([columns], lines))
