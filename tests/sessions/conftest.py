"""A real Redis for the session tests, and what they keep needing."""

import itertools
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from browserwatch.sessions.cipher import SessionCipher
from browserwatch.sessions.embedded import EmbeddedRedis
from browserwatch.sessions.errors import EmbeddedRedisError
from browserwatch.sessions.keys import KeyRing
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.redis_binary import find_redis_server
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.redis_store import RedisStore
from browserwatch.sessions.vault import SessionVault
from tests.sessions.logins import Heard

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    """One Redis for all tests that leave it as it is; they keep apart by tenant."""
    try:
        find_redis_server()
    except EmbeddedRedisError as error:
        pytest.skip(str(error))  # the locked wheel has one for x86-64 Linux only
    async with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as redis:
        yield redis.url


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncGenerator[EmbeddedRedis]:
    """A Redis to be killed and stopped."""
    async with EmbeddedRedis(tmp_path / "redis") as redis:
        yield redis


@pytest.fixture
async def client(redis_url: str) -> AsyncGenerator[RedisClient]:
    client = RedisClient(redis_url)
    yield client
    await client.close()


@pytest.fixture
def store(client: RedisClient) -> RedisStore:
    return RedisStore(client)


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test has."""
    return f"tenant{next(_numbers)}"


@pytest.fixture
def shop(tenant: str) -> SessionId:
    return SessionId(tenant, "shop")


@pytest.fixture
def cipher() -> SessionCipher:
    return SessionCipher(KeyRing([bytes(range(32))]))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def vault(store: RedisStore, cipher: SessionCipher, heard: Heard) -> SessionVault:
    return SessionVault(store, cipher, heard)
