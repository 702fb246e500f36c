"""Redis stopped, killed and slow, while runs are on their way."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from browserwatch.runs.dispatcher import RunDispatcher
from browserwatch.runs.models import RunRequest
from browserwatch.runs.record_store import RecordStore
from browserwatch.sessions.embedded import EmbeddedRedis
from browserwatch.sessions.errors import StoreUnavailableError
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.snapshot import Snapshot
from tests.runs.conftest import Serve, events, outcome
from tests.runs.fakes import FakeLender, Heard, Held, eventually, one_step, step
from tests.sessions.logins import LATER

TASK = RunRequest(task="x")


@pytest.fixture
async def fragile(own_redis: EmbeddedRedis) -> AsyncGenerator[RedisClient]:
    client = RedisClient(own_redis.url, timeout=0.2)
    await client.command("CONFIG", "SET", "appendfsync", "always")
    yield client
    await client.close()


def pid_of(redis: EmbeddedRedis) -> int:
    assert redis.pid is not None
    return redis.pid


@pytest.fixture
def hang(own_redis: EmbeddedRedis) -> Generator[None]:
    """Let Redis go on whatever happens, or it could not be ended."""
    yield
    os.kill(pid_of(own_redis), signal.SIGCONT)


async def test_redis_hangs_while_a_run_works(
    serve: Serve, fragile: RedisClient, own_redis: EmbeddedRedis, hang: None, lender: FakeLender, heard: Heard
) -> None:
    """It finishes; it can be looked up and followed; all of it is in Redis, without gaps, when that is back."""
    held = lender.work = Held()
    async with serve(fragile) as runs:
        record = await runs.submit("acme", TASK)
        await held.begun.wait()
        os.kill(pid_of(own_redis), signal.SIGSTOP)
        for _ in range(20):
            held.hear(step())
        await eventually(lambda: not runs._journal.available)
        held.let_go.set()
        told = await events(runs, record)
        assert (await runs.get("acme", record.id)).state == "succeeded"
        with pytest.raises(StoreUnavailableError):
            await runs.list("acme")
        os.kill(pid_of(own_redis), signal.SIGCONT)
        await eventually(lambda: not runs._journal.runs())
        assert await events(runs, record) == told
        assert len(told) == 23
        assert (await runs.get("acme", record.id)).steps == 20


async def test_redis_is_killed_while_a_run_works(
    serve: Serve, fragile: RedisClient, own_redis: EmbeddedRedis, lender: FakeLender
) -> None:
    """It is started again; nothing is lost and nothing doubled; the session is saved all the same."""
    held = lender.work = Held()
    lender.browser = LATER
    async with serve(fragile) as runs:
        record = await runs.submit("acme", RunRequest(task="x", session="shop"))
        await held.begun.wait()
        held.hear(step())
        await eventually(lambda: not runs._journal._waiting)
        os.kill(pid_of(own_redis), signal.SIGKILL)
        held.hear(step())
        held.let_go.set()
        record = await outcome(runs, record)
        assert (record.state, record.session_problem) == ("succeeded", "")
        await eventually(lambda: not runs._journal.runs())
        assert [event.type for event in await events(runs, record)] == [
            "run.queued",
            "run.started",
            "step",
            "step",
            "run.finished",
        ]
        lender.work = one_step
        again = await outcome(runs, await runs.submit("acme", RunRequest(task="x", session="shop")))
        assert again.acquired == "warm"


async def test_redis_loses_what_it_had(
    serve: Serve, fragile: RedisClient, lender: FakeLender, own_redis: EmbeddedRedis
) -> None:
    """Its last second, or all: what is active is written again, without gaps."""
    held = lender.work = Held()
    async with serve(fragile) as runs:
        record = await runs.submit("acme", TASK)
        await held.begun.wait()
        held.hear(step())
        await eventually(lambda: not runs._journal._waiting)
        await fragile.command("FLUSHALL")
        held.hear(step())
        held.let_go.set()
        told = await events(runs, record)
        await eventually(lambda: not runs._journal.runs())
        assert await events(runs, record) == told
        assert len(told) == 5
        assert (await runs.get("acme", record.id)).steps == 2


async def test_what_is_taken_without_redis(
    serve: Serve, fragile: RedisClient, own_redis: EmbeddedRedis, hang: None, lender: FakeLender
) -> None:
    """A run that needs nothing from there; one with a session or an idempotency key is refused, and leaves nothing."""
    async with serve(fragile) as runs:
        os.kill(pid_of(own_redis), signal.SIGSTOP)
        for request, key in ((RunRequest(task="x", session="shop"), None), (TASK, "key")):
            with pytest.raises(StoreUnavailableError):
                await runs.submit("acme", request, key)
        record = await outcome(runs, await runs.submit("acme", TASK))
        assert record.state == "succeeded"
        await eventually(lambda: runs.stats()[:2] == (0, 0))
        os.kill(pid_of(own_redis), signal.SIGCONT)
        await eventually(lambda: not runs._journal.runs() and len(runs._background) == 1)
        assert [one.id for one in await runs.list("acme")] == [record.id]
        assert (await runs.submit("acme", TASK, "key")).id != record.id


async def test_a_claim_whose_answer_was_lost(
    serve: Serve, fragile: RedisClient, lender: FakeLender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis did what it was asked for and the answer came too late: the next try with the same key is a run."""
    write = RecordStore.write
    late = asyncio.Event()

    async def lose(self: RecordStore, *arguments: Any) -> None:
        await write(self, *arguments)
        late.set()
        raise StoreUnavailableError("too late")

    async with serve(fragile) as runs:
        with monkeypatch.context() as patch:
            patch.setattr(RecordStore, "write", lose)
            with pytest.raises(StoreUnavailableError):
                await runs.submit("acme", TASK, "key")
        await eventually(lambda: len(runs._background) == 1)
        record = await outcome(runs, await runs.submit("acme", TASK, "key"))
        assert record.state == "succeeded"
        assert [one.id for one in await runs.list("acme")] == [record.id]


