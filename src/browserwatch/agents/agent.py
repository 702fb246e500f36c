"""One agent process as the pool sees it: asked, watched, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from browserwatch.agents.channel import Channel, Pending
from browserwatch.agents.directories import remove
from browserwatch.agents.errors import AgentLostError, AgentStartError, CommandFailedError, Loss
from browserwatch.agents.lending import R
from browserwatch.agents.messages import (
    Cancel,
    Command,
    Configure,
    Failed,
    Ping,
    Pong,
    Ready,
    Reset,
    ResetDone,
    Shutdown,
)
from browserwatch.agents.orphans import end_processes_in
from browserwatch.events import Event

CANCEL_SECONDS: Final = 10.0
"""Time that a command has to stop after its caller is gone."""
SHUTDOWN_SECONDS: Final = 4.0
"""Time that an agent has to end by itself."""
KILL_SECONDS: Final = 5.0
"""Time that the system has to end it; only one in a broken file system takes longer."""
LINGER_SECONDS: Final = 0.5
"""Time between the end of an agent's connection and that of its process, in either order."""
BEAT_SECONDS: Final = 5.0
"""How often an agent is asked whether it is well."""
OUTPUT_KEPT: Final = 4096
_log = logging.getLogger(__name__)

Dead: TypeAlias = Literal["agent", "browser"]
OnLost: TypeAlias = Callable[[Loss], None]


