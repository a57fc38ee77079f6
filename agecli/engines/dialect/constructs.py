"""Forms that are not strict: CASE, COALESCE, IS NULL, arrays and rows of values.

Their quiet forms, for TRY, have to say where an error would be raised, since NULL does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agecli.engines.dialect.casts import coerce
from agecli.engines.dialect.evaluation import guarded, mismatch
from agecli.engines.dialect.registry import Typed
from agecli.engines.dialect.types import BOOLEAN, UNKNOWN, Type, common_type, duckdb_type, field_names


def unified(what: str, items: list[Typed]) -> list[Typed]:
    """All as their common type."""
    common: Type | None = UNKNOWN
    for item in items:
        common = common_type(common, item.type) if common else None
    if common is None:
        raise mismatch(what, *(i.type for i in items))
    return [coerce(i, common) for i in items]


def is_null(value: Typed) -> Typed:
    silent = value.silenced()
    broken = value.breaks if value.fails else None
    quiet = guarded(broken, f"({silent.sql} IS NULL)") if silent is not None else None
    sql = f"({value.sql} IS NULL)"
    return Typed(sql, BOOLEAN, fails=value.fails, quiet=quiet, volatile=value.volatile, broken=broken)


def first_known(items: list[Typed]) -> Typed:
    """COALESCE, whose later arguments are not evaluated, and cannot fail, once one is known."""
    fails = any(i.fails for i in items)
    quiet = broken = None
    silent, breaks = _silenced(items), _breaks(items)
    if fails and len(silent) == len(breaks) == len(items):
        broken = breaks[-1]
        for value, own in zip(reversed(silent[:-1]), reversed(breaks[:-1]), strict=True):
            broken = f"({own} OR (({value.sql}) IS NULL AND {broken}))"
        quiet = guarded(broken, _coalesce(silent))
    elif fails and not any(i.fails for i in items[:-1]) and len(silent) == len(items):
        quiet = _coalesce(silent)
    volatile = any(i.volatile for i in items)
    return Typed(_coalesce(items), items[0].type, fails=fails, quiet=quiet, volatile=volatile, broken=broken)


def _coalesce(items: Sequence[Typed]) -> str:
    return f"coalesce({', '.join(i.sql for i in items)})"


def _silenced(items: Sequence[Typed]) -> list[Typed]:
    return [s for i in items if (s := i.silenced()) is not None]


def _breaks(items: Sequence[Typed]) -> list[str]:
    return [b for i in items if (b := i.breaks) is not None]


def array_of(items: Sequence[Typed], kind: Type) -> Typed:
    duck = duckdb_type(kind)
    return _collected(items, lambda parts: f"CAST([{', '.join(parts)}] AS {duck})", kind)


def row_of(items: Sequence[Typed], kind: Type) -> Typed:
    names = field_names(kind)

    def write(parts: Sequence[str]) -> str:
        return "struct_pack(" + ", ".join(f"{n} := {p}" for n, p in zip(names, parts, strict=True)) + ")"

    return _collected(items, write, kind)


def _collected(items: Sequence[Typed], write: Callable[[Sequence[str]], str], kind: Type) -> Typed:
    """An array or row of these; an error in one makes the whole fail."""
    fails = any(i.fails for i in items)
    quiet = broken = None
    silent, breaks = _silenced(items), _breaks(items)
    if fails and len(silent) == len(breaks) == len(items):
        broken = "(" + " OR ".join(breaks) + ")"
        quiet = guarded(broken, write([s.sql for s in silent]))
    volatile = any(i.volatile for i in items)
    return Typed(write([i.sql for i in items]), kind, fails=fails, quiet=quiet, broken=broken, volatile=volatile)


def choose(conditions: list[Typed], results: list[Typed], default: Typed) -> Typed:
    """CASE WHEN ... END."""
    *results, default = unified("CASE", [*results, default])
    everything = [*results, default]
    fails = any(v.fails for v in (*conditions, *everything))
    quiet = broken = None
    tests, values = _silenced(conditions), _silenced(everything)
    if fails and len(tests) == len(conditions) and len(values) == len(everything):
        broken = _case_breaks(conditions, tests, everything)
        plain = _case(tests, values)
        quiet = guarded(broken, plain) if any(c.fails for c in conditions) else plain
    volatile = any(v.volatile for v in (*conditions, *everything))
    sql = _case(conditions, everything)
    return Typed(sql, default.type, fails=fails, quiet=quiet, volatile=volatile, broken=broken)


def _case(tests: Sequence[Typed], values: Sequence[Typed]) -> str:
    whens = " ".join(f"WHEN {c.sql} THEN {v.sql}" for c, v in zip(tests, values[:-1], strict=True))
    return f"CASE {whens} ELSE {values[-1].sql} END"


def _case_breaks(conditions: Sequence[Typed], tests: Sequence[Typed], results: Sequence[Typed]) -> str | None:
    """Whether a CASE raises: conditions are evaluated in order, and only the result that is chosen."""
    if len(_breaks(conditions)) < len(conditions) or len(_breaks(results)) < len(results):
        return None
    broken = results[-1].breaks
    for condition, test, result in reversed(list(zip(conditions, tests, results[:-1], strict=True))):
        broken = f"({condition.breaks} OR CASE WHEN {test.sql} THEN {result.breaks} ELSE {broken} END)"
    return broken
