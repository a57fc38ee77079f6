"""format(): a literal format whose conversions are known for the types of their arguments, printed piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pyarrow as pa

from agecli.engines.dialect.registry import RUNTIME, Call, Typed, Udf, provide, register
from agecli.engines.dialect.types import Type, duckdb_type, quote_text
from agecli.engines.runtime import formatting
from agecli.engines.runtime.formatting import Conversion, FormatRefused


def _function(made: Conversion, kind: Type) -> str:
    digest = sha256(f"{made.flags} {made.width} {made.precision} {made.kind} {kind}".encode()).hexdigest()[:12]
    name = f"ag_format_{digest}"
    if name not in RUNTIME:
        provide(Udf(name, _over_column(made), (duckdb_type(kind),), "VARCHAR"))
    return name


def _over_column(made: Conversion) -> Callable[[pa.Array], pa.Array]:
    def convert(column: Any) -> Any:
        return pa.array([formatting.print_value(v, made) for v in column.to_pylist()], pa.string())

    return convert


def _piece(call: Call, made: Conversion) -> str:
    if made.argument + 1 >= len(call):
        raise call.refusal(f"the format has a conversion for argument {made.argument + 1}, which is not there")
    argument: Typed = call[made.argument + 1]
    kind = argument.type
    if kind.name == "unknown":
        return quote_text(formatting.print_value(None, made))
    if not formatting.takes(made, kind.name) or (kind.name == "decimal" and kind.scale > 6):
        raise call.refusal(f"%{made.kind} of {kind}", "cast the argument, or format it in another way")
    if made.kind == "s" and not made.width and made.precision is None and kind.name == "varchar":
        return f"coalesce({argument}, 'null')"
    return f"{_function(made, kind)}({argument})"


def _format(call: Call) -> str:
    try:
        parts = formatting.read_format(call.text(0, "the format"))
    except FormatRefused as bad:
        raise call.refusal(str(bad), "%s, %d, %x, %f and %b are known") from bad
    pieces = [quote_text(p) if isinstance(p, str) else _piece(call, p) for p in parts]
    return f"concat({', '.join(pieces or [quote_text('')])})"


for _letters in range(1, 11):
    register("format", ["varchar", *"ABCDEFGHIJ"[:_letters]], "varchar", emit=_format, strict=False)
