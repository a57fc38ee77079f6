"""Parts of dates and times, differences, sums and truncation, by DuckDB's own functions.

They agree with Joda-Time (on which Trino rests) over all years; where Trino works in milliseconds, finer times are
cut to them first. A count that is no literal is guarded, so that no overflow can pass for a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from agecli.engines.dialect.native import once
from agecli.engines.dialect.registry import Call, Macro, Sql, Typed, emitter, guard, provide, register
from agecli.engines.dialect.types import Type
from agecli.engines.dialect.zones import WRITTEN, ahead, local_time
from agecli.errors import SqlRefused

DATE_UNITS = ("day", "week", "month", "quarter", "year")
UNITS = ("millisecond", "second", "minute", "hour", *DATE_UNITS)
_MILLISECONDS = {"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000,
                 "week": 604_800_000}  # fmt: skip
_SAFE = 1_000_000
"""The largest count that date_add takes from a column for days and longer units, and for the others unguarded."""

_DATE_PARTS = {
    "year": "year", "quarter": "quarter", "month": "month", "week": "week", "week_of_year": "week", "day": "day",
    "day_of_month": "day", "day_of_week": "isodow", "dow": "isodow", "day_of_year": "dayofyear", "doy": "dayofyear",
    "year_of_week": "isoyear", "yow": "isoyear",
}  # fmt: skip
_TIME_PARTS = {"hour": "hour({0})", "minute": "minute({0})", "second": "second({0})",
               "millisecond": "(millisecond({0}) % 1000)"}  # fmt: skip
_ZONED = "timestamp with time zone"


def unit(call: Call, allowed: tuple[str, ...]) -> str:
    """The unit that a call's first argument names; any other is refused."""
    name = call.text(0, "the unit").lower()
    if name not in allowed:
        raise call.refusal(f"unit {name!r}", "use one of " + ", ".join(allowed))
    return name


def _register_parts() -> None:
    for name, function in _DATE_PARTS.items():
        register(name, ["date"], "bigint", f"{function}({{0}})")
        register(name, ["timestamp"], "bigint", f"{function}({{0}})")
        register(name, [_ZONED], "bigint", emit=_of_local(f"{function}({{0}})"))
    for name, template in _TIME_PARTS.items():
        register(name, ["timestamp"], "bigint", template)
        register(name, [_ZONED], "bigint", emit=_of_local(template))
    register("last_day_of_month", ["date"], "date", "last_day({0})")
    register("last_day_of_month", ["timestamp"], "date", "last_day({0})")
    register("last_day_of_month", [_ZONED], "date", emit=_of_local("last_day({0})"))
    register("date", ["date"], "date", "{0}")
    register("date", ["timestamp"], "date", "CAST({0} AS DATE)")
    register("date", [_ZONED], "date", emit=_of_local("CAST({0} AS DATE)"))
    for name, months in {"year": "{0} // 12", "month": "{0} % 12"}.items():
        register(name, ["interval year to month"], "bigint", f"CAST({months} AS BIGINT)")
    parts = {"day": "{0} // 86400000", "hour": "{0} // 3600000 % 24", "minute": "{0} // 60000 % 60",
             "second": "{0} // 1000 % 60", "millisecond": "{0} % 1000"}  # fmt: skip
    for name, template in parts.items():
        register(name, ["interval day to second"], "bigint", f"({template})")
    register("to_milliseconds", ["interval day to second"], "bigint", "{0}")


def _of_local(template: str) -> Callable[[Call], str]:
    def emit(call: Call) -> str:
        return template.format(local_time(call, 0))

    return emit


@emitter("date_diff", ["varchar", "date", "date"], "bigint")
def _date_diff_of_dates(call: Call) -> str:
    return f"date_sub('{unit(call, DATE_UNITS)}', {call[1]}, {call[2]})"


@emitter("date_diff", ["varchar", "timestamp", "timestamp"], "bigint")
def _date_diff_of_timestamps(call: Call) -> str:
    return _difference(unit(call, UNITS), *(_to_milliseconds(a.sql, a.type) for a in call.args[1:]))


@emitter("date_diff", ["varchar", _ZONED, _ZONED], "bigint")
def _date_diff_of_instants(call: Call) -> str:
    """Differences of exact length; days and months depend on the zone."""
    name = unit(call, UNITS)
    if {a.type.zone for a in call.args[1:]} != {"UTC"} and name not in ("millisecond", "second", "minute", "hour"):
        raise call.refusal(f"unit {name!r} between times whose zone is not UTC", "use 'hour', or cast to timestamp")
    plain = (f"CAST({a.sql} AS TIMESTAMP)" for a in call.args[1:])
    return _difference(name, *(_to_milliseconds(p, a.type) for p, a in zip(plain, call.args[1:], strict=True)))


def _to_milliseconds(sql: str, kind: Type) -> str:
    return f"date_trunc('millisecond', {sql})" if kind.precision > 3 else sql


def _difference(name: str, start: str, end: str) -> str:
    if name in _MILLISECONDS:
        return f"((epoch_ms({end}) - epoch_ms({start})) // {_MILLISECONDS[name]})"
    return f"date_sub('{name}', {start}, {end})"


