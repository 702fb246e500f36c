"""A browser that is made new, dies or hangs, under a real agent process that goes on."""

from __future__ import annotations

import os
import signal

import pytest

from browserwatch.agents.messages import Failed, Ping, Pong, Reset, ResetDone
from browserwatch.events import BrowserCrashed, BrowserLaunched, RunFinished, StepFinished
from tests.agentprocess.conftest import Tasks
from tests.agentprocess.harness import AgentProcess, alive

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]


async def new_chromium(agent: AgentProcess) -> int:
    """Process id of a Chromium that was started for this test."""
    return (await agent.ask(Reset(), ResetDone)).chromium_pid


async def test_reset(shared: AgentProcess) -> None:
    """A reset brings a new Chromium with a new profile; the old one is gone, with its directory."""
    old = (await shared.ready).chromium_pid
    done = await shared.ask(Reset(), ResetDone)
    assert alive(done.chromium_pid)
    assert not alive(old)
    assert [path.name for path in shared.directory.glob("browser-[0-9]*")] == ["browser-2"]
    assert [event.result for event in shared.of(BrowserLaunched)] == ["ok", "ok"]
    assert shared.of(BrowserCrashed) == []


async def test_browser_dies_idle(shared: AgentProcess) -> None:
    """A Chromium that dies is told of once, and missed by the next command; a reset brings another."""
    os.kill(await new_chromium(shared), signal.SIGKILL)
    await shared.seen(BrowserCrashed, lambda event: event.kind == "browser")
    failed = await shared.ask(Ping(), Failed)
    assert (failed.kind, failed.reason) == ("browser", "browser_crash")
    await shared.ask(Reset(), ResetDone)
    await shared.ask(Ping(), Pong)
    assert len(shared.of(BrowserCrashed)) == 1


async def test_browser_dies_in_a_run(shared: AgentProcess, tasks: Tasks) -> None:
    """A Chromium that dies in a run takes the run with it, which says so; it is told of once."""
    chromium, before = await new_chromium(shared), len(shared.of(BrowserCrashed))
    run = shared.send(tasks.run("slow"))
    await shared.seen(StepFinished)
    os.kill(chromium, signal.SIGKILL)
    failed = await shared.answer(run, Failed, seconds=20)
    assert (failed.kind, failed.reason) == ("browser", "browser_crash")
    finished = await shared.seen(RunFinished)
    assert (finished.outcome, finished.failure_reason) == ("error", "browser_crash")
    assert len(shared.of(BrowserCrashed)) == before + 1


async def test_browser_hangs(shared: AgentProcess) -> None:
    """A Chromium that hangs is not well; a reset ends it all the same."""
    os.killpg(await new_chromium(shared), signal.SIGSTOP)
    failed = await shared.ask(Ping(), Failed)
    assert (failed.kind, failed.reason) == ("browser", "browser_unresponsive")
    await shared.ask(Reset(), ResetDone)
    await shared.ask(Ping(), Pong)
