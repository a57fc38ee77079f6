"""People and what of them stays legible: degrees, jobs, ranks and pay as numbers, before they become text.

A core age, never shown, drives everything here; see `truth` for how the age that is shown follows from what can
be read. Arrays hold one entry per row unless they are named `*_row` (which row an entry of a flat list belongs
to) or belong to `Degrees` and `Jobs`. Months count from January 1900.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

# The day that the profiles are as of: the last of 2026Q3.
REFERENCE_YEAR = 2026
REFERENCE_MONTH = (REFERENCE_YEAR - 1900) * 12 + 8
OLDEST_MONTH = 50 * 12
LAST_MONTH = 161 * 12 - 1
MOST_JOBS = 12


class Draws:
    """Random numbers of one chunk: a stream per name, so that a shorter chunk is a prefix of a longer one."""

    def __init__(self, seed: int, chunk: int) -> None:
        self._key = (seed, chunk)

    def stream(self, name: str) -> np.random.Generator:
        return np.random.Generator(np.random.SFC64([*self._key, zlib.crc32(name.encode())]))

    def uniform(self, name: str, n: int) -> Singles:
        """In [0, 1), single precision."""
        return self.stream(name).random(n, dtype=np.float32)

    def normal(self, name: str, n: int) -> Singles:
        return self.stream(name).standard_normal(n, dtype=np.float32)

    def below(self, name: str, n: int, size: int | Ints) -> Ints:
        """Whole numbers from 0 to size - 1."""
        return (self.uniform(name, n) * size).astype(np.int32)

    def chance(self, name: str, n: int, share: float | Singles) -> Bools:
        return self.uniform(name, n) < share


@dataclass(frozen=True)
class Dates:
    """Dates as they will be written: `month`, whether it is `legible`, and how it is written (`DateStyle`)."""

    month: Ints
    style: Ints

    @property
    def legible(self) -> Bools:
        return self.style <= DAY


# How a date is written. Only the first two can be read as a month; YEAR gives a year.
MONTH, DAY, YEAR, JUNK, NULL = range(5)


@dataclass(frozen=True)
class Degrees:
    """Entries of the education arrays, row by row, the highest degree first."""

    row: Ints
    count: Ints
    level: Ints
    end: Dates


@dataclass(frozen=True)
class Jobs:
    """Entries of the work experience arrays, row by row, the latest job first."""

    row: Ints
    count: Ints
    seniority: Ints
    start: Dates
    end: Dates


@dataclass(frozen=True)
class People:
    """A chunk of people, before dirt."""

    core_age: Singles
    education: Ints
    level: Ints
    seniority: Ints
    pay: Ints
    connections: Ints
    skills: Ints
    tenure_months: Ints


@dataclass(frozen=True)
class Visible:
    """What a careful reader gets from a row's cells. Floats are NaN and indices -1 where nothing is legible."""

    years_since_degree: Floats
    first_degree: Ints
    top_degree: Ints
    years_since_first_job: Floats
    jobs: Floats
    tenure: Floats
    level: Ints
    seniority: Ints
    pay: Ints
    connections: Floats
    skills: Floats
    years_since_update: Floats
    industry: Ints
    function: Ints
    has_personal_email: Bools
    has_facebook: Bools
    has_twitter: Bools
    linkedin_valid: Bools


# Shares of education levels, and the typical age at which each is reached (`words.EDUCATION_LEVELS`).
_EDUCATION_SHARES = np.array([0.05, 0.14, 0.11, 0.42, 0.23, 0.05])
_AGE_AT_DEGREE = np.array([25.0, 18.4, 21.0, 22.7, 25.9, 30.2], dtype=np.float32)
# The degree that usually precedes one; -1: none is listed.
_DEGREE_BEFORE = np.array([-1, -1, 1, 1, 3, 4], dtype=np.int32)


