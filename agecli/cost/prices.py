"""The dated price table: what AWS charges per unit, where that is written, and for which regions it is known.

The table (`prices.toml` beside this module, or a copy that the setting `prices` names) is all that is ever asked:
nothing here needs a network. A region without a line of its own for an item takes the line of the fallback region,
and the estimate names every line that was taken so.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from agecli.errors import ConfigError
from agecli.recipe import nearest

SHIPPED = Path(__file__).parent / "prices.toml"
OLD_DAYS = 365

ITEMS = (
    "athena_tb",
    "fargate_x86_vcpu_hour",
    "fargate_x86_gb_hour",
    "fargate_arm64_vcpu_hour",
    "fargate_arm64_gb_hour",
    "fargate_spot_share_off",
    "lambda_x86_gb_second",
    "lambda_arm64_gb_second",
    "lambda_request",
    "states_transition",
    "s3_gb_month",
    "s3_put",
    "s3_get",
    "logs_gb",
    "logs_gb_month",
    "ecr_gb_month",
    "endpoint_az_hour",
    "endpoint_gb",
)


@dataclass(frozen=True)
class Price:
    """One line of the table: US dollars `per` unit, and the page that said so on the day it was `read`."""

    region: str
    item: str
    usd: float
    per: str
    read: date
    source: str
    usage: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "item": self.item,
            "region": self.region,
            "usd": self.usd,
            "per": self.per,
            "read": self.read.isoformat(),
            "source": self.source,
            "usage": self.usage,
        }


@dataclass(frozen=True)
class PriceTable:
    """All lines of a table. `dated` is the day it was put together; `fallback` the region with a line for all items."""

    dated: date
    fallback: str
    lines: Mapping[tuple[str, str], Price]
    path: Path

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that the table knows, the one with all prices first."""
        return tuple(sorted({region for region, _ in self.lines}, key=lambda name: (name != self.fallback, name)))

    def region(self, name: str) -> RegionPrices:
        """The prices of a region. Raises ConfigError for one that the table does not know."""
        if name not in self.regions:
            known = ", ".join(self.regions)
            close = nearest(name, self.regions)
            raise ConfigError(
                f"no prices for region {name!r}",
                f"the price table knows {known}",
                close if close.startswith("did") else f"--region {self.fallback}, or add the region to {self.path}",
            )
        return RegionPrices(self, name)

    def age_warning(self, today: date) -> str | None:
        """What to say of a table that is older than a year."""
        days = (today - self.dated).days
        if days <= OLD_DAYS:
            return None
        return f"prices are of {self.dated.isoformat()}, {days} days ago: they may have changed (see {self.path})"


@dataclass
class RegionPrices:
    """Prices as one region charges them; `used` remembers what an estimate rests on."""

    table: PriceTable
    name: str
    used: dict[str, Price] = field(default_factory=dict)

    def usd(self, item: str) -> float:
        """US dollars for one unit of an item, from the region's own line or else the fallback region's."""
        return self.line(item).usd

    def line(self, item: str) -> Price:
        if item not in self.used:
            lines = self.table.lines
            found = lines.get((self.name, item)) or lines.get((self.table.fallback, item))
            if found is None:
                raise ConfigError(f"no price for {item}", f"{self.table.path} has none", "add a line with its source")
            self.used[item] = found
        return self.used[item]

    @property
    def borrowed(self) -> tuple[str, ...]:
        """Items that were priced as the fallback region charges them."""
        return tuple(sorted(item for item, line in self.used.items() if line.region != self.name))

    def assumptions(self) -> list[str]:
        """What the prices rest on, in sentences."""
        said = [
            f"prices: list prices of {self.name}, table of {self.table.dated.isoformat()}, without free tiers,"
            " discounts and tax"
        ]
        if self.borrowed:
            said.append(
                f"no price of {self.name} is known for {', '.join(self.borrowed)}: priced as in {self.table.fallback}"
            )
        return said


def load(path: Path | None = None) -> PriceTable:
    """Reads the shipped table or another. Raises ConfigError for one that is missing, broken or without sources."""
    where = path or SHIPPED
    try:
        tree = tomllib.loads(where.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"no price table {where}",
            error.strerror or str(error),
            "take the setting `prices` away for the shipped one",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where} is not TOML", str(error), "correct the file") from None
    put_together = tree.get("date")
    if not isinstance(put_together, date):
        raise ConfigError(f"{where} has no date", "prices without a date say nothing", "date = 2026-11-21")
    lines = {(line.region, line.item): line for line in _lines(tree.get("price"), where)}
    fallback = str(tree.get("fallback", "us-east-1"))
    missing = [item for item in ITEMS if (fallback, item) not in lines]
    if missing:
        raise ConfigError(
            f"{where} lacks prices of {fallback}", f"there is none for {', '.join(missing)}", "add them, with sources"
        )
    return PriceTable(put_together, fallback, lines, where)


def _lines(found: Any, where: Path) -> Iterable[Price]:
    if not isinstance(found, list):
        raise ConfigError(f"{where} has no prices", "it has no [[price]]", "copy the shipped table and correct it")
    for number, entry in enumerate(found, 1):
        yield _line(entry, f"price {number} of {where}")


def _line(entry: Any, where: str) -> Price:
    """One line, checked: a price without a source, a date or a sense is refused."""
    entry = entry if isinstance(entry, Mapping) else {}
    for key in ("region", "item", "per", "source"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise ConfigError(f"{where} has no {key}", "a price without one is worth nothing", f"give its {key}")
    item = entry["item"]
    if item not in ITEMS:
        raise ConfigError(f"{where} is for {item!r}", "no such item", nearest(item, ITEMS))
    if not entry["source"].startswith(("https://", "http://")) and not Path(entry["source"]).suffix:
        raise ConfigError(f"{where} has source {entry['source']!r}", "an address or a file is wanted", "give one")
    usd = entry.get("usd")
    if isinstance(usd, bool) or not isinstance(usd, int | float) or not math.isfinite(usd) or usd < 0:
        raise ConfigError(f"{where} is {usd!r}", "dollars from 0 are wanted", "correct usd")
    if not isinstance(entry.get("read"), date):
        raise ConfigError(f"{where} has no day on which it was read", "prices change", "read = 2026-11-21")
    return Price(
        entry["region"], item, float(usd), entry["per"], entry["read"], entry["source"], str(entry.get("usage", ""))
    )
