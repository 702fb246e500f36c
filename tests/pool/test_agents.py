"""One agent: what it answers, what it gets wrong, and what is heard of it."""

from __future__ import annotations

import asyncio
import os
import signal

import msgspec
import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from browserwatch.agents import agent as agent_module
from browserwatch.agents.errors import AgentLostError, CommandFailedError
from browserwatch.agents.messages import Capture, Captured, Fetch, Fetched, Model, Run, RunDone
from browserwatch.events import Event
from browserwatch.settings.service import MEBIBYTE
from tests.pool.conftest import StartPool
from tests.pool.contract import ANY, SECONDS, Faults, Heard, eventually, pid_of, use

RUN = Run(task="buy", model=Model(provider="openai", name="gpt"))


async def test_a_command_that_fails(start_pool: StartPool, heard: Heard) -> None:
    """The agent is well, and goes on."""
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        with pytest.raises(CommandFailedError, match="told so") as failed:
            await lease.ask(Fetch(url="fails:command"), Fetched, SECONDS)
        assert failed.value.reason == "net_error"
        await use(lease)
    assert heard.reasons() == []


@pytest.mark.parametrize(
    ("url", "message", "crashes"),
    [
        ("fails:browser", "its browser failed Fetch: told so", ["browser"]),
        ("crashes:", "its browser failed Fetch: told so", ["browser"]),
        ("dies:", "its process ended with status -9", ["agent"]),
        ("babbles:", "it said something that is no message", ["agent"]),
        ("wrong:", "it answered Fetch with Pong", []),
    ],
)
async def test_agents_that_are_lost(
    url: str, message: str, crashes: list[str], start_pool: StartPool, heard: Heard
) -> None:
    """The borrower is told why; the agent is replaced. A browser's crash counts once, whether or not the agent told it."""
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        with pytest.raises(AgentLostError, match=message) as lost:
            await lease.ask(Fetch(url=url), Fetched, SECONDS)
        assert lost.value.kind == "crash"
    assert (heard.reasons(), heard.crashes(), pool.stats().crashes) == (["crash"], crashes, 1)
    async with pool.acquire(ANY) as lease:
        await use(lease)


async def test_a_browser_that_is_gone_is_seen_at_hand_out(start_pool: StartPool, heard: Heard, faults: Faults) -> None:
    """The agent is there, its browser is not."""
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        await use(lease)
    faults.add("once-ping-browser-lost")
    async with pool.acquire(ANY):
        assert faults.happened("ping-browser-lost")
    assert heard.reasons() == ["crash"]


async def test_a_browser_that_does_not_answer(start_pool: StartPool, heard: Heard) -> None:
    """It did not die, and is given up all the same."""
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        with pytest.raises(AgentLostError, match="told so") as lost:
            await lease.ask(Fetch(url="stalls:"), Fetched, SECONDS)
        assert lost.value.kind == "unresponsive"
    assert (heard.reasons(), heard.crashes()) == (["unresponsive"], [])


async def test_a_reset_that_fails(start_pool: StartPool, heard: Heard, faults: Faults) -> None:
    """The agent is replaced, and the caller that waited for it gets another."""
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        await use(lease)
        faults.add("once-reset-dies")
    async with pool.acquire(ANY):
        pass
    assert heard.reasons() == ["crash"]


async def test_heartbeat(start_pool: StartPool, heard: Heard, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that is lent and does not answer is ended, whatever time its command has."""
    monkeypatch.setattr(agent_module, "BEAT_SECONDS", 0.02)
    pool = await start_pool(agent_unresponsive_seconds=1)
    async with pool.acquire(ANY) as lease:
        asking = asyncio.create_task(lease.ask(Fetch(url="hangs:"), Fetched, SECONDS))
        await eventually(lambda: vars(lease)["_agent"].busy)
        os.kill(pid_of(lease), signal.SIGSTOP)
        with pytest.raises(AgentLostError, match=r"did not answer Ping within 1 s") as lost:
            await asking
        assert lost.value.kind == "unresponsive"
    assert heard.reasons() == ["unresponsive"]
    faults.add("once-ping-dies")
    async with pool.acquire(ANY) as lease:
        await eventually(lambda: faults.happened("ping-dies"))


async def test_the_trace_goes_on_in_the_agent(start_pool: StartPool) -> None:
    """By the W3C trace context."""
    pool = await start_pool()
    context = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    async with pool.acquire(ANY) as lease:
        with trace.use_span(NonRecordingSpan(context)):
            answer = await lease.ask(Capture(full=True), Captured, SECONDS)
    assert msgspec.json.decode(answer.snapshot) == {"trace": {"traceparent": f"00-{0xABC:032x}-{0xDEF:016x}-01"}}


async def test_ears_that_fail(start_pool: StartPool, caplog: pytest.LogCaptureFixture, heard: Heard) -> None:
    """Who hears events may raise: commands go on, and so does the pool."""

    def hear(event: Event) -> None:
        raise ValueError(type(event).__name__)

    pool = await start_pool()
    pool._emit = hear
    async with pool.acquire(ANY) as lease:
        running = asyncio.create_task(lease.ask(RUN, RunDone, SECONDS, heard=hear))
        await eventually(lambda: caplog.text.count("of a command failed") == 3)
        await lease.stop(SECONDS)
        assert (await running).outcome == "cancelled"
    assert "the event AgentAcquired was lost" in caplog.text


async def test_a_line_that_is_too_long(start_pool: StartPool, monkeypatch: pytest.MonkeyPatch, heard: Heard) -> None:
    """Is never kept in memory; the agent is lost."""
    monkeypatch.setattr("browserwatch.agents.launching.LINE_LIMIT", 500)
    monkeypatch.setenv("LONG", "x" * 2000)
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        with pytest.raises(AgentLostError, match="its connection broke"):
            await lease.ask(Fetch(url="environment:"), Fetched, SECONDS)
    assert heard.reasons() == ["crash"]


async def test_memory(start_pool: StartPool, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that uses more than twice what it may is ended while it is lent; one that uses more than that, when it is back."""
    monkeypatch.setattr("browserwatch.agents.pool.MEASURE_SECONDS", 0.02)
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        await eventually(lambda: pool.stats().memory_bytes > 0)
        monkeypatch.setattr("browserwatch.agents.fleet.MEBIBYTE", 1)
        with pytest.raises(AgentLostError, match="of memory; 4096 MiB are the most"):
            await lease.ask(Fetch(url="hangs:"), Fetched, SECONDS)
    assert (heard.reasons(), heard.crashes(), pool.stats().crashes) == (["memory"], [], 0)


async def test_memory_when_it_comes_back(start_pool: StartPool, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is replaced."""
    monkeypatch.setattr("browserwatch.agents.pool.MEASURE_SECONDS", 0.02)
    pool = await start_pool(agent_memory_limit_mb=200)
    async with pool.acquire(ANY) as lease:
        for _ in range(4):
            await lease.ask(Fetch(url="balloons:"), Fetched, SECONDS)
        await eventually(lambda: pool.stats().memory_bytes > 200 * MEBIBYTE)
        assert pool.stats().memory_bytes < 400 * MEBIBYTE
    assert heard.reasons() == ["memory"]
