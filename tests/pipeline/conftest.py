"""`browserwatch up` as a program, and what asks its parts."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.dashboards.prometheus import Prometheus

SECONDS = 120.0


def require(name: str, found: bool) -> None:  # noqa: FBT001  # the question is the name
    """Skip where a program is not there, but never in CI."""
    if not found:
        missing = f"{name} is not there: the pipeline can't be tested as a whole. `./dev test` installs it."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)


@dataclass
class Up:
    """A pipeline that runs."""

    process: subprocess.Popen[str]
    data_dir: Path
    lines: list[str] = field(default_factory=list[str])
    changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        """Keep what it prints; the target of a thread."""
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                with self.changed:
                    self.lines.append(line.rstrip())
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    @property
    def text(self) -> str:
        """What it has printed."""
        with self.changed:
            return "\n".join(self.lines)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Something that it prints."""
        with self.changed:
            came = self.changed.wait_for(lambda: re.search(pattern, "\n".join(self.lines)), SECONDS)
            assert came, f"no {pattern!r} in:\n" + "\n".join(self.lines)
            return came

    def address(self, part: str) -> str:
        """Of a part, from the table."""
        return self.wait_for(rf"(?m)^ {part} +up +(http://127\.0\.0\.1:\d+)")[1]

    @property
    def prometheus(self) -> Prometheus:
        """To ask it."""
        return Prometheus(int(self.address("prometheus").rsplit(":", 1)[1]))

    def alerts(self) -> list[dict[str, Any]]:
        """What Alertmanager has told."""
        return [json.loads(line) for line in (self.data_dir / "up" / "alerts.jsonl").read_text().splitlines()]

    def part(self, name: str) -> psutil.Process:
        """The process of a part."""
        return next(p for p in psutil.Process(self.process.pid).children(recursive=True) if name in p.name())

    def processes(self) -> list[psutil.Process]:
        """It and all below it."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]


@contextmanager
def running_up(*options: str, environment: Mapping[str, str]) -> Generator[Up]:
    """Start it with a data directory of its own, and end it as Ctrl-C does."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BROWSERWATCH_", "OTEL_"))}
    kept = {
        name: os.environ[f"BROWSERWATCH_{name}"]
        for name in ("CHROMIUM", "OTELCOL")
        if f"BROWSERWATCH_{name}" in os.environ
    }
    variables = {
        **inherited,
        **{f"BROWSERWATCH_{name}": value for name, value in kept.items()},
        "COLUMNS": "160",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        **environment,
    }
    # A socket's path must be short, and pytest's directories are not.
    with tempfile.TemporaryDirectory(prefix="bw-up-", ignore_cleanup_errors=True) as directory:
        process = subprocess.Popen(
            [sys.executable, "-um", "browserwatch", "up", "--data-dir", f"{directory}/d", *options],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        up = Up(process, Path(directory, "d"))
        reader = threading.Thread(target=up.read)
        reader.start()
        try:
            yield up
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(SECONDS)
            finally:
                process.kill()
                process.wait()
                reader.join()


@pytest.fixture(scope="session")
def all_programs() -> None:
    """What the whole pipeline needs."""
    require("An OpenTelemetry Collector (BROWSERWATCH_OTELCOL)", "BROWSERWATCH_OTELCOL" in os.environ)
    require("Prometheus", shutil.which("prometheus") is not None)
    require(
        "Alertmanager", shutil.which("prometheus-alertmanager") is not None or shutil.which("alertmanager") is not None
    )