@dataclass(frozen=True, slots=True)
class Spawned:
    """A process that was started, and the way to speak with it."""

    id: str
    directory: Path
    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Agent:
    """An agent process with its Chromium. Whatever happens, it is over when `end` was awaited.

    Args:
        spawned: the process.
        channel: messages with it.
        unresponsive_seconds: time after which one that does not answer whether it is well is lost.
        on_lost: told once, when it died or was given up after it had become ready.
    """

    def __init__(self, spawned: Spawned, channel: Channel, unresponsive_seconds: float, on_lost: OnLost) -> None:
        self._spawned = spawned
        self._process = spawned.process
        self._channel = channel
        self._unresponsive_seconds = unresponsive_seconds
        self._on_lost = on_lost
        self._ready: Ready | None = None
        self._lost: AgentLostError | None = None
        self._died: Dead | None = None
        self._ending: asyncio.Task[None] | None = None
        self._browser = asyncio.Lock()
        self._output = bytearray()
        self._tasks = {self._task(self._watch(), "watch"), self._task(self._keep_output(), "output")}

    @property
    def id(self) -> str:
        """The pool's name of it."""
        return self._spawned.id

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def lost(self) -> AgentLostError | None:
        """Why it can't be used any more; None: it can."""
        return self._lost

    @property
    def died(self) -> Dead | None:
        """What died unasked and was not told of by the agent itself; None: it was given up alive, or that is known."""
        return self._died

    @property
    def busy(self) -> bool:
        """Whether it is doing a command."""
        return bool(self._channel.busy)

    async def start(self, configure: Configure, seconds: float) -> Ready:
        """Wait until it takes commands.

        Raises:
            AgentStartError: it does not come up in time, or at all.
        """
        try:
            async with asyncio.timeout(seconds):
                ready = await self._channel.configure(configure)
        except TimeoutError:
            raise AgentStartError(f"{self!r} was not ready within {seconds:g} s{self._last_words()}") from None
        except AgentLostError as error:
            raise AgentStartError(f"{error}{self._last_words()}") from None
        except CommandFailedError as error:
            raise AgentStartError(f"{self!r} did not start: {error}") from None
        if self._lost is not None:  # after its word, before we took it
            raise AgentStartError(str(self._lost))
        self._ready = ready
        self._tasks.add(self._task(self._beat(), "heartbeat"))
        return ready

    async def ask(
        self, command: Command, reply: type[R], seconds: float, heard: Callable[[Event], None] | None = None
    ) -> R:
        """Have a command done; as `Lease.ask`."""
        # A browser that is being made new is not well for a moment, which must not look like a crash.
        async with self._browser if isinstance(command, Reset) else contextlib.nullcontext():
            pending = self._send(command, heard)
            try:
                return await self._answer(pending, reply, seconds)
            except asyncio.CancelledError:
                await self._call_off(pending)
                raise
            finally:
                self._channel.forget(pending)

    async def ping(self, seconds: float) -> None:
        """Ask whether it and its browser are well.

        Raises:
            AgentLostError: they are not.
        """
        pending = self._send(Ping())
        try:
            await self._answer(pending, Pong, seconds)
        except CommandFailedError as error:
            raise self.lose("crash", f"it is not well: {error}") from None
        finally:
            self._channel.forget(pending)

    async def reset(self, seconds: float) -> None:
        """Have its browser made new.

        Raises:
            AgentLostError: that did not work.
        """
        try:
            await self.ask(Reset(), ResetDone, seconds)
        except CommandFailedError as error:
            raise self.lose("crash", f"its browser can't be made new: {error}") from None

    async def stop(self, grace: float) -> None:
        """Cancel what it is doing; if that has not ended after `grace` seconds, give it up."""
        busy = self._channel.busy
        for pending in busy:
            self._channel.tell(Cancel(id=pending.command.id))
        if busy and (await asyncio.wait([pending.answer for pending in busy], timeout=grace))[1]:
            self.lose("unresponsive", f"it did not stop within {grace:g} s")

    def lose(self, kind: Loss, why: str, died: Dead | None = None) -> AgentLostError:
        """Give it up: who waits for an answer gets this error. Its process is still to be ended."""
        if self._lost is not None:
            return self._lost
        self._lost = AgentLostError(f"{self!r} is lost: {why}", kind)
        self._died = died
        self._channel.close(self._lost)
        if self._ready is not None and self._ending is None:
            _log.warning("%s", self._lost)
            self._on_lost(kind)
        return self._lost

    async def end(self) -> None:
        """End it, its browser and all that they started; remove its directory. Who is cancelled waits for that, too."""
        if self._ending is None:
            self._ending = self._task(self._end(), "end")
        try:
            await asyncio.shield(self._ending)
        except asyncio.CancelledError:
            await asyncio.wait([self._ending])
            raise

    def _send(self, command: Command, heard: Callable[[Event], None] | None = None) -> Pending:
        if self._lost is not None:
            raise AgentLostError(str(self._lost), self._lost.kind)
        return self._channel.send(command, heard)

    async def _answer(self, pending: Pending, reply: type[R], seconds: float) -> R:
        await asyncio.wait([pending.answer], timeout=seconds)
        if not pending.answer.done():
            self.lose("unresponsive", f"it did not answer {pending.name} within {seconds:g} s")
        answer = pending.answer.result()
        if isinstance(answer, reply):
            return answer
        if isinstance(answer, Failed):
            self._judge(pending, answer)
            raise self._lost or CommandFailedError(answer.message, answer.reason)
        raise self.lose("crash", f"it answered {pending.name} with {type(answer).__name__}")

    def _judge(self, pending: Pending, answer: Failed) -> None:
        why = f"its browser failed {pending.name}: {answer.message}"
        if answer.kind == "browser" and answer.reason == "browser_unresponsive":
            self.lose("unresponsive", why)
        elif answer.kind == "browser":
            self.lose("crash", why, None if self._channel.crash_heard else "browser")

    async def _call_off(self, pending: Pending) -> None:
        """Nobody waits for it any more. Cancelled once again, we wait no longer."""
        self._channel.tell(Cancel(id=pending.command.id))
        try:
            await asyncio.wait([pending.answer], timeout=CANCEL_SECONDS)
        finally:
            if not pending.answer.done():
                self.lose("unresponsive", f"it did not stop {pending.name} in time")
            elif self._lost is None and isinstance(answer := pending.answer.result(), Failed):
                self._judge(pending, answer)

    async def _watch(self) -> None:
        """Notice its end, by its connection or its process, whichever is seen first."""
        listening = self._task(self._channel.listen(), "channel")
        exiting = self._task(self._process.wait(), "exit")
        try:
            await asyncio.wait([listening, exiting], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([listening, exiting], timeout=LINGER_SECONDS)
            if exiting.done():
                why = f"its process ended with status {exiting.result()}"
            else:
                why = "it could not be heard" if listening.exception() else listening.result()
            self.lose("crash", why, "agent")
        finally:
            await _cancel(listening, exiting)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            async with self._browser:
                with contextlib.suppress(AgentLostError):
                    await self.ping(self._unresponsive_seconds)
            if self._lost is not None:
                return

    async def _keep_output(self) -> None:
        """Only what it says before it is ready: later words may be about tasks and pages."""
        output = self._process.stdout
        while output is not None and (chunk := await output.read(OUTPUT_KEPT)):
            if self._ready is None:
                self._output += chunk
                del self._output[:-OUTPUT_KEPT]

    def _last_words(self) -> str:
        lines = self._output.decode(errors="replace").strip().splitlines()
        return f": {lines[-1].strip()[:300]}" if lines else ""

    async def _end(self) -> None:
        try:
            if self._ready is not None and self._lost is None:
                self._channel.tell(Shutdown())
                await self._exited(SHUTDOWN_SECONDS)
        finally:
            self.lose("crash", "it was ended")
            await self._kill()
            await _cancel(*self._tasks)
            await asyncio.to_thread(remove, self._spawned.directory)

    async def _kill(self) -> None:
        # Once it was waited for, its number may be another's.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        await asyncio.to_thread(end_processes_in, self._spawned.directory)
        await self._exited(KILL_SECONDS)
        with contextlib.suppress(OSError):
            await self._spawned.writer.wait_closed()

    async def _exited(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait()

    def _task(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        return asyncio.create_task(work, name=f"{name} of agent {self.id}")

    def __repr__(self) -> str:
        return f"agent {self.id} (pid {self._process.pid})"


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
