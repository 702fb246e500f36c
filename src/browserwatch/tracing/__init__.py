"""Traces: a ready set-up for programs that have none, and the batch processor with an honest account of lost spans.

Programs with an OpenTelemetry set-up of their own need nothing from here: the instrumentation uses whatever provider is
there, and costs nothing when there is none.
"""

from browserwatch.tracing.setup import (
    Tracing,
    configure_tracing,
    export_only_if_asked,
    otel_batch_span_processor,
)

__all__ = ["Tracing", "configure_tracing", "export_only_if_asked", "otel_batch_span_processor"]
