"""Commands in, replies out: one command at a time, with signs of life and looks at the session beside it."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Literal

from opentelemetry import context as otel_context

from browserwatch.agents.messages import Cancel, Capture, Command, Configure, Failed, Ping, Reply, Shutdown
from browserwatch.agents.process.channel import Channel
from browserwatch.agents.process.errors import BrowserLostError, CommandError
from browserwatch.agents.process.telemetry import Telemetry, continued
from browserwatch.agents.process.work import Work
from browserwatch.devtools.errors import DevToolsError
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
        self._tasks: dict[int, asyncio.Task[None]] = {}
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
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _cancel(self, number: int) -> None:
        # Taken out of the table, so that a second cancel does not disturb the end of the first.
        if (task := self._tasks.pop(number, None)) is not None:
            task.cancel()

    async def _begin(self, command: Command) -> None:
        beside = isinstance(command, Ping) or (isinstance(command, Capture) and not command.full)
        if not beside and self._busy is not None:
            busy = f"Command {self._busy} is being done; {type(command).__name__.lower()} has to wait for its end."
            await self._channel.reply(Failed(id=command.id, kind="command", reason="infrastructure", message=busy))
            return
        if not beside:
            self._busy = self._channel.command = command.id
        task = asyncio.create_task(self._serve(command), name=f"command {command.id}")
        self._tasks[command.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(command.id, None))

    async def _serve(self, command: Command) -> None:
        token = otel_context.attach(continued(command.trace))
        try:
            reply = await self._answer(command)
        finally:
            otel_context.detach(token)
            if self._busy == command.id:
                self._busy, self._channel.command = None, 0
        await self._channel.reply(reply)
        if not isinstance(command, Ping):
            self._telemetry.flush_soon()

    async def _answer(self, command: Command) -> Reply:
        try:
            return await self._work.do(command)
        except asyncio.CancelledError:
            # Cancelling is how the service says that it no longer wants the command: it is still owed an answer.
            return _failed(command, "command", "cancelled", "It was cancelled.")
        except CommandError as error:
            return _failed(command, "command", error.reason, str(error))
        except BrowserLostError as error:
            return _failed(command, "browser", error.reason, str(error))
        except DevToolsError as error:
            return _failed(command, "browser", "browser_unresponsive", str(error))
        except Exception as error:  # one command's fault must not end the agent
            logger.exception("%s failed", type(command).__name__)
            return _failed(command, "command", "infrastructure", f"{type(error).__name__} in the agent process.")


def _failed(command: Command, kind: Literal["command", "browser"], reason: str, message: str) -> Failed:
    return Failed(id=command.id, kind=kind, reason=reason, message=redactor.text(message, MESSAGE_LIMIT))
