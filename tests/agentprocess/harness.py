"""A real agent process at the other end of a socket pair, spoken to in messages."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import psutil

from browserwatch.agents.messages import (
    LINE_LIMIT,
    Cancel,
    Command,
    Configure,
    Failed,
    FromAgent,
    Happened,
    Message,
    Ready,
    Reply,
    Shutdown,
    decode_from_agent,
    encode,
)
from browserwatch.events import Event
from browserwatch.processes.chromium import find_chromium
from browserwatch.processes.lifetime import ending_with_parent

R = TypeVar("R", bound=Reply)
E = TypeVar("E", bound=Event)
ANSWER_SECONDS = 60.0
UNWANTED = ("OTEL_", "BROWSERWATCH_", "BROWSER_USE_")


class AgentProcess:
    """Speaks to one agent process. Everything it said is kept: `events`, and `errors` (its standard error)."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        directory: Path,
    ) -> None:
        self.process = process
        self.directory = directory
        self.events: list[Happened] = []
        self.lines: list[bytes] = []
        self.errors = b""
        self._reader, self._writer = streams
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[FromAgent]] = {}
        self._watchers: list[tuple[Callable[[Event], bool], asyncio.Future[Event]]] = []
        self.ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._listen())]

    async def ask(self, command: Command, reply: type[R], seconds: float = ANSWER_SECONDS) -> R:
        """Send a command and give its answer, which must be of this type."""
        return await self.answer(self.send(command), reply, seconds)

    def send(self, command: Command) -> int:
        """Send a command; its number."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self.write(msgspec.structs.replace(command, id=number))
        return number

    async def answer(self, number: int, reply: type[R], seconds: float = ANSWER_SECONDS) -> R:
        """The answer to the command with this number, which must be of this type."""
        message = await self.outcome(number, seconds)
        assert isinstance(message, reply), message
        return message

    async def outcome(self, number: int, seconds: float = ANSWER_SECONDS) -> Any:
        """The answer to the command with this number."""
        async with asyncio.timeout(seconds):
            return await self._waiting[number]

    def cancel(self, number: int) -> None:
        """Cancel a command."""
        self.write(Cancel(id=number))

    def write(self, message: Message) -> None:
        """Send a message."""
        self._writer.write(encode(message))

    async def seen(self, kind: type[E], check: Callable[[E], bool] = lambda _: True) -> E:
        """An event of this kind, that came or comes."""

        def fits(event: Event) -> bool:
            return isinstance(event, kind) and check(event)

        for happened in self.events:
            if fits(happened.event):
                return cast("E", happened.event)
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._watchers.append((fits, future))
        async with asyncio.timeout(ANSWER_SECONDS):
            return cast("E", await future)

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind that have come."""
        return [happened.event for happened in self.events if isinstance(happened.event, kind)]

    def hang_up(self) -> None:
        """Close our end of the socket, as the death of the service does."""
        self._writer.close()

    async def ended(self, seconds: float = 10.0) -> int:
        """Wait for the process to end; its exit code."""
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def close(self) -> None:
        """End the process if it has not ended."""
        if self.process.returncode is None and not self._writer.is_closing():
            self.write(Shutdown())
        try:
            await self.ended()
        except TimeoutError:
            os.kill(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        self._writer.close()
        for task in self._tasks:
            await task

    async def _read(self) -> None:
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            self.lines.append(line)
            self._take(decode_from_agent(line))
        if not self.ready.done():
            await self._tasks[1]
            self.ready.set_exception(AssertionError(self.errors.decode()))

    def _take(self, message: FromAgent) -> None:
        match message:
            case Ready():
                self.ready.set_result(message)
            case Happened():
                self.events.append(message)
                for fits, future in self._watchers:
                    if not future.done() and fits(message.event):
                        future.set_result(message.event)
            case Failed(id=0):
                self.ready.set_exception(AssertionError(message))
            case _:
                future = self._waiting[message.id]
                if not future.done():
                    future.set_result(message)

    async def _listen(self) -> None:
        assert self.process.stderr is not None
        self.errors = await self.process.stderr.read()


async def spawn(
    directory: Path, variables: Mapping[str, str] = {}, first: Message | None = None, **configure: object
) -> AgentProcess:
    """Start an agent process and configure it, or say something else `first`; `ready` tells when it is."""
    ours, theirs = socket.socketpair()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(UNWANTED)}
    process = await asyncio.create_subprocess_exec(
        *ending_with_parent(signal.SIGKILL, sys.executable, "-m", "browserwatch.agents.process", str(theirs.fileno())),
        pass_fds=[theirs.fileno()],
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**inherited, **variables},
    )
    theirs.close()
    streams = await asyncio.open_unix_connection(sock=ours, limit=LINE_LIMIT)
    agent = AgentProcess(process, streams, directory)
    settings = {
        "chromium": str(find_chromium().path),
        "sandbox": os.geteuid() != 0,
        "egress_allow": ("127.0.0.1",),
        **configure,
    }
    agent.write(first or msgspec.convert({"directory": str(directory), **settings}, Configure))
    return agent


@asynccontextmanager
async def agent_process(directory: Path, variables: Mapping[str, str] = {}) -> AsyncGenerator[AgentProcess]:
    """An agent process that is ready, for the length of the block."""
    agent = await spawn(directory, variables)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await agent.ready
        yield agent
    finally:
        await agent.close()


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def end_of(*pids: int, seconds: float = 10.0) -> None:
    """Wait for processes to end."""
    async with asyncio.timeout(seconds):
        while any(alive(pid) for pid in pids):  # noqa: ASYNC110  # other processes set no event
            await asyncio.sleep(0.02)


def family(pid: int) -> list[int]:
    """A process and all below it."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]
