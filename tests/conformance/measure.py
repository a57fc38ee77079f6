"""How far the engine is from a real Trino: `python tests/conformance/measure.py FILE [FILE ...] [-v]`.

A file of golden values holds lists of tricky inputs by name, and cases. A case of such a name has an `expression` over
a column `v` and what Trino gave for each input; a case of kind `query` is a whole statement with its rows. Expressions
are run over a table, one row per input, so that nothing can be worked out from a literal. Each value gets a verdict:

- agree: the same answer as Trino, or a failure (a refusal too) where Trino fails;
- refused: the SQL does not run at all, whatever the input (SqlRefused, SqlInvalid);
- guarded: the SQL stops on this input, loudly (SqlFailed, SqlRefused), where Trino gives a value;
- crash: any other exception, which no user should ever see;
- silent: another answer than Trino's, without a word. There must be none.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cells import Type, arrow_type_agrees, from_arrow, from_trino, parse_type, same

from agecli.engines.base import Column, Table
from agecli.errors import SqlFailed, SqlInvalid, SqlRefused

Ask = Callable[[str, Mapping[str, Table]], pa.Table]
VERDICTS = ("agree", "refused", "guarded", "crash", "silent")
REFUSALS = (SqlRefused, SqlInvalid)


@dataclass
class Result:
    """The verdicts of one case, with an example (input, Trino's answer, ours) for each that does not agree."""

    sql: str
    kind: str
    verdicts: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, Any, Any, Any]] = field(default_factory=list)
    types: str = ""

    def add(self, verdict: str, given: Any, theirs: Any, ours: Any) -> None:
        self.verdicts[verdict] += 1
        if verdict != "agree":
            self.examples.append((verdict, given, theirs, ours))

    @property
    def agrees(self) -> bool:
        return set(self.verdicts) <= {"agree"}


def load(path: Path) -> dict[str, Any]:
    """A file of golden values."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def measure(content: Mapping[str, Any], ask: Ask, folder: Path) -> list[Result]:
    """Runs every case and returns a Result for each; `folder` takes the inputs as Parquet."""
    tables = {
        name: _input_table(values, folder / f"{name}.parquet")
        for name, values in content.items()
        if isinstance(values, list) and name != "cases"
    }
    return [
        _expression(case, content[case["kind"]], {"inputs": tables[case["kind"]]}, ask)
        if "expression" in case
        else _query(case, ask)
        for case in content["cases"]
    ]


def _input_table(values: list[str | None], path: Path) -> Table:
    pq.write_table(pa.table({"i": pa.array(range(len(values)), pa.int32()), "v": pa.array(values, pa.string())}), path)
    return Table((str(path),), columns=(Column("i", "integer"), Column("v", "varchar")))


def _expression(case: Mapping[str, Any], inputs: list[Any], tables: Mapping[str, Table], ask: Ask) -> Result:
    expression, expected = case["expression"], case["values"]
    result = Result(expression, case["kind"])
    kind = parse_type(case["type"]) if case.get("type") else Type("unknown")
    answers = _answers(expression, inputs, kind, tables, ask, result)
    if all(isinstance(answer, REFUSALS) for answer in answers):
        for given, theirs, ours in zip(inputs, expected, answers, strict=True):
            result.add("agree" if _fails(theirs) else "refused", given, theirs, ours)
        return result
    for given, theirs, ours in zip(inputs, expected, answers, strict=True):
        result.add(verdict(ours, theirs, kind), given, theirs, ours)
    return result


def _answers(
    expression: str, inputs: list[Any], kind: Type, tables: Mapping[str, Table], ask: Ask, result: Result
) -> list[Any]:
    """A cell or an exception for each input: over the whole table, and one by one where that fails."""
    try:
        table = ask(f"SELECT {expression} AS r FROM inputs ORDER BY i", tables)
    except Exception:
        answers = []
        for i in range(len(inputs)):
            answers.append(_attempt(f"SELECT {expression} AS r FROM inputs WHERE i = {i}", tables, ask))
            if len(answers) == 8 and all(isinstance(answer, REFUSALS) for answer in answers):
                return answers[:1] * len(inputs)
        return answers
    result.types = _type_difference(table, [kind])
    return from_arrow(table.column(0))


def _attempt(sql: str, tables: Mapping[str, Table], ask: Ask) -> Any:
    try:
        return from_arrow(ask(sql, tables).column(0))[0]
    except Exception as error:
        return error


def verdict(ours: Any, theirs: Any, kind: Type) -> str:
    """What one answer of ours (a cell, or the exception raised) is worth against Trino's."""
    fails = _fails(theirs)
    if isinstance(ours, SqlFailed | SqlRefused | SqlInvalid):
        return "agree" if fails else "guarded"
    if isinstance(ours, Exception):
        return "crash"
    return "agree" if not fails and same(ours, from_trino(theirs, kind)) else "silent"


