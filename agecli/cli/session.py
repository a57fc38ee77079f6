"""What holds for one call of `agecli` whatever the command: the project, how to speak, what was typed."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agecli.errors import ConfigError

if TYPE_CHECKING:
    from agecli.config import Settings

PROJECT_FILE = "agecli.toml"


class Session:
    """Filled by the global options while click parses; commands get it as `click.Context.obj`."""

    def __init__(self, arguments: list[str]) -> None:
        self.arguments = arguments
        self.directory: Path | None = None
        self.verbose = False
        self.log_format = os.environ.get("AGECLI_LOG_FORMAT", "text")
        self.log_format_flag: str | None = None
        self.running = False
        self.terminated = False

    @property
    def colour(self) -> bool:
        return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def project(self) -> Path | None:
        """The project's folder: the one given with -C, else the nearest folder upwards with an agecli.toml."""
        if self.directory is not None:
            if not self.directory.is_dir():
                raise ConfigError(f"no folder {self.directory}", "-C names it", f"agecli init {self.directory}")
            return self.directory if (self.directory / PROJECT_FILE).is_file() else None
        here = Path.cwd()
        return next((folder for folder in (here, *here.parents) if (folder / PROJECT_FILE).is_file()), None)

    def settings(self, flags: Mapping[str, Any] | None = None, need_project: bool = True) -> Settings:
        """The resolved settings of the project. Raises ConfigError where a project is needed and there is none."""
        from agecli import config

        project = self.project()
        given = {**(flags or {}), "log_format": self.log_format_flag}
        settings = config.resolve(project or self.directory or Path.cwd(), given)
        if settings["log_format"] not in ("text", "json"):
            raise ConfigError(f"log_format is {settings['log_format']!r}", "it is neither text nor json", "correct it")
        self.log_format = settings["log_format"]
        if need_project and project is None and settings.origin["recipe"] == "default":
            where = self.directory or Path.cwd()
            raise ConfigError(f"no project in {where}", f"{PROJECT_FILE} is not there", "agecli init DIR, then -C DIR")
        return settings

    def command_line(self) -> str:
        """What the user typed, to be typed again."""
        return shlex.join(["agecli", *self.arguments])

    def resume_line(self) -> str:
        """The command that goes on where this one stopped: the same, but what is done is not forced again."""
        return shlex.join(["agecli", *(word for word in self.arguments if word != "--force")])

    def resume_hint(self) -> str:
        """How to go on after an interruption; nothing for commands that only look."""
        return f"what was finished is kept; `{self.resume_line()}` goes on from there" if self.running else ""

    def in_project(self, text: str) -> str:
        """A text whose commands name the project as this command did, so that they can be typed as they stand."""
        if self.directory is None:
            return text
        from agecli.cli.group import MODULES

        names = "|".join(MODULES - {"init", "synth"})
        return re.sub(rf"\bagecli (?=(?:{names})\b)", lambda _: self.hint(""), text)

    def hint(self, rest: str) -> str:
        """A command to type next, for the same project."""
        place = f"-C {shlex.quote(str(self.directory))} " if self.directory is not None else ""
        return f"agecli {place}{rest}"
