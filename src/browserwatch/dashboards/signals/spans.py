"""Signals about spans: rate, errors and duration by name, from the collector's span metrics."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.foreign import SPAN_CALLS, SPAN_DURATION
from browserwatch.dashboards.signal import Signal, or_zero, rate, share, total, zeros_for

CHOSEN: Final = 'service_name=~"$service"'
ALL: Final = f"{SPAN_CALLS}{{{CHOSEN}}}"
FAILED: Final = f'{SPAN_CALLS}{{{CHOSEN},status_code="STATUS_CODE_ERROR"}}'
BUCKETS: Final = f"{SPAN_DURATION}_bucket{{{CHOSEN}}}"

RATE: Final = Signal(
    or_zero(f"topk(12, {rate(ALL, 'span_name')}) * 60", "span_name"),
    "opm",
    "Spans per minute, the twelve most frequent names at each moment.",
    "{{span_name}}",
)
ERRORS: Final = Signal(
    or_zero(f"topk(12, {rate(FAILED, 'span_name')}) * 60", "span_name"),
    "opm",
    "Failed spans per minute, by name.",
    "{{span_name}}",
)
DURATION: Final = Signal(
    or_zero(f"topk(12, histogram_quantile(0.95, {rate(BUCKETS, 'le, span_name')}) > 0)", "span_name"),
    "s",
    "95th percentile of a span's duration, the twelve slowest names at each moment.",
    "{{span_name}}",
    exemplars=True,
)
EACH: Final = total(ALL, "service_name, span_name")
TABLE: Final = (
    Signal(or_zero(EACH), "short", "Spans in the time shown, by service and name."),
    Signal(or_zero(zeros_for(total(FAILED, "service_name, span_name"), EACH)), "short", "Failed ones."),
)
FAILED_SHARE: Final = Signal(
    or_zero(share(total(FAILED), total(ALL))), "percentunit", "Share of all spans in the time shown that failed."
)
SPANS: Final = Signal(or_zero(total(ALL)), "short", "Spans in the time shown, before sampling.")
