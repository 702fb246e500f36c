"""The SDK's batch span processor, with an account of every span that went in.

The SDK drops the oldest span of a full queue, and counts a refused export as done. Here each sampled span ends up in one of
exported, dropped or failed: started = exported + dropped_queue_full + failed + queued.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Sequence
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from browserwatch.events import Emit, SpansCounted

logger: Final = logging.getLogger("browserwatch.tracing")
WARN_EVERY_SECONDS: Final = 300.0


class Account:
    """How many spans wait, and what became of the others."""

    def __init__(self, capacity: int, emit: Emit) -> None:
        self.capacity = capacity
        self.waiting = 0
        self._emit = emit
        self._lock = threading.Lock()
        self._next_warning = 0.0

    def queued(self) -> None:
        """A span is about to enter the queue; a full queue loses its oldest one for it."""
        with self._lock:
            if self.waiting < self.capacity:
                self.waiting += 1
                return
        self._settle("dropped_queue_full", 1)

    def taken(self, count: int) -> None:
        """Spans left the queue for the exporter."""
        with self._lock:
            self.waiting = max(0, self.waiting - count)

    def sent(self, count: int) -> None:
        """The other side took them."""
        self._settle("exported", count)

    def failed(self, count: int) -> None:
        """The other side did not, and they are gone."""
        self._settle("failed", count)

    def closed(self) -> None:
        """The processor shut down; what still waited is lost."""
        with self._lock:
            lost, self.waiting = self.waiting, 0
        if lost:
            self._settle("failed", lost)

    def forked(self) -> None:
        """A fork empties the child's queue (the parent still has and sends those spans)."""
        self._lock = threading.Lock()
        self.waiting = 0

    def _settle(self, result: str, count: int) -> None:
        self._emit(
            SpansCounted(
                result=result, count=count, queue_size=self.waiting, queue_capacity=self.capacity, at=time.time()
            )
        )
        if result != "exported" and time.monotonic() >= self._next_warning:
            self._next_warning = time.monotonic() + WARN_EVERY_SECONDS
            logger.warning(
                "%d span(s) lost (%s); browser_telemetry_spans_total counts them. Next warning in %d s at the earliest.",
                count,
                result,
                WARN_EVERY_SECONDS,
            )


class CountingExporter(SpanExporter):
    """Tells the account what became of each batch."""

    def __init__(self, exporter: SpanExporter, account: Account) -> None:
        self._exporter = exporter
        self._account = account

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch through the wrapped exporter."""
        self._account.taken(len(spans))
        try:
            result = self._exporter.export(spans)
        except BaseException:
            self._account.failed(len(spans))
            raise
        (self._account.sent if result is SpanExportResult.SUCCESS else self._account.failed)(len(spans))
        return result

    def shutdown(self) -> None:
        """Close the wrapped exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the wrapped exporter."""
        return self._exporter.force_flush(timeout_millis)


class AccountingBatchSpanProcessor(BatchSpanProcessor):
    """`BatchSpanProcessor` whose losses are counted."""

    def __init__(
        self,
        exporter: SpanExporter,
        emit: Emit,
        *,
        max_queue_size: int,
        schedule_delay_millis: float,
        max_export_batch_size: int,
        export_timeout_millis: float,
    ) -> None:
        self.account = Account(max_queue_size, emit)
        super().__init__(
            CountingExporter(exporter, self.account),
            max_queue_size=max_queue_size,
            schedule_delay_millis=schedule_delay_millis,
            max_export_batch_size=max_export_batch_size,
            export_timeout_millis=export_timeout_millis,
        )
        forked = weakref.WeakMethod(self.account.forked)
        os.register_at_fork(after_in_child=lambda: (method := forked()) and method())

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a sampled span."""
        if span.context is not None and span.context.trace_flags.sampled:
            self.account.queued()
        super().on_end(span)

    def shutdown(self) -> None:
        """Send what waits, then stop; what could not be sent is counted as failed."""
        super().shutdown()
        self.account.closed()
