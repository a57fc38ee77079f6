"""What a generated data set holds: its size, its dirt, and the error that no model can beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

BEST_MAE = (
    "expected absolute error of the median age given all cells of a row, over the rows with a known age: the "
    "generator drew each age around that median with noise of a known law"
)


@dataclass(frozen=True)
class SynthReport:
    """`rates` are shares of rows, of entries for dates inside JSON, and of JSON cells for the kinds of malformed
    JSON; all are counted in what was written.

    `known` is the share of rows whose age can be had from birth_year or approximate_age; `best_mae` is in years.
    """

    rows: int
    seed: int
    files: int
    bytes: int
    known: float
    best_mae: float
    rates: Mapping[str, float]
    best_mae_is: str = BEST_MAE

    @property
    def bytes_per_row(self) -> float:
        return self.bytes / self.rows

    def to_json(self) -> dict[str, object]:
        """The report as a plain mapping; it only grows."""
        return {**asdict(self), "rates": dict(self.rates), "bytes_per_row": round(self.bytes_per_row, 1)}


def report(tally: Mapping[str, float], *, files: int, size: int, seed: int) -> SynthReport:
    """The report of counts added up over all files (`chunk.Chunk.tally`)."""
    rows = int(tally["rows"])
    labelled = tally["labelled"]
    return SynthReport(
        rows=rows,
        seed=seed,
        files=files,
        bytes=size,
        known=labelled / rows,
        best_mae=round(tally["expected_error"] / labelled, 4) if labelled else float("nan"),
        rates=_rates(tally, rows),
    )


def _rates(tally: Mapping[str, float], rows: int) -> dict[str, float]:
    rates: dict[str, float] = {}
    for name, count in tally.items():
        if name not in ("rows", "labelled", "expected_error") and not name.startswith("of "):
            of = tally.get("of " + name.partition(" ")[2], rows)
            rates[name] = round(count / max(of, 1), 5)
    return rates