def people(draws: Draws, n: int) -> People:
    """Draws n people; ranks, pay and contacts grow with the core age, with much scatter."""
    mix = 0.58 * draws.uniform("age a", n) + 0.42 * draws.uniform("age b", n)
    age = (19.5 + 49.0 * mix**1.25).astype(np.float32)
    education = np.searchsorted(np.cumsum(_EDUCATION_SHARES), draws.uniform("education", n)).astype(np.int32)
    education = np.minimum(education, 5)
    score = (age - 26.0) / 8.5 + 0.3 * (education - 2) + draws.normal("rank", n)
    level = np.clip(np.floor(score), 0, 5).astype(np.int32)
    # Titles mostly say the level (0 and 1 are "Junior" to "Senior"), with slack of one step.
    rung = np.array([0, 2, 4, 5, 6, 7], dtype=np.int32)[level]
    seniority = np.clip(rung + draws.below("title slack", n, 3) - 1, 0, 7).astype(np.int32)
    pay = np.clip(np.floor(2.6 + 0.95 * score + 1.5 * draws.normal("pay", n)), 0, 10).astype(np.int32)
    contacts = np.exp(4.6 + 0.16 * score + 1.35 * draws.normal("contacts", n))
    listed = draws.uniform("skills", n) ** 1.3 * (18 + 36 * draws.uniform("skills b", n))
    tenure = (12 * np.maximum(age - 19.0, 0.3) * draws.uniform("tenure", n) ** 2.6).astype(np.int32)
    return People(
        age, education, level, seniority, pay, np.minimum(contacts, 30_000).astype(np.int32),
        listed.astype(np.int32), tenure,
    )  # fmt: skip


def degrees(draws: Draws, who: People) -> Degrees:
    """Up to three degrees a person; one in five studied late, by six years on average."""
    n = len(who.core_age)
    born = REFERENCE_MONTH - 12.0 * who.core_age
    late = draws.chance("late student", n, 0.2)
    delay = 0.9 * draws.normal("study", n) - 6.0 * late * np.log1p(-draws.uniform("late by", n))
    levels, ends = [], []
    level, listed = who.education, np.ones(n, dtype=bool)
    for slot, share in enumerate((1.0, 0.65, 0.65)):
        listed = listed & (level >= 0) & draws.chance(f"lists degree {slot}", n, share)
        at = _AGE_AT_DEGREE[level] + delay + 0.4 * draws.normal(f"degree {slot}", n)
        # A certificate comes at any time of life.
        anytime = 19.0 + (who.core_age - 19.0) * draws.uniform(f"certificate {slot}", n)
        levels.append(np.where(listed, level, -1))
        ends.append(born + 12.0 * np.where(level == 0, anytime, at))
        level = np.where(level >= 0, _DEGREE_BEFORE[level], -1)
    table = np.stack(levels, axis=1)
    keep = table >= 0
    count = keep.sum(axis=1).astype(np.int32)
    month = np.clip(np.stack(ends, axis=1)[keep], OLDEST_MONTH, REFERENCE_MONTH + 70).astype(np.int32)
    row = np.repeat(np.arange(n, dtype=np.int32), count)
    style = _styles(draws.uniform("degree style", len(row)), (0.58, 0.83, 0.88, 0.90))
    shown = np.where(draws.chance("no degree name", len(row), 0.04), -1, table[keep]).astype(np.int32)
    return Degrees(row, count, shown, Dates(month, style))


