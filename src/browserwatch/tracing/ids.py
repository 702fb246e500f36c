"""Ids of spans and traces, as events and records name them."""

from __future__ import annotations

from opentelemetry import trace


def span_ids(span: trace.Span | None = None) -> dict[str, str]:
    """Ids for an event's exemplar, only of a sampled span: an exemplar must lead somewhere. By default the current one."""
    context = (span or trace.get_current_span()).get_span_context()
    if not context.trace_flags.sampled:
        return {}
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}


def trace_id() -> str:
    """The current trace, sampled or not; empty when there is none."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""
