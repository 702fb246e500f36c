"""The agent's Chromium: started, watched, ended and made anew, with a profile that is never used twice."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from opentelemetry import trace

from browserwatch import semantics
from browserwatch.agents.process import environment
from browserwatch.agents.process.errors import BrowserLostError
from browserwatch.devtools.connection import DevTools
from browserwatch.devtools.errors import DevToolsError
from browserwatch.devtools.tabs import BLANK, close_target, page_targets
from browserwatch.events import BrowserCrashed, BrowserLaunched, Emit
from browserwatch.processes.chromium import FLAGS, start_empty
from browserwatch.processes.lifetime import ending_with_parent
from browserwatch.version import __version__

logger: Final = logging.getLogger(__name__)
tracer: Final = trace.get_tracer("browserwatch", __version__)

START_SECONDS: Final = 20.0
GONE_SECONDS: Final = 3.0
PING_SECONDS: Final = 5.0
LAST_WORDS: Final = 2000
PROFILE: Final = "profile"
LISTENING: Final = b"DevTools listening on "
# On top of FLAGS: nothing that Chromium does on its own account, no question to a person, one size of window for all.
QUIET: Final = (
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-features=HttpsUpgrades,MediaRouter,OptimizationHints,Translate",
    "--disable-infobars",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-pings",
    "--no-service-autorun",
    "--password-store=basic",
    "--use-mock-keychain",
    "--window-size=1280,1100",
    # A tab that nobody looks at must not be slowed down: no tab here is looked at.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)


@dataclass(frozen=True, slots=True)
class Launch:
    """How Chromium is started."""

    executable: str
    directory: Path
    sandbox: bool
    flags: Sequence[str] = ()

    def command(self, place: Path) -> list[str]:
        """The command line. Chromium gets SIGKILL when this process dies, also when that can't say good-bye."""
        flags = [*FLAGS, *QUIET, *self.flags, "--remote-debugging-port=0", f"--user-data-dir={place / PROFILE}"]
        if not self.sandbox:
            flags.append("--no-sandbox")
        return ending_with_parent(signal.SIGKILL, self.executable, *flags, "about:blank")


class _Running:
    """One Chromium process and what is known of it."""

    def __init__(self, process: Process, place: Path) -> None:
        self.process = process
        self.place = place
        self.wanted = True
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.last_words = b""

    async def drain(self) -> None:
        """Read its standard error to the end, so that it never waits for a reader; the address is told there."""
        assert self.process.stderr is not None  # noqa: S101  # it was asked for
        while data := await self.process.stderr.read(4096):
            self.last_words = (self.last_words + data)[-LAST_WORDS:]
            if not self.url.done() and LISTENING in self.last_words:
                line, complete, _ = self.last_words.partition(LISTENING)[2].partition(b"\n")
                if complete:
                    self.url.set_result(line.decode().strip())
        if not self.url.done():
            self.url.set_exception(EOFError())


