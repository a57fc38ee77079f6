"""Asks a Trino over its HTTP protocol: a POST, then GETs until no next address is given.

Cells come in the comparable form of `cells`; no driver stands between, so years that Python cannot hold arrive too.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from cells import Type, from_trino, parse_type


class TrinoError(Exception):
    """A query that Trino refused or that failed; `name` is Trino's own name for the error."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


@dataclass(frozen=True)
class Answer:
    """Column names, their Trino types, and the rows in the comparable form."""

    names: tuple[str, ...]
    types: tuple[Type, ...]
    rows: list[list[Any]]


class Trino:
    """A Trino at `url`; unqualified tables are those of `hive.<schema>`."""

    def __init__(self, url: str, schema: str = "default") -> None:
        self.url, self.schema = url, schema

    def ask(self, sql: str) -> Answer:
        """Runs one statement to its end. Raises TrinoError."""
        headers = {
            "X-Trino-User": "agecli",
            "X-Trino-Catalog": "hive",
            "X-Trino-Schema": self.schema,
            "X-Trino-Time-Zone": "UTC",
            "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
        }
        page = _get(urllib.request.Request(f"{self.url}/v1/statement", data=sql.encode(), headers=headers))
        columns, rows = page.get("columns"), page.get("data", [])
        while "nextUri" in page:
            page = _get(urllib.request.Request(page["nextUri"], headers=headers))
            columns, rows = columns or page.get("columns"), rows + page.get("data", [])
        if "error" in page:
            raise TrinoError(page["error"]["errorName"], page["error"]["message"])
        types = tuple(parse_type(column["type"]) for column in columns or ())
        cells = [[from_trino(_wrap(value, kind), kind) for value, kind in zip(row, types, strict=True)] for row in rows]
        return Answer(tuple(column["name"] for column in columns or ()), types, cells)


def _get(request: urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=600) as response:
        page: dict[str, Any] = json.load(response)
    return page


def _wrap(value: Any, kind: Type) -> Any:
    """Maps and bytes of the protocol as golden.json writes them; map keys come as text."""
    if value is None:
        return None
    if kind.name == "varbinary":
        return base64.b64decode(value).hex()
    if kind.name == "array":
        return [_wrap(item, kind.arguments[0]) for item in value]
    if kind.name == "row":
        return [_wrap(item, field) for item, field in zip(value, kind.arguments, strict=True)]
    if kind.name == "map":
        key, item = kind.arguments
        bare = key.name in ("tinyint", "smallint", "integer", "bigint", "boolean")
        return {"map": [[json.loads(k) if bare else k, _wrap(v, item)] for k, v in value.items()]}
    return value
