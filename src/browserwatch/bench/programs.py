"""Programs of ours that others start: servers that say their address, and workers that say what they found, in JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final

from browserwatch.errors import BrowserwatchError

LAST_WORDS: Final = 400


class BenchError(BrowserwatchError):
    """A program of the benchmark failed."""


class Worker:
    """A program that answers each line it reads with a line of JSON, and ends when its input does."""

    def __init__(self, name: str, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._name = name
        self._process = process
        self._errors = errors

    def ask(self) -> dict[str, Any]:
        """Ask for a line.

        Raises:
            BenchError: it ended instead.
        """
        try:
            self._pipe(self._process.stdin).write("\n")
            self._pipe(self._process.stdin).flush()
        except BrokenPipeError:
            pass  # its last words follow
        return self.read()

    def read(self) -> dict[str, Any]:
        """The next line.

        Raises:
            BenchError: it ended instead.
        """
        line = self._pipe(self._process.stdout).readline()
        if not line:
            self._errors.seek(0)
            *_, told = ["", *self._errors.read().splitlines()]  # of a traceback, the line that names the error
            raise BenchError(f"{self._name} ended with exit code {self._process.wait()}: {told[:LAST_WORDS]}")
        return json.loads(line)

    @staticmethod
    def _pipe(stream: IO[str] | None) -> IO[str]:
        assert stream is not None  # noqa: S101  # all were asked for
        return stream


@contextmanager
def working(module: str, *arguments: str, python: str = sys.executable) -> Generator[Worker]:
    """Run a module as a worker for the length of the block."""
    command: Sequence[str] = (python, "-m", module, *arguments)
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+", errors="replace") as errors,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True) as process,  # noqa: S603  # our own
    ):
        try:
            yield Worker(module, process, errors)
        finally:
            process.communicate()  # its input ends


@contextmanager
def serving(module: str, *arguments: str) -> Generator[str]:
    """Run a module as a server for the length of the block; its address."""
    with working(module, *arguments) as server:
        yield str(server.read()["url"])
