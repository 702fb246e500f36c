"""The process of the demo, prepared: variables, a directory of its own, and a log that takes what others print."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TextIO

from browserwatch.errors import MissingDependencyError
from browserwatch.processes.chromium import contained_in

OTLP_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NEEDED: Final = ("browser_use", "starlette", "uvicorn", "opentelemetry.sdk")
LOOPBACK: Final = "127.0.0.1,localhost"
# browser-use reads its variables when it is imported, and so is quiet, alone and without the internet.
VARIABLES: Final = {
    "ANONYMIZED_TELEMETRY": "false",
    "BROWSER_USE_VERSION_CHECK": "false",
    "BROWSER_USE_DISABLE_EXTENSIONS": "1",
    "BROWSER_USE_CLOUD_HINTS": "false",
    "BROWSER_USE_CLOUD_SYNC": "false",
    "BROWSER_USE_SETUP_LOGGING": "false",
    # The report needs every span, whatever the user's own programs sample.
    "OTEL_SDK_DISABLED": "false",
    "OTEL_TRACES_SAMPLER": "always_on",
}


@dataclass(slots=True)
class Workspace:
    """Where the demo puts files. All of it is removed at the end, but the log when `keep_log` is set."""

    root: Path
    keep_log: bool = False

    @property
    def files(self) -> Path:
        """Directory for profiles, downloads and whatever else browser-use makes."""
        return self.root / "files"

    @property
    def log(self) -> Path:
        """What browser-use and others would have printed."""
        return self.root / "log.txt"


def require_extra() -> None:
    """See that the packages of the extra are there.

    Raises:
        MissingDependencyError: one is not.
    """
    for name in NEEDED:
        if not _available(name):
            raise MissingDependencyError(f"The demo needs {name}: pip install 'browserwatch[demo]'")


def exporting_to() -> str:
    """The variable that names a collector for the spans; empty when there is none."""
    return next((name for name in OTLP_ENDPOINTS if os.environ.get(name)), "")


@contextmanager
def prepared() -> Generator[Workspace]:
    """A process ready for the demo, and put back afterwards."""
    workspace = Workspace(Path(tempfile.mkdtemp(prefix="browserwatch-demo-")))
    workspace.files.mkdir()
    with ExitStack() as stack:
        stack.callback(_remove, workspace)
        stack.enter_context(_variables(workspace))
        stack.enter_context(_own_temporary_directory(workspace.files))
        stack.enter_context(_terminated_like_ctrl_c())
        log = stack.enter_context(workspace.log.open("w", encoding="utf-8", errors="replace"))
        stack.enter_context(_logging_to(log))
        # Late `__del__` methods of asyncio's transports print, too.
        stack.callback(gc.collect)
        stack.enter_context(redirect_stdout(log))
        stack.enter_context(redirect_stderr(log))
        yield workspace


def _available(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # not even the parent package
        return False


def _remove(workspace: Workspace) -> None:
    shutil.rmtree(workspace.files if workspace.keep_log else workspace.root, ignore_errors=True)


@contextmanager
def _variables(workspace: Workspace) -> Generator[None]:
    before = dict(os.environ)
    os.environ.update(
        VARIABLES, BROWSER_USE_CONFIG_DIR=str(workspace.files / "config"), **contained_in(workspace.files)
    )
    os.environ["OTEL_TRACES_EXPORTER"] = "otlp" if exporting_to() else "none"
    os.environ.setdefault("OTEL_EXPORTER_OTLP_TIMEOUT", "3")  # seconds; the end of the demo waits for it
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, (before.get(name), LOOPBACK)))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _own_temporary_directory(directory: Path) -> Generator[None]:
    # browser-use makes directories of agents and downloads wherever this points, and removes none.
    before, tempfile.tempdir = tempfile.tempdir, str(directory)
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextmanager
def _terminated_like_ctrl_c() -> Generator[None]:
    """SIGTERM ends the demo as Ctrl-C does: with its browsers and directories cleaned up."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _logging_to(stream: TextIO) -> Generator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = before
        root.setLevel(level)