async def test_records_survive_a_restart_of_both(
    serve: Serve, fragile: RedisClient, own_redis: EmbeddedRedis, lender: FakeLender
) -> None:
    """The service and Redis."""
    async with serve(fragile) as runs:
        record = await outcome(runs, await runs.submit("acme", TASK))
        told = await events(runs, record)
    os.kill(pid_of(own_redis), signal.SIGKILL)

    async def answers() -> bool:
        try:
            await fragile.ping()
        except StoreUnavailableError:
            return False
        return True

    await eventually(answers)
    async with serve(fragile) as runs:
        assert await runs.get("acme", record.id) == record
        assert await events(runs, record) == told
        assert await runs.list("acme") == (record,)


async def test_a_session_that_can_not_be_saved(
    serve: Serve,
    fragile: RedisClient,
    own_redis: EmbeddedRedis,
    hang: None,
    lender: FakeLender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When Redis stays away the run keeps its outcome and says so, and its browser is not used for the session again."""
    monkeypatch.setattr("browserwatch.runs.session_state.OUTAGE_SECONDS", 0.1)
    held = lender.work = Held()
    lender.browser = Snapshot()
    async with serve(fragile) as runs:
        record = await runs.submit("acme", RunRequest(task="x", session="shop"))
        await held.begun.wait()
        os.kill(pid_of(own_redis), signal.SIGSTOP)
        held.let_go.set()
        record = await outcome(runs, record)
        assert record.state == "succeeded"
        assert "not saved: Redis at" in record.session_problem
        assert lender.kept == []
        os.kill(pid_of(own_redis), signal.SIGCONT)
        await eventually(lambda: not runs._journal.runs())


async def test_nobody_writes_at_the_end(
    serve: Serve,
    fragile: RedisClient,
    own_redis: EmbeddedRedis,
    hang: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A shutdown without Redis ends in bounded time, and says what is lost."""
    monkeypatch.setattr("browserwatch.runs.dispatcher.LAST_WRITES_SECONDS", 0.3)
    async with serve(fragile) as runs:
        os.kill(pid_of(own_redis), signal.SIGSTOP)
        await outcome(runs, await runs.submit("acme", TASK))
    assert "runs whose last changes could not be written to Redis: 1" in caplog.text


async def test_memory_is_bounded(
    runs: RunDispatcher, tenant: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Of finished runs that wait for Redis only so many are kept."""
    monkeypatch.setattr("browserwatch.runs.journal.MAX_FINISHED", 2)

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError("away")

    with monkeypatch.context() as patch:
        patch.setattr(RecordStore, "write", away)
        for _ in range(4):
            await outcome(runs, await runs.submit(tenant, TASK))
        assert len(runs._journal.runs()) == 2
    assert caplog.text.count("is lost: 2 finished runs wait for Redis already") == 2
    await eventually(lambda: not runs._journal.runs())
    assert len(await runs.list(tenant)) == 2


async def test_a_run_that_can_not_be_written(
    runs: RunDispatcher, tenant: str, lender: FakeLender, caplog: pytest.LogCaptureFixture
) -> None:
    """Is lost, and told so; all others are written."""
    held = lender.work = Held()
    record = await runs.submit(tenant, TASK)
    await held.begun.wait()
    live = runs._journal.find(record.id)
    assert live is not None
    runs._journal.change(live, message="\ud800")
    await eventually(lambda: runs._journal.find(record.id) is None)
    assert f"run {record.id} can't be written down and is lost: UnicodeEncodeError" in caplog.text
    held.let_go.set()
    lender.work = one_step
    other = await outcome(runs, await runs.submit(tenant, TASK))
    await eventually(lambda: not runs._journal.runs())
    assert (await runs.get(tenant, other.id)).state == "succeeded"
