"""What `agecli init --from` leaves out of a recipe, and what it refuses: it says which, why, and what to do."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agecli.errors import AgecliError, ConfigError, DataError
from agecli.models import survey
from agecli.scaffold import labels, propose
from tests.functional.conftest import agecli
from tests.functional.foreign_files import simple, tables, write_csv


def test_what_is_of_no_use_is_left_out_and_said(tmp_path) -> None:
    rng = random.Random(6)
    header = ["row", "uuid", "same", "nothing", "note", "mail", "size", "price", "price_eur", "expensive"]
    rows: list[list[object]] = []
    for number in range(400):
        size = rng.uniform(1, 9)
        price = size**2 + rng.gauss(0, 9) + 20
        mail = f"u{number}@example.org" if rng.random() < 0.5 else ""
        note = " ".join(rng.choice(["good", "bad", "very", "so so", "quite"]) for _ in range(rng.randrange(3, 9)))
        rows.append(
            [
                number,
                uuid.UUID(int=number),
                "x",
                "",
                note + str(number),
                mail,
                size,
                price,
                round(price * 0.92, 1),
                price > 45,
            ]
        )
    source = write_csv(tmp_path / "things.csv", header, rows)

    proposal = propose(source, "uuid", "price")
    tables(proposal, source, tmp_path)

    assert {name for name in proposal.features if not name.startswith("note_has_")} == {
        "note_length",
        "note_words",
        "has_mail",
        "size",
    }
    assert {"note_has_good", "note_has_very"} <= {*proposal.features}
    assert proposal.left_out["row"].startswith("an identifier")
    assert proposal.left_out["same"] == "the same value in every row"
    assert proposal.left_out["nothing"] == "always empty"
    assert "explains" in proposal.left_out["price_eur"]
    assert proposal.left_out["expensive"] == "it cuts the label into ranges that do not overlap"
    said = "\n".join(proposal.notes) + proposal.recipe_toml
    assert all(name in said for name in proposal.left_out)
    assert "u17@example.org" not in said + proposal.staging_sql


def test_what_is_left_out_for_one_reason_takes_one_line(tmp_path) -> None:
    proposal = propose(simple(tmp_path, **{f"c{n}": ["same"] * 60 for n in range(20)}), "id", "y")
    assert "left out 20, from c0 to c19: the same value in every row" in proposal.notes
    assert "#   c7: the same value in every row" in proposal.recipe_toml


def test_the_parts_of_a_date_that_gives_the_label_away_leave_with_it(tmp_path) -> None:
    label = [n * 37 % 400 for n in range(200)]
    born = [(dt.date(2020, 1, 1) + dt.timedelta(days=days)).isoformat() for days in label]
    rows: list[list[object]] = [[n, *pair, n * 7 % 11] for n, pair in enumerate(zip(born, label, strict=True))]
    proposal = propose(write_csv(tmp_path / "t.csv", ["id", "born", "y", "x"], rows), "id", "y")
    assert list(proposal.features) == ["x"]
    assert proposal.left_out["born_month"] == "it comes of the same value as born_days_ago"


def test_why_a_column_of_parquet_cannot_be_read_is_said(tmp_path) -> None:
    table = pa.table({"id": range(60), "x": [n * 37 % 11 for n in range(60)], "y": [n % 3 / 7 for n in range(60)]})
    table = table.append_column("big", pa.array(range(60), pa.uint64())).append_column("none", pa.nulls(60))
    pq.write_table(table, tmp_path / "t.parquet")
    left_out = propose(str(tmp_path / "t.parquet"), "id", "y").left_out
    assert left_out == {"big": "Athena has no type for its uint64", "none": "always empty"}
    with pytest.raises(ConfigError, match="Athena has no type for its uint64"):
        propose(str(tmp_path / "t.parquet"), "big", "y")


def test_words_that_are_read_as_not_known_are_said(tmp_path) -> None:
    proposal = propose(simple(tmp_path, y=["prairie", "null", "forest"] * 10 + ["prairie", "NA", ""] * 10), "id", "y")
    said = "y: read as not known: 'NA' (10 rows), 'null' (10 rows); where one is a class, take it out"
    assert said in "\n".join(proposal.notes)
    assert "# read as not known: 'NA' (10 rows)" in proposal.recipe_toml
    assert not any("read as not known" in note for note in propose(simple(tmp_path), "id", "y").notes)


@pytest.mark.parametrize(
    ("columns", "arguments", "kind", "says"),
    [
        ({}, ("nr", "y"), ConfigError, "--id id"),
        ({}, ("id", "yy"), ConfigError, "did you mean"),
        ({}, ("id", "id"), ConfigError, "two columns"),
        ({"id": [n // 2 for n in range(60)]}, ("id", "y"), DataError, "not unique"),
        ({"id": ["" if n == 7 else n for n in range(60)]}, ("id", "y"), DataError, "1 of 60 rows have no 'id'"),
        ({"y": [""] * 60}, ("id", "y"), DataError, "is empty"),
        ({"y": ["a"] * 59 + [""]}, ("id", "y"), DataError, "one value"),
        ({"y": [3] * 60}, ("id", "y"), DataError, "one value"),
        ({"y": [f"w{n * 7}" for n in range(60)]}, ("id", "y", "regression"), ConfigError, "--task classification"),
        ({"y": ["2024-01-05", "2024-02-05"] * 30}, ("id", "y"), ConfigError, "is a date"),
        ({"y": [1.5, 2.5, *[""] * 58]}, ("id", "y"), DataError, "2 of 60 rows looked at have one, 20 are needed"),
        ({"Y": [*range(60)]}, ("id", "Y"), ConfigError, "or rename one of the two"),
        ({"x": [1] * 60}, ("id", "y"), DataError, "no column is left"),
        ({}, ("id", "y", "ranking"), ConfigError, "neither"),
    ],
)
def test_what_cannot_be_used_is_said(columns, arguments, kind, says, tmp_path) -> None:
    with pytest.raises(kind) as caught:
        propose(simple(tmp_path, **columns), *arguments)
    assert says in f"{caught.value} {caught.value.fix}"
    assert caught.value.fix


def test_the_labels_that_are_asked_for_are_those_that_training_needs() -> None:
    assert labels.LEAST_LABELS == survey.MIN_LABELS


def test_a_file_of_id_and_label_alone_is_told_so(tmp_path) -> None:
    with pytest.raises(DataError, match="the file has no others"):
        propose(write_csv(tmp_path / "t.csv", ["id", "y"], [[n, n % 7] for n in range(60)]), "id", "y")


def test_too_many_classes_are_refused(tmp_path) -> None:
    rows: list[list[object]] = [[n, n % 7, f"word{n % 150}"] for n in range(600)]
    source = write_csv(tmp_path / "t.csv", ["id", "x", "y"], rows)
    with pytest.raises(DataError, match=r"too many classes.*do not read as numbers, such as word"):
        propose(source, "id", "y")


def bad_source(tmp_path: Path, what: str) -> str:
    path = tmp_path / "t.csv"
    if what == "empty":
        path.write_text("")
    elif what == "header only":
        path.write_text("id,x,y\n")
    elif what == "no header":
        path.write_text("1,2.5,0.3\n2,3.5,0.4\n")
    elif what == "latin-1":
        path.write_bytes("id,x,y\n1,Köln,3\n".encode("latin-1"))
    elif what == "utf-16":
        path.write_bytes("id,x,y\n1,2,3\n".encode("utf-16"))
    elif what == "truncated parquet":
        path = tmp_path / "t.parquet"
        pq.write_table(pa.table({"id": [1, 2], "y": [1, 2]}), path)
        path.write_bytes(path.read_bytes()[:-20])
    elif what == "json array":
        path = tmp_path / "t.json"
        path.write_text('[{"id": 1, "x": 2, "y": 3},\n {"id": 2, "x": 2, "y": 3}]')
    elif what == "mixed folder":
        path = tmp_path / "mixed"
        path.mkdir()
        (path / "a.csv").write_text("id,x,y\n1,2,3\n")
        (path / "a.jsonl").write_text('{"id": 1}\n')
    elif what == "absent":
        path = tmp_path / "nowhere.csv"
    return str(path)


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("empty", DataError),
        ("header only", DataError),
        ("no header", DataError),
        ("latin-1", DataError),
        ("utf-16", DataError),
        ("truncated parquet", DataError),
        ("json array", DataError),
        ("mixed folder", ConfigError),
        ("absent", ConfigError),
    ],
)
def test_a_source_that_cannot_be_read_is_said(what, kind, tmp_path) -> None:
    with pytest.raises(AgecliError) as caught:
        propose(bad_source(tmp_path, what), "id", "y")
    assert type(caught.value) is kind
    assert caught.value.fix


def test_an_error_of_init_leaves_with_its_code(tmp_path) -> None:
    answer = agecli("init", tmp_path / "p", "--from", simple(tmp_path), "--id", "nr", "--label", "y")
    assert answer.code == 2
    assert "no column 'nr'" in answer.err
