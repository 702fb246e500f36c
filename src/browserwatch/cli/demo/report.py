"""What the demo ends with, as tables: runs, pages, slowest steps, health, and the key metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from browserwatch.cli.demo.scrape import Line
from browserwatch.cli.terminal import printable

SLOWEST: Final = 5
BAR: Final = 24
PHASE_STYLES: Final = {"prepare": "blue", "model": "magenta", "act": "cyan", "finalize": "white"}
STATUS_STYLES: Final = {"pass": "green", "warn": "yellow", "fail": "red"}


TOLD: Final = {
    "agents": ("active", "size", "waiters", "crashes", "last_launch_seconds"),
    "redis": ("up", "ping_ms"),
    "queue": ("queued", "running", "size"),
    "resources": ("agents_memory_bytes", "agents_cpu_cores", "service_memory_bytes"),
    "versions": ("browserwatch", "browser_use", "chromium"),
}
"""Of the health report, what fits a line."""


class Run(NamedTuple):
    """A run by its name in the demo: the service's record of it, and its steps; no record when it was not taken."""

    name: str
    record: Mapping[str, Any] | None
    steps: list[dict[str, Any]]


class Fetch(NamedTuple):
    """A page fetch: the service's answer, and whether the page showed what it should."""

    path: str
    page: Mapping[str, Any]
    good: bool


def runs_table(runs: Iterable[Run]) -> Table:
    """How each run ended, what it used, and how long it took."""
    table = _table("run", "agent", "outcome", "reason", numbers=("steps", "tokens in", "out", "cost", "time"))
    for name, record, _ in runs:
        if record is None:
            table.add_row(Text(name), "", Text("did not run", style="red"))
            continue
        outcome, reason = str(record.get("outcome")), str(record.get("failure_reason"))
        usage: Mapping[str, Any] = record.get("usage") or {}
        table.add_row(
            Text(name),
            Text(str(record.get("acquired") or "")),
            Text(outcome, style="green" if outcome == "success" else "red"),
            Text("" if reason == "none" else reason, style="red"),
            str(record.get("steps")),
            f"{usage.get('input_tokens', 0):,}",
            f"{usage.get('output_tokens', 0):,}",
            f"${usage.get('cost_usd', 0):.4f}",
            duration(_seconds(record)),
        )
    return table


def pages_table(fetches: Iterable[Fetch]) -> Table:
    """The pages that were fetched, and how their session came about."""
    table = _table("page", "session", "status", "shows", numbers=("first byte", "load", "time"))
    for path, page, good in fetches:
        timing: Mapping[str, Any] = page.get("timing") or {}
        table.add_row(
            Text(path),
            Text(str(page.get("acquired") or "")),
            Text(str(page.get("status") or page.get("outcome"))),
            Text("signed in", style="green") if good else Text("not signed in", style="red"),
            *(duration(float(timing.get(key) or 0)) for key in ("ttfb_seconds", "load_seconds", "seconds")),
        )
    return table


def steps_table(runs: Iterable[Run]) -> Table:
    """The slowest steps, and where their time went."""
    steps = [(run.name, step) for run in runs for step in run.steps]
    slowest = sorted(steps, key=lambda step: step[1]["seconds"], reverse=True)[:SLOWEST]
    table = _table("run", numbers=("step", "time"))
    for phase in ("prepare", "model", "act"):
        table.add_column(Text(phase, style=PHASE_STYLES[phase]), justify="right")
    table.add_column("")
    for name, step in slowest:
        split: dict[str, float] = step.get("phases") or {}
        parts = [duration(split[phase]) if phase in split else "" for phase in ("prepare", "model", "act")]
        bar = _bar(split, slowest[0][1]["seconds"])
        table.add_row(Text(name), str(step["number"]), duration(step["seconds"]), *parts, bar)
    return table


def health_table(report: Mapping[str, Any]) -> Table:
    """What `/health/browser` says, in short."""
    table = Table.grid(padding=(0, 2))
    status = str(report.get("status"))
    reasons = "; ".join(map(str, report.get("reasons") or ()))
    table.add_row(Text("status", style="dim"), Text(status, style=STATUS_STYLES.get(status, "")), printable(reasons))
    for name, keys in TOLD.items():
        found: Mapping[str, Any] = report.get(name) or {}
        told = ", ".join(f"{key} {_number(found[key])}" for key in keys if found.get(key) is not None)
        table.add_row(Text(name, style="dim"), Text(str(found.get("status", ""))), printable(told))
    return table


def metrics_table(lines: Iterable[Line]) -> Table:
    """Samples as they were scraped."""
    table = _table()
    table.add_column("metric", overflow="fold")
    table.add_column("value", justify="right")
    for line in lines:
        labels = ", ".join(f'{name}="{printable(value)}"' for name, value in line.labels.items())
        name = Text(line.sample)
        if labels:
            name.append(f"{{{labels}}}", style="dim")
        table.add_row(name, f"{line.value:,.4f}" if line.value % 1 else f"{line.value:,.0f}")
    return table


def duration(seconds: float) -> str:
    """Seconds as a person reads them."""
    return f"{seconds * 1000:.0f} ms" if round(seconds, 4) < 1 else f"{seconds:.1f} s"


def _seconds(record: Mapping[str, Any]) -> float:
    """From the moment it had an agent to its end."""
    if not record.get("started") or not record.get("finished"):
        return 0.0
    return (datetime.fromisoformat(record["finished"]) - datetime.fromisoformat(record["started"])).total_seconds()


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _table(*columns: str, numbers: Iterable[str] = ()) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        header_style="dim",
        border_style="dim",
        padding=(0, 1, 0, 0),
    )
    for heading in columns:
        table.add_column(heading)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _bar(split: Mapping[str, float], longest: float) -> Text:
    bar = Text()
    for phase, style in PHASE_STYLES.items():
        bar.append("━" * round(BAR * split.get(phase, 0.0) / max(longest, 1e-9)), style=style)
    return bar
