"""Options that several commands share, each defined once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from agecli.cli.session import Session
from agecli.config import SETTINGS, Setting

F = TypeVar("F", bound=Callable[..., Any])

_METAVARS = {"count": "N", "size": "SIZE", "path": "PATH", "text": "TEXT"}
_GLOBAL = "log_format"


def current_session() -> Session:
    """The session of the command that runs."""
    session = click.get_current_context().obj
    assert isinstance(session, Session)
    return session


def with_settings(*names: str, need_project: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command the flags of these settings (none named: all), and `settings`, resolved, as an argument."""
    chosen = [s for s in SETTINGS if s.name != _GLOBAL and (not names or s.name in names)]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            flags = {setting.name: kwargs.pop(setting.name) for setting in chosen}
            return function(*args, settings=current_session().settings(flags, need_project), **kwargs)

        for setting in reversed(chosen):
            call = _option(setting)(call)
        return call

    return decorate


def _option(setting: Setting) -> Callable[[F], F]:
    shown = f" [default: {setting.default}]" if setting.default else ""
    flag = f"--{setting.name.replace('_', '-')}"
    metavar = "NAME" if setting.name == "recipe" else _METAVARS[setting.kind]
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


def stage_options(function: F) -> F:
    """What every command that runs stages takes besides settings."""
    function = click.option("--dry-run", is_flag=True, help="Show what would run, and why, without running it.")(
        function
    )
    return click.option("--force", is_flag=True, help="Do it again although it is fresh.")(function)