def _fails(theirs: Any) -> bool:
    return isinstance(theirs, dict) and set(theirs) == {"error"}


def _query(case: Mapping[str, Any], ask: Ask) -> Result:
    result = Result(case["sql"], "query")
    kinds = [parse_type(text) for text in case.get("types", ())]
    row = Type("array", (Type("row", tuple(kinds)),))
    theirs = {"error": case["error"]} if "error" in case else case["rows"]
    try:
        table = ask(case["sql"], {})
        columns = [from_arrow(column) for column in table.columns]
        ours: Any = [list(cells) for cells in zip(*columns, strict=True)]
        result.types = _type_difference(table, kinds) if kinds else ""
    except Exception as error:
        ours = error
    found = verdict(ours, theirs, row)
    result.add("refused" if found == "guarded" and isinstance(ours, REFUSALS) else found, None, theirs, ours)
    return result


def _type_difference(table: pa.Table, kinds: Iterable[Type]) -> str:
    wanted = list(kinds)
    found = [column.type for column in table.columns]
    if len(wanted) == len(found) and all(map(arrow_type_agrees, found, wanted)):
        return ""
    return f"{', '.join(map(str, found))} instead of {', '.join(map(str, wanted))}"


def totals(results: Iterable[Result]) -> tuple[Counter[str], Counter[str]]:
    """Verdicts over all values; and over cases, each counted by the worst of its verdicts."""
    values: Counter[str] = Counter()
    cases: Counter[str] = Counter()
    for result in results:
        values += result.verdicts
        cases[max(result.verdicts, key=VERDICTS.index)] += 1
    return values, cases


def summary(results: Iterable[Result]) -> str:
    """The counts in one line."""
    values, cases = totals(results)
    return ", ".join(
        f"{sum(counts.values()):,} {what} ("
        + ", ".join(f"{counts[verdict]:,} {verdict}" for verdict in VERDICTS)
        + f"; {counts['agree'] / max(1, sum(counts.values())):.2%} agree)"
        for what, counts in (("values", values), ("cases", cases))
    )


def embedded() -> Ask:
    """Asks the embedded engine, a new one after an error that may have broken it."""
    from agecli.engines import open_engine

    engine = open_engine("duckdb")

    def ask(sql: str, tables: Mapping[str, Table]) -> pa.Table:
        nonlocal engine
        try:
            return engine.query(sql, tables)
        except (SqlFailed, *REFUSALS):
            raise
        except Exception:
            engine = open_engine("duckdb")
            raise

    return ask


def main(arguments: list[str]) -> int:
    """Measures each file and prints the counts and every case that does not agree; 1 when any is silent."""
    silent = 0
    for name in [item for item in arguments if item != "-v"]:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            results = measure(load(Path(name)), embedded(), Path(folder))
        for result in results:
            if not result.agrees or (result.types and "-v" in arguments):
                print(result.kind, "|", result.sql, "|", dict(result.verdicts), "|", result.types)
                for example in result.examples[: 10 if "-v" in arguments else 2]:
                    print("    ", *map(repr, example))
        print(f"{name}: {summary(results)}; {time.monotonic() - started:.1f} s")
        print(f"types differ in {sum(bool(result.types) for result in results)} cases")
        silent += totals(results)[0]["silent"]
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
