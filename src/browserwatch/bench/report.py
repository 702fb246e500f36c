"""What was found, for people (tables) and for programs (JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from browserwatch.bench.estimates import Estimate, Verdict
from browserwatch.bench.hooks import Measured
from browserwatch.bench.overhead import Overhead
from browserwatch.bench.tables import machine

MICROSECONDS: Final = 1e6
MILLISECONDS: Final = 1e3
PLACES: Final = 15


def as_json(kind: str, found: Mapping[str, Measured] | Mapping[str, Overhead], verdicts: Sequence[Verdict]) -> str:
    """All of it, with where and when."""
    told = {
        "benchmark": kind,
        "machine": machine(),
        "arms": {name: measured.report() for name, measured in found.items()},
        "verdicts": [{**asdict(verdict), "met": verdict.met} for verdict in verdicts],
    }
    return json.dumps(told, indent=2)


def print_hooks(console: Console, found: Mapping[str, Measured]) -> None:
    """What each arm adds to a step without browser and model."""
    times = ("µs a step, event loop", "µs a step, process")
    table = _table("arm", *times, "calls", "spans", "metric operations", "bytes", "scrape, ms")
    for name, measured in found.items():
        report = measured.report()
        table.add_row(
            name,
            _shown(measured.added("loop").scaled(MICROSECONDS)),
            _shown(measured.added("process").scaled(MICROSECONDS)),
            f"{report['function_calls']:.0f}",
            *(f"{report[key]:.1f}" for key in ("spans", "metric_operations")),
            f"{report['bytes']:.0f}",
            f"{report['scrape_seconds'] * MILLISECONDS:.1f}",
        )
    console.print(table)
    first = next(iter(found.values())).report()
    console.print(
        f"Without: {first['without'] * MICROSECONDS:.0f} µs a step, with {first['bus_events']:.1f} bus events and"
        f" {first['devtools_events']:.0f} DevTools events. Intervals: 95 %, of the median of paired differences. Calls: of"
        " functions, export included; nearly the same on each machine and at each time.",
        style="dim",
    )
    for name, measured in found.items():
        if measured.where:
            _print_places(console, name, measured)


def print_overhead(console: Console, found: Mapping[str, Overhead]) -> None:
    """What each variant adds to real work."""
    ratios = ("CPU", "at Chromium's pace", "from parts", "Chromium")
    table = _table("variant", *ratios, "ms a step", "wall p50, s", "p95, s", "spans", "bytes", "MiB")
    for name, overhead in found.items():
        report = overhead.report()
        off, on = report["seconds_a_step"]["off"], report["seconds_a_step"]["on"]
        table.add_row(
            name,
            _shown(overhead.ratio(), ".3f"),
            _shown(overhead.paced(), ".3f"),
            _shown(overhead.composed(), ".3f"),
            _shown(overhead.ratio("other"), ".3f"),
            f"{off['process'] * MILLISECONDS:.1f} → {on['process'] * MILLISECONDS:.1f}",
            f"{off['wall_p50']:.2f} → {on['wall_p50']:.2f}",
            f"{off['wall_p95']:.2f} → {on['wall_p95']:.2f}",
            f"{report['spans_a_step']:.1f}",
            f"{report['bytes_a_step']:.0f}",
            f"{overhead.memory_bytes / 2**20:+.1f}",
        )
    console.print(table)
    console.print(
        "CPU: processor time of the Python process with it, in terms of that without; Chromium likewise. At Chromium's pace:"
        " each run in terms of what Chromium took in it, for a machine that is not always as fast; the limits are held"
        " against it. From parts: hooks without a browser, and scrapes, added to a step. MiB: when it is installed."
        " Intervals: 95 %.",
        style="dim",
    )
    for name, overhead in found.items():
        why = "the interval is narrow enough" if overhead.narrow else "the time was up before the interval was narrow"
        runs = f"{len(overhead.pairs)} pairs of runs in {len(overhead.processes)} processes"
        console.print(f"{name}: {runs}; {why}.", style="dim")


def print_verdicts(console: Console, verdicts: Sequence[Verdict]) -> None:
    """What was held, and what not."""
    for verdict in verdicts:
        kind = "must" if verdict.required else "aim"
        mark, style = ("✓", "green") if verdict.met else ("✗", "red" if verdict.required else "yellow")
        why = "; the limit lies within the interval, a longer measurement may tell" if verdict.undecided else ""
        console.print(f"{mark} {verdict.name}: {verdict.upper:.3f}, {kind} ≤ {verdict.limit:g}{why}", style=style)


def write(path: Path, text: str) -> None:
    """Write a report."""
    path.write_text(f"{text}\n", encoding="utf-8")


def _print_places(console: Console, name: str, measured: Measured) -> None:
    table = _table(f"where {name} spends it, on the event loop", "µs a step")
    for place, seconds in list(measured.where.items())[:PLACES]:
        table.add_row(place, f"{seconds * MICROSECONDS:.0f}")
    export = measured.added("process").value - measured.added("loop").value
    table.add_row("export, beside the event loop", f"{export * MICROSECONDS:.0f}")
    console.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    return table


def _shown(estimate: Estimate, form: str = ".0f") -> str:
    return f"{estimate.value:{form}} [{estimate.low:{form}}, {estimate.high:{form}}]"
