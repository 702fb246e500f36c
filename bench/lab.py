"""What every arm works with: the demo site, a scripted model that notes when it was asked, and a receiver of spans."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from browserwatch.demo import Scenario, SpanSink, Step, demo_site, scripted_model, serve_in_thread

MODEL_SECONDS = 0.05
STEPS = 10
WORK = Scenario(
    name="bench",
    steps=(
        Step(actions=({"navigate": {"url": "{site}/table"}},)),
        *(Step(actions=({"navigate": {"url": "{site}/form"}},)) for _ in range(STEPS - 2)),
        Step(actions=({"done": {"text": "Done.", "success": True}},)),
    ),
)


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

    @property
    def task(self) -> str:
        """The task that plays the scenario."""
        return f"[scenario: {WORK.name}] site: {self.site}"


@contextmanager
def lab() -> Generator[Lab]:
    """All of it, for the length of the block."""
    asked, sink = Asked(scripted_model([WORK], latency=MODEL_SECONDS)), SpanSink()
    with (
        serve_in_thread(demo_site()) as site,
        serve_in_thread(asked) as model,
        serve_in_thread(sink.app()) as spans,
    ):
        yield Lab(site, model, spans, asked, sink)
