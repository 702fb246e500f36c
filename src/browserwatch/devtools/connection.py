"""A DevTools client over one WebSocket to the browser, whatever drives that browser otherwise.

Sessions with targets are flat: their messages carry a `sessionId` on the same socket. The client attaches to nothing by
itself, so it never disturbs another client of the same browser.

Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from browserwatch.devtools.errors import DevToolsClosedError, DevToolsCommandError, DevToolsError, DevToolsTimeoutError

logger: Final = logging.getLogger(__name__)

Params: TypeAlias = dict[str, Any]
Listener: TypeAlias = Callable[[str, Params, str | None], None]
"""Takes an event: its method, its parameters, and the session it belongs to (None: the browser)."""

CONNECT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 1.0
MESSAGE_LIMIT: Final = 256 * 1024 * 1024
"""Longest message in bytes; a longer one ends the connection. A page of 20 MiB in JSON escapes has room."""


class DevTools:
    """One connection. Made by `connect`; commands may be sent from many tasks at once."""

    def __init__(self, link: ClientConnection) -> None:
        self._link = link
        self._number = 0
        self._waiting: dict[int, tuple[str, asyncio.Future[Params]]] = {}
        self._listeners: dict[str | None, list[Listener]] = {}
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the connection has ended, for whatever reason."""
        self._reader = asyncio.create_task(self._read(), name="devtools")

    @classmethod
    async def connect(cls, url: str) -> DevTools:
        """Connect to the address that the browser prints at its start.

        Raises:
            DevToolsError: nobody answers there, or not as a browser does.
        """
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or 80)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                # With a socket of ours no proxy of the environment comes between: the browser is on this machine.
                connected = await _connected(address)
                link = await connect(
                    url, sock=connected, max_size=MESSAGE_LIMIT, compression=None, ping_interval=None, max_queue=None
                )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise DevToolsError(
                f"Nobody speaks DevTools at {address[0]}:{address[1]} ({type(error).__name__})."
            ) from None
        return cls(link)

    async def send(
        self,
        method: str,
        params: Params | None = None,
        session_id: str | None = None,
        timeout: float = ANSWER_SECONDS,  # noqa: ASYNC109  # the time-out becomes an error that names the method
    ) -> Params:
        """Send a command and wait for its answer.

        Raises:
            DevToolsCommandError: the browser refuses.
            DevToolsTimeoutError: it does not answer within `timeout` seconds.
            DevToolsClosedError: the connection is gone, or goes meanwhile.
        """
        self._number += 1
        number = self._number
        message: Params = {"id": number, "method": method, "params": params or {}}
        if session_id is not None:
            message["sessionId"] = session_id
        future: asyncio.Future[Params] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (method, future)
        try:
            async with asyncio.timeout(timeout):
                if self.closed.done():
                    raise DevToolsClosedError(f"The browser's connection was gone before {method}.")
                await self._link.send(json.dumps(message))
                return await future
        except TimeoutError:
            raise DevToolsTimeoutError(f"The browser did not answer {method} within {timeout:g} s.") from None
        except ConnectionClosed:
            raise DevToolsClosedError(f"The browser's connection ended during {method}.") from None
        finally:
            del self._waiting[number]

    def listen(self, session_id: str | None, listener: Listener) -> Callable[[], None]:
        """Have the events of a session (None: of the browser) shown to a function, in their order; returns how to end it.

        The function is called in the event loop and must be quick; what it raises is logged, and the connection goes on.
        """
        listeners = self._listeners.setdefault(session_id, [])
        listeners.append(listener)

        def end() -> None:
            listeners.remove(listener)
            if not listeners:
                self._listeners.pop(session_id, None)

        return end

    async def close(self) -> None:
        """End the connection; the browser goes on."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._link.close()
        except TimeoutError:
            self._link.transport.abort()
        await self._reader

    async def _read(self) -> None:
        try:
            async for raw in self._link:
                self._take(json.loads(raw))
        except (ConnectionClosed, ValueError) as error:
            logger.debug("The DevTools connection ended: %s", type(error).__name__)
        finally:
            self._link.transport.abort()
            self._end()

    def _end(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
        for method, future in self._waiting.values():
            if not future.done():
                future.set_exception(DevToolsClosedError(f"The browser's connection ended during {method}."))
        self._listeners.clear()

    def _take(self, message: Params) -> None:
        number = message.get("id")
        if number is None:
            self._show(message["method"], message.get("params", {}), message.get("sessionId"))
        elif number in self._waiting:
            method, future = self._waiting[number]
            if future.done():
                return  # given up in this very moment
            if error := message.get("error"):
                future.set_exception(DevToolsCommandError(method, error.get("code", 0), error.get("message", "")))
            else:
                future.set_result(message.get("result", {}))

    def _show(self, method: str, params: Params, session_id: str | None) -> None:
        for listener in tuple(self._listeners.get(session_id, ())):
            try:
                listener(method, params, session_id)
            except Exception as error:  # noqa: BLE001  # one listener's fault must not end everyone's connection
                logger.warning("A listener failed at %s: %s", method, type(error).__name__)


async def _connected(address: tuple[str, int]) -> socket.socket:
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, where = (await loop.getaddrinfo(*address, type=socket.SOCK_STREAM))[0]
    connected = socket.socket(family, kind, protocol)
    connected.setblocking(False)  # noqa: FBT003  # its only way
    try:
        await loop.sock_connect(connected, where)
    except BaseException:
        connected.close()
        raise
    return connected
