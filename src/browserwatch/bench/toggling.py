"""Turns of work without and with an arm, inside one process: A B, B A, A B …, so that no drift favours one of them."""

from __future__ import annotations

import gc
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from browserwatch.bench.arms import Install, Installed
from browserwatch.bench.receiver import Receiver

Work: TypeAlias = Callable[[], Awaitable[list[float]]]
"""Does one turn; the seconds of each of its steps."""

Meter: TypeAlias = Callable[[], float]
"""Reads a clock; outside of what is measured, for it may be slow."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn took, in seconds, and what came of it."""

    loop: float
    """Processor time of the event loop's thread."""
    process: float
    """Processor time of the whole process, until everything is exported."""
    other: float
    """Processor time that the meter read, of another program."""
    step_seconds: list[float] = field(repr=False)
    """Of each step, by the clock on the wall."""
    spans: int = 0
    bytes: int = 0

    @property
    def steps(self) -> int:
        """How many there were."""
        return len(self.step_seconds)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two turns, one after the other."""

    off: Turn
    on: Turn

    @classmethod
    def of(cls, found: Mapping[str, Mapping[str, Any]]) -> Pair:
        """From its JSON form, which is that of `dataclasses.asdict`."""
        return cls(off=Turn(**found["off"]), on=Turn(**found["on"]))

    def added(self, clock: str) -> float:
        """Seconds a step that the arm added, on one of the clocks ``loop``, ``process`` and ``other``."""
        return getattr(self.on, clock) / self.on.steps - getattr(self.off, clock) / self.off.steps


class Toggle:
    """Switches an arm on and off, and measures.

    Args:
        install: the arm.
        receiver: takes what it exports.
        meter: the clock of another program.
    """

    def __init__(self, install: Install, receiver: Receiver, meter: Meter = lambda: 0.0) -> None:
        self._install = install
        self._receiver = receiver
        self._meter = meter

    async def pairs(self, work: Work) -> AsyncGenerator[Pair]:
        """Pairs of turns, for as long as they are asked for; `work` has been done before, so that it is warm.

        A switch is followed by a turn that is not measured, then by the last of a pair and the first of the next.
        """
        while True:
            off = await self._without(work)
            with self.installed() as installed:
                await self._settle(work, installed)
                yield Pair(off=off, on=await self._with(work, installed))
                on = await self._with(work, installed)
            await work()
            yield Pair(off=await self._without(work), on=on)

    @contextmanager
    def installed(self) -> Generator[Installed]:
        """The arm is on for the length of the block, and its metrics are scraped."""
        installed = self._install(self._receiver.url)
        try:
            self._receiver.keep_scraping(installed.metrics_url)
            yield installed
        finally:
            self._receiver.keep_scraping("")
            installed.uninstall()

    async def _settle(self, work: Work, installed: Installed) -> None:
        """What comes once in a program's life: the first event of each kind, the first scrape."""
        await work()
        if installed.metrics_url:
            self._receiver.scrape(installed.metrics_url)

    async def _with(self, work: Work, installed: Installed) -> Turn:
        installed.flush()
        before = self._receiver.tally()
        turn = await measured(work, installed.flush, self._meter)
        after = self._receiver.tally()
        return replace(turn, spans=after.spans - before.spans, bytes=after.bytes - before.bytes)

    async def _without(self, work: Work) -> Turn:
        return await measured(work, lambda: None, self._meter)


async def measured(work: Work, flush: Callable[[], object], meter: Meter) -> Turn:
    """Do one turn, send what waits, and say what it took."""
    gc.collect()  # each turn pays for its own garbage
    other = meter()
    loop, process = time.thread_time(), time.process_time()
    step_seconds = await work()
    loop = time.thread_time() - loop
    flush()
    process = time.process_time() - process
    return Turn(loop=loop, process=process, other=meter() - other, step_seconds=step_seconds)
