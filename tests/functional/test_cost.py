"""What a run will cost, what one query will, what a run really used, and the limit that keeps one from starting."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from agecli.cli import main
from agecli.cost import prices
from agecli.workspace import Workspace
from tests.functional.conftest import ok

counted = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the bytes that a process reads")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A project in which nothing has run, not even the profiles are there."""
    place = tmp_path_factory.mktemp("fresh") / "project"
    ok("init", place)
    return place


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A project whose one run went through."""
    place = tmp_path_factory.mktemp("done") / "project"
    ok("init", place)
    ok("-C", place, "run", "--all", "--synth-rows", 12_000, "--batch-rows", 2_048, "--workers", 2)
    with (place / "agecli.toml").open("a") as file:
        file.write("\nsynth_rows = 12000\nbatch_rows = 2048\nworkers = 2\n")
    return place


@pytest.fixture
def ask(capsys):
    """Runs `agecli cost` here; gives the exit code, stdout and stderr."""

    def run(place, *words):
        code = main(["-C", str(place), *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def answer(ask):
    """The JSON of a command that must succeed."""

    def run(place, *words):
        code, out, err = ask(place, *words, "--output", "json")
        assert code == 0, err
        return json.loads(out)

    return run


def in_order(amount):
    return 0 <= amount["low"] <= amount["expected"] <= amount["high"]


def test_a_run_is_priced_by_query_service_and_stage(done, answer):
    found = answer(done, "cost")
    assert {"queries", "services", "total", "assumptions"} <= set(found)
    for query in found["queries"]:
        assert {"name", "tables", "columns", "bytes", "label", "usd"} <= set(query)
        assert query["low"] <= query["bytes"] <= query["high"]
    names = {service["name"] for service in found["services"]}
    assert {"Athena", "Fargate", "Lambda", "Step Functions", "CloudWatch Logs", "ECR", "VPC endpoints"} <= names
    assert all(in_order(amount) for amount in (*found["services"], *found["stages"], found["total"]))
    for end in ("low", "expected", "high"):
        summed = sum(service[end] for service in found["services"])
        assert summed == pytest.approx(found["total"][end])
        assert sum(stage[end] for stage in found["stages"]) == pytest.approx(summed)
    assert found["per_million_rows"]["expected"] == pytest.approx(found["total"]["expected"] / 0.012)
    assert all(line["source"].startswith("https://") for line in found["prices"])
    assert any("of this workspace" in said for said in found["assumptions"])


def test_each_query_costs_the_minimum_at_least(done, answer):
    for query in answer(done, "cost")["queries"]:
        assert query["usd"] >= 0.00005


def test_what_is_not_there_yet_is_an_estimate_and_says_so(fresh, answer):
    found = answer(fresh, "cost")
    assert {query["label"] for query in found["queries"]} == {"estimate"}
    assert any("not there yet" in said for said in found["assumptions"])
    assert any("shipped benchmark" in said for said in found["assumptions"])


def test_more_rows_cost_more_and_no_less_than_in_proportion_to_the_scan(done, answer):
    here, scaled = answer(done, "cost"), answer(done, "cost", "--rows", 12_000_000)
    assert scaled["rows"] == 12_000_000
    staging = {found["rows"]: next(q for q in found["queries"] if q["name"] == "staging") for found in (here, scaled)}
    columns = staging[12_000_000]["bytes"] / 1000
    assert columns <= staging[12_000]["bytes"] <= 1.2 * columns  # footers and gaps do not grow with the rows
    assert staging[12_000_000]["label"] == "estimate"
    assert scaled["total"]["expected"] > here["total"]["expected"]


def test_the_cadence_makes_the_year(done, answer):
    quarterly, monthly = answer(done, "cost"), answer(done, "cost", "--cadence", "monthly")
    assert (quarterly["runs_a_year"], monthly["runs_a_year"]) == (4, 12)
    assert quarterly["per_year"]["low"] == pytest.approx(4 * quarterly["total"]["low"])


def test_places_are_compared_and_the_cheapest_and_fastest_marked(done, answer):
    found = answer(done, "cost", "--compare", "--rows", 378_000_000)
    places = {place["place"]: place for place in found["places"]}
    assert len(places) == 5 and any("this machine" in name for name in places)
    assert [sum(place[mark] for place in places.values()) for mark in ("cheapest", "fastest")] == [1, 1]
    assert places["Fargate arm64"]["usd"]["expected"] < places["Fargate x86"]["usd"]["expected"]
    assert places["Fargate Spot x86"]["usd"]["high"] == places["Fargate x86"]["usd"]["high"]
    assert places[found["cheapest"]]["usd"]["expected"] == 0
    assert (
        min(place["minutes"]["expected"] for place in places.values())
        == places[found["fastest"]]["minutes"]["expected"]
    )


def test_one_query_has_bytes_and_a_label(done, answer):
    found = answer(done, "cost", "--sql", "SELECT source, count(*) AS n FROM results GROUP BY source")
    assert found["label"] == "exact"
    assert found["bytes"] > 0
    assert found["columns"] == ["results.source"]
    every = answer(done, "cost", "--sql", "SELECT * FROM results")
    assert every["bytes"] >= found["bytes"]


@pytest.mark.parametrize("form", ["table", "csv", "markdown"])
@pytest.mark.parametrize(
    "words", [(), ("--compare",), ("--sql", "SELECT id FROM source"), ("--actual",), ("--history",)]
)
def test_every_listing_takes_every_form(done, ask, words, form):
    code, out, err = ask(done, "cost", *words, "--output", form)
    assert code == 0, err
    assert len(out.splitlines()) > 1


@counted
def test_a_local_run_stays_within_the_bounds_that_are_labelled(done, answer):
    found = answer(done, "cost", "--actual")
    assert [line["stage"] for line in found["stages"]] == [
        "stage",
        "features",
        "train",
        "batches",
        "predict",
        "aggregate",
    ]
    for line in found["stages"]:
        assert line["bytes_low"] <= line["bytes_read"] <= line["bytes_high"], line
        assert line["within"]
    source = found["stages"][1]  # read within the features
    assert abs(source["error"]) < 0.2
    (past,) = answer(done, "cost", "--history")
    assert past["bytes_read"] == sum(line["bytes_read"] for line in found["stages"])
    assert found["usd"] == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--region", "eu-west-9"), "no prices for region 'eu-west-9'"),
        (("--cadence", "hourly"), "none of daily"),
        (("--sql", "SELECT nothing FROM results"), "nothing"),
        (("--sql", "SELECT id FROM nowhere"), "nowhere"),
        (("--actual", "1999"), "no run '1999'"),
        (("--actual", "--compare"), "only one of"),
        (("--actual", "--rows", "5"), "--rows scales an estimate"),
        (("--rows", "0"), "0"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(done, ask, words, complaint):
    code, _, err = ask(done, "cost", *words)
    assert code == 2
    assert complaint in err


def test_before_the_first_run_there_is_no_actual(fresh, ask):
    code, _, err = ask(fresh, "cost", "--actual")
    assert (code, "no run in" in err) == (2, True)


def test_a_source_that_is_gone_is_named(done, ask, tmp_path):
    code, _, err = ask(done, "cost", "--source", tmp_path / "nowhere.parquet")
    assert (code, "nowhere.parquet" in err) == (2, True)


def test_a_source_without_rows_or_with_a_column_less_is_told_by_name(fresh, done, ask, tmp_path):
    (profiles,) = done.rglob("profiles-00000.parquet")
    rows = pq.read_table(profiles)
    pq.write_table(rows.slice(0, 0), tmp_path / "none.parquet", compression="snappy")
    pq.write_table(rows.drop_columns(["job_title"]), tmp_path / "less.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing that a reader knows PAR1")
    assert ask(fresh, "cost", "--source", tmp_path / "none.parquet")[0] == 0
    code, _, err = ask(fresh, "cost", "--source", tmp_path / "less.parquet")
    assert (code, "no file of source has job_title" in err) == (3, True)
    code, _, err = ask(fresh, "cost", "--source", tmp_path / "broken.parquet")
    assert (code, "broken.parquet" in err) == (3, True)


@counted
def test_a_run_that_was_killed_says_that_it_did_not_end(done, answer, tmp_path):
    place = tmp_path / "killed"
    shutil.copytree(done, place)
    (events,) = place.rglob("events")
    names = sorted(event.name for event in events.iterdir())
    begun = next(name for name in names if json.loads((events / name).read_text()).get("stage") == "train")
    for name in names[names.index(begun) :]:
        (events / name).unlink()
    found = answer(place, "cost", "--actual")
    assert [line["stage"] for line in found["stages"]] == ["stage", "features"]
    assert any("did not end" in note for note in found["notes"])


def test_old_prices_warn_and_broken_ones_stop(done, ask, tmp_path):
    table = tmp_path / "prices.toml"
    table.write_text(prices.SHIPPED.read_text().replace("date = 2026-11-21", "date = 2024-01-01"))
    code, _, err = ask(done, "cost", "--prices", table)
    assert (code, "prices are of 2024-01-01" in err) == (0, True)
    table.write_text(prices.SHIPPED.read_text().replace('source = "https', 'sauce = "https'))
    code, _, err = ask(done, "cost", "--prices", table)
    assert (code, "has no source" in err) == (2, True)


def test_advice_is_computed_and_silent_where_nothing_pays(done, answer):
    found = answer(done, "cost", "--rows", 378_000_000, "--batch-rows", 0)
    advice = {one["kind"]: one for one in found["advice"]}
    assert advice["batches"]["usd_per_run"] > 0
    text = advice["columns"]["text"]
    assert "work_email" in text and "education" not in text  # the one is only asked for its presence
    assert "compression" not in advice  # the source is ZSTD already
    few = {one["kind"] for one in answer(done, "cost")["advice"]}
    assert not few & {"columns", "compression", "row groups", "filtering"}


def test_a_run_that_may_cost_too_much_does_not_start(fresh, ask):
    code, _, err = ask(fresh, "run", "--on", "aws", "--max-usd", "0.01")
    assert code == 5
    assert "expected on AWS" in err and "more than the limit of $0.01" in err
    assert Workspace(fresh / "workspace", "profiles", "2026Q3").run_ids() == []


def test_a_run_on_aws_within_its_limit_cannot_be_started_yet(fresh, ask):
    code, _, err = ask(fresh, "run", "--on", "aws", "--max-usd", "1000")
    assert code == 2
    assert "expected on AWS" in err and "cannot be started there yet" in err


def test_the_limit_is_a_setting_too(fresh, ask, tmp_path):
    place = tmp_path / "limited"
    shutil.copytree(fresh, place)
    with (place / "agecli.toml").open("a") as file:
        file.write("\nmax_usd = 0.01\n")
    assert ask(place, "run", "--on", "aws")[0] == 5


def test_a_run_on_this_machine_costs_nothing_and_says_so(done, ask):
    code, _, err = ask(done, "run", "--all", "--max-usd", "0")
    assert code == 0
    assert "costs nothing" in err


def test_the_plan_for_378_million_rows_is_what_the_readme_says(fresh, ask):
    """The figures rest on the shipped benchmark and prices alone, so they are the same on every machine."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    told = readme.split("cost --rows 378000000\n")[1].split("```")[0]
    code, out, _ = ask(fresh, "cost", "--rows", "378000000")
    assert code == 0
    printed = {" ".join(line.split()) for line in out.splitlines()}
    assert [line for line in told.splitlines() if " ".join(line.split()) not in printed] == []
