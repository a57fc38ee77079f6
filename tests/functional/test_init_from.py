"""`agecli init --from`: strangers' files become recipes that run unedited.

Most tests here write a small file with one oddity, have a recipe proposed, load it as any other recipe, and run its
SQL over the file with the engine: that every row comes out once, with the features that the recipe lists. What init
leaves out or refuses is in test_init_from_refusals.py.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import math
import random
import uuid
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from agecli import recipe as recipes
from agecli.errors import ConfigError
from agecli.scaffold import propose, write
from tests.functional.conftest import ok
from tests.functional.foreign_files import simple, tables, write_csv, write_jsonl


def column(table: pa.Table, name: str) -> list[object]:
    return table.sort_by("id").column(name).to_pylist()


@pytest.fixture
def flats(tmp_path) -> str:
    """Rents of 300 flats as a European spreadsheet saves them."""
    rng = random.Random(1)
    rows = []
    for number in range(300):
        size, city, built = rng.uniform(20, 140), rng.choice(["Köln", "Ulm", "Bonn"]), rng.randrange(1900, 2024)
        rent = size * {"Köln": 14, "Ulm": 11, "Bonn": 12.5}[city] + rng.gauss(0, 60)
        moved = dt.date(2015, 1, 1) + dt.timedelta(days=rng.randrange(3000))
        known = f"{rent:.2f}".replace(".", ",") if rng.random() < 0.8 else ""
        rows.append([
            f"W-{number}", f"{size:.1f}".replace(".", ","), city, built, moved.strftime("%d.%m.%Y"),
            rng.choice(["ja", "nein"]), f"{rent * 12:.0f}", known,
        ])  # fmt: skip
    header = ["Wohnung Nr.", "Größe (m²)", "Ort", "Baujahr", "Einzug", "Balkon", "Jahresmiete", "Miete"]
    return write_csv(tmp_path / "flats.csv", header, rows, delimiter=";", encoding="utf-8-sig")


def test_a_european_csv(flats, tmp_path) -> None:
    proposal = propose(flats, "Wohnung Nr.", "Miete")
    staging, features = tables(proposal, flats, tmp_path)

    assert proposal.task == "regression"
    assert proposal.features["ort"] == "categorical"
    assert {"groe_m2", "baujahr", "einzug_days_ago"} <= {*proposal.features}
    assert "explains" in proposal.left_out["jahresmiete"]
    assert features.num_rows == 300
    assert 40 <= features.column("known_label").null_count <= 80
    assert not any(pc.any(staging.column(name)).as_py() for name in staging.column_names if name.startswith("bad_"))


def test_json_lines_with_objects_in_objects(tmp_path) -> None:
    rng = random.Random(2)
    rows = []
    for number in range(200):
        jobs = [
            {
                "start": f"{rng.randrange(1990, 2020)}-0{rng.randrange(1, 10)}-15",
                "level": rng.choice("ABC"),
                "pay": rng.random(),
            }
            for _ in range(rng.randrange(4))
        ]
        skills = rng.sample(["sql", "python", "law", "golf"], rng.randrange(4))
        person = {"home": {"city": rng.choice(["Rome", "Oslo"]), "rooms": rng.randrange(1, 6)}, "e-mail": None}
        guess = min(2, len(jobs)) if rng.random() < 0.7 else rng.randrange(3)
        label = ["junior", "senior", "boss"][guess] if number % 7 else None
        rows.append({"key": number, "jobs": jobs, "skills": skills, "person": person, "grade": label})
    source = write_jsonl(tmp_path / "people.jsonl", rows)

    proposal = propose(source, "key", "grade")
    _, features = tables(proposal, source, tmp_path)

    assert proposal.task == "classification"
    assert {
        "jobs_start_first_days_ago",
        "jobs_level_last",
        "skills_has_sql",
        "person_home_city",
        "person_home_rooms",
    } <= {*proposal.features}
    assert column(features, "skills_has_sql") == [float("sql" in row["skills"]) for row in rows]
    assert column(features, "jobs_count") == [float(len(row["jobs"])) for row in rows]
    assert column(features, "person_home_city") == [row["person"]["home"]["city"] for row in rows]


def test_malformed_json_is_counted_and_loses_no_row(tmp_path) -> None:
    rng = random.Random(3)
    rows: list[list[object]] = []
    for number in range(150):
        text = json.dumps({"a": rng.random(), "b": [1] * rng.randrange(4)}) if number % 10 else '{a: 1, "b": ['
        rows.append([number, text, rng.random()])
    source = write_csv(tmp_path / "things.csv", ["n", "Details", "y"], rows)

    staging, features = tables(propose(source, "n", "y"), source, tmp_path)

    assert sum(column(staging, "bad_details")) == 15
    assert column(features, "details_a")[::10] == [None] * 15
    assert features.num_rows == 150


def orders(count: int) -> pa.Table:
    """Orders with lists, structs, decimals, time stamps; the label's copy is filled only where the label is."""
    rng = random.Random(4)
    rows = []
    for _ in range(count):
        items = [{"sku": rng.choice("abc"), "price": rng.lognormvariate(2, 0.5)} for _ in range(rng.randrange(6))]
        total = sum(item["price"] for item in items) + rng.gauss(0, 6) if rng.random() < 0.8 else math.nan
        rows.append({
            "order": str(uuid.UUID(int=rng.getrandbits(128))),
            "items": items,
            "buyer": {"city": rng.choice(["Rome", "Oslo"]), "Age": rng.randrange(18, 90)},
            "placed": dt.datetime(2024, 1, 1) + dt.timedelta(hours=rng.randrange(8000)),
            "gift": rng.random() < 0.2,
            "fee": Decimal(rng.randrange(500)).scaleb(-2),
            "raw": b"x",
            "paid": None if math.isnan(total) else round(total * 1.1, 1),
            "total": total,
        })  # fmt: skip
    schema = pa.schema([
        ("order", pa.string()), ("items", pa.list_(pa.struct([("sku", pa.string()), ("price", pa.float32())]))),
        ("buyer", pa.struct([("city", pa.string()), ("Age", pa.int16())])), ("placed", pa.timestamp("ns", "UTC")),
        ("gift", pa.bool_()), ("fee", pa.decimal128(7, 2)), ("raw", pa.binary()), ("paid", pa.float64()),
        ("total", pa.float64()),
    ])  # fmt: skip
    return pa.Table.from_pylist(rows, schema)


