"""The ports of the rooms below the API, kept in memory; each does what a test tells it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from browserwatch.agents.lending import Lease, PoolStats, Wish
from browserwatch.api.services import QueueStats, Services
from browserwatch.runs.errors import IdempotencyConflictError, RunNotFoundError
from browserwatch.runs.models import Page, PageRequest, RunEvent, RunRecord, RunRequest
from browserwatch.sessions.errors import StoreUnavailableError
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.store import SessionInfo
from browserwatch.settings import ServiceSettings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n\x00\xff"
STATS = PoolStats(
    states={"starting": 0, "idle": 1, "leased": 1, "draining": 0, "stopping": 0},
    active=1,
    size=4,
    waiters=0,
    oldest_waiter_seconds=0.0,
    crashes=2,
    last_launch=NOW,
    last_launch_seconds=1.5,
    last_launch_error="",
    memory_bytes=500_000_000,
    cpu_cores=1.25,
    browser_use_version="0.13.0",
    chromium_version="140.0.1",
    draining=False,
)


class FakeRuns:
    """Runs that do nothing until a test says what happens in them."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.requests: list[RunRequest] = []
        self.records: dict[str, RunRecord] = {}
        self.events: dict[str, list[RunEvent]] = {}
        self.followers = 0
        self._moved = asyncio.Event()
        self._keys: dict[tuple[str, str], tuple[RunRequest, str]] = {}
        self._changed = asyncio.Condition()

    async def submit(self, tenant: str, request: RunRequest, idempotency_key: str | None = None) -> RunRecord:
        """Take it."""
        if self.error is not None:
            raise self.error
        key = (tenant, idempotency_key or f"none {len(self.records)}")
        if key in self._keys:
            earlier, run_id = self._keys[key]
            if earlier != request:
                raise IdempotencyConflictError("the idempotency key was used for another request")
            return self.records[run_id]
        self.requests.append(request)
        run_id = f"{len(self.records) + 1:032x}"
        self._keys[key] = (request, run_id)
        self.records[run_id] = RunRecord(
            id=run_id, tenant=tenant, state="queued", created=NOW, trace_id="ab" * 16, owner="instance-7"
        )
        self.events[run_id] = []
        return self.records[run_id]

    async def get(self, tenant: str, run_id: str) -> RunRecord:
        """One of the tenant's."""
        if self.error is not None:
            raise self.error
        record = self.records.get(run_id)
        if record is None or record.tenant != tenant:
            raise RunNotFoundError(f"there is no run {run_id}")
        return record

    async def list(self, tenant: str, limit: int = 50, before: str | None = None) -> tuple[RunRecord, ...]:
        """The tenant's, newest first."""
        mine = [record for record in reversed(self.records.values()) if record.tenant == tenant]
        return tuple(record for record in mine if before is None or record.id < before)[:limit]

    async def cancel(self, tenant: str, run_id: str) -> RunRecord:
        """Stop it."""
        await self.get(tenant, run_id)
        await self.finish(run_id, "cancelled")
        return self.records[run_id]

    async def follow(self, tenant: str, run_id: str, after: int = 0) -> AsyncGenerator[RunEvent]:
        """Tell what happens."""
        await self.get(tenant, run_id)
        self.followers += 1
        self._moved.set()
        try:
            while after < len(self.events[run_id]) or not self.records[run_id].final:
                for event in self.events[run_id][after:]:
                    yield event
                    after = event.number
                async with self._changed:
                    if after == len(self.events[run_id]) and not self.records[run_id].final:
                        await self._changed.wait()
        finally:
            self.followers -= 1
            self._moved.set()

    async def tell(self, run_id: str, kind: str, **data: Any) -> None:
        """Have something happen."""
        async with self._changed:
            number = len(self.events[run_id]) + 1
            self.events[run_id].append(RunEvent(number=number, type=kind, time=NOW, data=data))
            self._changed.notify_all()

    async def finish(self, run_id: str, state: Any = "succeeded") -> None:
        """End a run."""
        self.records[run_id] = msgspec.structs.replace(self.records[run_id], state=state, finished=NOW)
        await self.tell(run_id, "run.finished", state=state)

    async def followed_by(self, count: int) -> None:
        """Wait until so many follow runs."""
        async with asyncio.timeout(10):
            while self.followers != count:
                self._moved.clear()
                await self._moved.wait()


