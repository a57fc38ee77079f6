"""Decides what becomes of a column of numbers, dates, yes-or-no or text.

The rules, in this order (each one is written into the recipe beside the column):

* nothing in it, or one value everywhere: left out;
* a text is read as a number, a date, yes or no, or JSON where 98 % of its values are that (`readings`);
* an identifier is left out: a number or text that is different in nearly every row and whose name or shape
  says so (`customer_id`, a UUID, whole numbers that count the rows);
* few values against the rows (at most 10, or a tenth of the rows and 1,000): a category;
* a few frequent values among many rare ones: a category of the frequent ones, the rest being `(other)`;
* text of several words: does it hold each of the words that many rows share (a title, a form of address), how
  long is it; other text of many values: left out, whether it is filled stays where that differs between rows.
"""

from __future__ import annotations

import re
from collections import Counter

from agecli.scaffold import readings
from agecli.scaffold.names import Names, comment, literal, quoted
from agecli.scaffold.plans import ColumnPlan, Feature, Profile, Staged
from agecli.scaffold.profiling import is_numeric
from agecli.scaffold.readings import Reading

_NEAR_UNIQUE = 0.98
_MOST_CATEGORIES = 1_000
_FREQUENT = 40
_SHARED_WORDS = 12
_ID_NAME = re.compile(r"(^|_)(id|ids|uuid|guid|key|hash|index|idx|rownum|row_number|serial|ssn|phone|url|email)(_|$)")
_CODE_NAME = re.compile(r"(^|_)(id|code|zip|zipcode|postcode|postal_code|fips|plz)$")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\Z")


def plan(profile: Profile, taken: Names) -> ColumnPlan:
    """The plan of a column that is neither nested nor JSON; that of JSON says `left_out = "json"`."""
    left_out = ColumnPlan(profile.name, profile.type, seen(profile))
    if profile.filled == 0:
        return _out(left_out, "always empty")
    if profile.distinct == 1 and profile.share_filled > 0.999:
        return _out(left_out, "the same value in every row")
    if not profile.is_text:
        return _typed(profile, left_out, taken)
    reading = readings.read(profile.values, profile.delimiter)
    if reading.kind == "json":
        return _out(left_out, "json")
    if reading.kind == "text":
        return _words(profile, left_out, taken)
    if reading.kind == "number" and is_identifier(profile, _low_high(profile)):
        return _out(left_out, "an identifier: different in nearly every row")
    if reading.kind == "number" and _CODE_NAME.search(_word(profile.name)) and is_low(profile):
        return _words(profile, left_out, taken)
    return _read(profile, reading, left_out, taken)


def seen(profile: Profile) -> str:
    """What was seen, for a comment: `12 values, 20 % absent`.

    Values are shown only where a few come again and again: those of names and the like are people's own.
    """
    parts = []
    if profile.filled and profile.distinct <= 6 and profile.values and is_low(profile):
        parts.append(comment(", ".join(profile.values), 60))
    elif profile.values:
        parts.append(f"{profile.distinct:,} values")
    elif profile.low is not None and profile.high is not None:
        parts.append(f"{profile.low:.6g} to {profile.high:.6g}")
    absent = 1 - profile.share_filled
    if absent > 0:
        parts.append("always absent" if absent == 1 else f"{absent:.1%} absent" if absent >= 0.001 else "rarely absent")
    return ", ".join(parts)


def is_low(profile: Profile) -> bool:
    """Few enough values to be a category: most of them come several times."""
    few = profile.distinct <= 10 or profile.distinct <= min(_MOST_CATEGORIES, profile.filled / 10)
    return few and profile.filled >= 3 * profile.distinct


def is_identifier(profile: Profile, extremes: tuple[float, float] | None) -> bool:
    """Different in nearly every row, and an identifier by its name or because it counts the rows.

    A whole number that happens to be different everywhere (the population of a city) is none.
    """
    if profile.filled < 10 or profile.distinct < _NEAR_UNIQUE * profile.filled:
        return False
    if _ID_NAME.search(_word(profile.name)):
        return True
    if extremes is None:
        return False
    low, high = extremes
    counts_rows = high - low + 1 <= 1.2 * profile.filled
    same_length = len(f"{low:.0f}") == len(f"{high:.0f}") >= 8 and profile.filled >= 100
    return counts_rows or same_length


def _low_high(profile: Profile) -> tuple[float, float] | None:
    """The extremes of a text that holds whole numbers, by its sampled values; None for other numbers."""
    shown = [v for v in profile.values if v.lower() not in readings.MISSING]
    if not shown or not all(re.fullmatch(r"-?\d{1,18}", v) for v in shown):
        return None
    numbers = [int(v) for v in shown]
    low, high = min(numbers), max(numbers)
    # the values shown are a share of all: what counts the rows is as dense in them as in the whole
    return float(low), low + (high - low) * len(numbers) / max(1, profile.distinct)


