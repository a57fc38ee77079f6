"""Estimates of cost as tables for people and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agecli.cli.output import Row, tabular
from agecli.cost.advice import Advice
from agecli.cost.compare import Option
from agecli.cost.compute import Range
from agecli.cost.prices import RegionPrices
from agecli.cost.reconcile import Reconciled
from agecli.cost.services import Estimate, describe_query, query_usd, size
from agecli.cost.work import Query, Work

COLUMNS = ("stage", "service", "quantity", "low", "expected", "high")
COMPARISON = ("place", "usd_low", "usd", "usd_high", "minutes", "minutes_high", "cheapest", "fastest", "notes")
QUERY = ("table", "column", "bytes")
_MONEY = ("low", "expected", "high")


def dollars(amount: float) -> str:
    """$12.34; small amounts with two digits that mean something."""
    if amount == 0 or amount >= 1:
        return f"${amount:,.2f}"
    return f"${amount:.4f}" if amount >= 0.0001 else "<$0.0001"


def rows(estimate: Estimate) -> list[Row]:
    """The lines of an estimate, a row each."""
    return [
        {"stage": line.stage, "service": line.service, "quantity": line.quantity, **line.usd.to_json()}
        for line in estimate.lines
    ]


def text(estimate: Estimate, advised: Sequence[Advice]) -> str:
    """The estimate for people: by stage and service, in total, over time, and what it rests on."""
    work = estimate.work
    lines = [{**row, **_told(line.usd)} for row, line in zip(rows(estimate), estimate.lines, strict=True)]
    by_service = [{"service": name, **_told(usd)} for name, usd in estimate.by("service").items()]
    spans = {
        "this run": estimate.total,
        "per million rows": estimate.total * (1e6 / work.rows),
        f"per month, at {work.runs_a_year:g} runs a year": estimate.per_month,
        "per year": estimate.per_month * 12,
    }
    standing = " and ".join(f"{line.service} {dollars(line.usd.expected)}" for line in estimate.standing)
    parts = [
        f"{work.rows:,} rows of {work.recipe.name} on AWS, {estimate.prices.name}; on this machine a run costs nothing",
        tabular(lines, COLUMNS, right=_MONEY),
        tabular(by_service, ("service", *_MONEY), right=_MONEY),
        tabular([{"": name, **_told(usd)} for name, usd in spans.items()], ("", *_MONEY), right=_MONEY),
        f"standing, a month, whether or not anything runs: {standing} (low: taken down after each run)",
    ]
    parts += ["advice\n" + "\n".join(f"- {one.text}: {_saved(one)}" for one in advised)] if advised else []
    parts.append("assumptions\n" + "\n".join(f"- {said}" for said in estimate.assumptions()))
    return "\n\n".join(parts)


def _saved(advice: Advice) -> str:
    if advice.usd_per_month:
        return f"{dollars(advice.usd_per_month)} less a month"
    return f"{dollars(advice.usd_per_run)} less a run"


def _told(usd: Range) -> dict[str, str]:
    return {"low": dollars(usd.low), "expected": dollars(usd.expected), "high": dollars(usd.high)}


def to_json(estimate: Estimate, advised: Sequence[Advice]) -> dict[str, Any]:
    """The estimate for scripts: fields are added, never renamed."""
    work = estimate.work
    return {
        "recipe": work.recipe.name,
        "region": estimate.prices.name,
        "place": estimate.place.name,
        "rows": work.rows,
        "measured_rows": work.measured,
        "batches": work.batches,
        "queries": [describe_query(query, estimate.prices) for query in work.queries],
        "services": [{"name": name, **usd.to_json()} for name, usd in estimate.by("service").items()],
        "stages": [{"name": name, **usd.to_json()} for name, usd in estimate.by("stage").items()],
        "lines": rows(estimate),
        "total": estimate.total.to_json(),
        "per_million_rows": (estimate.total * (1e6 / work.rows)).to_json(),
        "runs_a_year": work.runs_a_year,
        "standing_per_month": estimate.standing_total.to_json(),
        "per_month": estimate.per_month.to_json(),
        "per_year": (estimate.per_month * 12).to_json(),
        "minutes": estimate.minutes.to_json(),
        "advice": [one.to_json() for one in advised],
        "assumptions": estimate.assumptions(),
        "prices": [line.to_json() for _, line in sorted(estimate.prices.used.items())],
    }


def comparison_rows(options: Sequence[Option]) -> list[Row]:
    """The places, a row each."""
    return [
        {
            "place": option.name,
            "usd_low": round(option.usd.low, 4),
            "usd": round(option.usd.expected, 4),
            "usd_high": round(option.usd.high, 4),
            "minutes": round(option.minutes.expected, 1),
            "minutes_high": round(option.minutes.high, 1),
            "cheapest": "cheapest" if option.cheapest else "",
            "fastest": "fastest" if option.fastest else "",
            "notes": "; ".join(option.notes),
        }
        for option in options
    ]


def comparison_json(work: Work, options: Sequence[Option], prices: RegionPrices) -> dict[str, Any]:
    return {
        "rows": work.rows,
        "region": prices.name,
        "places": [option.to_json() for option in options],
        "cheapest": next(option.name for option in options if option.cheapest),
        "fastest": next(option.name for option in options if option.fastest),
        "assumptions": [*prices.assumptions(), *work.assumptions],
    }


def query_json(query: Query, prices: RegionPrices) -> dict[str, Any]:
    """One query: at least `bytes` and `label`."""
    billed = query.scan.billed
    return {
        **describe_query(query, prices),
        "usd_range": query_usd(query, prices).to_json(),
        "billed": {"low": billed.low, "expected": billed.expected, "high": billed.high},
        "reads": query_rows(query, prices),
        "assumptions": [*prices.assumptions(), *query.scan.assumptions],
    }


def query_rows(query: Query, prices: RegionPrices) -> list[Row]:
    """The columns that a query reads, each with its bytes."""
    return [
        {"table": table.name, "column": column, "bytes": round(bytes_ * query.factor)}
        for table in query.scan.tables
        for column, bytes_ in (table.columns or {"(all)": table.bytes.high}).items()
    ]


def query_text(query: Query, prices: RegionPrices) -> str:
    """One query for people."""
    usd, span = query_usd(query, prices), query.bytes
    range_ = "" if span.low == span.high else f" (between {size(span.low)} and {size(span.high)})"
    listed = [{**row, "bytes": size(row["bytes"])} for row in query_rows(query, prices)]
    notes = sorted({f"{table.name}: {note}" for table in query.scan.tables for note in table.notes})
    said = [*notes, *prices.assumptions(), *query.scan.assumptions]
    return "\n\n".join(
        [
            f"{query.label}: {size(span.expected)}{range_},"
            f" {dollars(usd.expected)} on Athena (at most {dollars(usd.high)})",
            tabular(listed, QUERY, right=("bytes",)),
            "assumptions\n" + "\n".join(f"- {one}" for one in said),
        ]
    )


def reconciled_text(found: Reconciled, prices: RegionPrices) -> str:
    """The comparison for people."""
    rows = []
    for line in (*found.lines, found.sum):
        row = line.row()
        rows.append(
            {
                "stage": line.stage,
                "expected": f"{size(line.bytes.expected)} ({size(line.bytes.low)} to {size(line.bytes.high)})",
                "read": "unknown" if line.read is None else size(line.read),
                "error": "" if line.error is None else f"{line.error:+.1%}",
                "within bounds": {True: "yes", False: "NO", None: ""}[line.within],
                "CPU s expected": f"{line.cpu_expected:.1f}",
                "CPU s": f"{line.cpu:.1f}",
                "CPU error": "" if row["cpu_error"] is None else f"{row['cpu_error']:+.0%}",
            }
        )
    told = found.to_json(prices)["usd_if_athena"]
    actual = "" if told["actual"] is None else f", what was read ${told['actual']:.4f}"
    return "\n\n".join(
        [
            f"run {found.run_id}, {found.measured:,} rows: on this machine, 0 transitions, $0.00",
            tabular(rows, list(rows[0]), right=list(rows[0])[1:]),
            f"on Athena the bytes expected would be ${told['expected']:.4f}{actual} ({prices.name})",
            "\n".join(f"- {note}" for note in found.notes),
        ]
    )
