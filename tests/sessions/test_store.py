"""The contract of a session store, held against a real Redis."""

from datetime import UTC, datetime, timedelta

import pytest

from browserwatch.sessions.errors import (
    InvalidNameError,
    SessionConflictError,
    SessionTooLargeError,
)
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.redis_store import DEFAULT_TTL, RedisStore
from browserwatch.sessions.snapshot import Counts
from browserwatch.sessions.store import SessionStore
from tests.sessions.contract import COUNTS, ENVELOPE, TTL, envelope_of, key, run_out, saved


def test_redis_store_is_a_store(client: RedisClient) -> None:
    """The type checker compares it with the port here."""
    store: SessionStore = RedisStore(client)
    assert repr(store).startswith("<RedisStore in <RedisClient unix:/")


async def test_nothing_is_stored_at_first(store: SessionStore, shop: SessionId) -> None:
    """A session that was never saved is None, is not listed and can't be deleted."""
    assert await store.load(shop) is None
    assert await store.list(shop.tenant) == ()
    assert not await store.delete(shop)


async def test_what_is_saved_is_loaded(store: SessionStore, shop: SessionId) -> None:
    """The same bytes, and the metadata that saving answered."""
    lease = await store.acquire(shop, TTL)
    info = await store.save(lease, ENVELOPE, COUNTS)
    stored = await store.load(shop)
    assert stored is not None
    assert stored.envelope == ENVELOPE
    assert stored.info == info
    assert (info.name, info.size, info.cookies, info.origins) == ("shop", len(ENVELOPE), 3, 2)
    assert info.expires - info.saved == timedelta(seconds=DEFAULT_TTL)
    assert abs(info.saved - datetime.now(UTC)) < timedelta(minutes=1)
    assert str(ENVELOPE) not in repr(stored)


async def test_saving_again_replaces_and_keeps_the_birthday(store: SessionStore, shop: SessionId) -> None:
    """One lease may save many times; `created` stays."""
    lease = await store.acquire(shop, TTL)
    first = await store.save(lease, b"first", COUNTS)
    second = await store.save(lease, b"second", Counts(0, 0))
    assert await envelope_of(store, shop) == b"second"
    assert second.created == first.created
    assert second.saved >= first.saved
    assert (second.size, second.cookies) == (6, 0)


async def test_sessions_and_tenants_are_apart(store: SessionStore, tenant: str) -> None:
    """A name means another session with each tenant, and each is listed with its own."""
    ids = [SessionId(who, name) for who in (tenant, f"{tenant}b") for name in ("shop", "bank")]
    for number, session in enumerate(ids):
        await saved(store, session, bytes([number]))
    assert [await envelope_of(store, session) for session in ids] == [b"\0", b"\1", b"\2", b"\3"]
    assert [info.name for info in await store.list(tenant)] == ["bank", "shop"]
    assert await store.delete(ids[0])
    assert [info.name for info in await store.list(tenant)] == ["bank"]
    assert await envelope_of(store, ids[2]) == b"\2"


async def test_listing_needs_a_tenants_name(store: SessionStore) -> None:
    """Nothing unchecked becomes a key here either."""
    with pytest.raises(InvalidNameError):
        await store.list("a:*")


async def test_deleting_is_final(store: SessionStore, shop: SessionId) -> None:
    """A leased session can be deleted; its holder does not bring it back, and a new one may begin at once."""
    lease = await saved(store, shop)
    assert await store.delete(shop)
    with pytest.raises(SessionConflictError):
        await store.save(lease, ENVELOPE, COUNTS)
    assert await store.load(shop) is None
    assert await store.list(shop.tenant) == ()
    await saved(store, shop, b"new")


async def test_sessions_expire(store: SessionStore, shop: SessionId, client: RedisClient) -> None:
    """A session has an end in Redis, saving moves it, and then it is neither loaded nor listed; nothing of it stays."""
    lease = await saved(store, shop)
    await client.command("PEXPIRE", key(shop, "session"), 5000)
    await store.save(lease, ENVELOPE, COUNTS)
    assert await client.command("PTTL", key(shop, "session")) > 5000
    await store.release(lease)
    await run_out(client, shop, "session")
    assert await store.load(shop) is None
    assert await store.list(shop.tenant) == ()


async def test_the_index_forgets_what_has_expired(client: RedisClient, tenant: str) -> None:
    """It is cleared with every save, and ends with the last of its sessions: no tenant's index grows without bound."""
    index = f"browserwatch:{{{tenant}}}:sessions"
    await client.command("ZADD", index, 1, "long-gone")
    await saved(RedisStore(client, ttl=100), SessionId(tenant, "long"))
    await saved(RedisStore(client, ttl=10), SessionId(tenant, "short"))
    assert await client.command("ZRANGE", index, 0, -1) == [b"short", b"long"]
    assert 10_000 < await client.command("PTTL", index) <= 100_000


async def test_too_large_is_not_written(client: RedisClient, shop: SessionId) -> None:
    """The limit itself fits; one more byte leaves what was stored."""
    store = RedisStore(client, limit=100)
    lease = await saved(store, shop, bytes(100))
    with pytest.raises(SessionTooLargeError, match="101 bytes, the limit is 100"):
        await store.save(lease, bytes(101), COUNTS)
    assert await envelope_of(store, shop) == bytes(100)


async def test_damaged_metadata_does_not_hide_the_session(
    store: SessionStore, shop: SessionId, client: RedisClient
) -> None:
    """What somebody changed by hand can still be loaded, listed and deleted."""
    await saved(store, shop)
    await client.command("HDEL", key(shop, "session"), "saved", "cookies", "envelope")
    assert await envelope_of(store, shop) == b""
    (info,) = await store.list(shop.tenant)
    assert info.cookies == 0
    assert await store.delete(shop)


async def test_every_key_ends_except_the_counter(store: SessionStore, shop: SessionId, client: RedisClient) -> None:
    """Nothing is left for good but one small number per tenant."""
    await saved(store, shop)
    keys: list[bytes] = await client.command("KEYS", f"browserwatch:{{{shop.tenant}}}:*")
    lasting = [one.decode() for one in keys if await client.command("PTTL", one) == -1]
    assert len(keys) == 5
    assert lasting == [f"browserwatch:{{{shop.tenant}}}:fences"]
