"""The service's own metrics and traces."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from browserwatch.api.services import QueueStats
from browserwatch.metrics import instruments
from browserwatch.metrics.readings import reading
from tests.api.conftest import Serve
from tests.api.fakes import World
from tests.conftest import RunPython

TRACE = "ef" * 16
CALLER = {"traceparent": f"00-{TRACE}-{'12' * 8}-01"}
# In an interpreter of its own: the first scrape of a process, the one registry, the one tracer provider.
PROGRAM = """
    import asyncio, json, sys
    from pathlib import Path
    import httpx
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from browserwatch.api.app import create_app
    from browserwatch.settings import ServiceSettings
    from tests.api.fakes import World

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    world = World()

    def make():
        return create_app(ServiceSettings(data_dir=Path("unused")), world.open)

    async def main(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with app.router.lifespan_context(app), httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1"
        ) as http:
            await use(http)
"""


@pytest.mark.real
def test_the_first_scrape_has_every_series(run_python: RunPython) -> None:
    """Before any request, and before anything happened: closed label sets are complete, and at zero."""
    shown = run_python(f"""{PROGRAM}
    async def use(http):
        print((await http.get("/metrics")).text)

    asyncio.run(main(make()))
    """)
    samples = set(re.findall(r"^([a-z_]+(?:\{[^}]*\})?) ", shown, re.MULTILINE))
    assert "browser_active_agents" in samples
    assert {f'browser_session_reuse_total{{source="{source}"}}' for source in ("warm", "restored")} <= samples
    assert {f'browser_pool_agents{{state="{state}"}}' for state in ("idle", "leased", "starting")} <= samples
    assert {f'browser_runs_rejected_total{{reason="{reason}"}}' for reason in ("queue_full", "quota")} <= samples
    for family in instruments.families:
        assert f"# TYPE {family.name}" in shown, family.name


@pytest.mark.real
def test_requests_are_timed_by_method_route_and_status_alone(run_python: RunPython) -> None:
    """Route templates, never paths; health and metrics not at all; a second app in the process is no harm."""
    shown = run_python(f"""{PROGRAM}
    async def use(http):
        await http.post("/v1/runs", json={{"task": "t"}})
        await http.get("/v1/runs/secret-id?secret=query")
        await http.get("/secret-path")
        await http.request("BREW", "/v1/runs")
        await http.get("/v1/sessions/metrics")
        await http.get("/health/live")
        await http.get("/health/browser")
        print((await http.get("/metrics")).text)

    asyncio.run(main(make()))
    asyncio.run(main(make()))
    """)
    lines = {line for line in shown.splitlines() if line.startswith("http_server_request_duration_seconds_count")}
    # Where no route matches, releases leave the label out or empty, which is the same to Prometheus.
    labels = {re.sub(r"^[a-z_]+\{(.*)\} .*$", r"\1", line).removesuffix(',http_route=""') for line in lines}
    assert labels == {
        'http_request_method="POST",http_response_status_code="202",http_route="/v1/runs"',
        'http_request_method="GET",http_response_status_code="404",http_route="/v1/runs/{run_id}"',
        'http_request_method="GET",http_response_status_code="404"',
        'http_request_method="_OTHER",http_response_status_code="405",http_route="/v1/runs"',
        'http_request_method="GET",http_response_status_code="404",http_route="/v1/sessions/{name}"',
    }
    assert 'le="0.005"' in shown
    for unwanted in ("secret", "target_info", "otel_scope", "http_server_active_requests", "body_size"):
        assert unwanted not in shown


@pytest.mark.real
def test_requests_are_spans_of_their_callers_traces(run_python: RunPython) -> None:
    """One a request, without its query and without an error's words; none for health and metrics."""
    shown = run_python(f"""{PROGRAM}
    async def use(http):
        headers = {CALLER!r}
        taken = await http.post("/v1/runs?secret=1", json={{"task": "secret"}}, headers=headers)
        world.runs.error = RuntimeError("secret")
        failed = await http.get("/v1/runs/x", headers=headers)
        own = await http.get("/v1/sessions")
        for path in ("/health/live", "/health/ready", "/health/browser", "/metrics"):
            assert "x-trace-id" not in (await http.get(path)).headers
        print(json.dumps([
            [taken.headers["x-trace-id"], failed.headers["x-trace-id"], failed.json()["trace_id"]],
            own.headers["x-trace-id"],
            [[span.name, span.kind.name, format(span.context.trace_id, "032x"), span.status.status_code.name]
             for span in exporter.get_finished_spans()],
        ]))
        assert not any("secret" in span.to_json() for span in exporter.get_finished_spans())

    asyncio.run(main(make()))
    """)
    ids, own, spans = json.loads(shown)
    assert ids == [TRACE] * 3
    assert spans == [
        ["POST /v1/runs", "SERVER", TRACE, "UNSET"],
        ["GET /v1/runs/{run_id}", "SERVER", TRACE, "ERROR"],
        ["GET /v1/sessions", "SERVER", own, "UNSET"],
    ]


