"""One chunk of profiles: facts, dirt, text, and the age that follows from what stayed legible.

A chunk depends on (seed, its number) alone, and its first rows do not depend on how many are asked for, so row i
is the same in every data set of that seed, whatever its size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from agecli.synth import careers, columns, words
from agecli.synth.careers import JUNK, NULL, REFERENCE_MONTH, REFERENCE_YEAR, Bools, Dates, Draws, Ints
from agecli.synth.truth import Floats, Reading, reading

CHUNK_ROWS = 25_000

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "job_title", "job_level", "job_function", "company_size_range")]
    + [(name, pa.string()) for name in ("company_revenue_range", "industry", "compensation_range")]
    + [("linkedin_connection_count", pa.string()), ("linkedin_url_is_valid", pa.bool_())]
    + [(name, pa.string()) for name in ("facebook_url", "twitter_url", "work_email", "personal_email")]
    + [(name, pa.string()) for name in ("job_start_date", "profile_updated_date")]
    + [(name, pa.string()) for name in ("education", "work_experience", "skills")]
    + [("birth_year", pa.int32()), ("approximate_age", pa.int32())]
)

# Shares of rows in which a cell is missing.
MISSING: dict[str, float] = {
    "job_title": 0.05,
    "job_level": 0.12,
    "job_function": 0.10,
    "company_size_range": 0.11,
    "company_revenue_range": 0.17,
    "industry": 0.07,
    "compensation_range": 0.22,
    "linkedin_connection_count": 0.06,
    "linkedin_url_is_valid": 0.09,
    "education": 0.17,
    "work_experience": 0.09,
    "skills": 0.15,
}
PRESENT: dict[str, float] = {"facebook_url": 0.46, "twitter_url": 0.33, "work_email": 0.66, "personal_email": 0.54}
BIRTH_YEAR_SHARE, APPROXIMATE_AGE_SHARE, BOTH_SHARE = 0.25, 0.125, 0.03
ABSURD_BIRTH_YEAR_SHARE = 0.006
_ABSURD_BIRTH_YEARS = np.array([0, 1, 1066, 1800, 1870, 1900, 2015, 2026, 2031, 9999], dtype=np.int32)
_ODD_CONNECTIONS = ("n/a", "unknown", "1,024", "-5", "500 +", "many")


@dataclass(frozen=True)
class Chunk:
    """`table` in `SCHEMA`'s columns; `seen` is what is legible there, `reading` and `age` are the generator's own;
    `labelled` marks the rows whose age can be had from birth_year or approximate_age; `tally` counts what the
    report states shares of."""

    table: pa.Table
    seen: careers.Visible
    reading: Reading
    age: Ints
    labelled: Bools
    tally: dict[str, float]


def chunk(seed: int, number: int, rows: int = CHUNK_ROWS) -> Chunk:
    """The first `rows` rows of a chunk."""
    draws = Draws(seed, number)
    gone = {name: draws.chance(f"no {name}", rows, share) for name, share in MISSING.items()}
    who = careers.people(draws, rows)
    studied, worked = careers.degrees(draws, who), careers.jobs(draws, who)
    arrays: dict[str, pa.Array] = {"id": columns.ids(seed, number * CHUNK_ROWS, rows)}
    arrays |= _categories(draws, who, gone)
    arrays |= columns.addresses(draws, rows, PRESENT)
    arrays["linkedin_connection_count"], contacts = _connections(draws, who.connections, gone)
    valid = draws.chance("linkedin", rows, 0.8)
    arrays["linkedin_url_is_valid"] = pa.array(valid, mask=gone["linkedin_url_is_valid"])
    begun, updated = _begun(draws, who.tenure_months), _updated(draws, rows)
    arrays["job_start_date"] = columns.date_column(begun, draws, "job_start_date")
    arrays["profile_updated_date"] = columns.date_column(updated, draws, "profile_updated_date")
    texts = {
        "education": columns.education(draws, studied),
        "work_experience": columns.work_experience(draws, worked),
        "skills": columns.skills(draws, who.skills),
    }
    kinds: dict[str, Ints] = {}
    for name, text in texts.items():
        kept = pc.if_else(pa.array(gone[name]), pa.scalar(None, pa.string()), text)
        arrays[name], kinds[name] = columns.spoil(draws, name, kept)
    legible = {name: ~gone[name] & (kind == 0) for name, kind in kinds.items()}
    since, level, top = careers.first_degree(studied, legible["education"])
    seen = careers.Visible(
        years_since_degree=since,
        first_degree=level,
        top_degree=top,
        years_since_first_job=careers.first_job_years(worked, legible["work_experience"]),
        jobs=np.where(legible["work_experience"], worked.count, np.nan),
        tenure=_years(begun),
        level=np.where(gone["job_level"], -1, who.level),
        seniority=np.where(gone["job_title"], -1, who.seniority),
        pay=np.where(gone["compensation_range"], -1, who.pay),
        connections=contacts,
        skills=np.where(legible["skills"], who.skills, np.nan),
        years_since_update=_years(updated),
        industry=_codes(arrays["industry"]),
        function=_codes(arrays["job_function"]),
        has_personal_email=_present(arrays["personal_email"]),
        has_facebook=_present(arrays["facebook_url"]),
        has_twitter=_present(arrays["twitter_url"]),
        linkedin_valid=valid & ~gone["linkedin_url_is_valid"],
    )
    guess = reading(seen)
    age = guess.draw(draws.stream("noise").random(rows).clip(1e-12, 1 - 1e-12))
    labels, labelled = _labels(draws, age)
    table = pa.table({**arrays, **labels}).select(SCHEMA.names)
    dates = {
        "job_start_date": begun,
        "profile_updated_date": updated,
        "end_date of degrees": studied.end,
        "start_date of jobs": worked.start,
    }
    tally = _tally(table, kinds, guess, labelled, dates)
    return Chunk(table.cast(SCHEMA), seen, guess, age, labelled, tally)


def _categories(draws: Draws, who: careers.People, gone: dict[str, Bools]) -> dict[str, pa.Array]:
    n = len(who.level)
    titles = words.titles()
    title = titles.first[who.seniority] + draws.below("title", n, titles.size[who.seniority])
    size = draws.below("size", n, len(words.COMPANY_SIZES))
    revenue = np.clip(size + draws.below("revenue", n, 5) - 2, 0, len(words.COMPANY_REVENUES) - 1).astype(np.int32)
    found: dict[str, tuple[pa.StringArray | tuple[str, ...], Ints]] = {
        "job_title": (titles.texts, title),
        "job_level": (words.JOB_LEVELS, who.level),
        "job_function": (words.JOB_FUNCTIONS, draws.below("function", n, len(words.JOB_FUNCTIONS))),
        "company_size_range": (words.COMPANY_SIZES, size),
        "company_revenue_range": (words.COMPANY_REVENUES, revenue),
        "industry": (words.INDUSTRIES, draws.below("industry", n, len(words.INDUSTRIES))),
        "compensation_range": (words.COMPENSATIONS, who.pay),
    }
    return {name: columns.category(texts, index, gone[name]) for name, (texts, index) in found.items()}


def _connections(draws: Draws, contacts: Ints, gone: dict[str, Bools]) -> tuple[pa.StringArray, Floats]:
    """The column (`500+` from 501 on, rarely junk), and what can be read from it."""
    n = len(contacts)
    table = pa.concat_arrays([columns.numbers().slice(0, 501), pa.array(["500+", *_ODD_CONNECTIONS])])
    odd = draws.chance("odd connections", n, 0.012)
    index = np.where(odd, 502 + draws.below("which odd", n, len(_ODD_CONNECTIONS)), np.minimum(contacts, 501))
    missing = gone["linkedin_connection_count"]
    return (
        columns.category(table, index.astype(np.int32), missing),
        np.where(odd | missing, np.nan, np.minimum(contacts, 500)),
    )


def _begun(draws: Draws, tenure_months: Ints) -> Dates:
    """job_start_date: half months, half days, some junk, some missing."""
    edges = np.array([0.45, 0.91, 0.91, 0.935], dtype=np.float32)
    style = np.searchsorted(edges, draws.uniform("begun style", len(tenure_months)), side="right")
    return Dates(REFERENCE_MONTH - 1 - tenure_months, style.astype(np.int32))


def _updated(draws: Draws, n: int) -> Dates:
    """profile_updated_date: mostly days, within some eight years."""
    ago = np.minimum(-18.0 * np.log1p(-draws.uniform("updated", n)), 100).astype(np.int32)
    edges = np.array([0.06, 0.95, 0.95, 0.97], dtype=np.float32)
    style = np.searchsorted(edges, draws.uniform("updated style", n), side="right")
    return Dates(REFERENCE_MONTH - ago, style.astype(np.int32))


def _years(dates: Dates) -> Floats:
    return np.where(dates.legible, (REFERENCE_MONTH - dates.month) / 12.0, np.nan)


def _codes(column: pa.DictionaryArray) -> Ints:
    codes: Ints = column.indices.fill_null(-1).to_numpy().astype(np.int32)
    return codes


def _present(column: pa.Array) -> Bools:
    present: Bools = column.is_valid().to_numpy(zero_copy_only=False)
    return present


def _labels(draws: Draws, age: Ints) -> tuple[dict[str, pa.Array], Bools]:
    """birth_year and approximate_age, known by chance alone, and the rows whose label is the age itself."""
    n = len(age)
    lot = draws.uniform("known", n)
    born, approximate = (
        lot < BIRTH_YEAR_SHARE,
        (lot >= BIRTH_YEAR_SHARE) & (lot < BIRTH_YEAR_SHARE + APPROXIMATE_AGE_SHARE),
    )
    absurd = born & draws.chance("absurd", n, ABSURD_BIRTH_YEAR_SHARE)
    year = REFERENCE_YEAR - age
    year = np.where(absurd, _ABSURD_BIRTH_YEARS[draws.below("which absurd", n, len(_ABSURD_BIRTH_YEARS))], year)
    # Where both are known they may differ by a year; the birth year is the label then.
    both = lot < BOTH_SHARE
    estimate = age + both * (draws.below("estimate", n, 3) - 1)
    labels = {
        "birth_year": pa.array(year.astype(np.int32), mask=~born),
        "approximate_age": pa.array(estimate.astype(np.int32), mask=~(approximate | both)),
    }
    return labels, (born & ~absurd) | approximate


def _tally(
    table: pa.Table, kinds: dict[str, Ints], guess: Reading, labelled: Bools, dates: dict[str, Dates]
) -> dict[str, float]:
    """Counts that add up over chunks."""
    born = labelled & _present(table["birth_year"].combine_chunks())
    counts: dict[str, float] = {"rows": table.num_rows, "labelled": int(labelled.sum())}
    errors = Reading(guess.age[labelled], guess.scale[labelled]).expected_error()
    counts["expected_error"] = float(errors.sum())
    for name in table.column_names[1:]:
        counts[f"missing {name}"] = table[name].null_count
    for name, kind in kinds.items():
        text = table[name]
        counts[f"malformed {name}"] = int((kind > 0).sum())
        counts[f"escapes in {name}"] = pc.sum(pc.match_substring(text, "\\")).as_py() or 0
        counts[f"unicode in {name}"] = len(text) - text.null_count - (pc.sum(pc.string_is_ascii(text)).as_py() or 0)
    for place, kind_name in enumerate(columns.MALFORMED, start=1):
        counts[f"of {kind_name}"] = table.num_rows * len(kinds)
        counts[f"malformed: {kind_name}"] = sum(int((kind == place).sum()) for kind in kinds.values())
    for name, date in dates.items():
        counts[f"of {name}"] = len(date.style)
        counts[f"junk {name}"] = int((date.style == JUNK).sum())
        counts[f"missing {name}"] = int((date.style == NULL).sum())
    counts["absurd birth_year"] = table.num_rows - table["birth_year"].null_count - int(born.sum())
    connections = table["linkedin_connection_count"].cast(pa.string())
    counts["500+ linkedin_connection_count"] = pc.sum(pc.equal(connections, "500+")).as_py() or 0
    counts["junk linkedin_connection_count"] = pc.sum(pc.is_in(connections, pa.array(_ODD_CONNECTIONS))).as_py() or 0
    return counts
