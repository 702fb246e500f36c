import asyncio

import pytest

from browserwatch.sessions.cipher import SessionCipher
from browserwatch.sessions.errors import (
    SessionConflictError,
    StoreUnavailableError,
)
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.redis_store import RedisStore
from browserwatch.sessions.store import SessionLease
from browserwatch.sessions.vault import SessionVault
from tests.sessions.logins import LATER, LOGIN, Heard


class Renewals(RedisStore):
    """A store that answers renewals as told, and says when one was asked for."""

    def __init__(self, client: RedisClient) -> None:
        super().__init__(client)
        self.asked = asyncio.Semaphore(0)
        self.available = True

    async def renew(self, lease: SessionLease) -> None:
        """Renew, or fail as told."""
        try:
            if not self.available:
                raise StoreUnavailableError("Redis is away")
            await super().renew(lease)
        finally:
            self.asked.release()


async def test_a_lease_is_renewed_for_as_long_as_it_is_open(
    client: RedisClient, cipher: SessionCipher, tenant: str
) -> None:
    """Also through an outage; after the block no task is left."""
    store = Renewals(client)
    before = asyncio.all_tasks()
    async with SessionVault(store, cipher, Heard(), lease_seconds=0.03).open(tenant, "shop") as opened:
        await store.asked.acquire()
        store.available = False
        await store.asked.acquire()
        store.available = True
        await store.asked.acquire()
        await store.asked.acquire()
        await opened.save(LOGIN)
        assert not opened.lost
    assert asyncio.all_tasks() == before


async def test_a_lost_lease_is_noticed(client: RedisClient, cipher: SessionCipher, tenant: str, heard: Heard) -> None:
    """When the session is deleted meanwhile its holder learns it by the next renewal, and can't bring it back."""
    store = Renewals(client)
    vault = SessionVault(store, cipher, heard, lease_seconds=0.03)
    async with vault.open(tenant, "shop") as opened:
        await opened.save(LOGIN)
        heard.take()
        assert await vault.delete(tenant, "shop")
        while not opened.lost:
            await store.asked.acquire()
        with pytest.raises(SessionConflictError):
            await opened.save(LATER)
    assert heard.take() == [("delete", "ok"), ("lock", "conflict"), ("save", "conflict")]
    assert await vault.list(tenant) == ()


class Slow(RedisStore):
    """A store whose lease is granted, and told only later."""

    def __init__(self, client: RedisClient) -> None:
        super().__init__(client)
        self.granted = asyncio.Event()
        self.tell = asyncio.Event()

    async def acquire(self, session: SessionId, ttl: float) -> SessionLease:
        """Acquire, and keep the answer back."""
        lease = await super().acquire(session, ttl)
        self.granted.set()
        await self.tell.wait()
        return lease


async def test_cancelled_while_asking_for_the_lease(client: RedisClient, cipher: SessionCipher, tenant: str) -> None:
    """The lease that Redis granted to somebody who is gone is given back, not left to run out."""
    store = Slow(client)

    async def use() -> None:
        async with SessionVault(store, cipher, Heard()).open(tenant, "shop"):
            pytest.fail("was cancelled before")

    using = asyncio.create_task(use())
    await store.granted.wait()
    using.cancel()
    store.tell.set()
    with pytest.raises(asyncio.CancelledError):
        await using
    await store.acquire(SessionId(tenant, "shop"), 30)


async def test_cancelled_in_the_block(vault: SessionVault, tenant: str, store: RedisStore) -> None:
    """The lease is given back."""
    inside = asyncio.Event()

    async def use() -> None:
        async with vault.open(tenant, "shop"):
            inside.set()
            await asyncio.Event().wait()

    using = asyncio.create_task(use())
    await inside.wait()
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    await store.acquire(SessionId(tenant, "shop"), 30)