async def test_without_tracing_a_callers_trace_is_still_told(http: httpx.AsyncClient) -> None:
    """In answers and problems; without a caller's there is none to tell."""
    assert (await http.get("/v1/runs", headers=CALLER)).headers["x-trace-id"] == TRACE
    problem = await http.get("/v1/runs/nope", headers=CALLER)
    assert problem.json()["trace_id"] == problem.headers["x-trace-id"] == TRACE
    assert "x-trace-id" not in (await http.get("/v1/runs")).headers


async def test_each_scrape_shows_pool_and_queue_as_they_are(serve: Serve, world: World) -> None:
    """Read from the pool at the scrape; and when the service has stopped, no longer."""
    world.lender.show(waiters=5, oldest_waiter_seconds=2.5)
    world.queue = QueueStats(queued=7, running=4, oldest_seconds=9.5)
    async with serve() as http:
        shown = (await http.get("/metrics")).text
        assert 'browser_pool_agents{state="leased"} 1.0' in shown
        assert "browser_pool_size 4.0" in shown
        assert "browser_pool_waiters 5.0" in shown
        assert "browser_pool_oldest_waiter_seconds 2.5" in shown
        assert "browser_runs_queued 7.0" in shown
        assert "browser_run_queue_oldest_seconds 9.5" in shown
        assert "browser_redis_up 1.0" in shown
        assert "browser_redis_ping_seconds 0.00025" in shown
    world.lender.show(waiters=6)
    list(instruments.collect())
    assert reading(instruments.pool_waiters) == 5


async def test_a_pool_that_cannot_be_asked_costs_its_gauges_alone(
    http: httpx.AsyncClient, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The scrape has all the others."""
    world.lender.error = RuntimeError()
    assert "browser_active_agents 0.0" in (await http.get("/metrics")).text
    assert "could not be refreshed" in caplog.text


async def test_metrics_may_have_a_port_of_their_own(serve: Serve, world: World, unused_tcp_port: int) -> None:
    """Then the main one has none."""
    async with serve(metrics_port=unused_tcp_port) as http:
        assert (await http.get("/metrics")).status_code == 404
        async with httpx.AsyncClient(trust_env=False) as scraper:
            answer = await scraper.get(f"http://127.0.0.1:{unused_tcp_port}/metrics")
        assert "browser_active_agents 0.0" in answer.text


async def test_metrics_are_read_only(http: httpx.AsyncClient) -> None:
    """GET and HEAD, with no redirect on the way."""
    assert (await http.get("/metrics")).status_code == 200
    assert (await http.head("/metrics")).status_code == 200
    assert (await http.request("DELETE", "/metrics")).status_code == 405


def test_importing_the_api_does_not_bring_browser_use(run_python: RunPython, tmp_path: Path) -> None:
    """Only the agent processes have it."""
    shown = run_python("import sys, browserwatch.api.app; print('browser_use' in sys.modules)")
    assert shown.strip() == "False"
