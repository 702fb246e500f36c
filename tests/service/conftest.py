"""`browserwatch serve` as a program, with a real Redis, real Chromium, the demo site and the scripted model."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from httpx_sse import connect_sse

from browserwatch.demo import Scenario, SpanSink, Step, demo_site, scripted_model, serve_in_thread

WAIT = 60.0
SLOW = Scenario(
    name="slow",
    steps=(
        Step(actions=({"navigate": {"url": "{site}/table"}},)),
        Step(actions=({"wait": {"seconds": 3}},)),
        Step(actions=({"wait": {"seconds": 3}},)),
        Step(actions=({"done": {"text": "Slept well.", "success": True}},)),
    ),
)


@dataclass
class Places:
    """What agents visit and talk to; all of it on loopback."""

    site: str
    model: str
    spans: str
    sink: SpanSink


@pytest.fixture(scope="session")
def places() -> Iterator[Places]:
    sink = SpanSink()
    with (
        serve_in_thread(demo_site()) as site,
        serve_in_thread(scripted_model([SLOW])) as model,
        serve_in_thread(sink.app()) as spans,
    ):
        yield Places(site, model, spans, sink)


@dataclass
class Service:
    """A running service, and what its users do."""

    process: subprocess.Popen[str]
    url: str
    http: httpx.Client
    places: Places
    data: Path
    log: Path

    def submit(self, scenario: str, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
        """Have a scenario run; the answer to the request."""
        request = {"task": f"[scenario: {scenario}] site: {self.places.site}", **body}
        answer = self.http.post("/v1/runs", json=request, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def events(self, run_id: str, after: int = 0, stop: str = "run.finished") -> list[tuple[str, dict[str, Any]]]:
        """The run's events up to one of a type."""
        found: list[tuple[str, dict[str, Any]]] = []
        headers = {"last-event-id": str(after)} if after else {}
        with connect_sse(self.http, "GET", f"/v1/runs/{run_id}/events", headers=headers, timeout=WAIT) as source:
            for event in source.iter_sse():
                if not event.data:
                    continue
                found.append((event.event, event.json()))
                if event.event == stop:
                    break
        return found

    def finished(self, run_id: str) -> dict[str, Any]:
        """The run's record when it is over."""
        self.events(run_id)
        return self.http.get(f"/v1/runs/{run_id}").json()

    def fetch(self, path: str, **body: Any) -> httpx.Response:
        """A page of the demo site."""
        return self.http.post("/v1/pages", json={"url": f"{self.places.site}{path}", **body}, timeout=WAIT)

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and report of `/health/browser`."""
        answer = self.http.get("/health/browser")
        return answer.status_code, answer.json()

    def sample(self, name: str, **labels: str) -> float:
        """Value of a metric's sample."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in self.http.get("/metrics").text.splitlines():
            found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
            if found and set((found[1] or "").split(",")) - {""} == wanted:
                return float(found[2])
        raise AssertionError(f"no sample {name} {labels}")

    def until(self, condition: Callable[[], bool], seconds: float = WAIT) -> None:
        """Ask again and again until something holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()[-4000:]
            time.sleep(0.05)  # nothing to wait on: it is another process

    def ready(self, idle: int = 1) -> None:
        """Wait until so many agents are idle."""
        self.until(lambda: self.health()[1]["agents"]["states"]["idle"] >= idle)

    def processes(self) -> list[psutil.Process]:
        """The processes that belong to this service, wherever they hang in the tree."""
        marker = str(self.data)
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            try:
                known = [*process.cmdline(), *process.environ().values()]
                if process.pid != os.getpid() and any(marker in part for part in known):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def redis(self) -> psutil.Process:
        """The embedded redis-server."""
        return next(process for process in self.processes() if process.name() == "redis-server")

    def terminate(self, seconds: float = WAIT) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


Start = Callable[..., Service]


@pytest.fixture
def start(places: Places, tmp_path: Path) -> Iterator[Start]:
    """Starts services; what is left of them is ended with the test."""
    with ExitStack() as stack:
        # A socket's path must be short, and pytest's directories are not.
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bw-", ignore_cleanup_errors=True)), "d")

        def make(**settings: str) -> Service:
            inherited = {k: v for k, v in os.environ.items() if not k.startswith(("BROWSERWATCH_", "OTEL_"))}
            environment = {
                **inherited,
                "BROWSERWATCH_PORT": "0",
                "BROWSERWATCH_DATA_DIR": str(data),
                "BROWSERWATCH_POOL_MAX_SIZE": "2",
                "BROWSERWATCH_EGRESS_ALLOW": urlsplit(places.site).netloc,
                "BROWSERWATCH_LLM_BASE_URL": f"{places.model}/v1",
                "BROWSERWATCH_LLM_API_KEY": "sk-test-0123456789abcdef",
                "OTEL_EXPORTER_OTLP_ENDPOINT": places.spans,
                "OTEL_BSP_SCHEDULE_DELAY": "200",
                **{f"BROWSERWATCH_{name.upper()}": value for name, value in settings.items()},
            }
            if chromium := os.environ.get("BROWSERWATCH_CHROMIUM"):
                environment["BROWSERWATCH_CHROMIUM"] = chromium
            log_path = tmp_path / f"service-{len(list(tmp_path.glob('service-*')))}.log"
            log = stack.enter_context(log_path.open("w"))
            process = subprocess.Popen(
                [sys.executable, "-m", "browserwatch", "serve"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
            stack.callback(_end, process)
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, log_path.read_text()
            http = stack.enter_context(httpx.Client(base_url=found.group(), timeout=WAIT, trust_env=False))
            return Service(process, found.group(), http, places, data, log_path)

        yield make


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
