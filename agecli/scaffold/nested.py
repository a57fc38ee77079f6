"""Features of JSON text, arrays and rows.

An array gives its length; of the dates in it the first and the last, of numbers the smallest, the largest, the sum
and the last, of repeated texts the first and the last and how many differ; an array of plain words whether it
holds each of the frequent ones. An object gives its fields, two levels deep, each read like a column of its own.
Malformed JSON gives NULLs and is counted (`bad_*`). At most 16 features come of one column, the fields that are
filled most often first.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agecli.scaffold import columns, readings
from agecli.scaffold.names import Names, comment, literal, quoted
from agecli.scaffold.plans import ColumnPlan, Feature, Profile, Staged
from agecli.scaffold.readings import Reading

_MOST = 16
_FIELDS = 8
_FREQUENT = 10
_RARE = 0.01
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TYPED_DATE = Reading("date", "CAST({v} AS DATE)", "date")
_TYPED_NUMBER = Reading("number", "CAST({v} AS DOUBLE)", "number")
_TYPED_FLAG = Reading("flag", "CASE WHEN {v} THEN 1e0 WHEN NOT {v} THEN 0e0 END", "true = 1, false = 0")


@dataclass
class Leaf:
    """The scalar values found at one place, as the engine's text of them, and the rows (or elements) they fill."""

    values: Counter[str] = field(default_factory=Counter)
    typed: set[str] = field(default_factory=set)

    def add(self, value: Any) -> None:
        text, kind = _scalar(value)
        if text:
            self.values[text] += 1
            self.typed.add(kind)

    @property
    def filled(self) -> int:
        return sum(self.values.values())

    def reading(self, native: bool) -> Reading:
        """How the values are read; typed values of Parquet need no parsing."""
        if native and self.typed <= {"date"}:
            return _TYPED_DATE
        if native and self.typed <= {"number"}:
            return _TYPED_NUMBER
        if native and self.typed <= {"flag"}:
            return _TYPED_FLAG
        return readings.read(self.values)

    def is_low(self) -> bool:
        few = len(self.values) <= 10 or len(self.values) <= self.filled / 10
        return few and self.filled >= 3 * len(self.values)


def _scalar(value: Any) -> tuple[str, str]:
    if value is None or isinstance(value, list | dict | bytes):
        return "", ""
    if isinstance(value, bool):
        return str(value).lower(), "flag"
    if isinstance(value, int | float | Decimal):
        return ("", "") if isinstance(value, float) and math.isnan(value) else (str(value), "number")
    if isinstance(value, date | datetime):
        return value.isoformat()[:10], "date"
    return str(value).strip()[:200], "text"


def plan(profile: Profile, taken: Names) -> ColumnPlan:
    """The plan of a column of JSON text, arrays or rows."""
    native = not profile.is_text
    empty = ColumnPlan(profile.name, profile.type, _seen(profile, native))
    if profile.filled == 0:
        return ColumnPlan(profile.name, profile.type, empty.seen, left_out="always empty")
    found = list(profile.objects) if native else list(_parsed(profile.values))
    arrays = [value for value in found if isinstance(value, list)]
    objects = [value for value in found if isinstance(value, dict)]
    alias = taken.take(profile.name)
    step = quoted(profile.name) if native else columns.blank_to_null(profile)
    bad = () if native else (
        Staged(taken.take_bad(alias), f"{alias} IS NOT NULL AND TRY(json_parse({alias})) IS NULL"),
    )  # fmt: skip
    build = _Builder(profile.name, alias, taken, native)
    if len(arrays) >= len(objects):
        build.array(arrays)
    else:
        build.object(objects)
    if not build.features:
        return ColumnPlan(profile.name, profile.type, empty.seen, left_out="nothing in it that a model could use")
    features = tuple(build.features[:_MOST])
    used = {word for feature in features for word in re.findall(r"\w+", feature.sql)}
    staged = tuple(item for item in build.staged if item.name in used)
    return ColumnPlan(
        profile.name, profile.type, empty.seen, alias, step, staged, bad, features, remark=build.remark
    )  # fmt: skip


def _seen(profile: Profile, native: bool) -> str:
    what = "nested" if native else "JSON"
    absent = 1 - profile.share_filled
    return what + (f", {absent:.1%} absent" if absent >= 0.001 else "")


def _parsed(values: Iterable[str]) -> Iterable[Any]:
    for text in values:
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            continue


