"""Where benchmarks print."""

from __future__ import annotations

from typing import Final

from rich.console import Console

from browserwatch.cli.terminal import make_console

WIDE: Final = 160
"""A table's width, also where the terminal has less: folded cells can't be compared."""


def wide_console() -> Console:
    """A console in which no cell is folded."""
    return make_console(width=max(WIDE, make_console().width))
