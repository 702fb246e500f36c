"""Runs of instances that died, and of those that only seemed to."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from browserwatch.errors import ConfigurationError
from browserwatch.runs.dispatcher import RunDispatcher
from browserwatch.runs.ids import Ids
from browserwatch.runs.instances import Instances, instance_id
from browserwatch.runs.journal import Journal
from browserwatch.runs.liveness import SWEEPS_MISSED, Liveness
from browserwatch.runs.models import RunRecord, RunRequest
from browserwatch.runs.record_store import RecordStore
from browserwatch.sessions.errors import StoreUnavailableError
from browserwatch.sessions.redis_client import RedisClient
from tests.runs.conftest import Serve, events, outcome
from tests.runs.fakes import FakeLender, Held, eventually, one_step, step

TASK = RunRequest(task="x")


class Life:
    """One life of an instance, as far as Redis sees it."""

    def __init__(self, client: RedisClient, name: str) -> None:
        self.instances = Instances(client, name)
        self.store = RecordStore(client, 3600)
        self.journal = Journal(self.store, self.instances)
        self.cancelled: list[str] = []
        self.liveness = Liveness(self.instances, self.store, self.journal, self.cancelled.append)

    async def run(self, tenant: str) -> RunRecord:
        """Have a run that is written down."""
        record = RunRecord(
            id=Ids().new(),
            tenant=tenant,
            state="running",
            created=datetime.now(UTC),
            owner=self.instances.own,
        )
        await self.journal.create(self.journal.add(record), None)
        return record

    async def state(self, record: RunRecord) -> str:
        """As it is stored."""
        stored = await self.store.load(record.tenant, record.id)
        assert stored is not None
        return stored.state


@pytest.fixture
def lives(client: RedisClient, tenant: str) -> tuple[Life, Life]:
    """Two instances."""
    return Life(client, f"{tenant}-a"), Life(client, f"{tenant}-b")


async def die(client: RedisClient, life: Life) -> None:
    """Let an instance's last beat run out."""
    await client.command("DEL", f"browserwatch:{{instances}}:alive:{life.instances.own}")


async def test_a_new_life_of_an_instance(serve: Serve, client: RedisClient, tenant: str, tmp_path: Path) -> None:
    """What was in progress in the earlier one is interrupted at once, told to who follows it, and not started again."""
    earlier = Life(client, instance_id(tmp_path / "data"))
    record = await earlier.run(tenant)
    async with serve() as runs:
        told = await events(runs, record)
        assert [event.type for event in told] == ["run.queued", "run.finished"]
        assert told[-1].data == {"state": "interrupted", "outcome": "error", "failure_reason": "infrastructure"}
        assert await events(runs, record, after=2) == []
        found = await runs.get(tenant, record.id)
        assert (found.state, found.outcome, found.failure_reason) == ("interrupted", "error", "infrastructure")
        assert found.finished is not None
        assert await runs.cancel(tenant, record.id) == found
        assert runs.stats()[:2] == (0, 0)


async def test_another_instance_that_dies(client: RedisClient, lives: tuple[Life, Life], tenant: str) -> None:
    """Its runs are interrupted when several sweeps have missed it, and it is forgotten."""
    dead, living = lives
    record = await dead.run(tenant)
    await dead.liveness.beat()
    await living.liveness.sweep()
    await die(client, dead)
    for _ in range(SWEEPS_MISSED):
        await living.liveness.sweep()
        assert await living.state(record) == "running"
    await living.liveness.sweep()
    assert await living.state(record) == "interrupted"
    assert await living.instances.active(dead.instances.own) == []
    assert dead.instances.own not in await living.instances.missing()


async def test_one_that_beats_again(client: RedisClient, lives: tuple[Life, Life], tenant: str) -> None:
    """Was not dead: what was missed before does not count."""
    silent, living = lives
    record = await silent.run(tenant)
    await silent.liveness.beat()
    for _ in range(SWEEPS_MISSED + 2):
        await die(client, silent)
        await living.liveness.sweep()
        await silent.liveness.beat()
        await living.liveness.sweep()
    assert await living.state(record) == "running"


