"""The contract of a session store, held against a real Redis: one writer at a time."""

import asyncio
import itertools

import pytest

from browserwatch.sessions.errors import (
    SessionBusyError,
    SessionConflictError,
)
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.store import OWNER_SECONDS, SessionLease, SessionStore
from tests.sessions.contract import COUNTS, ENVELOPE, TTL, envelope_of, key, run_out, saved


async def test_one_writer_at_a_time(store: SessionStore, shop: SessionId) -> None:
    """The second is told for how long; after the first gave it back, it is free."""
    first = await store.acquire(shop, TTL)
    with pytest.raises(SessionBusyError, match=r"/shop is in use; its lease ends in \d+\.\d s") as caught:
        await store.acquire(shop, TTL)
    assert 0 < caught.value.retry_after <= TTL
    await store.release(first)
    second = await store.acquire(shop, TTL)
    assert second.fence > first.fence


async def test_of_many_at_once_one_gets_it(store: SessionStore, shop: SessionId) -> None:
    """No two of twenty, asked for together."""
    results = await asyncio.gather(*(store.acquire(shop, TTL) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, SessionLease) for result in results) == 1
    assert sum(isinstance(result, SessionBusyError) for result in results) == 19


async def test_reading_needs_no_lease(store: SessionStore, shop: SessionId) -> None:
    """Loading and listing go on while somebody holds the session."""
    await saved(store, shop)
    assert await envelope_of(store, shop) == ENVELOPE
    assert len(await store.list(shop.tenant)) == 1


async def test_fences_only_grow(store: SessionStore, shop: SessionId, tenant: str) -> None:
    """Over all sessions of a tenant, and over a deletion."""
    fences: list[int] = []
    for session in (shop, SessionId(tenant, "bank"), shop):
        fences.append((await store.acquire(session, TTL)).fence)
        await store.delete(session)
    assert all(earlier < later for earlier, later in itertools.pairwise(fences))


async def test_a_holder_that_crashed_blocks_for_its_ttl_only(
    store: SessionStore, shop: SessionId, client: RedisClient
) -> None:
    """Without a renewal the lock has an end in Redis itself."""
    await store.acquire(shop, TTL)
    assert 0 < await client.command("PTTL", key(shop, "lock")) <= TTL * 1000
    await run_out(client, shop, "lock")
    await store.acquire(shop, TTL)


async def test_a_stale_writer_can_not_overwrite(store: SessionStore, shop: SessionId, client: RedisClient) -> None:
    """Whose lease ran out and was taken by another can't save, renew or release, even when the other is done."""
    stale = await saved(store, shop, b"old")
    await run_out(client, shop, "lock")
    fresh = await saved(store, shop, b"new")
    for attempt in (store.save(stale, b"stale", COUNTS), store.renew(stale)):
        with pytest.raises(SessionConflictError, match=f"after lease {stale.fence}; nothing was written"):
            await attempt
    await store.release(stale)
    with pytest.raises(SessionBusyError):
        await store.acquire(shop, TTL)
    await store.release(fresh)
    with pytest.raises(SessionConflictError):
        await store.save(stale, b"stale", COUNTS)
    assert await envelope_of(store, shop) == b"new"


async def test_a_lapsed_lease_is_good_while_nobody_took_the_session(
    store: SessionStore, shop: SessionId, client: RedisClient
) -> None:
    """An outage longer than the lease does not cost the login; a renewal holds the session again."""
    lease = await saved(store, shop, b"old")
    await run_out(client, shop, "lock")
    await store.save(lease, b"after the outage", COUNTS)
    await store.renew(lease)
    with pytest.raises(SessionBusyError):
        await store.acquire(shop, TTL)
    assert await envelope_of(store, shop) == b"after the outage"


async def test_who_held_it_last_is_forgotten_in_the_end(
    store: SessionStore, shop: SessionId, client: RedisClient
) -> None:
    """The memory of a holder has an end in Redis too; after it, its lease is stale."""
    lease = await store.acquire(shop, TTL)
    assert 0 < await client.command("PTTL", key(shop, "owner")) <= OWNER_SECONDS * 1000
    await run_out(client, shop, "owner")
    with pytest.raises(SessionConflictError):
        await store.save(lease, ENVELOPE, COUNTS)


async def test_a_lease_of_the_same_number_is_not_the_same(
    store: SessionStore, shop: SessionId, client: RedisClient
) -> None:
    """A Redis that lost its last second may give a number twice; the token tells them apart."""
    stale = await store.acquire(shop, TTL)
    await store.delete(shop)
    await client.command("DECR", f"browserwatch:{{{shop.tenant}}}:fences")
    fresh = await store.acquire(shop, TTL)
    assert fresh.fence == stale.fence
    with pytest.raises(SessionConflictError):
        await store.save(stale, ENVELOPE, COUNTS)
    assert stale.token not in repr(stale)


async def test_renewing_prolongs(store: SessionStore, shop: SessionId, client: RedisClient) -> None:
    """A renewed lease has its whole time before it again."""
    lease = await store.acquire(shop, TTL)
    await client.command("PEXPIRE", key(shop, "lock"), 5000)
    await store.renew(lease)
    assert await client.command("PTTL", key(shop, "lock")) > 5000


async def test_after_release_the_lease_is_worth_nothing(store: SessionStore, shop: SessionId) -> None:
    """Neither to save nor to renew, though nobody else took the session."""
    lease = await saved(store, shop, b"last")
    await store.release(lease)
    await store.release(lease)
    for attempt in (store.save(lease, b"late", COUNTS), store.renew(lease)):
        with pytest.raises(SessionConflictError):
            await attempt
    assert await envelope_of(store, shop) == b"last"
