"""A caller that is cancelled, at whatever point: no agent is lost, none is handed out twice, nothing is left."""

from __future__ import annotations

import asyncio

import pytest

from browserwatch.agents import agent as agent_module
from browserwatch.agents.errors import AgentLostError
from browserwatch.agents.messages import Capture, Captured, Fetch, Fetched, Model, Run, RunDone
from browserwatch.agents.pool import AgentPool
from browserwatch.events import RunStarted, StepFinished
from tests.pool.conftest import StartPool
from tests.pool.contract import ANY, BANK, SECONDS, SHOP, Faults, Heard, eventually, holding, use

RUN = Run(task="buy", model=Model(provider="openai", name="gpt"))


async def _borrow(pool: AgentPool) -> str:
    async with pool.acquire(SHOP, stored=True) as lease:
        await use(lease)
        return lease.agent_id


async def _cancelled(task: asyncio.Task[str]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_while_it_is_queued(start_pool: StartPool, heard: Heard) -> None:
    """Those behind it move up."""
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        first = lease.agent_id
        one, other = (asyncio.create_task(_borrow(pool)) for _ in range(2))
        await eventually(lambda: pool.stats().waiters == 2)
        await _cancelled(one)
        assert pool.stats().waiters == 1
    assert await other == first
    assert heard.results() == ["fresh", "cancelled", "restored"]


async def test_while_its_agent_is_launched(start_pool: StartPool, faults: Faults) -> None:
    """The launch goes on; the next caller gets that agent."""
    faults.add("start-waits")
    pool = await start_pool()
    caller = asyncio.create_task(_borrow(pool))
    await eventually(lambda: pool.stats().states["starting"] == 1)
    await _cancelled(caller)
    faults.remove("start-waits")
    await eventually(lambda: pool.stats().states["idle"] == 1)
    assert (await _borrow(pool)).endswith("-1")


async def test_while_a_browser_is_made_new_for_it(start_pool: StartPool, faults: Faults) -> None:
    """The agent is idle and clean afterwards."""
    pool = await start_pool()
    async with pool.acquire(BANK) as lease:
        await use(lease, kept=holding("bank"))
    faults.add("reset-waits")
    caller = asyncio.create_task(_borrow(pool))
    await eventually(lambda: pool.stats().states["starting"] == 1)
    await _cancelled(caller)
    faults.remove("reset-waits")
    await eventually(lambda: pool.stats().states["idle"] == 1)
    async with pool.acquire(SHOP) as lease:
        assert lease.how == "fresh"


async def test_while_its_agent_is_asked_whether_it_is_well(
    start_pool: StartPool, heard: Heard, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent is put back as it was, its session included."""
    monkeypatch.setattr("browserwatch.agents.fleet.PING_SECONDS", SECONDS)
    pool = await start_pool()
    async with pool.acquire(SHOP) as lease:
        await use(lease, kept=holding("shop"))
    faults.add("ping-waits")
    caller = asyncio.create_task(_borrow(pool))
    await eventually(lambda: pool.stats().states["leased"] == 1)
    await _cancelled(caller)
    faults.remove("ping-waits")
    await eventually(lambda: pool.stats().states["idle"] == 1)
    async with pool.acquire(SHOP) as lease:
        assert lease.how == "warm"
    assert heard.reasons() == []


async def test_in_the_moment_in_which_it_is_served(start_pool: StartPool, heard: Heard) -> None:
    """An agent that was given to somebody who is no longer there goes back."""
    pool = await start_pool()
    async with pool.acquire(ANY):
        pass
    caller = asyncio.create_task(_borrow(pool))
    await asyncio.sleep(0)
    (waiting,) = pool._callers.values()
    waiting.granted.add_done_callback(lambda _: caller.cancel())
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert pool.stats().states["idle"] == 1
    assert heard.results() == ["fresh", "cancelled"]
    await _borrow(pool)


@pytest.mark.parametrize("turns", range(12))
async def test_after_any_number_of_turns_of_the_loop(start_pool: StartPool, turns: int) -> None:
    """Wherever it was, the pool is whole afterwards and serves the next one."""
    pool = await start_pool()
    async with pool.acquire(SHOP) as lease:
        await use(lease, kept=holding("shop"))
    caller = asyncio.create_task(_borrow(pool))
    for _ in range(turns):
        await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait([caller])
    await eventually(lambda: pool.stats().states["leased"] == 0)
    await _borrow(pool)
    assert sum(pool.stats().states.values()) == 1


async def test_while_its_command_is_done(start_pool: StartPool, heard: Heard) -> None:
    """The command is called off in the agent, which stays usable."""
    pool = await start_pool()
    events: list[object] = []
    async with pool.acquire(ANY) as lease:
        running = asyncio.create_task(lease.ask(RUN, RunDone, SECONDS, heard=events.append))
        await eventually(lambda: len(events) == 3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await use(lease)
    assert [type(event).__name__ for event in events] == ["RunStarted", "RunFinished", "StepFinished"]
    assert any(isinstance(event, StepFinished) for event in heard.all)
    assert not any(isinstance(event, RunStarted) for event in heard.all), "whoever runs it tells that"
    assert heard.reasons() == []


async def test_a_command_that_ignores_it(
    start_pool: StartPool, heard: Heard, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent is ended and replaced."""
    monkeypatch.setattr(agent_module, "CANCEL_SECONDS", 0.05)
    faults.add("ignores-cancel")
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        asking = asyncio.create_task(lease.ask(Fetch(url="hangs:"), Fetched, SECONDS))
        await eventually(lambda: vars(lease)["_agent"].busy)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        with pytest.raises(AgentLostError, match="did not stop Fetch in time"):
            await use(lease)
    await _borrow(pool)
    assert heard.reasons() == ["unresponsive"]


async def test_cancelled_twice(start_pool: StartPool, heard: Heard) -> None:
    """Nobody waits for the command to stop; the agent is not lent again."""
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        asking = asyncio.create_task(lease.ask(Fetch(url="hangs:"), Fetched, SECONDS))
        await eventually(lambda: vars(lease)["_agent"].busy)
        asking.cancel()
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert heard.reasons() == ["unresponsive"]


async def test_stopping_a_command(start_pool: StartPool, heard: Heard) -> None:
    """Who asked for it gets the answer that it was cancelled."""
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        running = asyncio.create_task(lease.ask(RUN, RunDone, SECONDS))
        await eventually(lambda: vars(lease)["_agent"].busy)
        await lease.stop(SECONDS)
        assert (await running).outcome == "cancelled"
        await lease.stop(0)
    await lease.stop(0)
    assert heard.reasons() == []


async def test_stopping_one_that_does_not_stop(start_pool: StartPool, heard: Heard) -> None:
    """After the grace period the agent is ended, and who asked is told."""
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        asking = asyncio.create_task(lease.ask(Fetch(url="hangs:"), Fetched, SECONDS))
        await eventually(lambda: vars(lease)["_agent"].busy)
        await lease.stop(0.05)
        with pytest.raises(AgentLostError, match=r"did not stop within 0\.05 s"):
            await asking
    assert heard.reasons() == ["unresponsive"]


async def test_a_block_that_leaves_a_command_behind(start_pool: StartPool, heard: Heard) -> None:
    """The agent is ended: what it still does would happen to the next borrower. The lease is over for good."""
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        asking = asyncio.create_task(lease.ask(Fetch(url="hangs:"), Fetched, SECONDS))
        await eventually(lambda: vars(lease)["_agent"].busy)
        first = lease.agent_id
    with pytest.raises(RuntimeError, match="is over: use it inside its block"):
        await lease.ask(Capture(full=True), Captured, SECONDS)
    with pytest.raises(AgentLostError):
        await asking
    assert await _borrow(pool) != first
    assert heard.reasons() == ["other"]


async def test_stopping_the_pool_while_all_goes_on(start_pool: StartPool, faults: Faults, heard: Heard) -> None:
    """Launches, resets and leases end, and who waits is told."""
    pool = await start_pool(pool_max_size=3)
    async with pool.acquire(ANY):
        async with pool.acquire(BANK) as lease:
            await use(lease, kept=holding("bank"))
        faults.add("reset-waits")
        faults.add("start-waits")
        callers = [asyncio.create_task(_borrow(pool)) for _ in range(3)]
        await eventually(lambda: pool.stats().states["starting"] == 2)
        await pool.stop()
        results = await asyncio.gather(*callers, return_exceptions=True)
        assert {type(result).__name__ for result in results} == {"PoolDrainingError"}
    assert heard.reasons() == ["drain", "drain", "drain"]
