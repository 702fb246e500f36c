import asyncio

import pytest

from browserwatch.agents.errors import AgentLostError
from browserwatch.agents.messages import Capture, Restore, Run, RunDone
from browserwatch.events import SessionReused
from browserwatch.runs.dispatcher import RunDispatcher
from browserwatch.runs.models import RunRequest
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.redis_store import RedisStore
from browserwatch.sessions.snapshot import Counts
from browserwatch.sessions.vault import SessionVault
from tests.runs.conftest import Serve, outcome
from tests.runs.fakes import FakeLease, FakeLender, Hear, Heard, Held, eventually, one_step
from tests.sessions.logins import LATER, LOGIN

SHOP = RunRequest(task="x", session="shop")


async def test_a_login_is_made_kept_and_restored(
    runs: RunDispatcher, tenant: str, lender: FakeLender, heard: Heard, vault: SessionVault
) -> None:
    """Fresh at first; then still in the browser; then, on another agent, restored; reuse is counted by its source."""
    lender.browser = LOGIN
    assert (await outcome(runs, await runs.submit(tenant, SHOP))).acquired == "fresh"
    (kept,) = lender.kept
    assert kept is not None
    async with vault.open(tenant, "shop") as opened:
        assert opened.snapshot == LOGIN
        assert opened.saved == kept.saved
    assert (await outcome(runs, await runs.submit(tenant, SHOP))).acquired == "warm"
    lender.kept.clear()
    lender.browser = None
    assert (await outcome(runs, await runs.submit(tenant, SHOP))).acquired == "restored"
    assert lender.leases[-1].browser == LOGIN
    assert heard.of(SessionReused) == [SessionReused(source="warm"), SessionReused(source="restored")]
    kinds = [[type(command) for command in lease.commands] for lease in lender.leases]
    assert kinds == [[Run, Capture], [Run, Capture], [Restore, Run, Capture]]


