"""What an agent can do: one method a command, on one browser."""

from __future__ import annotations

from pathlib import Path

from browserwatch.agents.messages import Capture, Command, Fetch, Ping, Pong, Reply, Reset, ResetDone, Restore, Run
from browserwatch.agents.process.browser import Browser
from browserwatch.agents.process.errors import CommandError
from browserwatch.egress import ThreadedEgressProxy
from browserwatch.events import Emit


class Work:
    """Does commands.

    Args:
        browser: the one browser.
        proxy: what its traffic goes through.
        directory: the agent's own.
        emit: takes events.
    """

    def __init__(self, browser: Browser, proxy: ThreadedEgressProxy, directory: Path, emit: Emit) -> None:
        self._browser = browser
        self._proxy = proxy
        self._directory = directory
        self._emit = emit
        self._renewing = False

    async def warm_up(self, models: tuple[str, ...]) -> None:
        """Import what is slow to import."""

    async def do(self, command: Command) -> Reply:
        """Do a command and give its answer.

        Raises:
            CommandError: it could not be done.
            BrowserLostError: the browser is gone.
        """
        match command:
            case Ping():
                return await self._ping(command)
            case Reset():
                return await self._reset(command)
            case _:
                raise CommandError("infrastructure", f"{type(command).__name__} is not a command.")

    async def _ping(self, command: Ping) -> Pong:
        if not self._renewing:
            await self._browser.ping()
        return Pong(id=command.id)

    async def _reset(self, command: Reset) -> ResetDone:
        self._renewing = True
        try:
            await self._browser.renew()
        finally:
            self._renewing = False
        return ResetDone(id=command.id, chromium_pid=self._browser.pid)