def _word(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower())


def _out(empty: ColumnPlan, why: str) -> ColumnPlan:
    return ColumnPlan(empty.column, empty.type, empty.seen, left_out=why)


def blank_to_null(profile: Profile, missing: tuple[str, ...] = readings.MISSING) -> str:
    """The first step of every text: trimmed, and NULL where it is blank or says that nothing is known."""
    column = quoted(profile.name)
    tokens = sorted({v.lower() for v in profile.values if v.lower() in missing})
    if not tokens:
        return f"nullif(trim({column}), '')"
    listed = ", ".join(literal(token) for token in ("", *tokens))
    return f"CASE WHEN lower(trim({column})) NOT IN ({listed}) THEN trim({column}) END"


def _read(profile: Profile, reading: Reading, empty: ColumnPlan, taken: Names) -> ColumnPlan:
    """A text that is a number, a date, or yes or no."""
    alias = taken.take(profile.name)
    sql = reading.of(alias)
    staged = [Staged(alias, sql, _unless_plain(reading))]
    bad = Staged(taken.take_bad(alias), f"{alias} IS NOT NULL AND {sql} IS NULL")
    if reading.kind == "date":
        if reading.hour:
            staged.append(Staged(taken.take(f"{alias}_hour"), reading.hour.replace("{v}", alias)))
        features = dates(profile.name, alias, taken, _is_monthly(reading), staged[1].name if reading.hour else "")
    else:
        features = (Feature(alias, "numeric", alias, profile.name, _unless_plain(reading)),)
    return ColumnPlan(
        profile.name, profile.type, empty.seen, alias, blank_to_null(profile), tuple(staged), (bad,), features,
        remark=_unless_plain(reading),
    )  # fmt: skip


def _unless_plain(reading: Reading) -> str:
    """What is to be said of a reading: nothing where it is a plain number."""
    return "" if reading == readings.NUMBER else reading.words


def _is_monthly(reading: Reading) -> bool:
    return reading.words.startswith("month")


def dates(column: str, staged: str, taken: Names, monthly: bool = False, hour: str = "") -> tuple[Feature, ...]:
    """The features of a date: how long ago it is, and its place in the year and the week."""
    found = [
        Feature(
            taken.take(f"{staged}_days_ago"), "numeric",
            f"CAST(date_diff('day', {staged}, ${{as_of}}) AS DOUBLE)", column,
            "days before the period's last day", of=staged,
        ),
        Feature(taken.take(f"{staged}_month"), "numeric", f"CAST(month({staged}) AS DOUBLE)", column, of=staged),
    ]  # fmt: skip
    if not monthly:
        sql = f"CAST(day_of_week({staged}) AS DOUBLE)"
        found.append(Feature(taken.take(f"{staged}_weekday"), "numeric", sql, column, "1 = Monday", of=staged))
    if hour:
        found.append(Feature(hour, "numeric", hour, column, of=staged))
    return tuple(found)


def _typed(profile: Profile, empty: ColumnPlan, taken: Names) -> ColumnPlan:
    """A Parquet column that has a type."""
    column, kind = quoted(profile.name), profile.type
    extremes = (profile.low, profile.high) if profile.whole and profile.low is not None else None
    if is_numeric(kind) and is_identifier(profile, extremes if extremes and extremes[1] is not None else None):  # type: ignore[arg-type]
        return _out(empty, "an identifier: different in nearly every row")
    alias = taken.take(profile.name)
    if kind == "date" or kind.startswith("timestamp"):
        staged = [Staged(alias, alias if kind == "date" else f"CAST({alias} AS DATE)")]
        hour = ""
        if kind != "date":
            hour = taken.take(f"{alias}_hour")
            staged.append(Staged(hour, f"CAST(hour({alias}) AS DOUBLE)"))
        features = dates(profile.name, alias, taken, False, hour)
        return ColumnPlan(profile.name, kind, empty.seen, alias, column, tuple(staged), (), features)
    if kind == "boolean":
        sql = f"CASE WHEN {alias} THEN 1e0 WHEN NOT {alias} THEN 0e0 END"
    elif (
        _CODE_NAME.search(_word(profile.name))
        and profile.whole
        and is_low(profile)
        and kind in ("bigint", "integer", "smallint")
    ):
        feature = Feature(alias, "categorical", alias, profile.name, "a code: a category")
        sql = f"CAST({alias} AS VARCHAR)"
        return ColumnPlan(profile.name, kind, empty.seen, alias, column, (Staged(alias, sql),), (), (feature,))
    elif kind == "double":
        sql = alias
    else:
        sql = f"CAST({alias} AS DOUBLE)"
    feature = Feature(alias, "numeric", alias, profile.name)
    return ColumnPlan(profile.name, kind, empty.seen, alias, column, (Staged(alias, sql),), (), (feature,))


