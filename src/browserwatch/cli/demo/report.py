"""What the demo ends with, as tables: the runs, their slowest steps, and the key metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from browserwatch import semantics as s
from browserwatch.cli.demo.scrape import Line
from browserwatch.cli.demo.spans import Node
from browserwatch.cli.terminal import printable

SLOWEST: Final = 5
BAR: Final = 24
PHASE_STYLES: Final = {"prepare": "blue", "model": "magenta", "act": "cyan", "finalize": "white"}


class Run(NamedTuple):
    """A run by its name in the demo, with its span; None when it did not even begin."""

    name: str
    root: Node | None


def runs_table(runs: Iterable[Run]) -> Table:
    """How each run ended, what it used, and how long it took."""
    table = _table()
    for heading in ("run", "outcome", "reason"):
        table.add_column(heading)
    for heading in ("steps", "tokens in", "out", "cost", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, root in runs:
        if root is None:
            table.add_row(Text(name), Text("did not run", style="red"))
            continue
        outcome, reason = str(root.get(s.RUN_OUTCOME)), str(root.get(s.RUN_FAILURE_REASON))
        table.add_row(
            Text(name),
            Text(outcome, style="green" if outcome == "success" else "red"),
            Text("" if reason == "none" else reason, style="red"),
            str(root.get(s.RUN_STEPS)),
            f"{root.get(s.GEN_AI_INPUT_TOKENS, 0):,}",
            f"{root.get(s.GEN_AI_OUTPUT_TOKENS, 0):,}",
            f"${root.get(s.RUN_COST_USD, 0):.4f}",
            duration(root.seconds),
        )
    return table


def steps_table(runs: Iterable[Run], phases: Mapping[str, Mapping[str, float]]) -> Table:
    """The slowest steps, and where their time went."""
    steps = [(run.name, node) for run in runs if run.root for node in run.root.children if node.name == s.AGENT_STEP]
    slowest = sorted(steps, key=lambda step: step[1].seconds, reverse=True)[:SLOWEST]
    table = _table()
    table.add_column("run")
    for heading in ("step", "time"):
        table.add_column(heading, justify="right")
    for phase in ("prepare", "model", "act"):
        table.add_column(Text(phase, style=PHASE_STYLES[phase]), justify="right")
    table.add_column("")
    for name, node in slowest:
        split = phases.get(node.span_id, {})
        parts = [duration(split[phase]) if phase in split else "" for phase in ("prepare", "model", "act")]
        table.add_row(
            Text(name),
            str(node.get(s.STEP_NUMBER)),
            duration(node.seconds),
            *parts,
            _bar(split, slowest[0][1].seconds),
        )
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


def _table() -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        header_style="dim",
        border_style="dim",
        padding=(0, 1, 0, 0),
    )


def _bar(split: Mapping[str, float], longest: float) -> Text:
    bar = Text()
    for phase, style in PHASE_STYLES.items():
        bar.append("━" * round(BAR * split.get(phase, 0.0) / max(longest, 1e-9)), style=style)
    return bar
