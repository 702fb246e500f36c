"""The process of the demo, prepared: a directory of its own, and a log that takes what others print."""

from __future__ import annotations

import logging
import shutil
import signal
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

from browserwatch.errors import MissingDependencyError

NEEDED: Final = ("browser_use", "starlette", "uvicorn", "fastapi", "redis", "opentelemetry.sdk")


@dataclass(slots=True)
class Workspace:
    """Where the demo puts files. All of it is removed at the end, but the log when `keep_log` is set."""

    root: Path
    log: IO[str]
    keep_log: bool = False

    @property
    def data(self) -> Path:
        """The service's data directory. A short name: a socket lies in it."""
        return self.root / "data"

    @property
    def log_path(self) -> Path:
        """What the service and the demo's own servers would have printed."""
        return self.root / "log.txt"


def require_extra() -> None:
    """See that the packages of the extra are there.

    Raises:
        MissingDependencyError: one is not.
    """
    for name in NEEDED:
        if not _available(name):
            raise MissingDependencyError(f"The demo needs {name}: pip install 'browserwatch[demo]'")


@contextmanager
def prepared() -> Generator[Workspace]:
    """A process ready for the demo, and put back afterwards."""
    root = Path(tempfile.mkdtemp(prefix="browserwatch-demo-"))
    with ExitStack() as stack:
        log = stack.enter_context((root / "log.txt").open("w", encoding="utf-8", errors="replace", buffering=1))
        workspace = Workspace(root, log)
        stack.callback(_remove, workspace)
        stack.enter_context(_terminated_like_ctrl_c())
        stack.enter_context(_logging_to(log))
        yield workspace


def _available(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # not even the parent package
        return False


def _remove(workspace: Workspace) -> None:
    shutil.rmtree(workspace.data if workspace.keep_log else workspace.root, ignore_errors=True)


@contextmanager
def _terminated_like_ctrl_c() -> Generator[None]:
    """SIGTERM ends the demo as Ctrl-C does: with the service stopped and the directory removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _logging_to(stream: IO[str]) -> Generator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)
