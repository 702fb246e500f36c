"""The trace that something happens in, as records and events name it."""

from __future__ import annotations

from opentelemetry import trace


def trace_id() -> str:
    """The current trace, sampled or not; empty when there is none."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def span_ids() -> dict[str, str]:
    """Ids for an event's exemplar, only of a sampled span: an exemplar must lead somewhere."""
    context = trace.get_current_span().get_span_context()
    if not context.trace_flags.sampled:
        return {}
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}
