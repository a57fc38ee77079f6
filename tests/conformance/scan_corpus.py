"""Estimates the queries of the corpus from the footers that it keeps, and holds them beside what Trino read.

    python tests/conformance/scan_corpus.py [-v]

prints how far exact figures are off, how loose the upper bounds are, and with -v every query. No Trino is asked.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agecli.cost.footers import Footer
from agecli.cost.objects import Object
from agecli.cost.scan import Opened, Scan, estimate_opened
from agecli.engines.base import Table
from agecli.engines.dialect.types import parse_type

CORPUS = Path(__file__).parent / "scan_corpus.json"
TOLERANCE = 0.05


@dataclass(frozen=True)
class Case:
    """One query: the estimate, and the bytes that Trino physically read."""

    sql: str
    scan: Scan
    trino: int

    @property
    def error(self) -> float:
        """How far the figure that the label speaks of lies above Trino's, as a share of it."""
        return (self.scan.bytes.high - self.trino) / max(1, self.trino)

    @property
    def holds(self) -> bool:
        if self.scan.label == "exact":
            return abs(self.error) <= TOLERANCE
        return self.scan.bytes.high >= self.trino


def opened(described: dict[str, Any], name: str) -> Opened:
    """A table of the corpus, without its files."""
    root = f"/{name}"
    objects = tuple(Object(f"{root}/{path}", size, "") for path, size, _ in described["files"])
    footers = {f"{root}/{path}": Footer.from_json(f) if f else None for path, _, f in described["files"]}
    columns = tuple((column, None if kind == "None" else parse_type(kind)) for column, kind in described["columns"])
    table = Table(tuple(o.path for o in objects), described["format"], root=root)
    return Opened(columns, table, objects, footers, described["as_parquet"])


def cases(path: Path = CORPUS) -> list[Case]:
    corpus = json.loads(path.read_text(encoding="utf-8"))
    tables = {name: opened(described, name) for name, described in corpus["tables"].items()}
    return [Case(sql, estimate_opened(sql, tables), trino) for sql, trino in corpus["queries"]]


def quantiles(values: list[float]) -> str:
    ordered = sorted(values)
    marks = [ordered[round(q * (len(ordered) - 1))] for q in (0, 0.25, 0.5, 0.75, 0.9, 1)]
    return "  ".join(
        f"{name} {mark:+.1%}" for name, mark in zip(("least", "25%", "50%", "75%", "90%", "most"), marks, strict=True)
    )


def report(found: list[Case]) -> str:
    """The distribution of the error by label, and what does not hold."""
    lines = []
    for label in ("exact", "upper bound"):
        errors = [case.error for case in found if case.scan.label == label and case.trino]
        if errors:
            lines.append(f"{label}: {len(errors)} queries, figure above Trino's physical bytes by: {quantiles(errors)}")
    unread = [case for case in found if not case.trino]
    lines.append(f"nothing read by Trino: {len(unread)} queries")
    broken = [case for case in found if not case.holds]
    lines += [f"does not hold: {c.scan.label} {c.scan.bytes.high:,}, Trino {c.trino:,}: {c.sql}" for c in broken]
    lines.append(f"{len(found) - len(broken)} of {len(found)} hold: no upper bound below, exact within {TOLERANCE:.0%}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    found = cases()
    if "-v" in arguments:
        for case in sorted(found, key=lambda c: -c.error):
            print(f"{case.scan.label:11} {case.scan.bytes.high:>12,} {case.trino:>12,} {case.error:+8.1%}  {case.sql}")
    print(report(found))
    return 0 if all(case.holds for case in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
