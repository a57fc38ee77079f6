"""Lint, format and types, so that running the tests checks all that CI checks."""

from __future__ import annotations

import configparser
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def check(module: str, *arguments: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: pip install -e '.[test]'")
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing():
    check("ruff", "check", "--no-cache", ".")


def test_the_code_is_formatted():
    check("ruff", "format", "--no-cache", "--check", ".")


def test_types_hold():
    check("mypy")


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(inline_comment_prefixes=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_package_is_shipped():
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "agecli").rglob("__init__.py")}
    listed = set(setup_cfg()["options"]["packages"].split())
    assert listed == {folder.replace("/", ".") for folder in folders} | {"agecli.queries"}


@pytest.mark.parametrize("section, key", [("options", "install_requires"), ("options.extras_require", "test")])
def test_every_dependency_has_its_reason(section, key):
    lines = (ROOT / "setup.cfg").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{key} ="))
    previous_is_reason = reason_given = False
    for line in lines[start + 1 :]:
        if not line.startswith("    "):
            break
        is_reason = line.strip().startswith("#")
        # two lines for one package (xgboost here and there) share a reason
        assert is_reason or previous_is_reason or "; sys_platform" in line, f"no reason for {line.strip()}"
        reason_given = reason_given or is_reason
        previous_is_reason = is_reason
    assert reason_given
