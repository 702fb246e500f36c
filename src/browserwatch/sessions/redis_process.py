"""One run of a redis-server that belongs to this process: started, waited for, ended."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Final

from browserwatch.processes.lifetime import ending_with_parent
from browserwatch.sessions.errors import EmbeddedRedisError, StoreUnavailableError
from browserwatch.sessions.redis_client import RedisClient

START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.01


class RedisProcess:
    """A redis-server on a Unix socket in a directory.

    Args:
        binary: the redis-server.
        directory: for its data and log.
        socket: where it listens.
        url: the same, for a client.
    """

    def __init__(self, binary: Path, directory: Path, socket: Path, url: str) -> None:
        self._binary = binary
        self._directory = directory
        self._socket = socket
        self._url = url
        self._log = directory / "redis.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def start(self, lock: int) -> None:
        """Start it and wait until it answers. It inherits the descriptor `lock`, and so holds that lock as long as it runs.

        Raises:
            EmbeddedRedisError: it does not come up.
        """
        self._socket.unlink(missing_ok=True)
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *ending_with_parent(signal.SIGTERM, self._binary, *self._options()),
                cwd=self._directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                # A Ctrl-C is for the service, which drains with Redis still there.
                start_new_session=True,
            )
        await self._answering(self._process)

    async def ended(self) -> None:
        """Wait until it has ended, for whatever reason."""
        if self._process is not None:
            await self._process.wait()

    async def end(self) -> None:
        """End it: politely, so that its data is on disk, then not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def last_words(self) -> str:
        """How it ended and the end of its log, for messages."""
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        status = self._process.returncode if self._process else None
        return f"status {status}; {self._log}: {lines[-1][:300] if lines else 'empty'}"

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "600",
            "dir": str(self._directory),
            # A crash of Redis or the machine may take the last second or two; a signal or a stop takes nothing.
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    async def _answering(self, process: asyncio.subprocess.Process) -> None:
        client = RedisClient(self._url)
        try:
            async with asyncio.timeout(START_SECONDS):
                while process.returncode is None:
                    try:
                        await client.ping()
                    except StoreUnavailableError:
                        await asyncio.sleep(POLL_SECONDS)
                    else:
                        return
        except TimeoutError:
            raise EmbeddedRedisError(
                f"redis-server did not answer within {START_SECONDS:g} s: {self.last_words()}"
            ) from None
        finally:
            await client.close()
        raise EmbeddedRedisError(f"redis-server ended at once: {self.last_words()}")
