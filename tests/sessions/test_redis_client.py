"""What happens when Redis is not there, does not answer, or does not let us in."""

import asyncio
import os
import signal
import time
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from browserwatch.errors import ConfigurationError
from browserwatch.sessions.embedded import EmbeddedRedis
from browserwatch.sessions.errors import StoreUnavailableError
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.redis_client import PROBE_KEY, PROBE_MILLISECONDS, RedisClient, Script
from browserwatch.sessions.redis_store import RedisStore
from browserwatch.sessions.snapshot import Counts

PASSWORD = "geh/eim#7?&x"  # noqa: S105  # made up
QUOTED = "geh%2Feim%237%3F%26x"


@asynccontextmanager
async def connected(url: str, bound: float = 2.0) -> AsyncGenerator[RedisClient]:
    client = RedisClient(url, bound)
    try:
        yield client
    finally:
        await client.close()


def told(error: BaseException) -> str:
    """All that a log could show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)


async def test_a_replica_answers_pings_and_can_not_be_written_to(own_redis: EmbeddedRedis) -> None:
    """So writing is tried, with a key that goes away by itself."""
    client = RedisClient(own_redis.url)
    await client.write()
    assert 0 < await client.command("PTTL", PROBE_KEY) <= PROBE_MILLISECONDS
    await client.command("REPLICAOF", "127.0.0.1", "1")
    await client.ping()
    with pytest.raises(StoreUnavailableError, match="read-only replica"):
        await client.write()
    await client.close()


async def test_ping_takes_a_while(client: RedisClient) -> None:
    """Seconds, as health reports them."""
    assert 0 < await client.ping() < 2


async def test_nobody_listens() -> None:
    """The error says where and what, at once."""
    async with connected("redis://user:geheim@127.0.0.1:1/0") as client:
        with pytest.raises(
            StoreUnavailableError, match=r"^Redis at 127\.0\.0\.1:1 can't be reached: ConnectionRefusedError$"
        ) as caught:
            await client.ping()
    assert "geheim" not in told(caught.value)


async def test_killed_and_back_again(own_redis: EmbeddedRedis) -> None:
    """A Redis that dies is an error, is started again, and has what was saved; the connection mends itself."""
    async with connected(own_redis.url) as client:
        # By default a crash may take what was written in the last second or two.
        await client.command("CONFIG", "SET", "appendfsync", "always")
        store, shop = RedisStore(client), SessionId("acme", "shop")
        lease = await store.acquire(shop, 30)
        await store.save(lease, b"before", Counts(1, 1))
        first = own_redis.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        with pytest.raises(StoreUnavailableError, match="can't be reached"):
            await ping_until_gone(client)
        await ping_until_back(client)
        assert own_redis.pid not in (None, first)
        stored = await store.load(shop)
        assert stored is not None
        assert stored.envelope == b"before"
        await store.save(lease, b"after", Counts(1, 1))


async def ping_until_gone(client: RedisClient) -> None:
    """The kernel ends a killed process a moment later."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        await client.ping()
        await asyncio.sleep(0)


async def ping_until_back(client: RedisClient) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            await client.ping()
        except StoreUnavailableError:
            # Being refused takes no turn of the loop, and the loop is what starts Redis again.
            await asyncio.sleep(0)
        else:
            return
    pytest.fail("Redis was not started again")


async def test_a_redis_that_hangs(own_redis: EmbeddedRedis) -> None:
    """Every command ends within its time-out, connected before or not, and works when Redis wakes up."""
    async with connected(own_redis.url, bound=0.2) as client:
        await client.ping()
        assert own_redis.pid is not None
        os.kill(own_redis.pid, signal.SIGSTOP)
        store, shop = RedisStore(client), SessionId("acme", "shop")
        attempts = (client.ping, lambda: store.load(shop), lambda: store.list("acme"), lambda: store.acquire(shop, 30))
        for attempt in attempts:
            started = time.monotonic()
            with pytest.raises(StoreUnavailableError, match=r"^Redis at unix:/.* gave no answer within 0\.2 s$"):
                await attempt()
            assert time.monotonic() - started < 1
        os.kill(own_redis.pid, signal.SIGCONT)
        await ping_until_back(client)


async def test_a_cancellation_is_never_lost(client: RedisClient) -> None:
    """Whichever turn of the loop it comes in, while connecting, writing or reading; the connection is good afterwards."""

    async def ping_for_ever() -> None:
        while True:
            await client.ping()

    for turns in range(40):
        pinging = asyncio.create_task(ping_for_ever())
        for _ in range(turns):
            await asyncio.sleep(0)
        pinging.cancel()
        done, _ = await asyncio.wait([pinging], timeout=5)
        assert done, f"lost in turn {turns}"
        assert pinging.cancelled()
        assert await client.command("ECHO", str(turns)) == str(turns).encode()