def _words(profile: Profile, empty: ColumnPlan, taken: Names) -> ColumnPlan:
    """A text: a category, a text with a length, or nothing that a model can use."""
    alias, step = "", blank_to_null(profile, readings.CATEGORY_MISSING)
    if is_low(profile):
        alias = taken.take(profile.name)
        feature = Feature(alias, "categorical", alias, profile.name)
        return ColumnPlan(profile.name, profile.type, empty.seen, alias, step, (Staged(alias, alias),), (), (feature,))
    frequent = _frequent(profile)
    if frequent:
        alias = taken.take(profile.name)
        listed = ", ".join(literal(value) for value in frequent)
        sql = f"CASE WHEN {alias} IN ({listed}) THEN {alias} WHEN {alias} IS NOT NULL THEN '(other)' END"
        about = f"its {len(frequent)} most frequent values; all others are (other)"
        feature = Feature(alias, "categorical", alias, profile.name, about)
        staged = (Staged(alias, sql, about),)
        return ColumnPlan(profile.name, profile.type, empty.seen, alias, step, staged, (), (feature,), remark=about)
    words = _shared_words(profile)
    if words or profile.mean_words >= 4:
        return _several_words(profile, empty, step, words, taken)
    why = _why_left_out(profile)
    if not 0.02 <= profile.share_filled <= 0.98:
        return _out(empty, why)
    alias = taken.take(profile.name)
    has = taken.take(f"has_{alias}")
    feature = Feature(has, "numeric", has, profile.name, "1 where it is filled", presence=True)
    staged = (Staged(has, f"CASE WHEN {alias} IS NULL THEN 0e0 ELSE 1e0 END"),)
    return ColumnPlan(
        profile.name, profile.type, empty.seen, alias, step, staged, (), (feature,),
        remark=f"{why}: only whether it is filled is kept",
    )  # fmt: skip


def _why_left_out(profile: Profile) -> str:
    if profile.values and readings.share(profile.values, _UUID.match) > 0.9:
        return "an identifier (UUID)"
    if profile.distinct >= _NEAR_UNIQUE * profile.filled:
        return "text that differs in nearly every row"
    return f"text of too many values ({profile.distinct:,} in {profile.filled:,} rows)"


def _frequent(profile: Profile) -> list[str]:
    """The frequent values where they cover half of the rows, each in 10 rows and 0.5 % of them at least."""
    least = max(10, profile.filled * 0.005)
    found = [
        v
        for v, n in profile.values.items()
        if n >= least and "${" not in v and v.lower() not in readings.CATEGORY_MISSING
    ]
    found = found[:_FREQUENT]
    return found if len(found) >= 2 and sum(profile.values[v] for v in found) >= profile.filled / 2 else []


def _shared_words(profile: Profile) -> list[str]:
    """The words that 2 % to 90 % of the texts hold, the most frequent first; none where most texts are one word.

    Words are runs of ASCII letters in lower case, so that every engine finds the same ones.
    """
    if profile.mean_words < 2:
        return []
    rows: Counter[str] = Counter()
    for value, count in profile.values.items():
        for word in {*re.findall(r"[a-z]+", value.lower())}:
            rows[word] += count
    total = sum(profile.values.values())
    least = max(10, 0.02 * total)
    return [word for word, n in rows.most_common() if least <= n <= 0.9 * total and len(word) > 1][:_SHARED_WORDS]


def _several_words(profile: Profile, empty: ColumnPlan, step: str, words: list[str], taken: Names) -> ColumnPlan:
    """A text of several words: its length, how many words, and whether the shared ones are there."""
    alias = taken.take(profile.name)
    sizes = (
        ("length", f"CAST(length({alias}) AS DOUBLE)", "letters in the text"),
        ("words", f"CAST(cardinality(split({alias}, ' ')) AS DOUBLE)", "words in the text"),
    )
    holds = [
        (
            f"has_{word}",
            f"CASE WHEN regexp_like(lower({alias}), '(^|[^a-z]){word}([^a-z]|$)') THEN 1e0"
            f" WHEN {alias} IS NOT NULL THEN 0e0 END",
            f"holds the word {word}",
        )
        for word in words
    ]
    staged, features = [], []
    for suffix, sql, about in (*sizes, *holds):
        name = taken.take(f"{alias}_{suffix}")
        staged.append(Staged(name, sql))
        features.append(Feature(name, "numeric", name, profile.name, about))
    shown = f", and whether it holds {', '.join(words)}" if words else ""
    return ColumnPlan(
        profile.name, profile.type, empty.seen, alias, step, tuple(staged), (), tuple(features),
        remark=f"text of several words: its length is kept{shown}",
    )  # fmt: skip
