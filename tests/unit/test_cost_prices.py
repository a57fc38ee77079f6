"""The price table: every line says where it comes from and when, and regions without a line say so."""

from datetime import date

import pytest

from agecli.cost import prices
from agecli.errors import ConfigError


@pytest.fixture
def table():
    return prices.load()


def copied(tmp_path, change):
    """The shipped table with one thing changed."""
    path = tmp_path / "prices.toml"
    path.write_text(change(prices.SHIPPED.read_text()))
    return path


def test_every_shipped_line_has_a_source_and_a_day(table):
    for line in table.lines.values():
        assert line.source.startswith("https://")
        assert line.read <= table.dated
        assert line.usd > 0


def test_one_region_has_all_prices_and_the_others_borrow_what_they_lack(table):
    first = table.region("us-east-1")
    for item in prices.ITEMS:
        first.usd(item)
    assert first.borrowed == ()
    frankfurt = table.region("eu-central-1")
    assert frankfurt.usd("fargate_x86_vcpu_hour") == 0.04656
    frankfurt.usd("fargate_arm64_vcpu_hour")
    assert frankfurt.borrowed == ("fargate_arm64_vcpu_hour",)
    assert any("fargate_arm64_vcpu_hour" in said and "us-east-1" in said for said in frankfurt.assumptions())


@pytest.mark.parametrize(("region", "hint"), [("eu-west-11", "eu-west-1"), ("mars", "us-east-1")])
def test_an_unknown_region_is_refused_with_the_known_ones(table, region, hint):
    with pytest.raises(ConfigError, match="ap-southeast-1") as caught:
        table.region(region)
    assert hint in caught.value.fix


def test_a_table_older_than_a_year_warns(table):
    assert table.age_warning(table.dated) is None
    assert table.age_warning(date(2027, 11, 21)) is None
    assert "366 days" in str(table.age_warning(date(2027, 11, 22)))


@pytest.mark.parametrize(
    ("taken", "given", "complaint"),
    [
        ('source = "https', 'sauce = "https', "has no source"),
        ("read = 2026-08-27", 'read = "lately"', "no day on which it was read"),
        ("usd = 5.0", "usd = -5.0", "dollars from 0"),
        ("usd = 5.0", "usd = nan", "dollars from 0"),
        ('item = "athena_tb"', 'item = "athena"', "no such item"),
        ("date = 2026-11-21", "day = 2026-11-21", "has no date"),
        ("[[price]]", "[[prize]]", "has no prices"),
        ("date = ", "date : ", "is not TOML"),
        ('region = "us-east-1"', 'region = "us-east-2"', "lacks prices of us-east-1"),
    ],
)
def test_a_table_that_cannot_be_trusted_is_refused(tmp_path, taken, given, complaint):
    path = copied(tmp_path, lambda text: text.replace(taken, given))
    with pytest.raises(ConfigError, match=complaint):
        prices.load(path)


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no price table"):
        prices.load(tmp_path / "none.toml")
