"""A real Prometheus that scrapes what a test shows it, every second."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from browserwatch.dashboards.rules.recording import error_ratio
from tests.dashboards.tools import DEPLOY

PATIENCE_SECONDS = 60.0


class Prometheus:
    """Asks a Prometheus."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer.

        Raises:
            AssertionError: it is an error, with what Prometheus says of it.
        """
        url = f"{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # http, to ourselves
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{parameters}: {json.load(error)['error']}") from None

    def query(self, expression: str) -> list[float]:
        """The values of an expression now."""
        return [float(one["value"][1]) for one in self.get("query", query=expression)["result"]]

    def wait_for(self, expression: str, within: float = PATIENCE_SECONDS) -> None:
        """Return when an expression has an answer."""
        until(lambda: bool(self.query(expression)), expression, within)

    def wait_for_slow_rules(self) -> None:
        """Return when the group of rules with the longest interval has recorded: when it starts depends on its path."""
        groups = self.get("rules")["groups"]
        self.wait_for(error_ratio("30d"), PATIENCE_SECONDS + max(group["interval"] for group in groups))


def until(condition: Callable[[], bool], what: str, within: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        pause.wait(0.2)


@contextmanager
def running_prometheus(directory: Path, *targets: int) -> Generator[Prometheus]:
    """Prometheus with our rules and targets at these ports. Where it is not installed, the test is skipped; never in CI."""
    program = shutil.which("prometheus")
    if program is None:
        missing = "prometheus is not installed (Debian package prometheus): no query is tried against a real one."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    port = free_port()
    (directory / "prometheus.yml").write_text(json.dumps(configuration(directory, targets)))
    command = [
        program,
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    ]
    with (directory / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            found = Prometheus(port)
            until(lambda: answers(found), f"Prometheus; its log: {directory / 'log'}")
            yield found
        finally:
            process.terminate()


def configuration(directory: Path, targets: tuple[int, ...]) -> dict[str, Any]:
    """The shipped rules, evaluated every second."""
    rules = directory / "rules.yaml"
    groups = [
        group | {"interval": "1s"}
        for kind in ("rules", "alerts")
        for group in yaml.safe_load((DEPLOY / "prometheus" / kind / "browserwatch.yaml").read_text())["groups"]
    ]
    # The same name may be in two files, not twice in one.
    rules.write_text(json.dumps({"groups": groups}))
    scraped = {"job_name": "browserwatch", "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in targets]}]}
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [scraped],
    }


def answers(prometheus: Prometheus) -> bool:
    """Whether it is up."""
    try:
        prometheus.get("status/runtimeinfo")
    except (AssertionError, OSError, ValueError):
        return False
    return True


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
