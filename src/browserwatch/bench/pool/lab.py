"""What every arm works with: the demo site, a scripted model that notes when it was asked, and a receiver of spans."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from browserwatch.bench import scenario
from browserwatch.demo import Scenario, SpanSink, Step, demo_site, scripted_model, serve_in_thread

STEPS: Final = 20
MAX_STEPS: Final = STEPS + 2
# A click keeps browser-use busy for most of a second, with its bus locked. Navigation hardly waits.
_ROUND: Final = scenario.MIXED.steps[:5]
_LAST: Final = scenario.MIXED.steps[-1]
_OPEN: Final = Step(actions=({"navigate": {"url": "{site}/form"}},))
MIXED: Final = Scenario(name="mixed", steps=(*(_ROUND * (STEPS // len(_ROUND)))[:-1], _LAST))
PAGES: Final = Scenario(name="pages", steps=(*(_OPEN,) * (STEPS - 1), _LAST))


class Asked:
    """Passes requests on, and notes the time of each."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._times: list[float] = []
        self._changed = threading.Condition()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI call."""
        with self._changed:
            self._times.append(time.perf_counter())
            self._changed.notify_all()
        await self._app(scope, receive, send)

    def rate_since(self, moment: float) -> float:
        """Questions per second from the first one after a moment to the last; what came before and after is left out."""
        with self._changed:
            found = [at for at in self._times if at > moment]
        return (len(found) - 1) / (found[-1] - found[0])

    def first_after(self, moment: float, timeout: float) -> float:
        """When the model was asked first after a moment."""
        with self._changed:
            self._changed.wait_for(lambda: any(at > moment for at in self._times), timeout)
            return min(at for at in self._times if at > moment)


@dataclass(frozen=True)
class Lab:
    """Addresses and what listens there."""

    site: str
    model: str
    spans: str
    asked: Asked
    sink: SpanSink

    def task(self, name: str) -> str:
        """The task that plays a scenario."""
        return f"[scenario: {name}] site: {self.site}"


@contextmanager
def lab() -> Generator[Lab]:
    """All of it, for the length of the block."""
    asked, sink = Asked(scripted_model([MIXED, PAGES], latency=scenario.MODEL_SECONDS)), SpanSink()
    with (
        serve_in_thread(demo_site()) as site,
        serve_in_thread(asked) as model,
        serve_in_thread(sink.app()) as spans,
    ):
        yield Lab(site, model, spans, asked, sink)
