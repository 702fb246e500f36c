"""Starts the parts, sees how they are, and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

import httpx

from browserwatch.pipeline.part import Part, PipelineError
from browserwatch.processes.lifetime import ending_with_parent

START_SECONDS: Final = 90.0
PROBE_SECONDS: Final = 2.0
START_PROBE_SECONDS: Final = 0.1
ANSWER_SECONDS: Final = 5.0
LAST_WORDS: Final = 300


class State(StrEnum):
    """How a part is."""

    STARTING = "starting"
    UP = "up"
    UNHEALTHY = "unhealthy"
    """It runs and does not say that it is well."""

    ENDED = "ended"


@dataclass(slots=True)
class Running:
    """A part and its process."""

    part: Part
    log: Path
    process: asyncio.subprocess.Process
    state: State = State.STARTING
    detail: str = ""

    def last_words(self) -> str:
        """How it ended and the end of its log."""
        lines = self.log.read_text("utf-8", errors="replace").strip().splitlines()
        told = lines[-1][:LAST_WORDS] if lines else "it said nothing"
        status = self.process.returncode
        return f"{'' if status is None else f'status {status}, '}{self.log}: {told}"


class Supervisor:
    """All parts. Use as an async context manager: they run for the length of the block, and end in the opposite order.

    Args:
        parts: in the order in which they start.
        logs: directory for what they print.
        tell: takes a line when a part's state changes.
    """

    def __init__(self, parts: Sequence[Part], logs: Path, tell: Callable[[str], None]) -> None:
        self._parts = parts
        self._logs = logs
        self._tell = tell
        self.running: list[Running] = []
        self._hurried = False
        # Without the environment's proxies: all of it is on this machine.
        self._http = httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False)

    async def __aenter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            for part in self._parts:
                self.running.append(await self._start(part))
            await asyncio.gather(*(self._healthy(running) for running in self.running))
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def follow(self) -> None:
        """Look at all parts again and again, and tell what has changed; until cancelled."""
        while True:
            await asyncio.gather(*(self._look(running) for running in self.running))
            await asyncio.sleep(PROBE_SECONDS)

    async def _start(self, part: Part) -> Running:
        log = self._logs / f"{part.name}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *ending_with_parent(signal.SIGTERM, part.program, *part.arguments),
                env={**os.environ, **part.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a Ctrl-C is for us: they end one after the other
            )
        return Running(part, log, process)

    async def _healthy(self, running: Running) -> None:
        began = time.monotonic()
        while not await self._answers(running):
            if running.process.returncode is not None:
                raise PipelineError(f"{running.part.name} ended at once: {running.last_words()}")
            if time.monotonic() - began > START_SECONDS:
                raise PipelineError(
                    f"{running.part.name} is not well after {START_SECONDS:g} s: {running.last_words()}"
                )
            await asyncio.sleep(START_PROBE_SECONDS)
        running.state = State.UP
        self._tell(f"{running.part.name} is up after {time.monotonic() - began:.1f} s")

    async def _look(self, running: Running) -> None:
        well = await self._answers(running)
        ended = running.process.returncode is not None
        state = State.ENDED if ended else State.UP if well else State.UNHEALTHY
        if state is running.state:
            return
        running.state = state
        said = {
            State.UP: "is up again",
            State.UNHEALTHY: f"does not say that it is well; its log: {running.log}",
            State.ENDED: f"has ended: {running.last_words() if ended else ''}",
        }
        self._tell(f"{running.part.name} {said[state]}")

    async def _answers(self, running: Running) -> bool:
        try:
            answer = await self._http.get(running.part.health)
            with contextlib.suppress(ValueError, KeyError, TypeError):  # not every part says more
                running.detail = running.part.detail(answer.json())
        except httpx.TransportError:
            return False
        return not answer.is_server_error

    async def _end(self) -> None:
        for running in reversed(self.running):
            if running.process.returncode is None:
                await self._end_one(running.process, running.part.grace)
            running.state = State.ENDED
        await self._http.aclose()

    async def _end_one(self, process: asyncio.subprocess.Process, grace: float) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(0 if self._hurried else grace):
                await process.wait()
                return
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            # Told to stop a second time: no grace for the others, either.
            self._hurried = True
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
