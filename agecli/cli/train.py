"""`agecli train`: one stage of the pipeline."""

from __future__ import annotations

from agecli.cli import output
from agecli.cli.group import command
from agecli.cli.options import output_option, place_option, stage_options, with_settings
from agecli.cli.running import run_stages
from agecli.config import Settings


@command("train")
@stage_options
@place_option
@output_option
@with_settings()
def train(settings: Settings, force: bool, dry_run: bool, place: str, form: str) -> None:
    """Train the model and measure it.

    Baseline, point model, spread model and conformal interval, measured on rows that no model saw. JSON has the
    whole model card; CSV and Markdown have its figures, each with an interval.

    \b
    Example:
      agecli train
      agecli train --force --seed 7
      agecli train --folds 5 --repeats 3
      agecli train --output json
      agecli train --max-train-rows 500000
      agecli train --param max_depth=8 --param eta=0.3
      agecli train --features career_years,skills,job_level
    """
    manifest = run_stages(settings, ("train",), place=place, force=force, dry_run=dry_run, form=form, tell=False)
    facts = manifest.facts() if manifest is not None else {}
    if "model" in facts and form != "table":
        _tell(settings, facts["model"], facts.get("training"), form)


def _tell(settings: Settings, digest: str, training: str | None, form: str) -> None:
    """The whole card as JSON, or its figures as a listing."""
    from agecli.pipeline.graph import card_of
    from agecli.pipeline.tables import open_workspace

    workspace, _ = open_workspace(settings)
    card = card_of(workspace, digest, training)
    if form == "json":
        output.emit_object(card)
        return
    figures = card.get("evaluation", {}).get("figures", {})
    rows = [{"of": role, "figure": name, **found} for role, told in figures.items() for name, found in told.items()]
    output.emit(rows, ("of", "figure", "value", "low", "high"), form)
