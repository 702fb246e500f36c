"""Nothing outlives what it belongs to: Chromium its agent process, the agent process the service."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from browserwatch.agents.messages import Ping, Pong, Shutdown
from tests.agentprocess.harness import AgentProcess, end_of, family, spawn

pytestmark = pytest.mark.real


async def test_service_gone(agent: AgentProcess) -> None:
    """When the service's end of the socket closes, process and Chromium end at once."""
    members = family(agent.process.pid)
    agent.hang_up()
    assert await agent.ended(3) == 0
    await end_of(*members)


async def test_killed(agent: AgentProcess) -> None:
    """When the agent process is killed, Chromium ends with it."""
    members = family(agent.process.pid)
    os.kill(agent.process.pid, signal.SIGKILL)
    await end_of(*members)


async def test_stopped_and_killed(agent: AgentProcess) -> None:
    """Also when Chromium is stopped, and can't see its parent go."""
    members = family(agent.process.pid)
    os.killpg((await agent.ready).chromium_pid, signal.SIGSTOP)
    os.kill(agent.process.pid, signal.SIGKILL)
    await end_of((await agent.ready).chromium_pid)
    os.killpg((await agent.ready).chromium_pid, signal.SIGCONT)
    await end_of(*members)


async def test_shutdown(agent: AgentProcess) -> None:
    """Told to end, it ends well, and quietly; signals that are meant for the service do not end it."""
    for meant_for_the_service in (signal.SIGINT, signal.SIGTERM):
        os.kill(agent.process.pid, meant_for_the_service)
    await agent.ask(Ping(), Pong)
    agent.write(Shutdown())
    assert await agent.ended() == 0
    await agent.close()
    assert agent.errors == b""


async def test_no_chromium(tmp_path: Path) -> None:
    """A Chromium that does not start is the reason why there is no agent, and is said."""
    agent = await spawn(tmp_path, chromium="/bin/false")
    with pytest.raises(AssertionError, match="Chromium did not start"):
        await agent.ready
    assert await agent.ended() == 1
    await agent.close()


async def test_wrong_setting(tmp_path: Path) -> None:
    """So is an allowed address that can't be understood."""
    agent = await spawn(tmp_path, egress_allow=("a b",))
    with pytest.raises(AssertionError, match="a b"):
        await agent.ready
    assert await agent.ended() == 1
    await agent.close()


async def test_not_configured(tmp_path: Path) -> None:
    """A service that says something else first, or nothing that can be understood, is none."""
    agent = await spawn(tmp_path, first=Ping(id=1))
    with pytest.raises(AssertionError, match="The first line must be"):
        await agent.ready
    assert await agent.ended() == 1
    await agent.close()
