"""Commands in, replies out: one command at a time, with signs of life and looks at the session beside it."""

from __future__ import annotations

import asyncio
import logging
import traceback
from contextvars import copy_context
from typing import Final, Literal

from opentelemetry import context as otel_context

from browserwatch.agents.messages import (
    Cancel,
    Capture,
    Command,
    Configure,
    Failed,
    Ping,
    Reply,
    Run,
    RunDone,
    Shutdown,
)
from browserwatch.agents.process.channel import Channel
from browserwatch.agents.process.errors import BrowserLostError, CommandError
from browserwatch.agents.process.telemetry import Telemetry, continued
from browserwatch.agents.process.work import Work
from browserwatch.devtools.errors import DevToolsClosedError, DevToolsCommandError, DevToolsError
from browserwatch.redaction import MESSAGE_LIMIT, redactor

logger: Final = logging.getLogger(__name__)


class Server:
    """Serves one agent's commands.

    Args:
        channel: the line to the service.
        work: what does the commands.
        telemetry: told when one has ended.
    """

    def __init__(self, channel: Channel, work: Work, telemetry: Telemetry) -> None:
        self._channel = channel
        self._work = work
        self._telemetry = telemetry
        self._works: dict[int, asyncio.Task[Reply]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: int | None = None

    async def serve(self) -> bool:
        """Do commands until the service ends the process (True), or is gone (False)."""
        while (message := await self._channel.receive()) is not None:
            match message:
                case Shutdown():
                    return True
                case Cancel():
                    self._cancel(message.id)
                case Configure():
                    logger.error("This agent is configured already.")
                    return False
                case Command():
                    await self._begin(message)
        return False

    async def stop(self) -> None:
        """Cancel what is being done, and wait for its end."""
        for number in tuple(self._works):
            self._cancel(number)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _cancel(self, number: int) -> None:
        # Taken out of the table, so that a second cancel does not disturb the end of the first.
        if (work := self._works.pop(number, None)) is not None:
            work.cancel()

    async def _begin(self, command: Command) -> None:
        beside = isinstance(command, Ping) or (isinstance(command, Capture) and not command.full)
        if not beside and self._busy is not None:
            busy = f"Command {self._busy} is being done; {type(command).__name__.lower()} has to wait for its end."
            await self._channel.reply(Failed(id=command.id, kind="command", reason="infrastructure", message=busy))
            return
        if not beside:
            self._busy = self._channel.command = command.id
        context = copy_context()
        context.run(otel_context.attach, continued(command.trace))
        work = asyncio.create_task(self._work.do(command), name=f"command {command.id}", context=context)
        self._works[command.id] = work
        task = asyncio.create_task(self._finish(command, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, command: Command, work: asyncio.Task[Reply]) -> None:
        reply = await self._outcome(command, work)
        self._works.pop(command.id, None)
        if self._busy == command.id:
            self._busy, self._channel.command = None, 0
        await self._channel.reply(reply)
        if not isinstance(command, Ping):
            self._telemetry.flush_soon()

    async def _outcome(self, command: Command, work: asyncio.Task[Reply]) -> Reply:
        try:
            return await work
        except asyncio.CancelledError:
            # The work was cancelled, not this task: the service no longer wants it, and is still owed an answer.
            return _cancelled(command)
        except CommandError as error:
            return _failed(command, "command", error.reason, str(error))
        except BrowserLostError as error:
            return _failed(command, "browser", error.reason, str(error))
        except DevToolsCommandError as error:
            return _failed(command, "command", "infrastructure", str(error))
        except DevToolsError as error:
            reason = "browser_crash" if isinstance(error, DevToolsClosedError) else "browser_unresponsive"
            return _failed(command, "browser", reason, str(error))
        except Exception as error:  # noqa: BLE001  # one command's fault must not end the agent
            # Without its text, which may quote a page.
            place = traceback.extract_tb(error.__traceback__)[-1]
            logger.error(  # noqa: TRY400
                "%s failed: %s at %s:%s", type(command).__name__, type(error).__name__, place.filename, place.lineno
            )
            return _failed(command, "command", "infrastructure", f"{type(error).__name__} in the agent process.")


def _cancelled(command: Command) -> Reply:
    if isinstance(command, Run):  # before it had begun
        return RunDone(id=command.id, outcome="cancelled", failure_reason="none", steps=0, message="It was cancelled.")
    return _failed(command, "command", "cancelled", "It was cancelled.")


def _failed(command: Command, kind: Literal["command", "browser"], reason: str, message: str) -> Failed:
    return Failed(id=command.id, kind=kind, reason=reason, message=redactor.text(message, MESSAGE_LIMIT))
