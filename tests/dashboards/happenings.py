"""One of everything that can happen, as events."""

from __future__ import annotations

import functools
import time
from typing import TypedDict

from prometheus_client import CollectorRegistry, Histogram

from browserwatch import events as e
from browserwatch.dashboards.foreign import REQUEST, REQUESTS, TARGET
from browserwatch.metrics import Instruments


class Ids(TypedDict):
    """What an event knows of its span."""

    trace_id: str
    span_id: str


TRACE: Ids = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}


def everything() -> list[e.Event]:
    """Events that move every instrument."""
    call = functools.partial(e.ModelCalled, provider="openai", model="gpt-4.1-mini", seconds=1.5)
    return [
        e.RunStarted(),
        e.RunFinished(outcome="success", failure_reason="none", seconds=40, steps=5, **TRACE),
        e.RunStarted(),
        e.RunFinished(outcome="error", failure_reason="browser_crash", seconds=3, steps=1, **TRACE),
        e.StepFinished(outcome="ok", seconds=7, phases={"prepare": 1, "model": 4, "act": 1, "finalize": 1}, **TRACE),
        e.ActionFinished(action="click", outcome="ok", seconds=0.5, **TRACE),
        e.ActionFinished(action="input", outcome="error", seconds=0.5, **TRACE),
        call(input_tokens=900, output_tokens=80, cached_tokens=300, has_usage=True, cost_usd=0.01, **TRACE),
        call(error="rate_limit"),
        e.PageLoaded(outcome="ok", cause="link", ttfb=0.1, dom_content_loaded=0.4, load=0.9, **TRACE),
        e.PolicyBlocked(rule="private_address"),
        e.BrowserLaunched(result="ok", seconds=2),
        e.BrowserCrashed(kind="tab"),
        e.SessionOperation(operation="restore", result="ok", seconds=0.01, size=4000),
        e.SessionOperation(operation="restore", result="miss", seconds=0.01),
        e.PageFetchStarted(),
        e.PageFetched(outcome="ok", seconds=1.2, **TRACE),
        e.AgentAcquired(result="warm", seconds=0.2, **TRACE),
        e.AgentReturned(seconds=45),
        e.AgentRetired(reason="max_uses"),
        e.OrphansReaped(count=1),
        e.SessionReused(source="warm", **TRACE),
        e.RunRejected(reason="queue_full"),
        e.ProcessesMeasured(role="chromium", memory_bytes=500_000_000, cpu_seconds=0.4),
        e.ProcessesMeasured(role="agent", memory_bytes=90_000_000, cpu_seconds=0.1),
        e.BusWaited(seconds=0.02),
        e.VersionsSeen(browser_use="0.13.14", chromium="140"),
        e.HookInstalled(hook="step", installed=True),
        e.HookFailed(hook="step"),
        e.Redacted(sink="span"),
        e.SpansCounted(result="exported", count=30, queue_size=2, queue_capacity=2048, at=time.time()),
    ]


def make_a_pool(instruments: Instruments) -> None:
    """What the service refreshes at each scrape: two of four agents at work, nobody waits, Redis is there."""
    instruments.pool_size.set(4)
    instruments.pool_agents.child("leased").set(2)
    instruments.pool_agents.child("idle").set(1)
    instruments.redis_up.set(1)
    instruments.redis_ping.set(0.0008)


def make_requests(registry: CollectorRegistry) -> Histogram:
    """What the service's web framework shows once it is asked for something."""
    labels = {"http_request_method": "POST", "http_route": "/v1/runs", "http_response_status_code": "202"}
    assert labels.keys() == REQUEST.keys() - TARGET.keys()
    return Histogram(REQUESTS, "Duration of HTTP server requests.", [*labels], registry=registry).labels(**labels)
