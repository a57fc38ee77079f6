"""From numbers to the text of the columns: JSON arrays, dates, addresses, links, ids.

Text is never formatted row by row: pieces are taken from tables that were joined once (a company with its braces
and keys, a date with its quotes), and Arrow's kernels concatenate them. The few rows with malformed JSON are
spoilt one at a time, afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from agecli.synth import words
from agecli.synth.careers import DAY, JUNK, LAST_MONTH, MONTH, YEAR, Bools, Dates, Degrees, Draws, Ints, Jobs

_MONTHS = LAST_MONTH + 1
_FIRST_DAY, _FIRST_YEAR, _FIRST_JUNK = _MONTHS, _MONTHS * 29, _MONTHS * 29 + 161

# What malformed JSON looks like, and the share of rows of each JSON column that does.
MALFORMED: dict[str, float] = {
    "truncated": 0.008,
    "not_json": 0.005,
    "trailing_comma": 0.004,
    "null_text": 0.003,
    "empty_text": 0.002,
}
_NOT_JSON = ("not json", "N/A", "None", "[object Object]", "{'school': 'n/a'}", "[{]", "<p>see résumé</p>", '"')


def pick(texts: pa.StringArray | Sequence[str], index: Ints, missing: Bools | None = None) -> pa.StringArray:
    """The texts at an index; null where missing."""
    table = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())
    return table.take(pa.array(index, mask=missing))


def category(texts: pa.StringArray | Sequence[str], index: Ints, missing: Bools | None = None) -> pa.DictionaryArray:
    """As `pick`, for columns of few different texts; written and read as plain text."""
    table = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(index, mask=missing), table)


def join(*pieces: pa.StringArray | str) -> pa.StringArray:
    """Concatenates row by row; null where any piece is."""
    return pc.binary_join_element_wise(*pieces, "")


def around(before: str, text: pa.StringArray, after: str) -> pa.StringArray:
    """The same text before and after each."""
    return join(pa.repeat(before, len(text)), text, after)


@lru_cache(maxsize=4)
def _dates(before: str, quote: str, after: str, junk: tuple[str, ...]) -> pa.StringArray:
    """Every way a date is written, at the index that `date_index` gives; the last one is JSON's null."""
    months = [f"{1900 + m // 12}-{m % 12 + 1:02d}" for m in range(_MONTHS)]
    days = [f"{month}-{day:02d}" for month in months for day in range(1, 29)]
    years = [str(1900 + y) for y in range(161)]
    quoted = [f"{before}{quote}{text}{quote}{after}" for text in [*months, *days, *years, *junk]]
    return pa.array([*quoted, f"{before}null{after}"], pa.string())


def date_index(dates: Dates, draws: Draws, name: str, junk: int) -> Ints:
    """Where each date stands in `_dates` with `junk` junk texts."""
    free = draws.uniform(f"{name} day", len(dates.month))
    day = _FIRST_DAY + dates.month * 28 + (free * 28).astype(np.int32)
    year = _FIRST_YEAR + dates.month // 12
    other = _FIRST_JUNK + (free * junk).astype(np.int32)
    null = np.int32(_FIRST_JUNK + junk)
    return np.select(
        [dates.style == MONTH, dates.style == DAY, dates.style == YEAR, dates.style == JUNK],
        [dates.month, day, year, other],
        null,
    ).astype(np.int32)


def date_column(dates: Dates, draws: Draws, name: str) -> pa.StringArray:
    """A date as a column of its own: here days that are in no calendar are among the junk."""
    index = date_index(dates, draws, name, len(words.JUNK_DAYS))
    return pick(_dates("", "", "", words.JUNK_DAYS), index, dates.style > JUNK)


def work_experience(draws: Draws, jobs: Jobs) -> pa.StringArray:
    """JSON arrays of company, title, start_date, end_date (null: current)."""
    n, junk = len(jobs.row), words.JUNK_DATES
    head, ending = _company_heads(), _company_endings()
    titles = words.titles()
    title = titles.first[jobs.seniority] + draws.below("job titles", n, titles.size[jobs.seniority])
    entries = join(
        pick(head, draws.below("companies", n, len(head))),
        pick(ending, draws.below("company endings", n, len(ending))),
        pick(titles.texts, title),
        pick(_teams_in_json(), draws.below("teams", n, len(_teams_in_json()))),
        pick(_dates("", '"', "", junk), date_index(jobs.start, draws, "start", len(junk))),
        pick(_dates(',"end_date":', '"', "}", junk), date_index(jobs.end, draws, "end", len(junk))),
    )
    return _arrays(entries, jobs.count)


@lru_cache(maxsize=1)
def _company_heads() -> pa.StringArray:
    return around('{"company":"', words.company_heads(), " ")


@lru_cache(maxsize=1)
def _company_endings() -> pa.StringArray:
    return around("", words.company_endings(), '","title":"')


@lru_cache(maxsize=1)
def _teams_in_json() -> pa.StringArray:
    return around("", words.teams(), '","start_date":')


