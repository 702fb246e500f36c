"""Spans and durations of HTTP requests, by OpenTelemetry's instrumentation of FastAPI.

Metrics and health are left out: they are asked for every few seconds, and would be most of what there is to see.
"""

from __future__ import annotations

import functools
import inspect
import os
from typing import Any, Final

from fastapi import FastAPI
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import DropAggregation, ExplicitBucketHistogramAggregation, View
from opentelemetry.trace import Span

# A pattern of the whole URL. A session may be called "metrics", so it has to be the whole path.
UNWATCHED: Final = r"^[a-z]+://[^/]*/(?:metrics|health/[a-z]+)$"
REQUEST_DURATION: Final = "http.server.request.duration"
LABELS: Final = {"http.request.method", "http.route", "http.response.status_code"}
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# The other instruments of the instrumentation. A view named "*" would drop the one that is kept, too.
_DROPPED: Final = (
    "http.server.active_requests",
    "http.server.request.body.size",
    "http.server.response.body.size",
    "http.server.duration",
    "http.server.request.size",
    "http.server.response.size",
)
_OPT_IN: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"


def watch_requests(app: FastAPI) -> None:
    """Have each request traced, as a part of its caller's trace, and timed by method, route template and status."""
    _ask_for_stable_names()
    FastAPIInstrumentor.instrument_app(
        app,
        server_request_hook=_hide_query,
        meter_provider=_meter_provider(),
        excluded_urls=UNWATCHED,
        exclude_spans=["receive", "send"],
    )


def _ask_for_stable_names() -> None:
    """Before its first use the instrumentation must be told, or its metrics have the names of an old convention."""
    wanted = [name for name in os.environ.get(_OPT_IN, "").split(",") if name]
    if "http" not in wanted:
        os.environ[_OPT_IN] = ",".join([*wanted, "http"])


@functools.cache
def _meter_provider() -> MeterProvider:
    """The process's one: its reader is a collector of the Prometheus registry, which takes no second one."""
    views = [
        View(
            instrument_name=REQUEST_DURATION,
            attribute_keys=LABELS,
            aggregation=ExplicitBucketHistogramAggregation(BUCKETS),
        ),
        *(View(instrument_name=name, aggregation=DropAggregation()) for name in _DROPPED),
    ]
    return MeterProvider([_reader()], shutdown_on_exit=False, views=views)


def _reader() -> PrometheusMetricReader:
    options: dict[str, Any] = {"disable_target_info": True}
    # Older releases have neither these labels nor the option to leave them out.
    if "scope_info_enabled" in inspect.signature(PrometheusMetricReader).parameters:
        options["scope_info_enabled"] = False
    return PrometheusMetricReader(**options)


def _hide_query(span: Span, scope: dict[str, Any]) -> None:
    if scope.get("query_string"):
        span.set_attribute("url.query", "REDACTED")
