"""JSON paths of json_extract and its family: the steps of those whose meaning is known, a refusal for others.

Trino reads `$`, `.name`, `[0]`, `["any text"]`; what it cannot read itself it hands to another library whose
meaning is not known here, so such paths (wildcards, filters, `..`) are refused.
"""

from __future__ import annotations

import re
from functools import lru_cache

_step = re.compile(r'\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,9})\]|\["([^"\\\x00-\x1f]*)"\]').match


class PathRefused(ValueError):
    """A JSON path outside the known syntax."""


@lru_cache(maxsize=4096)
def steps(path: str) -> tuple[str, ...]:
    """`$.a["b c"][0]` as ("a", "b c", "0"): names for objects, decimal texts for both."""
    if not path.startswith("$"):
        raise PathRefused(f"a JSON path begins with $: {path}")
    found: list[str] = []
    at = 1
    while at < len(path):
        step = _step(path, at)
        if not step:
            raise PathRefused(f"JSON path {path}")
        name, index, text = step.groups()
        found.append(next(part for part in (name, index, text) if part is not None))
        at = step.end()
    return tuple(found)
