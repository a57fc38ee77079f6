"""What a proposal says of one column: how it is read, what comes of it, or why it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FeatureKind = Literal["numeric", "categorical"]


@dataclass(frozen=True)
class Profile:
    """What the sample holds of one column.

    `type` is Athena's word. `filled` counts rows that are neither NULL nor blank, `distinct` their different
    values. `values` maps up to 3,000 trimmed texts to their rows (text columns), `objects` holds up to 2,000
    Python values (arrays and rows), `low` and `high` the extremes of numbers.
    """

    name: str
    type: str
    rows: int
    filled: int
    distinct: int
    values: Mapping[str, int] = field(default_factory=dict)
    objects: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    whole: bool = False
    mean_words: float = 0.0
    delimiter: str = ","

    @property
    def is_text(self) -> bool:
        return self.type == "varchar"

    @property
    def share_filled(self) -> float:
        return self.filled / max(1, self.rows)


@dataclass(frozen=True)
class Staged:
    """A column of staging.sql, `sql` being over the renamed columns of the source."""

    name: str
    sql: str
    about: str = ""


@dataclass(frozen=True)
class Feature:
    """A column of features.sql. `presence` says that it is 1 where the column is filled and 0 elsewhere.

    Features with the same `of` are parts of one value, a date or the numbers of an array: where one of them gives
    the label away, so do the others, less plainly.
    """

    name: str
    kind: FeatureKind
    sql: str
    column: str
    about: str = ""
    presence: bool = False
    of: str = ""


@dataclass(frozen=True)
class ColumnPlan:
    """`alias` and `renamed` make the first step of staging.sql; `left_out` is empty or says why."""

    column: str
    type: str | None
    seen: str
    alias: str = ""
    renamed: str = ""
    staged: tuple[Staged, ...] = ()
    bad: tuple[Staged, ...] = ()
    features: tuple[Feature, ...] = ()
    left_out: str = ""
    remark: str = ""