def jobs(draws: Draws, who: People) -> Jobs:
    """Careers with gaps and overlaps; some begin late, some list only their later jobs."""
    n = len(who.core_age)
    begin = np.array([22.0, 19.2, 20.6, 22.6, 24.2, 27.4])[who.education] + 0.8 * draws.normal("first job", n)
    begin += np.where(draws.chance("late start", n, 0.14), 9.0 * draws.uniform("late start by", n) ** 2, 0.0)
    span = who.core_age - begin
    span *= np.where(draws.chance("short list", n, 0.08), draws.uniform("short list to", n), 1.0)
    mean = np.clip(span / 3.6, 0.0, 6.5)
    count = 1 + draws.stream("jobs").poisson(mean)
    count = np.where((span < 0.2) | draws.chance("no jobs", n, 0.04), 0, np.minimum(count, MOST_JOBS)).astype(np.int32)
    row = np.repeat(np.arange(n, dtype=np.int32), count)
    first = np.cumsum(count) - count
    place = np.arange(len(row), dtype=np.int32) - first[row]
    # Shares of the span in order of time: each job's weight over the row's sum of weights.
    weight = 0.2 + draws.uniform("job length", len(row)).astype(np.float64)
    edges = np.concatenate([[0.0], np.cumsum(weight)])
    total = (edges[first + count] - edges[first])[row]
    share = (edges[:-1] - edges[first][row]) / total
    months = 12.0 * span[row]
    start = (REFERENCE_MONTH - months * (1.0 - share)).astype(np.int32)
    gap = 7.0 * (draws.uniform("gap", len(row)) - 0.5)
    gap += np.where(draws.chance("long gap", len(row), 0.1), 22.0 * draws.uniform("long gap by", len(row)), 0.0)
    end = (REFERENCE_MONTH - months * (1.0 - share - weight / total) - gap).astype(np.int32)
    last = place == count[row] - 1
    current = last & draws.chance("current", len(row), 0.84)
    rank = who.seniority[row] * (place + 1) / count[row] - draws.uniform("lower rank", len(row))
    order = (first + count)[row] - 1 - place
    start_style = _styles(draws.uniform("job start style", len(row)), (0.5, 0.95, 0.95, 0.968))
    end_style = _styles(draws.uniform("job end style", len(row)), (0.5, 0.95, 0.95, 0.965))
    return Jobs(
        row,
        count,
        np.where(last, who.seniority[row], np.maximum(np.ceil(rank), 0)).astype(np.int32)[order],
        Dates(start[order], start_style),
        Dates(np.clip(end, start, REFERENCE_MONTH).astype(np.int32)[order], np.where(current[order], NULL, end_style)),
    )


def _styles(uniform: Singles, edges: tuple[float, float, float, float]) -> Ints:
    """Date styles by cumulative shares of MONTH, DAY, YEAR, JUNK; the rest is NULL."""
    return np.searchsorted(np.array(edges, dtype=np.float32), uniform, side="right").astype(np.int32)


def first_job_years(listed: Jobs, readable: Bools) -> Floats:
    """Years since the earliest legible start of a job; NaN where there is none."""
    month = np.where(listed.start.legible, listed.start.month, LAST_MONTH)
    earliest = _row_minimum(month, listed.count, LAST_MONTH)
    known = readable & (earliest < LAST_MONTH)
    return np.where(known, (REFERENCE_MONTH - earliest) / 12.0, np.nan)


def first_degree(listed: Degrees, readable: Bools) -> tuple[Floats, Ints, Ints]:
    """Calendar years since the first legible degree, its level (0 where unnamed), and the highest level (-1: none)."""
    level = np.maximum(listed.level, 0)
    year = 1900 + listed.end.month // 12
    legible = (listed.end.style <= YEAR) & (year <= REFERENCE_YEAR + 6)
    nothing = 10 * 9999
    first = _row_minimum(np.where(legible, 10 * year + level, nothing).astype(np.int32), listed.count, nothing)
    top = -_row_minimum(-level, listed.count, 1)
    known = readable & (first < nothing)
    since = np.where(known, REFERENCE_YEAR - first // 10, np.nan)
    return since, np.where(known, first % 10, 0).astype(np.int32), np.where(readable, top, -1).astype(np.int32)


def _row_minimum(values: Ints, count: Ints, empty: int) -> Ints:
    """The minimum of each row's entries; `empty` for rows without any."""
    lowest = np.full(len(count), empty, dtype=np.int32)
    filled = count > 0
    if len(values):
        lowest[filled] = np.minimum.reduceat(values, (np.cumsum(count) - count)[filled])
    return lowest
