"""What `browserwatch up` shows: a table of the parts that lives on a terminal, plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from browserwatch.cli.terminal import printable
from browserwatch.pipeline import Missing, State
from browserwatch.pipeline.supervisor import Running

STYLES: Final = {State.STARTING: "cyan", State.UP: "green", State.UNHEALTHY: "yellow", State.ENDED: "red"}


class PartsView:
    """Draws the parts as they are at that moment, and the alerts that fire.

    Args:
        running: the parts.
        firing: gives the names of alerts.
    """

    def __init__(self, running: Sequence[Running], firing: Callable[[], Sequence[str]]) -> None:
        self._running = running
        self._firing = firing

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """One line per part."""
        table = Table("part", "state", "address", "", box=box.SIMPLE_HEAD, pad_edge=False)
        for running in self._running:
            table.add_row(
                Text(running.part.name, style="bold"),
                Text(running.state, style=STYLES[running.state]),
                Text(running.part.address),
                Text(printable(running.detail), style="dim"),
            )
        names = self._firing()
        told = Text(", ".join(map(printable, names)), style="red") if names else Text("none fires", style="dim")
        yield table
        yield Text.assemble(("alerts  ", "bold"), told)


def told_missing(part: Missing) -> Text:
    """What is not on this machine, what that means, and how to get it."""
    return Text.assemble(("missing ", "yellow"), (part.name, "bold"), f": {part.without}. ", (part.how, "dim"))


@contextmanager
def shown(view: PartsView, console: Console) -> Generator[None]:
    """Show the parts while the block runs."""
    if not console.is_terminal or console.record:
        if not console.record:
            console.print(view)
        yield
        return
    with Live(view, console=console, refresh_per_second=2, redirect_stdout=False, redirect_stderr=False):
        yield
