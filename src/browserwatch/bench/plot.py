"""The picture of `browserwatch bench overhead`, for the docs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from browserwatch.bench.estimates import Estimate
from browserwatch.bench.overhead import AIM, MUST, Overhead

SIZE: Final = (9.0, 1.6)
ROW_INCHES: Final = 0.45
MEASURED, COMPOSED, LIMIT, GOAL = "#1f4e8c", "#d9822b", "#b3261e", "#2e7d32"


def draw(found: Mapping[str, Overhead], path: Path) -> None:
    """Write it, as SVG or PNG by the name of the file."""
    names = list(found)
    figure: Any = Figure(figsize=(SIZE[0], SIZE[1] + ROW_INCHES * len(names)), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    added, hooks = figure.subplots(1, 2, width_ratios=(3, 2))
    _bars(
        added, [_percent(found[name].paced()) for name in names], MEASURED, "runs in warm Chromium, at its pace", 0.12
    )
    _bars(added, [_percent(found[name].composed()) for name in names], COMPOSED, "hooks and scrapes, from parts", -0.12)
    for limit, colour, label in ((MUST, LIMIT, "must"), (AIM, GOAL, "aim")):
        added.axvline((limit - 1) * 100, color=colour, linestyle="--", linewidth=1, label=label)
    _finish(added, names, "processor time added to the Python process, %")
    added.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=4)
    _bars(hooks, [found[name].hooks.added("process").scaled(1e3) for name in names], MEASURED, "", 0.0)
    _finish(hooks, names, "added by the hooks, ms a step")
    hooks.set_yticklabels([])
    figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)


def _bars(axes: Any, estimates: Sequence[Estimate], colour: str, label: str, shift: float) -> None:
    values = [estimate.value for estimate in estimates]
    below = [estimate.value - estimate.low for estimate in estimates]
    above = [estimate.high - estimate.value for estimate in estimates]
    rows = [row + shift for row in range(len(values))]
    axes.errorbar(values, rows, xerr=(below, above), fmt="o", color=colour, capsize=3, label=label)


def _finish(axes: Any, names: Sequence[str], title: str) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_title(title, fontsize=10, loc="left")
    axes.axvline(0, color="#999999", linewidth=0.8)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _percent(ratio: Estimate) -> Estimate:
    return Estimate(*((value - 1) * 100 for value in (ratio.value, ratio.low, ratio.high)))
