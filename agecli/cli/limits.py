"""The limit of dollars: a run that may cost more does not start."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import click

from agecli.cli.options import current_session
from agecli.config import Settings
from agecli.errors import CostRefused

if TYPE_CHECKING:
    from agecli.cost.services import Estimate

PAID = ("aws",)


def check_cost(settings: Settings, place: str) -> None:
    """Says what a run in this place will cost and raises CostRefused when it may be more than `max_usd`.

    On this machine and in the sandbox a run costs nothing, which is said where there is a limit. On AWS the whole
    pipeline is priced, as if nothing were fresh: that bounds what any part of it can cost.
    """
    _check_settings(settings)
    limit = settings["max_usd"]
    if place not in PAID:
        if limit is not None:
            _say(
                f"a run on {place} costs nothing; the limit is ${limit:,.2f}",
                {"low": 0.0, "expected": 0.0, "high": 0.0},
            )
        return
    found = _estimate(settings)
    usd = found.total
    what = f"${usd.expected:,.2f} expected on AWS in {found.prices.name}, ${usd.low:,.2f} to ${usd.high:,.2f}"
    _say(f"{what}; `agecli cost` shows the parts", usd.to_json())
    if limit is not None and usd.high > limit:
        raise CostRefused(
            "the run does not start",
            f"it may cost ${usd.high:,.2f} (expected ${usd.expected:,.2f}), more than the limit of ${limit:,.2f}",
            f"agecli cost shows why; --max-usd {math.ceil(usd.high * 100) / 100:.2f} would allow it",
        )


def _check_settings(settings: Settings) -> None:
    """Raises ConfigError for a region, prices or a cadence, given for this run, that `agecli cost` would refuse."""
    given = {name for name in ("region", "prices", "cadence") if settings.origin[name].startswith(("--", "AGECLI_"))}
    if given & {"region", "prices"}:
        from agecli.cost import prices

        prices.load(settings["prices"]).region(settings["region"])
    if "cadence" in given:
        from agecli.cost import work

        work.runs_a_year(settings)


def _estimate(settings: Settings) -> Estimate:
    from agecli.cost import prices, services, work

    region = prices.load(settings["prices"]).region(settings["region"])
    return services.estimate(work.work_of(settings), region)


def _say(text: str, usd: dict[str, float]) -> None:
    if current_session().log_format == "json":
        click.echo(json.dumps({"kind": "cost", "message": text, "usd": usd}), err=True)
    else:
        click.echo(f"cost: {text}", err=True)
