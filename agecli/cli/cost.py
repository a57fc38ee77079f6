"""`agecli cost`: what a run will cost on AWS, before it is spent, and what one did use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agecli.cli import output
from agecli.cli.group import command
from agecli.cli.history import find_run, past_runs
from agecli.cli.options import output_option, with_settings
from agecli.config import Settings

if TYPE_CHECKING:
    from agecli.cost.prices import RegionPrices

LAST = "last"


@command("cost")
@click.option("--rows", type=click.IntRange(min=1), metavar="N", help="For so many rows instead of the source's.")
@click.option("--compare", is_flag=True, help="The same work on Fargate, Spot, Lambda and this machine.")
@click.option("--sql", "query", metavar="SELECT", help="One query over the workspace's tables.")
@click.option(
    "--actual", is_flag=False, flag_value=LAST, metavar="[RUN]", help="What a run really used, beside its estimate."
)
@click.option("--history", is_flag=True, help="Estimate and actual of all runs.")
@output_option
@with_settings("workspace", "recipe", "period", "source", "region", "prices", "cadence", "batch_rows", "max_train_rows",
               "workers", "synth_rows", "synth_seed")  # fmt: skip
def cost(
    settings: Settings,
    rows: int | None,
    compare: bool,
    query: str | None,
    actual: str | None,
    history: bool,
    form: str,
) -> None:
    """Say what a run will cost on AWS, or what one used.

    Nothing is run and no account is needed: bytes come from the files' footers, prices from a dated table, speed
    from the last run. Each figure is labelled exact, upper bound or estimate.

    \b
    Example:
      agecli cost                              by stage and by service
      agecli cost --rows 378000000 --compare   the same for more rows, place by place
      agecli cost --sql "SELECT COUNT(*) FROM results WHERE confidence > 0.9"
      agecli cost --actual                     what the last run read, beside the estimate
    """
    asked = {"--compare": compare, "--sql": query is not None, "--actual": actual is not None, "--history": history}
    if sum(asked.values()) > 1:
        raise click.UsageError("only one of " + ", ".join(asked))
    if rows is not None and (actual is not None or history):
        raise click.UsageError("--rows scales an estimate; what a run used is what it used")
    if actual is not None:
        _actual(settings, None if actual == LAST else actual, form)
    elif history:
        _history(settings, form)
    elif query is not None:
        _query(settings, query, rows, form)
    elif compare:
        _compare(settings, rows, form)
    else:
        _estimate(settings, rows, form)


def _prices(settings: Settings) -> RegionPrices:
    """The prices of the region, with a word on stderr where the table is old."""
    from datetime import UTC, datetime

    from agecli.cost import prices

    table = prices.load(settings["prices"])
    warning = table.age_warning(datetime.now(UTC).date())
    if warning:
        click.echo(f"warning: {warning}", err=True)
    return table.region(settings["region"])


def _estimate(settings: Settings, rows: int | None, form: str) -> None:
    region = _prices(settings)
    from agecli.cli import costing as report
    from agecli.cost import advice, services, work

    estimate = services.estimate(work.work_of(settings, rows), region)
    advised = advice.advise(estimate)
    if form == "json":
        output.emit_object(report.to_json(estimate, advised))
    elif form == "table":
        print(report.text(estimate, advised))
    else:
        output.emit(report.rows(estimate), report.COLUMNS, form)


def _compare(settings: Settings, rows: int | None, form: str) -> None:
    region = _prices(settings)
    from agecli.cli import costing as report
    from agecli.config import worker_count
    from agecli.cost import compare, work

    found = work.work_of(settings, rows)
    options = compare.compare(found, region, worker_count(settings))
    if form == "json":
        output.emit_object(report.comparison_json(found, options, region))
    else:
        output.emit(report.comparison_rows(options), report.COMPARISON, form)


def _query(settings: Settings, query: str, rows: int | None, form: str) -> None:
    region = _prices(settings)
    from agecli.cli import costing as report
    from agecli.cost import work

    found = work.ad_hoc(settings, query, rows)
    if form == "json":
        output.emit_object(report.query_json(found, region))
    elif form == "table":
        print(report.query_text(found, region))
    else:
        output.emit(report.query_rows(found, region), report.QUERY, form)


def _actual(settings: Settings, wanted: str | None, form: str) -> None:
    from agecli.cli import costing as report
    from agecli.cost import reconcile

    run = find_run(settings, wanted)
    if wanted is None:  # the last one that did anything
        run = next((past for past in reversed(past_runs(settings)) if reconcile.measured(past.log().read())), run)
    found = reconcile.reconcile(run.workspace, run.run_id)
    if form == "json":
        output.emit_object(found.to_json(_prices(settings)))
    elif form == "table":
        print(report.reconciled_text(found, _prices(settings)))
    else:
        output.emit(found.rows(), reconcile.COLUMNS, form)


def _history(settings: Settings, form: str) -> None:
    from agecli.cost import reconcile

    rows = [reconcile.summary(run.workspace, run.run_id) for run in past_runs(settings)]
    output.emit(rows, reconcile.HISTORY, form)
