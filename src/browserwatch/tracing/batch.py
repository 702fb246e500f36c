"""The SDK's batch span processor, with an account of every span that went in.

The SDK drops spans of a full queue silently, and counts a refused export as done. Here each sampled span that ended is in
exactly one place: ended = exported + dropped_queue_full + failed + outstanding.
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

from browserwatch.events import Emit, SpansCounted, SpansQueued

logger: Final = logging.getLogger("browserwatch.tracing")
WARN_EVERY_SECONDS: Final = 300.0
FILL_LEVELS: Final = 16


class Account:
    """Which spans are on their way, and what became of the others.

    Admission is decided here and not by the SDK's queue, whose length can't be read: so what is counted is what happened.

    Args:
        capacity: spans that may wait.
        batch: spans that may be on the wire besides.
        emit: takes the events.
    """

    def __init__(self, capacity: int, batch: int, emit: Emit) -> None:
        self.capacity = capacity
        self.outstanding = 0
        self._limit = capacity + batch
        self._told_every = max(1, capacity // FILL_LEVELS)
        self._emit = emit
        self._lock = threading.Lock()
        self._closed = False
        self._next_warning = 0.0

    def admit(self) -> bool:
        """Whether a span that ended has a place; if not it is lost, and counted."""
        with self._lock:
            if admitted := not self._closed and self.outstanding < self._limit:
                self.outstanding += 1
        if not admitted:
            self._tell("failed" if self._closed else "dropped_queue_full", 1)
        elif self.outstanding % self._told_every == 0:
            # While nothing is sent nothing is settled: a queue that fills must show before it loses the first span.
            self._emit(SpansQueued(queue_size=self._queue_size, queue_capacity=self.capacity))
        return admitted

    def settle(self, result: str, count: int) -> None:
        """Spans that were on their way have arrived, or are gone."""
        with self._lock:
            count = min(count, self.outstanding)  # those that the end gave up are settled already
            self.outstanding -= count
        if count:
            self._tell(result, count)

    def close(self) -> None:
        """The processor shut down; what was still on its way is lost."""
        with self._lock:
            self._closed, lost = True, self.outstanding
        self.settle("failed", lost)

    def forked(self) -> None:
        """A fork empties the child's queue (the parent still has and sends those spans)."""
        self._lock = threading.Lock()
        self.outstanding = 0

    @property
    def _queue_size(self) -> int:
        return min(self.outstanding, self.capacity)

    def _tell(self, result: str, count: int) -> None:
        self._emit(
            SpansCounted(
                result=result, count=count, queue_size=self._queue_size, queue_capacity=self.capacity, at=time.time()
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
        try:
            result = self._exporter.export(spans)
        except BaseException:
            self._account.settle("failed", len(spans))
            raise
        self._account.settle("exported" if result is SpanExportResult.SUCCESS else "failed", len(spans))
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
        self.account = Account(max_queue_size, max_export_batch_size, emit)
        super().__init__(
            CountingExporter(exporter, self.account),
            max_queue_size=max_queue_size + max_export_batch_size,  # the account refuses before this is full
            schedule_delay_millis=schedule_delay_millis,
            max_export_batch_size=max_export_batch_size,
            export_timeout_millis=export_timeout_millis,
        )
        forked = weakref.WeakMethod(self.account.forked)
        os.register_at_fork(after_in_child=lambda: (method := forked()) and method())

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a sampled span."""
        if span.context is not None and span.context.trace_flags.sampled and self.account.admit():
            super().on_end(span)

    def shutdown(self) -> None:
        """Send what waits, then stop; what could not be sent is counted as failed."""
        super().shutdown()
        self.account.close()
