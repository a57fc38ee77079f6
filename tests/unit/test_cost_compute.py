"""Arithmetic checked by hand, against worked examples of AWS's price pages and of public cost calculators."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agecli.cost import compute, prices
from agecli.cost.compute import Range


@pytest.fixture
def virginia():
    return prices.load().region("us-east-1")


def test_athena_as_on_its_price_page():
    """A text file of 3 TB costs $15; as compressed Parquet, of which a query needs a quarter of 1 TB, $1.25."""
    assert compute.athena_usd(3 * compute.TB, 5.0) == pytest.approx(15.0)
    assert compute.athena_usd(compute.TB // 4, 5.0) == pytest.approx(1.25)


def test_athena_bills_ten_megabytes_at_least_and_whole_megabytes():
    assert compute.athena_billed(0) == compute.athena_billed(1) == compute.athena_billed(10_000_000) == 10_000_000
    assert compute.athena_billed(10_000_001) == 11_000_000
    assert compute.athena_usd(1, 5.0) == pytest.approx(0.00005)
    assert compute.athena_usd(2**40, 5.0, compute.TIB) == pytest.approx(5.0, rel=1e-6)


def test_fargate_a_task_with_one_vcpu_for_a_month(virginia):
    """730 hours of 1 vCPU are $29.55 (infracost's golden file); 2 GB beside it $6.49."""
    amount = compute.fargate(Range.exactly(730 * 3600), 1, 1, 2, "x86", virginia)
    assert round(730 * virginia.usd("fargate_x86_vcpu_hour"), 2) == 29.55
    assert amount.expected == pytest.approx(29.55 + 6.49, abs=0.005)


def test_fargate_a_hundred_shards_of_five_minutes(virginia):
    """100 x 1 vCPU, 4 GB x 5 min = 8.33 h x $0.05826 = $0.49; a minute of image download each adds $0.10."""
    five = compute.fargate(Range.exactly(300), 100, 1, 4, "x86", virginia).expected
    six = compute.fargate(Range.exactly(360), 100, 1, 4, "x86", virginia).expected
    assert five == pytest.approx(100 * 300 / 3600 * 0.05826)
    assert round(five, 2) == 0.49
    assert round(six - five, 2) == 0.10


def test_fargate_bills_a_minute_at_least_and_whole_seconds(virginia):
    one = compute.fargate(Range(1, 59.2, 60.5), 1, 1, 2, "x86", virginia)
    assert one.low == one.expected
    assert one.high == pytest.approx(one.low * 61 / 60)


@pytest.mark.parametrize(("vcpu", "gib", "sold"), [(1, 0.1, 2), (1, 3.2, 4), (1, 99, 8), (4, 9, 9), (16, 33, 40)])
def test_fargate_memory_comes_in_steps(vcpu, gib, sold):
    assert compute.fargate_memory(vcpu, gib * 2**30) == sold


def test_lambda_three_million_calls(virginia):
    """3 million calls of 120 ms with 1,536 MB: 540,000 GB-s = $9.00, and $0.60 for the requests (AWS's price page)."""
    amount = compute.lambda_(Range.exactly(0.12), 3_000_000, 1536, "x86", virginia)
    assert amount.expected == pytest.approx(540_000 * 0.0000166667 + 0.60)
    assert round(amount.expected, 2) == 9.60


def test_step_functions_charge_by_transition(virginia):
    """420,000 transitions are $10.50; AWS's page takes the free 4,000 off and says $10.40."""
    assert compute.units(Range.exactly(420_000), "states_transition", virginia).expected == pytest.approx(10.50)
    assert compute.units(Range.exactly(416_000), "states_transition", virginia).expected == pytest.approx(10.40)


def test_spot_is_bounded_by_the_full_price_and_the_best_discount(virginia):
    amount = compute.spot(Range.exactly(10.0), virginia)
    assert (amount.low, amount.high) == (pytest.approx(3.0), 10.0)
    assert amount.low <= amount.expected <= amount.high


def test_a_borrowed_price_may_be_higher_where_it_is_borrowed(virginia):
    frankfurt = prices.load().region("eu-central-1")
    arm, here = (compute.price(p, "fargate_arm64_vcpu_hour") for p in (frankfurt, virginia))
    assert here.high == here.low
    assert (arm.low, arm.high) == (here.low, pytest.approx(here.low * compute.BORROWED))


@given(st.lists(st.tuples(*[st.floats(0, 1e6)] * 3).map(sorted), max_size=5), st.floats(0, 100))
def test_ranges_stay_in_order(ends, factor):
    summed = compute.total(Range(*three) * factor for three in ends)
    assert summed.low <= summed.expected * (1 + 1e-9) and summed.expected <= summed.high * (1 + 1e-9)
