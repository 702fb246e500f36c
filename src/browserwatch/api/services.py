"""What the API stands on: the ports of the rooms below it, opened before the first request and closed after the last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from browserwatch.agents.lending import Lender
from browserwatch.runs.port import Pages, Runs
from browserwatch.sessions.store import SessionInfo
from browserwatch.settings import ServiceSettings


class Sessions(Protocol):
    """Stored sessions, as `SessionVault` has them."""

    async def list(self, tenant: str) -> tuple[SessionInfo, ...]:
        """All sessions of a tenant, by name."""
        ...

    async def delete(self, tenant: str, name: str) -> bool:
        """Forget a session. Whether there was one."""
        ...


class Probed(Protocol):
    """A Redis that can be asked how it is, as `RedisClient`."""

    async def ping(self) -> float:
        """Seconds that the answer took.

        Raises:
            StoreUnavailableError: there was none.
        """
        ...

    async def write(self) -> None:
        """Write something of no meaning.

        Raises:
            StoreUnavailableError: it can't be written to.
        """
        ...


@dataclass(frozen=True, slots=True)
class QueueStats:
    """The runs of this process at one moment, of all tenants."""

    queued: int
    running: int
    oldest_seconds: float
    """How long the first of those that wait has waited; 0: none waits."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """All that requests are answered with.

    Attributes:
        queue_stats: the queue now; quick, and safe from any thread.
        drainer: takes no more work, and waits up to so many seconds for what runs; the rest is marked as interrupted.
        closing: set when streams of events must end, because nothing more will be told.
    """

    runs: Runs
    pages: Pages
    sessions: Sessions
    lender: Lender
    redis: Probed
    queue_stats: Callable[[], QueueStats]
    drainer: Callable[[float], Awaitable[None]]
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def drain(self, grace: float) -> None:
        """Finish what runs, for up to `grace` seconds; then end the streams, even when cancelled."""
        try:
            await self.drainer(grace)
        finally:
            self.closing.set()


OpenServices: TypeAlias = Callable[[ServiceSettings], AbstractAsyncContextManager[Services]]
