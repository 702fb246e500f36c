"""What an agent can do: one method a command, on one browser."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from browserwatch.agents.messages import (
    Capture,
    Captured,
    Command,
    Fetch,
    Fetched,
    Ping,
    Pong,
    Reply,
    Reset,
    ResetDone,
    Restore,
    Restored,
    Run,
    RunDone,
)
from browserwatch.agents.process.browser import Browser
from browserwatch.agents.process.errors import CommandError
from browserwatch.agents.process.fetch import Fetcher
from browserwatch.agents.process.runs import Runner
from browserwatch.agents.process.session import Session


class Work:
    """Does commands.

    Args:
        browser: the one browser.
        session: what is known of its session.
        fetcher: fetches pages.
        runner: runs tasks.
    """

    def __init__(self, browser: Browser, session: Session, fetcher: Fetcher, runner: Runner) -> None:
        self._browser = browser
        self._session = session
        self._fetcher = fetcher
        self._runner = runner
        self._renewing = False

    async def do(self, command: Command) -> Reply:
        """Do a command and give its answer.

        Raises:
            CommandError: it could not be done.
            BrowserLostError, DevToolsError: the browser is gone.
        """
        match command:
            case Ping():
                return await self._ping(command)
            case Reset():
                return await self._reset(command)
            case Restore():
                return await self._restore(command)
            case Capture():
                return await self._capture(command)
            case Fetch():
                return await self._fetch(command)
            case Run():
                return await self._run(command)
            case _:
                raise CommandError("infrastructure", f"{type(command).__name__} is not a command.")

    async def _ping(self, command: Ping) -> Pong:
        if not self._renewing:
            await self._browser.ping()
        return Pong(id=command.id)

    async def _reset(self, command: Reset) -> ResetDone:
        self._renewing = True
        try:
            await to_its_end(self._browser.renew())
        finally:
            self._renewing = False
        self._session.forget()
        return ResetDone(id=command.id, chromium_pid=self._browser.pid)

    async def _restore(self, command: Restore) -> Restored:
        return await self._session.restore(self._browser.devtools, command)

    async def _capture(self, command: Capture) -> Captured:
        return await self._session.capture(self._browser.devtools, command)

    async def _fetch(self, command: Fetch) -> Fetched:
        try:
            return await self._fetcher.fetch(self._browser.devtools, command)
        finally:
            await to_its_end(self._browser.tidy())

    async def _run(self, command: Run) -> RunDone:
        try:
            return await self._runner.run(command)
        finally:
            await to_its_end(self._browser.tidy())


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Do something that must not be left half done; a cancel counts only when it is done."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
