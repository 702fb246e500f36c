"""Whether Redis answers, how quickly, and whether it can be written to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import Final

from browserwatch.api.services import Probed
from browserwatch.metrics import Instruments
from browserwatch.sessions.errors import StoreUnavailableError

PING_INTERVAL: Final = 5.0
_log = logging.getLogger(__name__)


class RedisWatch:
    """Pings on request and every few seconds, and keeps the gauges true.

    At most one ping is on its way: however often health is asked for, a Redis that hangs is not piled upon.

    Attributes:
        refusal: why it could not be written to when that was last tried; empty when it could.
    """

    def __init__(self, redis: Probed, instruments: Instruments, interval: float = PING_INTERVAL) -> None:
        self._redis = redis
        self._up = instruments.redis_up
        self._seconds = instruments.redis_ping
        self._interval = interval
        self.refusal = ""
        self._down = False
        self._pinging: asyncio.Task[float] | None = None

    async def ping(self) -> float:
        """Seconds that Redis took; joins a ping that is on its way.

        Raises:
            StoreUnavailableError: no answer.
        """
        if self._pinging is None or self._pinging.done():
            self._pinging = asyncio.create_task(self._ping(), name="redis ping")
            # Who asked may have given up by then; the gauge has the error.
            self._pinging.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._pinging)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Ping every few seconds for the length of the block."""
        going = asyncio.create_task(self._ping_for_ever(), name="redis watch")
        try:
            yield
        finally:
            tasks = [task for task in (going, self._pinging) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _ping_for_ever(self) -> None:
        while True:
            with contextlib.suppress(StoreUnavailableError):  # the gauge and the health report say so
                await self.ping()
                await self._try_writing()
            await asyncio.sleep(self._interval)

    async def _try_writing(self) -> None:
        try:
            await self._redis.write()
        except StoreUnavailableError as error:
            if not self.refusal:
                _log.warning("%s", error)
            self.refusal = str(error)
        else:
            self.refusal = ""

    async def _ping(self) -> float:
        try:
            seconds = await self._redis.ping()
        except StoreUnavailableError as error:
            if not self._down:
                _log.warning("%s", error)
            self._down = True
            self._up.set(0)
            raise
        self._down = False
        self._up.set(1)
        self._seconds.set(seconds)
        return seconds
