"""What a query scans, estimated from footers alone, against what a real Trino physically read.

The corpus holds footers, queries and Trino's figures; `scan_referee` asks Trino again. Neither Trino nor the files are
needed here.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import scan_corpus
import scan_queries

CASES = scan_corpus.cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: re.sub(r"\W+", "-", case.sql)[:80])
def test_no_upper_bound_is_below_trino_and_exact_is_exact(case):
    assert case.holds, f"{case.scan.label} {case.scan.bytes}, Trino read {case.trino:,}"


def test_the_corpus_has_all_its_queries():
    asked = {case.sql for case in CASES}
    assert set(scan_queries.QUERIES) <= asked
    assert len(asked) >= 100


def test_bounds_are_not_loose_where_nothing_can_be_left_out(record_property):
    exact = [case for case in CASES if case.scan.label == "exact"]
    assert len(exact) >= len(CASES) // 4, "a label that is hardly given says nothing"
    record_property("conformance", scan_corpus.report(CASES).replace("\n", "; "))


def test_the_readme_says_what_the_corpus_shows():
    readme = " ".join((Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split())
    exact = [case for case in CASES if case.scan.label == "exact" and case.trino]
    assert all(case.scan.bytes.high == case.trino for case in exact)
    assert f"estimates of {len(CASES)} queries" in readme
    assert f"all {len(exact)} exact figures are Trino's to the byte" in readme


def test_low_expected_and_high_are_in_order():
    for case in CASES:
        assert case.scan.bytes.low <= case.scan.bytes.expected <= case.scan.bytes.high
        assert case.scan.billed.expected >= 10_000_000
        assert case.scan.billed.expected % 1_000_000 == 0
