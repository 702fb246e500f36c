"""The service put together: Redis, sessions, agents, runs; opened in the order in which they need each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from browserwatch import metrics
from browserwatch.agents.pool import AgentPool
from browserwatch.api.services import QueueStats, Services
from browserwatch.runs.dispatcher import RunDispatcher
from browserwatch.runs.pages import AgentPages
from browserwatch.runs.runner import Runner
from browserwatch.sessions.cipher import SessionCipher
from browserwatch.sessions.embedded import EmbeddedRedis
from browserwatch.sessions.keys import KeyRing, keys_from_file
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.redis_store import RedisStore
from browserwatch.sessions.vault import SessionVault
from browserwatch.settings import PREFIX, ServiceSettings
from browserwatch.settings.service import MEBIBYTE


@contextlib.asynccontextmanager
async def open_services(settings: ServiceSettings) -> AsyncGenerator[Services]:
    """Everything that requests are answered with, for the length of the block; agents may still be starting.

    Raises:
        ConfigurationError: a setting or the data directory can't be used.
        EmbeddedRedisError: there is no Redis, and none can be started.
    """
    keys = session_keys(settings)
    async with contextlib.AsyncExitStack() as stack:
        # The pool first: it takes the data directory, which everything else then has for itself.
        pool = AgentPool(settings, metrics.record)
        await pool.start()
        stack.push_async_callback(pool.stop)
        client = RedisClient(await _redis_url(settings, stack), settings.redis_timeout_seconds)
        stack.push_async_callback(client.close)
        limit = settings.session_max_mb * MEBIBYTE
        store = RedisStore(client, settings.session_ttl_seconds, limit)
        vault = SessionVault(store, SessionCipher(keys, limit), metrics.record, settings.session_lease_seconds)
        runner = Runner(settings, pool, vault, metrics.record)
        runs = RunDispatcher(settings, client, keys, runner, metrics.record)
        runs.start()
        stack.push_async_callback(runs.close)

        async def drain(grace: float) -> None:
            """Runs first: those that are interrupted save their sessions, for which they need their agents."""
            fetching = asyncio.create_task(pool.drain(grace), name="drain of the pool")
            await runs.drain(grace)
            await fetching

        yield Services(
            runs=runs,
            pages=AgentPages(settings, pool, vault, metrics.record),
            sessions=vault,
            lender=pool,
            redis=client,
            queue_stats=lambda: QueueStats(*runs.stats()),
            drainer=drain,
        )


def session_keys(settings: ServiceSettings) -> KeyRing:
    """The keys that encrypt stored sessions: of the setting, else of the file, else of one made in the data directory."""
    if settings.session_keys:
        return KeyRing.parse([key.get_secret_value() for key in settings.session_keys], f"{PREFIX}SESSION_KEYS")
    return keys_from_file(settings.session_keys_file or settings.data_dir / "session.key")


async def _redis_url(settings: ServiceSettings, stack: contextlib.AsyncExitStack) -> str:
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    redis = await stack.enter_async_context(EmbeddedRedis(settings.data_dir / "redis"))
    return redis.url
