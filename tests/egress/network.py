"""A network that is none: names and servers are made up, and what is connected to is written down."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final, Self

from browserwatch.egress.addresses import IPAddress
from browserwatch.egress.dialling import Streams

PUBLIC: Final = "93.184.216.34"
OTHER_PUBLIC: Final = "1.1.1.1"
PUBLIC_V6: Final = "2606:4700::1111"


class Network:
    """What the proxy gets in place of the real one, so that nothing can leave this machine even when a block fails.

    Attributes:
        names: for each name the answers to give, one after the other; the last one again and again.
        servers: for each address that is served, the local port to connect to; all others refuse.
        looked_up: names, as asked for.
        connected: addresses and ports, as asked for.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[Sequence[str]]] = {}
        self.servers: dict[str, int] = {}
        self.looked_up: list[str] = []
        self.connected: list[tuple[str, int]] = []

    async def resolve(self, host: str, port: int) -> Sequence[IPAddress]:
        """Looks a name up."""
        self.looked_up.append(host)
        answers = self.names.get(host)
        if not answers:
            raise OSError("no such name")
        return [ip_address(text) for text in (answers.pop(0) if len(answers) > 1 else answers[0])]

    async def connect(self, address: IPAddress, port: int) -> Streams:
        """Connects to a local server in place of the address, or refuses."""
        self.connected.append((str(address), port))
        if str(address) not in self.servers:
            raise ConnectionRefusedError
        return await asyncio.open_connection("127.0.0.1", self.servers[str(address)])


class Origin:
    """A server that keeps what it gets, and answers with what it is told; an answer of None keeps the connection open."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.received: list[bytes] = []
        self.got = asyncio.Event()
        self.ended = asyncio.Event()
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        self._tasks.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.received.append(data)
                self.got.set()
                if self.answer is not None:
                    writer.write(self.answer)
                    await writer.drain()
                    return
        except ConnectionError:
            pass
        finally:
            self.ended.set()
            writer.close()
            writer.transport.abort() if self.answer is None else await writer.wait_closed()

    @property
    def text(self) -> str:
        """All that came."""
        return b"".join(self.received).decode()
