"""Series of other programs that our dashboards and alerts rely on: (names, labels, whether `$job` and `$instance` apply).

Their names are theirs to change; the end-to-end test asks the real programs for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

Labels: TypeAlias = Mapping[str, tuple[str, ...]]
ANY: Final[tuple[str, ...]] = ()
TARGET: Final[Labels] = {"job": ANY, "instance": ANY}
SPAN: Final[Labels] = {
    **TARGET,
    "service_name": ANY,
    "span_name": ANY,
    "span_kind": (
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
    ),
    "status_code": ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"),
}
SPAN_CALLS: Final = "traces_span_metrics_calls_total"
SPAN_DURATION: Final = "traces_span_metrics_duration_seconds"

REQUESTS: Final = "http_server_request_duration_seconds"
REQUEST: Final[Labels] = {
    **TARGET,
    "http_request_method": ANY,
    "http_route": ANY,
    "http_response_status_code": ANY,
}

FOREIGN: Final[tuple[tuple[tuple[str, ...], Labels, bool], ...]] = (
    # Prometheus, of each target and of itself
    (("up", "scrape_duration_seconds", "scrape_samples_scraped"), TARGET, True),
    (
        ("ALERTS",),
        {**TARGET, "alertname": ANY, "alertstate": ("firing", "pending"), "severity": ANY, "component": ANY},
        False,
    ),
    (("prometheus_notifications_alertmanagers_discovered",), TARGET, False),
    (("prometheus_notifications_errors_total", "prometheus_notifications_dropped_total"), TARGET, False),
    # the collectors of prometheus_client
    (("process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total"), TARGET, True),
    # the span metrics connector of the OpenTelemetry Collector
    ((SPAN_CALLS, f"{SPAN_DURATION}_count", f"{SPAN_DURATION}_sum"), SPAN, False),
    ((f"{SPAN_DURATION}_bucket",), {**SPAN, "le": ANY}, False),
    # the collector's own, spelled as deploy/otel-collector sets it up (without type and unit suffixes)
    (
        ("otelcol_receiver_accepted_spans", "otelcol_receiver_refused_spans"),
        {**TARGET, "receiver": ANY, "transport": ANY},
        False,
    ),
    (
        ("otelcol_exporter_sent_spans", "otelcol_exporter_send_failed_spans"),
        {**TARGET, "exporter": ANY, "server_address": ANY, "server_port": ANY, "url_path": ANY},
        False,
    ),
    (("otelcol_exporter_enqueue_failed_spans",), {**TARGET, "exporter": ANY}, False),
    (
        ("otelcol_exporter_queue_size", "otelcol_exporter_queue_capacity"),
        {**TARGET, "exporter": ANY, "data_type": ANY},
        False,
    ),
    (("otelcol_process_memory_rss", "otelcol_process_uptime"), TARGET, False),
    # OpenTelemetry's instrumentation of FastAPI, in the service
    ((f"{REQUESTS}_count", f"{REQUESTS}_sum"), REQUEST, True),
    ((f"{REQUESTS}_bucket",), {**REQUEST, "le": ANY}, True),
    (("prometheus_rule_evaluation_failures_total",), {**TARGET, "rule_group": ANY}, False),
    (("alertmanager_notification_requests_failed_total",), {**TARGET, "integration": ANY}, False),
)
