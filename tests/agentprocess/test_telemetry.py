"""What leaves a real agent process: spans in the caller's trace, and no secret anywhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from browserwatch.agents.messages import Capture, Captured, Failed, Fetch, Fetched, Reset, ResetDone, RunDone
from browserwatch.demo import serve_in_thread
from browserwatch.demo.span_sink import SpanSink
from tests.agentprocess.conftest import Tasks
from tests.agentprocess.harness import AgentProcess, agent_process, family
from tests.agentprocess.sites import ExtraSite

pytestmark = pytest.mark.real

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
CARRIER = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
LOGIN = {"user": "alice-the-user", "password": "hunter2-and-more"}
PROVIDER_KEY = "sk-environment-0123456789abcdef"


@pytest.fixture
def sink() -> Iterator[tuple[SpanSink, str]]:
    """A receiver of spans, and its address."""
    spans = SpanSink()
    with serve_in_thread(spans.app()) as url:
        yield spans, url


@pytest.fixture
async def traced(tmp_path: Path, sink: tuple[SpanSink, str]) -> AsyncGenerator[AgentProcess]:
    """An agent process that sends its spans there, and has a provider's key in its environment."""
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink[1], "OPENAI_API_KEY": PROVIDER_KEY}
    async with agent_process(tmp_path, variables) as agent:
        yield agent


async def test_one_trace(
    traced: AgentProcess, sink: tuple[SpanSink, str], tasks: Tasks, extra: ExtraSite, extra_site: str
) -> None:
    """Commands continue their caller's trace, sent soon after each; the sites that are visited hear nothing of it."""
    page = await traced.ask(Fetch(url=f"{extra_site}/rotating?query=hidden", format="text", trace=CARRIER), Fetched)
    assert page.outcome == "ok"
    await traced.ask(tasks.run("default", start_url=f"{extra_site}/rotating", trace=CARRIER), RunDone)
    await traced.ask(Reset(trace=CARRIER), ResetDone)
    spans = sink[0]
    assert spans.wait_for(TRACE, ["page_fetch", "invoke_agent", "agent_step", "chat", "browser_launch"])
    found = {span.name: span for span in spans.trace(TRACE)}
    fetch = next(span for span in spans.trace(TRACE) if "browser.page.format" in span.attributes)
    assert fetch.parent_id == found["invoke_agent Agent"].parent_id == found["browser_launch"].parent_id == PARENT
    assert fetch.attributes["url.path"] == "/rotating"
    assert fetch.attributes["browser.page.outcome"] == "ok"
    assert fetch.attributes["browser.page.bytes"] == len(page.text or "")
    assert not fetch.failed
    assert fetch.resource["service.name"] == "browserwatch"
    headers = {name for _, sent in extra.requests for name in sent}
    assert not headers & {"traceparent", "tracestate", "baggage"}


async def test_failed_fetch(traced: AgentProcess, sink: tuple[SpanSink, str]) -> None:
    """The span of a fetch that failed says why."""
    await traced.ask(Fetch(url="http://10.0.0.1/", trace=CARRIER), Failed)
    assert sink[0].wait_for(TRACE, ["page_fetch"])
    (span,) = sink[0].trace(TRACE)
    assert span.failed
    assert span.attributes["error.type"] == span.attributes["browser.page.outcome"] == "blocked"


async def test_no_secrets(traced: AgentProcess, sink: tuple[SpanSink, str], tasks: Tasks) -> None:
    """No secret, task or page text is in an event, a span or on standard error, nor a key in Chromium's environment."""
    done = await traced.ask(tasks.run("shop-login", sensitive_data=LOGIN, trace=CARRIER), RunDone)
    assert done.outcome == "success"
    await traced.ask(Fetch(url=f"{tasks.site}/account?token=query-secret", trace=CARRIER), Fetched)
    await traced.ask(Fetch(url=f"{tasks.site}/crash?now=query-secret", trace=CARRIER), Failed)
    await traced.ask(tasks.run("failing", sensitive_data=LOGIN, trace=CARRIER), RunDone)
    await traced.ask(Capture(full=True), Captured)
    for pid in family((await traced.ready).chromium_pid):
        with suppress(psutil.Error):  # renderers come and go
            assert PROVIDER_KEY not in str(psutil.Process(pid).environ())
    await traced.close()
    told = b"".join(line for line in traced.lines if b'"happened"' in line) + traced.errors
    shown = told.decode() + str([(span.name, span.attributes, span.message) for span in sink[0].spans])
    secrets = (*LOGIN.values(), "query-secret", tasks.model.api_key or "", PROVIDER_KEY, "[scenario", "Cart: 3 items")
    assert [secret for secret in secrets if secret in shown] == []
    assert len(sink[0].spans) > 20
