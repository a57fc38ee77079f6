"""The engine against what a real Trino 476 answered: never another answer without a word.

golden.json is what the engine was first held to. The files of the folder `further` have expressions and inputs that
were written and measured before anybody corrected the engine for them, so they also show what is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cells
import measure
import pytest

HERE = Path(__file__).parent

# All cases in one process: they share one measurement.
pytestmark = pytest.mark.xdist_group("golden")


def test_no_golden_value_differs_silently(
    golden: list[measure.Result], record_property: Callable[[str, object], None]
) -> None:
    record_property("conformance", f"golden: {measure.summary(golden)}")
    silent = [(result.sql, *example[1:]) for result in golden for example in result.examples if example[0] == "silent"]
    assert silent == []


def test_no_further_value_differs_silently_or_crashes(
    further: list[measure.Result], record_property: Callable[[str, object], None]
) -> None:
    record_property("conformance", f"further: {measure.summary(further)}")
    values, cases = measure.totals(further)
    assert (sum(values.values()), sum(cases.values())) == (26_471, 1_382)
    wrong = [(r.sql, *example) for r in further for example in r.examples if example[0] in ("silent", "crash")]
    assert wrong == []


def test_nothing_fails_without_an_error_of_its_own(golden: list[measure.Result]) -> None:
    assert [(r.sql, *example) for r in golden for example in r.examples if example[0] == "crash"] == []


def test_enough_golden_values_and_cases_agree(golden: list[measure.Result]) -> None:
    values, cases = measure.totals(golden)
    assert sum(cases.values()) == 328
    assert values["agree"] >= 0.98 * sum(values.values())
    assert cases["agree"] >= 300


# Trino resolves this to the concat of an array and an element; the answer is NULL either way.
OTHER_TYPE = ["SELECT concat('a', NULL)"]


def test_answers_have_the_types_that_trino_names(golden: list[measure.Result]) -> None:
    assert [(r.sql, r.types) for r in golden if r.types and r.sql not in OTHER_TYPE] == []


@pytest.mark.parametrize(
    "path", [HERE / "golden.json", *sorted((HERE / "further").glob("*.json"))], ids=lambda p: p.name
)
def test_every_golden_case_has_a_value_for_each_input_and_a_type(path: Path) -> None:
    content = measure.load(path)
    for case in content["cases"]:
        if "expression" in case:
            assert len(case["values"]) == len(content[case["kind"]])
        for text in [case["type"]] if case.get("type") else case.get("types", []):
            cells.parse_type(text)
