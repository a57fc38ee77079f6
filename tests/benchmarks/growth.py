"""Draws what `speed.py` measured at several sizes: CPU time and peak memory against rows, as an SVG.

python tests/benchmarks/growth.py tests/benchmarks/evidence/speed.json tests/benchmarks/evidence/growth.svg
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.axes import Axes

COLOURS = {"agecli": "#0072B2", "plain": "#D55E00", "decode": "#7A7A7A", "copy": "#BBBBBB"}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "agecli", "font.family": "sans-serif", "font.size": 10,
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"], "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#E6E6E6", "axes.axisbelow": True,
}  # fmt: skip


def lines(axes: Axes, sizes: list[dict[str, Any]], value: str) -> None:
    """One line a way: medians, with bars from the lowest to the highest round."""
    for way, colour in COLOURS.items():
        there = [size for size in sizes if way in size["table"]]
        if value == "peak_mib" and way in ("decode", "copy"):
            continue
        rows = [size["rows"] / 1e6 for size in there]
        found = [size["table"][way][value] for size in there]
        per = [1 if value == "peak_mib" else size["rows"] for size in there]
        middle = [f["median"] if value == "peak_mib" else n / f["median"] for n, f in zip(per, found, strict=True)]
        ends = [sorted(f[k] if value == "peak_mib" else n / f[k] for k in ("low", "high"))
                for n, f in zip(per, found, strict=True)]  # fmt: skip
        bars = [[m - low for m, (low, _) in zip(middle, ends, strict=True)],
                [high - m for m, (_, high) in zip(middle, ends, strict=True)]]  # fmt: skip
        axes.errorbar(rows, middle, yerr=bars, color=colour, marker="o", markersize=4, capsize=2, label=way)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    sizes = json.loads(arguments.measured.read_text())["sizes"]
    with matplotlib.rc_context(STYLE):
        figure, (time, memory) = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
        lines(time, sizes, "rows_per_cpu_second")
        time.set(xlabel="million rows", ylabel="CPU-seconds", title="CPU time of all processes", xlim=0, ylim=0)
        time.legend(frameon=False)
        lines(memory, sizes, "peak_mib")
        memory.axhline(1024, color="#999999", linestyle=":", linewidth=1)
        memory.text(0.3, 1034, "1 GiB", color="#777777", fontsize=9)
        memory.set(xlabel="million rows", ylabel="MiB", title="Peak memory of all processes", xlim=0, ylim=0)
        memory.legend(frameon=False)
        figure.savefig(arguments.picture, metadata={"Date": None})


if __name__ == "__main__":
    main()
