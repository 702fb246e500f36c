"""What is told of the pool: the span of an acquire, events with its ids, and stats for any thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_span_id

from browserwatch import semantics as s
from browserwatch.agents import pool as pool_module
from browserwatch.agents.errors import AcquireTimeoutError, PoolFullError
from browserwatch.agents.pool import AgentPool
from browserwatch.events import AgentAcquired, AgentReturned, ProcessesMeasured
from tests.pool.conftest import StartPool
from tests.pool.contract import ANY, SHOP, Heard, eventually, use


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What the pool's tracer makes."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(pool_module._tracer, "_real_tracer", provider.get_tracer("browserwatch"))
    yield exporter
    provider.shutdown()


def attributes(span: ReadableSpan) -> Mapping[str, object]:
    """Without the time, which must be there."""
    found = dict(span.attributes or {})
    waited = found.pop(s.ACQUIRE_WAITED)
    assert isinstance(waited, float)
    assert waited >= 0
    return found


async def test_the_span_of_an_acquire(start_pool: StartPool, spans: InMemorySpanExporter, heard: Heard) -> None:
    """It ends when the agent is given, says how, and events lead to it."""
    pool = await start_pool()
    async with pool.acquire(SHOP) as lease:
        (span,) = spans.get_finished_spans()
        assert span.name == "agent_acquire"
        assert attributes(span) == {
            s.ACQUIRE_RESULT: "fresh",
            s.AGENT_ID: lease.agent_id,
            s.POOL_SIZE: 1,
            s.POOL_AGENTS: 1,
            s.POOL_IDLE: 0,
            s.POOL_WAITERS: 1,
        }
        assert span.status.status_code is StatusCode.UNSET
    (acquired,) = [event for event in heard.all if isinstance(event, AgentAcquired)]
    assert span.context is not None
    assert acquired.span_id == format_span_id(span.context.span_id)
    assert any(isinstance(event, AgentReturned) for event in heard.all)


async def test_failed_acquires_are_errors_of_the_span(start_pool: StartPool, spans: InMemorySpanExporter) -> None:
    """Time-out and rejection, with a picture of the pool; being cancelled is no error of the pool."""
    pool = await start_pool(pool_max_waiting=1)
    async with pool.acquire(ANY):
        spans.clear()
        waiting = asyncio.create_task(_borrow(pool))
        await eventually(lambda: pool.stats().waiters == 1)
        with pytest.raises(PoolFullError):
            await _borrow(pool)
        waiting.cancel()
        await asyncio.wait([waiting])
        with pytest.raises(AcquireTimeoutError):
            await _borrow(pool, 0.01)
    full, cancelled, late, *_ = spans.get_finished_spans()
    results = [attributes(span)[s.ACQUIRE_RESULT] for span in (full, cancelled, late)]
    assert results == ["rejected", "cancelled", "timeout"]
    assert [attributes(span).get(s.ERROR_TYPE) for span in (full, cancelled, late)] == ["rejected", None, "timeout"]
    assert full.status.status_code is late.status.status_code is StatusCode.ERROR
    assert "pool 1/1: 0 starting, 0 idle, 1 leased; 1 waiting" in str(full.status.description)
    assert "pool 1/1: 0 starting, 0 idle, 1 leased; 1 waiting; waited 0." in str(late.status.description)
    assert attributes(late)[s.POOL_WAITERS] == 1


async def test_usage_is_measured(start_pool: StartPool, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, by role; a measurement that fails is no end of it."""
    monkeypatch.setattr(pool_module, "MEASURE_SECONDS", 0.01)
    pool = await start_pool()
    failures = iter([ValueError("told so")])
    measure = pool._meter.measure

    def flaky(programs: dict[str, int]) -> object:
        for failure in failures:
            raise failure
        return measure(programs)

    monkeypatch.setattr(pool._meter, "measure", flaky)

    def measured(role: str) -> list[ProcessesMeasured]:
        return [event for event in heard.measured if event.role == role and event.memory_bytes]

    async with pool.acquire(ANY) as lease:
        await use(lease)
        await eventually(lambda: len(measured("agent")) > 1)
    assert measured("chromium") == []
    assert measured("agent")[0].cpu_seconds > 0


async def test_stats_from_another_thread(start_pool: StartPool) -> None:
    """While the pool is at work; each picture is whole."""
    pool = await start_pool(pool_max_size=2)
    over = threading.Event()
    totals: set[int] = set()

    def look() -> None:
        while not over.is_set():
            totals.add(sum(pool.stats().states.values()))

    looking = asyncio.create_task(asyncio.to_thread(look))
    await asyncio.gather(*(_borrow(pool) for _ in range(20)))
    over.set()
    await looking
    assert totals <= {0, 1, 2}
    assert set(pool.stats().states) == set(s.AGENT_STATES)


async def _borrow(pool: AgentPool, seconds: float | None = None) -> None:
    async with pool.acquire(ANY, seconds):
        pass
