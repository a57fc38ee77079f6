"""Ways through a syntax tree: its nodes, and the tuples of nodes within them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

_BARE = frozenset((str, int, bool, float, type(None)))


def parts_of(node: object) -> Sequence[object]:
    """What is right below a node or a tuple; below anything else there is nothing."""
    if isinstance(node, tuple | list):
        return node
    kind: type[Any] = type(node)
    return [getattr(node, name) for name in _fields(kind)]  # type: ignore[arg-type]


def walk(node: object, beyond: tuple[type, ...] = ()) -> Iterator[object]:
    """The node and all nodes and tuples below it, from left to right, but for nodes of the types `beyond` and what is
    below."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, beyond):
            yield one
            waiting.extend([part for part in reversed(parts_of(one)) if part.__class__ not in _BARE])


@cache
def _fields(kind: type[Any]) -> tuple[str, ...]:
    return tuple(part.name for part in fields(kind)) if is_dataclass(kind) else ()


__all__ = ["parts_of", "walk"]
