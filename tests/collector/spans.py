"""Spans of a program that is watched, sent as its exporter would."""

from __future__ import annotations

import time
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

SERVICE = "shop"


class Spans:
    """Keeps spans until they are sent, all in one request."""

    def __init__(self, resource: Mapping[str, AttributeValue] | None = None) -> None:
        """Of a program with these attributes beside its name."""
        self._kept = InMemorySpanExporter()
        described = Resource({"service.name": SERVICE, **(resource or {})})
        self._provider = TracerProvider(resource=described, shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self._tracer = self._provider.get_tracer("tests")

    def add(
        self,
        name: str,
        attributes: Mapping[str, AttributeValue] | None = None,
        *,
        seconds: float = 0.2,
        error: str | None = None,
        parent: Span | None = None,
    ) -> Span:
        """A finished span: with an error it failed and tells so; without a parent it is a trace of its own."""
        ended = time.time_ns()
        span = self._tracer.start_span(
            name,
            context=None if parent is None else set_span_in_context(parent),
            attributes=attributes,
            start_time=ended - int(seconds * 1e9),
        )
        if error is not None:
            span.record_exception(RuntimeError(error))
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(ended)
        return span

    def send(self, url: str) -> bool:
        """Send and forget those kept; whether they were taken."""
        spans = self._kept.get_finished_spans()
        self._kept.clear()
        exporter = OTLPSpanExporter(f"{url}/v1/traces", timeout=1)
        try:
            return exporter.export(spans) is SpanExportResult.SUCCESS
        finally:
            exporter.shutdown()


def trace_id(span: Span) -> str:
    """As it is written: in hex."""
    return f"{span.get_span_context().trace_id:032x}"
