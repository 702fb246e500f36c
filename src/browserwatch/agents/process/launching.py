"""One Chromium process: started, heard out, and ended with all that it started."""

from __future__ import annotations

import asyncio
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

from browserwatch.agents.process import environment
from browserwatch.agents.process.errors import BrowserLostError
from browserwatch.processes.chromium import FLAGS, start_empty
from browserwatch.processes.lifetime import ending_with_parent

START_SECONDS: Final = 20.0
GONE_SECONDS: Final = 3.0
POLL_SECONDS: Final = 0.005
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
# Chromium would connect to every site ahead of the page, also to one whose page is answered from here.
PREFERENCES: Final = {"net": {"network_prediction_options": 2}}


@dataclass(frozen=True, slots=True)
class Launch:
    """How Chromium is started: the executable, a directory for its own, its sandbox, and flags beyond the usual ones."""

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


class ChromiumProcess:
    """A Chromium that was started. Made by `start`, to be ended by `end`.

    Attributes:
        wanted: False as soon as it is to end.
    """

    def __init__(self, process: Process, place: Path) -> None:
        self._process = process
        self._place = place
        self._url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._said = b""
        self._listening = asyncio.create_task(self._listen(), name="chromium")
        self.wanted = True

    @classmethod
    async def start(cls, launch: Launch, number: int) -> ChromiumProcess:
        """Start one in a directory of its own, which goes with it. In the main thread: it ends with its starter's thread.

        Raises:
            BrowserLostError: it can't be started.
        """
        place = launch.directory / f"browser-{number}"
        start_empty(place / PROFILE, PREFERENCES)
        try:
            process = await asyncio.create_subprocess_exec(
                *launch.command(place),
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=PIPE,
                start_new_session=True,
                env=environment.of_chromium(place),
            )
        except OSError as error:
            raise BrowserLostError("infrastructure", f"Chromium can't be started: {error.strerror}.") from None
        return cls(process, place)

    @property
    def pid(self) -> int:
        """Its process id, and its process group."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The last line of its standard error."""
        return self._said.decode(errors="replace").strip().rpartition("\n")[2]

    async def url(self) -> str:
        """The address of its DevTools, as soon as it listens.

        Raises:
            EOFError: it ended before.
            TimeoutError: it takes too long.
        """
        async with asyncio.timeout(START_SECONDS):
            return await asyncio.shield(self._url)

    async def wait(self) -> None:
        """Wait for its end."""
        await self._process.wait()

    def kill(self) -> None:
        """End it and its process group, without waiting."""
        self.wanted = False
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def end(self) -> None:
        """End it and all that it started, and delete its directory."""
        family = _descendants(self.pid)
        self.kill()
        await self._process.wait()
        await _gone(family)
        await self._listening
        await asyncio.to_thread(shutil.rmtree, self._place, ignore_errors=True)

    async def _listen(self) -> None:
        """Read its standard error to the end, so that it never waits for a reader; the address is told there."""
        assert self._process.stderr is not None  # noqa: S101  # it was asked for
        while data := await self._process.stderr.read(4096):
            said = self._said + data
            line, complete, _ = said.partition(LISTENING)[2].partition(b"\n")
            if complete and not self._url.done():
                self._url.set_result(line.decode().strip())
            self._said = said[-LAST_WORDS:]  # not before: much may come at once
        if not self._url.done():
            self._url.set_exception(EOFError())
            self._url.exception()  # whoever waits gets it; there may be nobody


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
    while any(_runs(process) for process in family) and time.monotonic() < deadline:  # noqa: ASYNC110  # no event tells
        await asyncio.sleep(POLL_SECONDS)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
