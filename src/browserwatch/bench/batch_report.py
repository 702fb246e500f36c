"""What `browserwatch bench batch` shows: tables, and a picture for the docs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console

from browserwatch.bench.batch import Bursts, Found, Steadiness
from browserwatch.bench.span_load import BURST, STEP_SECONDS
from browserwatch.bench.tables import Spread, table
from browserwatch.tracing.setup import MAX_EXPORT_BATCH_SIZE

MICROSECONDS: Final = 1e6
MEBIBYTE: Final = 1024 * 1024
SIZE: Final = (13.0, 3.6)
DEFAULT: Final = "bold"


def show(console: Console, found: Found) -> None:
    """Print the tables."""
    _show_bursts(console, found.bursts)
    _show_steady(console, found.steady)
    _show_compressions(console, found.compressions)
    console.print("Bold: the defaults. In brackets: least and most. µs are of processor time.", style="dim")


def draw(found: Found, path: Path) -> None:
    """Write the picture, as SVG or PNG by the name of the file."""
    figure: Any = Figure(figsize=SIZE, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    lost, late, costs = figure.subplots(1, 3)
    for batch in sorted({one.batch for one in found.bursts}):
        group, label = [one for one in found.bursts if one.batch == batch], f"batch {batch}"
        (line,) = lost.plot([one.queue for one in group], [one.lost().median for one in group], "o-", label=label)
        stalled = [one.unanswered.dropped for one in group]
        lost.plot([one.queue for one in group], stalled, "x--", color=line.get_color(), label=f"{label}, no answer")
    _finish(lost, f"lost of {BURST:,} spans at once", "size of the queue", (one.queue for one in found.bursts))
    for agents in sorted({one.agents for one in found.steady}):
        group = [one for one in found.steady if (one.agents, one.batch) == (agents, MAX_EXPORT_BATCH_SIZE)]
        delays, label = [one.delay for one in group], f"agents: {agents}"
        late.plot(delays, [one.steady.latency_p99 for one in group], "o-", label=label)
        costs.plot(delays, [one.steady.export_seconds * MICROSECONDS for one in group], "o-", label=label)
    for axes, title in (
        (late, "from a span's end to its arrival, p99, s"),
        (costs, "µs of processor time to export a span"),
    ):
        _finish(axes, title, "delay, s", (one.delay for one in found.steady))
    figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)


def _show_bursts(console: Console, found: Sequence[Bursts]) -> None:
    title = f"{BURST:,} spans at once, and the highest rate"
    columns = (
        "lost",
        "lost, no answer",
        "µs to end",
        "full queue, MiB",
        "spans/s",
        "µs to make and end",
        "µs to export",
    )
    shown = table(title, 2, "queue", "batch", *columns)
    for one in found:
        shown.add_row(
            str(one.queue),
            str(one.batch),
            one.lost().shown(),
            str(one.unanswered.dropped),
            one.end_seconds().shown(".1f", MICROSECONDS),
            f"{one.full_queue_bytes / MEBIBYTE:.1f}",
            one.per_rate("spans_a_second").shown(),
            one.per_rate("make_seconds").shown(factor=MICROSECONDS),
            one.per_rate("export_seconds").shown(factor=MICROSECONDS),
            style=DEFAULT if one.is_default else None,
        )
    console.print(shown)


def _show_steady(console: Console, found: Sequence[Steadiness]) -> None:
    title = f"agents in one process, a step of five spans each in {STEP_SECONDS:g} s"
    columns = ("arrives after, s: p50", "p99", "lost", "spans/request", "µs to export")
    shown = table(title, 3, "agents", "batch", "delay, s", *columns)
    for one in found:
        steady = one.steady
        shown.add_row(
            str(one.agents),
            str(one.batch),
            f"{one.delay:g}",
            f"{steady.latency_p50:.2f}",
            f"{steady.latency_p99:.2f}",
            str(steady.dropped),
            f"{steady.spans_a_request:.0f}",
            f"{steady.export_seconds * MICROSECONDS:.0f}",
            style=DEFAULT if one.is_default else None,
        )
    console.print(shown)


def _show_compressions(console: Console, found: Sequence[Bursts]) -> None:
    shown = table("compression, at the highest rate", 1, "", "bytes/span", "µs to export")
    for compression in dict.fromkeys(one.compression for one in found):
        turns = [one for one in found if one.compression == compression]
        exports = [rate.export_seconds for one in turns for rate in one.rates]
        size = sum(one.bytes for one in turns) / sum(one.arrived for one in turns)
        shown.add_row(compression, f"{size:.0f}", Spread.of(exports).shown(".1f", MICROSECONDS))
    console.print(shown)


def _finish(axes: Any, title: str, across: str, places: Iterable[float]) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(across)
    axes.set_xscale("log")
    marks = sorted(set(places))
    axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
    axes.set_xticks([], minor=True)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7, frameon=False)
