"""A dispatcher on a real Redis and a pool that does as told."""

import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from browserwatch.runs.dispatcher import RunDispatcher
from browserwatch.runs.models import RunEvent, RunRecord
from browserwatch.runs.runner import Runner
from browserwatch.sessions.cipher import SessionCipher
from browserwatch.sessions.keys import KeyRing
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.redis_store import RedisStore
from browserwatch.sessions.vault import SessionVault
from browserwatch.settings import ServiceSettings
from tests.runs.fakes import FakeLender, Heard
from tests.sessions.conftest import client, own_redis, redis_url, tenant

__all__ = ["client", "own_redis", "redis_url", "tenant"]  # fixtures

KEYS = KeyRing([bytes(range(32))])
Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[RunDispatcher]]


async def outcome(runs: RunDispatcher, record: RunRecord) -> RunRecord:
    """The record of a run after its end."""
    await events(runs, record)
    return await runs.get(record.tenant, record.id)


async def events(runs: RunDispatcher, record: RunRecord, after: int = 0) -> list[RunEvent]:
    """All events of a run, to its end; their numbers have no gaps."""
    seen = [event async for event in runs.follow(record.tenant, record.id, after)]
    assert [event.number for event in seen] == list(range(after + 1, after + 1 + len(seen)))
    return seen


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def lender() -> FakeLender:
    return FakeLender()


@pytest.fixture
def vault(client: RedisClient, heard: Heard) -> SessionVault:
    return SessionVault(RedisStore(client), SessionCipher(KEYS), heard)


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., ServiceSettings]:
    def make(**changed: Any) -> ServiceSettings:
        values: dict[str, Any] = {"data_dir": tmp_path / "data", **changed}
        return ServiceSettings(**values)

    return make


@pytest.fixture
def serve(
    client: RedisClient, heard: Heard, lender: FakeLender, make_settings: Callable[..., ServiceSettings]
) -> Serve:
    """A dispatcher for the length of a block; after it everything that was lent has been given back."""

    @contextlib.asynccontextmanager
    async def serving(
        client: RedisClient = client, grace: float = 0.0, **changed: Any
    ) -> AsyncGenerator[RunDispatcher]:
        settings = make_settings(**changed)
        vault = SessionVault(RedisStore(client), SessionCipher(KEYS), heard)
        runs = RunDispatcher(settings, client, KEYS, Runner(settings, lender, vault, heard), heard)
        runs.start()
        try:
            yield runs
        finally:
            await runs.drain(grace)
            await runs.close()
            assert lender.lent == 0

    return serving


@pytest.fixture
async def runs(serve: Serve) -> AsyncGenerator[RunDispatcher]:
    async with serve() as dispatcher:
        yield dispatcher