class Browser:
    """The one Chromium of this process. Start it in the main thread: it ends with the thread that started it.

    Args:
        launch: how it is started.
        emit: told of launches and crashes.
    """

    def __init__(self, launch: Launch, emit: Emit) -> None:
        self._launch = launch
        self._emit = emit
        self._running: _Running | None = None
        self._devtools: DevTools | None = None
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.version = ""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when Chromium ended without being asked to. A new one after each launch."""

    @property
    def pid(self) -> int:
        """Process id, also its process group; 0 when there is none."""
        return self._running.process.pid if self._running else 0

    @property
    def url(self) -> str:
        """Address of its DevTools."""
        return self._current().url.result()

    @property
    def devtools(self) -> DevTools:
        """Our connection to it.

        Raises:
            BrowserLostError: there is no browser.
        """
        self._current()
        if self._devtools is None:
            raise BrowserLostError("browser_crash", "Chromium has ended.")
        return self._devtools

    def _current(self) -> _Running:
        if self._running is None or self.lost.done():
            raise BrowserLostError("browser_crash", "Chromium has ended.")
        return self._running

    async def start(self) -> None:
        """Launch Chromium and connect to it.

        Raises:
            BrowserLostError: it does not start; the message has its last words.
        """
        started = time.perf_counter()
        result = "error"
        try:
            await self._start()
            result = "ok"
        finally:
            self._emit(BrowserLaunched(result=result, seconds=time.perf_counter() - started))

    @tracer.start_as_current_span(semantics.BROWSER_LAUNCH)
    async def _start(self) -> None:
        self._number += 1
        place = self._launch.directory / f"browser-{self._number}"
        start_empty(place / PROFILE)
        self.lost = asyncio.get_running_loop().create_future()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._launch.command(place),
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=PIPE,
                start_new_session=True,
                env=environment.of_chromium(place),
            )
        except OSError as error:
            raise BrowserLostError("infrastructure", f"Chromium can't be started: {error.strerror}.") from None
        running = self._running = _Running(process, place)
        try:
            self._background(running.drain())
            async with asyncio.timeout(START_SECONDS):
                url = await running.url
            self._devtools = await DevTools.connect(url)
            self.version = (await self._devtools.send("Browser.getVersion"))["product"].partition("/")[2]
        except (EOFError, TimeoutError, DevToolsError) as error:
            words = running.last_words.decode(errors="replace").strip().rpartition("\n")[2]
            await self.stop()
            raise BrowserLostError(
                "infrastructure", f"Chromium did not start ({type(error).__name__}): {words}"
            ) from None
        except BaseException:
            await self.stop()
            raise
        self._background(self._watch(running))

    async def _watch(self, running: _Running) -> None:
        """Notice the end of the process, or of the connection, that nobody asked for."""
        ended = asyncio.ensure_future(running.process.wait())
        closed = self.devtools.closed
        await asyncio.wait({ended, closed}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if running.wanted:
            self.lost.set_result(None)
            self._emit(BrowserCrashed(kind="browser"))

    def _background(self, work: object) -> None:
        task = asyncio.create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ping(self, seconds: float = PING_SECONDS) -> None:
        """Ask it for a sign of life.

        Raises:
            BrowserLostError: it is gone, or does not answer.
        """
        try:
            await self.devtools.send("Browser.getVersion", timeout=seconds)
        except DevToolsError as error:
            raise lost(error) from None

    async def tidy(self) -> None:
        """Leave one empty tab, as after a launch. A browser that is gone is noticed elsewhere."""
        try:
            pages = await page_targets(self.devtools)
            empty = [page["targetId"] for page in pages if page["url"] == BLANK]
            if not empty:
                # First a new one: Chromium ends with its last tab.
                empty = [(await self.devtools.send("Target.createTarget", {"url": BLANK}))["targetId"]]
            others = [page["targetId"] for page in pages if page["targetId"] != empty[0]]
            await asyncio.gather(*(close_target(self.devtools, target) for target in others))
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
        """End Chromium and all its processes at once, and delete its profile. There may be none."""
        running, self._running = self._running, None
        devtools, self._devtools = self._devtools, None
        if running is None:
            return
        running.wanted = False
        family = _descendants(running.process.pid)
        kill_group(running.process.pid)
        await running.process.wait()
        if devtools is not None:
            await devtools.close()
        await _gone(family)
        await asyncio.to_thread(shutil.rmtree, running.place, ignore_errors=True)

    def kill(self) -> None:
        """End it without waiting, for a process that is about to end, too."""
        if self._running is not None:
            self._running.wanted = False
            kill_group(self._running.process.pid)


def lost(error: DevToolsError) -> BrowserLostError:
    """What a failure of the DevTools connection says of the browser."""
    gone = type(error).__name__ == "DevToolsClosedError"
    return BrowserLostError("browser_crash" if gone else "browser_unresponsive", str(error))


def kill_group(group: int) -> None:
    """Kill a process group; there may be none."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


async def _gone(family: list[psutil.Process]) -> None:
    """Wait for processes to end, those that left the group included; what they still write would stay behind."""
    deadline = time.monotonic() + GONE_SECONDS
    for process in family:
        with suppress(psutil.Error):
            process.kill()
    while any(_runs(process) for process in family) and time.monotonic() < deadline:
        await asyncio.sleep(0.005)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
