"""`agecli models`: the versions of a recipe's model, from training to production and back."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeVar

import click

from agecli.cli import output
from agecli.cli.group import Command, global_options
from agecli.cli.options import output_option, with_settings
from agecli.config import Settings

F = TypeVar("F", bound=Callable[..., Any])
ALIASES = ("staging", "production")


class Group(click.Group):
    """The group of these commands; it takes the global options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options(hidden=True))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            close = difflib.get_close_matches(name, self.commands, n=1)
            ctx.fail(f"no command {name!r}" + (f"; did you mean {close[0]}?" if close else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.get_short_help_str(100)) for name, found in self.commands.items()])


@click.group("models", cls=Group, invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List, approve and promote the versions of the model.

    Each training registers its model as v1, v2, ...: training twice on the same rows registers one version. One
    version each is in staging and in production, the others are archived. What was done is only ever added to.

    \b
    Example:
      agecli models list
      agecli models approve v2
      agecli models promote v2
      agecli models rollback
      agecli models show production
    """
    if context.invoked_subcommand is None:
        context.invoke(list_versions)


def subcommand(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Makes a function the command `agecli models NAME`, over the project's registry."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        settled = with_settings("workspace", "recipe", "period")(output_option(function))
        made: click.Command = models.command(name, cls=Command)(settled)
        return made

    return decorate


reason_option = click.option("--reason", metavar="TEXT", default="", help="Why, for the record.")
at_option = click.option("--at", metavar="DATE", help="As it was then: 2026-03-03 (that day's end, UTC) or a time.")


@subcommand("list")
@at_option
def list_versions(settings: Settings, at: str | None, form: str) -> None:
    """List all versions, oldest first.

    \b
    Example:
      agecli models list
      agecli models list --at 2026-03-03 --output json
    """
    from agecli.cli import versions

    state, _ = versions.look(settings, at)
    rows = [versions.row(version, form) for version in state.versions.values()]
    output.emit(rows, versions.columns(form), form)


@subcommand("show")
@click.argument("version")
@at_option
def show(settings: Settings, version: str, at: str | None, form: str) -> None:
    """Show a version: its figures, schemas and history.

    VERSION is v1, v2, ..., staging or production.

    \b
    Example:
      agecli models show v2
      agecli models show production
      agecli models show production --at 2026-03-03
    """
    from agecli.cli import versions

    state, _ = versions.look(settings, at)
    versions.show(versions.find(state, version, at), form)


@subcommand("approve")
@click.argument("version")
@reason_option
def approve(settings: Settings, version: str, reason: str, form: str) -> None:
    """Approve a version, so that it may go into production.

    \b
    Example:
      agecli models approve v2 --reason "looked at the report"
    """
    from agecli.cli import versions

    versions.decide(settings, version, "Approved", reason, form)


@subcommand("reject")
@click.argument("version")
@reason_option
def reject(settings: Settings, version: str, reason: str, form: str) -> None:
    """Reject a version: it is not promoted, nor predicted with.

    \b
    Example:
      agecli models reject v3 --reason "trained on last year's labels"
    """
    from agecli.cli import versions

    versions.decide(settings, version, "Rejected", reason, form)


@subcommand("promote")
@click.argument("version")
@click.option("--to", "alias", type=click.Choice(ALIASES), default="production", show_default=True, help="Where to.")
@click.option("--override", is_flag=True, help="Promote it although a gate refuses; needs --reason.")
@reason_option
def promote(settings: Settings, version: str, alias: str, override: bool, reason: str, form: str) -> None:
    """Promote a version to staging or production.

    Into production it goes when it is approved, no worse than what is there on the same held-out rows beyond noise,
    and when its interval and its confidence keep what they promise. Otherwise it is refused, with the figures
    (exit 8). What the gates found is recorded. A version in production is not promoted to staging.

    \b
    Example:
      agecli models promote v2 --to staging
      agecli models promote v2 --to production --reason "better on new labels"
      agecli models promote v2 --override --reason "the old one breaks the law"
    """
    if override and not reason.strip():
        raise click.UsageError("--override needs --reason TEXT")
    from agecli.cli import versions

    versions.promote(settings, version, alias, reason, override, form)


@subcommand("rollback")
@click.option("--to", "alias", type=click.Choice(ALIASES), default="production", show_default=True, help="Which alias.")
@reason_option
def rollback(settings: Settings, alias: str, reason: str, form: str) -> None:
    """Give an alias back to the version that held it before.

    \b
    Example:
      agecli models rollback --reason "complaints since Monday"
      agecli models rollback --to staging
    """
    from agecli.cli import versions

    versions.roll_back(settings, alias, reason, form)


@subcommand("compare")
@click.argument("first")
@click.argument("second")
def compare(settings: Settings, first: str, second: str, form: str) -> None:
    """Compare two versions on the same held-out rows.

    The difference has a 95 % interval by paired bootstrap: "better" is said only where it is shown.

    \b
    Example:
      agecli models compare v1 v2
      agecli models compare production v3 --output json
    """
    from agecli.cli import versions

    versions.compare(settings, first, second, form)