class _Builder:
    """Gathers what is staged and the features of one column."""

    def __init__(self, column: str, alias: str, taken: Names, native: bool) -> None:
        self.column, self.alias, self.taken, self.native = column, alias, taken, native
        self.staged: list[Staged] = []
        self.features: list[Feature] = []
        self.remark = ""

    def numeric(self, name: str, sql: str, about: str = "", of: str = "") -> None:
        self.features.append(Feature(self.taken.take(name), "numeric", sql, self.column, about, of=of))

    def categorical(self, name: str, sql: str, about: str = "") -> None:
        self.features.append(Feature(self.taken.take(name), "categorical", sql, self.column, about))

    def stage(self, name: str, sql: str, about: str = "") -> str:
        name = self.taken.take(name)
        self.staged.append(Staged(name, sql, about))
        return name

    def array(self, arrays: list[list[Any]]) -> None:
        """An array: its length, and what its elements say."""
        items = self.alias if self.native else f"TRY(CAST(json_parse({self.alias}) AS ARRAY(JSON)))"
        count = self.stage(f"{self.alias}_count", f"CAST(cardinality({items}) AS DOUBLE)", "elements")
        self.features.append(Feature(count, "numeric", count, self.column, "how many there are"))
        elements = [element for value in arrays for element in value][:20_000]
        objects = [element for element in elements if isinstance(element, dict)]
        if len(objects) >= len(elements) / 2:
            leaves = _leaves(objects)
            self.remark = f"array of objects with {comment(', '.join(leaves), 80) or 'no fields'}"
            for key, leaf in list(leaves.items())[:_FIELDS]:
                self._of_elements(f"{self.alias}_{key}", items, leaf, key)
            return
        leaf = Leaf()
        for element in elements:
            leaf.add(element)
        self.remark = "array of plain values"
        if leaf.filled:
            self._of_elements(f"{self.alias}_item", items, leaf, None, len(arrays))

    def _of_elements(self, name: str, items: str, leaf: Leaf, key: str | None, arrays: int = 0) -> None:
        """The features of the values at one place in every element; `key` is None for the element itself."""
        reading = leaf.reading(self.native)
        low = leaf.is_low()
        if reading.kind == "json" or (reading.kind == "text" and not low and not arrays):
            return
        access = self._access("e", key)
        texts = items if access == "e" else f"transform({items}, e -> {access})"
        read = texts if reading.sql == "{v}" else f"transform({texts}, v -> {reading.of('v')})"
        read = f"filter({read}, v -> v IS NOT NULL)"
        about = f"{key or 'the elements'}: {reading.words}"
        if reading.kind == "date":
            dates = self.stage(f"{name}_dates", read, about)
            for word, function in (("first", "array_min"), ("last", "array_max")):
                sql = f"CAST(date_diff('day', {function}({dates}), ${{as_of}}) AS DOUBLE)"
                self.numeric(
                    f"{name}_{word}_days_ago", sql, f"days from the {word} one to the period's last day", dates
                )
            sql = f"CAST(date_diff('day', array_min({dates}), array_max({dates})) AS DOUBLE)"
            self.numeric(f"{name}_span_days", sql, "days from the first to the last", dates)
        elif reading.kind in ("number", "flag"):
            self._of_numbers(self.stage(f"{name}_values", read, about), name)
        elif arrays:
            self._of_words(leaf, name, read, about, arrays)
        else:
            texts = self.stage(f"{name}_values", read, about)
            self.categorical(f"{name}_last", f"element_at({texts}, -1)", "in the last element that has one")
            self.categorical(f"{name}_first", f"element_at({texts}, 1)", "in the first")
            self.numeric(f"{name}_distinct", f"CAST(cardinality(array_distinct({texts})) AS DOUBLE)", "how many differ")

    def _of_numbers(self, numbers: str, name: str) -> None:
        self.numeric(f"{name}_min", f"array_min({numbers})", of=numbers)
        self.numeric(f"{name}_max", f"array_max({numbers})", of=numbers)
        self.numeric(f"{name}_last", f"element_at({numbers}, -1)", of=numbers)
        self.numeric(f"{name}_sum", f"reduce({numbers}, 0e0, (s, x) -> s + x, s -> s)", of=numbers)

    def _of_words(self, leaf: Leaf, name: str, read: str, about: str, arrays: int) -> None:
        """Plain words: is each of the frequent ones there?"""
        frequent = [v for v, n in leaf.values.most_common(_FREQUENT) if n >= 0.02 * arrays and "${" not in v]
        if not frequent:
            return
        words = self.stage(f"{name}s", read, about)
        for value in frequent:
            sql = f"CASE WHEN contains({words}, {literal(value)}) THEN 1e0 WHEN {words} IS NOT NULL THEN 0e0 END"
            self.numeric(f"{self.alias}_has_{value}", sql, f"holds {comment(value, 40)}")
        self.numeric(f"{name}s_distinct", f"CAST(cardinality(array_distinct({words})) AS DOUBLE)", "how many differ")

    def object(self, objects: list[dict[str, Any]], path: tuple[str, ...] = ()) -> None:
        """The fields of an object, and of the objects in it."""
        leaves = _leaves(objects)
        if not path:
            self.remark = f"object with {comment(', '.join(str(key) for key in objects[0]), 80)}" if objects else ""
        for key, leaf in leaves.items():
            self._field((*path, key), leaf, len(objects))
        for key in _keys(objects):
            inner = [value[key] for value in objects if isinstance(value.get(key), dict)]
            if len(inner) >= 10 and len(path) < 1 and self._reachable(key):
                self.object(inner, (*path, key))
            lists = [value[key] for value in objects if isinstance(value.get(key), list)]
            if len(lists) >= 10 and self._reachable(key):
                self._list_field((*path, key))

    def _list_field(self, path: tuple[str, ...]) -> None:
        name = f"{self.alias}_{'_'.join(path)}_count"
        if self.native:
            sql = f"CAST(cardinality({self._path(path)}) AS DOUBLE)"
        else:
            sql = f"CAST(json_array_length(json_extract({self.alias}, {literal(_json_path(path))})) AS DOUBLE)"
        staged = self.stage(name, sql, "elements")
        self.features.append(Feature(staged, "numeric", staged, self.column, "how many there are"))

    def _field(self, path: tuple[str, ...], leaf: Leaf, rows: int) -> None:
        if not all(self._reachable(key) for key in path) or leaf.filled < max(3, _RARE * rows):
            return
        name, reading = f"{self.alias}_{'_'.join(path)}", leaf.reading(self.native)
        text = self._path(path) if self.native else f"json_extract_scalar({self.alias}, {literal(_json_path(path))})"
        if len(leaf.values) == 1 and leaf.filled == rows:
            return
        if reading.kind == "date":
            staged = self.stage(name, reading.of(text), reading.words)
            sql = f"CAST(date_diff('day', {staged}, ${{as_of}}) AS DOUBLE)"
            self.numeric(f"{staged}_days_ago", sql, "days before the period's last day")
        elif reading.kind in ("number", "flag"):
            if len(leaf.values) >= 0.98 * leaf.filled and _is_id(path[-1]):
                return
            staged = self.stage(name, reading.of(text), reading.words)
            self.features.append(Feature(staged, "numeric", staged, self.column, reading.words))
        elif reading.kind == "text" and leaf.is_low():
            staged = self.stage(name, f"nullif(trim({text}), '')")
            self.features.append(Feature(staged, "categorical", staged, self.column))

    def _path(self, path: tuple[str, ...]) -> str:
        return ".".join((self.alias, *(quoted(key) for key in path)))

    def _access(self, element: str, key: str | None) -> str:
        if self.native:
            return element if key is None else f"{element}.{quoted(key)}"
        return f"json_extract_scalar({element}, {literal('$' if key is None else _json_path((key,)))})"

    def _reachable(self, key: str) -> bool:
        """Whether a JSON path can name the key, which one with quotes, backslashes or placeholders cannot."""
        return bool(key) and not any(c in key for c in "\"\\$'\n\r\t") and (self.native or len(key) <= 100)


def _is_id(key: str) -> bool:
    return bool(re.search(r"(^|_)(id|uuid|key|hash|index)$", key.lower()))


def _json_path(path: tuple[str, ...]) -> str:
    return "$" + "".join(f".{key}" if _KEY.match(key) else f'["{key}"]' for key in path)


def _keys(objects: list[dict[str, Any]]) -> list[str]:
    """Keys by how many objects have them; equally frequent ones in the order in which they came."""
    return [key for key, _ in Counter(key for value in objects for key in value).most_common(50)]


def _leaves(objects: list[dict[str, Any]]) -> dict[str, Leaf]:
    """The fields that hold scalars, those filled most often first."""
    found: dict[str, Leaf] = {}
    for key in _keys(objects):
        leaf = Leaf()
        for value in objects:
            leaf.add(value.get(key))
        if leaf.filled:
            found[key] = leaf
    return found
