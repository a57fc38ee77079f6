"""`agecli init`: a project, from a recipe or from somebody's own file."""

from __future__ import annotations

import shlex
from datetime import date
from pathlib import Path

import click

from agecli.cli import project
from agecli.cli.group import command
from agecli.cli.session import PROJECT_FILE


@command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--recipe", metavar="NAME", help="A recipe that comes with agecli, to be copied. [default: profiles]")
@click.option("--source", metavar="PATH", help="The rows for that recipe: a file, a folder or a glob.")
@click.option("--from", "sample", metavar="PATH", help="Write a recipe for your own Parquet, CSV or JSON Lines.")
@click.option("--id", "id_column", metavar="COL", help="With --from: the column that names a row.")
@click.option("--label", "label_column", metavar="COL", help="With --from: the column to learn and predict.")
@click.option("--task", type=click.Choice(["regression", "classification"]), help="With --from: else by the label.")
def init(
    folder: Path,
    recipe: str | None,
    source: str | None,
    sample: str | None,
    id_column: str | None,
    label_column: str | None,
    task: str | None,
) -> None:
    """Make a project: from a recipe, or from your own file.

    Writes agecli.toml and queries/NAME/ into DIR (default: here). With --from, the file is looked at, and what was
    found, used and left out is said; the recipe that it gets can be edited like any other.

    \b
    Example:
      agecli init demo
      agecli init people --recipe legislators --source legislators.parquet
      agecli init mine --from 'data/*.csv' --id customer_id --label churned
    """
    project.check_free(folder)
    if sample is not None:
        if recipe or source:
            raise click.UsageError("--from writes its own recipe: leave --recipe and --source out")
        if id_column is None or label_column is None:
            raise click.UsageError("--from needs --id COL and --label COL")
        name = _from_sample(folder, sample, id_column, label_column, task)
        project.write_settings(folder, name, sample, False, date.today())
    else:
        if id_column or label_column or task:
            raise click.UsageError("--id, --label and --task go with --from PATH")
        generated = _from_recipe(folder, recipe or "profiles", source)
        if not generated and not source:
            click.echo(f"next: set source in {folder / PROJECT_FILE}, then {_run(folder)}", err=True)
            return
    click.echo(f"next: {_run(folder)}", err=True)


def _from_recipe(folder: Path, name: str, source: str | None) -> bool:
    """Copies a recipe and writes the settings; returns whether its rows are generated."""
    made = project.copy_recipe(name, folder)
    generated = source is None and made.source_generator is not None
    project.write_settings(folder, name, source, generated, date.today())
    click.echo(f"made {folder}: recipe {name} in {made.folder}", err=True)
    return generated


def _from_sample(folder: Path, sample: str, id_column: str, label_column: str, task: str | None) -> str:
    """Has a recipe proposed for a file and written; tells what was found; returns the recipe's name."""
    from agecli.scaffold import propose, write

    proposal = propose(sample, id_column, label_column, task)
    for line in write(proposal, folder / "queries" / proposal.name):
        click.echo(line, err=True)
    return proposal.name


def _run(folder: Path) -> str:
    return "agecli run --all" if folder == Path() else f"agecli -C {shlex.quote(str(folder))} run --all"
