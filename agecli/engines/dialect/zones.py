"""Times with a zone. DuckDB keeps the instant; the zone, where the SQL names it, is part of the type.

The zone of a value that came from data is not known, and what would show it is refused; `from_iso8601_timestamp` is
the exception, since its text can be read again. Of zones by name those are allowed whose rules were found to be the
same in both engines, in the years for which they were; other years stop the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from agecli.engines.dialect.native import once
from agecli.engines.dialect.registry import Call, Emit, Macro, Sql, emitter, guard, provide, register, register_cast
from agecli.engines.dialect.types import Type, quote_text, zoned
from agecli.engines.runtime import dates, iso8601
from agecli.engines.runtime.arrow import udf

_ZONED = "timestamp with time zone"
WRITTEN = "as written"
"""The zone of a from_iso8601_timestamp: the one that each text names."""
_ISO = re.compile(
    r"(?P<before>|list_extract\(list_transform\(\[.*\], lambda o\d+: )"
    r"(?P<prefix>ag_|ag_try_)iso_instant(?P<after>\([^()]*\)(?:\), 1\))?)",
    re.DOTALL,
).fullmatch
"""The SQL of a from_iso8601_timestamp itself, plain or with its argument evaluated once."""


PLACES = (
    "America/New_York America/Chicago America/Denver America/Los_Angeles America/Phoenix America/Anchorage "
    "America/Toronto America/Halifax America/Lima America/Sao_Paulo America/Argentina/Buenos_Aires "
    "America/Mexico_City America/Santiago America/Caracas Europe/London Europe/Dublin Europe/Lisbon Europe/Madrid "
    "Europe/Paris Europe/Brussels Europe/Amsterdam Europe/Berlin Europe/Zurich Europe/Rome Europe/Vienna "
    "Europe/Prague Europe/Budapest Europe/Warsaw Europe/Copenhagen Europe/Stockholm Europe/Oslo Europe/Helsinki "
    "Europe/Athens Europe/Bucharest Europe/Sofia Europe/Istanbul Europe/Moscow Europe/Kyiv Asia/Dubai "
    "Asia/Karachi Asia/Kolkata Asia/Kathmandu Asia/Dhaka Asia/Bangkok Asia/Jakarta Asia/Singapore "
    "Asia/Kuala_Lumpur Asia/Hong_Kong Asia/Shanghai Asia/Taipei Asia/Manila Asia/Seoul Asia/Tokyo Asia/Jerusalem "
    "Asia/Riyadh Asia/Ho_Chi_Minh Australia/Perth Australia/Adelaide Australia/Brisbane Australia/Sydney "
    "Australia/Melbourne Australia/Hobart Australia/Darwin Pacific/Auckland Pacific/Honolulu Africa/Cairo "
    "Africa/Johannesburg Africa/Lagos Africa/Nairobi Africa/Algiers Atlantic/Reykjavik"
)
"""Zones whose offsets were the same in both engines every third hour from 1970 to 2099, most from 1900."""
_SINCE_1970 = (
    "Europe/Dublin Europe/Amsterdam Europe/Copenhagen Europe/Stockholm Europe/Oslo Asia/Kuala_Lumpur Atlantic/Reykjavik"
)
_FIRST_YEAR = dict.fromkeys(PLACES.split(), 1900) | dict.fromkeys(_SINCE_1970.split(), 1970)


def local_time(call: Call, index: int) -> str:
    """What the clock shows in the zone of an argument, as TIMESTAMP. Refused where that zone is not known."""
    value = call[index]
    zone = value.type.zone
    if zone == "UTC":
        return f"CAST({value} AS TIMESTAMP)"
    written = _ISO(value.sql)
    if zone == WRITTEN and written:
        return f"{written['before']}{written['prefix']}iso_local{written['after']}"
    if zone is None or zone == WRITTEN:
        raise call.refusal("the zone of a time that comes from data is not known", "use AT TIME ZONE 'UTC'")
    first = f"TIMESTAMPTZ '{_FIRST_YEAR[zone]}-01-02 00:00:00+00'"
    return once(value.sql, lambda v: f"timezone({quote_text(zone)}, ag_zoned({v}, {first}))")


def ahead(call: Call, index: int) -> str:
    """The microseconds by which the clock of an argument's zone is ahead of UTC."""
    return f"(epoch_us({local_time(call, index)}) - epoch_us(CAST({call[index]} AS TIMESTAMP)))"


provide(
    Macro(
        "ag_offset_text",
        "(us, zero) AS CASE WHEN us = 0 THEN zero ELSE CASE WHEN us < 0 THEN '-' ELSE '+' END || "
        "strftime(make_timestamp(abs(us)), '%H:%M') END",
    )
)


def zone_of(call: Call, index: int) -> str:
    """The zone that a literal names: UTC or one of the places above."""
    zone = call.text(index, "the zone")
    if zone in ("UTC", "Z"):
        return "UTC"
    if zone not in PLACES.split():
        raise call.refusal(
            f"zone {zone!r}", "use 'UTC', or a place such as 'Europe/Berlin': " + PLACES.replace(" ", ", ")
        )
    return zone


