"""Durations from and to texts: human_readable_seconds and parse_duration, done by `runtime.durations`."""

from __future__ import annotations

from agecli.engines.dialect.registry import provide, register
from agecli.engines.runtime import durations
from agecli.engines.runtime.arrow import udf

_INTERVAL = "interval day to second"

for _prefix, _quiet in (("ag_", False), ("ag_try_", True)):
    provide(udf(f"{_prefix}human_seconds", durations.human_readable_seconds, ["double"], "varchar", quiet=_quiet))
    provide(udf(f"{_prefix}parse_duration", durations.parse_duration, ["varchar"], _INTERVAL, quiet=_quiet))

register(
    "human_readable_seconds",
    ["double"],
    "varchar",
    "ag_human_seconds({0})",
    fails=True,
    quiet="ag_try_human_seconds({0})",
)
register(
    "parse_duration",
    ["varchar"],
    _INTERVAL,
    "ag_parse_duration({0})",
    fails=True,
    quiet="ag_try_parse_duration({0})",
)
