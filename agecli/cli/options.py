"""Options that several commands share, each defined once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from agecli.cli.session import Session
from agecli.config import SETTINGS, Setting
from agecli.overrides import FLAGS

F = TypeVar("F", bound=Callable[..., Any])

_METAVARS = {"count": "N", "size": "SIZE", "path": "PATH", "text": "TEXT", "usd": "DOLLARS"}
_GLOBAL = "log_format"


_OVERRIDES = (
    click.option("--set", "set", multiple=True, metavar="KEY=VALUE", help="A setting of the recipe in this run."),
    click.option("--categorical", metavar="A,B", help="Take these features as categories in this run."),
    click.option("--features", metavar="A,B", help="Learn from these features only in this run."),
    click.option("--param", multiple=True, metavar="NAME=N", help="A setting of [model] in this run."),
)


def current_session() -> Session:
    """The session of the command that runs."""
    session = click.get_current_context().obj
    assert isinstance(session, Session)
    return session


def with_settings(*names: str, need_project: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command the flags of these settings and `settings`, resolved, as an argument.

    None named: all of them, and the settings of the recipe that can be given for one run.
    """
    chosen = [s for s in SETTINGS if s.name != _GLOBAL and (not names or s.name in names)]
    overrides = () if names else FLAGS

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            flags = {name: kwargs.pop(name) for name in (*(setting.name for setting in chosen), *overrides)}
            return function(*args, settings=current_session().settings(flags, need_project), **kwargs)

        for option in _OVERRIDES if overrides else ():
            call = option(call)
        for setting in reversed(chosen):
            call = _option(setting)(call)
        return call

    return decorate


def _option(setting: Setting) -> Callable[[F], F]:
    shown = f" [default: {setting.default}]" if setting.default else ""
    flag = f"--{setting.name.replace('_', '-')}"
    metavar = "NAME" if setting.name == "recipe" else _METAVARS.get(setting.kind) or "|".join(setting.choices)
    text = setting.help[0].upper() + setting.help[1:]
    return click.option(flag, setting.name, metavar=metavar, default=None, help=f"{text}.{shown}")


def output_option(function: F) -> F:
    """`--output`: the form of a listing on stdout."""
    return click.option(
        "--output",
        "form",
        type=click.Choice(["table", "json", "csv", "markdown"]),
        default="table",
        show_default=True,
        help="The form of the listing.",
    )(function)


def place_option(function: F) -> F:
    """`--on`: where stages run."""
    return click.option("--on", "place", default="local", show_default=True, metavar="PLACE", help="Where to run.")(
        function
    )


def publish_options(function: F) -> F:
    """`--publish-anyway --reason`: what a command that publishes results takes besides."""
    function = click.option("--reason", metavar="TEXT", help="Why, for the record; with --publish-anyway.")(function)
    return click.option(
        "--publish-anyway", is_flag=True, help="Publish results that differ too much from the last ones."
    )(function)


def reason_to_publish(publish_anyway: bool, reason: str | None) -> str:
    """The reason that was given; UsageError for half of the two options."""
    if publish_anyway != bool(reason and reason.strip()):
        raise click.UsageError("--publish-anyway and --reason TEXT go together")
    return reason.strip() if reason else ""


def stage_options(function: F) -> F:
    """What every command that runs stages takes besides settings."""
    function = click.option("--dry-run", is_flag=True, help="Show what would run, and why, without running it.")(
        function
    )
    return click.option("--force", is_flag=True, help="Do it again although it is fresh.")(function)