_KNOWN = "v >= first AND v < TIMESTAMPTZ '2100-01-01 00:00:00+00'"
_wrong = guard("v IS NOT NULL", "times in a named zone in years before 1970 (some: 1900) or after 2099", "TIMESTAMPTZ")
provide(Macro("ag_zoned", f"(v, first) AS CASE WHEN {_KNOWN} THEN v ELSE {_wrong} END"))


def _at_timezone(call: Call) -> Sql:
    zone = zone_of(call, 1)
    kind = replace(call[0].type, name=_ZONED, zone=zone)
    return Sql(call[0].sql if call[0].type.name == _ZONED else f"CAST({call[0]} AS TIMESTAMPTZ)", type=kind)


@emitter("with_timezone", ["timestamp", "varchar"], "timestamp(3) with time zone")
def _with_timezone(call: Call) -> Sql:
    if zone_of(call, 1) != "UTC":
        raise call.refusal("a zone other than UTC, where some times exist twice and others never", "use 'UTC'")
    return Sql(f"CAST({call[0]} AS TIMESTAMPTZ)", type=zoned(call[0].type.precision, "UTC"))


def _from_unixtime(call: Call) -> Sql:
    zone = zone_of(call, 1) if len(call) == 2 else "UTC"
    return Sql(once(call[0].sql, lambda v: f"ag_from_unixtime({v})"), type=zoned(3, zone))


_TOO_FAR = guard("x IS NOT NULL", "from_unixtime outside the years -69387 to 73326", "TIMESTAMPTZ")
provide(Macro("ag_half_up", "(y) AS CASE WHEN y - floor(y) >= 0.5 THEN floor(y) + 1 ELSE floor(y) END"))
provide(
    Macro(
        "ag_from_unixtime",
        "(x) AS CASE WHEN isnan(x) THEN TIMESTAMPTZ '1970-01-01 00:00:00+00' "
        "WHEN abs(x) < 2.2e12 THEN CAST(make_timestamp(CAST(ag_half_up(x * 1000) AS BIGINT) * 1000) "
        f"AS TIMESTAMPTZ) ELSE {_TOO_FAR} END",
    )
)


def _to_unixtime(call: Call) -> str:
    """Trino adds seconds of whole milliseconds and of what is finer, each a double."""
    finer = (
        " + CAST(epoch_us(t) - ag_floor_to(epoch_us(t), 1000) AS DOUBLE) * 1e6 / 1e12"
        if call[0].type.precision > 3
        else ""
    )
    sql = call[0].sql if call[0].type.name == "timestamp" else f"CAST({call[0]} AS TIMESTAMP)"
    return once(sql, lambda t: f"(ag_unixtime({t}){finer.replace('(t)', f'({t})')})")


provide(
    Macro(
        "ag_unixtime",
        f"(t) AS CASE WHEN abs(epoch_us(t)) < {2**51 * 1000} THEN "
        "CAST(ag_floor_to(epoch_us(t), 1000) // 1000 AS DOUBLE) / 1000 ELSE "
        f"{guard('t IS NOT NULL', 'to_unixtime outside the years -69387 to 73326', 'DOUBLE')} END",
    )
)


def _to_text(call: Call) -> Sql:
    zone, digits = call[0].type.zone, call[0].type.precision
    local = local_time(call, 0)
    shown = f"' ' || ag_offset_text({ahead(call, 0)}, 'UTC')" if zone == WRITTEN else quote_text(f" {zone}")
    text = once(local, lambda t: f"ag_timestamp_text({t}, {digits}) || {shown}")
    if call.result.params:
        raise call.refusal("a length", "cast to varchar")
    return Sql(f"({text})")


def _to_timestamp(call: Call) -> Sql:
    if call.result.precision < call[0].type.precision:
        raise call.refusal("a lower precision of a time with zone", "cast to timestamp of the same precision first")
    return Sql(local_time(call, 0))


def _printed(kinds: Sequence[Type], types: Mapping[str, Type]) -> Type:
    """to_iso8601 gives a text of bounded length."""
    kind = kinds[0]
    if kind.name == "date":
        return Type("varchar", (16,))
    digits = kind.precision + 1 if kind.precision else 0
    return Type("varchar", (22 + digits + (6 if kind.name == _ZONED else 0),))


def _iso_text(call: Call) -> str:
    kind = call[0].type
    if kind.name == "date":
        return f"ag_date_text({call[0]})"
    if kind.name == _ZONED and kind.zone not in ("UTC", WRITTEN):
        raise call.refusal("a time whose zone is not UTC", "use AT TIME ZONE 'UTC'")
    local = local_time(call, 0) if kind.name == _ZONED else call[0].sql
    end = " || 'Z'" if kind.name == _ZONED else ""
    if kind.zone == WRITTEN:
        end = f" || ag_offset_text({ahead(call, 0)}, 'Z')"
    return f"(replace(ag_timestamp_text({local}, {kind.precision}), ' ', 'T'){end})"


