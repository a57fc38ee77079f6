"""A function of one text computed once for each distinct text.

Dates, titles, degrees: the same texts come again and again, and what SQL asks of them (patterns, casts, dates) costs
far more than finding a text among those met before. The function is the very SQL that would run on every row; so
there is no second definition, and the cells are the same:

    COALESCE(memo(x), <the SQL>)

Texts that are not known yet, and those whose value is NULL, are computed where they stand. The new ones are kept
aside until there are enough of them to be worth a query of an engine of their own, which gives their values. Long
texts, and those that come when the table is full, never become known.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pyarrow as pa

from agecli.engines.dialect.types import Type
from agecli.engines.runtime import evaluator
from agecli.engines.runtime.arrow import arrow_type
from agecli.engines.runtime.compiled import buffers, one, scan
from agecli.errors import AgecliError

ENOUGH = 512  # texts that are worth a query
_TRIAL = 200_000  # texts after which a full table that knows few of them is given up

_lock = threading.Lock()


class Memo:
    """The texts met so far and the function's value for each; the first stands for NULL.

    `sql` is DuckDB's SQL over a text called `x`, of Trino type `kind`.
    """

    def __init__(self, sql: str, kind: Type) -> None:
        self.sql = sql
        self.kind = arrow_type(kind)
        self.table: Any = None
        self.values = pa.array([], self.kind)
        self.waiting: list[pa.Array] = []
        self.full = self.off = False
        self.asked = self.missed = 0

    def look_up(self, column: pa.Array) -> pa.Array:
        """The value for each text that is known, and NULL for the others, which are learned now and then."""
        text = one(column)
        with _lock:
            try:
                found = self._look_up(text)
            except AgecliError:
                self.off = True  # it fails on a text: where that stands it will be told
            return pa.nulls(len(text), self.kind) if self.off else found

    def _look_up(self, text: pa.Array) -> pa.Array | None:
        if self.off:
            return None
        if self.table is None:
            self.table = scan.table(evaluator.MOST_TEXTS, evaluator.LONGEST_TEXT)
            self.values = pa.nulls(1, self.kind)
        told, new = scan.numbers(self.table, *buffers(text), False)
        numbers = np.frombuffer(told, np.int32)
        found = self.values.take(pa.array(np.maximum(numbers, 0) if new else numbers))
        missed = np.frombuffer(new, np.int32)
        self.asked, self.missed = self.asked + len(text), self.missed + len(missed)
        self.off = self.full and self.asked > _TRIAL and self.missed * 2 > self.asked
        if len(missed) and not self.full:
            self._wait(text.take(pa.array(missed)))
        return found

    def _wait(self, text: pa.Array) -> None:
        self.waiting.append(text)
        if sum(map(len, self.waiting)) < ENOUGH:
            return
        all_waiting = pa.concat_arrays(self.waiting)
        self.waiting = []
        _, new = scan.numbers(self.table, *buffers(all_waiting), True)
        texts = all_waiting.take(pa.array(np.frombuffer(new, np.int32)))
        self.values = pa.concat_arrays([self.values, self._compute(texts)])
        self.full = len(self.values) > evaluator.MOST_TEXTS

    def _compute(self, text: pa.Array) -> pa.Array:
        return evaluator.engine().evaluate(self.sql, text).cast(self.kind)
