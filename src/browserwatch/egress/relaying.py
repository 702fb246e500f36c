"""Moving bytes between two connections, with a bound on silence."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

from browserwatch.egress.dialling import Streams
from browserwatch.egress.requests import CHUNK, BadRequestError, ClientSide, ServerSide

CLOSE_SECONDS: Final = 2.0
# What the other side of a connection may do at any time.
_ENDINGS: Final = (OSError, BadRequestError)


class Relay:
    """Everything between one browser connection and one server connection.

    Args:
        client: the browser's.
        server: the server's.
        idle_seconds: how long both may be silent.
    """

    def __init__(self, client: Streams, server: Streams, idle_seconds: float) -> None:
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._idle_seconds = idle_seconds
        self._idle: asyncio.Timeout | None = None

    async def tunnel(self, first: bytes) -> None:
        """Copy both ways until both have ended or one fails; `first` is what the browser sent already."""
        sending = self._copy(self._from_client, self._to_server, first)
        await self._until(asyncio.FIRST_EXCEPTION, sending, self._copy(self._from_server, self._to_client))

    async def exchange(self, asking: ClientSide, request: ServerSide) -> None:
        """Send one request and copy its answer; the end of the answer is the end, or the browser's going."""
        sending = self._request(asking, request)
        await self._until(asyncio.FIRST_COMPLETED, sending, self._copy(self._from_server, self._to_client))

    async def _request(self, asking: ClientSide, request: ServerSide) -> None:
        await self._send(self._to_server, request.head())
        while data := await asking.read_body():
            await self._send(self._to_server, request.body(data))
        await self._send(self._to_server, request.body(b""))
        # Nothing more may come: a second request would go to the first one's server. Whoever sends one tries it again
        # on a connection of its own, as the server was asked to close this one.
        await self._from_client.read(1)

    async def _until(self, ending: str, *directions: Coroutine[Any, Any, None]) -> None:
        tasks = [asyncio.create_task(direction, name="egress relay") for direction in directions]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._idle_seconds) as self._idle:
                    await asyncio.wait(tasks, return_when=ending)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, _ENDINGS):
                raise result

    async def _copy(self, reader: StreamReader, writer: StreamWriter, first: bytes = b"") -> None:
        await self._send(writer, first)
        while data := await reader.read(CHUNK):
            await self._send(writer, data)
        if writer.can_write_eof():
            writer.write_eof()

    async def _send(self, writer: StreamWriter, data: bytes) -> None:
        if self._idle is not None:
            self._idle.reschedule(asyncio.get_running_loop().time() + self._idle_seconds)
        writer.write(data)
        await writer.drain()


async def hear_out(reader: StreamReader) -> None:
    """Let the other side finish: closing on what it still sends would take our answer away from it (RFC 9112, 9.6)."""
    with suppress(OSError):  # TimeoutError is one, too
        async with asyncio.timeout(CLOSE_SECONDS):
            while await reader.read(CHUNK):
                pass


async def close(writer: StreamWriter) -> None:
    """Send what is left and close; whoever does not take it in time is cut off."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            writer.close()
            await writer.wait_closed()
    except OSError:  # TimeoutError is one, too
        pass
    finally:
        writer.transport.abort()