def twins(value: str, name: str, *more: str) -> Sql:
    """A call of the runtime function `ag_NAME`, and of its twin that is NULL where that one raises."""

    def write(prefix: str) -> str:
        return once(value, lambda v: f"{prefix}{name}({', '.join((v, *more))})")

    return Sql(write("ag_"), write("ag_try_"))


def _iso(name: str) -> Emit:
    def emit(call: Call) -> Sql:
        return twins(call[0].sql, name)

    return emit


_PLAIN_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_PLAIN_TIME = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,3})?"
_PLAIN_ZONE = "(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?"


def _provide_casts() -> None:
    """CAST(varchar AS timestamp with time zone): the usual form in UTC by DuckDB's own cast."""
    plain = _PLAIN_DATE + "( ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]( ?(Z|UTC))?)?"
    for prefix, quiet, cast in (("ag_", False, "CAST"), ("ag_try_", True, "TRY_CAST")):
        function = udf(
            f"{prefix}exact_instant", dates.text_to_instant, ["varchar", "integer"], "timestamp", quiet=quiet
        )
        exact = f"{provide(function)}(v, p)"
        if quiet:
            exact = f"CASE WHEN regexp_matches(v, '[0-9]-[0-9]{{1,2}}-[0-9]{{1,2}}') THEN {exact} END"
        local = f"CASE WHEN regexp_full_match(v, '{plain}') THEN {cast}(left(v, 19) AS TIMESTAMP) ELSE {exact} END"
        provide(Macro(f"{prefix}text_to_instant", f"(v, p) AS CAST({local} AS TIMESTAMPTZ)"))


def _from_text(call: Call) -> Sql:
    if call.result.precision > 6:
        raise call.refusal("more than six digits of a second", "cast to timestamp(6) with time zone")
    return twins(call[0].sql, "text_to_instant", str(call.result.precision))


def _offset(minutes: str) -> Emit:
    """A part of the minutes by which the clock of an argument's zone is ahead."""

    def emit(call: Call) -> str:
        return f"({ahead(call, 0)} // 60000000 {minutes})"

    return emit


def _provide_iso() -> None:
    """`quiet` twins first look whether the text can be a date, so that junk is cheap."""
    forms = {
        "iso_date": (iso8601.from_iso8601_date, "date", "DATE", _PLAIN_DATE),
        "iso_instant": (
            iso8601.from_iso8601_timestamp,
            _ZONED,
            "TIMESTAMPTZ",
            f"{_PLAIN_DATE}({_PLAIN_TIME}{_PLAIN_ZONE})?",
        ),
        "iso_local": (iso8601.local_timestamp, "timestamp", "TIMESTAMP", f"{_PLAIN_DATE}({_PLAIN_TIME}Z?)?"),
    }
    for prefix, quiet, cast in (("ag_", False, "CAST"), ("ag_try_", True, "TRY_CAST")):
        for name, (function, kind, duck, plain) in forms.items():
            exact = provide(udf(f"{prefix}exact_{name}", function, ["varchar"], kind, quiet=quiet)) + "(v)"
            if quiet:
                exact = f"CASE WHEN regexp_full_match(v, '[Tt+-]?[0-9][0-9TtWwZz:.,+-]*') THEN {exact} END"
            test = f"regexp_full_match(v, '{plain}')"
            text = "replace(v, 'Z', '')" if name == "iso_local" else "v"
            provide(Macro(f"{prefix}{name}", f"(v) AS CASE WHEN {test} THEN {cast}({text} AS {duck}) ELSE {exact} END"))


def _register() -> None:
    _provide_iso()
    register("from_iso8601_date", ["varchar"], "date", emit=_iso("iso_date"), fails=True)
    written = replace(zoned(3), zone=WRITTEN)
    register("from_iso8601_timestamp", ["varchar"], lambda k, t: written, emit=_iso("iso_instant"), fails=True)
    for kind in (_ZONED, "timestamp"):
        register("at_timezone", [kind, "varchar"], "timestamp(3) with time zone", emit=_at_timezone)
    register("from_unixtime", ["double"], "timestamp(3) with time zone", emit=_from_unixtime)
    register("from_unixtime", ["double", "varchar"], "timestamp(3) with time zone", emit=_from_unixtime)
    register("to_unixtime", ["timestamp"], "double", emit=_to_unixtime)
    register("to_unixtime", [_ZONED], "double", emit=_to_unixtime)
    for kind in ("date", "timestamp", _ZONED):
        register("to_iso8601", [kind], _printed, emit=_iso_text)
    register("timezone_hour", [_ZONED], "bigint", emit=_offset("// 60"))
    register("timezone_minute", [_ZONED], "bigint", emit=_offset("% 60"))
    _provide_casts()
    register_cast("varchar", _ZONED, emit=_from_text, fails=True)
    register_cast(_ZONED, "varchar", emit=_to_text)
    register_cast(_ZONED, "timestamp", emit=_to_timestamp)
    register_cast(_ZONED, "date", emit=lambda call: f"CAST({local_time(call, 0)} AS DATE)")


_register()
