"""What borrowers may rely on, held against agents that only speak and against real ones."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from dataclasses import replace

import psutil
import pytest

from browserwatch.agents.errors import AcquireTimeoutError, AgentLostError, PoolDrainingError, PoolFullError
from browserwatch.agents.lending import Lender, Wish
from browserwatch.agents.messages import Capture, Captured
from tests.pool.conftest import StartPool
from tests.pool.contract import ANY, BANK, SECONDS, SHOP, Heard, eventually, holding, pid_of, use


async def test_fresh_restored_and_warm(start_either: StartPool, heard: Heard) -> None:
    """A clean browser is fresh, or to be restored when there is something stored; one that has the session is warm."""
    pool = await start_either()
    async with pool.acquire(SHOP) as lease:
        assert lease.how == "fresh"
        await use(lease, kept=holding("shop", 1))
    async with pool.acquire(Wish(holding("shop", 1)), stored=True) as lease:
        assert lease.how == "warm"
        first = lease.agent_id
        await use(lease, kept=holding("shop", 2))
    async with pool.acquire(Wish(holding("shop", 9)), stored=True) as lease:
        assert lease.how == "restored", "what is stored is not what the browser has"
        assert lease.agent_id == first, "its browser was made new"
    async with pool.acquire(ANY) as lease:
        assert lease.how == "fresh"
    assert heard.results() == ["fresh", "warm", "restored", "fresh"]


async def test_what_nobody_vouches_for_is_made_new(start_either: StartPool) -> None:
    """A browser that came back without a word is in nobody's hands until it is new."""
    pool = await start_either()
    async with pool.acquire(SHOP) as lease:
        await use(lease)
    assert pool.stats().states["idle"] == 0
    assert pool.stats().states["starting"] == 1
    async with pool.acquire(SHOP, stored=True) as lease:
        assert lease.how == "restored"


async def test_one_that_was_not_used_is_as_it_was(start_either: StartPool) -> None:
    """A borrower that only had it in hand changed nothing."""
    pool = await start_either()
    async with pool.acquire(SHOP) as lease:
        await use(lease, kept=SHOP.holding)
    for _ in range(2):
        async with pool.acquire(SHOP) as lease:
            assert lease.how == "warm"
    async with pool.acquire(SHOP) as lease:
        lease.keep(None)
    async with pool.acquire(SHOP) as lease:
        assert lease.how == "fresh"


async def test_worn_out_agents_are_replaced(start_either: StartPool, heard: Heard) -> None:
    """After so many uses; having had it in hand is none."""
    pool = await start_either(agent_max_uses=1)
    async with pool.acquire(SHOP) as lease:
        first = lease.agent_id
    async with pool.acquire(SHOP) as lease:
        assert lease.agent_id == first
        await use(lease, kept=SHOP.holding)
    async with pool.acquire(SHOP) as lease:
        assert lease.agent_id != first
    assert heard.reasons() == ["max_uses"]


async def test_first_come_first_served(start_either: StartPool) -> None:
    """Of many who wait for one agent each gets it in turn, however long the others wait."""
    pool = await start_either()
    served: list[int] = []

    async def borrow(number: int) -> None:
        async with pool.acquire(SHOP if number % 2 else ANY):
            served.append(number)

    async with pool.acquire(ANY):
        callers = [asyncio.create_task(borrow(number)) for number in range(6)]
        await eventually(lambda: pool.stats().waiters == 6)
        assert pool.stats().oldest_waiter_seconds > 0
    await asyncio.gather(*callers)
    assert served == list(range(6))


async def test_nobody_waits_for_ever(start_either: StartPool, heard: Heard) -> None:
    """The error has the state of the pool and how long it was waited; who gave up is in nobody's way."""
    pool = await start_either()
    async with pool.acquire(ANY):
        with pytest.raises(AcquireTimeoutError) as caught:
            async with pool.acquire(ANY, 0.05):
                pass
    picture = r"No agent within 0\.05 s: pool 1/1: 0 starting, 0 idle, 1 leased; 1 waiting; waited 0\.\d s"
    assert re.fullmatch(picture, str(caught.value))
    async with pool.acquire(ANY):
        assert pool.stats().waiters == 0
    assert heard.results() == ["fresh", "timeout", "fresh"]


async def test_one_more_is_not_admitted(start_either: StartPool) -> None:
    """With too little memory for another agent, who waits in vain is told so."""
    pool = await start_either(pool_max_size=2)
    pool._limits = replace(pool._limits, pool_memory=1)
    async with pool.acquire(ANY):
        with pytest.raises(AcquireTimeoutError, match=r"no further agent is admitted: \d+ MiB and \d\.\d processors"):
            async with pool.acquire(ANY, 0.01):
                pass


async def test_one_too_many_is_refused_at_once(start_either: StartPool, heard: Heard) -> None:
    """With the pool's state, and a guess when to come again; the others go on waiting."""
    pool = await start_either(pool_max_waiting=1)
    async with pool.acquire(ANY):
        waiting = asyncio.create_task(_borrow(pool))
        await eventually(lambda: pool.stats().waiters == 1)
        with pytest.raises(
            PoolFullError, match=r"as many callers wait as may \(1\): pool 1/1: .* 1 leased; 1 waiting"
        ) as full:
            await _borrow(pool)
        assert full.value.retry_after >= 1
    await waiting
    assert sorted(heard.results()) == ["fresh", "fresh", "rejected"]


async def test_a_crash_while_idle(start_either: StartPool, heard: Heard) -> None:
    """It is noticed and counted, and nobody gets a dead agent."""
    pool = await start_either()
    async with pool.acquire(ANY) as lease:
        dead, pid = lease.agent_id, pid_of(lease)
    os.kill(pid, signal.SIGKILL)
    async with pool.acquire(ANY) as lease:
        assert lease.agent_id != dead
        await use(lease, kept=holding("shop"))
    assert heard.reasons() == ["crash"]
    assert heard.crashes() == ["agent"]
    assert pool.stats().crashes == 1


async def test_a_crash_while_leased(start_either: StartPool, heard: Heard) -> None:
    """The borrower is told, now and with each further command, and the next one gets another agent."""
    pool = await start_either()
    async with pool.acquire(ANY) as lease:
        os.kill(pid_of(lease), signal.SIGSTOP)
        asking = asyncio.create_task(use(lease))
        await eventually(lambda: vars(lease)["_agent"].busy)
        os.kill(pid_of(lease), signal.SIGKILL)
        with pytest.raises(AgentLostError, match=r"is lost: its process ended with status -9") as lost:
            await asking
        assert lost.value.kind == "crash"
        with pytest.raises(AgentLostError, match="status -9"):
            await use(lease)
        dead = lease.agent_id
    async with pool.acquire(ANY) as lease:
        assert lease.agent_id != dead
    assert (heard.reasons(), heard.crashes()) == (["crash"], ["agent"])


async def test_one_that_hangs_is_not_handed_out(start_either: StartPool, heard: Heard) -> None:
    """An agent that is stopped is replaced, and its process ended; the caller keeps its place."""
    pool = await start_either()
    async with pool.acquire(ANY) as lease:
        hung, pid = lease.agent_id, pid_of(lease)
    os.kill(pid, signal.SIGSTOP)
    async with pool.acquire(ANY) as lease:
        assert lease.agent_id != hung
    assert heard.reasons() == ["unresponsive"]


async def test_one_that_does_not_answer_in_time_is_given_up(start_either: StartPool, heard: Heard) -> None:
    """A command has a time of its own; the agent that lets it pass is taken for hung."""
    pool = await start_either()
    async with pool.acquire(ANY) as lease:
        os.kill(pid_of(lease), signal.SIGSTOP)
        with pytest.raises(AgentLostError, match=r"did not answer Capture within 0\.2 s") as lost:
            await lease.ask(Capture(full=True), Captured, 0.2)
        assert lost.value.kind == "unresponsive"
    assert heard.reasons() == ["unresponsive"]


async def test_draining(start_either: StartPool, heard: Heard) -> None:
    """Who waits or comes is told; a lease that runs may go on, and its agent ends when it comes back."""
    pool = await start_either()
    async with pool.acquire(ANY) as lease:
        waiting = asyncio.create_task(_borrow(pool))
        await eventually(lambda: pool.stats().waiters == 1)
        draining = asyncio.create_task(pool.drain(SECONDS))
        with pytest.raises(PoolDrainingError, match="shutting down"):
            await waiting
        with pytest.raises(PoolDrainingError):
            await _borrow(pool)
        await use(lease, kept=holding("shop"))
        assert (pool.stats().draining, pool.stats().states["draining"], pool.stats().active) == (True, 1, 1)
        assert not draining.done()
    await draining
    assert heard.reasons() == ["drain"]
    assert sorted(heard.results()) == ["fresh", "rejected", "rejected"]


async def test_stopping_ends_what_is_lent(start_either: StartPool, heard: Heard) -> None:
    """After the grace period the rest is ended; its borrowers are told."""
    pool = await start_either()
    async with pool.acquire(BANK) as lease:
        await pool.drain(0.01)
        await use(lease)
        await pool.stop()
        with pytest.raises(AgentLostError):
            await use(lease)
    assert heard.reasons() == ["drain"]


async def test_agents_are_ready_before_they_are_asked_for(start_either: StartPool) -> None:
    """The pool starts without waiting for them, and keeps as many idle as it is told."""
    pool = await start_either(pool_min_idle=1, pool_max_size=2)
    assert pool.stats().states["starting"] == 1
    await eventually(lambda: pool.stats().states["idle"] == 1)
    async with pool.acquire(ANY):
        await eventually(lambda: pool.stats().states["idle"] == 1)
        assert pool.stats().active == 1
    stats = pool.stats()
    assert (stats.size, stats.crashes, stats.last_launch_error) == (2, 0, "")
    assert stats.last_launch is not None
    assert stats.last_launch_seconds is not None
    assert stats.browser_use_version
    assert stats.chromium_version


@pytest.mark.real
@pytest.mark.parametrize("kind", ["real"])
async def test_a_chromium_that_is_killed(
    start_either: StartPool, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is measured apart from its agent; without it the agent is replaced, and it is counted once."""
    monkeypatch.setattr("browserwatch.agents.pool.MEASURE_SECONDS", 0.05)
    pool = await start_either()
    async with pool.acquire(ANY) as lease:
        lost, pid = lease.agent_id, pid_of(lease)
        await eventually(
            lambda: {event.role for event in heard.measured if event.memory_bytes} == {"agent", "chromium"}
        )
    (chromium,) = psutil.Process(pid).children()
    chromium.kill()
    async with pool.acquire(ANY) as lease:
        assert lease.agent_id != lost
        await use(lease)
    assert (heard.reasons(), heard.crashes(), pool.stats().crashes) == (["crash"], ["browser"], 1)


async def _borrow(pool: Lender) -> None:
    async with pool.acquire(ANY):
        pass
