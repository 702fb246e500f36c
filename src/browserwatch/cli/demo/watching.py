"""Switching browserwatch on as any program does, with two listeners of our own: the board, and the span store."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, cast

from opentelemetry.sdk.trace import TracerProvider

import browserwatch
from browserwatch import metrics
from browserwatch.cli.demo.progress import Board
from browserwatch.cli.demo.spans import SpanStore
from browserwatch.events import Event, StepFinished

MAX_STEPS_KEPT: Final = 1000


@dataclass(slots=True)
class Phases:
    """Takes every event: hands it on to the metrics, and keeps the seconds of each step's phases by its span."""

    of: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])

    def emit(self, event: Event) -> None:
        """Take an event."""
        metrics.record(event)
        if isinstance(event, StepFinished) and len(self.of) < MAX_STEPS_KEPT:
            self.of[event.span_id] = event.phases


@dataclass(frozen=True, slots=True)
class Watch:
    """What has been seen."""

    store: SpanStore
    phases: Phases
    provider: TracerProvider


@contextmanager
def watching(board: Board) -> Generator[Watch]:
    """Watch the agents that run in the block."""
    tracing = browserwatch.configure_tracing("browserwatch-demo")
    provider = cast("TracerProvider", tracing.provider)
    watch = Watch(SpanStore(), Phases(), provider)
    provider.add_span_processor(watch.store)
    provider.add_span_processor(board)
    metrics.register_collectors()
    browserwatch.instrument(emit=watch.phases.emit)
    try:
        yield watch
    finally:
        browserwatch.uninstrument()
        tracing.shutdown()
