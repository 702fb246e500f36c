from collections.abc import Generator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from browserwatch.events import PageFetched, RunFinished, SessionReused
from browserwatch.runs import session_state
from browserwatch.runs.dispatcher import RunDispatcher
from browserwatch.runs.models import PageRequest, RunRequest
from browserwatch.runs.pages import AgentPages
from browserwatch.sessions.vault import SessionVault
from browserwatch.settings import ServiceSettings
from tests.runs.conftest import outcome
from tests.runs.fakes import FakeLender, Heard
from tests.sessions.logins import LOGIN


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Generator[InMemorySpanExporter]:
    """What the room's tracer makes, as if a provider had been set after the import."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(session_state.tracer, "_real_tracer", provider.get_tracer("test"), raising=False)
    yield exporter
    provider.shutdown()


def described(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_the_spans_of_a_session(
    runs: RunDispatcher, tenant: str, lender: FakeLender, heard: Heard, vault: SessionVault, spans: InMemorySpanExporter
) -> None:
    """Put in and saved within the trace of the request; counts, bytes and source only; the event has an exemplar."""
    async with vault.open(tenant, "shop") as opened:
        await opened.save(LOGIN)
    with session_state.tracer.start_as_current_span("request"):
        record = await runs.submit(tenant, RunRequest(task="geheime Aufgabe", session="shop"))
    await outcome(runs, record)
    by_name = {span.name: span for span in spans.get_finished_spans()}
    assert set(by_name) == {"request", "session_restore", "session_save"}
    assert {f"{span.context.trace_id:032x}" for span in by_name.values() if span.context} == {record.trace_id}
    size = len(LOGIN.encode())
    counts = {"browser.session.cookies": 1, "browser.session.origins": 1, "browser.session.bytes": size}
    assert described(by_name["session_restore"]) == {"browser.session.source": "restored", **counts}
    assert described(by_name["session_save"]) == counts
    (reused,), (finished,) = heard.of(SessionReused), heard.of(RunFinished)
    restoring = by_name["session_restore"].context
    assert restoring is not None
    assert (reused.trace_id, reused.span_id) == (record.trace_id, f"{restoring.span_id:016x}")
    assert finished.trace_id == record.trace_id


async def test_a_page_belongs_to_the_trace_of_its_request(
    make_settings: Any, lender: FakeLender, vault: SessionVault, heard: Heard, tenant: str, spans: InMemorySpanExporter
) -> None:
    """The agent makes the span of the load; here it is only told in which trace that was, also in the metrics."""
    settings: ServiceSettings = make_settings()
    pages = AgentPages(settings, lender, vault, heard)
    with session_state.tracer.start_as_current_span("request") as request:
        page = await pages.fetch(tenant, PageRequest(url="https://shop.example:8443/cart?geheim=1"))
    trace_id = f"{request.get_span_context().trace_id:032x}"
    (fetched,) = heard.of(PageFetched)
    assert page.trace_id == fetched.trace_id == trace_id
    assert [span.name for span in spans.get_finished_spans()] == ["request"]
