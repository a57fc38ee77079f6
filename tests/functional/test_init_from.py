"""`agecli init --from`: strangers' files become recipes that run unedited, or an error that says what to do.

Most tests here write a small file with one oddity, have a recipe proposed, load it as any other recipe, and run its
SQL over the file with the engine: that every row comes out once, with the features that the recipe lists.
"""

from __future__ import annotations

import csv
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
from agecli.engines import open_engine
from agecli.errors import AgecliError, ConfigError, DataError
from agecli.models import survey
from agecli.pipeline import source as sources
from agecli.scaffold import Proposal, labels, propose, write
from tests.functional.conftest import agecli, ok

AS_OF = "DATE '2024-12-31'"


def write_csv(
    path: Path, header: list[str], rows: list[list[object]], delimiter: str = ",", encoding: str = "utf-8"
) -> str:
    with path.open("w", newline="", encoding=encoding) as file:
        out = csv.writer(file, delimiter=delimiter)
        out.writerow(header)
        out.writerows(rows)
    return str(path)


def write_jsonl(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def tables(proposal: Proposal, source: str, folder: Path) -> tuple[pa.Table, pa.Table]:
    """Writes the recipe and runs its SQL unedited: the rows of staging and of features."""
    write(proposal, folder / "queries" / proposal.name)
    recipe = recipes.load(folder / "queries" / proposal.name)
    table = sources.find(recipe, Path(source)).table
    staging_sql = recipes.render(recipe.sql["staging"], {"source": "source", "as_of": AS_OF})
    features_sql = recipes.render(recipe.sql["features"], {"staging": f"({staging_sql})", "as_of": AS_OF})
    engine = open_engine("duckdb")
    staging = engine.query(staging_sql, {"source": table})
    features = engine.query(features_sql, {"source": table})
    assert features.column_names == ["id", "known_label", "label_source", *recipe.features]
    for name, kind in recipe.features.items():
        assert features.schema.field(name).type == (pa.float64() if kind == "numeric" else pa.string()), name
    assert len(set(features.column("id").to_pylist())) == features.num_rows == staging.num_rows
    return staging, features


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


def test_a_label_whose_name_is_cut_between_quotes(tmp_path) -> None:
    label = "x" * 55 + "'" * 4
    rows = [{"id": f"r{i}", label: float(i % 40), "a": float(i % 40) + i * 7919 % 37} for i in range(400)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    ok("init", tmp_path / "project", "--from", tmp_path / "rows.parquet", "--id", "id", "--label", label)
    ok("-C", tmp_path / "project", "run", "--to", "features")


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


def simple(tmp_path: Path, **columns: list[object]) -> str:
    base: dict[str, list[object]] = {
        "id": [*range(60)],
        "x": [n * 37 % 11 for n in range(60)],
        "y": [n % 3 / 7 for n in range(60)],
    }
    base |= columns
    return write_csv(tmp_path / "t.csv", [*base], [list(row) for row in zip(*base.values(), strict=True)])


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


def test_words_that_are_read_as_not_known_are_said(tmp_path) -> None:
    proposal = propose(simple(tmp_path, y=["prairie", "null", "forest"] * 10 + ["prairie", "NA", ""] * 10), "id", "y")
    said = "y: read as not known: 'NA' (10 rows), 'null' (10 rows); where one is a class, take it out"
    assert said in "\n".join(proposal.notes)
    assert "# read as not known: 'NA' (10 rows)" in proposal.recipe_toml
    assert not any("read as not known" in note for note in propose(simple(tmp_path), "id", "y").notes)


def test_too_many_classes_are_refused(tmp_path) -> None:
    rows: list[list[object]] = [[n, n % 7, f"word{n % 150}"] for n in range(600)]
    source = write_csv(tmp_path / "t.csv", ["id", "x", "y"], rows)
    with pytest.raises(DataError, match=r"too many classes.*do not read as numbers, such as word"):
        propose(source, "id", "y")


def test_the_parts_of_a_date_that_gives_the_label_away_leave_with_it(tmp_path) -> None:
    label = [n * 37 % 400 for n in range(200)]
    born = [(dt.date(2020, 1, 1) + dt.timedelta(days=days)).isoformat() for days in label]
    rows: list[list[object]] = [[n, *pair, n * 7 % 11] for n, pair in enumerate(zip(born, label, strict=True))]
    proposal = propose(write_csv(tmp_path / "t.csv", ["id", "born", "y", "x"], rows), "id", "y")
    assert list(proposal.features) == ["x"]
    assert proposal.left_out["born_month"] == "it comes of the same value as born_days_ago"


def test_what_is_left_out_for_one_reason_takes_one_line(tmp_path) -> None:
    proposal = propose(simple(tmp_path, **{f"c{n}": ["same"] * 60 for n in range(20)}), "id", "y")
    assert "left out 20, from c0 to c19: the same value in every row" in proposal.notes
    assert "#   c7: the same value in every row" in proposal.recipe_toml


def test_why_a_column_of_parquet_cannot_be_read_is_said(tmp_path) -> None:
    table = pa.table({"id": range(60), "x": [n * 37 % 11 for n in range(60)], "y": [n % 3 / 7 for n in range(60)]})
    table = table.append_column("big", pa.array(range(60), pa.uint64())).append_column("none", pa.nulls(60))
    pq.write_table(table, tmp_path / "t.parquet")
    left_out = propose(str(tmp_path / "t.parquet"), "id", "y").left_out
    assert left_out == {"big": "Athena has no type for its uint64", "none": "always empty"}
    with pytest.raises(ConfigError, match="Athena has no type for its uint64"):
        propose(str(tmp_path / "t.parquet"), "big", "y")


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


def test_the_titanic_by_its_own_files(real_data, tmp_path) -> None:
    source = str(real_data / "titanic" / "*.csv")
    proposal = propose(source, "PassengerId", "Survived")
    _, features = tables(proposal, source, tmp_path)
    assert proposal.task == "classification"
    assert {"sex", "pclass", "age", "fare", "embarked", "has_cabin"} <= {*proposal.features}
    assert features.num_rows == 1309
    assert features.column("known_label").null_count == 418


def test_a_second_init_does_not_overwrite_a_recipe(flats, tmp_path) -> None:
    first = propose(flats, "Wohnung Nr.", "Miete")
    write(first, tmp_path / "queries" / "flats")
    with pytest.raises(ConfigError, match="already"):
        write(first, tmp_path / "queries" / "flats")


def test_an_error_of_init_leaves_with_its_code(tmp_path) -> None:
    answer = agecli("init", tmp_path / "p", "--from", simple(tmp_path), "--id", "nr", "--label", "y")
    assert answer.code == 2
    assert "no column 'nr'" in answer.err


def test_packed_text_is_read(tmp_path) -> None:
    plain = Path(simple(tmp_path))
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert propose(str(packed), "id", "y").features == {"x": "numeric"}
