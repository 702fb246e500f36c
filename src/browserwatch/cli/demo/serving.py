"""The service as the demo runs it: `browserwatch serve` in a process of its own, with everything embedded."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import IO, Final
from urllib.parse import urlsplit

from browserwatch.cli.demo.environment import Workspace
from browserwatch.cli.demo.plans import AGENTS, MODEL
from browserwatch.errors import BrowserwatchError

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
_ADDRESS: Final = re.compile(r"https?://\S+")
_OURS: Final = ("BROWSERWATCH_", "OTEL_")


class DemoServiceError(BrowserwatchError):
    """The service did not start."""


def variables(workspace: Workspace, *, site: str, model: str, spans: str, port: int) -> dict[str, str]:
    """The environment of the demo's service: the demo's own settings and none of the user's, but for the Chromium."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    if chromium := os.environ.get("BROWSERWATCH_CHROMIUM"):
        kept["BROWSERWATCH_CHROMIUM"] = chromium
    return {
        **kept,
        "BROWSERWATCH_PORT": str(port),
        "BROWSERWATCH_DATA_DIR": str(workspace.data),
        "OTEL_EXPORTER_OTLP_ENDPOINT": spans,
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        **scripted(site, model),
    }


def scripted(site: str, model: str) -> dict[str, str]:
    """Settings with which a service works on the demo site with the scripted model."""
    return {
        "BROWSERWATCH_POOL_MIN_IDLE": str(AGENTS),
        "BROWSERWATCH_POOL_MAX_SIZE": str(AGENTS),
        # The demo site is on this machine, where agents may not go by default.
        "BROWSERWATCH_EGRESS_ALLOW": urlsplit(site).netloc,
        "BROWSERWATCH_LLM_PROVIDER": "openai",
        "BROWSERWATCH_LLM_MODEL": MODEL,
        "BROWSERWATCH_LLM_BASE_URL": f"{model}/v1",
        "BROWSERWATCH_LLM_API_KEY": "the-scripted-model-takes-any",
    }


@contextmanager
def running(environment: Mapping[str, str], log: IO[str]) -> Generator[str]:
    """Run the service for the length of the block; its address.

    Raises:
        DemoServiceError: it did not start; its last words are in the message.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "browserwatch", "serve"],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,  # a Ctrl-C is for the demo, which then stops it
    )
    try:
        yield _address(process)
    finally:
        _stop(process)


def _address(process: subprocess.Popen[str]) -> str:
    """The address in the first line it prints; what it prints later is read and dropped, so that it never waits."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        with process.stdout or open(os.devnull) as output:  # noqa: PTH123  # never: it is a pipe
            for line in output:
                lines.put(line)
        lines.put("")

    threading.Thread(target=read, name="demo service", daemon=True).start()
    try:
        line = lines.get(timeout=START_SECONDS)
    except queue.Empty:
        raise DemoServiceError(f"The service printed no address within {START_SECONDS:g} s.") from None
    found = _ADDRESS.search(line)
    if found is None:
        raise DemoServiceError("The service did not start.")
    return found.group().rstrip("/")


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()  # agents, browsers and Redis end with it
        process.wait()
