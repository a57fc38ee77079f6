"""json_object and json_array of scalars.

Members stand in the order of Java's HashMap, which Trino collects them in; keys are literals, so it is known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agecli.engines.dialect import ast
from agecli.engines.dialect.casts import cast
from agecli.engines.dialect.evaluation import guarded
from agecli.engines.dialect.registry import Typed
from agecli.engines.dialect.types import VARCHAR, Type, quote_text
from agecli.engines.runtime import json_text
from agecli.errors import SqlRefused

NAMES = ("json_object", "json_array")
_SCALARS = ("boolean", "tinyint", "smallint", "integer", "bigint", "real", "double", "decimal", "varchar", "unknown")
_NULLS = {(): None, ("NULL", "ON", "NULL"): True, ("ABSENT", "ON", "NULL"): False}
_BUCKETS = 16
_MOST_KEYS = 12
"""a HashMap of more has other buckets"""
_MOST_IN_BUCKET = 7
"""with more in one bucket it grows"""


def _refusal(name: str, why: str) -> SqlRefused:
    return SqlRefused(f"{name} is refused", why, "put the text together with format and json_format")


def construct(node: ast.SpecialCall, args: Sequence[Typed]) -> Typed:
    """The call as JSON text. Raises SqlRefused for options and values whose text is not known."""
    made = _plain(node, args)
    if not any(a.fails for a in args):
        return made
    silent = [s for a in args if (s := a.silenced()) is not None]
    breaks = [b for a in args if (b := a.breaks) is not None]
    if not len(silent) == len(breaks) == len(args):
        return replace(made, fails=True)
    broken = "(" + " OR ".join(breaks) + ")"
    return replace(made, fails=True, quiet=guarded(broken, _plain(node, silent).sql), broken=broken)


def _plain(node: ast.SpecialCall, args: Sequence[Typed]) -> Typed:
    if node.options not in _NULLS:
        raise _refusal(node.name, f"the clause {' '.join(node.options)}")
    nulls = _NULLS[node.options]
    if node.name == "json_array":
        items = [_item(node, at, args, nulls=bool(nulls)) for at in range(len(args))]
        return _text("[", items, "]", args)
    order = _member_order([_key(args[at]) for at in range(0, len(args), 2)])
    members = []
    for member in order:
        value = _item(node, 2 * member + 1, args, nulls=nulls is not False)
        members.append(f"{quote_text(json_text.quote(_key(args[2 * member])) + ':')} || {value}")
    return _text("{", members, "}", args)


def _text(opened: str, items: list[str], closed: str, args: Sequence[Typed]) -> Typed:
    inside = f"coalesce(array_to_string(CAST([{', '.join(items)}] AS VARCHAR[]), ','), '')"
    volatile = any(a.volatile for a in args)
    return Typed(f"('{opened}' || {inside} || '{closed}')", VARCHAR, volatile=volatile)


def _item(node: ast.SpecialCall, at: int, args: Sequence[Typed], *, nulls: bool) -> str:
    """SQL of a value's JSON text; NULL for a NULL that is left out."""
    if at >= len(args):
        raise _refusal(node.name, "a key without a value")
    kind = args[at].type
    if isinstance(node.args[at], ast.SpecialCall) or kind.name not in _SCALARS:
        raise _refusal(node.name, f"a value of {kind} or one that is JSON already")
    if kind.name == "decimal" and kind.params[1] > 6:
        raise _refusal(node.name, f"a value of {kind}, small ones of which print with an exponent")
    written = "CAST(NULL AS VARCHAR)" if kind.name == "unknown" else cast(args[at], Type("json")).sql
    return f"coalesce({written}, 'null')" if nulls else f"({written})"


def _key(value: Typed) -> str:
    if not isinstance(value.constant, str):
        raise _refusal("json_object", "a key that is no text literal")
    return value.constant


def _member_order(keys: Sequence[str]) -> list[int]:
    if len(set(keys)) < len(keys):
        raise _refusal("json_object", "a key that stands twice")
    if len(keys) > _MOST_KEYS:
        raise _refusal("json_object", f"more than {_MOST_KEYS} keys, whose order is not known")
    buckets = [_bucket(key) for key in keys]
    if any(buckets.count(bucket) > _MOST_IN_BUCKET for bucket in buckets):
        raise _refusal("json_object", "keys whose order is not known")
    return sorted(range(len(keys)), key=buckets.__getitem__)


def _bucket(key: str) -> int:
    """Where a Java HashMap of 16 buckets keeps a text: String.hashCode, its halves mixed."""
    units = key.encode("utf-16-be", "surrogatepass")
    hashed = 0
    for at in range(0, len(units), 2):
        hashed = (hashed * 31 + int.from_bytes(units[at : at + 2])) & 0xFFFFFFFF
    return (hashed ^ hashed >> 16) % _BUCKETS