async def test_after_an_outage_nobody_is_dead(client: RedisClient, lives: tuple[Life, Life], tenant: str) -> None:
    """Nobody could beat, so nothing that was noticed before it counts."""
    silent, living = lives
    record = await silent.run(tenant)
    await silent.liveness.beat()
    await die(client, silent)
    for _ in range(SWEEPS_MISSED):
        await living.liveness.sweep()
    beats = asyncio.Event()

    async def unavailable(*_: object) -> None:
        beats.set()
        raise StoreUnavailableError("away")

    living.instances.beat = unavailable  # pyright: ignore[reportAttributeAccessIssue]
    beating = asyncio.create_task(living.liveness.beat_for_ever())
    await beats.wait()
    beating.cancel()
    await asyncio.wait([beating])
    await living.liveness.sweep()
    assert await living.state(record) == "running"


async def test_an_owner_that_is_alive_after_all(
    client: RedisClient, lives: tuple[Life, Life], tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wins: a change between the look and the mark prevents the mark, one after it replaces it; and it is active again."""
    owner, other = lives
    record = await owner.run(tenant)
    live = owner.journal.find(record.id)
    assert live is not None
    command = client.command

    async def meanwhile(*arguments: bytes | str | float) -> object:
        answer = await command(*arguments)
        if arguments[0] == "GET":
            live.change("step", steps=live.record.steps + 1)
            await owner.store.write(live.record, live.events(0))
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(client, "command", meanwhile)
        assert not await other.store.interrupt(tenant, record.id)
    assert await other.state(record) == "running"
    assert await other.store.interrupt(tenant, record.id)
    await other.instances.end(owner.instances.own, (await other.instances.active(owner.instances.own))[0])
    await owner.liveness.beat()
    assert [run.run_id for run in await other.instances.active(owner.instances.own)] == [record.id]
    live.change("run.finished", state="succeeded")
    await owner.store.write(live.record, live.events(0))
    assert await other.state(record) == "succeeded"
    assert [event.number for event in await other.store.events(tenant, record.id, 0)] == [1, 2, 3]


async def test_cancelling_at_another_instance(
    serve: Serve, redis_url: str, tenant: str, lender: FakeLender, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Reaches the run with its instance's next beat; following it there sees it, live, to its end."""
    monkeypatch.setattr("browserwatch.runs.book.POLL_SECONDS", 0.01)
    held = lender.work = Held()
    other = RedisClient(redis_url)
    async with serve() as one, serve(other, data_dir=tmp_path / "other") as two:
        record = await one.submit(tenant, TASK)
        await held.begun.wait()
        follower = asyncio.create_task(events(two, record))
        held.hear(step())
        assert record.owner == one._instances.own != two._instances.own
        assert (await two.cancel(tenant, record.id)).final is False
        await one._liveness.beat()
        assert [event.type for event in await follower] == ["run.queued", "run.started", "step", "run.finished"]
        assert (await two.get(tenant, record.id)).state == "cancelled"
    await other.close()


async def test_only_the_tenant_s_own_run_is_cancelled(
    runs: RunDispatcher, tenant: str, lender: FakeLender, client: RedisClient
) -> None:
    """A request that names another tenant is ignored, as is one that is no run."""
    held = lender.work = Held()
    record = await runs.submit(tenant, TASK)
    await held.begun.wait()
    key = f"browserwatch:{{instances}}:cancel:{runs._instances.own}"
    await client.command("SADD", key, f"other/{record.id}", f"{{x/{record.id}", "nonsense")
    await runs._liveness.beat()
    assert (await runs.get(tenant, record.id)).state == "running"
    assert await client.command("EXISTS", key) == 0
    held.let_go.set()
    assert (await outcome(runs, record)).state == "succeeded"


async def test_nothing_is_left_of_runs_that_ended(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """No run is noted as active that is over."""
    lender.work = one_step
    for _ in range(3):
        await outcome(runs, await runs.submit(tenant, TASK))
    await eventually(lambda: not runs._journal.runs())
    assert await runs._instances.active(runs._instances.own) == []


def test_an_instance_keeps_its_id(tmp_path: Path) -> None:
    """In its data directory; a damaged one is replaced; two directories have two."""
    first = instance_id(tmp_path / "a")
    assert instance_id(tmp_path / "a") == first != instance_id(tmp_path / "b")
    (tmp_path / "a" / "instance").write_text("x:y\n")
    assert instance_id(tmp_path / "a") not in ("x:y", first)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["instance"]
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"instance: can't be read or made: File exists"):
        instance_id(tmp_path / "file")
