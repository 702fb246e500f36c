"""Planted secrets never leave: not in a span, an event, a metric or a log line, wherever the page repeats them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from prometheus_client import generate_latest

from browserwatch import configure_logging, events
from browserwatch.demo import Scenario, Step, demo_site, scripted_model, serve_in_thread
from browserwatch.instrumentation import uninstrument
from tests.agents.conftest import SECRETS, Lab, Watched

pytestmark = pytest.mark.real

PLANTED = "The quarterly figures of Contoso"
LEAKY = Scenario(
    name="leaky",
    steps=(
        Step(actions=({"navigate": {"url": "{site}/form?api_key=query-secret-1#fragment-secret"}},)),
        Step(
            actions=(
                {"input": {"element": "#get-text", "text": "<secret>password</secret>"}},
                {"click": {"element": "#get-submit"}},
            )
        ),
        Step(actions=({"navigate": {"url": "http://bob:userinfo-secret@127.0.0.1:9/" + quote(SECRETS["user"])}},)),
        Step(actions=({"find_text": {"text": PLANTED}},)),
        Step(actions=({"input": {"element": "#nowhere", "text": PLANTED}},)),
        Step(actions=({"done": {"text": PLANTED, "success": True}},)),
    ),
)


def everything(watched: Watched, log: str = "") -> str:
    """All that left the process, as one text."""
    spans = [span.to_json() for span in watched.spans]
    lines = [events.encode(event).decode() for event in watched.events]
    return "\n".join([*spans, *lines, generate_latest(watched.registry).decode(), log])


def forms(secret: str) -> set[str]:
    """How a value may look in URLs, JSON and Python."""
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}


async def run_leaky(lab: Lab, **options: Any) -> None:
    with serve_in_thread(scripted_model([LEAKY])) as model, serve_in_thread(demo_site()) as site:
        lab.model, lab.site = model, site
        await lab.agent(LEAKY, sensitive_data=dict(SECRETS), **options).run(max_steps=7)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, as JSON lines."""
    stream = io.StringIO()
    undo = configure_logging(logging.DEBUG, stream)
    yield stream
    undo()


async def test_nothing_leaks_by_default(watched: Watched, lab: Lab, log: io.StringIO) -> None:
    """Secrets in typed text, URLs, titles, errors and headers: none is in what we emit, and no content either."""
    await run_leaky(lab)

    shown = everything(watched)
    for secret in SECRETS.values():
        for form in forms(secret):
            assert form.lower() not in shown.lower()
    for secret in (
        "query-secret-1",
        "fragment-secret",
        "userinfo-secret",
        "sk-test-0123456789abcdef",
        PLANTED,
        "scenario:",
    ):
        assert secret not in shown
    for line in log.getvalue().splitlines():
        fields = json.loads(line)
        for secret in (*SECRETS.values(), "query-secret-1", "userinfo-secret", "sk-test-0123456789abcdef"):
            for form in forms(secret):
                assert form.lower() not in " ".join(map(str, fields.values())).lower()
    assert "/form" in shown
    assert watched.sample("browser_redactions_total", sink="span") >= 1


async def test_log_lines_carry_the_trace(watched: Watched, lab: Lab, log: io.StringIO) -> None:
    """browser-use's own log lines of a run have the trace and span ids of where they were written."""
    await lab.agent("default").run(max_steps=2)

    run = watched.named("invoke_agent")[0]
    assert run.context is not None
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    traced = [line for line in lines if line["logger"].startswith("browser_use") and "trace_id" in line]
    assert {int(line["trace_id"], 16) for line in traced} == {run.context.trace_id}
    steps = {span.context.span_id for span in watched.named("agent_step") if span.context}
    assert steps & {int(line["span_id"], 16) for line in traced}


async def test_content_is_captured_redacted(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the standard variable set, messages, arguments and results appear, without declared secrets."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
    watched = Watched()
    watched.start()
    try:
        await run_leaky(lab)
    finally:
        uninstrument()
        watched.provider.shutdown()

    shown = everything(watched)
    for secret in SECRETS.values():
        for form in forms(secret):
            assert form.lower() not in shown.lower()
    chat = watched.named("chat")[0].attributes or {}
    assert json.loads(str(chat["gen_ai.system_instructions"]))[0]["type"] == "text"
    sent = json.loads(str(chat["gen_ai.input.messages"]))
    assert sent[0]["role"] == "user"
    assert "scenario: leaky" in sent[0]["parts"][0]["content"]
    answered = json.loads(str(chat["gen_ai.output.messages"]))
    assert answered[0]["finish_reason"]
    run = watched.named("invoke_agent")[0].attributes or {}
    assert PLANTED in str(run["gen_ai.output.messages"])
    tool = watched.named("execute_tool find_text")[0].attributes or {}
    assert json.loads(str(tool["gen_ai.tool.call.arguments"])) == {"text": PLANTED}


async def test_content_as_events(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """EVENT_ONLY: content goes to OpenTelemetry's logs, correlated with the span, and not on the span."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "EVENT_ONLY")
    records = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(records))
    set_logger_provider(provider)
    assert get_logger_provider() is provider
    watched = Watched()
    watched.start()
    try:
        await lab.agent("default").run(max_steps=2)
    finally:
        uninstrument()
        watched.provider.shutdown()
        provider.shutdown()

    call = watched.named("chat")[0]
    assert "gen_ai.input.messages" not in (call.attributes or {})
    record = records.get_finished_logs()[0].log_record
    assert record.event_name == "gen_ai.client.inference.operation.details"
    assert call.context is not None
    assert record.span_id == call.context.span_id
    assert "scenario: default" in str((record.attributes or {})["gen_ai.input.messages"])
