"""JSON columns read in one pass by compiled code, `_scan.c`, in place of DuckDB's functions behind tests.

What is asked of the column is read off the type that the SQL casts to (a plan of names and kinds), so it serves any
recipe. The exact functions in Python stay the oracle: the scanner hands back every text whose meaning takes more than
a glance, and those are asked of the exact function. Without the extension (no C compiler where agecli was installed),
or with AGECLI_FAST=off, the dialect takes the way through DuckDB; both give the same cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from agecli.engines.dialect.types import Type
from agecli.engines.runtime.arrow import arrow_type, over_columns
from agecli.engines.runtime.compiled import Column, buffers, one, scan, with_odd

_KINDS = {"varchar": "v", "bigint": "i", "boolean": "b"}
_MOST_FIELDS = 64


def caster(target: Type, exact: Callable[[str], Any], *, quiet: bool) -> Column | None:
    """CAST(json_parse(text) AS target) over a column; None where the scanner does not know such a shape.

    Known are arrays of scalars, rows of scalars, and arrays of such rows; scalars are varchar, bigint and boolean.
    `exact` is the function of one text, `quiet` says that NULL stands for its errors.
    """
    plan = plan_of(target)
    if plan is None:
        return None
    names, kinds, many, bare = plan
    kind = arrow_type(target)
    ask = over_columns(_one_argument(exact), kind, quiet=quiet)

    def scanned(column: pa.Array) -> pa.Array:
        text = one(column)
        read = scan.read(*buffers(text), names, kinds, many, bare, quiet, ())
        return with_odd(_nested(kind, len(text), read, bare), text, read[3], ask)

    return scanned


def lengths(exact: Callable[[str], int | None]) -> Column:
    """json_array_length over a column."""
    ask = over_columns(_one_argument(exact), pa.int64(), quiet=True)

    def scanned(column: pa.Array) -> pa.Array:
        text = one(column)
        (valid, values, _), odd = scan.lengths(*buffers(text))
        found = pa.Array.from_buffers(pa.int64(), len(text), [pa.py_buffer(valid), pa.py_buffer(values)])
        return with_odd(found, text, odd, ask)

    return scanned


def plan_of(target: Type) -> tuple[tuple[str, ...], str, bool, bool] | None:
    """Names, kinds, whether there are many objects, whether items are bare scalars."""
    many = target.name == "array"
    inner = target.element if many else target
    if many and _kind(inner):
        return ("",), _kind(inner), True, True
    if inner.name != "row" or not 0 < len(inner.args) <= _MOST_FIELDS or any(name is None for name in inner.fields):
        return None
    names = tuple(str(name).lower() for name in inner.fields)
    kinds = "".join(map(_kind, inner.args))
    plain = all(name.isascii() for name in names) and len(set(names)) == len(names)
    return (names, kinds, many, False) if plain and len(kinds) == len(names) else None


def _kind(scalar: Type) -> str:
    return "" if scalar.params else _KINDS.get(scalar.name, "")


def _one_argument(exact: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: exact(text)


def _nested(kind: pa.DataType, rows: int, read: tuple[Any, ...], bare: bool) -> pa.Array:
    """The Arrow array that the scanner's bytes are."""
    (list_valid, offsets, _), objects, columns, _ = read
    many = pa.types.is_list(kind)
    inner = kind.value_type if many else kind
    entries = int(np.frombuffer(offsets, np.int32)[-1]) if many else rows
    if bare:
        items = _scalars(inner, entries, columns[0])
    else:
        fields = [inner.field(i).type for i in range(inner.num_fields)]
        parts = [_scalars(field, entries, column) for field, column in zip(fields, columns, strict=True)]
        items = pa.Array.from_buffers(inner, entries, [pa.py_buffer(objects)], children=parts)
    if not many:
        return items
    return pa.Array.from_buffers(kind, rows, [pa.py_buffer(list_valid), pa.py_buffer(offsets)], children=[items])


def _scalars(kind: pa.DataType, entries: int, column: tuple[bytes, bytes, bytes]) -> pa.Array:
    valid, values, data = (pa.py_buffer(part) for part in column)
    if pa.types.is_string(kind):
        return pa.Array.from_buffers(kind, entries, [valid, values, data])
    if pa.types.is_boolean(kind):
        return pa.Array.from_buffers(pa.uint8(), entries, [valid, values]).cast(kind)
    return pa.Array.from_buffers(kind, entries, [valid, values])
