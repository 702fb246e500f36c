import logging
from datetime import UTC, datetime

import msgspec
import pytest

from browserwatch.runs.ids import Ids
from browserwatch.runs.models import RunEvent, RunRecord
from browserwatch.runs.record_store import Claim, EventsLostError, Owner, RecordStore
from browserwatch.sessions.errors import InvalidNameError
from browserwatch.sessions.redis_client import RedisClient

NOW = datetime(2026, 1, 2, tzinfo=UTC)
IDS = Ids()


@pytest.fixture
def store(client: RedisClient) -> RecordStore:
    return RecordStore(client, 3600)


def record_of(tenant: str) -> RunRecord:
    return RunRecord(id=IDS.new(), tenant=tenant, state="running", created=NOW)


def numbered(*numbers: int) -> list[RunEvent]:
    return [RunEvent(number=number, type="step", time=NOW) for number in numbers]


async def test_a_write_that_is_repeated(store: RecordStore, tenant: str) -> None:
    """Changes nothing, whatever of it was there already: an answer may have been lost."""
    record = record_of(tenant)
    await store.write(record, numbered(1, 2))
    await store.write(record, numbered(1, 2, 3))
    await store.write(record, numbered(2, 3))
    await store.write(record, [])
    assert await store.events(tenant, record.id, 0) == numbered(1, 2, 3)
    assert await store.events(tenant, record.id, 2) == numbered(3)
    assert await store.last_event(tenant, record.id) == numbered(3)[0]
    assert await store.load(tenant, record.id) == record


async def test_events_that_redis_forgot(store: RecordStore, tenant: str, client: RedisClient) -> None:
    """Are noticed before later ones are written, so that they can be written again."""
    record = record_of(tenant)
    await store.write(record, numbered(1, 2, 3))
    stream = f"browserwatch:{{{tenant}}}:run-events:{record.id}"
    await client.command("XDEL", stream, "2-0", "3-0")
    with pytest.raises(EventsLostError) as caught:
        await store.write(record, numbered(4), after=3)
    assert caught.value.last == 1
    await client.command("DEL", stream)
    with pytest.raises(EventsLostError) as caught:
        await store.write(record, numbered(4), after=3)
    assert caught.value.last == 0
    await store.write(record, numbered(1, 2, 3, 4))
    assert await store.events(tenant, record.id, 0) == numbered(1, 2, 3, 4)


async def test_a_claim(store: RecordStore, tenant: str) -> None:
    """The first has the key; a later one is told who, and writes nothing; the first may write again."""
    first, second = record_of(tenant), record_of(tenant)
    claims = [Claim("key", Owner("print", record.id)) for record in (first, second)]
    assert await store.write(first, numbered(1), claims[0]) is None
    assert await store.write(second, numbered(1), claims[1]) == claims[0].owner
    assert await store.write(first, numbered(1), claims[0]) is None
    assert await store.owner(tenant, "key") == claims[0].owner
    assert await store.load(tenant, second.id) is None
    assert await store.list(tenant, 10, None) == (first,)


async def test_withdrawing(store: RecordStore, tenant: str, client: RedisClient) -> None:
    """Takes back all of a first write, and no claim of another."""
    first, second = record_of(tenant), record_of(tenant)
    claims = [Claim("key", Owner("print", record.id)) for record in (first, second)]
    await store.write(first, numbered(1), claims[0])
    await store.withdraw(second, claims[1])
    assert await store.owner(tenant, "key") == claims[0].owner
    await store.withdraw(first, claims[0])
    assert await client.command("KEYS", f"browserwatch:{{{tenant}}}:*") == []


async def test_what_expired_is_not_listed(store: RecordStore, tenant: str, client: RedisClient) -> None:
    """A page is filled with what is still there."""
    records = [record_of(tenant) for _ in range(6)]
    for record in records:
        await store.write(record, [])
    for record in records[2:5]:
        await client.command("DEL", f"browserwatch:{{{tenant}}}:run:{record.id}")
    assert await store.list(tenant, 2, None) == (records[5], records[1])
    assert await store.list(tenant, 9, records[1].id) == (records[0],)
    assert await store.list(f"{tenant}x", 9, None) == ()


async def test_the_index_forgets(client: RedisClient, tenant: str) -> None:
    """Ids that are older than any record can be; never the one that is written."""
    store = RecordStore(client, 3600)
    old = msgspec.structs.replace(record_of(tenant), id=f"{1:014x}{1:018x}")
    index = f"browserwatch:{{{tenant}}}:runs"
    await store.write(old, [])
    assert await client.command("ZCARD", index) == 1
    new = record_of(tenant)
    await store.write(new, [])
    assert await client.command("ZRANGE", index, 0, -1) == [new.id.encode()]


async def test_events_are_bounded(client: RedisClient, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest of very many are forgotten, in whole blocks of the stream."""
    monkeypatch.setattr("browserwatch.runs.record_store.EVENTS_KEPT", 100)
    store, record = RecordStore(client, 3600), record_of(tenant)
    await store.write(record, numbered(*range(1, 1001)))
    first, *_ = await store.events(tenant, record.id, 0)
    assert 700 < first.number <= 901
    assert await store.last_event(tenant, record.id) == numbered(1000)[0]


async def test_a_record_that_can_not_be_read(
    store: RecordStore, tenant: str, client: RedisClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Is as good as none, for its readers and those who would mark it, and stays."""
    record = record_of(tenant)
    await store.write(record, [])
    key = f"browserwatch:{{{tenant}}}:run:{record.id}"
    await client.command("SET", key, b'{"state": "from the future"}')
    with caplog.at_level(logging.WARNING):
        assert await store.load(tenant, record.id) is None
        assert await store.list(tenant, 10, None) == ()
        assert not await store.interrupt(tenant, record.id)
    assert "a run's record of 28 bytes can't be read" in caplog.text
    assert await client.command("EXISTS", key) == 1


async def test_a_tenant_is_a_name(store: RecordStore) -> None:
    """Or no key is made of it."""
    with pytest.raises(InvalidNameError):
        await store.load("a}:b", "x")