def _as_third(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    return kinds[2]


def _as_second(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    return kinds[1]


@emitter("date_trunc", ["varchar", "date"], "date")
def _date_trunc_of_date(call: Call) -> str:
    return f"CAST(date_trunc('{unit(call, DATE_UNITS)}', {call[1]}) AS DATE)"


@emitter("date_trunc", ["varchar", "timestamp"], _as_second)
def _date_trunc_of_timestamp(call: Call) -> str:
    return f"date_trunc('{unit(call, UNITS)}', {call[1]})"


@emitter("date_trunc", ["varchar", _ZONED], _as_second)
def _date_trunc_of_instant(call: Call) -> Sql:
    """By the clock of its zone. What a text's own zone was is not known of the result."""
    name, kind = unit(call, UNITS), call[1].type
    if kind.zone not in ("UTC", WRITTEN):
        raise call.refusal("a time whose zone is not UTC", "cast it to timestamp")
    local = f"date_trunc('{name}', {local_time(call, 1)})"
    if kind.zone == WRITTEN:
        local = f"{local} - to_microseconds({ahead(call, 1)})"
    return Sql(f"CAST({local} AS TIMESTAMPTZ)", type=replace(kind, zone="UTC" if kind.zone == "UTC" else None))


@emitter("date_add", ["varchar", "bigint", "date"], "date")
def _date_add_to_date(call: Call) -> str:
    return f"CAST({call[2]} + {_span(unit(call, DATE_UNITS), call[1])} AS DATE)"


@emitter("date_add", ["varchar", "bigint", "timestamp"], _as_third)
def _date_add_to_timestamp(call: Call) -> str:
    name = unit(call, UNITS)
    if name == "millisecond" and call[2].type.precision < 3:
        raise call.refusal("milliseconds added to a time without them", "cast to timestamp(3)")
    return _moved(name, call[1], call[2].sql)


@emitter("date_add", ["varchar", "bigint", _ZONED], _as_third)
def _date_add_to_instant(call: Call) -> str:
    name = unit(call, UNITS)
    if name == "millisecond" and call[2].type.precision < 3:
        raise call.refusal("milliseconds added to a time without them", "cast to timestamp(3)")
    if call[2].type.zone != "UTC" and name in DATE_UNITS:
        raise call.refusal(f"unit {name!r} added to a time whose zone is not UTC", "cast it to timestamp")
    moved = _moved(name, call[1], f"CAST({call[2]} AS TIMESTAMP)")
    return f"CAST({moved} AS TIMESTAMPTZ)"


provide(Macro("ag_floor_to", "(n, step) AS n - ((n % step) + step) % step"))
provide(Macro("ag_milliseconds", "(us) AS ag_floor_to(us + 500, 1000) // 1000"))
provide(
    Macro("ag_small_count", f"(n) AS CASE WHEN n BETWEEN -{_SAFE} AND {_SAFE} THEN CAST(n AS INTEGER) "
          f"WHEN n IS NOT NULL THEN {guard('true', f'date_add of more than {_SAFE} units', 'INTEGER')} END")
)  # fmt: skip

_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The microseconds at which the year 1 begins and the year 9999 ends."""
_TOO_FAR = guard(
    "n IS NOT NULL AND t IS NOT NULL", "date_add of a count past 32 bits, or to a year outside 1-9999", "TIMESTAMP"
)
provide(
    Macro(
        "ag_moved",
        f"(t, n, length) AS CASE WHEN n BETWEEN -{_SAFE} AND {_SAFE} OR n BETWEEN {-(2**31)} AND {2**31 - 1} "
        f"AND epoch_us(t) + CAST(n AS HUGEINT) * length BETWEEN {_FIRST} AND {_LAST} "
        f"THEN t + to_microseconds(CAST(n AS BIGINT) * length) ELSE {_TOO_FAR} END",
    )
)


def _moved(name: str, count: Typed, moment: str) -> str:
    """A timestamp and so many units. Trino takes no count that is longer than 32 bits."""
    if name not in ("millisecond", "second", "minute", "hour"):
        return f"({moment} + {_span(name, count)})"
    length = _MILLISECONDS[name] * 1000
    if isinstance(count.constant, int) and abs(count.constant) <= _SAFE:
        return f"({moment} + to_microseconds(CAST({count.constant} AS BIGINT) * {length}))"
    if isinstance(count.constant, int) and not -(2**31) <= count.constant < 2**31:
        raise SqlRefused("date_add is refused", "of a count that 32 bits do not hold, which Trino rejects",
                         "use a larger unit, or from_unixtime")  # fmt: skip
    if "(" not in moment + count.sql:
        return f"ag_moved({moment}, {count}, {length})"
    pair = f"{{'t': {moment}, 'n': {count.sql}}}"
    return once(pair, lambda p: f"ag_moved({p}.t, {p}.n, {length})")


def _span(name: str, count: Typed) -> str:
    """An interval of so many units."""
    if isinstance(count.constant, int):
        if abs(count.constant) > _SAFE:
            raise SqlRefused("date_add is refused", f"of more than {_SAFE} units", "use a larger unit")
        number = str(count.constant)
    else:
        number = once(count.sql, lambda n: f"ag_small_count({n})")
    whole = {"quarter": ("to_months", 3), "week": ("to_days", 7)}
    function, factor = whole.get(name, (f"to_{name}s", 1))
    return f"{function}({number})" if factor == 1 else f"{function}({number} * {factor})"


def _no_clock(call: Call) -> str:
    name = call.name
    raise SqlRefused(
        f"{name} is refused", "the answer would differ from run to run and from engine to engine",
        "write ${as_of}, the date that the run counts from, or a date of your own",
    )  # fmt: skip


def _register_clocks() -> None:
    kinds = {"current_date": "date", "current_time": "bigint", "localtime": "bigint", "localtimestamp": "timestamp(3)",
             "current_timestamp": "timestamp(3) with time zone", "now": "timestamp(3) with time zone"}  # fmt: skip
    for name, kind in kinds.items():
        register(name, [], kind, emit=_no_clock)
        if name not in ("now", "current_date"):
            register(name, ["integer"], kind, emit=_no_clock)
    register("current_timezone", [], "varchar", "'UTC'")


_register_parts()
_register_clocks()
