"""The process's surroundings, to be set up before browser-use is imported: it reads them then, and only then."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from browserwatch.events import Emit
from browserwatch.logs import JsonFormatter
from browserwatch.processes.chromium import contained_in

logger: Final = logging.getLogger(__name__)

BROWSER_USE: Final = {
    "ANONYMIZED_TELEMETRY": "false",  # else task, addresses and result go to its makers
    "BROWSER_USE_CLOUD_SYNC": "false",
    "BROWSER_USE_VERSION_CHECK": "false",
    "BROWSER_USE_DISABLE_EXTENSIONS": "1",
    "BROWSER_USE_CLOUD_HINTS": "false",
    "BROWSER_USE_SETUP_LOGGING": "false",
    "PYTHON_DOTENV_DISABLED": "1",  # it would read settings from whatever .env is above its own code
}
LOOPBACK: Final = "127.0.0.1,localhost,::1"
# Their records quote tasks, typed text and pages. What they tell is in spans and events, redacted.
TALKATIVE: Final = ("browser_use", "bubus", "cdp_use")


def enter(directory: Path) -> None:
    """Have everything that browser-use and its libraries write go into the agent's own directory."""
    files, temporary = directory / "browser-use", directory / "tmp"
    for made in (files, temporary):
        made.mkdir()
    os.environ.update(BROWSER_USE)
    os.environ.update(
        HOME=str(directory),
        TMPDIR=str(temporary),
        XDG_CONFIG_HOME=str(directory / "config"),
        XDG_CACHE_HOME=str(directory / "cache"),
        BROWSER_USE_CONFIG_DIR=str(files),
    )
    # A proxy of the environment is for the model's provider, never for the way to our own browser.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), LOOPBACK)))
    tempfile.tempdir = None
    os.chdir(directory)


def of_chromium(directory: Path) -> dict[str, str]:
    """All the variables that Chromium gets: no key of a provider is among them."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH") if name in os.environ
    }
    return {**kept, "HOME": str(directory), **contained_in(directory)}


def log_to_stderr(emit: Emit, level: int = logging.WARNING) -> None:
    """Write records as redacted JSON lines; what browser-use would say is left out."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(emit=emit))
    # Not by the loggers' levels: bubus sets its own when it is imported.
    handler.addFilter(lambda record: not record.name.startswith(TALKATIVE))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def quiet_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop name what nobody caught by its type alone: its text may quote a page."""

    def told(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        logger.warning("%s (%s)", context["message"], type(error).__name__ if error else "no exception")

    loop.set_exception_handler(told)
