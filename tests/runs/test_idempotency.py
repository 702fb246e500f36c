import asyncio
from pathlib import Path

import pytest

from browserwatch.runs.dispatcher import RunDispatcher
from browserwatch.runs.errors import IdempotencyConflictError, InvalidRequestError
from browserwatch.runs.fingerprint import Fingerprints
from browserwatch.runs.models import RunRequest
from browserwatch.sessions.keys import KeyRing
from browserwatch.sessions.redis_client import RedisClient
from tests.runs.conftest import Serve, outcome
from tests.runs.fakes import FakeLender, Heard, Held, eventually

TASK = RunRequest(task="buy one", output_schema={"a": 1, "b": 2})
SAME = RunRequest(task="buy one", output_schema={"b": 2, "a": 1})


async def test_the_same_again(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """The same key and request give the run of that time, while it runs and after it; nothing is done twice."""
    held = lender.work = Held()
    first = await runs.submit(tenant, TASK, "key 1")
    await held.begun.wait()
    assert (await runs.submit(tenant, SAME, "key 1")).id == first.id
    held.let_go.set()
    await outcome(runs, first)
    again = await runs.submit(tenant, TASK, "key 1")
    assert (again.id, again.state) == (first.id, "succeeded")
    assert len(lender.leases) == 1


async def test_another_request(runs: RunDispatcher, tenant: str) -> None:
    """The same key for another request is refused; another key, or another tenant's same key, is something else."""
    first = await runs.submit(tenant, TASK, "key")
    for other in (RunRequest(task="buy two"), RunRequest(task="buy one", sensitive_data={"pin": "1234"})):
        with pytest.raises(IdempotencyConflictError):
            await runs.submit(tenant, other, "key")
    assert (await runs.submit(tenant, TASK, "key2")).id != first.id
    assert (await runs.submit(f"{tenant}-b", RunRequest(task="buy two"), "key")).id != first.id


async def test_many_at_once(runs: RunDispatcher, tenant: str, lender: FakeLender, heard: Heard) -> None:
    """One of them is done, all get it; and no place in the queue is lost."""
    records = await asyncio.gather(*(runs.submit(tenant, TASK, "key") for _ in range(8)))
    assert len({record.id for record in records}) == 1
    await outcome(runs, records[0])
    await eventually(lambda: runs.stats()[:2] == (0, 0))
    assert len(lender.leases) == 1
    assert heard.finished() == [("success", "none")]
    assert [record.id for record in await runs.list(tenant)] == [records[0].id]


async def test_many_at_once_with_different_requests(runs: RunDispatcher, tenant: str, lender: FakeLender) -> None:
    """One is done, the others are told that it is not theirs."""
    requests = [RunRequest(task=f"buy {number}") for number in range(4)]
    answers = await asyncio.gather(*(runs.submit(tenant, one, "key") for one in requests), return_exceptions=True)
    assert sum(isinstance(answer, IdempotencyConflictError) for answer in answers) == 3
    await eventually(lambda: runs.stats()[:2] == (0, 0))
    assert len(lender.leases) == 1


async def test_two_instances(serve: Serve, tenant: str, redis_url: str, tmp_path: Path) -> None:
    """A retry that reaches another instance gets the same run, and can follow it there."""
    other = RedisClient(redis_url)
    async with serve() as one, serve(other, data_dir=tmp_path / "other") as two:
        first = await one.submit(tenant, TASK, "key")
        second = await two.submit(tenant, TASK, "key")
        assert first.id == second.id
        assert (await outcome(two, second)).state == "succeeded"
    await other.close()


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "ü"])
async def test_a_key_that_can_not_be_used(runs: RunDispatcher, tenant: str, key: str) -> None:
    """Is refused."""
    with pytest.raises(InvalidRequestError, match="Idempotency-Key"):
        await runs.submit(tenant, TASK, key)


def test_a_fingerprint_survives_a_rotation() -> None:
    """With the old key among the keys a request is recognised; without it, or with a damaged one, it is not."""
    old, new = bytes(32), bytes(range(32))
    made = Fingerprints(KeyRing([old])).of("acme", TASK)
    assert Fingerprints(KeyRing([new, old])).matches(made, "acme", SAME)
    assert not Fingerprints(KeyRing([new])).matches(made, "acme", TASK)
    assert not Fingerprints(KeyRing([old])).matches(made, "acme2", TASK)
    for damaged in ("", "xyz", made[:-1], made.upper()):
        assert not Fingerprints(KeyRing([old])).matches(damaged, "acme", TASK)


async def test_a_claim_ends_with_its_record(runs: RunDispatcher, tenant: str, client: RedisClient) -> None:
    """Every key of a tenant expires, the claim not after the record that it leads to."""
    await outcome(runs, await runs.submit(tenant, TASK, "key"))
    await eventually(lambda: not runs._journal.runs())
    keys: list[bytes] = await client.command("KEYS", f"browserwatch:{{{tenant}}}:*")
    kinds = {key.decode().split(":")[2]: await client.command("TTL", key.decode()) for key in keys}
    assert set(kinds) == {"run", "run-events", "runs", "claim"}
    assert all(ttl > 0 for ttl in kinds.values())
    assert kinds["claim"] <= 86_400 < kinds["run"]
