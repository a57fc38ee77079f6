"""What each AWS service charges for the work of a run, stage by stage: low, expected and high.

SQL runs on Athena, started by Lambda; training and prediction are Fargate tasks (or Lambda, or Spot) under Step
Functions; data lies in S3, logs in CloudWatch, the image in ECR. Network endpoints and stored data cost by the hour
and month, whether or not anything runs: they are counted for the span that the run causes, and told as standing
costs beside it. What is assumed and not measured is a constant here with its reason, and is said with the estimate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agecli.cost.compute import (
    GB,
    HOURS_OF_A_MONTH,
    LAMBDA_MB_OF_A_VCPU,
    LAMBDA_MOST_SECONDS,
    NOTHING,
    Range,
    athena,
    athena_usd,
    fargate,
    fargate_memory,
    lambda_,
    spot,
    total,
    units,
)
from agecli.cost.prices import RegionPrices
from agecli.cost.rates import benchmark
from agecli.cost.work import FILES_OF_A_TABLE, Query, Work

PULL = Range(
    28, 57, 120
)  # seconds: 57 was the mean of ten 413-MB images (elasticscale.com, 2024); lazy loading halves it
SPEED = Range(1.0, 1.25, 2.0)  # seconds on a vCPU for one of a core here: not measured on AWS
ATHENA_CORES = Range(100, 20, 5)  # cores of this machine that Athena works like: not measured
AT_ONCE = 50  # tasks or functions that predict at the same time
TRAIN_VCPU, TRAIN_GB = 4, 16
TRAIN_CORES = Range(4, 3, 1.5)  # of its vCPUs that training keeps busy
TRANSITIONS_OF_A_STAGE = Range(2, 3, 6)
TRANSITIONS_OF_A_BATCH = Range(3, 4, 8)  # child execution, task, end; high: each tried twice
LOGS = Range(1, 3, 10)  # bytes of log on AWS for one in a run's events here
READ_AT_ONCE = Range(8 << 20, 1 << 20, 128 << 10)  # bytes of a GET
ENDPOINTS, ZONES = 5, 2  # ECR (2), CloudWatch Logs, Athena, Glue, in two zones; S3's own endpoint is free
HEADROOM = 1.5  # memory sold for one byte of the peak


@dataclass(frozen=True)
class Place:
    """Where training and prediction run."""

    name: str
    kind: str = "fargate"
    chip: str = "x86"
    spot: bool = False


FARGATE = Place("Fargate x86")
PLACES = (
    FARGATE,
    Place("Fargate arm64", chip="arm64"),
    Place("Fargate Spot x86", spot=True),
    Place("Lambda x86", kind="lambda"),
)


@dataclass(frozen=True)
class Line:
    """One line of the table: what a service does for a stage, in words, and its dollars."""

    stage: str
    service: str
    quantity: str
    usd: Range


@dataclass(frozen=True)
class Estimate:
    """All that a run costs. `standing` are dollars per month of what is there also while nothing runs."""

    work: Work
    prices: RegionPrices
    place: Place
    lines: tuple[Line, ...]
    standing: tuple[Line, ...]
    minutes: Range
    problems: tuple[str, ...] = ()

    @property
    def total(self) -> Range:
        return total(line.usd for line in self.lines)

    @property
    def standing_total(self) -> Range:
        return total(line.usd for line in self.standing)

    def by(self, field: str) -> dict[str, Range]:
        """Dollars by `stage` or `service`, in the order of the lines."""
        found: dict[str, Range] = {}
        for line in self.lines:
            found[getattr(line, field)] = found.get(getattr(line, field), NOTHING) + line.usd
        return found

    @property
    def per_month(self) -> Range:
        """Runs at the cadence, and what stands between them; low is with the endpoints taken down after each run."""
        standing = self.standing_total
        return self.total * (self.work.runs_a_year / 12) + Range(0, standing.expected, standing.high)

    def assumptions(self) -> list[str]:
        """What the estimate rests on, in sentences."""
        work = self.work
        noted = dict.fromkeys(note for query in work.queries for note in query.scan.assumptions)
        return [
            *self.prices.assumptions(),
            "Athena: a TB is 10^12 bytes (low: 2^40), whole MB, at least 10 MB a query; tables as they lie here",
            *work.assumptions,
            *noted,
            f"not measured on AWS: a vCPU takes {_span(SPEED)} times a core here; Athena works like"
            f" {_span(ATHENA_CORES)} cores;"
            f" an image takes {_span(PULL)} s to load; {AT_ONCE} tasks at once; a log line here is {_span(LOGS)} there",
            f"{ENDPOINTS} interface endpoints in {ZONES} zones; S3's endpoint and data within the region are free",
        ]


def estimate(work: Work, prices: RegionPrices, place: Place = FARGATE) -> Estimate:
    """Prices the work of a run in a region, with training and prediction in a place."""
    train_seconds, predict_seconds = _train_seconds(work), _predict_seconds(work, place)
    sql_minutes = _sql_minutes(work)
    waves = math.ceil(work.batches / AT_ONCE)
    minutes = sql_minutes + (train_seconds + predict_seconds * waves) * (1 / 60)
    lines = [
        *(_query_line(query, prices) for query in work.queries),
        _train_line(train_seconds, prices, place),
        _predict_line(work, predict_seconds, prices, place),
        _starters(sql_minutes, prices),
        _transitions(work, prices),
        *_s3(work, prices),
        _logs(work, prices),
        _image(work, prices),
        _endpoints(minutes, prices),
    ]
    hours = ENDPOINTS * ZONES * HOURS_OF_A_MONTH
    standing = Line("standing", "VPC endpoints", f"{hours:,} endpoint-hours", _hourly(hours, prices))
    problems = []
    if place.kind == "lambda" and predict_seconds.high > LAMBDA_MOST_SECONDS:
        problems.append(f"a batch may take {predict_seconds.high:,.0f} s, Lambda ends after {LAMBDA_MOST_SECONDS}")
    return Estimate(work, prices, place, tuple(lines), (standing,), minutes, tuple(problems))


def query_usd(query: Query, prices: RegionPrices) -> Range:
    """Dollars for one query on Athena."""
    return athena(query.bytes.low, query.bytes.expected, query.bytes.high, prices)


def describe_query(query: Query, prices: RegionPrices) -> dict[str, Any]:
    """A query as scripts read it. `usd` is for the expected bytes."""
    return {
        "name": query.name,
        "stage": query.stage,
        "tables": [table.name for table in query.scan.tables],
        "columns": sorted({f"{table.name}.{column}" for table in query.scan.tables for column in table.columns}),
        "bytes": query.bytes.expected,
        "low": query.bytes.low,
        "high": query.bytes.high,
        "label": query.label,
        "usd": athena_usd(query.bytes.expected, prices.usd("athena_tb")),
        "notes": sorted({note for table in query.scan.tables for note in table.notes}),
    }


def _span(values: Range) -> str:
    ends = sorted((values.low, values.high))
    return f"{ends[0]:g} to {ends[1]:g} (expected {values.expected:g})"


def _query_line(query: Query, prices: RegionPrices) -> Line:
    return Line(query.stage, "Athena", f"{query.name}: {size(query.bytes.expected)}", query_usd(query, prices))


def size(count: float) -> str:
    """Bytes for people, in units of a thousand, as AWS bills them."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.2f} TB"


