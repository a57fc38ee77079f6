"""The same work in every place: dollars and minutes each, the cheapest and the fastest marked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from agecli.cost.compute import NOTHING, Range
from agecli.cost.prices import RegionPrices
from agecli.cost.services import PLACES, estimate
from agecli.cost.work import Work

LOCAL_SPEED = Range(1.0, 1.0, 1.5)  # this machine, or one that is busy with other work too


@dataclass(frozen=True)
class Option:
    """One way to do the work."""

    name: str
    usd: Range
    minutes: Range
    notes: tuple[str, ...] = ()
    cheapest: bool = False
    fastest: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "place": self.name,
            "usd": self.usd.to_json(),
            "minutes": self.minutes.to_json(),
            "cheapest": self.cheapest,
            "fastest": self.fastest,
            "notes": list(self.notes),
        }


def local_minutes(work: Work, workers: int) -> Range:
    """One machine with `workers` cores, from CPU seconds measured: all stages spread over the cores but training's
    reading; the high end takes a third of the time as not spread."""
    rates = work.rates
    linear = sum(seconds for stage, seconds in rates.cpu.items() if stage != "train") / rates.rows * work.rows
    train = rates.cpu["train"] / max(1.0, min(rates.labelled, work.most_labelled)) * max(1.0, work.training_rows)
    seconds = linear + train
    return LOCAL_SPEED * Range(
        seconds / workers / 60, seconds * (2 / 3 / workers + 1 / 3) / 60, seconds / 60
    )  # fmt: skip


def compare(work: Work, prices: RegionPrices, workers: int) -> list[Option]:
    """All places, in a fixed order. AWS is paid; of the local machine, neither power nor purchase is counted."""
    found = []
    for place in PLACES:
        priced = estimate(work, prices, place)
        found.append(Option(place.name, priced.total, priced.minutes, priced.problems))
    cores = f"{workers} cores" if workers != 1 else "1 core"
    local = Option(f"this machine, {cores}", NOTHING, local_minutes(work, workers), ("power and purchase not counted",))
    found.append(local)
    able = [option for option in found if not any("Lambda ends" in note for note in option.notes)]
    cheapest = min(able, key=lambda option: option.usd.expected)
    fastest = min(able, key=lambda option: option.minutes.expected)
    paid = min((option for option in able if option is not local), key=lambda option: option.usd.expected)
    return [
        replace(
            option,
            notes=(*option.notes, "cheapest on AWS") if option is paid else option.notes,
            cheapest=option is cheapest,
            fastest=option is fastest,
        )
        for option in found
    ]
