"""`agecli synth`: made-up profiles, with the error that no model can beat."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from agecli.cli import output
from agecli.cli.group import command
from agecli.cli.options import output_option


@command("synth")
@click.option("--rows", type=click.IntRange(min=1), required=True, metavar="N", help="How many profiles.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=42, show_default=True, metavar="S", help="Same seed, same rows."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="The folder for the files.")
@output_option
def synth(rows: int, seed: int, out: Path, form: str) -> None:
    """Generate profiles to try things on.

    Prints the rates of everything malformed that was put in, and the mean absolute error of the best possible guess.

    \b
    Example:
      agecli synth --rows 100000 --seed 42 --out data/profiles
    """
    from agecli.synth import generate

    with click.progressbar(length=rows, label="profiles", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        report = generate(rows, seed, out, progress=lambda done: bar.update(done - bar.pos))
    facts = report.to_json()
    if form == "json":
        output.emit_object(facts)
    else:
        listed = [{"fact": name, "value": value} for name, value in _flat(facts)]
        output.emit(listed, ("fact", "value"), form)


def _flat(facts: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = []
    for name, value in facts.items():
        pairs += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return pairs
