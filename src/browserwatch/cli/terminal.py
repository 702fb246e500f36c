"""What every command prints with: consoles without markup, and one sentence where others print a traceback."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO

import typer
from rich.console import Console

from browserwatch.errors import BrowserwatchError, MissingDependencyError

INTERRUPTED = 130


def make_console(file: IO[str] | None = None, *, width: int | None = None, record: bool = False) -> Console:
    """A console that takes text as it is: no markup, no emoji codes, nothing highlighted by guessing."""
    stream = file or sys.stdout
    if reconfigure := getattr(stream, "reconfigure", None):
        reconfigure(errors="replace")  # a terminal without UTF-8 shows question marks, not a traceback
    return Console(file=stream, markup=False, emoji=False, highlight=False, width=width, record=record)


def printable(text: str) -> str:
    """Text from elsewhere as one line that can't steer the terminal: control characters become spaces."""
    return "".join(char if char.isprintable() else " " for char in text)


@contextmanager
def sentences() -> Generator[None]:
    """End the program with the sentence of an error of ours, and quietly on Ctrl-C.

    Raises:
        typer.Exit: with code 1 for an error, 130 for Ctrl-C.
    """
    try:
        yield
    except BrowserwatchError as error:
        lines = (printable(line) for line in str(error).splitlines())
        make_console(sys.stderr).print("\n".join(lines), style="red", soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        make_console(sys.stderr).print("Stopped.", style="dim")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def extra(name: str) -> Generator[None]:
    """Import what an extra of the package brings.

    Raises:
        MissingDependencyError: something of it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "browserwatch").startswith("browserwatch"):
            raise
        raise MissingDependencyError(f"This needs {error.name}: pip install 'browserwatch[{name}]'") from None
