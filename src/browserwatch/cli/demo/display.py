"""Showing the progress: a table that lives on a terminal, plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from browserwatch.cli.demo.progress import WAITING, Board, Row
from browserwatch.cli.terminal import printable


class BoardView:
    """Draws a board as it is at that moment."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._spinner = Spinner("dots", style="cyan")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """One line per agent."""
        table = Table.grid(padding=(0, 2))
        table.add_column(width=1)
        table.add_column(min_width=12)
        table.add_column(min_width=8)
        table.add_column(width=26, no_wrap=True, overflow="ellipsis")
        table.add_column(width=7, justify="right")
        for row in self._board.rows.values():
            table.add_row(*self._cells(row))
        yield table

    def _cells(self, row: Row) -> tuple[Spinner | Text, ...]:
        step = Text(f"step {row.step}" if row.step else "")
        time = Text(f"{row.seconds:.1f} s" if row.started is not None else "", style="dim")
        name = Text(row.name)
        if row.outcome:
            good = row.outcome == "success"
            mark = Text("✓" if good else "✗", style="green" if good else "red")
            return mark, name, step, Text(row.outcome, style="green" if good else "red"), time
        if row.started is None:
            return Text("·", style="dim"), name, step, Text(WAITING, style="dim"), time
        return self._spinner, name, step, Text(printable(row.doing), style="cyan"), time


@contextmanager
def shown(board: Board, console: Console) -> Generator[None]:
    """Show the board while the block runs; on a terminal it goes when the block ends, for the report replaces it."""
    if not console.is_terminal:
        yield
        return
    with Live(
        BoardView(board),
        console=console,
        transient=True,
        refresh_per_second=8,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield
