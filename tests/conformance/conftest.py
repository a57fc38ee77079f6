"""Measures the golden values, and the further ones, once per process, and prints the counts at the end of every run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import measure
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> list[measure.Result]:
    """The verdict on every golden value."""
    content = measure.load(HERE / "golden.json")
    return measure.measure(content, measure.embedded(), tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="session")
def further(tmp_path_factory: pytest.TempPathFactory) -> list[measure.Result]:
    """The verdict on every value of the further expressions, of all files of them."""
    ask, folder = measure.embedded(), tmp_path_factory.mktemp("further")
    files = sorted((HERE / "further").glob("*.json"))
    return [result for file in files for result in measure.measure(measure.load(file), ask, folder)]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = sorted(set(_conformance_lines(terminalreporter)))
    if lines:
        terminalreporter.section("conformance with Trino")
        for line in lines:
            terminalreporter.write_line(line)


def _conformance_lines(terminalreporter: Any) -> Iterator[str]:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            yield from (value for name, value in report.user_properties if name == "conformance")