async def test_without_a_session_nothing_is_kept(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """The browser is not read, and made new by the pool."""
    await outcome(runs, await runs.submit(tenant, RunRequest(task="x")))
    assert [type(command) for command in lender.leases[0].commands] == [Run]
    assert lender.kept == []


async def test_saved_on_the_way(serve: Serve, tenant: str, lender: FakeLender, vault: SessionVault) -> None:
    """A long run saves its session now and then, also past a failure; the last save waits for one that is on its way."""
    held = lender.work = Held()
    lender.browser = LATER
    captured = asyncio.Semaphore(0)

    async def capturing() -> None:
        captured.release()

    async with serve(session_save_seconds=1) as runs:
        runs._runner._settings = runs._settings.model_copy(update={"session_save_seconds": 0.01})
        lender.failing = {Capture}
        record = await runs.submit(tenant, SHOP)
        await held.begun.wait()
        await eventually(lambda: len(lender.leases[0].commands) > 2)
        lender.failing, lender.capturing = set(), capturing
        for _ in range(3):
            await captured.acquire()
        assert (await vault.list(tenant))[0].cookies == 1
        held.let_go.set()
        record = await outcome(runs, record)
        assert (record.state, record.session_problem) == ("succeeded", "")
        assert lender.leases[0].commands[-1] == Capture(full=True)
        assert Capture(full=False) in lender.leases[0].commands


async def test_one_run_of_a_session_at_a_time(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """The second waits in the queue, and passes nobody's turn: another session's run goes first."""
    held = lender.work = Held()
    first = await runs.submit(tenant, SHOP)
    await held.begun.wait()
    lender.work = one_step
    second = await runs.submit(tenant, SHOP)
    await outcome(runs, await runs.submit(tenant, RunRequest(task="x", session="bank")))
    assert (await runs.get(tenant, second.id)).state == "queued"
    held.let_go.set()
    assert (await outcome(runs, second)).state == (await outcome(runs, first)).state == "succeeded"


async def test_a_session_that_is_in_use_elsewhere(
    serve: Serve, tenant: str, vault: SessionVault, lender: FakeLender, heard: Heard
) -> None:
    """Is waited for, as long as for an agent; then the run fails, and says why."""
    async with serve(acquire_timeout_seconds=0.3) as runs:
        async with vault.open(tenant, "shop"):
            record = await outcome(runs, await runs.submit(tenant, SHOP))
            assert (record.state, record.failure_reason) == ("failed", "infrastructure")
            assert f"session {tenant}/shop is in use" in record.session_problem
            waiting = await runs.submit(tenant, SHOP)
        assert (await outcome(runs, waiting)).state == "succeeded"
    assert sorted(heard.finished()) == [("error", "infrastructure"), ("success", "none")]


async def test_cancelled_while_it_waits_for_its_session(
    runs: RunDispatcher, tenant: str, vault: SessionVault, lender: FakeLender
) -> None:
    """It is over, and the session free for the next one."""
    async with vault.open(tenant, "shop"):
        record = await runs.submit(tenant, SHOP)
        await runs.cancel(tenant, record.id)
        assert (await outcome(runs, record)).state == "cancelled"
    assert lender.leases == []
    assert (await outcome(runs, await runs.submit(tenant, SHOP))).state == "succeeded"


async def test_cancelled_while_its_session_is_put_in(
    runs: RunDispatcher, tenant: str, lender: FakeLender, vault: SessionVault
) -> None:
    """It is over; what is stored stays."""
    async with vault.open(tenant, "shop") as opened:
        await opened.save(LOGIN)
    restoring = asyncio.Event()

    async def for_ever() -> None:
        restoring.set()
        await asyncio.Event().wait()

    lender.restoring = for_ever
    record = await runs.submit(tenant, SHOP)
    await restoring.wait()
    await runs.cancel(tenant, record.id)
    assert (await outcome(runs, record)).state == "cancelled"
    async with vault.open(tenant, "shop") as opened:
        assert opened.snapshot == LOGIN


async def test_cancelled_while_its_session_is_saved(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """Too late: it succeeded, and the login is saved."""
    capturing, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        capturing.set()
        await go_on.wait()

    lender.capturing = slowly
    record = await runs.submit(tenant, SHOP)
    await capturing.wait()
    await runs.cancel(tenant, record.id)
    go_on.set()
    record = await outcome(runs, record)
    assert (record.state, record.session_problem) == ("succeeded", "")
    assert len(lender.kept) == 1


async def test_shut_down_while_its_session_is_saved(
    runs: RunDispatcher, tenant: str, lender: FakeLender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run keeps its outcome, and says that the session was not saved."""
    monkeypatch.setattr("browserwatch.runs.dispatcher.INTERRUPT_SECONDS", 0.05)
    capturing = asyncio.Event()

    async def for_ever() -> None:
        capturing.set()
        await asyncio.Event().wait()

    lender.capturing = for_ever
    record = await runs.submit(tenant, SHOP)
    await capturing.wait()
    await runs.drain(0)
    record = await runs.get(tenant, record.id)
    assert (record.state, record.result) == ("succeeded", "42")
    assert record.session_problem == "not saved: the service was shut down"
    assert lender.kept == []


async def test_a_cancelled_run_saves_what_it_has(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """A login that was made before the stop is not lost."""
    held = lender.work = Held()
    record = await runs.submit(tenant, SHOP)
    await held.begun.wait()
    await runs.cancel(tenant, record.id)
    assert (await outcome(runs, record)).state == "cancelled"
    assert len(lender.kept) == 1


async def test_an_unreadable_session(runs: RunDispatcher, tenant: str, lender: FakeLender, client: RedisClient) -> None:
    """The run does not start logged out: it fails, says why, and no agent was asked for."""
    store, shop = RedisStore(client), SessionId(tenant, "shop")
    lease = await store.acquire(shop, 30)
    await store.save(lease, b"damaged", Counts(0, 0))
    await store.release(lease)
    record = await outcome(runs, await runs.submit(tenant, SHOP))
    assert (record.state, record.failure_reason) == ("failed", "infrastructure")
    assert record.session_problem == f"session {tenant}/shop: only 7 bytes are left of it"
    assert lender.leases == []


async def test_a_session_that_can_not_be_put_in(
    runs: RunDispatcher, tenant: str, lender: FakeLender, vault: SessionVault, heard: Heard
) -> None:
    """The run does not start."""
    async with vault.open(tenant, "shop") as opened:
        await opened.save(LOGIN)
    lender.failing = {Restore}
    record = await outcome(runs, await runs.submit(tenant, SHOP))
    assert (record.state, record.failure_reason) == ("failed", "infrastructure")
    assert record.session_problem == "the session could not be put into the browser: can't"
    assert [type(command) for command in lender.leases[0].commands] == [Restore]
    assert heard.finished() == [("error", "infrastructure")]


async def test_a_session_that_is_put_in_in_parts(
    runs: RunDispatcher, tenant: str, lender: FakeLender, vault: SessionVault
) -> None:
    """The run says so, and its browser is not kept for the next one."""
    async with vault.open(tenant, "shop") as opened:
        await opened.save(LOGIN)
    lender.failed_cookies = 2
    record = await outcome(runs, await runs.submit(tenant, SHOP))
    assert record.state == "succeeded"
    assert record.session_problem == "2 cookies and 0 origins could not be put into the browser"
    assert lender.kept == []


async def test_a_session_that_is_deleted_meanwhile(
    runs: RunDispatcher, tenant: str, lender: FakeLender, vault: SessionVault
) -> None:
    """The run can't bring it back, keeps its outcome, and says so."""
    held = lender.work = Held()
    record = await runs.submit(tenant, SHOP)
    await held.begun.wait()
    await vault.delete(tenant, "shop")
    held.let_go.set()
    record = await outcome(runs, record)
    assert record.state == "succeeded"
    assert "another writer took it, or it was deleted" in record.session_problem
    assert lender.kept == []
    assert await vault.list(tenant) == ()


@pytest.mark.parametrize("failing", [True, False])
async def test_a_session_that_is_lost_with_its_agent(
    runs: RunDispatcher, tenant: str, lender: FakeLender, *, failing: bool
) -> None:
    """The run says that it was not saved."""

    async def lost(lease: FakeLease, command: Run, hear: Hear) -> RunDone:
        lease.lost = AgentLostError("agent fake died", "crash")
        raise lease.lost

    if failing:
        lender.work = lost
    else:
        lender.failing = {Capture}
    record = await outcome(runs, await runs.submit(tenant, SHOP))
    assert record.session_problem.startswith("not saved: ")
    assert record.failure_reason == ("browser_crash" if failing else "none")
    assert lender.kept == []
