"""The service as a program, on the lab's site with the lab's model, and what the benchmark asks of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from browserwatch.bench.pool.lab import MAX_STEPS, Lab
from browserwatch.bench.programs import LAST_WORDS, BenchError
from browserwatch.processes.lifetime import ending_with_parent

ANSWER_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
_ADDRESS: Final = re.compile(r"https?://\S+")
_SETTINGS: Final = ("BROWSERWATCH_", "OTEL_")


class Service:
    """A service that runs, from the side of its clients.

    Args:
        http: knows its address.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.url = str(http.base_url)

    def run(self, task: str) -> None:
        """Have a task done, and follow it to its end.

        Raises:
            BenchError: it did not succeed.
        """
        run = f"/v1/runs/{self._post('/v1/runs', {'task': task, 'max_steps': MAX_STEPS})['id']}"
        with self._http.stream("GET", f"{run}/events") as events:
            for _ in events.iter_lines():
                pass
        record = self._http.get(run).raise_for_status().json()
        if record["outcome"] != "success":
            raise BenchError(f"A run ended as {record['outcome']}: {record['message']}")

    def fetch(self, url: str, session: str | None) -> None:
        """Have a page fetched, with the login of a session."""
        wanted = {"session": session} if session else {}
        self._post("/v1/pages", {"url": url, "format": "text", **wanted})

    def idle_agents(self) -> int:
        """How many agents wait for work."""
        return self._http.get("/health/browser").json()["agents"]["states"]["idle"]

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._http.post(path, json=body)
        if answer.is_error:
            raise BenchError(f"POST {path} was refused with status {answer.status_code}: {answer.text[:LAST_WORDS]}")
        return answer.json()


@contextmanager
def serving(place: Lab, agents: int) -> Generator[Service]:
    """A service with so many agents, for the length of the block.

    Raises:
        BenchError: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="browserwatch-", ignore_cleanup_errors=True) as directory:
        log = Path(directory, "log.txt")
        with log.open("w") as errors, _process(_environment(place, agents, directory), errors.fileno()) as process:
            # It prints its address, and nothing more.
            found = _ADDRESS.search(process.stdout.readline() if process.stdout else "")
            if found is None:
                raise BenchError(f"The service did not start: {log.read_text()[-LAST_WORDS:]}")
            with httpx.Client(base_url=found.group(), timeout=ANSWER_SECONDS, trust_env=False) as http:
                yield Service(http)


@contextmanager
def _process(environment: Mapping[str, str], errors: int) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603  # our own
        ending_with_parent(signal.SIGTERM, sys.executable, "-m", "browserwatch", "serve"),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        start_new_session=True,  # a Ctrl-C is for the benchmark, which then stops it
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()  # agents, browsers and Redis end with it


def _environment(place: Lab, agents: int, directory: str) -> dict[str, str]:
    """The service's settings, and none of the user's but for the Chromium."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    if chromium := os.environ.get("BROWSERWATCH_CHROMIUM"):
        kept["BROWSERWATCH_CHROMIUM"] = chromium
    return {
        **kept,
        "BROWSERWATCH_PORT": "0",
        "BROWSERWATCH_DATA_DIR": f"{directory}/data",
        "BROWSERWATCH_POOL_MIN_IDLE": str(agents),
        "BROWSERWATCH_POOL_MAX_SIZE": str(agents),
        # The demo site is on this machine, where agents may not go by default.
        "BROWSERWATCH_EGRESS_ALLOW": urlsplit(place.site).netloc,
        "BROWSERWATCH_LLM_PROVIDER": "openai",
        "BROWSERWATCH_LLM_MODEL": "gpt-4.1-mini",
        "BROWSERWATCH_LLM_BASE_URL": f"{place.model}/v1",
        "BROWSERWATCH_LLM_API_KEY": "the-scripted-model-takes-any",
        "OTEL_EXPORTER_OTLP_ENDPOINT": place.spans,
        "OTEL_BSP_SCHEDULE_DELAY": "500",
    }
