"""A browser's end of a connection to the proxy, byte by byte."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

SECONDS: Final = 10.0


class Client:
    """Sends what it is told, and reads with a bound."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> str:
        """Everything up to an empty line."""
        async with asyncio.timeout(SECONDS):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode()

    async def exactly(self, size: int) -> bytes:
        """So many bytes."""
        async with asyncio.timeout(SECONDS):
            return await self._reader.readexactly(size)

    async def rest(self) -> str:
        """Everything up to the end of the connection."""
        async with asyncio.timeout(SECONDS):
            return (await self._reader.read()).decode("latin-1")


@asynccontextmanager
async def connected(port: int) -> AsyncGenerator[Client]:
    """A connection to the proxy."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        writer.transport.abort()


async def ask(port: int, data: bytes) -> str:
    """Send something, and give all that comes back."""
    async with connected(port) as client:
        await client.send(data)
        return await client.rest()