def test_nested_parquet_in_hive_partitions(tmp_path) -> None:
    table = orders(400)
    for region, part in (("north", table.slice(0, 150)), ("south", table.slice(150))):
        folder = tmp_path / "orders" / f"region={region}"
        folder.mkdir(parents=True)
        pq.write_table(part, folder / "part.parquet")
    source = str(tmp_path / "orders")

    proposal = propose(source, "order", "total")
    _, features = tables(proposal, source, tmp_path / "made")

    assert {"items_price_sum", "items_sku_last", "buyer_city", "buyer_age", "placed_hour", "gift", "fee", "region"} <= {
        *proposal.features
    }
    assert proposal.left_out["paid"] == "it is filled only where the label is known"
    assert "raw" in proposal.left_out
    assert features.num_rows == 400
    assert features.column("known_label").null_count == sum(math.isnan(v) for v in table.column("total").to_pylist())


def test_packed_text_is_read(tmp_path) -> None:
    plain = Path(simple(tmp_path))
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert propose(str(packed), "id", "y").features == {"x": "numeric"}


def test_names_that_sql_does_not_like(tmp_path) -> None:
    rng = random.Random(5)
    header = [
        "Order",
        "order by",
        "価格",
        "select",
        'say "hi"',
        "known_label",
        "bad_luck",
        "${source}",
        "a",
        "A",
        "Id",
        "Klasse",
    ]
    rows = [
        [number, rng.random(), rng.random(), rng.choice(["it's", '"', "--", "${staging}"]), rng.randrange(9),
         rng.choice("xyz"), rng.random(), 1, rng.random(), rng.random(), rng.random(),
         rng.choice(["ja", "nein", "weiß nicht"])]
        for number in range(120)
    ]  # fmt: skip
    source = write_csv(tmp_path / "1 odd-file.csv", header, rows)

    proposal = propose(source, "Order", "Klasse")
    staging, features = tables(proposal, source, tmp_path)

    assert {"order_by", "field", "select_", "say_hi", "known_label_2", "is_bad_luck", "a"} <= {*proposal.features}
    assert {"${source}", "A"} <= {*proposal.left_out}
    assert column(features, "select_") == [row[3] for row in rows]
    assert [name for name in staging.column_names if name.startswith("bad_")]
    assert recipes.IDENTIFIER.match(proposal.name)


