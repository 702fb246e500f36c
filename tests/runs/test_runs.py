import asyncio

import pytest
from opentelemetry import trace

from browserwatch.agents.errors import AcquireTimeoutError, AgentLostError, CommandFailedError, PoolDrainingError
from browserwatch.agents.messages import Run, RunDone
from browserwatch.events import ModelCalled, RunRejected
from browserwatch.runs import runner
from browserwatch.runs.dispatcher import RunDispatcher
from browserwatch.runs.errors import InvalidRequestError, RejectedError, RunNotFoundError
from browserwatch.runs.models import RunRequest, Usage
from tests.runs.conftest import Serve, events, outcome
from tests.runs.fakes import DONE, FakeLease, FakeLender, Hear, Heard, Held, call, eventually, one_step, step

TASK = RunRequest(task="count to 42")


async def test_a_run_from_beginning_to_end(runs: RunDispatcher, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """It is queued, runs on an agent, and has succeeded; all that happened is told in order, without content."""
    record = await runs.submit(tenant, RunRequest(task="count", max_steps=5, start_url="https://shop.example/"))
    assert (record.state, record.max_steps, record.model) == ("queued", 5, "openai/gpt-4.1-mini")
    told = await events(runs, record)
    assert [event.type for event in told] == [
        "run.queued",
        "run.started",
        "page",
        "model_call",
        "action",
        "step",
        "run.finished",
    ]
    assert told[-2].data == {"number": 1, "outcome": "ok", "seconds": 1.0, "phases": {"model": 0.5}}
    record = await runs.get(tenant, record.id)
    assert (record.state, record.outcome, record.failure_reason, record.steps) == ("succeeded", "success", "none", 1)
    assert (record.result, record.acquired, record.message) == ("42", "fresh", "")
    assert record.usage == Usage(input_tokens=100, output_tokens=10, cost_usd=0.01)
    assert record.started is not None
    assert record.finished is not None
    assert record.created <= record.started <= record.finished
    (command,) = lender.leases[0].commands
    assert isinstance(command, Run)
    assert (command.task, command.start_url, command.max_steps) == ("count", "https://shop.example/", 5)
    assert heard.finished() == [("success", "none")]
    assert heard.of(ModelCalled) == []  # the pool passes those on, not we: they would be counted twice


async def test_following_live_and_from_anywhere(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """Who comes late, or comes back, gets each event once, those of the past and those to come."""
    held = lender.work = Held()
    record = await runs.submit(tenant, TASK)
    await held.begun.wait()
    follower = asyncio.create_task(events(runs, record))
    half = asyncio.create_task(events(runs, record, after=3))
    await asyncio.sleep(0)
    for _ in range(100):
        held.hear(step())
        await asyncio.sleep(0)
    held.let_go.set()
    told = await follower
    assert [event.type for event in told] == ["run.queued", "run.started", *["step"] * 100, "run.finished"]
    assert await half == told[3:]
    assert await events(runs, record, after=50) == told[50:]
    assert await events(runs, record, after=len(told)) == []
    await eventually(lambda: not runs._journal.runs())
    for number, expected in ((-1, told), (50, told[50:]), (len(told), []), (2**70, [])):
        assert [event async for event in runs.follow(tenant, record.id, number)] == expected


async def test_stopped_while_it_runs(runs: RunDispatcher, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """A cancelled run stops politely; cancelling it again, or after its end, changes nothing."""
    held = lender.work = Held()
    record = await runs.submit(tenant, TASK)
    await held.begun.wait()
    assert (await runs.cancel(tenant, record.id)).state == "running"
    await runs.cancel(tenant, record.id)
    record = await outcome(runs, record)
    assert (record.state, record.outcome, record.failure_reason) == ("cancelled", "cancelled", "none")
    assert await runs.cancel(tenant, record.id) == record
    assert heard.finished() == [("cancelled", "none")]


async def test_stopped_while_it_waits_for_an_agent(
    runs: RunDispatcher, tenant: str, lender: FakeLender, heard: Heard
) -> None:
    """It never has one, and is over at once."""
    lender.occupy()
    record = await runs.submit(tenant, TASK)
    await lender.wanted.wait()
    await runs.cancel(tenant, record.id)
    assert (await outcome(runs, record)).state == "cancelled"
    assert lender.leases == []
    assert heard.finished() == [("cancelled", "none")]


async def test_stopped_while_it_is_queued(serve: Serve, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """It is over within the call, and its place is free."""
    held = lender.work = Held()
    async with serve(pool_max_size=1, pool_min_idle=0, run_queue_size=1) as runs:
        first = await runs.submit(tenant, TASK)
        second = await runs.submit(tenant, TASK)
        assert (await runs.cancel(tenant, second.id)).state == "cancelled"
        third = await runs.submit(tenant, TASK)
        await held.begun.wait()
        held.let_go.set()
        assert (await outcome(runs, third)).state == (await outcome(runs, first)).state == "succeeded"
    assert sorted(heard.finished()) == [("cancelled", "none"), ("success", "none"), ("success", "none")]


async def test_stopped_before_its_agent_has_the_command(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """The sign is given until it is followed."""
    held, submitted = Held(), asyncio.Event()

    async def late(lease: FakeLease, command: Run, hear: Hear) -> RunDone:
        """An agent that misses the first stop."""
        await submitted.wait()
        await runs.cancel(tenant, record.id)
        await lease.stopping.wait()
        lease.stopping.clear()
        return await held(lease, command, hear)

    lender.work = late
    record = await runs.submit(tenant, TASK)
    submitted.set()
    assert (await outcome(runs, record)).state == "cancelled"
    assert lender.leases[0].stops >= 2


async def test_an_agent_that_does_not_stop(runs: RunDispatcher, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """Is ended, and the run was cancelled, not lost."""
    held = lender.work = Held(deaf=True)
    record = await runs.submit(tenant, TASK)
    await held.begun.wait()
    await runs.cancel(tenant, record.id)
    assert (await outcome(runs, record)).state == "cancelled"
    assert heard.finished() == [("cancelled", "none")]


async def test_a_run_that_takes_too_long(runs: RunDispatcher, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """Is stopped, and timed out."""
    lender.work = Held()
    record = await runs.submit(tenant, RunRequest(task="x", timeout_seconds=0.01))
    record = await outcome(runs, record)
    assert (record.state, record.message) == ("failed", "took longer than it may")
    assert heard.finished() == [("timeout", "timeout")]


async def test_a_budget(runs: RunDispatcher, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """A run is stopped by the call that exceeds its budget, not by one that uses it up."""
    held = lender.work = Held()
    record = await runs.submit(tenant, RunRequest(task="x", budget_usd=0.5))
    await held.begun.wait()
    held.hear(call(0.25))
    held.hear(call(0.25))
    held.hear(call(None))
    await asyncio.sleep(0)
    assert lender.leases[0].stops == 0
    held.hear(call(0.001))
    record = await outcome(runs, record)
    assert (record.state, record.failure_reason) == ("failed", "budget")
    assert (record.usage.cost_usd, record.usage.unpriced_calls) == (pytest.approx(0.501), 1)
    assert heard.finished() == [("error", "budget")]


async def test_no_budget_without_a_price(serve: Serve, tenant: str, heard: Heard) -> None:
    """A model without a known price can't keep one, so the run is not taken; without a budget it is."""
    async with serve(llm_provider="ollama", llm_model="no-such-model:7b") as runs:
        with pytest.raises(InvalidRequestError, match=r"^budget_usd: no-such-model:7b has no known price") as caught:
            await runs.submit(tenant, RunRequest(task="x", budget_usd=1))
        assert caught.value.field == "budget_usd"
        await outcome(runs, await runs.submit(tenant, TASK))
    assert heard.of(RunRejected) == [RunRejected(reason="budget")]


@pytest.mark.parametrize(("kind", "reason"), [("crash", "browser_crash"), ("unresponsive", "browser_unresponsive")])
async def test_a_lost_agent(
    runs: RunDispatcher, tenant: str, lender: FakeLender, heard: Heard, kind: str, reason: str
) -> None:
    """The run failed for that reason, with what it had done until then."""

    async def lost(lease: FakeLease, command: Run, hear: Hear) -> RunDone:
        hear(step())
        lease.lost = AgentLostError(f"agent fake: {kind}", kind)  # pyright: ignore[reportArgumentType]  # parametrized
        raise lease.lost

    lender.work = lost
    record = await outcome(runs, await runs.submit(tenant, TASK))
    assert (record.state, record.outcome, record.failure_reason, record.steps) == ("failed", "error", reason, 1)
    assert record.message == f"agent fake: {kind}"
    assert heard.finished() == [("error", reason)]


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (RunDone(id=0, outcome="max_steps", failure_reason="max_steps", steps=9), ("failed", "max_steps", "max_steps")),
        (RunDone(id=0, outcome="failure", failure_reason="captcha", steps=9), ("failed", "failure", "captcha")),
        (RunDone(id=0, outcome="new", failure_reason="new", steps=9), ("failed", "error", "unknown")),
        (RunDone(id=0, outcome="cancelled", failure_reason="none", steps=9), ("failed", "error", "infrastructure")),
    ],
)
async def test_other_endings(
    runs: RunDispatcher, tenant: str, lender: FakeLender, done: RunDone, expected: tuple[str, str, str]
) -> None:
    """What the agent says, in words of the closed sets; cancelled only when somebody asked for it."""

    async def work(lease: FakeLease, command: Run, hear: Hear) -> RunDone:
        return done

    lender.work = work
    record = await outcome(runs, await runs.submit(tenant, TASK))
    assert (record.state, record.outcome, record.failure_reason) == expected
    assert record.steps == 9


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (AcquireTimeoutError("no agent within 60 s"), "failed", "infrastructure"),
        (PoolDrainingError("shutting down"), "interrupted", "infrastructure"),
        (CommandFailedError("no model", "llm_error"), "failed", "llm_error"),
        (ZeroDivisionError("geheim"), "failed", "infrastructure"),
    ],
)
async def test_no_agent(
    runs: RunDispatcher, tenant: str, lender: FakeLender, error: Exception, state: str, reason: str
) -> None:
    """Whatever is raised, the run has an end with a reason; the message of a foreign error is not told."""
    lender.refuse = error
    record = await outcome(runs, await runs.submit(tenant, TASK))
    assert (record.state, record.outcome, record.failure_reason) == (state, "error", reason)
    assert record.message
    assert "geheim" not in record.message


async def test_a_large_result_is_not_kept(
    runs: RunDispatcher, tenant: str, lender: FakeLender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run has succeeded, and says what is missing."""

    async def work(lease: FakeLease, command: Run, hear: Hear) -> RunDone:
        return RunDone(id=0, outcome="success", failure_reason="none", steps=1, result="x" * 2_000_000)

    lender.work = work
    record = await outcome(runs, await runs.submit(tenant, TASK))
    assert (record.state, record.result) == ("succeeded", None)
    assert "larger than 1,048,576" in record.message


async def test_a_full_queue(serve: Serve, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """One more than there are places is refused, with a time; so is one more of a tenant than it may have."""
    held = lender.work = Held()
    async with serve(pool_max_size=1, pool_min_idle=0, run_queue_size=2, tenant_max_queued=1) as runs:
        await runs.submit(tenant, TASK)
        await held.begun.wait()
        await runs.submit(tenant, TASK)
        with pytest.raises(RejectedError, match="of your runs wait already") as quota:
            await runs.submit(tenant, TASK)
        await runs.submit(f"{tenant}b", TASK)
        with pytest.raises(RejectedError, match="2 runs wait, 1 run;") as full:
            await runs.submit(f"{tenant}c", TASK)
        assert [(error.value.reason, 1 <= error.value.retry_after <= 60) for error in (quota, full)] == [
            ("quota", True),
            ("queue_full", True),
        ]
        assert (runs.stats().queued, runs.stats().running) == (2, 1)
        assert runs.stats().oldest_seconds > 0
    assert heard.of(RunRejected) == [RunRejected(reason="quota"), RunRejected(reason="queue_full")]
    assert sorted(heard.finished()) == [("error", "infrastructure")] * 3


async def test_draining(serve: Serve, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """What runs may end, what waits is interrupted, what comes is refused."""
    held = lender.work = Held()
    async with serve(pool_max_size=1, pool_min_idle=0) as runs:
        first, second = await runs.submit(tenant, TASK), await runs.submit(tenant, TASK)
        await held.begun.wait()
        draining = asyncio.create_task(runs.drain(30))
        assert (await outcome(runs, second)).state == "interrupted"
        with pytest.raises(RejectedError) as caught:
            await runs.submit(tenant, TASK)
        assert caught.value.reason == "draining"
        held.let_go.set()
        await draining
        assert (await runs.get(tenant, first.id)).state == "succeeded"


async def test_draining_with_a_run_that_goes_on(
    serve: Serve, tenant: str, lender: FakeLender, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the grace it is stopped; one that can't be stopped is cancelled; both are interrupted."""
    monkeypatch.setattr("browserwatch.runs.dispatcher.INTERRUPT_SECONDS", 0.1)
    lender.work = Held()
    async with serve() as runs:
        polite = await runs.submit(tenant, TASK)
        await eventually(lambda: lender.lent == 1)

        async def stuck(lease: FakeLease, command: Run, hear: Hear) -> RunDone:
            await asyncio.Event().wait()
            return DONE

        lender.work = stuck
        stubborn = await runs.submit(tenant, TASK)
        await eventually(lambda: lender.lent == 2)
        await runs.drain(0.01)
        for record in (polite, stubborn):
            assert (await runs.get(tenant, record.id)).state == "interrupted"
    assert heard.finished() == [("error", "infrastructure")] * 2


async def test_tenants_do_not_see_each_other(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """Neither while a run is in memory nor when it is in Redis only; a wrong id is as unknown as another's."""
    held = lender.work = Held()
    mine = await runs.submit(tenant, TASK)
    await held.begun.wait()
    other = f"{tenant}-other"

    async def look() -> None:
        for run_id in (mine.id, "0" * 32, "../x", "*"):
            with pytest.raises(RunNotFoundError):
                await runs.get(other, run_id)
            with pytest.raises(RunNotFoundError):
                await runs.cancel(other, run_id)
            with pytest.raises(RunNotFoundError):
                await anext(aiter(runs.follow(other, run_id)))
        assert await runs.list(other) == ()

    await look()
    held.let_go.set()
    await outcome(runs, mine)
    await eventually(lambda: runs._journal.find(mine.id) is None)
    await look()
    assert [record.id for record in await runs.list(tenant)] == [mine.id]


async def test_listing(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """Newest first, page by page, those in memory and those in Redis together."""
    records = [await outcome(runs, await runs.submit(tenant, TASK)) for _ in range(5)]
    await eventually(lambda: not runs._journal.runs())
    held = lender.work = Held()
    records.append(await runs.submit(tenant, TASK))
    await held.begun.wait()
    newest_first = [record.id for record in reversed(records)]
    assert [record.id for record in await runs.list(tenant)] == newest_first
    page = await runs.list(tenant, limit=2)
    assert [record.id for record in page] == newest_first[:2]
    assert page[0].state == "running"
    assert [record.id for record in await runs.list(tenant, 3, before=page[-1].id)] == newest_first[2:5]
    with pytest.raises(InvalidRequestError):
        await runs.list(tenant, before="x")


async def test_the_submitter_goes_away(runs: RunDispatcher, tenant: str, heard: Heard) -> None:
    """Whenever that is, the run is taken as a whole or not at all."""
    for turns in range(12):
        submitting = asyncio.create_task(runs.submit(tenant, TASK))
        for _ in range(turns):
            await asyncio.sleep(0)
        submitting.cancel()
        await asyncio.wait([submitting])
    await eventually(lambda: not runs._taking and not runs._working)
    assert all(record.state == "succeeded" for record in await runs.list(tenant))
    heard.finished()


async def test_a_run_continues_the_trace_of_its_request(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """Its record has the trace's id, and its agent works in it, also when the request is over and another one made room."""
    seen: list[int] = []

    async def work(lease: FakeLease, command: Run, hear: Hear) -> RunDone:
        seen.append(trace.get_current_span().get_span_context().trace_id)
        return await one_step(lease, command, hear)

    lender.work = work
    parent = trace.NonRecordingSpan(trace.SpanContext(0xABC, 0xDEF, is_remote=True))
    with trace.use_span(parent):
        record = await runs.submit(tenant, TASK)
    await outcome(runs, record)
    assert record.trace_id == f"{0xABC:032x}"
    assert seen == [0xABC]


def test_the_graces_fit() -> None:
    """An interrupted run has time to be stopped, and to save its session after that."""
    from browserwatch.runs import dispatcher

    assert dispatcher.INTERRUPT_SECONDS > runner.STOP_GRACE
