"""The agent's end of the socket to the service: commands in, replies and events out."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from contextlib import suppress
from typing import Final, Self, cast

import msgspec

from browserwatch.agents.messages import LINE_LIMIT, Happened, Message, ToAgent, decode_to_agent, encode
from browserwatch.events import AnyEvent, Event

logger: Final = logging.getLogger(__name__)

EVENT_BUFFER: Final = 8 * 1024 * 1024
"""Bytes that may wait to be read by the service before events are left out."""


class Channel:
    """Lines over a socket. Replies wait until there is room for them; events are dropped when there is none.

    Attributes:
        command: number of the command that events belong to.
        dropped: events that were left out.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self.command = 0
        self.dropped = 0

    @classmethod
    async def open(cls, descriptor: int) -> Self:
        """Take over the socket with this number, inherited from the parent."""
        end = socket.socket(fileno=descriptor)
        return cls(*await asyncio.open_unix_connection(sock=end, limit=LINE_LIMIT))

    async def receive(self) -> ToAgent | None:
        """The next message; None when the service is gone, or says what can't be understood."""
        try:
            line = await self._reader.readuntil(b"\n")
            return decode_to_agent(line)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, msgspec.DecodeError) as error:
            if not isinstance(error, asyncio.IncompleteReadError):
                logger.error("The service can't be understood: %s", type(error).__name__)  # noqa: TRY400  # it may quote
            return None

    async def reply(self, message: Message) -> None:
        """Send a message, whole. A service that is gone is noticed by `receive`."""
        try:
            self._writer.write(encode(message))
            await self._writer.drain()
        except ConnectionError:
            logger.debug("The service is gone; nobody hears %s", type(message).__name__)

    def happened(self, event: Event) -> None:
        """Pass an event on; from any thread, and without ever waiting."""
        if threading.get_ident() == self._thread:
            self._send(event)
        else:
            try:
                self._loop.call_soon_threadsafe(self._send, event)
            except RuntimeError:
                logger.debug("An event came after the end of the loop")

    async def close(self) -> None:
        """Let go of the socket."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    def _send(self, event: Event) -> None:
        if self._writer.is_closing() or self._writer.transport.get_write_buffer_size() > EVENT_BUFFER:
            self.dropped += 1
            return
        self._writer.write(encode(Happened(event=cast("AnyEvent", event), command=self.command)))
