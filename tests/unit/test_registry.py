"""The registry: entries that only grow, the state they lead to, writers side by side, and files that are none of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.errors import ConfigError, DataError, GateRefused
from agecli.models.registry import APPROVED, PENDING, REJECTED, Entry, Note, fold, moment
from agecli.models.registry_folder import FolderRegistry

ANN = Note("ann", "because")


def model(number: int) -> dict[str, object]:
    return {"digest": f"{number:064x}", "task": "regression", "metrics": {"model": {"mae": 1.0}}, "inputs": []}


@pytest.fixture
def registry(tmp_path):
    """Three versions, none approved."""
    found = FolderRegistry(tmp_path / "registry")
    for number in (1, 2, 3):
        found.register(model(number), ANN)
    return found


def promote(registry: FolderRegistry, version: str, alias: str = "production") -> None:
    registry.promote(version, alias, ANN, fold(registry.entries()).holder(alias))


def stages(registry: FolderRegistry) -> list[str]:
    return [version.stage for version in fold(registry.entries()).versions.values()]


def test_a_model_is_registered_once(registry):
    assert registry.register(model(2), Note("bob")).name == "v2"
    assert len(registry.entries()) == 3
    assert registry.register(model(4), ANN).name == "v4"


def test_an_entry_tells_who_when_why_whence_and_where_to(registry):
    registry.decide("v2", APPROVED, Note("bob", "looked at it"))
    promote(registry, "v2")
    told = registry.entries()[-2].to_json()
    assert (told["by"], told["reason"], told["from"], told["to"]) == ("bob", "looked at it", PENDING, APPROVED)
    assert datetime.fromisoformat(told["at"]).utcoffset() == timedelta()
    assert registry.entries()[-1].to_json()["detail"]["instead_of"] is None


def test_a_second_reason_for_the_same_is_recorded(registry):
    for reason in ("looked at it", "", "looked again"):
        registry.decide("v2", APPROVED, Note("bob", reason))
    assert [entry.reason for entry in registry.entries()[3:]] == ["looked at it", "looked again"]


def test_one_version_is_in_each_place_and_the_others_are_archived(registry):
    promote(registry, "v1")
    promote(registry, "v2", "staging")
    assert stages(registry) == ["production", "staging", "archived"]
    promote(registry, "v2")
    assert stages(registry) == ["archived", "production", "archived"]


def test_rolling_back_goes_further_back_each_time(registry):
    for version in ("v1", "v2", "v3"):
        promote(registry, version)
    assert registry.rollback("production", ANN).name == "v2"
    assert registry.rollback("production", ANN).name == "v1"
    with pytest.raises(ConfigError, match="no other version"):
        registry.rollback("production", ANN)


def test_rolling_back_passes_over_what_was_rejected(registry):
    for version in ("v1", "v2", "v3"):
        promote(registry, version)
    registry.decide("v2", REJECTED, ANN)
    assert registry.rollback("production", ANN).name == "v1"


def test_what_is_in_use_is_not_rejected_and_what_is_rejected_is_not_promoted(registry):
    promote(registry, "v1")
    with pytest.raises(ConfigError, match="it is in production"):
        registry.decide("v1", REJECTED, ANN)
    registry.decide("v2", REJECTED, ANN)
    with pytest.raises(GateRefused) as caught:
        promote(registry, "v2", "staging")
    assert caught.value.exit_code == 8


def test_production_is_not_emptied_by_way_of_staging(registry):
    promote(registry, "v1", "staging")
    promote(registry, "v1")
    promote(registry, "v2", "staging")
    with pytest.raises(GateRefused, match="it is in production"):
        promote(registry, "v1", "staging")
    with pytest.raises(ConfigError, match="no other version"):  # v1 held staging, and is in production now
        registry.rollback("staging", ANN)
    assert stages(registry) == ["production", "staging", "archived"]


def test_who_left_production_empty_is_still_the_measure(registry):
    assert fold(registry.entries()).measure("production") is None
    promote(registry, "v1")
    registry.promote("v1", "staging", Note("ann", "a trial", {"overridden": True}), None)
    state = fold(registry.entries())
    assert state.holder("production") is None and state.measure("production") == "v1"


def test_a_promotion_that_was_judged_against_another_version_is_refused(registry):
    promote(registry, "v1")
    with pytest.raises(ConfigError, match="meanwhile"):
        registry.promote("v2", "production", ANN, None)


def test_the_past_can_be_told(registry):
    for version in ("v1", "v2"):
        promote(registry, version)
    first, second = registry.entries()[-2:]
    assert fold(registry.entries(), first.at).holder("production") == "v1"
    assert fold(registry.entries(), second.at).holder("production") == "v2"
    assert fold(registry.entries(), first.at - timedelta(microseconds=1)).holder("production") is None


def test_a_day_is_meant_to_its_end_and_a_time_is_utc():
    assert moment("2026-03-03") == datetime(2026, 3, 3, 23, 59, 59, 999999, UTC)
    assert moment("2026-W10") == datetime(2026, 3, 8, 23, 59, 59, 999999, UTC)
    assert moment("2026-W10-2") == moment("2026-03-03")
    assert moment("2026-03-03T12:00") == datetime(2026, 3, 3, 12, tzinfo=UTC)
    assert moment("2026-03-03T12:00+02:00") == datetime(2026, 3, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "9999-12-31T23:00-05:00"])
def test_what_is_no_moment_is_named(text):
    with pytest.raises(ConfigError, match="cannot read the moment"):
        moment(text)


@pytest.mark.parametrize(("wanted", "named"), [("v9", "v3"), ("2", "v2"), ("prodction", "production"), ("V1", "v1")])
def test_an_unknown_version_names_the_nearest(registry, wanted, named):
    promote(registry, "v1")
    with pytest.raises(ConfigError) as caught:
        fold(registry.entries()).find(wanted)
    assert caught.value.fix == f"did you mean {named}?"


def test_an_alias_that_nobody_holds_and_an_empty_registry_are_told(registry, tmp_path):
    with pytest.raises(ConfigError, match="nothing is in staging"):
        fold(registry.entries()).find("staging")
    with pytest.raises(ConfigError, match="the registry is empty"):
        fold(FolderRegistry(tmp_path / "none").entries()).find("v1")


WRITER = """
import sys
from pathlib import Path
from agecli.models.registry import Note
from agecli.models.registry_folder import FolderRegistry
registry = FolderRegistry(Path(sys.argv[1]))
for number in range(20):
    registry.register({"digest": f"{sys.argv[2]}{number:063x}", "task": "regression"}, Note(sys.argv[2]))
