"""The services of a run: what each line is made of, what grows with what, and what a run used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agecli import recipe as recipes
from agecli.cost import compare, prices, rates, services, work
from agecli.cost.compute import Range
from agecli.cost.scan import Planned
from agecli.events import BATCH_FINISHED, STAGE_FINISHED, Event
from agecli.executors.usage import Meter


@pytest.fixture
def virginia():
    return prices.load().region("us-east-1")


@pytest.fixture
def job():
    """A million profiles in ten batches, as the shipped benchmark would have them."""
    recipe = recipes.load(recipes.shipped() / "profiles")
    sizes = {"source": 260e6, "staging": 44e6, "features": 45e6, "predictions": 29e6, "results": 34e6}
    tables = {name: Planned((), 1_000_000, {}, "a test") for name in sizes}
    return work.Work(
        recipe=recipe,
        rows=1_000_000,
        measured=1_000_000,
        tables=tables,
        queries=(),
        sizes=sizes,
        batches=10,
        labelled=370_000,
        most_labelled=2_000_000,
        rates=rates.shipped(),
        runs_a_year=4,
        assumptions=(),
    )


def line(estimate, service, stage=None):
    (found,) = [one for one in estimate.lines if one.service == service and stage in (None, one.stage)]
    return found


def test_transitions_are_three_a_stage_and_four_a_batch(job, virginia):
    found = line(services.estimate(job, virginia), "Step Functions")
    assert found.quantity == "61 transitions"
    assert found.usd.expected == pytest.approx((7 * 3 + 10 * 4) * 0.000025)
    assert found.usd.high == pytest.approx((7 * 6 + 10 * 8) * 0.000025)


def test_a_batch_is_billed_from_the_download_of_its_image(job, virginia):
    """Ten batches of 57 s of download and little work: each is billed as a minute and some seconds at least."""
    usd = line(services.estimate(job, virginia), "Fargate", "predict").usd
    minute = 10 * (0.04048 + 2 * 0.004445) / 60
    assert minute <= usd.low <= usd.expected <= 1.1 * minute
    assert usd.high > 2 * minute


def test_twice_the_rows_in_twice_the_batches_cost_twice_to_predict(job, virginia):
    once = line(services.estimate(job, virginia), "Fargate", "predict").usd
    twice = line(services.estimate(replace(job, rows=2_000_000, batches=20), virginia), "Fargate", "predict").usd
    assert twice.expected == pytest.approx(2 * once.expected)


def test_training_does_not_grow_beyond_the_labels_that_it_takes(job, virginia):
    def seconds(labelled):
        return line(services.estimate(replace(job, labelled=labelled), virginia), "Fargate", "train").usd.expected

    assert seconds(370_000) < seconds(2_000_000) == seconds(200_000_000)


def test_storage_is_paid_until_the_next_run(job, virginia):
    quarterly = line(services.estimate(job, virginia), "S3 storage").usd
    monthly = line(services.estimate(replace(job, runs_a_year=12), virginia), "S3 storage").usd
    assert quarterly.expected == pytest.approx(0.152 * 0.023 * 3)
    assert quarterly.expected == pytest.approx(3 * monthly.expected)


def test_endpoints_stand_all_month_or_are_taken_down(job, virginia):
    found = services.estimate(job, virginia)
    assert found.standing_total.expected == pytest.approx(5 * 2 * 730 * 0.01)
    assert found.per_month.low == pytest.approx(found.total.low / 3)
    assert found.per_month.expected == pytest.approx(found.total.expected / 3 + 73)


def test_lambda_is_ruled_out_where_a_batch_takes_longer_than_it_may(job, virginia):
    huge = replace(job, rows=4_000_000_000, batches=10)
    options = {option.name: option for option in compare.compare(huge, virginia, 2)}
    assert any("Lambda ends after 900" in note for note in options["Lambda x86"].notes)
    assert not options["Lambda x86"].fastest


def test_more_cores_make_the_local_machine_faster_and_no_dearer(job):
    two, eight = (compare.local_minutes(job, cores) for cores in (2, 8))
    assert eight.expected < two.expected
    assert two.low <= two.expected <= two.high


def test_every_line_is_in_order(job, virginia):
    for place in services.PLACES:
        for found in services.estimate(job, virginia, place).lines:
            assert 0 <= found.usd.low <= found.usd.expected <= found.usd.high, found


def test_the_use_of_batches_adds_up_and_an_unknown_stays_unknown():
    def event(kind, stage, read, memory):
        used = {"bytes_read": read, "bytes_written": 1, "bytes_loaded": 0, "cpu_seconds": 0.5, "wall_seconds": 1.0,
                "peak_memory": memory}  # fmt: skip
        return Event(kind, "run", stage, data={"used": used})

    events = [event(BATCH_FINISHED, "predict", 100, 7), event(BATCH_FINISHED, "predict", 50, 9),
              event(STAGE_FINISHED, "train", None, 5), Event(STAGE_FINISHED, "run", "predict", data={"rows": 3}),
              ]  # fmt: skip
    found = rates.usage_by_stage(events)
    assert (found["predict"]["bytes_read"], found["predict"]["cpu_seconds"]) == (150, 1.0)
    assert (found["predict"]["peak_memory"], found["predict"]["parts"]) == (9, 2)
    assert found["train"]["bytes_read"] is None
    unknown = rates.usage_by_stage(
        [event(BATCH_FINISHED, "predict", 100, 7), event(BATCH_FINISHED, "predict", None, 9)]
    )
    assert unknown["predict"]["bytes_read"] is None


def test_the_meter_counts_the_bytes_that_are_read(tmp_path):
    file = tmp_path / "rows"
    file.write_bytes(bytes(3_000_000))
    meter = Meter.start("none of the stages")
    file.read_bytes()
    used = meter.used()
    assert used["bytes_read"] is None or 3_000_000 <= used["bytes_read"] < 3_100_000
    assert used["cpu_seconds"] >= 0 and used["peak_memory"] > 1_000_000


def test_a_range_never_falls_below_a_floor():
    assert Range(1, 5, 9).least(4) == Range(4, 5, 9)
