import asyncio
import logging

import pytest

from browserwatch.sessions.cipher import SessionCipher
from browserwatch.sessions.errors import (
    InvalidNameError,
    SessionBusyError,
    SessionTooLargeError,
    SessionUndecryptableError,
    StoreUnavailableError,
)
from browserwatch.sessions.keys import KeyRing
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.redis_store import RedisStore
from browserwatch.sessions.snapshot import Counts, Snapshot
from browserwatch.sessions.store import SessionLease
from browserwatch.sessions.vault import SessionVault
from tests.sessions.logins import LATER, LOGIN, Heard


async def test_a_login_comes_back(vault: SessionVault, tenant: str, heard: Heard) -> None:
    """Nothing at first; what one saved the next one finds; each operation is told with its size."""
    async with vault.open(tenant, "shop") as opened:
        assert opened.snapshot is None
        info = await opened.save(LOGIN)
        assert opened.snapshot == LOGIN
    assert (info.cookies, info.origins) == (1, 1)
    async with vault.open(tenant, "shop") as opened:
        assert opened.snapshot == LOGIN
        assert "geheim" not in repr(opened)
    sizes = [one.size for one in heard.operations]
    assert sizes == [None, None, info.size, None, info.size]
    assert heard.take() == [("lock", "ok"), ("restore", "miss"), ("save", "ok"), ("lock", "ok"), ("restore", "ok")]
    assert await vault.list(tenant) == (info,)


async def test_saving_merges_with_what_was_there(vault: SessionVault, tenant: str) -> None:
    """Cookies are those of now; local storage that is not seen now is kept."""
    async with vault.open(tenant, "shop") as opened:
        await opened.save(LOGIN)
    async with vault.open(tenant, "shop") as opened:
        await asyncio.gather(opened.save(LATER), opened.save(LATER))
    async with vault.open(tenant, "shop") as opened:
        assert opened.snapshot == Snapshot(LATER.cookies, {**LOGIN.local_storage, **LATER.local_storage})


async def test_what_is_stored_is_not_readable(vault: SessionVault, tenant: str, client: RedisClient) -> None:
    """No value and no origin is in Redis."""
    async with vault.open(tenant, "shop") as opened:
        await opened.save(LOGIN)
    stored: list[bytes] = await client.command("HGETALL", f"browserwatch:{{{tenant}}}:session:shop")
    assert not any(word in part for part in stored for word in (b"geheim", b"shop.example", b"https"))


async def test_two_can_not_have_it_open(vault: SessionVault, tenant: str, heard: Heard) -> None:
    """The second is refused at once; afterwards, also after an error in the block, it is free."""

    async def fail_inside() -> None:
        async with vault.open(tenant, "shop"):
            heard.take()
            with pytest.raises(SessionBusyError):
                async with vault.open(tenant, "shop"):
                    pass
            assert heard.take() == [("lock", "conflict")]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_inside()
    async with vault.open(tenant, "shop"):
        pass


async def test_a_bad_name_reaches_nothing(vault: SessionVault, heard: Heard) -> None:
    """It is refused before anything is asked of Redis."""
    with pytest.raises(InvalidNameError):
        async with vault.open("acme", "a:b"):
            pass
    with pytest.raises(InvalidNameError):
        await vault.delete("a{b}", "shop")
    assert heard.take() == []


async def test_what_can_not_be_read_stays(
    vault: SessionVault, store: RedisStore, tenant: str, shop: SessionId, heard: Heard
) -> None:
    """Opening fails with the reason, the bytes stay as they are, the session is free again, and deleting is possible."""
    lease = await store.acquire(shop, 30)
    await store.save(lease, b"damaged", Counts(0, 0))
    await store.release(lease)
    for _ in range(2):
        with pytest.raises(SessionUndecryptableError) as caught:
            async with vault.open(tenant, "shop"):
                pass
        assert caught.value.reason == "truncated"
        assert heard.take() == [("lock", "ok"), ("restore", "undecryptable")]
    stored = await store.load(shop)
    assert stored is not None
    assert stored.envelope == b"damaged"
    assert await vault.delete(tenant, "shop")
    assert not await vault.delete(tenant, "shop")
    assert heard.take() == [("delete", "ok"), ("delete", "miss")]


async def test_a_lost_key(vault: SessionVault, store: RedisStore, tenant: str, heard: Heard) -> None:
    """With other keys the session can't be read; with its own again it can."""
    async with vault.open(tenant, "shop") as opened:
        await opened.save(LOGIN)
    other = SessionVault(store, SessionCipher(KeyRing([bytes(32)])), heard)
    with pytest.raises(SessionUndecryptableError, match="not among the configured keys"):
        async with other.open(tenant, "shop"):
            pass
    async with vault.open(tenant, "shop") as opened:
        assert opened.snapshot == LOGIN


async def test_too_large(store: RedisStore, tenant: str, heard: Heard) -> None:
    """Saving is refused and counted, and what was stored stays."""
    small = SessionVault(store, SessionCipher(KeyRing([bytes(32)]), 500), heard)
    async with small.open(tenant, "shop") as opened:
        await opened.save(LOGIN)
        heard.take()
        with pytest.raises(SessionTooLargeError):
            await opened.save(Snapshot((), {"https://a": {"k": "x" * 1000}}))
        assert opened.snapshot == LOGIN
    assert heard.take() == [("save", "too_large")]


async def test_redis_away(cipher: SessionCipher, heard: Heard) -> None:
    """Opening fails with one kind of error, and is counted."""
    client = RedisClient("redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailableError):
        async with SessionVault(RedisStore(client), cipher, heard).open("acme", "shop"):
            pass
    await client.close()
    assert heard.take() == [("lock", "error")]


async def test_redis_gone_at_the_end(
    store: RedisStore,
    vault: SessionVault,
    tenant: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The work of the block is not spoilt because the lease can't be given back."""

    async def unavailable(_: SessionLease) -> None:
        raise StoreUnavailableError("Redis is away")

    monkeypatch.setattr(store, "release", unavailable)
    with caplog.at_level(logging.WARNING):
        async with vault.open(tenant, "shop"):
            pass
    assert f"session {tenant}/shop stays leased for up to 30 s: Redis is away" in caplog.text
