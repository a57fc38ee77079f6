"""How operators are written: each value evaluated once, errors made quiet where TRY asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable

from agecli.engines.dialect.casts import broken_when, coerce
from agecli.engines.dialect.registry import Typed
from agecli.engines.dialect.types import (
    Type,
    common_type,
)
from agecli.errors import SqlInvalid


def is_cheap(value: Typed) -> bool:
    """Whether the SQL may be written twice: a column, a literal, or a short native expression."""
    if value.is_constant:
        return True
    return not value.volatile and len(value.sql) <= 80 and not re.search(r"\bag_|\(SELECT|lambda", value.sql)


def once(value: Typed, body: Callable[[str], str], variable: str = "v") -> str:
    """`body` over the value's SQL, evaluated once even if `body` mentions it several times."""
    if is_cheap(value):
        return body(value.sql)
    name = f"{variable}{value.sql.count('lambda ')}"
    return f"list_extract(list_transform([{value.sql}], lambda {name}: {body(name)}), 1)"


def both(left: Typed, right: Typed, body: Callable[[str, str], str]) -> str:
    """`body` over two values, each evaluated once even if `body` mentions it several times."""
    if is_cheap(left) and is_cheap(right):
        return body(left.sql, right.sql)
    name = f"q{max(left.sql.count('lambda '), right.sql.count('lambda '))}"
    inside = body(f"struct_extract({name}, 'a')", f"struct_extract({name}, 'b')")
    packed = f"[struct_pack(a := {left.sql}, b := {right.sql})]"
    return f"list_extract(list_transform({packed}, lambda {name}: {inside}), 1)"


def mismatch(op: str, *kinds: Type) -> SqlInvalid:
    shown = ", ".join(map(str, kinds))
    return SqlInvalid("the SQL has a type mismatch", f"{op} does not take ({shown})")


def combined(
    left: Typed, right: Typed, kind: Type, write: Callable[[str, str], str], fails: bool = False,
    quiet: Callable[[str, str], str] | None = None,
) -> Typed:  # fmt: skip
    """A strict operator over two values, with its quiet form."""
    any_fails = fails or left.fails or right.fails
    silent = broken = None
    if any_fails:
        a, b = left.silenced(), right.silenced()
        if a is not None and b is not None and (quiet is not None or not fails):
            silent = (quiet or write)(a.sql, b.sql)
            broken = broken_when([left, right], silent if fails else None)
    volatile = left.volatile or right.volatile
    made = write(left.sql, right.sql)
    return Typed(made, kind, fails=any_fails, quiet=silent, volatile=volatile, broken=broken)


def mapped(
    value: Typed, kind: Type, write: Callable[[str], str], fails: bool = False,
    quiet: Callable[[str], str] | None = None,
) -> Typed:  # fmt: skip
    """A strict operator over one value, with its quiet form."""
    silent = broken = None
    if fails or value.fails:
        a = value.silenced()
        if a is not None and (quiet is not None or not fails):
            silent = (quiet or write)(a.sql)
            broken = broken_when([value], silent if fails else None)
    made = write(value.sql)
    return Typed(made, kind, fails=fails or value.fails, quiet=silent, volatile=value.volatile, broken=broken)


def guarded(broken: str | None, quiet: str) -> str | None:
    """The quiet form of what is not strict: NULL where it would raise."""
    return None if broken is None else f"CASE WHEN {broken} THEN NULL ELSE {quiet} END"


def coerce_pair(op: str, left: Typed, right: Typed) -> tuple[Typed, Typed]:
    """Both as their common type; SqlInvalid where they have none."""
    common = common_type(left.type, right.type)
    if common is None:
        raise mismatch(op, left.type, right.type)
    return coerce(left, common), coerce(right, common)
