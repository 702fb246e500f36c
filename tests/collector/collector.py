"""The real OpenTelemetry Collector, started with the configurations that we ship."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, cast

import httpx
import psutil
import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser
from prometheus_client.samples import Sample

from browserwatch.demo import ReceivedSpan, SpanSink
from tests.dashboards.tools import DEPLOY, ROOT

SINGLE, TO_FILE, BALANCER, SAMPLER = (
    DEPLOY / "otel-collector" / f"{name}.yaml"
    for name in ("single", "traces-to-file", "gateway-balancer", "gateway-sampler")
)
OPEN_METRICS: Final = {"accept": "application/openmetrics-text; version=1.0.0"}
PATIENCE_SECONDS: Final = 30.0
read_open_metrics: Callable[[str], Iterable[Metric]] = cast("Any", parser).text_string_to_metric_families
# prometheus_client's parser of the old format would have every counter end in _total.
SAMPLE: Final = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)
LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
# As short as the sampler can wait, and metrics as often as a test looks.
QUICK: Final = {"OTELCOL_DECISION_WAIT": "1s"}
QUICK_SETTINGS: Final = (
    "processors::batch::timeout=100ms",
    "connectors::span_metrics::metrics_flush_interval=1s",
)


def program() -> Path:
    """The collector that `./dev test` found or built; where there is none the test is skipped, but never in CI."""
    named = os.environ.get("BROWSERWATCH_OTELCOL")
    found = [Path(named)] if named else list(ROOT.glob(".cache/otelcol/*/otelcol"))
    if not found:
        missing = (
            "there is no collector (./dev test builds one, see scripts/collector.sh): its configurations are not tried."
        )
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return found[0]


def validate(*configurations: Path) -> subprocess.CompletedProcess[str]:
    """`otelcol validate`, with the environment variables at their defaults."""
    return subprocess.run(
        [program(), "validate", *configured(configurations)],
        env=without_settings(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def configured(configurations: Iterable[Path]) -> list[str]:
    """The options that name configurations; a later one overlays those before it."""
    return [f"--config={path}" for path in configurations]


def without_settings() -> dict[str, str]:
    """The environment without any setting of a collector."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("OTELCOL_", "OTEL_"))}


class Collector:
    """A collector that runs on free ports of loopback."""

    def __init__(self, directory: Path, options: list[str], variables: dict[str, str]) -> None:
        """Prepare to start it; its queue, traces and log are kept in `directory`."""
        self.log = directory / "collector.log"
        self.traces = directory / "traces.json"
        self.process: subprocess.Popen[bytes] | None = None
        self._options = options
        grpc, http, health, own, spans = (f"127.0.0.1:{port}" for port in free_ports(5))
        self.grpc = grpc
        self.http = f"http://{http}"
        self._health = f"http://{health}"
        self._own_metrics = f"http://{own}/metrics"
        self._span_metrics = f"http://{spans}/metrics"
        self._environment = {
            **without_settings(),
            "OTELCOL_GRPC": grpc,
            "OTELCOL_HTTP": http,
            "OTELCOL_HEALTH": health,
            "OTELCOL_METRICS_PORT": own.partition(":")[2],
            "OTELCOL_SPAN_METRICS": spans,
            "OTELCOL_QUEUE_DIR": str(directory / "queue"),
            "OTELCOL_TRACES_FILE": str(self.traces),
            **variables,
        }

    def start(self) -> None:
        """Start it, again after a `kill`, and wait until it says that it is healthy."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [program(), *self._options], env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.until(self._healthy, "healthy")

    def _healthy(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        try:
            return httpx.get(self._health, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL: it can save nothing."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it if it runs."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        pause = threading.Event()  # nothing to wait on: it is another process
        while not condition():
            assert time.monotonic() < deadline, (
                f"not within {PATIENCE_SECONDS:g} s: {what}\n{self.log.read_text()[-4000:]}"
            )
            pause.wait(0.1)

    def listens_on(self) -> set[str]:
        """The addresses on which it can be reached."""
        assert self.process is not None
        connections = psutil.Process(self.process.pid).net_connections(kind="inet")
        return {one.laddr.ip for one in connections if one.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)}

    def own_metrics(self) -> list[Sample]:
        """What it tells of itself, as Prometheus gets it: in the old format, whatever is asked for."""
        return [
            Sample(found["name"], dict(LABEL.findall(found["labels"] or "")), float(found["value"]))
            for found in SAMPLE.finditer(fetch(self._own_metrics))
        ]

    def own(self, name: str, **labels: str) -> float:
        """The sum of its own samples of a name that have these labels."""
        return sum(
            sample.value
            for sample in self.own_metrics()
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def shown(self) -> str:
        """What it made of the spans, in OpenMetrics: with exemplars."""
        return fetch(self._span_metrics)

    def span_metrics(self) -> list[Sample]:
        """The same, read."""
        return [sample for family in read_open_metrics(self.shown()) for sample in family.samples]

    def written(self, name: str) -> list[ReceivedSpan]:
        """The spans of a name in the file of traces."""
        return [span for span in read_traces(self.traces) if span.name == name]


def fetch(url: str) -> str:
    """What a target shows to a Prometheus that would like OpenMetrics."""
    return httpx.get(url, headers=OPEN_METRICS, trust_env=False).raise_for_status().text


def read_traces(path: Path) -> tuple[ReceivedSpan, ...]:
    """The spans in a file of the collector's: a request in JSON a line, the last perhaps unfinished."""
    sink = SpanSink()
    text = path.read_text() if path.exists() else ""
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            sink.add(ParseDict(json.loads(line, object_hook=_with_ids_in_base64), ExportTraceServiceRequest()))
    return sink.spans


def _with_ids_in_base64(part: dict[str, Any]) -> dict[str, Any]:
    """OTLP writes ids in hex, where JSON of protobuf has base64."""
    ids = {name: b64encode(bytes.fromhex(part[name])) for name in ("traceId", "spanId", "parentSpanId") if name in part}
    return part | ids


@contextmanager
def running(
    directory: Path, *configurations: Path, settings: tuple[str, ...] = QUICK_SETTINGS, **variables: str
) -> Generator[Collector]:
    """A collector that runs for as long as the block does, with `settings` over its configurations."""
    directory.mkdir(parents=True, exist_ok=True)
    options = configured(configurations) + [f"--set={setting}" for setting in settings]
    collector = Collector(directory, options, QUICK | variables)
    try:
        collector.start()
        yield collector
    finally:
        collector.stop()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; held until all are chosen, so that none is given twice."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in held]