class FakePages:
    """Pages as a test wants them."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.requests: list[PageRequest] = []
        self.hangs = False
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.page = Page(
            url="https://shop.example/möbel?q=1",
            outcome="ok",
            status=200,
            title="Möbel",
            media_type="text/html",
            content="<h1>Möbel</h1>".encode(),
            redirects=1,
            ttfb_seconds=0.1,
            dom_content_loaded_seconds=0.2,
            load_seconds=0.3,
            seconds=0.4,
            acquired="warm",
            trace_id="cd" * 16,
        )

    async def fetch(self, tenant: str, request: PageRequest) -> Page:
        """The page, or what is wrong with it."""
        self.requests.append(request)
        self.started.set()
        if self.error is not None:
            raise self.error
        if self.hangs:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
        return self.page


class FakeSessions:
    """Stored sessions."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.stored: dict[str, list[str]] = {}

    async def list(self, tenant: str) -> tuple[SessionInfo, ...]:
        """The tenant's, by name."""
        if self.error is not None:
            raise self.error
        names = sorted(self.stored.get(tenant, ()))
        return tuple(
            SessionInfo(
                name=name, created=NOW, saved=NOW, expires=NOW + timedelta(days=1), size=100, cookies=2, origins=1
            )
            for name in names
        )

    async def delete(self, tenant: str, name: str) -> bool:
        """Forget it."""
        session = SessionId(tenant, name)
        mine = self.stored.get(session.tenant, [])
        if name not in mine:
            return False
        mine.remove(name)
        return True


class FakeLender:
    """A pool that only tells how it is."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.now = STATS

    @contextlib.asynccontextmanager
    async def acquire(self, wish: Wish, seconds: float | None = None, *, stored: bool = False) -> AsyncGenerator[Lease]:
        """Nothing to lend."""
        raise NotImplementedError
        yield  # pragma: no cover

    def stats(self) -> PoolStats:
        """As a test says."""
        if self.error is not None:
            raise self.error
        return self.now

    def show(self, **changes: Any) -> None:
        """Be otherwise from now on."""
        self.now = replace(self.now, **changes)


class FakeRedis:
    """Answers pings, refuses them, or hangs."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hangs = False
        self.full = False
        self.pings = 0

    async def ping(self) -> float:
        """How long it took."""
        self.pings += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return 0.00025

    async def write(self) -> None:
        """Works, unless its disk is full."""
        if self.full:
            raise StoreUnavailableError("Redis at fake can't write to its disk")


class World:
    """All of them, and the services made of them."""

    def __init__(self) -> None:
        self.runs = FakeRuns()
        self.pages = FakePages()
        self.sessions = FakeSessions()
        self.lender = FakeLender()
        self.redis: Any = FakeRedis()
        self.queue = QueueStats(queued=0, running=0, oldest_seconds=0.0)
        self.drained: list[float] = []
        self.services = Services(
            runs=self.runs,
            pages=self.pages,
            sessions=self.sessions,
            lender=self.lender,
            redis=self,
            queue_stats=lambda: self.queue,
            drainer=self._drain,
        )

    async def ping(self) -> float:
        """Redis's answer; which one a test may change."""
        return await self.redis.ping()

    async def write(self) -> None:
        """The same for what is written."""
        await self.redis.write()

    async def _drain(self, grace: float) -> None:
        self.drained.append(grace)

    @contextlib.asynccontextmanager
    async def open(self, _: ServiceSettings) -> AsyncGenerator[Services]:
        """For `create_app`."""
        yield self.services