def test_a_label_whose_name_is_cut_between_quotes(tmp_path) -> None:
    label = "x" * 55 + "'" * 4
    rows = [{"id": f"r{i}", label: float(i % 40), "a": float(i % 40) + i * 7919 % 37} for i in range(400)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    ok("init", tmp_path / "project", "--from", tmp_path / "rows.parquet", "--id", "id", "--label", label)
    ok("-C", tmp_path / "project", "run", "--to", "features")


@pytest.mark.parametrize(
    ("labels", "asked", "task"),
    [
        (["0", "1"], None, "classification"),
        (["0", "1", "2"], None, "classification"),
        (["yes", "no"], None, "classification"),
        (["true", "false"], None, "classification"),
        (["1", "2", "3", "4", "5"], None, "regression"),
        (["1", "2", "3", "4", "5"], "classification", "classification"),
        (["3.5", "4.25", "7"], None, "regression"),
        (["$1,200.00", "$900.50", "$3"], None, "regression"),
        (["0", "1"], "regression", "regression"),
    ],
)
def test_the_task_follows_from_the_label(labels, asked, task, tmp_path) -> None:
    rng = random.Random(7)
    rows: list[list[object]] = [[n, rng.random(), rng.choice([*labels, "", "NA"])] for n in range(200)]
    source = write_csv(tmp_path / "t.csv", ["id", "x", "y"], rows)

    proposal = propose(source, "id", "y", asked)
    _, features = tables(proposal, source, tmp_path)

    known = {value for value in features.column("known_label").to_pylist() if value is not None}
    assert proposal.task == task
    if task == "classification":
        assert known == set(labels)
    else:
        assert known == {float(label.replace("$", "").replace(",", "")) for label in labels}


@pytest.mark.parametrize(
    "number", [pa.int64(), pa.int8(), pa.float64(), pa.float32(), pa.decimal128(19, 0), pa.bool_()]
)
def test_classes_may_come_as_typed_numbers(number, tmp_path) -> None:
    rng = random.Random(8)
    labels = pa.array([rng.choice([0, 1, None]) for _ in range(150)]).cast(pa.int64()).cast(number)
    table = pa.table({"id": list(range(150)), "x": [rng.random() for _ in range(150)], "y": labels})
    pq.write_table(table, tmp_path / "t.parquet")
    source = str(tmp_path / "t.parquet")

    _, features = tables(propose(source, "id", "y"), source, tmp_path)

    wanted = {"true", "false"} if pa.types.is_boolean(number) else {"0", "1"}
    assert {*features.column("known_label").to_pylist()} == wanted | {None}


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_large_sources_are_sampled_all_over(ending, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("agecli.scaffold.sampling.ROWS", 1_000)
    rng = random.Random(9)
    count = 20_000
    rows = [
        {"id": f"k{n}", "era": n // 1000, "y": n // 1000 + rng.random() * 30 if n % 50 == 0 else None}
        for n in range(count)
    ]
    path = tmp_path / f"t.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=500)
    elif ending == "csv":
        write_csv(path, ["id", "era", "y"], [list(row.values()) for row in rows])
    else:
        write_jsonl(path, rows)

    proposal = propose(str(path), "id", "y")

    assert "labelled ones" in proposal.notes[0]
    assert "400 of them are labelled" in proposal.notes[1]
    assert proposal.features == {"era": "numeric"}


def test_the_titanic_by_its_own_files(real_data, tmp_path) -> None:
    source = str(real_data / "titanic" / "*.csv")
    proposal = propose(source, "PassengerId", "Survived")
    _, features = tables(proposal, source, tmp_path)
    assert proposal.task == "classification"
    assert {"sex", "pclass", "age", "fare", "embarked", "has_cabin"} <= {*proposal.features}
    assert features.num_rows == 1309
    assert features.column("known_label").null_count == 418


def test_from_a_file_to_results(flats, tmp_path) -> None:
    project = tmp_path / "project"
    said = ok("init", project, "--from", flats, "--id", "Wohnung Nr.", "--label", "Miete").err
    assert "gives the label away" in said

    ok("-C", project, "run", "--all")

    status = ok("-C", project, "status", "--output", "json").json
    assert status["rows_in"] == status["rows_out"] == 300
    assert status["known"] + status["predicted"] == 300
    assert status["metrics"]["model"]["mae"] < status["metrics"]["mean"]["mae"] / 2


def test_real_classes_of_a_stranger(tmp_path) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    wine = datasets.load_wine()
    names = [wine.target_names[code] for code in wine.target]
    rows = [[f"w{n}", *values, "" if n % 9 == 0 else names[n]] for n, values in enumerate(wine.data.tolist())]
    source = write_csv(tmp_path / "wine.csv", ["bottle", *wine.feature_names, "cultivar"], rows, delimiter="\t")
    project = tmp_path / "project"

    ok("init", project, "--from", source, "--id", "bottle", "--label", "cultivar")
    ok("-C", project, "run", "--all")

    status = ok("-C", project, "status", "--output", "json").json
    assert status["task"] == "classification"
    assert status["rows_out"] == len(rows)
    assert status["predicted"] == 20
    assert status["metrics"]["model"]["log_loss"] < status["metrics"]["mean"]["log_loss"] / 2


def test_a_second_init_does_not_overwrite_a_recipe(flats, tmp_path) -> None:
    first = propose(flats, "Wohnung Nr.", "Miete")
    write(first, tmp_path / "queries" / "flats")
    with pytest.raises(ConfigError, match="already"):
        write(first, tmp_path / "queries" / "flats")
