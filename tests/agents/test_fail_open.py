"""Whatever goes wrong with watching, the run goes on, and a counter and one warning say so."""

from __future__ import annotations

import importlib
import logging
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from browserwatch import events, otel_batch_span_processor
from browserwatch.instrumentation import uninstrument
from browserwatch.instrumentation.observer import Observer
from browserwatch.instrumentation.points import patch_points
from tests.agents.conftest import Lab, Watched

pytestmark = pytest.mark.real

HOOKS = {point.hook for point in patch_points()}


async def test_every_hook_may_raise(
    watched: Watched, lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All our own code failing at once: the run succeeds as without us; each hook is counted, and warns once."""

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("ours")

    for name in ("open", "session", "clean"):
        monkeypatch.setattr(Observer, name, broken)
    with caplog.at_level(logging.WARNING, "browserwatch"):
        history = await lab.agent("shop-login", sensitive_data={"user": "alice-x", "password": "pass-x"}).run(
            max_steps=6
        )

    assert history.is_successful()
    failed = {event.hook for event in watched.of(events.HookFailed)}
    assert {"run", "step", "action", "state", "launch", "navigation", "connection"} <= failed
    for hook in failed:
        assert watched.sample("browser_instrumentation_errors_total", hook=hook) >= 1
        assert sum(f"hook {hook!r}" in record.getMessage() for record in caplog.records) == 1


async def test_a_sink_that_raises(lab: Lab) -> None:
    """The receiver of our events fails each time: the run does not notice."""
    watched = Watched()

    def broken(_: events.Event) -> None:
        raise OSError("sink is full")

    watched.emit = broken  # pyright: ignore[reportAttributeAccessIssue]
    watched.start()
    try:
        assert (await lab.agent("read-table").run(max_steps=5)).is_successful()
    finally:
        uninstrument()
        watched.provider.shutdown()
    assert watched.named("invoke_agent")


async def test_a_dead_collector(watched: Watched, lab: Lab) -> None:
    """Nobody listens where spans go: the run goes on, and each lost span is counted as failed."""
    processor = otel_batch_span_processor(
        OTLPSpanExporter("http://127.0.0.1:9/v1/traces", timeout=1), schedule_delay_millis=50, emit=watched.emit
    )
    watched.provider.add_span_processor(processor)
    assert (await lab.agent("default").run(max_steps=2)).is_successful()
    processor.shutdown()

    lost = watched.sample("browser_telemetry_spans_total", result="failed")
    assert lost == len(watched.spans)
    assert watched.sample("browser_telemetry_spans_total", result="exported") == 0


async def test_all_hooks_install(watched: Watched) -> None:
    """In the tested browser-use every hook finds its place."""
    for point in patch_points():
        importlib.import_module(point.module)
    for hook in HOOKS:
        assert watched.sample("browser_instrumentation_hooks", hook=hook, installed="true") == 1, hook


async def test_uninstrument_restores(lab: Lab) -> None:
    """Afterwards browser-use's classes hold the very functions they held before, and nothing is emitted any more."""
    from browser_use.agent import service

    before = {name: value for name, value in vars(service.Agent).items() if callable(value)}
    watched = Watched()
    watched.start()
    watched.start()
    assert vars(service.Agent)["run"] is not before["run"]
    agent = lab.agent("default")
    uninstrument()
    uninstrument()
    assert {name: value for name, value in vars(service.Agent).items() if callable(value)} == before
    await agent.run(max_steps=2)

    assert watched.spans == []
    assert watched.of(events.RunStarted) == []
    watched.provider.shutdown()


async def test_instrumented_twice_counts_once(watched: Watched, lab: Lab) -> None:
    """A second call of instrument() does not double anything."""
    watched.start()
    await lab.agent("default").run(max_steps=2)

    assert len(watched.named("invoke_agent")) == 1
    assert len(watched.named("chat")) == 1


# Class-based pydantic configuration of theirs.
@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")
@pytest.mark.parametrize("instrumentor", ["openai", "genai.openai"])
async def test_no_second_chat_span(watched: Watched, lab: Lab, instrumentor: str) -> None:
    """A user's instrumentation of the model SDK stays quiet inside our `chat` spans."""
    module = importlib.import_module(f"opentelemetry.instrumentation.{instrumentor}")
    theirs = module.OpenAIInstrumentor()
    theirs.instrument(tracer_provider=watched.provider)
    try:
        await lab.agent("default").run(max_steps=2)
        inside = len([span for span in watched.spans if (span.attributes or {}).get("gen_ai.request.model")])
        await plain_call(lab)
    finally:
        theirs.uninstrument()

    outside = len([span for span in watched.spans if (span.attributes or {}).get("gen_ai.request.model")]) - inside
    assert outside >= 1, "their instrumentation was not on"
    assert inside == 2  # the run and its one chat


async def plain_call(lab: Lab) -> None:
    """A call of the SDK that browser-use has nothing to do with."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=f"{lab.model}/v1", api_key="k") as client:
        await client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": "<step_info>Step1 maximum:2</step_info>"}]
        )
