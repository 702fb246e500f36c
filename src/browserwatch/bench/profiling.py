"""Where the time of an arm goes: a sampler that looks at the stack at each tick of the process's clock.

A tracing profiler would make cheap calls dear, and these hooks are many cheap calls. A sample counts for the innermost
frame that belongs to an arm or to the work; what the standard library does is charged to who called it.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import Final

TICK_SECONDS: Final = 0.001
WORK: Final = "work"
PACKAGES: Final = "/site-packages/"
OURS: Final = "/browserwatch/"
# Packages that an arm brings along; everything else that is installed is the work's.
LIBRARIES: Final = {
    "opentelemetry/sdk": "OpenTelemetry SDK",
    "opentelemetry": "OpenTelemetry API",
    "prometheus_client": "prometheus_client",
}


class Sampler:
    """Takes samples in the main thread, of what it does then."""

    def __init__(self) -> None:
        self._samples: Counter[str] = Counter()
        self._seconds = 0.0

    @contextmanager
    def sampling(self) -> Generator[None]:
        """Sample for the length of the block."""
        before = signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, TICK_SECONDS, TICK_SECONDS)
        started = time.thread_time()
        try:
            yield
        finally:
            self._seconds += time.thread_time() - started
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def seconds_by_place(self, steps: int) -> dict[str, float]:
        """Seconds a step for each place of the arm, the largest first. The system's ticks may be longer than asked for."""
        each = self._seconds / max(1, self._samples.total()) / steps
        return {place: count * each for place, count in self._samples.most_common() if place != WORK}

    def _tick(self, _: int, frame: FrameType | None) -> None:
        while frame is not None:
            if place := _place(frame.f_code.co_filename):
                self._samples[place] += 1
                return
            frame = frame.f_back
        self._samples[WORK] += 1


@lru_cache(maxsize=4096)
def _place(file: str) -> str:
    """Whom a file belongs to; empty for the standard library."""
    if OURS in file:
        inside = file.rpartition(OURS)[2].removesuffix(".py")
        return WORK if inside.startswith("bench/") else f"browserwatch.{inside.replace('/', '.')}"
    if PACKAGES not in file:
        return ""
    inside = file.rpartition(PACKAGES)[2]
    return next((name for start, name in LIBRARIES.items() if inside.startswith(f"{start}/")), WORK)
