"""`agecli config`: what is set, and where."""

from __future__ import annotations

from agecli.cli import output
from agecli.cli.group import command
from agecli.cli.options import output_option, with_settings
from agecli.cli.output import plain
from agecli.config import SETTINGS, Settings


@command("config")
@output_option
@with_settings(need_project=False)
def config(settings: Settings, form: str) -> None:
    """Show each setting, its value and where it came from.

    A flag wins over an AGECLI_* environment variable, that over agecli.toml, that over the default.

    \b
    Example:
      agecli config
      AGECLI_WORKERS=1 agecli config --memory 2GiB
      AGECLI_PARAM="max_depth=8 eta=0.3" agecli config
    """
    values = settings.to_json()
    rows = [
        {"setting": s.name, "value": values[s.name], "origin": settings.origin[s.name], "meaning": s.help}
        for s in SETTINGS
    ]
    rows += [
        {"setting": key, "value": plain(given.value), "origin": given.origin, "meaning": "of the recipe, for this run"}
        for key, given in settings.overrides.items()
    ]
    output.emit(rows, ("setting", "value", "origin", "meaning"), form)