"""


def test_writers_at_once_lose_nothing(tmp_path):
    place = tmp_path / "registry"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, place, letter]) for letter in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    registry = FolderRegistry(place)
    assert [entry.number for entry in registry.entries()] == list(range(1, 61))
    state = fold(registry.entries())
    assert list(state.versions) == [f"v{number}" for number in range(1, 61)]
    assert len({version.digest for version in state.versions.values()}) == 60
    assert not registry.warnings() and not state.warnings
    assert not list(place.glob("_tmp-*"))


def test_where_the_file_system_has_no_links_a_taken_number_is_respected(registry, monkeypatch):
    def refuse(source, target):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert registry.register(model(4), ANN).name == "v4"
    assert [entry.number for entry in registry.entries()] == [1, 2, 3, 4]


GOOD = Entry(2, "approve", "v1", datetime(2026, 3, 3, tzinfo=UTC), "ann", "", PENDING, APPROVED).to_json()
HOSTILE = {
    "torn": '{"number": 2, "kind": "appr',
    "empty": "",
    "a list": "[]",
    "deep": "[" * 100_000,
    "another number": json.dumps({**GOOD, "number": 7}),
    "an unknown kind": json.dumps({**GOOD, "kind": "delete"}),
    "a version that is a path": json.dumps({**GOOD, "version": "../../v1"}),
    "a time without a zone": json.dumps({**GOOD, "at": "2026-03-03T00:00:00"}),
    "an approval in place of a stage": json.dumps({**GOOD, "kind": "promote"}),
    "a digest that is a path": json.dumps({**GOOD, "kind": "register", "to": PENDING, "detail": {"digest": "../x"}}),
    "a model without a task": json.dumps({**GOOD, "kind": "register", "to": PENDING, "detail": {"digest": "0" * 64}}),
    "a schema of numbers": json.dumps(
        {**GOOD, "kind": "register", "to": PENDING, "detail": {**model(9), "inputs": [{"name": 1, "type": 2}]}}
    ),
    "figures that are a text": json.dumps(
        {**GOOD, "kind": "register", "to": PENDING, "detail": {**model(9), "metrics": "x"}}
    ),
    "who is a number": json.dumps({**GOOD, "by": 7}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_an_entry_that_cannot_be_read_is_told_and_stops_writers(registry, content):
    (registry.folder / "00000002.json").write_text(content)
    assert [entry.number for entry in registry.entries()] == [1, 3]
    (warning,) = registry.warnings()
    assert "00000002.json" in warning
    with pytest.raises(DataError, match="takes no entry"):
        registry.register(model(4), ANN)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this file system")
def test_a_pipe_or_a_link_in_place_of_an_entry_is_not_opened(registry):
    (registry.folder / "00000002.json").unlink()
    os.mkfifo(registry.folder / "00000002.json")
    (registry.folder / "00000004.json").symlink_to("/dev/zero")
    assert [entry.number for entry in registry.entries()] == [1, 3]
    assert len(registry.warnings()) == 2


def test_a_file_of_somebody_else_is_left_alone(registry):
    (registry.folder / "notes.txt").write_text("mine")
    assert "notes.txt" in registry.warnings()[0]
    assert registry.register(model(4), ANN).name == "v4"


def test_an_entry_that_is_gone_is_missed(registry):
    (registry.folder / "00000002.json").unlink()
    assert "lacks entries: 2" in registry.warnings()[0]
    state = fold(registry.entries())
    assert list(state.versions) == ["v1", "v3"]


def test_an_entry_about_a_version_that_never_was_does_not_count():
    state = fold([Entry(1, "approve", "v5", datetime.now(UTC), "ann", "", PENDING, APPROVED)])
    assert not state.versions and "cannot approve v5" in state.warnings[0]


moves = st.lists(
    st.tuples(st.sampled_from(["promote", "rollback"]), st.integers(1, 4), st.sampled_from(["staging", "production"]))
)


@given(moves)
def test_whatever_is_done_each_place_has_one_version_and_each_version_one_place(steps):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    entries = [Entry(n, "register", f"v{n}", at, "ann", "", None, PENDING, model(n)) for n in range(1, 5)]
    entries += [
        Entry(5 + n, kind, f"v{version}", at, "ann", "", None, alias) for n, (kind, version, alias) in enumerate(steps)
    ]
    state = fold(entries)
    for alias in ("staging", "production"):
        holders = [name for name, version in state.versions.items() if version.stage == alias]
        assert holders == [name for name in [state.holder(alias)] if name]
    if steps:
        assert state.holder(steps[-1][2]) == f"v{steps[-1][1]}"
    assert [Entry.from_json(json.loads(json.dumps(entry.to_json()))) for entry in entries] == entries