def _sql_minutes(work: Work) -> Range:
    seconds = sum(work.rates.cpu[stage] for stage in ("stage", "features", "aggregate")) / work.rates.rows * work.rows
    return Range(*(seconds / cores / 60 for cores in (ATHENA_CORES.low, ATHENA_CORES.expected, ATHENA_CORES.high)))


def _train_seconds(work: Work) -> Range:
    """Seconds of the training task: its own work grows with the labelled rows that it takes, up to their limit."""
    measured = max(1.0, min(work.rates.labelled, work.most_labelled))
    cpu = SPEED * (work.rates.cpu["train"] / measured * max(1.0, work.training_rows))
    spread = Range(cpu.low / TRAIN_CORES.low, cpu.expected / TRAIN_CORES.expected, cpu.high / TRAIN_CORES.high)
    return PULL + SPEED * work.rates.start + spread


def _predict_seconds(work: Work, place: Place) -> Range:
    """Seconds of one batch, from the start of the image's download; Lambda has its image near."""
    rows = work.rows / work.batches
    busy = SPEED * (work.rates.start + work.rates.cpu["predict"] / work.rates.rows * rows)
    return busy + (PULL if place.kind == "fargate" else Range(0, 5, 15))


def _train_line(seconds: Range, prices: RegionPrices, place: Place) -> Line:
    """Training is one long task: always Fargate, and never Spot."""
    usd = fargate(seconds, 1, TRAIN_VCPU, TRAIN_GB, place.chip, prices)
    return Line("train", "Fargate", f"1 task, {TRAIN_VCPU} vCPU, {TRAIN_GB} GB, {math.ceil(seconds.expected):,} s", usd)


