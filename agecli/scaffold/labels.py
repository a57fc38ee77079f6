"""What is to be learned: number or class, its bounds, its tolerance, its default.

A label of text or of true and false is a class; so is a number of two values, or one that counts the classes from
0 (at most 10 of them, each about as frequent, as files made for learning have it). Every other number is a number,
`--task` overrides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import duckdb

from agecli.errors import ConfigError, DataError
from agecli.scaffold import readings
from agecli.scaffold.columns import is_low
from agecli.scaffold.names import Names, comment, literal, quoted
from agecli.scaffold.plans import Profile
from agecli.scaffold.profiling import is_nested, is_numeric
from agecli.scaffold.sampling import Sample, identifier

Task = Literal["regression", "classification"]
_MOST_CLASSES = 100
_COUNTED = 10
LEAST_LABELS = 20
"""What training asks for at least (`models.survey.MIN_LABELS`, which a test holds it to)."""


@dataclass(frozen=True)
class Label:
    """`renamed` is the first step of staging.sql, `sql` the second, over `alias`. `why` explains the task.

    `unknown` holds the words of the data that are read as "not known", with their rows.
    """

    column: str
    task: Task
    alias: str
    renamed: str
    sql: str
    why: str
    bad: str = ""
    default: float | str | None = None
    lower: float | None = None
    upper: float | None = None
    tolerance: float | None = None
    classes: Mapping[str, int] | None = None
    labelled: int = 0
    unknown: Mapping[str, int] = field(default_factory=dict)

    @property
    def remark(self) -> str:
        """What is to be said of words that are read as "not known"; nothing where there are none."""
        if not self.unknown:
            return ""
        words = ", ".join(f"{word!r} ({rows:,} rows)" for word, rows in self.unknown.items())
        return f"read as not known: {words}; where one is a class, take it out of the list in staging.sql"


def plan(
    connection: duckdb.DuckDBPyConnection, sample: Sample, profile: Profile, task: str | None, taken: Names
) -> Label:
    """Decides on the label. Raises ConfigError for a label that cannot be one, DataError for one that says nothing."""
    kind = profile.type
    if is_nested(kind) or kind == "date" or kind.startswith("timestamp"):
        raise ConfigError(f"the label {profile.name!r} is a {kind}", "a label is a number or a class",
                          "name another column with --label, or derive a number from it first")  # fmt: skip
    alias = taken.take(profile.name)
    if profile.is_text:
        step, expression, numeric = _text_steps(profile, alias)
    else:
        step, numeric = quoted(profile.name), is_numeric(kind)
        expression = alias if kind == "double" else f"CAST({alias} AS DOUBLE)"
        if kind in ("real", "double"):
            step = f"CASE WHEN NOT is_nan({step}) THEN {step} END"
    values = _values(connection, sample, profile, numeric, expression)
    chosen, why = _task(profile, values, numeric, task)
    _check(profile, values, chosen, numeric)
    bad = f"{alias} IS NOT NULL AND {expression} IS NULL" if profile.is_text and chosen == "regression" else ""
    unknown = _unknown(connection, sample, profile) if profile.is_text else {}
    found = Label(profile.name, chosen, alias, step, expression, why, bad, unknown=unknown)
    if chosen == "classification":
        sql, rows = _class_sql(profile, alias, expression), sum(values.values())
        found = replace(found, sql=sql, default=_most_frequent(values), classes=values, labelled=rows)
    else:
        found = _number(connection, sample, profile, found)
    if found.labelled < LEAST_LABELS:
        why = f"{found.labelled} of {profile.rows:,} rows looked at have one, {LEAST_LABELS} are needed to learn"
        raise DataError(f"the label {profile.name!r} is known in too few rows", why,
                        "give more rows a label, or name another column with --label")  # fmt: skip
    return found


def _unknown(connection: duckdb.DuckDBPyConnection, sample: Sample, profile: Profile) -> dict[str, int]:
    """The words that are read as "not known", as they are written, and their rows."""
    listed = ", ".join(literal(word) for word in readings.LABEL_MISSING)
    rows = connection.execute(
        f"SELECT v, count(*) FROM (SELECT trim({identifier(profile.name)}) AS v"
        f" FROM read_parquet({literal(str(sample.file))})) WHERE lower(v) IN ({listed}) GROUP BY v ORDER BY 2 DESC, 1"
    ).fetchall()
    return dict(rows)


def _text_steps(profile: Profile, alias: str) -> tuple[str, str, bool]:
    """The first two steps of a label that comes as text, and whether it is a number."""
    column = quoted(profile.name)
    listed = ", ".join(literal(word) for word in ("", *readings.LABEL_MISSING))
    step = f"CASE WHEN lower(trim({column})) NOT IN ({listed}) THEN trim({column}) END"
    known = {v: n for v, n in profile.values.items() if v.lower() not in readings.LABEL_MISSING}
    reading = readings.read(known, profile.delimiter) if known else readings.TEXT
    if reading.kind == "date" or reading.kind == "json":
        raise ConfigError(f"the label {profile.name!r} is a {reading.words}", "a label is a number or a class",
                          "name another column with --label, or derive a number from it first")  # fmt: skip
    if reading.kind == "number":
        return step, reading.of(alias), True
    return step, alias, False


def _class_sql(profile: Profile, alias: str, expression: str) -> str:
    if profile.is_text:
        return alias
    if profile.type in ("real", "double") or profile.type.startswith("decimal"):
        return f"CAST(CAST({expression} AS BIGINT) AS VARCHAR)" if profile.whole else f"CAST({expression} AS VARCHAR)"
    return f"CAST({alias} AS VARCHAR)"


def _values(
    connection: duckdb.DuckDBPyConnection, sample: Sample, profile: Profile, numeric: bool, expression: str
) -> dict[str, int]:
    """The known values and their rows, up to a thousand of them, the most frequent first."""
    column = identifier(profile.name)
    if profile.is_text:
        listed = ", ".join(literal(word) for word in ("", *readings.LABEL_MISSING))
        value = f"CASE WHEN lower(trim({column})) NOT IN ({listed}) THEN trim({column}) END"
    elif profile.type in ("real", "double") or profile.type.startswith("decimal"):
        value = f"CASE WHEN isfinite({column}::DOUBLE) THEN {column}::DOUBLE END"
        value = f"CAST(CAST({value} AS BIGINT) AS VARCHAR)" if profile.whole else f"CAST({value} AS VARCHAR)"
    else:
        value = f"CAST({column} AS VARCHAR)"
    rows = connection.execute(
        f"SELECT v, count(*) FROM (SELECT {value} AS v FROM read_parquet({literal(str(sample.file))}))"
        " WHERE v IS NOT NULL GROUP BY v ORDER BY count(*) DESC, v LIMIT 1000"
    ).fetchall()
    return dict(rows)


def _task(profile: Profile, values: Mapping[str, int], numeric: bool, asked: str | None) -> tuple[Task, str]:
    if asked == "classification":
        return "classification", "asked for with --task"
    if asked == "regression":
        return "regression", "asked for with --task"
    if not numeric:
        return "classification", "the label is text" if profile.is_text else "the label is true or false"
    if len(values) == 2:
        return "classification", f"the label has two values ({', '.join(values)}); --task regression overrides"
    whole = all(re.fullmatch(r"\d{1,2}", v) for v in values)
    if whole and 3 <= len(values) <= _COUNTED and set(values) == {str(i) for i in range(len(values))}:
        total = sum(values.values())
        evenness = -sum(n / total * math.log(n / total) for n in values.values()) / math.log(len(values))
        if evenness >= 0.8 and total >= 10 * len(values):
            why = f"the label counts {len(values)} classes from 0; --task regression overrides"
            return "classification", why
    few = "; --task classification overrides" if len(values) <= 20 and is_low(profile) else ""
    return "regression", f"the label is a number{few}"


def _check(profile: Profile, values: Mapping[str, int], task: Task, numeric: bool) -> None:
    what = f"the label {profile.name!r}"
    if not values:
        raise DataError(f"{what} is empty", f"none of {profile.rows:,} rows looked at has one",
                        "name another column with --label")  # fmt: skip
    if len(values) == 1:
        only = comment(next(iter(values)), 40)
        raise DataError(f"{what} has one value", f"it is {only} wherever it is known, so there is nothing to learn",
                        "name another column with --label")  # fmt: skip
    if task == "regression" and not numeric:
        shown = comment(", ".join(list(values)[:3]), 60)
        raise ConfigError(f"{what} is no number", f"its values are such as {shown}", "--task classification")
    if task == "classification" and len(values) > _MOST_CLASSES:
        count = f"{len(values):,}" if len(values) < 1000 else "1,000 or more"
        fix = "--task regression" if numeric else "name another column with --label, or group its values first"
        shown = comment(", ".join(list(values)[:2]), 60)
        text = "" if numeric else f"; they are taken for words since they do not read as numbers, such as {shown}"
        raise DataError(
            f"{what} has too many classes", f"{count} different values, {_MOST_CLASSES} are the most{text}", fix
        )


def _most_frequent(values: Mapping[str, int]) -> str:
    return next(iter(values))


def _number(connection: duckdb.DuckDBPyConnection, sample: Sample, profile: Profile, label: Label) -> Label:
    """Default, bounds and tolerance of a number, from its distribution in the sample."""
    sql = _as_duckdb(profile)
    count, low, high, quarter, median, three_quarters, spread = connection.execute(
        "SELECT count(v), min(v), max(v), quantile_cont(v, 0.25), median(v), quantile_cont(v, 0.75), stddev_pop(v)"
        f" FROM (SELECT {sql} AS v FROM read_parquet({literal(str(sample.file))})) WHERE isfinite(v)"
    ).fetchall()[0]
    robust = (three_quarters - quarter) / 1.349 or spread
    margin = (high - low) / 2
    lower = 0.0 if low >= 0 and low - margin <= 0 else _outward(low - margin, margin, down=True)
    return replace(
        label, default=_round(median, 4), lower=lower, upper=_outward(high + margin, margin, down=False),
        tolerance=one_two_five(0.4 * robust), labelled=count,
    )  # fmt: skip


def _as_duckdb(profile: Profile) -> str:
    """The label as DuckDB's number, for statistics alone."""
    column = identifier(profile.name)
    if not profile.is_text:
        return f"CAST({column} AS DOUBLE)"
    known = {v: n for v, n in profile.values.items() if v.lower() not in readings.LABEL_MISSING}
    return readings.read(known, profile.delimiter).of(f"trim({column})")


def _outward(value: float, scale: float, down: bool) -> float:
    """A bound rounded away from the data, to a tenth of the scale's power of ten."""
    step = 10 ** (math.floor(math.log10(scale)) - 1) if scale > 0 else 1.0
    rounded = (math.floor if down else math.ceil)(value / step) * step
    return _round(rounded, 12)


def _round(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def one_two_five(value: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return _round(min((1, 2, 5, 10), key=lambda m: abs(math.log(m * power / value))) * power, 6)
