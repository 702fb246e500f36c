"""The service's end of the socket to one agent: commands out, answers to who waits for them, events to who hears them."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from browserwatch.agents.errors import AgentLostError, CommandFailedError
from browserwatch.agents.messages import (
    Command,
    Configure,
    Failed,
    FromAgent,
    Happened,
    Message,
    Ping,
    Ready,
    Reply,
    decode_from_agent,
    encode,
)
from browserwatch.events import BrowserCrashed, Emit, Event, RunFinished, RunStarted

_log = logging.getLogger(__name__)
_propagator = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """A command that was sent and not answered yet."""

    command: Command
    answer: asyncio.Future[Reply]
    heard: Callable[[Event], None] | None

    @property
    def name(self) -> str:
        """What it is, without its content."""
        return type(self.command).__name__


class Channel:
    """Messages with one agent.

    Args:
        reader: what it says.
        writer: what it is told. Not waited for: each command is answered, so little is ever on its way.
        emit: told all events but a run's own start and end.

    Attributes:
        crash_heard: it told that its browser crashed.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, emit: Emit) -> None:
        self._reader = reader
        self._writer = writer
        self._emit = emit
        self.crash_heard = False
        self._numbers = itertools.count(1)
        self._pending: dict[int, Pending] = {}
        self._ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()

    @property
    def busy(self) -> tuple[Pending, ...]:
        """Commands that are being done; asking whether it is well is none."""
        return tuple(pending for pending in self._pending.values() if not isinstance(pending.command, Ping))

    async def configure(self, configure: Configure) -> Ready:
        """The first word, and its answer.

        Raises:
            CommandFailedError: it can't start, and says why.
            AgentLostError: it ended.
        """
        self.tell(configure)
        return await self._ready

    def send(self, command: Command, heard: Callable[[Event], None] | None = None) -> Pending:
        """Send a command with its number and the current trace."""
        trace: dict[str, str] = {}
        _propagator.inject(trace)
        numbered = msgspec.structs.replace(command, id=next(self._numbers), trace=trace)
        pending = Pending(numbered, asyncio.get_running_loop().create_future(), heard)
        self._pending[numbered.id] = pending
        self.tell(numbered)
        return pending

    def forget(self, pending: Pending) -> None:
        """Its answer, should there be one, is of no interest any more."""
        self._pending.pop(pending.command.id, None)
        _see(pending.answer)

    def tell(self, message: Message) -> None:
        """Send something that is not answered. To one that is gone it goes nowhere; `listen` knows."""
        if not self._writer.is_closing():
            self._writer.write(encode(message))

    async def listen(self) -> str:
        """Pass on what the agent says, until it says no more; why that is."""
        while True:
            try:
                line = await self._reader.readline()
            except (OSError, ValueError):  # the latter: longer than a line may be
                return "its connection broke"
            if not line.endswith(b"\n"):
                return "it closed its connection"
            try:
                message = decode_from_agent(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return "it said something that is no message"
            self._take(message)

    def close(self, error: AgentLostError) -> None:
        """Let all who wait know that there will be no answer."""
        self._writer.close()
        waiting = [self._ready, *(pending.answer for pending in self._pending.values())]
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                _see(future)

    def _take(self, message: FromAgent) -> None:
        match message:
            case Happened():
                self._happened(message)
            case Ready() if not self._ready.done():
                self._ready.set_result(message)
            case Failed(id=0) if not self._ready.done():
                self._ready.set_exception(CommandFailedError(message.message, message.reason))
            case Ready():
                pass
            case _:
                pending = self._pending.get(message.id)
                if pending is not None and not pending.answer.done():
                    pending.answer.set_result(message)

    def _happened(self, message: Happened) -> None:
        pending = self._pending.get(message.command)
        if isinstance(message.event, BrowserCrashed) and message.event.kind == "browser":
            self.crash_heard = True
        try:
            if pending is not None and pending.heard is not None:
                pending.heard(message.event)
        except Exception:  # noqa: BLE001  # telemetry never hurts: the answer is still to come
            _log.exception("who heard %s of a command failed", type(message.event).__name__)
        try:
            if not isinstance(message.event, RunStarted | RunFinished):
                self._emit(message.event)
        except Exception:  # noqa: BLE001  # likewise
            _log.exception("the event %s was lost", type(message.event).__name__)


def _see(future: asyncio.Future[Reply] | asyncio.Future[Ready]) -> None:
    """Its error may interest nobody, which is no reason for a warning."""
    if future.done() and not future.cancelled():
        future.exception()
