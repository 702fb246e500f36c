"""The process's spans and events: watched like any program that runs browser-use, but the events go to the service."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from browserwatch.errors import BrowserwatchError
from browserwatch.events import Emit
from browserwatch.instrumentation import instrument
from browserwatch.tracing import Tracing, configure_tracing

if TYPE_CHECKING:  # the SDK is an extra
    from opentelemetry.sdk.trace import TracerProvider

logger: Final = logging.getLogger(__name__)

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
EXPORTER: Final = "OTEL_TRACES_EXPORTER"
FLUSH_MILLIS: Final = 2000
SHUTDOWN_SECONDS: Final = 2.0

_propagator: Final = TraceContextTextMapPropagator()


class Telemetry:
    """What the process tells of itself.

    Args:
        emit: takes the events; from any thread.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._tracing: Tracing | None = None
        self._flushing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Watch browser-use, which is not imported yet; send spans if the environment says where to."""
        try:
            instrument(emit=self._emit)
            if _wanted():
                self._tracing = configure_tracing(emit=self._emit)
        except BrowserwatchError as error:
            logger.warning("This agent is not watched: %s", error)

    def flush_soon(self) -> None:
        """Send the spans of a command that ended, beside the next one."""
        if self._tracing is not None and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.create_task(self._flush(self._tracing), name="flush")

    async def _flush(self, tracing: Tracing) -> None:
        provider = cast("TracerProvider", tracing.provider)
        await asyncio.to_thread(provider.force_flush, FLUSH_MILLIS)

    async def shutdown(self) -> None:
        """Send what waits, within a moment."""
        if self._tracing is not None:
            await asyncio.to_thread(self._tracing.shutdown, SHUTDOWN_SECONDS)


def continued(trace: Mapping[str, str]) -> Context:
    """The context of a command's caller."""
    return _propagator.extract(trace, Context())


def _wanted() -> bool:
    chosen = os.environ.get(EXPORTER, "").strip()
    return chosen != "none" and (bool(chosen) or any(os.environ.get(name) for name in ENDPOINTS))
