"""Which expressions are computed once for each distinct text (see `runtime.memo`): dear ones over a single text.

Looked at are whole columns of a SELECT and whole bodies of lambdas: where such an expression depends on one varchar
(a column, a lambda's parameter, or a field of one) and on nothing else, a call of the memo takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from agecli.engines.dialect import mentions
from agecli.engines.dialect.registry import RUNTIME, Typed, Udf, provide
from agecli.engines.dialect.types import Type, duckdb_type, field_names, quote_text
from agecli.engines.runtime.compiled import enabled

_dear = re.compile(r"\bregexp_|\bag_|\bTRY_CAST\(|strptime\(")
# beyond a memo: other rows, and documents, of which hardly two are the same
_beyond = re.compile(r"\bSELECT\b|\bOVER\b|\bFILTER\b|json_")
_KINDS = frozenset(
    ("boolean", "tinyint", "smallint", "integer", "bigint", "real", "double", "varchar", "date", "timestamp")
)


def remembered(value: Typed, inputs: Iterable[Typed]) -> Typed:
    """The same value, by way of a memo where that pays. `inputs` are the columns or parameters it may depend on."""
    sql = value.sql
    if not enabled() or not memorable(value) or not is_dear(sql):
        return value
    text = only_text(sql, inputs)
    if text is None or sql == text:
        return value
    name = _provided(mentions.renamed(sql, text, "x"), value.type)
    return replace(value, sql=f"coalesce({name}({text}), {sql})")


def memorable(value: Typed) -> bool:
    """Whether the value's type and form are such that it can be kept."""
    return value.type.name in _KINDS and not (value.volatile or value.is_constant or value.body is not None)


def is_dear(sql: str) -> bool:
    return _dear.search(sql) is not None


def references(sql: str) -> set[str] | None:
    """The columns and parameters that `sql` depends on; None where it may depend on other things as well."""
    bare = mentions.bare(sql)
    if _beyond.search(bare) or '"' in bare or mentions.OPENING in bare:
        return None
    return mentions.references(sql)


def only_text(sql: str, inputs: Iterable[Typed]) -> str | None:
    """The SQL of the one text that `sql` depends on; None where there is none, or more."""
    names = references(sql)
    if names is None or len(names) != 1:
        return None
    name = str(names.pop())
    kind = next((value.type for value in inputs if value.sql == name), None)
    if kind is None:
        return None
    if kind.name == "varchar":
        return name
    return _only_field(sql, name, kind)


def _only_field(sql: str, name: str, kind: Type) -> str | None:
    if kind.name != "row":
        return None
    for field, inner in zip(field_names(kind), kind.args, strict=True):
        text = f"struct_extract({name}, {quote_text(field)})"
        if inner.name == "varchar" and mentions.count(sql, text) == mentions.count(sql, name):
            return text
    return None


def _provided(sql: str, kind: Type) -> str:
    """The name of the memo for this SQL over `x`, made known to the engine at its first use."""
    name = "ag_memo_" + sha256(f"{kind} {sql}".encode()).hexdigest()[:16]
    if name not in RUNTIME:
        from agecli.engines.runtime.memo import Memo  # which needs this package to be whole

        memo = Memo(f"CAST({sql} AS {duckdb_type(kind)})", kind)
        provide(Udf(name, lambda text: memo.look_up(text), ("VARCHAR",), duckdb_type(kind)))
    return name


__all__ = ["is_dear", "memorable", "only_text", "references", "remembered"]