def _predict_line(work: Work, seconds: Range, prices: RegionPrices, place: Place) -> Line:
    each = f"{work.batches:,} x {math.ceil(seconds.expected):,} s"
    if place.kind == "lambda":
        usd = lambda_(seconds, work.batches, LAMBDA_MB_OF_A_VCPU, place.chip, prices)
        return Line("predict", "Lambda", f"{each}, {LAMBDA_MB_OF_A_VCPU:,} MB", usd)
    memory = fargate_memory(1, work.rates.memory * HEADROOM)
    usd = fargate(seconds, work.batches, 1, memory, place.chip, prices)
    return Line("predict", "Fargate", f"{each}, 1 vCPU, {memory} GB", spot(usd, prices) if place.spot else usd)


def _starters(sql_minutes: Range, prices: RegionPrices) -> Line:
    """Five functions that start queries, wait for them, plan batches and clean up."""
    waiting = (sql_minutes * 60).least(5)
    each = Range(*(min(LAMBDA_MOST_SECONDS, end / 3) for end in (waiting.low, waiting.expected, waiting.high)))
    return Line(
        "all", "Lambda", f"5 calls, {each.expected:,.0f} s", lambda_(each, 5, LAMBDA_MB_OF_A_VCPU, "x86", prices)
    )


def _transitions(work: Work, prices: RegionPrices) -> Line:
    count = TRANSITIONS_OF_A_STAGE * 7 + TRANSITIONS_OF_A_BATCH * work.batches
    return Line(
        "all", "Step Functions", f"{count.expected:,.0f} transitions", units(count, "states_transition", prices)
    )


def _s3(work: Work, prices: RegionPrices) -> Iterable[Line]:
    """Requests of queries, training and batches; and the run's tables until the next run takes their place."""
    files = {name: getattr(table, "files", ()) for name, table in work.tables.items()}
    opened = 2 * sum(len(names) or FILES_OF_A_TABLE for names in files.values()) + 4 * work.batches
    moved = sum(query.bytes.high for query in work.queries) + 3 * work.sizes["features"]
    gets = Range(*(opened + moved / part for part in (READ_AT_ONCE.low, READ_AT_ONCE.expected, READ_AT_ONCE.high)))
    made = sum(work.sizes[name] for name in ("staging", "features", "predictions", "results"))
    puts = Range.exactly(work.batches + 3 * FILES_OF_A_TABLE + made / (8 << 20)) * Range(1, 1, 2)
    yield Line(
        "all", "S3 requests", f"{gets.expected:,.0f} GET, {puts.expected:,.0f} PUT",
        units(gets, "s3_get", prices) + units(puts, "s3_put", prices),
    )  # fmt: skip
    months = 12 / work.runs_a_year
    kept = Range(work.sizes["results"], made, 2 * made) * (months / GB)
    yield Line("all", "S3 storage", f"{size(made)} for {months:.3g} months", units(kept, "s3_gb_month", prices))


def _logs(work: Work, prices: RegionPrices) -> Line:
    written = LOGS * (work.rates.log * max(1.0, work.batches / 2) / GB)
    usd = (
        units(written, "logs_gb", prices)
        + units(written, "logs_gb_month", prices)
        + units(written, "endpoint_gb", prices)
    )
    return Line("all", "CloudWatch Logs", size(written.expected * GB), usd)


def _image(work: Work, prices: RegionPrices) -> Line:
    """The image until the next run: its libraries as installed bound it, compressed they are a third or so."""
    stored = Range(1 / 3, 0.5, 1) * (benchmark()["image_bytes"] / GB) * (12 / work.runs_a_year)
    return Line("all", "ECR", size(benchmark()["image_bytes"] / 2), units(stored, "ecr_gb_month", prices))


def _endpoints(minutes: Range, prices: RegionPrices) -> Line:
    hours = Range(*(math.ceil(end / 60) for end in (minutes.low, minutes.expected, minutes.high)))
    usd = units(hours * (ENDPOINTS * ZONES), "endpoint_az_hour", prices)
    return Line("all", "VPC endpoints", f"{hours.expected * ENDPOINTS * ZONES:,.0f} endpoint-hours while it runs", usd)


def _hourly(hours: float, prices: RegionPrices) -> Range:
    return units(Range.exactly(hours), "endpoint_az_hour", prices)
