"""The collector's metrics of itself: every name that our dashboards and alerts rely on is shown when it is due."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from browserwatch.dashboards.foreign import FOREIGN, TARGET
from browserwatch.demo import serve_in_thread
from tests.collector.collector import QUICK_SETTINGS, SINGLE, Collector, free_ports, running
from tests.collector.spans import Spans

pytestmark = pytest.mark.real

DECLARED = {name: labels for names, labels, _ in FOREIGN for name in names if name.startswith("otelcol_")}
# What each situation must show. Together they are all that is declared: none is impossible to provoke.
WORKING = {
    "otelcol_receiver_accepted_spans",
    "otelcol_exporter_sent_spans",
    "otelcol_exporter_queue_capacity",
    "otelcol_process_memory_rss",
    "otelcol_process_uptime",
}
SHORT_OF_MEMORY = {"otelcol_receiver_refused_spans"}
STORE_REFUSES = {"otelcol_exporter_send_failed_spans"}
STORE_DOWN = {"otelcol_exporter_queue_size", "otelcol_exporter_enqueue_failed_spans"}


@pytest.fixture
def refusing() -> Iterator[str]:
    """A store that takes nothing, and says that it never will."""

    async def refuse(_: Request) -> Response:
        return Response(status_code=400)

    with serve_in_thread(Starlette(routes=[Route("/v1/traces", refuse, methods=["POST"])])) as address:
        yield address


def send_failed_spans(collector: Collector, traces: int = 1) -> bool:
    """Send traces that are kept, each in a request of its own; whether all were taken."""
    taken: list[bool] = []
    for _ in range(traces):
        spans = Spans()
        spans.add("failed", error="it broke")
        taken.append(spans.send(collector.http))
    return all(taken)


def shows(collector: Collector, names: set[str]) -> None:
    """Wait for the names, with a value above zero and the labels that are declared."""
    collector.until(lambda: all(collector.own(name) > 0 for name in names), f"{sorted(names)} above zero")
    found = [sample for sample in collector.own_metrics() if sample.name in names]
    for sample in found:
        # Prometheus adds job and instance.
        assert set(sample.labels) <= set(DECLARED[sample.name]), sample
    for name in names:
        labels = [set(sample.labels) for sample in found if sample.name == name]
        assert set(DECLARED[name]) - set(TARGET) in labels, name


def test_nothing_declared_is_left_out() -> None:
    """A name in `foreign` is shown in one of the situations below."""
    assert set(DECLARED) == WORKING | SHORT_OF_MEMORY | STORE_REFUSES | STORE_DOWN


def test_shows_that_it_works(tmp_path: Path, store: tuple[object, str]) -> None:
    """Spans taken and delivered, its memory and its age."""
    with running(tmp_path, SINGLE, OTELCOL_TRACES_ENDPOINT=store[1]) as collector:
        assert send_failed_spans(collector)
        shows(collector, WORKING)


def test_shows_that_it_is_short_of_memory(tmp_path: Path) -> None:
    """It refuses spans, and whoever sends them hears of it."""
    with running(tmp_path, SINGLE, OTELCOL_MEMORY_MIB="2", OTELCOL_MEMORY_SPIKE_MIB="1") as collector:
        collector.until(lambda: not send_failed_spans(collector), "refused")
        shows(collector, SHORT_OF_MEMORY)


def test_shows_that_the_store_refuses(tmp_path: Path, refusing: str) -> None:
    """Spans that no retry can save are counted as lost."""
    with running(tmp_path, SINGLE, OTELCOL_TRACES_ENDPOINT=refusing) as collector:
        assert send_failed_spans(collector)
        shows(collector, STORE_REFUSES)


def test_shows_that_the_queue_fills_and_overflows(tmp_path: Path) -> None:
    """While the store is down spans wait, and beyond the queue they are lost."""
    (port,) = free_ports(1)
    settings = (*QUICK_SETTINGS, "exporters::otlp_http/traces::sending_queue::queue_size=2")
    address = f"http://127.0.0.1:{port}"
    with running(tmp_path, SINGLE, settings=settings, OTELCOL_TRACES_ENDPOINT=address) as collector:

        def lost() -> bool:
            assert send_failed_spans(collector)
            return collector.own("otelcol_exporter_enqueue_failed_spans") > 0

        collector.until(lost, "the queue is full")
        shows(collector, STORE_DOWN)
