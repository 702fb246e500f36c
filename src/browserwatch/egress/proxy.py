"""The forward proxy between one agent's Chromium and the network: what the policy forbids never gets a connection.

Of our own, because proxy.py 2.4.10 accepts in processes of its own, takes one address for a name and no list to try,
connects with a call that blocks its loop, and has no place for another connector. Requests are read by h11.

It speaks HTTP/1.1 on loopback: CONNECT, which Chromium uses for https, ws and wss, and plain http, one request to a
connection. It connects by itself: going through another (corporate) proxy is not supported.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from http import HTTPStatus
from typing import Final, NamedTuple, Self

from browserwatch.egress.blocks import Blocks
from browserwatch.egress.dialling import BlockedError, Connect, Dialler, Streams, UnreachableError, connect_tcp
from browserwatch.egress.policy import EgressPolicy
from browserwatch.egress.relaying import Relay, close, hear_out
from browserwatch.egress.requests import BadRequestError, ClientSide, ProxyRequest, ServerSide
from browserwatch.egress.resolving import Resolve, resolve
from browserwatch.events import Emit, PolicyBlocked

BLOCKED_HEADER: Final = "X-Browserwatch-Blocked"
ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
STOP_PATIENCE: Final = 0.2
_log = logging.getLogger(__name__)


class Limits(NamedTuple):
    """Bounds of a proxy. Seconds: for a request's head, for a look-up and each connecting, of silence both ways."""

    connections: int = 256
    head_bytes: int = 64 * 1024
    head_seconds: float = 30.0
    connect_seconds: float = 10.0
    idle_seconds: float = 600.0


DEFAULT_LIMITS: Final = Limits()


class EgressProxy:
    """A forward proxy on 127.0.0.1 and a free port. Use as an async context manager, or `start` and `stop`.

    Args:
        policy: where connections may go.
        emit: told of every block, in the event loop's thread.
        resolve: looks names up.
        connect: connects to an address; the only way out.
        limits: its bounds.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        emit: Emit,
        *,
        resolve: Resolve = resolve,
        connect: Connect = connect_tcp,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._dialler = Dialler(policy, resolve, connect, limits.connect_seconds)
        self._emit = emit
        self._limits = limits
        self._blocks = Blocks()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    def blocked_rule(self, host: str, port: int | None = None) -> str | None:
        """The rule of `semantics.POLICY_RULES` that blocked a host lately, at this port or any; None: it was not."""
        return self._blocks.rule(host, port)

    async def start(self) -> None:
        """Listen; `port` says where.

        Raises:
            OSError: there is no free port.
        """
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, and cut off what is open."""
        if self._server is None:
            return
        self._server.close()
        while self._connections:
            for task in self._connections:
                task.cancel()
            # Again after a moment: one that was closing waits for what was sent to be taken.
            await asyncio.wait(self._connections, timeout=STOP_PATIENCE)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        # A plain function, as asyncio would keep the task of a coroutine to itself.
        task = asyncio.create_task(self._serve(reader, writer), name="egress connection")
        self._connections.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a connection of the egress proxy failed", exc_info=error)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            if len(self._connections) > self._limits.connections:
                await _answer((reader, writer), HTTPStatus.SERVICE_UNAVAILABLE)
                return
            client = ClientSide(reader, self._limits.head_bytes)
            async with asyncio.timeout(self._limits.head_seconds):
                request = await client.read_head()
            if request is not None:
                await self._forward(client, request, (reader, writer))
        except BadRequestError as error:
            await _answer((reader, writer), HTTPStatus(error.status))
        except OSError:
            # The browser went, or was too slow to say what it wants.
            pass
        finally:
            await close(writer)

    async def _forward(self, client: ClientSide, request: ProxyRequest, streams: Streams) -> None:
        try:
            server = await self._dialler.dial(request.host, request.port)
        except BlockedError as error:
            self._blocks.add(request.host, request.port, error.rule)
            self._emit(PolicyBlocked(rule=error.rule))
            _log.info("blocked a connection to %s:%d: %s", request.host, request.port, error.rule)
            await _answer(streams, HTTPStatus.FORBIDDEN, error.rule)
            return
        except UnreachableError:
            await _answer(streams, HTTPStatus.BAD_GATEWAY)
            return
        self._blocks.remove(request.host, request.port)
        try:
            relay = Relay(streams, server, self._limits.idle_seconds)
            if request.path is None:
                streams[1].write(ESTABLISHED)
                await relay.tunnel(client.left_over)
            else:
                await relay.exchange(client, ServerSide(request))
        finally:
            await close(server[1])


async def _answer(streams: Streams, status: HTTPStatus, rule: str = "") -> None:
    """An answer of the proxy itself; the browser shows its text in place of a page."""
    text = f"Blocked by the navigation policy: {rule}." if rule else f"The egress proxy says: {status.phrase}."
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(text)}",
        "Cache-Control: no-store",
        "Connection: close",
        *([f"{BLOCKED_HEADER}: {rule}"] if rule else []),
    ]
    streams[1].write("\r\n".join([*head, "", text]).encode())
    streams[1].write_eof()
    await hear_out(streams[0])