def education(draws: Draws, degrees: Degrees) -> pa.StringArray:
    """JSON arrays of school, degree (null where its level is -1), end_date."""
    n, junk = len(degrees.row), words.JUNK_DATES
    school = _schools_in_json()
    table = words.degrees()
    degree = table.first[degrees.level] + draws.below("degrees", n, table.size[degrees.level])
    entries = join(
        pick(school, draws.below("schools", n, len(school))),
        pick(_degrees_in_json(), np.where(degrees.level < 0, len(table.texts), degree).astype(np.int32)),
        pick(_dates(',"end_date":', '"', "}", junk), date_index(degrees.end, draws, "graduation", len(junk))),
    )
    return _arrays(entries, degrees.count)


@lru_cache(maxsize=1)
def _schools_in_json() -> pa.StringArray:
    named = around('{"school":"', words.schools(), '","degree":')
    return pa.concat_arrays([named, pa.array(['{"school":null,"degree":', '{"degree":'] * 200)])


@lru_cache(maxsize=1)
def _degrees_in_json() -> pa.StringArray:
    return pa.concat_arrays([around('"', words.degrees().texts, '"'), pa.array(["null"])])


def skills(draws: Draws, count: Ints) -> pa.StringArray:
    """JSON arrays of skills; one in some hundreds is null or a number."""
    table = pa.concat_arrays([words.skills(), pa.array(["null", "42", '""'])])
    return _arrays(pick(table, draws.below("skill names", int(count.sum()), len(table))), count)


def _arrays(entries: pa.StringArray, count: Ints) -> pa.StringArray:
    """JSON arrays of the entries, `count` of them a row."""
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), entries)
    return around("[", pc.binary_join(lists, ","), "]")


def spoil(draws: Draws, name: str, text: pa.StringArray) -> tuple[pa.StringArray, Ints]:
    """Malformed JSON in place of some rows. Also gives each row's kind: 0 well formed, else 1 + its place in
    `MALFORMED`; null rows stay null and well formed."""
    edges = np.cumsum(list(MALFORMED.values()))
    kind = np.searchsorted(edges, draws.uniform(f"{name} malformed", len(text)), side="right").astype(np.int32)
    kind = np.where((kind < len(edges)) & text.is_valid().to_numpy(zero_copy_only=False), kind + 1, 0).astype(np.int32)
    where = np.flatnonzero(kind)
    cut = draws.uniform(f"{name} cut", len(text))
    spoilt = [_spoilt(text[i].as_py(), int(kind[i]) - 1, float(cut[i])) for i in where.tolist()]
    replaced = pc.replace_with_mask(text, pa.array(kind > 0), pa.array(spoilt, pa.string()))
    return replaced, kind


def _spoilt(text: str, kind: int, cut: float) -> str:
    return (
        text[: max(1, int(len(text) * cut))] if len(text) > 2 else "[",
        _NOT_JSON[int(cut * len(_NOT_JSON))],
        text[:-1] + ",]",
        "null",
        "",
    )[kind]


def ids(seed: int, first: int, n: int) -> pa.StringArray:
    """32 hexadecimal digits per row: two mixings of the row number, each of which maps no two to the same."""
    keys = np.random.SeedSequence([seed]).generate_state(4, np.uint64)
    rows = np.arange(first, first + n, dtype=np.uint64)
    halves = np.stack([_mix(rows ^ keys[0]) ^ keys[1], _mix(rows ^ keys[2]) ^ keys[3]], axis=1)
    digits = _HEX[np.ascontiguousarray(halves.astype(">u8")).view(np.uint8)]
    offsets = np.arange(0, 32 * n + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(digits))


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser: every step can be undone."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


_HEX: npt.NDArray[np.uint16] = np.frombuffer("".join(f"{i:02x}" for i in range(256)).encode(), dtype=np.uint16)


@lru_cache(maxsize=1)
def numbers() -> pa.StringArray:
    """The texts of 0 to 99,999."""
    return pa.array(np.arange(100_000)).cast(pa.string())


def addresses(draws: Draws, n: int, shares: dict[str, float]) -> dict[str, pa.StringArray]:
    """Links and e-mail addresses of one person each, in the shares given; all at reserved example domains."""
    first = draws.below("first name", n, len(words.FIRST_NAMES))
    names = words.last_names()
    last = draws.below("last name", n, len(names))
    number = draws.below("number", n, 100_000)
    gone = {name: ~draws.chance(f"has {name}", n, share) for name, share in shares.items()}
    domain = words.domains()
    return {
        "facebook_url": join(
            pick(_names("https://facebook.example.com/", "."), first, gone["facebook_url"]),
            pick(names, last),
            ".",
            pick(numbers(), number),
        ),
        "twitter_url": join(
            pick(_names("https://twitter.example.com/", "_"), first, gone["twitter_url"]),
            pick(names, last),
            pick(numbers(), draws.below("handle", n, 100_000)),
        ),
        "work_email": join(
            pick(_names("", "."), first, gone["work_email"]),
            pick(names, last),
            "@",
            pick(domain, draws.below("domain", n, len(domain))),
        ),
        "personal_email": join(
            pick(_names("", ""), first, gone["personal_email"]),
            pick(names, last),
            pick(numbers(), number // 11),
            "@",
            pick(words.MAIL_DOMAINS, draws.below("mail", n, len(words.MAIL_DOMAINS))),
        ),
    }


@lru_cache(maxsize=4)
def _names(before: str, after: str) -> pa.StringArray:
    return pa.array([f"{before}{name}{after}" for name in words.FIRST_NAMES])
