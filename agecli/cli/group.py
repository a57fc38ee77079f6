"""The group of all commands, each loaded only when it is used, and the options that all of them share.

The one-line helps stand in the table below, so that `agecli --help` imports no command; a test keeps them equal to
the first lines of the commands' own helps.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from agecli import __version__
from agecli.cli.session import Session

COMMANDS = {
    "Start": {
        "init": "Make a project: from a recipe, or from your own file.",
        "run": "Run the pipeline; what is fresh is skipped.",
        "cost": "Say what a run will cost on AWS, or what one used.",
    },
    "Stages": {
        "stage": "Read the source into the staging table.",
        "features": "Compute the features of every row.",
        "train": "Train the model and measure it.",
        "batches": "Divide the feature table into batches.",
        "predict": "Score the batches that are missing or stale.",
        "aggregate": "Join all predictions into the results.",
        "cleanup": "Remove what later runs do not need.",
    },
    "Models": {
        "models": "List, approve and promote the versions of the model.",
    },
    "Look": {
        "status": "Show the last run, or another one.",
        "runs": "List all runs of the workspace.",
        "logs": "Show what happened during a run.",
        "report": "Write a run and its model as a page for people.",
        "explain": "Show why rows got their values.",
        "sql": "Query the workspace's tables in Athena's dialect.",
    },
    "Other": {
        "synth": "Generate profiles to try things on.",
        "config": "Show each setting, its value and where it came from.",
        "doctor": "Check this machine, the installation and the project.",
    },
}
MODULES = {name for section in COMMANDS.values() for name in section}


def _session(context: click.Context) -> Session:
    session = context.obj
    assert isinstance(session, Session)
    return session


def _set_directory(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        _session(context).directory = Path(value)


def _set_verbose(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        _session(context).verbose = True


def _set_log_format(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        _session(context).log_format = _session(context).log_format_flag = value


def global_options(hidden: bool) -> list[click.Option]:
    """The options that work before and after the name of a command."""
    return [
        click.Option(
            ["-C", "--project"],
            metavar="DIR",
            help="The project's folder; else the nearest upwards with an agecli.toml.",
            callback=_set_directory,
            expose_value=False,
            hidden=hidden,
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(["text", "json"]),
            help="Progress and errors on stderr as text or as JSON lines.",
            callback=_set_log_format,
            expose_value=False,
            hidden=hidden,
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            help="Show the traceback of an unexpected error.",
            callback=_set_verbose,
            expose_value=False,
            hidden=hidden,
        ),
    ]


class Command(click.Command):
    """A command that takes the global options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options(hidden=True))


def command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Makes a function the command `name`."""
    return click.command(name, cls=Command)


class LazyGroup(click.Group):
    """Finds a command in the module of its name, when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return None
        found = getattr(importlib.import_module(f"agecli.cli.{cmd_name}"), cmd_name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if name not in MODULES and not name.startswith("-"):
            close = difflib.get_close_matches(name, MODULES, n=1)
            ctx.fail(f"no command {name!r}" + (f"; did you mean {close[0]}?" if close else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl(list(section.items()), col_max=12)


@click.command(
    "agecli",
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    params=global_options(hidden=False),
)
@click.version_option(__version__, message="agecli %(version)s")
def cli() -> None:
    """Learn from the rows whose label is known, predict the others, and say how sure each prediction is.

    \b
    Example:
      agecli init demo                a project with 100,000 generated profiles
      agecli -C demo run --all        from raw rows to one finished row per person
    """
