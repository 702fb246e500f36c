"""The agent's browser: one Chromium after the other, each with a profile that is never used twice."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from opentelemetry import trace

from browserwatch import semantics
from browserwatch.agents.process.errors import BrowserLostError
from browserwatch.agents.process.launching import ChromiumProcess, Launch
from browserwatch.devtools.connection import DevTools
from browserwatch.devtools.errors import DevToolsClosedError, DevToolsError
from browserwatch.devtools.tabs import BLANK, close_tabs, page_targets
from browserwatch.events import BrowserCrashed, BrowserLaunched, Emit
from browserwatch.version import __version__

logger: Final = logging.getLogger(__name__)
tracer: Final = trace.get_tracer("browserwatch", __version__)

PING_SECONDS: Final = 5.0


class Browser:
    """The one browser of this process.

    Args:
        launch: how Chromium is started.
        emit: told of launches and crashes.
    """

    def __init__(self, launch: Launch, emit: Emit) -> None:
        self._launch = launch
        self._emit = emit
        self._process: ChromiumProcess | None = None
        self._devtools: DevTools | None = None
        self._watch: asyncio.Task[None] | None = None
        self._number = 0
        self.url = ""
        """Address of its DevTools."""
        self.version = ""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when Chromium ended without being asked to. A new one after each launch."""

    @property
    def pid(self) -> int:
        """Chromium's process id; 0 when there is none."""
        return self._process.pid if self._process else 0

    @property
    def devtools(self) -> DevTools:
        """Our connection to it.

        Raises:
            BrowserLostError: there is no browser.
        """
        if self._devtools is None or self.lost.done():
            raise BrowserLostError("browser_crash", "Chromium has ended.")
        return self._devtools

    async def start(self) -> None:
        """Launch Chromium and connect to it.

        Raises:
            BrowserLostError: it does not start; the message has its last words.
        """
        started, result = time.perf_counter(), "error"
        try:
            await self._start()
            result = "ok"
        finally:
            self._emit(BrowserLaunched(result=result, seconds=time.perf_counter() - started))

    @tracer.start_as_current_span(semantics.BROWSER_LAUNCH)
    async def _start(self) -> None:
        self._number += 1
        self.lost = asyncio.get_running_loop().create_future()
        process = self._process = await ChromiumProcess.start(self._launch, self._number)
        try:
            self.url = await process.url()
            self._devtools = await DevTools.connect(self.url)
            self.version = (await self._devtools.send("Browser.getVersion"))["product"].partition("/")[2]
        except (EOFError, TimeoutError, DevToolsError) as error:
            await self.stop()
            why = f"Chromium did not start ({type(error).__name__}): {process.last_words}"
            raise BrowserLostError("infrastructure", why) from None
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._see_end(process, self._devtools), name="browser")

    async def _see_end(self, process: ChromiumProcess, devtools: DevTools) -> None:
        """Notice the end of the process, or of the connection, that nobody asked for."""
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({ended, devtools.closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if process.wanted:
            self.lost.set_result(None)
            self._emit(BrowserCrashed(kind="browser"))

    async def ping(self, seconds: float = PING_SECONDS) -> None:
        """Ask it for a sign of life.

        Raises:
            BrowserLostError: it is gone, or does not answer.
        """
        try:
            await self.devtools.send("Browser.getVersion", timeout=seconds)
        except DevToolsError as error:
            reason = "browser_crash" if isinstance(error, DevToolsClosedError) else "browser_unresponsive"
            raise BrowserLostError(reason, str(error)) from None

    async def tidy(self) -> None:
        """Leave one empty tab, as after a launch. A browser that is gone is noticed elsewhere."""
        try:
            pages = await page_targets(self.devtools)
            empty = [page["targetId"] for page in pages if page["url"] == BLANK]
            if not empty:
                # First a new one: Chromium ends with its last tab.
                empty = [(await self.devtools.send("Target.createTarget", {"url": BLANK}))["targetId"]]
            await close_tabs(self.devtools, [page["targetId"] for page in pages if page["targetId"] != empty[0]])
        except (DevToolsError, BrowserLostError) as error:
            logger.debug("The tabs could not be closed: %s", error)

    async def renew(self) -> None:
        """End it and launch another, with a new profile.

        Raises:
            BrowserLostError: the new one does not start.
        """
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """End Chromium and all its processes at once, and delete what it wrote. There may be none."""
        process, self._process = self._process, None
        devtools, self._devtools = self._devtools, None
        if process is not None:
            await process.end()
        if devtools is not None:
            await devtools.close()
        if self._watch is not None:
            await self._watch

    def kill(self) -> None:
        """End it without waiting: this process is about to end."""
        if self._process is not None:
            self._process.kill()