async def test_scripts_survive_a_forgetful_redis(client: RedisClient) -> None:
    """After a restart, or a flush, the script is sent again."""
    script = Script("release")
    for _ in range(2):
        await client.command("SCRIPT", "FLUSH")
        assert await client.script(script, ("lock", "owner"), ("nobody",)) == 1


@pytest.fixture
async def with_user(own_redis: EmbeddedRedis) -> str:
    """A Redis that lets one user in, to our keys only, with the commands that the store needs; its URL without user."""
    async with connected(own_redis.url) as client:
        commands = ["+@connection", "+@scripting", "+@read", "+@write", "+time", "-@dangerous"]
        await client.command("ACL", "SETUSER", "watch", "on", f">{PASSWORD}", "~browserwatch:*", *commands)
        await client.command("ACL", "SETUSER", "reader", "on", f">{PASSWORD}", "~browserwatch:*", "+@read", "+ping")
    return own_redis.url


def as_user(url: str, user: str, password: str) -> str:
    return url.replace("unix://", f"unix://{user}:{password}@")


async def test_an_acl_user_is_let_in(with_user: str) -> None:
    """Name and password come from the URL, percent-encoded; no dangerous command is needed."""
    async with connected(as_user(with_user, "watch", QUOTED)) as client:
        store, shop = RedisStore(client), SessionId("acme", "shop")
        lease = await store.acquire(shop, 30)
        await store.save(lease, b"x", Counts(1, 1))
        await store.renew(lease)
        await store.release(lease)
        assert len(await store.list("acme")) == 1
        assert await store.delete(shop)
        assert PASSWORD not in repr(client) + repr(store)
        assert QUOTED not in repr(client) + repr(store)


async def test_a_wrong_password_is_not_told(with_user: str) -> None:
    """Neither the right nor the wrong one, nor the user, is in the error or what a log makes of it."""
    async with connected(as_user(with_user, "watch", "falsch")) as client:
        with pytest.raises(StoreUnavailableError, match=r"refuses the user name or password of its URL$") as caught:
            await client.ping()
    assert not any(word in told(caught.value) for word in ("falsch", PASSWORD, QUOTED, "watch:"))


async def test_a_user_without_permission(with_user: str) -> None:
    """Is told so."""
    async with connected(as_user(with_user, "reader", QUOTED)) as client:
        await client.ping()
        with pytest.raises(StoreUnavailableError, match="does not let this user"):
            await RedisStore(client).acquire(SessionId("acme", "shop"), 30)


async def test_a_full_redis_refuses(own_redis: EmbeddedRedis) -> None:
    """Nothing is evicted to make room: saving fails, and what was stored stays."""
    async with connected(own_redis.url) as client:
        store, shop = RedisStore(client), SessionId("acme", "shop")
        lease = await store.acquire(shop, 30)
        await store.save(lease, b"before", Counts(1, 1))
        await client.command("CONFIG", "SET", "maxmemory", "1mb")
        with pytest.raises(StoreUnavailableError, match="is out of memory"):
            await store.save(lease, bytes(2_000_000), Counts(1, 1))
        stored = await store.load(shop)
        assert stored is not None
        assert stored.envelope == b"before"


async def test_another_kind_of_value_under_our_key(client: RedisClient, store: RedisStore, shop: SessionId) -> None:
    """An error, not a crash; the value stays."""
    lease = await store.acquire(shop, 30)
    key = f"browserwatch:{{{shop.tenant}}}:session:shop"
    await client.command("SET", key, "not ours")
    for attempt in (store.load(shop), store.save(lease, b"x", Counts(1, 1))):
        with pytest.raises(StoreUnavailableError, match="a value of another kind"):
            await attempt
    assert await client.command("GET", key) == b"not ours"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "http://localhost",
        "unix://",
        "redis://user:geheim@localhost:port",
        "redis://user:geh/eim@localhost",
        "redis://user:geh#eim@localhost",
        "redis://user:12#geheim@localhost",
        "redis://user:12/geheim@localhost",
        "redis://[user:geheim@localhost",
        "redis://user:geheim@localhost?socket_timeout=geheim",
        "redis://user:geheim@localhost?no_such_option=1",
    ],
)
def test_a_url_that_can_not_be_used(url: str) -> None:
    """Is refused when it is given, with examples of good ones and nothing of itself."""
    with pytest.raises(ConfigurationError, match=r"it looks like one of: redis://host:6379/0, rediss://") as caught:
        RedisClient(url)
    assert not any(word in told(caught.value) for word in ("geh", "eim", "12"))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://localhost", "localhost:6379"),
        ("rediss://user:geheim@redis.example:6380/3", "redis.example:6380"),
        ("rediss://:geheim@redis.example/0?ssl_ca_certs=/etc/ca.pem", "redis.example:6379"),
        ("unix://user:geheim@/run/redis.sock?db=1", "unix:/run/redis.sock"),
    ],
)
def test_a_client_shows_where_not_who(url: str, address: str) -> None:
    """The address is all that is shown of a URL."""
    client = RedisClient(url)
    assert client.address == address
    assert repr(client) == f"<RedisClient {address}>"
