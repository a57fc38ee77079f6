"""Every command is documented where people look: in its help, in the group's, and in the README."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from agecli.cli import main
from agecli.cli.group import COMMANDS, MODULES, cli
from agecli.cli.session import Session
from agecli.config import SETTINGS

README = Path(__file__).parents[2] / "README.md"
SHORT = {name: text for section in COMMANDS.values() for name, text in section.items()}
every_command = pytest.mark.parametrize("name", sorted(MODULES))


def help_of(capsys, *typed: str) -> str:
    assert main([*typed, "--help"]) == 0
    return capsys.readouterr().out


def command_of(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli, obj=Session([])), name)
    assert command is not None
    return command


@every_command
def test_every_help_has_an_example_of_that_command(capsys, name):
    text = help_of(capsys, name)
    example = text.partition("Example:\n")[2]
    assert re.search(rf"^ +(AGECLI_\w+=\S+ )?agecli {name}\b", example, re.MULTILINE)


@every_command
def test_the_group_and_the_command_say_the_same_in_one_line(name):
    docstring = command_of(name).help or ""
    assert docstring.splitlines()[0] == SHORT[name]


@every_command
def test_every_option_is_explained(name):
    for parameter in command_of(name).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@every_command
def test_examples_use_options_that_are_there(name):
    known = {flag for parameter in command_of(name).params for flag in parameter.opts}
    example = (command_of(name).help or "").partition("Example:\n")[2]
    assert set(re.findall(r"(?<= )--[a-z-]+", example)) <= known


@every_command
def test_short_help_is_there_too(capsys, name):
    assert main([name, "-h"]) == 0
    assert "Usage: agecli" in capsys.readouterr().out


def test_the_readme_lists_the_commands_as_the_help_does():
    listed = dict(re.findall(r"^\| `agecli (\w+)[^|]*\| (.+?) \|$", README.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == SHORT


def test_the_readme_lists_all_settings_with_their_defaults():
    text = README.read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| `(\w+)` \| (.*?) ?\| .* \|$", text, re.MULTILINE))
    for setting in SETTINGS:
        assert ("*" in shown[setting.name]) == setting.decides
        if setting.default:
            assert shown[setting.name].removeprefix("* ") == str(setting.default)


def test_every_setting_is_a_flag_of_run(capsys):
    text = help_of(capsys, "run")
    for setting in SETTINGS:
        if setting.name != "log_format":  # a global option
            assert f"--{setting.name.replace('_', '-')}" in text


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    assert "Example:" in capsys.readouterr().out


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert re.fullmatch(r"agecli \d+\.\d+\.\d+\n", capsys.readouterr().out)
